"""Lasso paths of 100 penalties: grimoire-stats, scikit-learn and celer, one thread each, in turn, in one run.

`python bench/lasso_paths.py` builds the Rust example, makes three tables (10,000 x 1,000 dense; 500 x 20,000 dense;
11,000 x 40,000 sparse, shaped like text), and prints one line per program and tolerance: processor seconds (not
wall seconds, so that other work on the machine matters less; those of the Rust program include reading the table) and
the largest relative duality gap over the path, computed here in the same way for all. Every program is given the same penalties.
"""
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"})
import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import lasso_path

warnings.filterwarnings("ignore")
COUNT, RATIO = 100, 1e-3


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
    """Relative duality gap of the centred problem, the worst over the path."""
    n = len(y)
    means = np.asarray(x.mean(axis=0)).ravel()
    yc = y - y.mean()
    worst = 0.0
    for alpha, b in list(zip(alphas, coefs.T))[::9]:
        r = yc - (np.asarray(x @ b).ravel() - means @ b)
        c = np.asarray(x.T @ r).ravel() - means * r.sum()
        scale = min(1.0, alpha * n / np.abs(c).max())
        gap = alpha * np.abs(b).sum() - scale * (b @ c) / n + 0.5 * (1 - scale) ** 2 * (r @ r) / n
        worst = max(worst, gap / (0.5 * (yc @ yc) / n))
    return worst


def main():
    try:
        from celer import celer_path
    except ImportError:
        celer_path = None
    build = ["cargo", "build", "--release", "-q", "-p", "grimoire-stats", "--example", "lasso_path"]
    subprocess.run(build, check=True)
    program = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release/examples/lasso_path")
    cases = {"10,000 x 1,000 dense": dense(10_000, 1_000, 50), "500 x 20,000 dense": dense(500, 20_000, 50),
             "11,000 x 40,000 sparse": text(11_000, 40_000, 60)}
    only = sys.argv[1:]
    for name, (x, y) in cases.items():
        if only and not any(part in name for part in only):
            continue
        n = len(y)
        means, yc = np.asarray(x.mean(axis=0)).ravel(), y - y.mean()
        largest = np.abs(np.asarray(x.T @ yc).ravel() - means * yc.sum()).max() / n
        alphas = largest * RATIO ** (np.arange(COUNT) / (COUNT - 1))
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            write(file.name, x, y)
            for tolerance in (1e-4, 1e-8):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                out = subprocess.run([program, file.name, str(COUNT), str(RATIO), str(tolerance)],
                                     check=True, capture_output=True, text=True)
                got = json.loads(out.stdout)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                print(f"{name:24} tol {tolerance:.0e}  grimoire      {spent:8.3f} s  gap {got['gap']:.1e}  ({got['updates']})", flush=True)
                start = time.process_time()
                if sp.issparse(x):
                    a, coefs, _ = lasso_path(x, yc, alphas=alphas, tol=tolerance, max_iter=100000, X_offset=means, X_scale=np.ones(len(means)))
                else:
                    xc = np.asfortranarray(x - means)
                    a, coefs, _ = lasso_path(xc, yc, alphas=alphas, tol=tolerance, max_iter=100000)
                print(f"{'':24} tol {tolerance:.0e}  scikit-learn  {time.process_time() - start:8.3f} s  gap {largest_gap(x, y, a, coefs):.1e}", flush=True)
                if celer_path and not sp.issparse(x):
                    start = time.process_time()
                    a, coefs, _ = celer_path(xc, yc, pb="lasso", alphas=alphas, tol=tolerance)[:3]
                    print(f"{'':24} tol {tolerance:.0e}  celer         {time.process_time() - start:8.3f} s  gap {largest_gap(x, y, a, coefs):.1e}", flush=True)
                elif celer_path:
                    start = time.process_time()
                    a, coefs, _ = celer_path(x, yc, pb="lasso", alphas=alphas, tol=tolerance, X_offset=means, X_scale=np.ones(len(means)))[:3]
                    print(f"{'':24} tol {tolerance:.0e}  celer         {time.process_time() - start:8.3f} s  gap {largest_gap(x, y, a, coefs):.1e}", flush=True)


main()
