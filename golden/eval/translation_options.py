"""Records what sacreBLEU 2.6.0 counts and scores with every option on every system of WMT22's general translation task.

Beside translations.py, which has the default settings: all tokenizers and smoothings of BLEU, all options of chrF and
of TER, of whole outputs and of every sentence alone, with several references of which some are missing. References
are A, B, or both with holes ("AB-": segment 0, 3, 6 … has no B, segment 1, 4, 7 … no A). Kept are the sums of the
statistics, a checksum of the rows of all segments, the score, the signature, and of the scores of single sentences
the sum, the sum weighted by 1 to 7 in turn, and every 400th. All is taken of all segments. The texts are not kept here:
they are the data set wmt22-mt.

Run: python translation_options.py DATA [PAIR ...], where DATA holds wmt22-mt; without PAIR it writes
translation_options.json.gz beside itself. It is slow (TER): what is done is kept line by line in files
translation_options.PAIR.part in the folder for temporary files, so that pairs can be run side by side first and a
run goes on where it was. Python 3.11.
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
KINDS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
ALL = ["A", "B", "AB-"]
STEP = 400
NAME = ["pair", "system", "references", "kind", "settings"]


def lines(path):
    text = gzip.decompress(path.read_bytes()).decode()
    return text.removesuffix("\n").split("\n")


def plans(target):
    """Kind, settings, references."""
    for tokenize in ["13a", "intl", "char", "zh", "none"]:
        yield "bleu", {"tokenize": tokenize}, ALL
    yield "bleu", {"tokenize": "13a", "lowercase": True}, ALL
    for method, value in [("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 2.5), ("exp", None)]:
        yield "bleu", {"tokenize": "13a", "smooth_method": method, "smooth_value": value, "effective_order": True}, ["A", "AB-"]
    yield "bleu", {"tokenize": "13a", "smooth_method": "none"}, ["A"]
    for options in [{}, {"word_order": 1}, {"word_order": 2}, {"beta": 1}, {"beta": 3, "word_order": 2}, {"char_order": 4},
                    {"whitespace": True}, {"lowercase": True}, {"eps_smoothing": True},
                    {"eps_smoothing": True, "word_order": 2, "whitespace": True, "lowercase": True},
                    {"char_order": 1}, {"char_order": 3, "word_order": 1, "beta": 5}]:
        yield "chrf", options, ALL
    if target == "zh":
        yield "chrf", {"char_order": 10}, ALL
        yield "chrf", {"char_order": 8, "word_order": 4, "whitespace": True}, ALL
    by_character = {"normalized": True, "asian_support": True}
    if target == "zh":
        yield "ter", by_character, ALL
    for options in [{}, {"case_sensitive": True}, {"normalized": True}, {"no_punct": True}, {"no_punct": True, "asian_support": True},
                    {"normalized": True, "no_punct": True, "case_sensitive": True}]:
        yield "ter", options, ["AB-"] if not options else ["A", "AB-"]
    if target == "zh":
        yield "ter", dict(by_character, no_punct=True, case_sensitive=True), ALL


def streams(pair, target, references):
    both = [lines(DATA / pair / f"ref.{name}.{target}.gz") for name in references.rstrip("-")]
    if references.endswith("-"):
        a, b = both
        return [[None if i % 3 == 1 else text for i, text in enumerate(a)], [None if i % 3 == 0 else text for i, text in enumerate(b)]]
    return both


def record(kind, options, hypotheses, references):
    metric = KINDS[kind](**options)
    statistics = metric._extract_corpus_statistics(hypotheses, references)
    # TER divides by the mean length of the references; everything else is whole numbers.
    text = "\n".join(" ".join(f"{value:.6g}" if kind == "ter" else str(int(value)) for value in one) for one in statistics)
    alone = [metric._aggregate_and_compute([one]).score for one in statistics]
    return {
        "checksum": zlib.crc32(text.encode()), "totals": [sum(column) for column in zip(*statistics)],
        "score": metric._aggregate_and_compute(statistics).score, "signature": metric.get_signature().format(),
        "sentence_sums": [sum(alone), sum((1 + i % 7) * score for i, score in enumerate(alone))], "every": STEP, "sentences": alone[::STEP],
    }


def run(pair):
    path = Path(tempfile.gettempdir()) / f"translation_options.{pair}.part"
    known = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        row = json.loads(line)
        known[json.dumps([row[key] for key in NAME])] = row
    done = []
    target = pair.split("-")[1]
    outputs = {file.name.split(".")[1]: lines(file) for file in sorted((DATA / pair).glob("hyp.*"))}
    with path.open("a") as part:
        for kind, options, sets in plans(target):
            for references in sets:
                for system, hypotheses in outputs.items():
                    row = dict(zip(NAME, [pair, system, references, kind, options]))
                    name = json.dumps(list(row.values()))
                    if name not in known:
                        known[name] = row | record(kind, options, hypotheses, streams(pair, target, references))
                        part.write(json.dumps(known[name]) + "\n")
                        part.flush()
                    done.append(known[name])
                print(pair, references, kind, options, flush=True)
    return done


if sys.argv[2:]:
    for pair in sys.argv[2:]:
        run(pair)
else:
    everything = [row for pair in ["de-en", "en-de", "en-zh"] for row in run(pair)]
    data = json.dumps({"versions": {"sacrebleu": "2.6.0"}, "configurations": everything}, separators=(",", ":"))
    (HERE / "translation_options.json.gz").write_bytes(gzip.compress(data.encode(), 9, mtime=0))
    print(len(data), len(everything))
