"""Least squares diagnostics of statsmodels on the made-up data of path.py. Writes ols.json.

Made with Python 3.11, numpy 2.4.6, statsmodels 0.15.0.
"""
import json

import numpy as np
import statsmodels.api as sm

data = json.load(open("path-data.json"))["tall"]
x, y = np.array(data["x"]).T, np.array(data["y"])
out = []
for intercept in (True, False):
    design = sm.add_constant(x) if intercept else x
    fit = sm.OLS(y, design).fit()
    influence = fit.get_influence()
    new = design[:3] + 0.25
    if intercept:
        new[:, 0] = 1
    predicted = fit.get_prediction(new).summary_frame(alpha=0.05)
    out.append({
        "intercept": intercept,
        "coefficients": fit.params.tolist(), "standard_errors": fit.bse.tolist(), "t": fit.tvalues.tolist(),
        "p_values": fit.pvalues.tolist(), "intervals": fit.conf_int(0.05).tolist(), "robust": fit.HC3_se.tolist(),
        "r_squared": fit.rsquared, "adjusted": fit.rsquared_adj, "f": float(fit.fvalue), "f_p": float(fit.f_pvalue),
        "log_likelihood": float(fit.llf), "durbin_watson": float(sm.stats.durbin_watson(fit.resid)),
        "leverage": influence.hat_matrix_diag.tolist(), "studentized": influence.resid_studentized_external.tolist(),
        "cook": influence.cooks_distance[0].tolist(), "new": new.tolist(),
        "predicted": predicted[["mean", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]].values.tolist(),
    })
json.dump(out, open("ols.json", "w"))
