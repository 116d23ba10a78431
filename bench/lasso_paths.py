"""Lasso paths of 100 penalties: grimoire-stats, scikit-learn and celer in one run.

Needs `cargo build --release -p grimoire-stats --examples` before it. `python bench/lasso_paths.py [PART OF A NAME]`
makes three tables (10,000 x 1,000 dense; 500 x 20,000 dense; 11,000 x 40,000 sparse, made to look like the word counts of
20 newsgroups: word frequencies by a power law, 60 words a row, rows of length one) and prints one line for each program.

All get the same penalties, from the smallest that leaves nothing in down to a thousandth of it, and data whose
centring is part of the time. Stopping rule of all three: a duality gap of at most `tol` times y'y/n (grimoire: of half that), at
two values of tol; the largest gap that was reached over the path is computed here, alike for all, relative to
y'y/(2n). Time: seconds inside the process, reading the table not counted. scikit-learn and celer run on one thread, as they do
by default here; grimoire on one and on two (best of three), whose results must be equal. A peer that needs more than half
a minute is stopped.
"""
import json
import multiprocessing
import os
import queue
import struct
import subprocess
import sys
import tempfile
import time

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
import warnings

import celer
import numpy as np
import scipy.sparse as sp
import sklearn
from celer import celer_path
from sklearn.linear_model import lasso_path

warnings.filterwarnings("ignore")
COUNT, RATIO, EVERY, LIMIT = 100, 1e-3, 9, 30
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


def ours(file, p, tolerance, threads):
    out = subprocess.run([PROGRAM, file, str(COUNT), str(RATIO), str(tolerance), str(EVERY)], check=True, capture_output=True,
                         text=True, env={**os.environ, "RAYON_NUM_THREADS": str(threads)})
    got = json.loads(out.stdout)
    coefs = np.zeros((p, len(got["coefficients"])))
    for k, row in enumerate(got["coefficients"]):
        for j, b in row:
            coefs[j, k] = b
    return got["seconds"], coefs, got["updates"]


def peer(name, x, yc, means, alphas, tolerance, answer):
    start = time.perf_counter()
    if sp.issparse(x):
        more, table = {"X_offset": means, "X_scale": np.ones(x.shape[1])}, x
    else:
        more, table = {}, np.asfortranarray(x - means)
    if name == "celer":
        coefs = celer_path(table, yc, pb="lasso", alphas=alphas, tol=tolerance, **more)[1]
    else:
        coefs = lasso_path(table, yc, alphas=alphas, tol=tolerance, max_iter=100_000, **more)[1]
    answer.put((time.perf_counter() - start, coefs[:, ::EVERY]))


def within(limit, *arguments):
    """Seconds and coefficients of a peer in a process of its own, or None when it takes longer than `limit`."""
    answer = multiprocessing.Queue()
    child = multiprocessing.Process(target=peer, args=(*arguments, answer))
    child.start()
    try:
        return answer.get(timeout=limit)
    except queue.Empty:
        return None
    finally:
        child.kill()
        child.join()


def main():
    print(f"scikit-learn {sklearn.__version__}, celer {celer.__version__}, numpy {np.__version__}; load {os.getloadavg()[0]:.1f}")
    cases = {"10,000 x 1,000 dense": (dense, 10_000, 1_000, 50), "500 x 20,000 dense": (dense, 500, 20_000, 50),
             "11,000 x 40,000 sparse": (text, 11_000, 40_000, 60)}
    only = sys.argv[1:]
    for name, (make, *shape) in cases.items():
        if only and not any(part in name for part in only):
            continue
        x, y = make(*shape)
        n, p = x.shape
        means, yc = np.asarray(x.mean(axis=0)).ravel(), y - y.mean()
        largest = np.abs(np.asarray(x.T @ yc).ravel() - means * yc.sum()).max() / n
        alphas = largest * RATIO ** (np.arange(COUNT) / (COUNT - 1))
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            write(file.name, x, y)
            for tolerance in (1e-4, 1e-8):
                line = lambda who, seconds, gap, note="": print(f"{name:23} tol {tolerance:.0e}  {who:20} {seconds:8.3f} s  gap {gap:.1e}  {note}", flush=True)
                best, kept = {}, []
                for threads in (1, 2):
                    runs = [ours(file.name, p, tolerance, threads) for _ in range(3)]
                    best[threads] = min(run[0] for run in runs)
                    kept += [run[1] for run in runs]
                    line(f"grimoire, {threads} thread{'s' * (threads > 1)}", best[threads], largest_gap(x, y, alphas, runs[0][1]), runs[0][2])
                assert all((coefs == kept[0]).all() for coefs in kept), "results depend on the number of threads"
                for who in ("scikit-learn", "celer"):
                    done = within(LIMIT, who, x, yc, means, alphas, tolerance)
                    if done is None:
                        print(f"{name:23} tol {tolerance:.0e}  {who:20} not done after {LIMIT} s: more than {LIMIT / best[1]:.1f} and {LIMIT / best[2]:.1f} times ours", flush=True)
                    else:
                        line(who, done[0], largest_gap(x, y, alphas, done[1]), f"{done[0] / best[1]:.1f} and {done[0] / best[2]:.1f} times ours")


if __name__ == "__main__":
    main()
