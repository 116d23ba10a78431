"""Makes parquet_rows.json.gz: small Parquet files of the kinds that data sets of hubs have, each whole (a byte is a
Latin-1 character), with the rows that pyarrow reads from it.

    python parquet_rows.py

Needs pyarrow (its version is recorded). Kinds: Snappy, gzip, Zstandard and no compression, dictionaries and plain values, pages of both
versions, several row groups and pages; texts, numbers, null, lists, structures of lists (the answers of XQuAD have
that shape), lists of structures. `other` are files that are refused: another compression. `larger` is a file
whose one column unpacks to two million bytes, and says of itself that they are half as many; `bomb` one that holds
three hundred million letters in some ten thousand bytes. `counts` are files of which a page says more than it holds:
how many values a dictionary has, how many lengths there are in either part of a delta encoding; and whole files of which
the values take beyond measure more than the file: nulls without end, and one long text repeated.
"""

import gzip
import io
import json
import os
import random

import pyarrow
import pyarrow.parquet

random.seed(20261126)
WORDS = "a the model reads rows naïve façade 你好 สวัสดี 😀 , .".split()


def text():
    return " ".join(random.choice(WORDS) for _ in range(random.randint(0, 12)))


def row(i):
    return {
        "id": f"row-{i}", "question": text(), "score": random.choice([None, i / 8, -1.5]), "count": i, "right": i % 3 == 0,
        "level": random.choice(["low", "high"]), "options": [text() for _ in range(i % 4)],
        "answers": {"text": [text() for _ in range(1 + i % 2)], "answer_start": [i, i + 1][: 1 + i % 2]},
        "messages": [{"role": "user", "content": text()}, {"role": "assistant", "content": None if i % 5 == 0 else text()}],
    }


def file(rows, deltas=None, **settings):
    table = pyarrow.Table.from_pylist(rows)
    if deltas:
        texts = ["id", "question", "options.list.element", "answers.text.list.element", "messages.list.element.content"]
        texts = [name for name in texts if name.split(".")[0] in table.column_names] or table.column_names
        settings |= {"use_dictionary": False, "column_encoding": {name: deltas for name in texts}}
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, **settings)
    return out.getvalue().decode("latin-1"), table.to_pylist()


cases = []
for settings, n in [
    ({}, 40), ({"compression": "none", "use_dictionary": False}, 12), ({"data_page_version": "2.0"}, 40),
    ({"row_group_size": 7, "data_page_size": 64}, 40), ({"compression": "none", "data_page_version": "2.0", "use_dictionary": False}, 12),
    ({"compression": "gzip"}, 40), ({"compression": "gzip", "data_page_version": "2.0", "data_page_size": 64}, 12),
    ({"compression": "zstd"}, 40), ({"compression": "zstd", "data_page_version": "2.0", "data_page_size": 64}, 12),
    ({"compression": "zstd", "use_dictionary": False, "row_group_size": 7, "compression_level": 19}, 40),
    ({"deltas": "DELTA_BYTE_ARRAY"}, 300), ({"deltas": "DELTA_BYTE_ARRAY", "compression": "zstd", "data_page_version": "2.0", "data_page_size": 64}, 40),
    ({"deltas": "DELTA_LENGTH_BYTE_ARRAY"}, 300), ({"deltas": "DELTA_LENGTH_BYTE_ARRAY", "compression": "none", "data_page_version": "2.0"}, 12),
]:
    encoded, rows = file([row(i) for i in range(n)], **settings)
    cases.append({"settings": settings, "file": encoded, "rows": rows})
other = {kind: file([row(0)], compression=kind)[0] for kind in ["brotli", "lz4"]}


def varint(number):
    """As the footer has it: zigzag, seven bits a byte."""
    number, out = 2 * number, b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return (out + bytes([number])).decode("latin-1")


larger, _ = file([{"text": "a" * 2_000_000}], compression="zstd", use_dictionary=False, write_statistics=False, store_schema=False)
column = pyarrow.parquet.ParquetFile(io.BytesIO(larger.encode("latin-1"))).metadata.row_group(0).column(0)
said, half = varint(column.total_uncompressed_size), varint(1_100_000)
assert len(said) == len(half)
# The row group says it too, after the column.
larger = larger.replace(said, half)
bomb, _ = file([{"text": "a" * 300_000_000}], compression="zstd", use_dictionary=False, write_statistics=False, store_schema=False)

def forged(encoded, found, number, other, at=0):
    """The file in which the number that follows `found` at its place `at` from the front is another."""
    places = [i for i in range(len(encoded)) if encoded.startswith(found + number, i)]
    assert len(number) == len(other) and len(places) > at, (len(places), number, other)
    place = places[at] + len(found)
    return encoded[:place] + other + encoded[place + len(other):]


plain = {"compression": "none", "write_statistics": False, "store_schema": False}
dictionary, _ = file([{"level": level} for level in ["low", "high", "low"]], **plain)
texts = [{"text": f"row {i}"} for i in range(300)]
byte_array, _ = file(texts, deltas="DELTA_BYTE_ARRAY", **plain)
lengths, _ = file(texts, deltas="DELTA_LENGTH_BYTE_ARRAY", **plain)
# Blocks of 128 in four parts, then how many: 300, and 16,383 instead.
deltas = ["\x80\x01\x04", "\xac\x02", "\xff\x7f"]
counts = {
    # A header of a dictionary is field 7; its field 1 is how many.
    "a dictionary of 63 values in 15 bytes": forged(dictionary, "\x4c\x15", "\x04", "\x7e"),
    "16383 lengths for 300 values": forged(byte_array, *deltas),
    "16383 lengths for 300 values, in the second part": forged(byte_array, *deltas, at=1),
    "16383 lengths for 300 values, without beginnings": forged(lengths, *deltas),
    "its pages claim to hold more than a thousand times their size": file([{"text": None}] * 5_000_000, use_dictionary=False)[0],
    "texts that repeat one another beyond measure": file([{"text": "a" * 100_000}] * 4_000, deltas="DELTA_BYTE_ARRAY", **plain)[0],
}
out = {"counts": counts, "versions": {"pyarrow": pyarrow.__version__}, "cases": cases, "other": other, "larger": larger, "bomb": bomb}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parquet_rows.json.gz")
data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
with open(path, "wb") as target:
    target.write(gzip.compress(data, 9, mtime=0))
print(os.path.getsize(path), pyarrow.__version__)
