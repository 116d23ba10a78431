"""Millions of lines in bounded memory: `grimoire score` on plain text, JSON Lines, CSV and TSV, also gzip-compressed.

Run: cargo build --release && python bench/millions.py DATA [PAIRS]
where DATA holds wmt22-mt; PAIRS is 5,000,000 unless given. Files of PAIRS pairs of lines (five de-en outputs against
reference A, repeated) are made in a temporary folder, one format at a time, about 2 GB at most, and deleted.

Prints for each metric and format the seconds on the wall, those of the processor, and the most memory that was
resident; then the same for a tenth of the pairs, which says whether memory grows with them. One score is printed for
each, so that formats can be seen to agree. Needs nothing beyond Python's own library.
"""

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

data = sys.argv[1]
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
BINARY = "target/release/grimoire"
FORMATS = ["txt", "txt.gz", "jsonl", "jsonl.gz", "csv", "csv.gz", "tsv", "tsv.gz"]
METRICS = {"bleu": [], "chrf": [], "ter": [], "rouge": ["--stem"]}


def lines(name):
    with gzip.open(os.path.join(data, "wmt22-mt", "de-en", name), "rt", newline="\n", encoding="utf-8") as file:
        return [line.rstrip("\n").replace("\t", " ") for line in file]


def block(texts, form):
    """The texts in this format, without a header."""
    if form.startswith("txt"):
        return "".join(text + "\n" for text in texts)
    if form.startswith("jsonl"):
        return "".join(json.dumps({"id": 1, "text": text}, ensure_ascii=False) + "\n" for text in texts)
    if form.startswith("tsv"):
        return "".join(f"1\t{text}\n" for text in texts)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([1, text] for text in texts)
    return out.getvalue()


def write(path, texts, form, pairs):
    opened = gzip.open(path, "wt", compresslevel=1, encoding="utf-8") if form.endswith(".gz") else open(path, "w", encoding="utf-8")
    whole = block(texts, form)
    with opened as file:
        file.write({"csv": "id,text\n", "tsv": "id\ttext\n"}.get(form[:3], ""))
        for _ in range(pairs // len(texts)):
            file.write(whole)
        file.write(block(texts[: pairs % len(texts)], form))


def measure(metric, folder, form):
    field = [] if form.startswith("txt") else ["--field", "text", "--ref-field", "text"]
    files = ["--hyp", f"{folder}/hyp.{form}", "--ref", f"{folder}/ref.{form}"]
    start = time.time()
    child = subprocess.Popen([BINARY, "score", metric, *files, *field, *METRICS[metric], "--json"], stdout=subprocess.PIPE)
    report = json.loads(child.stdout.read())
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    wall = time.time() - start
    assert report["n"] == PAIRS or report["n"] == PAIRS // 10
    print(f"| {metric} | .{form} | {report['n']:,} | {wall:.0f} | {usage.ru_utime + usage.ru_stime:.0f} | {usage.ru_maxrss / 1024:.0f} | {report['score']:.10f} |", flush=True)


reference = lines("ref.A.en.gz")
names = ["Online-A", "Online-B", "Online-G", "Online-W", "PROMT"]
outputs = [lines(f"hyp.{name}.en.gz") for name in names]
hyp, ref = sum(outputs, []), reference * len(names)
print("| metric | files | pairs | s | s of processor | MB at most | score |\n| --- | --- | --- | --- | --- | --- | --- |")
for pairs, forms in [(PAIRS // 10, ["txt"]), (PAIRS, FORMATS)]:
    for form in forms:
        folder = tempfile.mkdtemp()
        try:
            write(f"{folder}/hyp.{form}", hyp, form, pairs)
            write(f"{folder}/ref.{form}", ref, form, pairs)
            # Compression is the same for every format: one with all metrics is enough.
            for metric in METRICS if form in ["txt", "txt.gz", "jsonl", "csv"] else ["bleu"]:
                measure(metric, folder, form)
        finally:
            shutil.rmtree(folder)
