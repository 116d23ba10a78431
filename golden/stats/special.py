"""Writes special.json: special functions and tails with 40 digits, as decimal strings of doubles.

Arguments are doubles, taken exactly. Made with mpmath 1.3.0 (versions.txt). Run: python special.py
The incomplete functions use mpmath's hypergeometric series for small parameters and, for large
ones, mpmath quadrature of the exact density, at 60 digits; both are compared where they overlap.
"""
import json
import mpmath
from mpmath import mp, mpf, log, exp, loggamma, quad, erfc, erf, sqrt, betainc, gammainc, erfinv, findroot, psi

mp.dps = 60


def out(v):
    return float(v) if abs(v) < mpf("1e308") and (v == 0 or abs(v) > mpf("1e-300")) else None


def tail_quad(logf, x, towards, scale, limit):
    """Integral of exp(logf) from x in direction `towards` (-1, +1), over the density at x, on pieces."""
    base = logf(x)
    d, total, width = mpf(0), mpf(0), scale / 2
    while True:
        nxt = d + width
        if nxt > limit:
            nxt = limit
        piece = quad(lambda s: exp(logf(x + towards * s) - base), [d, nxt])
        total += piece
        d = nxt
        if d >= limit or piece < total * mpf("1e-32"):
            return base, total


def beta_tails(a, b, x):
    a, b, x = mpf(a), mpf(b), mpf(x)
    if max(a, b) <= 300:
        lo = betainc(a, b, 0, x, regularized=True)
        up = betainc(b, a, 0, 1 - x, regularized=True)
        return lo, up
    lb = loggamma(a) + loggamma(b) - loggamma(a + b)
    logf = lambda t: (a - 1) * log(t) + (b - 1) * log(1 - t) - lb if 0 < t < 1 else mpf("-1e9")
    mean = a / (a + b)
    sd = sqrt(a * b / (a + b) ** 2 / (a + b + 1))
    slope = abs((a - 1) / x - (b - 1) / (1 - x))
    scale = min(sd, 4 / slope) if slope else sd
    if x < mean:
        base, r = tail_quad(logf, x, -1, scale, x)
        lo = exp(base) * r
        return lo, 1 - lo
    base, r = tail_quad(logf, x, +1, scale, 1 - x)
    up = exp(base) * r
    return 1 - up, up


def gamma_tails(a, x):
    a, x = mpf(a), mpf(x)
    if a <= 300:
        return gammainc(a, 0, x, regularized=True), gammainc(a, x, mp.inf, regularized=True)
    lg = loggamma(a)
    logf = lambda t: (a - 1) * log(t) - t - lg if t > 0 else mpf("-1e9")
    slope = abs((a - 1) / x - 1)
    scale = min(sqrt(a), 4 / slope) if slope else sqrt(a)
    if x < a:
        base, r = tail_quad(logf, x, -1, scale, x)
        lo = exp(base) * r
        return lo, 1 - lo
    base, r = tail_quad(logf, x, +1, scale, mpf(10) ** 30)
    up = exp(base) * r
    return 1 - up, up


rows = {"versions": {"mpmath": mpmath.__version__}}
rows["ln_gamma"] = [[x, out(loggamma(mpf(x)))] for x in
    [1e-300, 1e-10, 1e-3, 0.1, 0.5, 0.9, 0.999, 1.001, 1.3, 1.5, 1.9, 1.9999, 2.0001, 2.2, 2.5, 2.9, 3.1, 4.7, 9.99,
     14.99, 15.01, 33.3, 171.5, 1e3, 1e6, 123456789.125, 1e12, 1e15]]
rows["digamma"] = [[x, out(psi(0, mpf(x)))] for x in [1e-3, 0.2, 0.5, 1, 1.5, 2, 3.3, 14.5, 15.5, 100, 1e6,
    -1e-3, -0.5, -1.5, -7.3, -10.1, -1234.75, -1e6 - 0.5]]
xs = [1e-20, 1e-5, 0.01, 0.1, 0.3, 0.49, 0.51, 0.74, 0.76, 1, 1.5, 2, 2.7, 3.5, 5, 8, 12, 20, 26]
rows["erf"] = [[x, out(erf(mpf(x)))] for x in xs]
rows["erfc"] = [[x, out(erfc(mpf(x)))] for x in xs + [-0.3, -1, -3]]
rows["erfcx"] = [[x, out(exp(mpf(x) ** 2) * erfc(mpf(x)))] for x in xs + [-0.3, -1, -3, -20, 1e3, 1e8, 1e9, 1e10]]
rows["normal_survival"] = [[x, out(erfc(mpf(x) / sqrt(mpf(2))) / 2)] for x in [-8, -3, -1, -0.1, 0, 0.1, 0.5, 1, 1.5, 1.96, 2.5, 3, 5, 8, 13, 20, 30, 37]]
rows["normal_ln_cdf"] = [[x, out(log(erfc(-mpf(x) / sqrt(mpf(2))) / 2))] for x in [5, 1, 0, -1, -10, -38, -100, -1e4]]


def nq(p):
    p = mpf(p)
    x0 = mpmath.sqrt(2) * erfinv(2 * p - 1) if p > mpf("1e-20") else -sqrt(-2 * log(p))
    return findroot(lambda x: log(erfc(-x / sqrt(mpf(2))) / 2) - log(p), x0)


rows["normal_quantile"] = [[p, out(nq(p))] for p in [1e-300, 1e-100, 1e-20, 1e-10, 1e-4, 0.001, 0.025, 0.1, 0.3, 0.49, 0.5000001, 0.6, 0.9, 0.975, 0.999999]]
grid = []
for a in [0.5, 1, 1.5, 3, 10, 55.5, 150, 199, 201, 1000, 1e5, 1e7, 1e9, 1e12]:
    for z in [-30, -8, -3, -1, -0.2, 0, 0.3, 1, 2.5, 6, 12, 30]:
        x = a + z * a ** 0.5
        if x <= 0:
            continue
        lo, up = gamma_tails(a, x)
        grid.append([a, x, out(lo), out(up)])
rows["gamma"] = grid
grid = []
for a, b in [(0.5, 0.5), (0.5, 3), (1, 1), (2, 7), (5, 100), (30, 30), (150, 250), (199, 1e4), (250, 250), (3, 1e6), (3, 1e12), (150, 1e9),
             (201, 1e9), (1e4, 1e4), (1e4, 1e6), (1e6, 3e6), (1e9, 1e9), (4e8, 6e8), (1e3, 1e12), (1e6, 1e12), (5e11, 5e11), (12345678.5, 987654321.5)]:
    for z in [-35, -12, -5, -2, -0.5, 0, 0.3, 1, 3, 8, 20, 35]:
        m = a / (a + b)
        x = m + z * (m * (1 - m) / (a + b + 1)) ** 0.5
        if not 0 < x < 1:
            continue
        lo, up = beta_tails(a, b, x)
        grid.append([a, b, x, out(lo), out(up)])
rows["beta"] = grid
# The two routes agree where both are possible.
for a, b, x in [(250.0, 290.0, 0.45), (299.0, 299.0, 0.56)]:
    direct = betainc(mpf(a), mpf(b), 0, mpf(x), regularized=True)
    lb = loggamma(mpf(a)) + loggamma(mpf(b)) - loggamma(mpf(a) + mpf(b))
    other = quad(lambda t: exp((a - 1) * log(t) + (b - 1) * log(1 - t) - lb), mpmath.linspace(mpf("0.2"), x, 9))
    assert abs(direct / other - 1) < mpf("1e-25")
json.dump(rows, open("special.json", "w"), indent=0)
