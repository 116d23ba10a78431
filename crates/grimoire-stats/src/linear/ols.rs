//! Least squares as statistics: standard errors, tests, intervals, and what each row did to the fit.
//!
//! ```text
//! s² = RSS/(n − p)      se(bⱼ) = s √[(XᵀX)⁻¹]ⱼⱼ      t = b/se      h = diag X(XᵀX)⁻¹Xᵀ
//! studentised eᵢ/(s₍ᵢ₎√(1−hᵢ))       Cook Dᵢ = eᵢ² hᵢ / (p s² (1−hᵢ)²)
//! HC3: (XᵀX)⁻¹ Xᵀ diag(eᵢ²/(1−hᵢ)²) X (XᵀX)⁻¹
//! ```
//!
//! The robust errors (J. MacKinnon, H. White, 1985) stand beside the plain ones because they do not need
//! equal variances; where the two disagree by much, that assumption failed. R² is around the mean with an
//! intercept and around zero without, as NIST has it. Sources: D. Belsley, E. Kuh, R. Welsch, *Regression
//! Diagnostics* (1980).

use super::least_squares::{Solution, WideColumn, solve};
use crate::dist::{Distribution, FisherF, Student};
use crate::error::{Error, Result, open_unit};
use crate::linear::twofold::Twofold;
use crate::record::Interval;

/// One term of the model; coefficient and errors in the unit of the response over that of the term.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// The coefficient; absent when the term is a combination of earlier ones.
    pub coefficient: Option<f64>,
    /// Standard error under equal variances.
    pub standard_error: f64,
    /// Standard error without that assumption (HC3).
    pub robust_error: f64,
    /// Coefficient over standard error.
    pub t: f64,
    /// Two-sided, against zero, from Student's t.
    pub p_value: f64,
    /// Interval from Student's t.
    pub interval: Option<Interval>,
}

/// What each row did: n values in each list, residuals in the unit of the response, the rest
/// without one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Rows {
    /// `y − Xb`.
    pub residuals: Vec<f64>,
    /// Pull of the row on its own fit, from 0 to 1.
    pub leverage: Vec<f64>,
    /// Residual over its standard error, the row itself left out of the variance.
    pub studentized: Vec<f64>,
    /// Cook's distance: how far all fits move without the row, in standard errors.
    pub cook: Vec<f64>,
}

/// A fitted linear model of n rows and p terms.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Fit {
    /// Every term, in the order given.
    pub terms: Vec<Term>,
    /// Number of observations.
    pub n: usize,
    /// Terms that have a coefficient.
    pub rank: usize,
    /// `n − rank`.
    pub degrees_of_freedom: usize,
    /// Sum of squared residuals.
    pub rss: f64,
    /// `√(rss/degrees of freedom)`.
    pub residual_sd: f64,
    /// Part of the variation explained.
    pub r_squared: f64,
    /// The same with both variations divided by their degrees of freedom.
    pub adjusted_r_squared: f64,
    /// F statistic of all terms but the intercept.
    pub f: f64,
    /// Its p-value.
    pub f_p_value: f64,
    /// Log-likelihood with normal errors.
    pub log_likelihood: f64,
    /// Akaike's criterion, the variance counted as a parameter as R does.
    pub aic: f64,
    /// Schwarz's criterion, likewise.
    pub bic: f64,
    /// Durbin and Watson's statistic: near 2 when neighbouring residuals are unrelated.
    pub durbin_watson: f64,
    /// Condition number of the columns scaled to length one.
    pub condition: f64,
    /// How it was computed.
    pub arithmetic: &'static str,
    /// What each row did.
    pub rows: Rows,
    /// `(XᵀX)⁻¹`, p × p, row by row.
    pub inverse_gram: Vec<f64>,
}

/// Fits `y` on the columns, whose first is all ones when `intercept`: b of [`solve`], s² = RSS/(n −
/// p), se(bⱼ) = s √[(XᵀX)⁻¹]ⱼⱼ, t = b/se, intervals b ± t se, and what the [module](self) names.
///
/// Domain: p columns with as many names, a level between 0 and 1; p counts those with a
/// coefficient. Without degrees of freedom left, errors are NaN and intervals absent. Method: the
/// formulas of the module on the factorisation of [`solve`]; HC3 for robust errors. Accuracy:
/// relative error at most 10⁻⁹, or absolute 10⁻¹², of statsmodels' figures, criteria and condition
/// apart (`tests/linear_ols.rs`); coefficients as [`solve`]. Source: D. Belsley, E. Kuh and R.
/// Welsch, *Regression Diagnostics* (1980); J. MacKinnon and H. White (1985).
///
/// # Errors
/// Those of [`solve`], a wrong level, or not as many names as columns.
pub fn ols(
    columns: &[WideColumn],
    names: &[String],
    y: &WideColumn,
    intercept: bool,
    level: f64,
) -> Result<Fit> {
    open_unit("the level", level)?;
    if names.len() != columns.len() {
        return Err(Error::Lengths {
            left: "the columns",
            n_left: columns.len(),
            right: "their names",
            n_right: names.len(),
        });
    }
    let solution = solve(columns, y)?;
    let n = y.hi.len();
    let freedom = n - solution.rank;
    let variance = solution.rss / freedom as f64;
    let total = total_squares(y, intercept);
    let explained = solution.rank.saturating_sub(usize::from(intercept));
    let f = (total - solution.rss) / explained as f64 / variance;
    let f_p_value = if explained == 0 || freedom == 0 || !f.is_finite() {
        f64::NAN
    } else {
        FisherF::new(explained as f64, freedom as f64)?.survival(f.max(0.0))
    };
    let rows = rows(&solution, variance, freedom);
    let robust = robust(columns, &solution);
    let terms = terms(names, &solution, variance, freedom, &robust, level)?;
    let log_likelihood = -0.5
        * n as f64
        * ((2.0 * std::f64::consts::PI).ln() + (solution.rss / n as f64).ln() + 1.0);
    let parameters = (solution.rank + 1) as f64;
    let steps: f64 = solution.residuals.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    let base = if intercept { n - 1 } else { n };
    Ok(Fit {
        terms,
        n,
        rank: solution.rank,
        degrees_of_freedom: freedom,
        rss: solution.rss,
        residual_sd: variance.sqrt(),
        r_squared: 1.0 - solution.rss / total,
        adjusted_r_squared: 1.0 - variance / (total / base as f64),
        f,
        f_p_value,
        log_likelihood,
        aic: 2.0 * parameters - 2.0 * log_likelihood,
        bic: parameters * (n as f64).ln() - 2.0 * log_likelihood,
        durbin_watson: steps / solution.residuals.iter().map(|e| e * e).sum::<f64>(),
        condition: solution.condition,
        arithmetic: solution.arithmetic,
        rows,
        inverse_gram: solution.inverse_gram,
    })
}

/// `Σ(y − ȳ)²`, or `Σy²` without an intercept, in twice the precision.
fn total_squares(y: &WideColumn, intercept: bool) -> f64 {
    let n = y.hi.len();
    let mut sum = Twofold::ZERO;
    if intercept {
        sum = (0..n).fold(sum, |sum, i| sum + y.at(i));
    }
    let mean = sum / Twofold::from(n as f64);
    (0..n)
        .fold(Twofold::ZERO, |total, i| {
            let away = y.at(i) - mean;
            total + away * away
        })
        .value()
}

fn rows(solution: &Solution, variance: f64, freedom: usize) -> Rows {
    let left = freedom as f64;
    let (mut studentized, mut cook) = (vec![], vec![]);
    for (e, h) in solution.residuals.iter().zip(&solution.leverage) {
        let free = (1.0 - h).max(0.0);
        // s₍ᵢ₎² = ((n−p)s² − e²/(1−h))/(n−p−1)
        let without = (left * variance - e * e / free) / (left - 1.0);
        studentized.push(e / (without * free).sqrt());
        cook.push(e * e * h / (solution.rank as f64 * variance * free * free));
    }
    Rows {
        residuals: solution.residuals.clone(),
        leverage: solution.leverage.clone(),
        studentized,
        cook,
    }
}

/// HC3 variances of the coefficients.
fn robust(columns: &[WideColumn], solution: &Solution) -> Vec<f64> {
    let p = columns.len();
    let mut out = vec![0.0; p];
    for (i, (e, h)) in solution.residuals.iter().zip(&solution.leverage).enumerate() {
        let weight = (e / (1.0 - h)).powi(2);
        for (j, out) in out.iter_mut().enumerate() {
            let row = &solution.inverse_gram[j * p..(j + 1) * p];
            let z = row
                .iter()
                .zip(columns)
                .fold(Twofold::ZERO, |sum, (g, column)| sum + Twofold::product(*g, column.hi[i]))
                .value();
            *out += weight * z * z;
        }
    }
    out
}

fn terms(
    names: &[String],
    solution: &Solution,
    variance: f64,
    freedom: usize,
    robust: &[f64],
    level: f64,
) -> Result<Vec<Term>> {
    let p = names.len();
    let student = if freedom > 0 { Some(Student::new(freedom as f64)?) } else { None };
    let width = student.map_or(f64::NAN, |student| student.upper_quantile(0.5 - 0.5 * level));
    Ok((0..p)
        .map(|j| {
            let coefficient = solution.coefficients[j];
            let b = coefficient.unwrap_or(f64::NAN);
            let absent = coefficient.is_none() || student.is_none();
            let standard_error = if absent {
                f64::NAN
            } else {
                (variance * solution.inverse_gram[j * p + j]).sqrt()
            };
            let t = b / standard_error;
            let half = width * standard_error;
            Term {
                name: names[j].clone(),
                coefficient,
                standard_error,
                robust_error: if absent { f64::NAN } else { robust[j].sqrt() },
                t,
                p_value: match student {
                    Some(student) if !t.is_nan() => (2.0 * student.survival(t.abs())).min(1.0),
                    _ => f64::NAN,
                },
                interval: (!absent && half.is_finite())
                    .then(|| Interval::new(b - half, b + half, level, "Student's t")),
            }
        })
        .collect())
}

/// A prediction with both of its intervals, in the unit of the response.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Prediction {
    /// `x₀ᵀb`.
    pub value: f64,
    /// Of the mean response at x₀.
    pub mean: Interval,
    /// Of one new response at x₀.
    pub new: Interval,
}

/// Predicts x₀ᵀb at `x` = x₀ (one value per term), from coefficients, `(XᵀX)⁻¹`, residual standard
/// deviation s and degrees of freedom of a fit: x₀ᵀb ± t s √v with v = x₀ᵀ(XᵀX)⁻¹x₀ for the mean
/// and 1 + v for one new response.
///
/// Domain: p values, p coefficients (aliased ones count as zero), p² entries; one degree of freedom
/// or more; a level between 0 and 1. Method: sums in twice the precision. Accuracy: relative error
/// at most 10⁻⁹, or absolute 10⁻¹¹, of statsmodels (`tests/linear_ols.rs`). Source: N. Draper and
/// H. Smith, *Applied Regression Analysis* (1998).
///
/// # Errors
/// When the sizes differ, no degree of freedom is left, or the level is wrong.
pub fn predict(
    x: &[f64],
    coefficients: &[Option<f64>],
    inverse_gram: &[f64],
    residual_sd: f64,
    degrees_of_freedom: usize,
    level: f64,
) -> Result<Prediction> {
    open_unit("the level", level)?;
    let p = coefficients.len();
    if x.len() != p || inverse_gram.len() != p * p {
        return Err(Error::Lengths {
            left: "the values to predict at",
            n_left: x.len(),
            right: "the terms of the model",
            n_right: p,
        });
    }
    let value = x
        .iter()
        .zip(coefficients)
        .fold(Twofold::ZERO, |sum, (x, b)| sum + Twofold::product(*x, b.unwrap_or(0.0)))
        .value();
    let mut pull = Twofold::ZERO;
    for i in 0..p {
        for j in 0..p {
            pull = pull + Twofold::product(x[i], inverse_gram[i * p + j]) * Twofold::from(x[j]);
        }
    }
    let pull = pull.value().max(0.0);
    let width = Student::new(degrees_of_freedom as f64)?.upper_quantile(0.5 - 0.5 * level);
    let made = |spread: f64| {
        let half = width * residual_sd * spread.sqrt();
        Interval::new(value - half, value + half, level, "Student's t")
    };
    Ok(Prediction { value, mean: made(pull), new: made(1.0 + pull) })
}
