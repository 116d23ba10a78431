"""NIST StRD linear least squares, solved in exact rational arithmetic from the published data.

The data sets are works of the US government (public domain): https://www.itl.nist.gov/div898/strd/
`nist-data.json` holds y and x as the decimals printed there (x raised to powers for the polynomial
models, never the rounded powers). Output: nist.json, coefficients, standard errors, residual standard
deviation, R-squared (uncentred without an intercept), RSS, as strings of 25 digits.
Made with Python 3.11, mpmath 1.3.0.
"""
import json
from fractions import Fraction

from mpmath import mp, mpf, sqrt

mp.dps = 60


def text(value):
    return mp.nstr(value, 25)


def real(fraction):
    return mpf(fraction.numerator) / mpf(fraction.denominator)


def solve(matrix, right):
    n = len(matrix)
    work = [row[:] + extra[:] for row, extra in zip(matrix, right)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if work[i][k] != 0)
        work[k], work[pivot] = work[pivot], work[k]
        lead = work[k][k]
        work[k] = [value / lead for value in work[k]]
        for i in range(n):
            if i != k and work[i][k] != 0:
                factor = work[i][k]
                work[i] = [a - factor * b for a, b in zip(work[i], work[k])]
    return [row[n:] for row in work]


def fit(case):
    y = [Fraction(value) for value in case["y"]]
    x = [[Fraction(value) for value in column] for column in case["x"]]
    if case["degree"] > 1:
        x = [[value**power for value in x[0]] for power in range(1, case["degree"] + 1)]
    if case["intercept"]:
        x = [[Fraction(1)] * len(y)] + x
    p, n = len(x), len(y)
    gram = [[sum(a * b for a, b in zip(x[i], x[j])) for j in range(p)] for i in range(p)]
    right = [[sum(a * b for a, b in zip(x[i], y))] + [Fraction(int(i == j)) for j in range(p)] for i in range(p)]
    solution = solve(gram, right)
    beta = [row[0] for row in solution]
    inverse = [row[1:] for row in solution]
    residuals = [y[i] - sum(beta[j] * x[j][i] for j in range(p)) for i in range(n)]
    rss = sum(r * r for r in residuals)
    variance = rss / (n - p)
    mean = sum(y) / n if case["intercept"] else 0
    total = sum((value - mean) ** 2 for value in y)
    return {
        "coefficients": [text(real(b)) for b in beta],
        "standard_errors": [text(sqrt(real(variance * inverse[j][j]))) for j in range(p)],
        "residual_sd": text(sqrt(real(variance))),
        "r_squared": text(real(1 - rss / total)),
        "rss": text(real(rss)),
    }


data = json.load(open("nist-data.json"))
out = {name: {**case, "certified": fit(case)} for name, case in data.items()}
json.dump(out, open("nist.json", "w"), indent=0)
