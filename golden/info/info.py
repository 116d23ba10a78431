"""Entropies, divergences, means and links at 40 digits (mpmath 1.3.0; Python 3.11). Writes info.json."""
import json
import random

from mpmath import mp, mpf, digamma, exp, log

mp.dps = 40
random.seed(11)


def text(value):
    return mp.nstr(value, 25)


def norm(values):
    total = sum(mpf(v) for v in values)
    return [mpf(v) / total for v in values]


def entropy(p):
    return -sum(x * log(x) for x in p if x > 0)


def kl(p, q):
    return sum(x * log(x / y) for x, y in zip(p, q) if x > 0)


pairs = []
for n, spread in [(2, 1), (3, 5), (10, 3), (100, 2), (5, 40), (4, 1e-7), (20, 1e-3), (7, 200)]:
    a = [random.random() + 0.01 for _ in range(n)]
    b = [v * float(exp(spread * (random.random() - 0.5))) for v in a]
    if n == 10:
        a[3] = 0.0
    p, q = norm(a), norm(b)
    m = [(x + y) / 2 for x, y in zip(p, q)]
    pairs.append({"a": a, "b": b, "entropy": text(entropy(p)), "cross": text(-sum(x * log(y) for x, y in zip(p, q))),
                  "kl": text(kl(p, q)), "reverse": text(kl(q, p)) if 0.0 not in a else "inf",
                  "js": text((kl(p, m) + kl(q, m)) / 2)})

tables = []
for rows, cols in [(2, 2), (3, 5), (6, 4)]:
    t = [[random.randint(0, 30) for _ in range(cols)] for _ in range(rows)]
    total = mpf(sum(map(sum, t)))
    r = [mpf(sum(row)) / total for row in t]
    c = [mpf(sum(row[j] for row in t)) / total for j in range(cols)]
    info = sum(mpf(t[i][j]) / total * log(mpf(t[i][j]) / total / (r[i] * c[j])) for i in range(rows) for j in range(cols) if t[i][j])
    tables.append({"table": t, "information": text(info)})


def g(k):
    return digamma(k) + mpf((-1) ** k) / 2 * (digamma(mpf(k + 1) / 2) - digamma(mpf(k) / 2))


estimates = []
for counts in [[4, 2, 1, 1], [10, 20, 30, 0, 5], [1, 1, 1, 2], [1000, 300, 17, 1], [200000, 3, 170]]:
    n = mpf(sum(counts))
    seen = [k for k in counts if k]
    p = [k / n for k in seen]
    h = entropy(p)
    def without(k):
        rest = [x for x in seen]
        rest.remove(k)
        rest.append(k - 1)
        return entropy([x / (n - 1) for x in rest if x])
    mean = sum(k * without(k) for k in seen) / n
    cover = 1 - mpf(sum(k == 1 for k in seen)) / n
    estimates.append({"counts": counts, "plug_in": text(h), "miller_madow": text(h + (len(seen) - 1) / (2 * n)),
                      "grassberger": text(log(n) - sum(k * g(k) for k in seen) / n),
                      "jackknife": text(n * h - (n - 1) * mean),
                      "chao_shen": text(-sum(cover * x * log(cover * x) / (1 - (1 - cover * x) ** int(n)) for x in p)),
                      "standard_error": text(((sum(x * log(x) ** 2 for x in p) - h * h) / n) ** mpf("0.5"))})

means = []
for n, low, high in [(3, 0.5, 2), (10, 1e-8, 1e8), (50, 1, 1.0001), (6, 1e200, 1e300)]:
    x = [float(exp(log(mpf(low)) + random.random() * (log(mpf(high)) - log(mpf(low))))) for _ in range(n)]
    w = [random.random() for _ in range(n)]
    total = sum(mpf(v) for v in w)
    def power(order):
        return (sum(mpf(v) * mpf(value) ** order for value, v in zip(x, w)) / total) ** (1 / mpf(order))
    means.append({"x": x, "w": w, "arithmetic": text(power(1)), "harmonic": text(power(-1)),
                  "geometric": text(exp(sum(mpf(v) * log(mpf(value)) for value, v in zip(x, w)) / total)),
                  "quadratic": text(power(2)), "order_0.3": text(power(mpf(0.3))), "order_-4": text(power(-4))})

links = []
for x in [[0.0, 0.0], [1000.0, 998.5, -3.0], [-745.0, -746.5], [0.1 * i - 1 for i in range(20)], [1e-9, -1e-9, 3e-9]]:
    for t in [1.0, 0.25, 7.0]:
        e = [exp(mpf(v) / mpf(t)) for v in x]
        links.append({"x": x, "temperature": t, "softmax": [text(v / sum(e)) for v in e], "log_sum_exp": text(log(sum(exp(mpf(v)) for v in x)))})
logits = [{"p": p, "logit": text(log(mpf(p) / (1 - mpf(p))))} for p in [1e-300, 1e-16, 0.01, 0.3, 0.49999999, 0.5, 0.500001, 0.65, 0.9, 0.9999999999]]
json.dump({"pairs": pairs, "tables": tables, "estimates": estimates, "means": means, "links": links, "logits": logits},
          open("info.json", "w"))
