"""Writes far.json: logarithms of tails that doubles cannot hold, at 60 digits by mpmath from the definitions, and small
p-values of the E-test of two Poisson rates, by adding up every pair of counts.

Each row of ln_upper: name, parameters, x, ln P(X > x); of e_test: two counts with their exposures, two-sided p. Continuous tails by the incomplete gamma and beta functions and erfc,
discrete ones by adding up the probabilities. Arguments are doubles, taken exactly. Run: python far.py
"""
import json

import mpmath
from mpmath import betainc, binomial, erfc, exp, gammainc, inf, log, loggamma, mp, mpf, sqrt

mp.dps = 60


def added(term, first, last):
    """Sum of term(k) from first to last; stops where the terms, which fall, no longer count."""
    total = mpf(0)
    for k in range(first, last + 1):
        piece = term(k)
        total += piece
        if piece < total * mpf("1e-45"):
            break
    return total


def normal(mean, sd, x):
    return erfc((mpf(x) - mpf(mean)) / mpf(sd) / sqrt(2)) / 2


def t(v, x):
    v, x = mpf(v), mpf(x)
    return betainc(v / 2, mpf(1) / 2, 0, v / (v + x * x), regularized=True) / 2


def f(d1, d2, x):
    d1, d2, x = mpf(d1), mpf(d2), mpf(x)
    return betainc(d2 / 2, d1 / 2, 0, d2 / (d2 + d1 * x), regularized=True)


def gamma(a, scale, x):
    return gammainc(mpf(a), mpf(x) / mpf(scale), inf, regularized=True)


def beta(a, b, x):
    return betainc(mpf(b), mpf(a), 0, 1 - mpf(x), regularized=True)


def binom(n, p, x):
    p = mpf(p)
    return added(lambda k: binomial(n, k) * p**k * (1 - p) ** (n - k), x + 1, n)


def poisson(mean, x):
    mean = mpf(mean)
    return added(lambda k: exp(k * log(mean) - mean - loggamma(k + 1)), x + 1, x + 10**5)


def negative_binomial(r, p, x):
    r, p = mpf(r), mpf(p)
    term = lambda k: exp(loggamma(k + r) - loggamma(k + 1) - loggamma(r) + r * log(p) + k * log(1 - p))
    return added(term, x + 1, x + 10**5)


def hypergeometric(total, marked, drawn, x):
    term = lambda k: binomial(marked, k) * binomial(total - marked, drawn - k) / binomial(total, drawn)
    return added(term, x + 1, min(marked, drawn))


ASKED = [
    ("normal", normal, [(0, 1, 38), (0, 1, 39), (0, 1, 40), (0, 1, 100), (0, 1, 1e4), (0, 1, 1e100), (3, 0.25, 20.5)]),
    ("t", t, [(30, 1e12), (100, 1e6), (1000, 500), (5, 1e70)]),
    ("f", f, [(3, 200, 1e5), (40, 400, 500)]),
    ("chi-square", lambda v, x: gamma(mpf(v) / 2, 2, x), [(1, 1600), (10, 2000), (3000, 9000), (1, 1e6)]),
    ("gamma", gamma, [(0.5, 1, 800), (250, 2, 5000)]),
    ("exponential", lambda rate, x: exp(-mpf(rate) * mpf(x)), [(1, 800), (0.5, 3000)]),
    ("beta", beta, [(2, 300, 0.95), (500, 700, 0.95)]),
    ("binomial", binom, [(2000, 0.25, 1700), (400, 1e-3, 250), (100000, 0.5, 60000)]),
    ("poisson", poisson, [(3, 250), (1000, 3000)]),
    ("negative-binomial", negative_binomial, [(3, 0.5, 1200), (2.5, 0.9, 400)]),
    ("geometric", lambda p, x: (1 - mpf(p)) ** (x + 1), [(0.5, 2000), (0.001, 1000000)]),
    ("hypergeometric", hypergeometric, [(10000, 3000, 2000, 1500)]),
]
rows = []
for name, tail, asked in ASKED:
    for row in asked:
        value = tail(*row)
        if name != "normal" or row[2] > 39:
            assert value < mpf("1e-308"), (name, row, value)
        rows.append([name, list(row[:-1]), row[-1], float(log(value))])


def e_test(x1, t1, x2, t2):
    """P(|T| >= |t|), both counts Poisson at the pooled rate; outcomes below 1e-60 of the whole are left out."""
    t1, t2 = mpf(t1), mpf(t2)

    def gap(i, j):
        spread = mpf(i) / t1**2 + mpf(j) / t2**2
        return (i / t1 - j / t2) ** 2 / spread if spread else mpf(0)

    pooled = (x1 + x2) / (t1 + t2)
    most = int(8 * (x1 + x2)) + 200
    density = lambda mean: [exp(k * log(mean) - mean - loggamma(k + 1)) for k in range(most)]
    one, two = density(pooled * t1), density(pooled * t2)
    seen = gap(x1, x2) * (1 - mpf("1e-25"))
    return sum(
        (p * q for i, p in enumerate(one) if p > mpf("1e-60") for j, q in enumerate(two)
         if q > mpf("1e-60") and gap(i, j) >= seen),
        mpf(0),
    )


PAIRS = [(3, 100, 20, 300), (60, 1, 2, 1), (0, 3, 70, 1), (100, 7, 20, 9), (45, 1, 0, 1)]
pairs = [[*row, float(e_test(*row))] for row in PAIRS]
with open("far.json", "w") as file:
    lines = ",\n".join(json.dumps(row) for row in rows)
    added = ",\n".join(json.dumps(row) for row in pairs)
    head = f'{{"versions": {{"mpmath": "{mpmath.__version__}"}}, "ln_upper": [\n{lines}\n], "e_test": [\n{added}\n'
    file.write(head + "]}\n")
print(len(rows), "rows")
