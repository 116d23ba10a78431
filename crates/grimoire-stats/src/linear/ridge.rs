//! Ridge regression in closed form, for every penalty at once.
//!
//! ```text
//! X̃ = U diag(d) Vᵀ      b(k) = V diag(d/(d² + k)) Uᵀỹ      degrees of freedom = Σ d²/(d² + k)
//! leave one out: eᵢ/(1 − hᵢ),  hᵢ = Σⱼ uᵢⱼ² dⱼ²/(dⱼ² + k) (+ 1/n with an intercept)
//! ```
//!
//! `k` multiplies `‖b‖²` when the first term is `‖y − Xb‖²`. One singular value decomposition serves all
//! penalties, and every leave-one-out residual is exact without refitting (Hastie, Tibshirani, Friedman,
//! *The Elements of Statistical Learning*, 3.4.1 and 7.10). Conventions:
//! scikit-learn's `alpha` is k, on the predictors as they come; glmnet's λ is `k·s/n` on standardised
//! predictors, s the standard deviation of y (divisor n).
//!
//! Method: the singular values by faer. Domain: penalties of at least 0, finite data. Accuracy: within 10⁻⁹ of
//! scikit-learn's coefficients and of refitted leave-one-out errors, and 10⁻⁷ of glmnet's (`tests/linear_ols.rs`).
//! Source: beside the above, A. Hoerl, R. Kennard, *Ridge regression* (1970).

use super::design::Columns;
use super::path::Convention;
use super::vector::{dot, mean};
use crate::error::{Error, Result, not_negative, sample};
use faer::{Mat, Par};

/// What to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Whose penalty.
    pub convention: Convention,
    /// Whether to fit an intercept, which is never penalised.
    pub intercept: bool,
    /// Whether to scale the predictors to variance one first; `None`: as the convention has it.
    pub standardize: Option<bool>,
    /// The penalties; `None`: 100 from 10⁴ to 10⁻⁴ times the mean of d² (so that the degrees of freedom
    /// run from almost none to almost all).
    pub lambdas: Option<Vec<f64>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { convention: Convention::Glmnet, intercept: true, standardize: None, lambdas: None }
    }
}

/// The fit at one penalty, coefficients in the unit of the response over that of the predictor.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Point {
    /// The penalty, in the convention asked for.
    pub lambda: f64,
    /// `b₀`.
    pub intercept: f64,
    /// Coefficients on the scale of the data.
    pub coefficients: Vec<f64>,
    /// Effective number of parameters, without the intercept.
    pub degrees_of_freedom: f64,
    /// Residual sum of squares.
    pub rss: f64,
    /// Mean squared leave-one-out residual.
    pub leave_one_out: f64,
    /// Its standard error, the rows taken as independent.
    pub leave_one_out_error: f64,
    /// Generalised cross-validation: `n·rss/(n − df − 1)²`.
    pub generalised: f64,
}

/// Ridge fits at a descending list of penalties, of n rows and p predictors.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Path {
    /// From the largest penalty to the smallest.
    pub points: Vec<Point>,
    /// Index of the point of least leave-one-out error.
    pub least: usize,
    /// Index of the largest penalty within one standard error of it.
    pub one_standard_error: usize,
    /// Number of observations.
    pub n: usize,
    /// Singular values of the centred and scaled predictors.
    pub singular_values: Vec<f64>,
}

/// Fits `y` on `design` at every penalty: minimum of ‖y − b₀ − Xb‖² + k‖b‖², b(k) = V diag(d/(d² +
/// k)) Uᵀỹ with X̃ = U diag(d) Vᵀ, k as the [convention](Convention) has it.
///
/// Domain: n ≥ 2 rows, finite values, penalties ≥ 0; singular values below rounding count as zero,
/// so that the fit at k = 0 is that of least norm. Method: one singular value decomposition for all
/// penalties; leave-one-out residuals eᵢ/(1 − hᵢ), exact without refitting. Accuracy: relative
/// error of the coefficients about 10⁻¹⁵ times the condition number of `X̃ᵀX̃ + k`; within 10⁻⁹ of
/// scikit-learn's and of refitted leave-one-out errors, 10⁻⁷ of glmnet's (`tests/linear_ols.rs`).
/// Source: A. Hoerl and R. Kennard, *Ridge regression* (1970); T. Hastie, R. Tibshirani and J.
/// Friedman, *The Elements of Statistical Learning* (2009), 3.4.1 and 7.10.
///
/// # Errors
/// When the sizes differ, a value is not finite, a penalty is negative, there are none, or the
/// decomposition fails.
pub fn ridge(design: &Columns, y: &[f64], options: &Options) -> Result<Path> {
    sample("the response", y, 2)?;
    let (n, p) = (design.n_rows(), design.n_cols());
    if y.len() != n {
        return Err(Error::Lengths {
            left: "the response",
            n_left: y.len(),
            right: "rows of the design",
            n_right: n,
        });
    }
    for lambda in options.lambdas.iter().flatten() {
        not_negative("the penalty", *lambda)?;
    }
    let standardize = options.standardize.unwrap_or(options.convention == Convention::Glmnet);
    let prepared = Prepared::new(design, y, options.intercept, standardize)?;
    let spread_y = (dot(&prepared.y, &prepared.y) / n as f64).sqrt();
    // k = λ·unit
    let unit = match options.convention {
        Convention::Sklearn => 1.0,
        Convention::Glmnet if spread_y > 0.0 => n as f64 / spread_y,
        Convention::Glmnet => n as f64,
    };
    let lambdas = match &options.lambdas {
        Some(lambdas) => {
            let mut sorted = lambdas.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted
        }
        None => {
            let typical =
                prepared.d.iter().map(|d| d * d).sum::<f64>() / prepared.d.len().max(1) as f64;
            (0..100)
                .map(|i| typical / unit * 10_f64.powf(4.0 - 8.0 * f64::from(i) / 99.0))
                .collect()
        }
    };
    if lambdas.is_empty() {
        return Err(Error::Empty { what: "the list of penalties" });
    }
    let points: Vec<Point> =
        lambdas.iter().map(|&lambda| prepared.point(lambda, lambda * unit, p)).collect();
    let least = (0..points.len()).fold(0, |best, i| {
        if points[i].leave_one_out < points[best].leave_one_out { i } else { best }
    });
    let bound = points[least].leave_one_out + points[least].leave_one_out_error;
    let one_standard_error =
        (0..=least).find(|&i| points[i].leave_one_out <= bound).unwrap_or(least);
    Ok(Path { points, least, one_standard_error, n, singular_values: prepared.d })
}

/// The decomposition and what it needs to speak of the data again.
struct Prepared {
    y: Vec<f64>,
    centre: f64,
    means: Vec<f64>,
    scales: Vec<f64>,
    u: Mat<f64>,
    v: Mat<f64>,
    d: Vec<f64>,
    /// Uᵀỹ
    uty: Vec<f64>,
    intercept: bool,
}

impl Prepared {
    fn new(design: &Columns, y: &[f64], intercept: bool, standardize: bool) -> Result<Self> {
        let (n, p) = (design.n_rows(), design.n_cols());
        let centre = if intercept { mean(y) } else { 0.0 };
        let mut means = vec![0.0; p];
        let mut scales = vec![1.0; p];
        let mut x = Mat::<f64>::zeros(n, p);
        for (j, (centre, scale)) in means.iter_mut().zip(&mut scales).enumerate() {
            let column = design.column(j);
            let m = mean(column);
            let spread = super::path::spread(column, m);
            if intercept {
                *centre = m;
            }
            if standardize {
                *scale = if spread > 1e-13 * m.abs() { spread } else { f64::INFINITY };
            }
            for (x, value) in x.col_as_slice_mut(j).iter_mut().zip(column) {
                *x = (value - *centre) / *scale;
            }
        }
        let (u, d, v) = crate::eigen::thin_svd(&x, Par::Seq)?;
        let y: Vec<f64> = y.iter().map(|value| value - centre).collect();
        let uty = (0..d.len()).map(|k| dot(u.col_as_slice(k), &y)).collect();
        Ok(Self { y, centre, means, scales, u, v, d, uty, intercept })
    }

    fn point(&self, lambda: f64, k: f64, p: usize) -> Point {
        let n = self.y.len();
        let rounding = self.d.first().copied().unwrap_or(0.0) * f64::EPSILON * n.max(p) as f64;
        let shrink = |d: f64| if d <= rounding { 0.0 } else { d * d / (d * d + k) };
        let mut coefficients = vec![0.0; p];
        let mut fitted = vec![0.0; n];
        let mut leverage = vec![if self.intercept { 1.0 / n as f64 } else { 0.0 }; n];
        for (at, &d) in self.d.iter().enumerate() {
            let kept = shrink(d);
            if kept == 0.0 {
                continue;
            }
            let weight = kept * self.uty[at];
            for (b, v) in coefficients.iter_mut().zip(self.v.col_as_slice(at)) {
                *b += weight / d * v;
            }
            for (row, u) in self.u.col_as_slice(at).iter().enumerate() {
                fitted[row] += weight * u;
                leverage[row] += kept * u * u;
            }
        }
        coefficients.iter_mut().zip(&self.scales).for_each(|(b, scale)| *b /= scale);
        let rest: Vec<f64> = self.y.iter().zip(&fitted).map(|(y, fit)| y - fit).collect();
        let out: Vec<f64> =
            rest.iter().zip(&leverage).map(|(e, h)| (e / (1.0 - h)).powi(2)).collect();
        let loss = mean(&out);
        let scatter: f64 = out.iter().map(|value| (value - loss).powi(2)).sum();
        let freedom: f64 = self.d.iter().map(|&d| shrink(d)).sum();
        let rss = dot(&rest, &rest);
        let left = n as f64 - freedom - if self.intercept { 1.0 } else { 0.0 };
        Point {
            lambda,
            intercept: self.centre - dot(&self.means, &coefficients),
            coefficients,
            degrees_of_freedom: freedom,
            rss,
            leave_one_out: loss,
            leave_one_out_error: (scatter / ((n - 1) as f64 * n as f64)).sqrt(),
            generalised: n as f64 * rss / (left * left),
        }
    }
}
