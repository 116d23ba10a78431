"""Makes parquet_rows.json.gz: small Parquet files of the kinds that data sets of hubs have, each whole (a byte is a
Latin-1 character), with the rows that pyarrow reads from it.

    python parquet_rows.py

Needs pyarrow (its version is recorded). Kinds: Snappy, gzip, Zstandard and no compression, dictionaries and plain values, pages of both
versions, several row groups and pages; texts, numbers, null, lists, structures of lists (the answers of XQuAD have
that shape), lists of structures. `other` are files that are refused: another compression. `larger` is a file
whose one column unpacks to two million bytes, and says of itself that they are half as many; `bomb` one that holds
three hundred million letters in some ten thousand bytes.
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


def file(rows, **settings):
    table = pyarrow.Table.from_pylist(rows)
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
out = {"versions": {"pyarrow": pyarrow.__version__}, "cases": cases, "other": other, "larger": larger, "bomb": bomb}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parquet_rows.json.gz")
data = json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
with open(path, "wb") as target:
    target.write(gzip.compress(data, 9, mtime=0))
print(os.path.getsize(path), pyarrow.__version__)
