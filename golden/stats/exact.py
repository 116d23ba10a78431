"""Writes exact.json: what scipy, statsmodels and R round or truncate, at 40 digits by mpmath from the definitions.

Kolmogorov-Smirnov (Marsaglia, Tsang and Wang's matrix; Birnbaum and Tingey's sum), P(A > B) of Beta posteriors (by
recurrences from the symmetric case), the ends of exact intervals (roots of their equations), Fisher's conditional odds
ratio and its interval, noncentral t and chi-square, exact binomial tests to n = 1e12. Arguments are doubles, taken
exactly. Run: python exact.py
"""
import json

import mpmath
import numpy as np
from mpmath import betainc, exp, findroot, gammainc, log, loggamma, mp, mpf, quad, sqrt

mp.dps = 40
out = {"versions": {"mpmath": mpmath.__version__}}


def ks_two(n, d):
    """P(D >= d)."""
    k = int(mpf(n) * mpf(d)) + 1
    m, h = 2 * k - 1, mpf(k) - mpf(n) * mpf(d)
    H = np.array([[mpf(1) if i - j + 1 >= 0 else mpf(0) for j in range(m)] for i in range(m)], dtype=object)
    for i in range(m):
        H[i, 0] -= h ** (i + 1)
        H[m - 1, i] -= h ** (m - i)
    if 2 * h > 1:
        H[m - 1, 0] += (2 * h - 1) ** m
    for i in range(m):
        for j in range(m):
            if i - j + 1 > 0:
                H[i, j] /= mp.factorial(i - j + 1)
    R, B, e = None, H, n
    while e:
        if e & 1:
            R = B if R is None else R.dot(B)
        e >>= 1
        if e:
            B = B.dot(B)
    return 1 - R[k - 1, k - 1] * mp.factorial(n) / mpf(n) ** n


def ks_one(n, d):
    """P(D+ >= d)."""
    d, total = mpf(d), mpf(0)
    for j in range(int(n * (1 - d)) + 1):
        total += mp.binomial(n, j) * (1 - d - mpf(j) / n) ** (n - j) * (d + mpf(j) / n) ** (j - 1)
    return d * total


rows = []
for n in [1, 2, 5, 10, 37, 140, 600, 1500]:
    for c in [0.45, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.3, 2.6, 4.0]:
        d = c / n ** 0.5 if n > 1 else c / 4.5
        if d >= 1 or d <= 0.5 / n or n * d > 45:
            continue
        with mp.workdps(60):
            rows.append([n, d, float(ks_two(n, d)), float(ks_one(n, d))])
out["kolmogorov"] = rows


def beats(a, b, c, d):
    """P(X > Y), X ~ Beta(a, b), Y ~ Beta(c, d): down in whole steps to a symmetric case, where it is 1/2
    (J. Cook, "Exact calculation of beta inequalities", 2005)."""
    a, b, c, d = map(mpf, (a, b, c, d))
    start = a % 1 if a % 1 else mpf(1)
    assert all((v - start) % 1 == 0 for v in (a, b, c, d))
    h = lambda a, b, c, d: exp(loggamma(a + c) + loggamma(b + d) - loggamma(a + b + c + d) - (loggamma(a) + loggamma(b) - loggamma(a + b)) - (loggamma(c) + loggamma(d) - loggamma(c + d)))
    value, p, q, r, s = mpf(1) / 2, start, start, start, start
    while r < c: value -= h(p, q, r, s) / r; r += 1
    while p < a: value += h(p, q, r, s) / p; p += 1
    while s < d: value += h(p, q, r, s) / s; s += 1
    while q < b: value -= h(p, q, r, s) / q; q += 1
    return value


check = quad(lambda u: 2 / mp.pi * betainc(3, mpf(2.5), 0, mp.sin(u) ** 2, regularized=True), [0, mp.pi / 4, mp.pi / 2])
direct = beats(0.5, 0.5, 3.5, 2.5) - quad(lambda u: 2 / mp.pi * betainc(mpf(3.5), mpf(2.5), 0, mp.sin(u) ** 2, regularized=True), [0, mp.pi / 4, mp.pi / 2])
assert abs(direct) < mpf("1e-30"), direct
rows = [[0.5, 0.5, 3, 2.5, float(check)]]
for a in [(0.5, 0.5, 3.5, 2.5), (1, 1, 1, 2), (2, 9, 9, 2), (11, 91, 16, 86), (121, 881, 141, 861), (1200.5, 8800.5, 1300.5, 8700.5), (51, 51, 91, 11), (1, 3000, 30, 3000)]:
    with mp.workdps(60):
        rows.append([*a, float(beats(*a))])
out["beats"] = rows


def root(f, low, high):
    """By bisection and then the secant method: f rises or falls once between the ends."""
    a, b, fa = mpf(low), mpf(high), f(mpf(low))
    for _ in range(30):
        m = (a + b) / 2
        if (f(m) > 0) == (fa > 0): a = m
        else: b = m
    return findroot(f, (a, b), solver="anderson", tol=mpf("1e-60"), maxsteps=200)


def cdf(x, n, p):
    return mpf(0) if x < 0 else betainc(n - x, x + 1, 0, 1 - p, regularized=True) if x < n else mpf(1)


def density(x, n, p):
    return mp.binomial(n, x) * p ** x * (1 - p) ** (n - x)


rows = []
for k, n in [(0, 10), (1, 10), (5, 10), (9, 10), (10, 10), (100, 250), (3, 1000), (997, 1000)]:
    for level in [0.9, 0.95, 0.999]:
        t = (1 - mpf(level)) / 2
        eq = {
            "Clopper-Pearson": (lambda p: betainc(k, n - k + 1, 0, p, regularized=True) - t, lambda p: betainc(k + 1, n - k, 0, p, regularized=True) - (1 - t)),
            "Jeffreys": (lambda p: betainc(k + mpf(.5), n - k + mpf(.5), 0, p, regularized=True) - t, lambda p: betainc(k + mpf(.5), n - k + mpf(.5), 0, p, regularized=True) - (1 - t)),
            "mid-p": (lambda p: 1 - cdf(k, n, p) + density(k, n, p) / 2 - t, lambda p: cdf(k - 1, n, p) + density(k, n, p) / 2 - t),
        }
        for name, (low, high) in eq.items():
            e = mpf("1e-30")
            rows.append([name, k, n, level, 0.0 if k == 0 else float(root(low, e, 1 - e)), 1.0 if k == n else float(root(high, e, 1 - e))])
        z, p = mp.sqrt(2) * mp.erfinv(mpf(level)), mpf(k) / n
        half = z / (n + z * z) * sqrt(k * (1 - p) + z * z / 4)
        mid = (k + z * z / 2) / (n + z * z)
        rows.append(["Wilson", k, n, level, 0.0 if k == 0 else float(mid - half), 1.0 if k == n else float(mid + half)])
        half = z * sqrt(mid * (1 - mid) / (n + z * z))
        rows.append(["Agresti-Coull", k, n, level, float(max(mid - half, 0)), float(min(mid + half, 1))])
        half = z * sqrt(p * (1 - p) / n)
        rows.append(["Wald", k, n, level, float(max(p - half, 0)), float(min(p + half, 1))])
        side = lambda x: z / 2 * sqrt(z * z - 2 - mpf(1) / n + 4 * (mpf(x) / n) * (n * (1 - mpf(x) / n) + 1))
        low = lambda x: mpf(0) if x == 0 else (x + z * z / 2 - mpf(.5) - side(x)) / (n + z * z)
        rows.append(["Wilson with continuity correction", k, n, level, float(low(k)), float(1 - low(n - k))])
out["proportion"] = rows

rows = []
for k, t in [(0, 2.5), (1, 1.0), (10, 4.0), (60, 514.775), (400, 3.0)]:
    for level in [0.9, 0.95, 0.999]:
        tail = (1 - mpf(level)) / 2
        pois = lambda x, m: mpf(0) if x < 0 else gammainc(x + 1, m, mp.inf, regularized=True)
        mass = lambda x, m: exp(x * log(m) - m - loggamma(x + 1))
        top = mpf(k) + 12 * sqrt(mpf(k) + 1) + 30
        e = mpf("1e-30")
        eq = {
            "exact (Garwood)": (lambda m: 1 - pois(k - 1, m) - tail, lambda m: pois(k, m) - tail),
            "mid-p": (lambda m: 1 - pois(k, m) + mass(k, m) / 2 - tail, lambda m: pois(k - 1, m) + mass(k, m) / 2 - tail),
            "Jeffreys": (lambda m: gammainc(k + mpf(.5), 0, m, regularized=True) - tail, lambda m: gammainc(k + mpf(.5), m, mp.inf, regularized=True) - tail),
        }
        for name, (low, high) in eq.items():
            rows.append([name, k, t, level, 0.0 if k == 0 else float(root(low, e, top) / mpf(t)), float(root(high, e, top) / mpf(t))])
out["rate"] = rows


def fisher_terms(a, b, c, d, psi):
    """Probabilities of the first cell given the margins, at odds ratio psi."""
    low, high = max(0, a - d), min(a + b, a + c)
    weight = lambda x: mp.binomial(a + b, x) * mp.binomial(c + d, a + c - x) * psi ** x
    terms = {x: weight(x) for x in range(low, high + 1)}
    total = mp.fsum(terms.values())
    return {x: v / total for x, v in terms.items()}


rows = []
for a, b, c, d in [(3, 1, 1, 3), (10, 2, 3, 15), (100, 2, 500, 5), (8, 2, 1, 5), (190, 800, 200, 900)]:
    mean = lambda s: mp.fsum(x * p for x, p in fisher_terms(a, b, c, d, exp(s)).items()) - a
    above = lambda s: mp.fsum(p for x, p in fisher_terms(a, b, c, d, exp(s)).items() if x >= a) - mpf("0.025")
    below = lambda s: mp.fsum(p for x, p in fisher_terms(a, b, c, d, exp(s)).items() if x <= a) - mpf("0.025")
    found = [root(f, -15, 15) for f in (mean, above, below)]
    rows.append([a, b, c, d, *(float(exp(v)) for v in found)])
out["fisher"] = rows

rows = []
for t, nu, shift in [(2.0, 10, 1.0), (0.5, 3, 2.0), (-1.0, 30, 0.5), (6.0, 8, 3.0), (1.7, 1000, 2.8)]:
    T, v, s = mpf(t), mpf(nu), mpf(shift)
    f = lambda u: exp(log(mpf(2)) + v / 2 * log(v / 2) - loggamma(v / 2) + (v - 1) * log(u) - v * u * u / 2) * mp.ncdf(T * u - s)
    sd = 1 / sqrt(2 * v)
    points = [mpf("1e-20")] + [p for p in (1 - 8 * sd, 1 - 3 * sd, 1, 1 + 3 * sd, 1 + 8 * sd, 1 + 20 * sd) if p > 0] + [1 + 60 * sd]
    rows.append([t, nu, shift, float(quad(f, points))])
out["noncentral_t"] = rows
rows = []
for x, nu, shift in [(3.0, 2, 1.0), (30.0, 5, 20.0), (100.0, 60, 10.0), (0.5, 1, 4.0)]:
    total = mp.nsum(lambda j: exp(-mpf(shift) / 2 + j * log(mpf(shift) / 2) - loggamma(j + 1)) * gammainc(mpf(nu) / 2 + j, 0, mpf(x) / 2, regularized=True), [0, 400], method="direct")
    rows.append([x, nu, shift, float(total)])
out["noncentral_chi_square"] = rows


def upper(k, n, p):
    """P(X >= k) as the density at k times a continued sum of ratios."""
    p, term, total, j = mpf(p), mpf(1), mpf(0), mpf(k)
    odds = p / (1 - p)
    while term > mpf("1e-45") * (total + 1) and j <= n:
        total += term
        term *= (n - j) / (j + 1) * odds
        j += 1
    ln = loggamma(mpf(n) + 1) - loggamma(mpf(k) + 1) - loggamma(mpf(n) - k + 1) + k * log(p) + (n - k) * log(1 - p)
    return exp(ln) * total, ln


rows = []
for k, n, p in [(480100000, 10 ** 9, 0.48), (1050, 10 ** 9, 1e-6), (1160, 10 ** 9, 1e-6), (1004000, 10 ** 12, 1e-6), (10 ** 6 + 6000, 10 ** 12, 1e-6)]:
    up, ln = upper(k, n, p)
    q = mpf(1) - mpf(p)
    value = lambda j: loggamma(mpf(n) + 1) - loggamma(mpf(j) + 1) - loggamma(mpf(n) - j + 1) + j * log(mpf(p)) + (n - j) * log(1 - mpf(p))
    low, high = 0, int(n * mpf(p))
    while high - low > 1:  # the largest j below the mode that is no likelier than k
        m = (low + high) // 2
        if value(m) <= ln + mpf("1e-25"): low = m
        else: high = m
    j, term, total = low, mpf(1), mpf(0)
    while term > mpf("1e-45") * (total + 1) and j >= 0:
        total += term
        term *= mpf(j) / (n - j + 1) * q / mpf(p)
        j -= 1
    rows.append([k, n, p, float(up + exp(value(low)) * total)])
out["large"] = rows
json.dump(out, open("exact.json", "w"), indent=0)
