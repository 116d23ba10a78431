"""Made-up regressions with recorded answers of scikit-learn at tight tolerance (and the CSV twins for path.R).

`python path.py DATA_DIR CSV_DIR` writes path-data.json (x by columns, y, 0/1 response) and path-sklearn.json.
Made with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1.
"""
import json
import sys

import numpy as np
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

rng = np.random.default_rng(20240607)


def make(n, p):
    x = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p) + rng.normal(size=p)
    x[:, 1] += 0.9 * x[:, 0]
    if p > 4:
        x[:, 4] = (x[:, 4] > 0.5).astype(float)
    x = np.round(x, 6)
    w = np.where(np.arange(p) % 3 == 0, 1.0, 0.0) * np.linspace(1.5, -1, p)
    y = np.round(x @ w + rng.normal(size=n) * 1.5, 6)
    k = (y + rng.normal(size=n) > np.median(y)).astype(float)
    return x, y, k


sets = {"tall": make(60, 8), "wide": make(30, 70)}
json.dump(
    {name: {"x": x.T.tolist(), "y": y.tolist(), "k": k.tolist()} for name, (x, y, k) in sets.items()},
    open("path-data.json", "w"),
)
for name, (x, y, k) in sets.items():
    table = np.column_stack([x, y, k])
    head = ",".join([f"x{j}" for j in range(x.shape[1])] + ["y", "k"])
    np.savetxt(f"{sys.argv[2]}/golden-{name}.csv", table, delimiter=",", header=head, comments="", fmt="%.17g")

base = sys.argv[1]
diabetes = np.loadtxt(base + "/diabetes/diabetes.data", skiprows=1)
rows = [line.split("\t") for line in open(base + "/prostate/prostate.data").read().strip().splitlines()[1:]]
prostate = np.array([[float(v) for v in r[1:10]] for r in rows if r[10].strip() in ("1", "T", "TRUE")])
sets["diabetes"] = (diabetes[:, :10], diabetes[:, 10], (diabetes[:, 10] > 140).astype(float))
sets["prostate"] = (prostate[:, :8], prostate[:, 8], (prostate[:, 8] > 2.5).astype(float))

out = []


def record(name, model, lam, alpha, y, kind, intercept=True):
    x = sets[name][0]
    model.fit(x, y)
    out.append(
        {
            "name": name,
            "model": kind,
            "lambda": lam,
            "alpha": alpha,
            "intercept": intercept,
            "coefficients": [float(np.ravel(model.intercept_)[0])] + np.ravel(model.coef_).tolist(),
        }
    )


for name, (x, y, k) in sets.items():
    scale = 20.0 if name == "diabetes" else 1.0
    for lam in (0.5 * scale, 0.05 * scale):
        tight = dict(tol=1e-15, max_iter=10_000_000)
        record(name, Lasso(alpha=lam, **tight), lam, 1.0, y, "elastic-net")
        record(name, ElasticNet(alpha=lam, l1_ratio=0.5, **tight), lam, 0.5, y, "elastic-net")
        record(name, Ridge(alpha=lam, solver="cholesky"), lam, 0.0, y, "ridge")
    if name in ("tall", "wide"):
        record(name, Lasso(alpha=0.2, fit_intercept=False, tol=1e-15, max_iter=10_000_000), 0.2, 1.0, y, "elastic-net", False)
        n = len(y)
        for lam in (0.1, 0.02):
            c = 1 / (n * lam)
            record(name, LogisticRegression(C=c, l1_ratio=0.0, tol=1e-14, max_iter=100000, solver="newton-cholesky"), lam, 0.0, k, "logistic")
json.dump(out, open("path-sklearn.json", "w"))
