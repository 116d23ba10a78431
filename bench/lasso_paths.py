"""Lasso paths of 100 penalties: grimoire-stats, scikit-learn and celer in one run.

Needs `cargo build --release -p grimoire-stats --examples` before it. `python bench/lasso_paths.py [PART OF A NAME]`
makes tables and prints one line for each program: 10,000 x 1,000 dense; 500 x 20,000 dense; 11,000 x 40,000 sparse, made
to look like the word counts of 20 newsgroups (word frequencies by a power law, 60 words a row, rows of length one); and
real text, when it is there: the 10,605 movie-review sentences rated by people that came with VADER (Hutto and Gilbert
2014; `movie-snippets.jsonl.gz` in `vader-sentiment` under GRIMOIRE_DATA or ../shared/data; not part of this repository),
words and pairs of words by scikit-learn's TfidfVectorizer, the rating as y.

All get the same penalties, from the smallest that leaves nothing in down to a thousandth of it (a hundredth for the
sentences: below that more words are in than there are sentences), and data whose centring is part of the time. Stopping rule of all three: a duality gap of at most `tol` times y'y/n (grimoire: of half
that), at two values of tol; the largest gap that was reached over the path is computed here, alike for all, relative to
y'y/(2n).

Time: inside the process, reading the table not counted; by the clock, and the processor's, of all threads. The first is
what counts on a machine that does nothing else, only the second means much on one that does. Each is the least of
ROUNDS rounds in which all programs have their turn, on one and on two threads; our results must be equal in all. A peer
that takes more than five seconds runs once and on one thread (of both, only the Gram matrix of scikit-learn on tall tables
uses more), one that takes more than LIMIT processor seconds is stopped. Ratios are of
processor seconds on one thread, and of the clock on two. Beside them is a limit by arithmetic, from rates that are measured
in the run: n*p*(p+1) multiply-adds, counted as n*p*p FLOP for half of a symmetric matrix, for the whole Gram matrix of
the tall table; reading the table once for the others.
"""
import gzip
import json
import multiprocessing
import os
import queue
import resource
import struct
import subprocess
import sys
import tempfile
import time

import warnings

import celer
import numpy as np
import scipy.sparse as sp
import sklearn
from celer import celer_path
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import lasso_path
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
COUNT, EVERY, LIMIT, ROUNDS = 100, 9, 20, 3
PROGRAM = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release/examples/lasso_path")


def dense(n, p, k):
    rng = np.random.default_rng(1)
    x = np.asfortranarray(rng.normal(size=(n, p)))
    w = np.zeros(p)
    w[rng.choice(p, k, replace=False)] = rng.normal(size=k)
    y = x @ w + rng.normal(size=n) * np.sqrt(w @ w) / 2
    return x, y


def text(n, p, per_row):
    rng = np.random.default_rng(2)
    words = np.minimum((rng.pareto(1.0, size=n * per_row) * 3).astype(int), p * 10)
    words = np.where(words >= p, rng.integers(0, p, size=n * per_row), words)
    rows = np.repeat(np.arange(n), per_row)
    x = sp.csc_matrix((np.ones(n * per_row), (rows, words)), shape=(n, p))
    x.sum_duplicates()
    x = sp.csc_matrix(x.multiply(1 / np.sqrt(x.multiply(x).sum(1))))
    x.sort_indices()
    w = np.zeros(p)
    w[rng.choice(2000, 200, replace=False)] = rng.normal(size=200)
    y = np.asarray(x @ w).ravel() + 0.3 * rng.normal(size=n)
    return x, y


def ratings():
    """Sentences by words and pairs of words, and what people thought of them; None when they are not there."""
    here = os.path.join(os.environ.get("GRIMOIRE_DATA", "../shared/data"), "vader-sentiment/movie-snippets.jsonl.gz")
    if not os.path.exists(here):
        return None
    with gzip.open(here, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    x = sp.csc_matrix(TfidfVectorizer(ngram_range=(1, 2)).fit_transform([row["text"] for row in rows]))
    x.sort_indices()
    return x, np.array([row["score"] for row in rows])


def write(path, x, y):
    n, p = x.shape
    with open(path, "wb") as out:
        stored = x.nnz if sp.issparse(x) else 0
        out.write(struct.pack("<QQQ", n, p, stored))
        if stored:
            out.write(x.indptr.astype("<u8").tobytes() + x.indices.astype("<u4").tobytes() + x.data.astype("<f8").tobytes())
        else:
            out.write(np.asfortranarray(x).tobytes(order="F"))
        out.write(y.astype("<f8").tobytes())


def largest_gap(x, y, alphas, coefs):
    """The worst relative duality gap of the centred problem over every ninth penalty."""
    n = len(y)
    means = np.asarray(x.mean(axis=0)).ravel()
    yc = y - y.mean()
    worst = 0.0
    for alpha, b in zip(alphas[::EVERY], coefs.T):
        r = yc - (np.asarray(x @ b).ravel() - means @ b)
        c = np.asarray(x.T @ r).ravel() - means * r.sum()
        scale = min(1.0, alpha * n / np.abs(c).max())
        gap = alpha * np.abs(b).sum() - scale * (b @ c) / n + 0.5 * (1 - scale) ** 2 * (r @ r) / n
        worst = max(worst, gap / (0.5 * (yc @ yc) / n))
    return worst


def ours(file, p, ratio, tolerance, threads):
    out = subprocess.run([PROGRAM, file, str(COUNT), str(ratio), str(tolerance), str(EVERY)], check=True, capture_output=True,
                         text=True, env={**os.environ, "RAYON_NUM_THREADS": str(threads)})
    got = json.loads(out.stdout)
    coefs = np.zeros((p, len(got["coefficients"])))
    for k, row in enumerate(got["coefficients"]):
        for j, b in row:
            coefs[j, k] = b
    return got["seconds"], got["processor"], coefs, got["updates"]


def peer(name, threads, x, yc, means, alphas, tolerance, answer):
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + LIMIT, resource.RLIM_INFINITY))
    with threadpool_limits(threads):
        start, processor = time.perf_counter(), time.process_time()
        if sp.issparse(x):
            more, table = {"X_offset": means, "X_scale": np.ones(x.shape[1])}, x
        else:
            more, table = {}, np.asfortranarray(x - means)
        if name == "celer":
            coefs = celer_path(table, yc, pb="lasso", alphas=alphas, tol=tolerance, **more)[1]
        else:
            coefs = lasso_path(table, yc, alphas=alphas, tol=tolerance, max_iter=100_000, **more)[1]
        answer.put((time.perf_counter() - start, time.process_time() - processor, coefs[:, ::EVERY], ""))


def theirs(*arguments):
    """What `peer` answers from a process of its own, or None when it was stopped."""
    answer = multiprocessing.Queue()
    child = multiprocessing.Process(target=peer, args=(*arguments, answer))
    child.start()
    while True:
        try:
            return answer.get(timeout=0.2)
        except queue.Empty:
            if not child.is_alive() and answer.empty():
                return None


def rounds(programs):
    """Least seconds by the clock and of the processor, coefficients and a note of each program, in turn."""
    found = {}
    for turn in range(ROUNDS):
        for name, run in programs.items():
            before, single = found.get(name), found.get((name[0], 1))
            slow = (name[0], 1) in found and (single is None or single[1] > 5)
            if name[0] != "grimoire" and slow or (turn > 0 and before is None):
                continue
            got = run()
            if turn == 0:
                found[name] = got
            else:
                assert name[0] != "grimoire" or (got[2] == before[2]).all(), "results differ from run to run"
                found[name] = (min(got[0], before[0]), min(got[1], before[1]), *before[2:])
    return found


def compare(name, x, y, ratio):
    n, p = x.shape
    means, yc = np.asarray(x.mean(axis=0)).ravel(), y - y.mean()
    largest = np.abs(np.asarray(x.T @ yc).ravel() - means * yc.sum()).max() / n
    alphas = largest * ratio ** (np.arange(COUNT) / (COUNT - 1))
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        write(file.name, x, y)
        for tolerance in (1e-4, 1e-8):
            programs = {("grimoire", threads): lambda threads=threads: ours(file.name, p, ratio, tolerance, threads) for threads in (1, 2)}
            for who in ("scikit-learn", "celer"):
                for threads in (1, 2):
                    programs[who, threads] = lambda who=who, threads=threads: theirs(who, threads, x, yc, means, alphas, tolerance)
            found = rounds(programs)
            assert (found["grimoire", 1][2] == found["grimoire", 2][2]).all(), "results depend on the number of threads"
            for (who, threads), got in found.items():
                mine = found["grimoire", threads]
                title = f"{name:23} tol {tolerance:.0e}  {who:12} {threads} thread{'s' if threads > 1 else ' '}"
                if got is None:
                    print(f"{title}  stopped after {LIMIT} processor seconds: more than {LIMIT / mine[1]:.1f} times ours", flush=True)
                    continue
                times = got[1] / mine[1] if threads == 1 else got[0] / mine[0]
                note = got[3] if who == "grimoire" else f"{times:.1f} times ours"
                print(f"{title} {got[0]:8.3f} s  processor {got[1]:8.3f} s  gap {largest_gap(x, y, alphas, got[2]):.1e}  {note}", flush=True)


def main():
    rates = json.loads(subprocess.run([PROGRAM, "limits"], check=True, capture_output=True, text=True).stdout)
    print(f"scikit-learn {sklearn.__version__}, celer {celer.__version__}, numpy {np.__version__}; load {os.getloadavg()[0]:.1f}; "
          f"one thread: {rates['flops'] / 1e9:.1f} GFLOP/s in f64, {rates['bytes'] / 1e9:.1f} GB/s read")
    cases = {"10,000 x 1,000 dense": lambda: dense(10_000, 1_000, 50), "500 x 20,000 dense": lambda: dense(500, 20_000, 50),
             "11,000 x 40,000 sparse": lambda: text(11_000, 40_000, 60), "rated sentences, sparse": ratings}
    only = sys.argv[1:]
    for name, make in cases.items():
        if only and not any(part in name for part in only):
            continue
        made = make()
        if made is None:
            print(f"{name:23} not run: the data is not there")
            continue
        x, y = made
        n, p = x.shape
        size = 12 * x.nnz if sp.issparse(x) else 8 * n * p
        work = f"Gram matrix {n * p * p / 1e9:.1f} GFLOP" if n > p else f"reading once {size / 1e6:.1f} MB"
        limit = n * p * p / rates["flops"] if n > p else size / rates["bytes"]
        print(f"{name:23} {n:,} x {p:,}, {x.nnz if sp.issparse(x) else n * p:,} values; {work}: limit of one thread {limit:.4f} s")
        compare(name, x, y, 1e-2 if make is ratings else 1e-3)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
