"""Writes peers.json: Fisher's odds ratio, Kolmogorov-Smirnov, intervals, large binomial tests, by
scipy and statsmodels (versions inside). Run: python peers.py"""
import json
import numpy as np, scipy, statsmodels
from scipy import stats
from scipy.stats import contingency
from statsmodels.stats import proportion as pr, rates as ra

out = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__}}
fin = lambda v: float(v) if np.isfinite(v) else None
rows = []
for t in [(3, 1, 1, 3), (10, 2, 3, 15), (0, 5, 6, 2), (100, 2, 1000, 5), (14500, 20000, 30000, 40000), (8, 2, 1, 5), (190, 800, 200, 900), (7, 0, 0, 9)]:
    table = np.array(t).reshape(2, 2)
    o = contingency.odds_ratio(table)
    for code, alt in enumerate(["two-sided", "less", "greater"]):
        ci = o.confidence_interval(.95, alt)
        rows.append([*t, code, float(stats.fisher_exact(table, alt)[1]), fin(o.statistic), fin(ci.low), fin(ci.high)])
out["fisher"] = rows

out["kolmogorov_limit"] = [[z, float(stats.kstwobign.sf(z))] for z in [.3, .5, .8, .99, 1.01, 1.5, 2.5, 5]]
rng = np.random.default_rng(5)
x, y = np.round(rng.normal(size=23), 6), np.round(rng.normal(.6, 1.4, size=31), 6)
out["x"], out["y"] = x.tolist(), y.tolist()
out["ks_two"] = [[a, *(float(v) for v in stats.ks_2samp(x, y, alternative=a, method="exact")[:2])] for a in ["two-sided", "less", "greater"]]
out["ks_one"] = [[a, *(float(v) for v in stats.kstest(x, "norm", alternative=a, method="exact")[:2])] for a in ["two-sided", "less", "greater"]]
rows = []
names = [("beta", "Clopper-Pearson"), ("wilson", "Wilson"), ("agresti_coull", "Agresti-Coull"), ("jeffreys", "Jeffreys"), ("normal", "Wald")]
for k, n in [(0, 10), (1, 10), (9, 10), (10, 10), (100, 250), (3, 1000), (999999, 10 ** 9)]:
    for level in [.9, .95, .999]:
        for m, name in names:
            if m == "jeffreys" and k in (0, n): continue  # statsmodels does not set the edge to 0 and 1
            lo, hi = pr.proportion_confint(k, n, 1 - level, m)
            rows.append([name, k, n, level, float(lo), float(hi)])
        ci = stats.binomtest(k, n).proportion_ci(level, "wilsoncc")
        rows.append(["Wilson with continuity correction", k, n, level, float(ci.low), float(ci.high)])
out["proportion"] = rows
rows = []
for k, t in [(0, 2.5), (1, 1.), (10, 4.), (60, 514.775), (1000000, 3.)]:
    for level in [.9, .95, .999]:
        for m, name in [("exact-c", "exact (Garwood)"), ("score", "score"), ("wald", "Wald"), ("jeff", "Jeffreys"), ("midp-c", "mid-p")]:
            if k == 0 and m in ("jeff", "midp-c", "wald"): continue
            lo, hi = ra.confint_poisson(k, t, method=m, alpha=1 - level)
            rows.append([name, k, t, level, float(lo), float(hi)])
out["rate"] = rows
rows = []
for a in [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 10), (5, 56, 0, 29)]:
    for m, name in [("newcomb", "Newcombe"), ("agresti-caffo", "Agresti-Caffo"), ("wald", "Wald")]:
        lo, hi = pr.confint_proportions_2indep(*a, method=m)
        rows.append([name, *a, float(lo), float(hi)])
out["difference"] = rows
rows = []
for k, n, p in [(480100000, 10 ** 9, .48), (480020000, 10 ** 9, .48), (1050, 10 ** 9, 1e-6), (500003000000, 10 ** 12, .5), (10 ** 6 + 4000, 10 ** 12, 1e-6)]:
    rows.append([k, n, p, float(stats.binomtest(k, n, p).pvalue)])
rows[3][3] = 1.97318744166489423e-9  # 2 I_0.5(k, n - k + 1) by mpmath quadrature at 40 digits; scipy is 2.8e-10 off
out["large"] = rows
json.dump(out, open("peers.json", "w"), indent=0)
