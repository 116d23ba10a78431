"""Writes permutation.json: permutation tests of two means and of pairs, and the shifts that they do not reject, by
counting every exchange with fractions.

The interval is found the slow way: p of the shifted data at every shift where some exchange ties with the data, and
half-way between neighbours; the ends are the outermost shifts with p > 1 - level. Arguments are doubles, taken
exactly. p is also asked of scipy.stats.permutation_test, where that has the same question. Run: python permutation.py
"""
import itertools
import json
from fractions import Fraction as F

import numpy as np
import scipy
from scipy.stats import permutation_test


def two_sample_exchanges(x, y):
    """(total, slope) of the difference of means after each exchange: total - slope*shift."""
    m, n = len(x), len(y)
    values = [(F(v), 1) for v in x] + [(F(v), 0) for v in y]
    out = []
    for chosen in itertools.combinations(range(m + n), m):
        first = [values[i] for i in chosen]
        rest = [values[i] for i in range(m + n) if i not in chosen]
        gap = sum(v for v, _ in first) / m - sum(v for v, _ in rest) / n
        out.append((gap, F(sum(k for _, k in first), m) - F(sum(k for _, k in rest), n)))
    return out


def paired_exchanges(x, y, clusters):
    d = [F(a) - F(b) for a, b in zip(x, y)]
    groups = sorted(set(clusters))
    sums = [(sum(v for v, c in zip(d, clusters) if c == g), clusters.count(g)) for g in groups]
    out = []
    for signs in itertools.product([1, -1], repeat=len(sums)):
        out.append((sum(s * t for s, (t, _) in zip(signs, sums)) / len(d),
                    F(sum(s * k for s, (_, k) in zip(signs, sums)), len(d))))
    return out


def p_value(lines, shift, side):
    at = [t - s * shift for t, s in lines]
    seen = at[0]
    hits = {"two-sided": lambda v: abs(v) >= abs(seen), "greater": lambda v: v >= seen, "less": lambda v: v <= seen}
    return F(sum(map(hits[side], at)), len(at))


def interval(lines, side, level):
    t0, s0 = lines[0]
    ties = set()
    for t, s in lines:
        if s != s0:
            ties.add((t0 - t) / (s0 - s))
        if s != -s0:
            ties.add((t0 + t) / (s0 + s))
    ties = sorted(ties)
    tried = [ties[0] - 1] + [v for a, b in zip(ties, ties[1:]) for v in (a, (a + b) / 2)] + [ties[-1], ties[-1] + 1]
    kept = [v for v in tried if p_value(lines, v, side) > 1 - level]
    lower = None if kept[0] == tried[0] else float(kept[0])
    upper = None if kept[-1] == tried[-1] else float(kept[-1])
    return [lower, upper]


X = [1.83, 0.5, 1.62, 2.48, 1.68]
Y = [0.878, 0.647, 0.598, 2.05]
TIED_X, TIED_Y = [3.0, 4.0, 4.0, 5.0, 7.0], [1.0, 2.0, 4.0, 4.0, 3.0]
PAIR_X = [4.125, 3.875, 6.25, 5.5, 4.75, 7.375, 6.625]
PAIR_Y = [3.0, 4.25, 5.125, 4.375, 4.875, 5.25, 5.0]
cases = []


def add(design, x, y, clusters, side, level):
    paired = design == "paired"
    lines = paired_exchanges(x, y, clusters or list(range(len(x)))) if paired else two_sample_exchanges(x, y)
    p = p_value(lines, F(0), side)
    # scipy doubles the smaller tail where two-sided, so only one-sided questions are the same.
    if side != "two-sided" and clusters is None:
        peer = permutation_test((x, y), lambda a, b: np.mean(a) - np.mean(b), alternative=side, n_resamples=np.inf,
                                permutation_type="samples" if paired else "independent", vectorized=False)
        assert abs(peer.pvalue - float(p)) < 1e-12, (peer.pvalue, p)
    cases.append({"design": design, "x": x, "y": y, "clusters": clusters, "side": side, "level": level,
                  "p_value": float(p), "interval": interval(lines, side, F(str(level)))})


for side in ["two-sided", "greater", "less"]:
    for level in [0.5, 0.8, 0.9, 0.95]:
        add("two", X, Y, None, side, level)
        add("two", TIED_X, TIED_Y, None, side, level)
        add("paired", PAIR_X, PAIR_Y, None, side, level)
        add("paired", PAIR_X, PAIR_Y, [0, 0, 1, 2, 2, 2, 3], side, level)
add("two", [4.0, 5.0, 6.0], [1.0, 2.0, 3.0], None, "two-sided", 0.95)
add("two", [2.0, 2.5], [1.0], None, "two-sided", 0.5)
with open("permutation.json", "w") as file:
    rows = ",\n".join(json.dumps(case) for case in cases)
    file.write(f"""{{"versions": {json.dumps({"scipy": scipy.__version__, "numpy": np.__version__})}, "cases": [\n{rows}\n]}}""")
    file.write("\n")
print(len(cases), "cases")
