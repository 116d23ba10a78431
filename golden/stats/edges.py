"""Writes edges.json: what is hard at the edges of a domain, at 60 digits by mpmath from the definitions.

P(A > B) of Beta posteriors whose samples differ in size, far apart or with priors near 0 (a finite sum, where one
parameter is a small whole number; else the integral over the density of the narrower one), and both tails of gamma and
beta distributions of small shape; logarithms of p of Kolmogorov and Smirnov that doubles cannot hold; by scipy the
ends of the noncentrality of a chi-square. Arguments are doubles, taken exactly. Run: python edges.py
"""
import json

import mpmath
import scipy
from mpmath import asin, betainc, exp, gammainc, inf, log, loggamma, mp, mpf, pi, quad, sqrt
from scipy.optimize import brentq
from scipy.stats import ncx2

mp.dps = 60
out = {"versions": {"mpmath": mpmath.__version__}}


def ln_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def sum_over_first(a, b, c, d):
    """P(A > B), A ~ Beta(a, b) with a whole a, B ~ Beta(c, d): a term for each success of A."""
    return mp.fsum(
        exp(ln_beta(c + i, b + d) - log(b + i) - ln_beta(1 + i, b) - ln_beta(c, d)) for i in range(int(a))
    )


def beats(a, b, c, d):
    """By the sum over whichever parameter is the smallest whole number: A > B, 1 - A < 1 - B, or one less the reverse."""
    a, b, c, d = map(mpf, (a, b, c, d))
    whole = [v for v in (a, b, c, d) if v == int(v)]
    least = min(whole)
    if least == a:
        return sum_over_first(a, b, c, d)
    if least == d:
        return sum_over_first(d, c, b, a)
    if least == c:
        return 1 - sum_over_first(c, d, a, b)
    return 1 - sum_over_first(b, a, d, c)


def arcsine_beats(c, d):
    """A ~ Beta(1/2, 1/2) against B ~ Beta(c, d): the mean over B of P(A > t) = 1 - 2/pi asin(sqrt(t))."""
    c, d = mpf(c), mpf(d)
    mean = c / (c + d)
    sd = sqrt(c * d / (c + d + 1)) / (c + d)
    points = [p for p in (mean + k * sd for k in range(-40, 41, 2)) if 0 < p < 1]
    points = ([mpf(0)] if mean < 41 * sd else []) + points + ([mpf(1)] if 1 - mean < 41 * sd else [])
    f = lambda t: exp((c - 1) * log(t) + (d - 1) * log(1 - t) - ln_beta(c, d)) * (1 - 2 / pi * asin(sqrt(t)))
    return quad(f, points)


assert abs(beats(2, 1, 1, 2) - mpf(5) / 6) < mpf("1e-50")
assert abs(beats(3, 4.5, 2, 2.5) + beats(2, 2.5, 3, 4.5) - 1) < mpf("1e-50")
half = mpf("0.5")
direct = sum_over_first(1, half, half, half)  # and by the density of a Beta(1, 1/2): P(B < t) is the arcsine law
assert abs(direct - quad(lambda t: half / sqrt(1 - t) * 2 / pi * asin(sqrt(t)), [0, half, 1])) < mpf("1e-20")
assert abs(arcsine_beats(1, 2) - (1 - beats(1, 2, half, half))) < mpf("1e-30")
assert abs(beats(1, 1, 12, 35) - mpf(35) / 47) < mpf("1e-50")
after = lambda x, n, prior=1: (x + prior, n - x + prior)
ASKED = [
    (after(0, 0), after(333333, 10**6)),
    (after(9, 10), after(900000, 10**6)),
    (after(3, 10), after(333333, 10**6)),
    (after(0, 0), after(3 * 10**11, 10**12)),
    (after(9, 10), after(9 * 10**11, 10**12)),
    (after(30, 100), after(333333, 10**6)),
    (after(0, 100), after(100, 100)),
    (after(3, 1000), after(200, 300)),
    (after(0, 400), after(400, 400)),
    (after(1, 10**6), after(40, 10**6)),
    (after(2, 5), after(0, 10**9)),
    (after(0, 3), after(0, 10**12)),
    (after(5, 10**12), after(9, 10**12)),
    (after(5, 10**12), after(20, 10**9)),
    (after(999, 1000), after(1, 2)),
    (after(60, 200), after(55, 10**5)),
    ((1, 0.001), (0.002, 0.003)),
    ((1, 0.001), (1000.5, 2.25)),
    ((0.001, 1), (0.004, 0.003)),
    ((2, 1e-6), (1e-6, 3.5)),
    ((1, 5), (1e-3, 1e-3)),
    ((4, 1e6), (0.25, 0.25)),
    ((1, 1e-5), (700.5, 700.5)),
]
rows = []
for one, two in ASKED:
    for (a, b), (c, d) in ((one, two), (two, one)):
        with mp.workdps(330):
            value = beats(a, b, c, d)
        assert mpf("1e-300") < value < 1
        rows.append([a, b, c, d, float(value)])
for c, d in [(3.5, 8.5), (333333.5, 666667.5), (900000.5, 100000.5)]:
    value = arcsine_beats(c, d)
    rows.append([0.5, 0.5, c, d, float(value)])
    rows.append([c, d, 0.5, 0.5, float(1 - value)])
out["beats"] = rows

SHAPES = [1e-12, 1e-9, 1e-6, 1e-3, 0.03, 0.2, 0.5, 0.75, 0.99]
rows = []
for a in SHAPES:
    for x in [1e-200, 1e-9, 0.01, 0.2, 0.5, 0.8, 0.99, 1.0, 1.3, 1.9, 2.5, 6.0, 40.0]:
        low, high = (gammainc(mpf(a), *ends, regularized=True) for ends in ((0, mpf(x)), (mpf(x), inf)))
        assert abs(low + high - 1) < mpf("1e-50")
        rows.append([a, x, float(low), float(high)])
out["gamma"] = rows
rows = []
for a in SHAPES:
    for b in [1e-9, 1e-3, 0.2, 0.75, 1.0, 1.5, 3.0, 5.0, 40.0, 1000.5, 1e6]:
        for share in [1e-6, 0.01, 0.2, 0.7, 1.2, 4.0, 30.0]:
            x = min(share / (b + 2), 1 - 2**-10)
            A, B, X = mpf(a), mpf(b), mpf(x)
            with mp.workdps(80):
                low = X**A / A * mp.hyp2f1(A, 1 - B, A + 1, X) / exp(ln_beta(A, B))
                high = 1 - low
            if high > mpf("1e-30"):
                rows.append([a, b, x, float(low), float(high)])
for a, b, x in [(1e-6, 3.0, 0.2), (0.001, 5.0, 0.1), (0.3, 0.3, 0.4)]:
    low = betainc(mpf(a), mpf(b), 0, mpf(x), regularized=True)
    rows.append([a, b, x, float(low), float(betainc(mpf(a), mpf(b), mpf(x), 1, regularized=True))])
out["beta"] = rows



def ks_one(n, d):
    """P(D+ >= d) by Birnbaum and Tingey's sum."""
    d, total = mpf(d), mpf(0)
    for j in range(int(n * (1 - d)) + 1):
        total += mp.binomial(n, j) * (1 - d - mpf(j) / n) ** (n - j) * (d + mpf(j) / n) ** (j - 1)
    return d * total


rows = []
for n, d in [(2000, 0.7), (5000, 0.5), (1000, 0.9), (300, 0.95), (40, 0.25)]:
    with mp.workdps(120):
        rows.append([n, d, float(log(ks_one(n, d)))])
out["ln_kolmogorov"] = rows
# Two samples: equal sizes by reflection (one side one coefficient, two sides an alternating sum); apart from each other
# altogether, one path (two of two sides) of all.
rows = []
for n, k in [(700, 700), (700, 650), (1500, 1200), (30, 12)]:
    with mp.workdps(120):
        paths = lambda j: mp.binomial(2 * n, n - j)
        one = paths(k) / paths(0)
        two = 2 * mp.fsum((-1) ** (i - 1) * paths(i * k) for i in range(1, n // k + 1)) / paths(0)
        rows.append([n, n, k / n, float(log(one)), float(log(two))])
for m, n in [(500, 900), (1200, 400)]:
    rows.append([m, n, 1.0, float(-log(mp.binomial(m + n, n))), float(log(2 / mp.binomial(m + n, n)))])
out["ln_smirnov"] = rows


def shift_interval(x, degrees, level):
    """The noncentralities at which x leaves (1 - level)/2 on either side, by scipy's distribution."""
    tail = (1 - level) / 2
    reach = (x**0.5 + 12) ** 2
    ends = []
    for f in (lambda s: ncx2.sf(x, degrees, s) - tail, lambda s: tail - ncx2.cdf(x, degrees, s)):
        ends.append(0.0 if f(1e-12) >= 0 else brentq(f, 1e-12, reach, xtol=1e-13, rtol=1e-14, maxiter=500))
    return ends


rows = []
for x, degrees, level in [(0.5, 1, 0.95), (6.0, 1, 0.95), (10.0, 2, 0.9), (40.0, 6, 0.99), (300.0, 3, 0.95), (9000.0, 20, 0.95), (12000.0, 4, 0.95), (250000.0, 400, 0.95), (500.0, 600, 0.95)]:
    rows.append([x, degrees, level, *shift_interval(x, degrees, level)])
out["chi_square_shift"] = rows
out["versions"]["scipy"] = scipy.__version__

with open("edges.json", "w") as file:
    file.write("{\n" + ",\n".join(f'"{k}": ' + (json.dumps(v) if k == "versions" else "[\n" + ",\n".join(map(json.dumps, v)) + "\n]") for k, v in out.items()) + "\n}\n")
print({k: len(v) for k, v in out.items()})
