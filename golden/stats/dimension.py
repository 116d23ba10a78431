"""Prints and writes dimension.json: by how much shared neighbours enlarge the variance of two estimators of dimension.

n = 1,000 uniform points of a flat torus of d dimensions (no edge, no curvature; distances round the torus by
scipy.spatial.cKDTree with a box). S is the sum of ln(T_k/T_j), j < k, over all points (Levina and Bickel), or of
ln(T_2/T_1) with the largest tenth censored (TwoNN). With m independent terms d*S would be Gamma(m), of variance m; the
factor is the measured variance of d*S over m. Run: python dimension.py [ROUNDS]
"""
import json
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy.spatial import cKDTree

N, ROUNDS = 1000, int(sys.argv[1]) if len(sys.argv) > 1 else 1000
DIMENSIONS, NEIGHBOURS = (1, 2, 3, 4, 6), (2, 5, 10, 20)
out = []
for d in DIMENSIONS:
    rng = np.random.default_rng(d)
    sums = {k: [] for k in NEIGHBOURS}
    ratios = []
    for _ in range(ROUNDS):
        points = rng.random((N, d))
        logs = np.log(cKDTree(points, boxsize=1.0).query(points, k=max(NEIGHBOURS) + 1)[0][:, 1:])
        for k in NEIGHBOURS:
            sums[k].append(d * (logs[:, k - 1 : k] - logs[:, : k - 1]).sum())
        ratio = np.sort(logs[:, 1] - logs[:, 0])
        kept = N - N // 10
        ratios.append(d * (ratio[:kept].sum() + (N - kept) * ratio[kept - 1]))
    row = {"dimension": d, "twonn": float(np.var(ratios, ddof=1) / kept), "twonn_mean": float(np.mean(ratios) / kept)}
    for k in NEIGHBOURS:
        row[f"mle_{k}"] = float(np.var(sums[k], ddof=1) / (N * (k - 1)))
        row[f"mle_{k}_mean"] = float(np.mean(sums[k]) / (N * (k - 1)))
    out.append(row)
    print({key: round(value, 3) for key, value in row.items()}, flush=True)
with open(Path(__file__).with_name("dimension.json"), "w") as file:
    json.dump({"versions": {"numpy": np.__version__, "scipy": scipy.__version__}, "n": N, "rounds": ROUNDS, "factors": out}, file, indent=1)
    file.write("\n")
