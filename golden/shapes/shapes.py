"""Eigenvalues by numpy, moving averages by pandas, equilibria by nashpy. Writes shapes.json.

Made with Python 3.11, numpy 2.4.6, pandas 3.1.1, nashpy 0.0.43.
"""
import json
import warnings

import nashpy
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
rng = np.random.default_rng(77)


def order(values):
    return sorted(([float(v.real), float(v.imag)] for v in values), key=lambda z: (round(z[0], 9), round(z[1], 9)))


matrices = []
for n in (2, 3, 5, 8, 13):
    a = np.round(rng.normal(size=(n, n)), 4)
    s = np.round((a + a.T) / 2, 4)
    c = a + 1j * np.round(rng.normal(size=(n, n)), 4)
    matrices.append({"general": a.tolist(), "values": order(np.linalg.eigvals(a)),
                     "symmetric": s.tolist(), "symmetric_values": sorted(np.linalg.eigvalsh(s).tolist(), reverse=True),
                     "real": c.real.tolist(), "imaginary": c.imag.tolist(), "complex_values": order(np.linalg.eigvals(c))})

averages = []
x = np.round(rng.normal(size=25), 5)
for discount in (0.05, 0.3, 0.9):
    for corrected in (False, True):
        averages.append({"discount": discount, "corrected": corrected,
                         "values": pd.Series(x).ewm(alpha=discount, adjust=corrected).mean().tolist()})

# By vertices: nashpy's enumeration of supports misses one of the nine equilibria of the fifth game (a game in general
# position has an odd number of them).
games = []
for m, n in [(2, 2), (2, 3), (3, 3), (3, 3), (4, 4), (4, 3), (5, 5)]:
    a, b = np.round(rng.normal(size=(m, n)), 3), np.round(rng.normal(size=(m, n)), 3)
    pairs = sorted([row.tolist(), column.tolist()] for row, column in nashpy.Game(a, b).vertex_enumeration())
    games.append({"a": a.tolist(), "b": b.tolist(), "equilibria": pairs})
json.dump({"matrices": matrices, "x": x.tolist(), "averages": averages, "games": games}, open("shapes.json", "w"))
