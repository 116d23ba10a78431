"""Records what sacreBLEU 2.6.0 counts and scores on every system of WMT22's general translation task.

Of each system against each reference and against both: BLEU, chrF, chrF++ and TER (for Chinese, against reference A,
also TER by character, which takes minutes), as the sums of the statistics, a checksum of the rows of all segments, the score and the signature.
The texts are not kept here: they are the data set wmt22-mt.

Run: python translations.py DATA, where DATA holds wmt22-mt; writes translations.json.gz beside itself. It is slow (TER):
what is done is kept line by line in the file translations.part in the folder for temporary files, and a second run
goes on from there. Python 3.11.
"""

import gzip
import json
import logging
import sys
import tempfile
import zlib
from pathlib import Path

from sacrebleu.metrics import BLEU, CHRF, TER

logging.disable(logging.CRITICAL)
HERE = Path(__file__).resolve().parent
DATA = Path(sys.argv[1]) / "wmt22-mt"
PART = Path(tempfile.gettempdir()) / "translations.part"
KINDS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}


def lines(path):
    text = gzip.decompress(path.read_bytes()).decode()
    return text.removesuffix("\n").split("\n")


def settings(target, references):
    yield "bleu", {"tokenize": "zh" if target == "zh" else "13a"}
    yield "chrf", {}
    yield "chrf", {"word_order": 2}
    yield "ter", {}
    if target == "zh" and references == "A":
        yield "ter", {"normalized": True, "asian_support": True}


done = [json.loads(line) for line in PART.read_text().splitlines()] if PART.exists() else []
known = {json.dumps([row[key] for key in ["pair", "system", "references", "kind", "settings"]]) for row in done}
with PART.open("a") as part:
    for pair in ["de-en", "en-de", "en-zh"]:
        target = pair.split("-")[1]
        for file in sorted((DATA / pair).glob("hyp.*")):
            system = file.name.split(".")[1]
            hypotheses = lines(file)
            for references in ["A", "B", "AB"]:
                streams = [lines(DATA / pair / f"ref.{name}.{target}.gz") for name in references]
                for kind, options in settings(target, references):
                    row = {"pair": pair, "system": system, "references": references, "kind": kind, "settings": options}
                    if json.dumps(list(row.values())) in known:
                        continue
                    metric = KINDS[kind](**options)
                    statistics = metric._extract_corpus_statistics(hypotheses, streams)
                    # TER divides by the mean length of the references; everything else is whole numbers.
                    text = "\n".join(" ".join(f"{value:.6g}" if kind == "ter" else str(int(value)) for value in one)
                                     for one in statistics)
                    row["checksum"] = zlib.crc32(text.encode())
                    row["totals"] = [sum(column) for column in zip(*statistics)]
                    row["score"] = metric._aggregate_and_compute(statistics).score
                    row["signature"] = metric.get_signature().format()
                    part.write(json.dumps(row) + "\n")
                    part.flush()
                    done.append(row)
                    print(pair, system, references, kind, options, row["score"])

data = json.dumps({"versions": {"sacrebleu": "2.6.0"}, "configurations": done}, indent=None, separators=(",", ":"))
(HERE / "translations.json.gz").write_bytes(gzip.compress(data.encode(), 9, mtime=0))
print(len(data), len(done))
