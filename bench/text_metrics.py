"""Text and tagging metrics against sacrebleu 2.6.0, rouge_score 0.1.2 and seqeval 1.2.2, on one core.

Run: cargo build --release -p grimoire-eval --example metric_speed
     RAYON_NUM_THREADS=1 python bench/text_metrics.py DATA/wmt22-mt
Both sides are timed in processor time (user and system), so that a busy machine does not matter much.
Grimoire scores 100,000 segments (the de-en outputs repeated, so caches of the peers help them), reading
included; the peers score as many of the same segments as ten seconds or so allow.
"""

import gzip
import logging
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

logging.disable(logging.CRITICAL)
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

data = sys.argv[1]
N = 100_000
binary = "target/release/examples/metric_speed"


def lines(name):
    with gzip.open(os.path.join(data, "de-en", name), "rt", newline="\n") as file:
        return [line.rstrip("\n") for line in file]


reference, systems = lines("ref.A.en.gz"), [lines(f"hyp.{s}.en.gz") for s in ["Online-A", "Online-B", "Online-G", "Online-W", "PROMT"]]
pairs = [(hyp[i], reference[i]) for hyp in systems for i in range(len(reference))]
many = (pairs * (N // len(pairs) + 1))[:N]
folder = tempfile.mkdtemp()


def write(name, texts):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("".join(text + "\n" for text in texts))
    return path


def ours(metric, hyp, ref):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([binary, metric, hyp, ref], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out.strip()


def theirs(run, n):
    start = time.process_time()
    run(n)
    return time.process_time() - start


hyp, ref = write("hyp", [h for h, _ in many]), write("ref", [r for _, r in many])
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
peers = {
    "bleu": (lambda n: BLEU().corpus_score([h for h, _ in pairs[:n]], [[r for _, r in pairs[:n]]]), 1500),
    "chrf": (lambda n: CHRF().corpus_score([h for h, _ in pairs[:n]], [[r for _, r in pairs[:n]]]), 1500),
    "ter": (lambda n: TER().corpus_score([h for h, _ in pairs[:n]], [[r for _, r in pairs[:n]]]), 300),
    "rouge": (lambda n: [scorer.score(r, h) for h, r in pairs[:n]], 1500),
}
print(f"{'metric':<10}{'peer /s':>12}{'grimoire /s':>14}{'ratio':>8}")
for metric, (run, n) in peers.items():
    peer = n / theirs(run, n)
    own = N / min(ours(metric, hyp, ref)[0] for _ in range(2))
    print(f"{metric:<10}{peer:>12.0f}{own:>14.0f}{own / peer:>8.1f}", flush=True)

random.seed(1)


def tags(n):
    out = []
    while len(out) < n:
        out += random.choice([["O"], ["O", "O"], ["B-PER", "I-PER"], ["B-LOC"], ["B-ORG", "I-ORG", "I-ORG"]])
    return out[:n]


truth = [tags(20) for _ in range(5000)]
guess = [[random.choice(["O", "B-PER", "I-PER"]) if random.random() < 0.1 else t for t in s] for s in truth]
small = 400
peer = small * 20 / theirs(lambda n: f1_score(truth[:n], guess[:n], mode="strict", scheme=IOB2), small)
a, b = write("guess", [" ".join(s) for s in guess]), write("truth", [" ".join(s) for s in truth])
own = 5000 * 20 / min(ours("entities", a, b)[0] for _ in range(2))
print(f"{'entities':<10}{peer:>12.0f}{own:>14.0f}{own / peer:>8.1f}  (tokens)")
print("10,000 resamples of 16 systems,", len(reference), "segments:", ours("resample", write("h1", systems[0]), write("r1", reference))[1])
