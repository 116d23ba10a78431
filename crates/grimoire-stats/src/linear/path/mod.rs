//! Paths of penalised regressions: lasso, elastic net, and logistic regression with the same penalties.
//!
//! ```text
//! glmnet        minimise  1/(2n) ‖y − b₀ − Xb‖² + λ [ α‖b‖₁ + (1−α)/2 ‖b‖² ]
//! scikit-learn  the same with X as it comes, λ called alpha and α called l1_ratio
//! logistic      the first term is −1/n Σ log-likelihood
//! ```
//!
//! The two conventions differ in three ways, which is why their results so often "do not match":
//! glmnet standardises the predictors (divisor n) and gives the coefficients back on the original scale;
//! its gaussian family also divides y by its standard deviation s (divisor n) and multiplies λ back, which
//! leaves the absolute-value part alone but makes the square part `λ(1−α)/(2s) ‖b‖²`; and its default grid
//! goes down to 10⁻⁴ of the largest λ (10⁻² when n < p), scikit-learn's to 10⁻³. scikit-learn's `C` of
//! logistic regression is `1/(nλ)`.
//!
//! Every point carries its duality gap: how far its objective can be above the optimum, proved rather than
//! hoped (as a fraction of the objective at b = 0). Sources: Friedman, Hastie, Tibshirani (2010);
//! Tibshirani et al., "Strong rules for discarding predictors in lasso-type problems" (2012);
//! Fercoq, Gramfort, Salmon, "Mind the duality gap" (2015).

mod gaussian;
mod logistic;
mod packed;
mod quadratic;
mod screen;
mod standard;
mod support;
mod validate;

pub use gaussian::gaussian;
pub use logistic::logistic;
pub(crate) use standard::spread;
pub use validate::{Family, Validation, deal, validate};

use crate::error::{self, Error, Result};

/// Whose λ and whose scaling of the predictors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// As R's glmnet: standardised predictors, square penalty relative to the spread of y.
    #[default]
    Glmnet,
    /// As scikit-learn: predictors as they come.
    Sklearn,
}

/// How coordinate descent keeps its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Updates {
    /// By products of columns while they fit in memory, else from the residual.
    #[default]
    Auto,
    /// By products of columns.
    Covariance,
    /// From the residual: slower for most data, least memory.
    Naive,
}

/// What to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Whose λ.
    pub convention: Convention,
    /// Share α of the absolute-value penalty, from 0 (ridge) to 1 (lasso).
    pub alpha: f64,
    /// Whether to fit an intercept, which is never penalised.
    pub intercept: bool,
    /// Whether to scale the predictors to variance one first; `None`: as the convention has it.
    pub standardize: Option<bool>,
    /// The penalties; `None`: a geometric grid from the smallest that leaves nothing in.
    pub lambdas: Option<Vec<f64>>,
    /// Length of that grid.
    pub n_lambdas: usize,
    /// Its last value as a part of the first; `None`: as the convention has it.
    pub ratio: Option<f64>,
    /// Largest duality gap allowed, as a fraction of the objective at b = 0.
    pub tolerance: f64,
    /// Sweeps allowed for each λ.
    pub max_sweeps: usize,
    /// How the gradient is kept.
    pub updates: Updates,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            convention: Convention::Glmnet,
            alpha: 1.0,
            intercept: true,
            standardize: None,
            lambdas: None,
            n_lambdas: 100,
            ratio: None,
            tolerance: 1e-12,
            max_sweeps: 100_000,
            updates: Updates::Auto,
        }
    }
}

impl Options {
    pub(crate) fn standardizes(&self) -> bool {
        self.standardize.unwrap_or(self.convention == Convention::Glmnet)
    }

    fn check(&self) -> Result<()> {
        error::probability("the share of the absolute-value penalty", self.alpha)?;
        error::positive("the tolerance", self.tolerance)?;
        if let Some(ratio) = self.ratio {
            error::open_unit("the ratio of the last penalty to the first", ratio)?;
        }
        if self.lambdas.is_none() && self.n_lambdas == 0 {
            return Err(Error::Empty { what: "the list of penalties" });
        }
        for (index, &value) in self.lambdas.iter().flatten().enumerate() {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::At {
                    what: "the penalties",
                    index,
                    value,
                    expected: "a finite number of at least 0",
                });
            }
        }
        Ok(())
    }

    /// The penalties from large to small.
    pub(crate) fn grid(&self, largest: f64, n: usize, p: usize) -> Vec<f64> {
        if let Some(lambdas) = &self.lambdas {
            let mut sorted = lambdas.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            return sorted;
        }
        let ratio = self.ratio.unwrap_or(match self.convention {
            Convention::Sklearn => 1e-3,
            Convention::Glmnet if n < p => 1e-2,
            Convention::Glmnet => 1e-4,
        });
        let last = (self.n_lambdas - 1).max(1) as f64;
        (0..self.n_lambdas).map(|k| largest * ratio.powf(k as f64 / last)).collect()
    }
}

/// The fit at one penalty, coefficients in the unit of the response over that of the predictor.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Point {
    /// The penalty, in the convention asked for.
    pub lambda: f64,
    /// `b₀`.
    pub intercept: f64,
    /// Coefficients other than zero, on the scale of the data: (column, value).
    pub coefficients: Vec<(usize, f64)>,
    /// Duality gap as a fraction of the objective at b = 0.
    pub gap: f64,
    /// Part of the deviance explained (R² for least squares).
    pub explained: f64,
    /// Sweeps of coordinate descent.
    pub sweeps: usize,
}

impl Point {
    /// All `p` coefficients, zeros included, in the order of the columns; `p` must be that of the
    /// fit.
    pub fn dense(&self, p: usize) -> Vec<f64> {
        let mut out = vec![0.0; p];
        for &(j, value) in &self.coefficients {
            out[j] = value;
        }
        out
    }
}

/// Fits at a descending list of penalties.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Path {
    /// From the largest penalty to the smallest.
    pub points: Vec<Point>,
    /// Number of observations.
    pub n: usize,
    /// Number of predictors.
    pub n_predictors: usize,
    /// Predictors that do not vary and therefore have no coefficient.
    pub constant: Vec<usize>,
    /// Smallest penalty at which every coefficient is zero (infinite for α = 0).
    pub lambda_max: f64,
    /// How the gradient was kept, in words.
    pub updates: &'static str,
}
