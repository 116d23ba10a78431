"""Prints and writes dimension_far.json: by how much shared neighbours enlarge the variance of the dimension at distance zero.

n = 1,000 uniform points of a flat torus of d dimensions, as in dimension.py. E_i = i ln(T_{i+1}/T_i) of the i-th
neighbour, a mean over points, for i < 4k; R_i the mean of T_i^2. The inverse of the dimension is the mean of E_i over i < k
less the slope of the line through (R_i, E_i), i < 4k, times the mean of R_i over i < k: a sum with weights w_i. With
independent terms its variance would be sum w_i^2/(n d^2); the factor is the measured one over that. The mean (times d)
should be one. Run: python dimension_far.py [ROUNDS]
"""
import json
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy.spatial import cKDTree

N, ROUNDS = 1000, int(sys.argv[1]) if len(sys.argv) > 1 else 1500
DIMENSIONS, NEIGHBOURS = (1, 2, 3, 4, 6), (2, 5, 10)
rows = []
for d in DIMENSIONS:
    rng = np.random.default_rng(d)
    found = {k: [] for k in NEIGHBOURS}
    for _ in range(ROUNDS):
        points = rng.random((N, d))
        t = cKDTree(points, boxsize=1.0).query(points, k=4 * max(NEIGHBOURS) + 1)[0][:, 1:]
        logs = np.log(t)
        steps = (np.arange(1, t.shape[1]) * (logs[:, 1:] - logs[:, :-1])).mean(0)
        squares = (t * t).mean(0)
        for k in NEIGHBOURS:
            e, r = steps[: 4 * k - 1], squares[: 4 * k - 1]
            w = -(r - r.mean()) / ((r - r.mean()) ** 2).sum() * r[: k - 1].mean()
            w[: k - 1] += 1 / (k - 1)
            found[k].append((d * (w @ e), (w @ w) / N))
    row = {"dimension": d}
    for k, pairs in found.items():
        values, independent = np.array(pairs).T
        row[f"mle_{k}"] = float(values.var(ddof=1) / independent.mean())
        row[f"mle_{k}_mean"] = float(values.mean())
    rows.append(row)
    print({key: round(value, 3) for key, value in row.items()}, flush=True)
with open(Path(__file__).with_name("dimension_far.json"), "w") as file:
    json.dump({"versions": {"numpy": np.__version__, "scipy": scipy.__version__}, "n": N, "rounds": ROUNDS, "factors": rows}, file, indent=1)
    file.write("\n")
