"""Records sacreBLEU 2.6.0's resampling (numpy 2.4.6) on texts made here: intervals, paired bootstrap,
approximate randomisation. Run: python resampling.py; writes resampling.json.gz beside itself."""

import gzip
import json
import logging
import random

import numpy
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

logging.disable(logging.CRITICAL)
random.seed(7)
WORDS = "the a cat dog sat on mat ran quickly . , and was not very happy in house it he she runs running".split()


def noisy(words, rate):
    return " ".join(random.choice(WORDS) if random.random() < rate else word for word in words)


references = [[random.choice(WORDS) for _ in range(random.randint(3, 25))] for _ in range(211)]
systems = [(name, [noisy(words, rate) for words in references]) for name, rate in [("base", 0.3), ("same", 0.31), ("worse", 0.34)]]
second = [noisy(words, 0.1) for words in references]
references = [" ".join(words) for words in references]
streams = [references, second]
metrics = {"BLEU": BLEU, "chrF2++": lambda **k: CHRF(word_order=2, **k), "TER": TER}

rng = numpy.random.default_rng(12345)
out = {
    "integers": rng.choice(3004, size=20).tolist(), "booleans": rng.integers(2, size=70, dtype=bool).tolist(),
    "more": rng.choice(10, size=9).tolist(),
    "references": references, "second": second, "systems": systems, "single": {}, "bs": {}, "ar": {},
}
for name, make in metrics.items():
    metric = make()
    score = metric.corpus_score(systems[0][1], streams, n_bootstrap=1000)
    out["single"][name] = [score.score, float(score._mean), float(score._ci)]
for kind in ["bs", "ar"]:
    test = PairedTest(systems, {name: make(references=streams) for name, make in metrics.items()}, None, test_type=kind, n_samples=1000)
    _, results = test()
    for name in metrics:
        out[kind][name] = [[r.score, r.p_value, None if r.mean is None else float(r.mean), None if r.ci is None else float(r.ci)] for r in results[name]]
data = json.dumps(out, separators=(",", ":")).encode()
with open("resampling.json.gz", "wb") as file:
    file.write(gzip.compress(data, 9, mtime=0))
print({k: out[k] for k in ["single", "bs", "ar"]})
