"""Text and tagging metrics against sacrebleu 2.6.0, rouge_score 0.1.2 and seqeval 1.2.2, on one core.

Run: cargo build --release -p grimoire-eval --example metric_speed
     RAYON_NUM_THREADS=1 python bench/text_metrics.py DATA [METRIC ...]
where DATA holds wmt22-mt, wmt17-en-de and wnut17; METRIC is bleu, chrf, ter, rouge, entities or resample (default: all).

Peer and Grimoire are timed in turn, twice, texts already in memory, the better time of each taken. Grimoire
scores 100,000 segments (five de-en outputs, repeated); a peer that would need minutes for them scores the
first SAMPLE of the same segments, and its segments a second are compared. Both must give the same score on that
sample, or the script stops. Peers are timed in processor time, Grimoire on the wall.
"""

import gzip
import itertools
import logging
import os
import subprocess
import sys
import tempfile
import time

logging.disable(logging.CRITICAL)
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

data, wanted = sys.argv[1], sys.argv[2:] or ["bleu", "chrf", "ter", "rouge", "entities", "resample"]
N = 100_000
# Segments that a peer scores in one go.
SAMPLE = {"bleu": 30_000, "chrf": 9_000, "ter": 4_000, "rouge": 9_000}
binary = "target/release/examples/metric_speed"
folder = tempfile.mkdtemp()


def lines(*path):
    with gzip.open(os.path.join(data, *path), "rt", newline="\n", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def write(name, texts):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(text + "\n" for text in texts))
    return path


def ours(*arguments, threads="1"):
    environment = dict(os.environ, RAYON_NUM_THREADS=threads)
    out = subprocess.run([binary, *arguments], capture_output=True, text=True, check=True, env=environment).stdout
    score, seconds = out.split()
    return float(score), float(seconds)


def theirs(run):
    start = time.process_time()
    score = run()
    return score, time.process_time() - start


def contest(metric, run, sample, n, unit, small, whole):
    """Times `run`, which scores `sample` units, and Grimoire on the files of `n` units, in turn."""
    peer, own = 0.0, 0.0
    for _ in range(2):
        expected, seconds = theirs(run)
        peer = max(peer, sample / seconds)
        own = max(own, n / ours(metric, *whole, "2")[1])
    found, _ = ours(metric, *small, "0.01")
    assert abs(found - expected) <= 1e-9 * abs(expected), (metric, found, expected)
    print(f"{metric:<10}{peer:>12.0f}{own:>14.0f}{own / peer:>9.1f}   {sample} and {n} {unit}", flush=True)


reference = lines("wmt22-mt", "de-en", "ref.A.en.gz")
systems = [lines("wmt22-mt", "de-en", f"hyp.{s}.en.gz") for s in ["Online-A", "Online-B", "Online-G", "Online-W", "PROMT"]]
pairs = [(hyp[i], reference[i]) for hyp in systems for i in range(len(reference))]
pairs = (pairs * (N // len(pairs) + 1))[:N]
whole = write("hyp", [h for h, _ in pairs]), write("ref", [r for _, r in pairs])
scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
PEERS = {
    "bleu": lambda h, r: BLEU(force=True).corpus_score(h, [r]).score,
    "chrf": lambda h, r: CHRF().corpus_score(h, [r]).score,
    "ter": lambda h, r: TER().corpus_score(h, [r]).score,
    "rouge": lambda h, r: sum(scorer.score(b, a)["rougeL"].fmeasure for a, b in zip(h, r)) / len(h),
}
print(f"{'metric':<10}{'peer /s':>12}{'grimoire /s':>14}{'ratio':>9}   scored by each")
for metric, run in PEERS.items():
    if metric in wanted:
        n = SAMPLE[metric]
        h, r = [h for h, _ in pairs[:n]], [r for _, r in pairs[:n]]
        contest(metric, lambda: run(h, r), n, N, "segments", (write("h", h), write("r", r)), whole)

if "entities" in wanted:
    # The test set of WNUT-17 and those of its published outputs that have its tokens, about 100,000 in all.
    def sentences(column, *path):
        out = [[]]
        for line in lines("wnut17", *path):
            if line.split():
                out[-1].append(line.split()[column])
            elif out[-1]:
                out.append([])
        return [sentence for sentence in out if sentence]

    gold = sentences(1, "test.conll.gz")
    flat = [tag for sentence in gold for tag in sentence]
    truth, guess = [], []
    for name in sorted(os.listdir(os.path.join(data, "wnut17", "submissions"))):
        tags = [tag for sentence in sentences(-1, "submissions", name) for tag in sentence]
        if len(tags) == len(flat):
            truth += flat
            guess += tags
    lengths = [len(sentence) for sentence in gold] * (len(truth) // len(flat))
    for name, lengths in [("sentences", lengths), ("of 512", [512] * (len(truth) // 512))]:
        cut = lambda tags: [tags[end - n:end] for n, end in zip(lengths, itertools.accumulate(lengths))]
        t, g = cut(truth), cut(guess)
        files = write("guess", [" ".join(s) for s in g]), write("truth", [" ".join(s) for s in t])
        run = lambda: float(f1_score(t, g, mode="strict", scheme=IOB2))
        contest("entities", run, sum(lengths), sum(lengths), f"tokens in {len(lengths)} {name}", files, files)

if "resample" in wanted:
    folder17 = os.path.join(data, "wmt17-en-de")
    names = sorted(name for name in os.listdir(folder17) if name.startswith("hyp."))
    outputs = [write(name, lines("wmt17-en-de", name)) for name in names]
    truth = write("ref17", lines("wmt17-en-de", "ref.0.de.gz"))
    one, two = ours("resample", truth, *outputs), ours("resample", truth, *outputs, threads="2")
    assert one[0] == two[0], "one thread and two give different resamples"
    print(f"10,000 paired resamples of BLEU of 16 systems ({len(names)} outputs, five of them twice), 3,004 segments: "
          f"{one[1]:.3f} s on one thread, {two[1]:.3f} s on two; the same sums")
