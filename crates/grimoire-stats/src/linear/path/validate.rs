//! Choosing the penalty by cross-validation.
//!
//! The rows are dealt into k folds; the path is fitted k times without one fold and judged on it. The
//! mean loss of each penalty comes with a standard error over folds,
//! `√(Σ w_f (loss_f − mean)²/(k−1))` with `w_f` the fold's share of the rows. Two penalties stand out:
//! the one of least loss, and the largest whose loss is within one standard error of it (Breiman et al.,
//! *Classification and Regression Trees*, 1984, 3.4.3), which usually keeps fewer predictors and predicts
//! as well. Domain: two folds or more, and no more than rows. Accuracy: that of the paths it is made of; the same
//! seed deals the same folds for any number of threads. The standard error is an understatement: the folds share most
//! of their training rows.

use super::{Options, Path, Point, gaussian, logistic};
use crate::error::{Error, Result};
use crate::linear::design::Design;
use crate::link::softplus;
use crate::random::Random;

/// Which loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Squared residuals; the loss is their mean.
    Gaussian,
    /// 0 or 1; the loss is the mean deviance, −2 log-likelihood.
    Logistic,
}

impl Family {
    /// Fits the path of this family: [`gaussian`] or [`logistic`], whose equation, domain, method,
    /// accuracy and source it has.
    ///
    /// Domain: that of the family. Method: a choice of two. Accuracy: a duality gap of at most the
    /// tolerance, ≤ 10⁻¹² by default. Source: J. Friedman, T. Hastie and R. Tibshirani (2010).
    ///
    /// # Errors
    /// Those of [`gaussian`] and [`logistic`].
    pub fn fit(self, design: &Design, y: &[f64], options: &Options) -> Result<Path> {
        match self {
            Self::Gaussian => gaussian(design, y, options),
            Self::Logistic => logistic(design, y, options),
        }
    }

    /// Mean loss of predictions η: Σ (y − η)²/n, or the deviance 2 Σ [log(1 + e^η) − yη]/n with η
    /// on the scale of the logit.
    ///
    /// Domain: as many y as η, which is not checked; NaN for none. Method: a plain sum; log(1 +
    /// e^η) without overflow. Accuracy: n roundings of the largest term. Source: P. McCullagh and
    /// J. Nelder, *Generalized Linear Models* (1989), 2.3, for the deviance.
    pub fn loss(self, y: &[f64], eta: &[f64]) -> f64 {
        let total: f64 = match self {
            Self::Gaussian => y.iter().zip(eta).map(|(y, eta)| (y - eta).powi(2)).sum(),
            Self::Logistic => {
                y.iter().zip(eta).map(|(y, &eta)| 2.0 * (softplus(eta) - y * eta)).sum()
            }
        };
        total / y.len() as f64
    }
}

/// The path with the held-out loss of every penalty: squared units of the response, or deviance in
/// nats (twice the log-likelihood).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Validation {
    /// The fit on all rows.
    pub path: Path,
    /// Mean held-out loss, by penalty.
    pub loss: Vec<f64>,
    /// Its standard error over folds, by penalty.
    pub standard_error: Vec<f64>,
    /// Index of the penalty of least loss.
    pub least: usize,
    /// Index of the largest penalty within one standard error of the least.
    pub one_standard_error: usize,
    /// The fold of each row.
    pub folds: Vec<usize>,
}

/// Deals n rows into `k` folds whose sizes differ by at most one: row in place i of a random order
/// goes to fold i mod k; the fold of each row, from 0.
///
/// Domain: k ≥ 1, or it panics; with k above n some folds stay empty. Method: Fisher and Yates'
/// shuffle from the seed. Accuracy: the same seed deals the same folds on any machine, as tested.
/// Source: M. Stone, *Cross-validatory choice and assessment of statistical predictions* (1974).
pub fn deal(n: usize, k: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut draws = Random::new(seed, 0xF01D).draws(0);
    for i in (1..n).rev() {
        order.swap(i, draws.below(i as u64 + 1) as usize);
    }
    let mut folds = vec![0; n];
    for (position, row) in order.into_iter().enumerate() {
        folds[row] = position % k;
    }
    folds
}

/// Fits the path on all rows, and its loss on held-out folds (see [`deal`]): mean Σ w_f loss_f,
/// standard error √(Σ w_f (loss_f − mean)²/(k−1)), w_f the share of rows in fold f.
///
/// Domain: a fold for each row, k ≥ 2 of them and none empty, two rows or more left without any.
/// Method: the path is fitted k times without one fold, at the penalties of the whole fit.
/// Accuracy: that of the paths; the standard error is an understatement, for the folds share most
/// of their training rows. Source: L. Breiman and others, *Classification and Regression Trees*
/// (1984), 3.4.3.
///
/// # Errors
/// When there are not as many folds as rows, fewer than two folds or an empty one, or a fit fails.
pub fn validate(
    family: Family,
    design: &Design,
    y: &[f64],
    options: &Options,
    folds: &[usize],
) -> Result<Validation> {
    if folds.len() != y.len() {
        return Err(Error::Lengths {
            left: "the folds",
            n_left: folds.len(),
            right: "the response",
            n_right: y.len(),
        });
    }
    let k = folds.iter().max().map_or(0, |most| most + 1);
    if k < 2 {
        return Err(Error::TooFew { what: "the list of folds", needed: 2, found: k });
    }
    let path = family.fit(design, y, options)?;
    let lambdas: Vec<f64> = path.points.iter().map(|point| point.lambda).collect();
    let fixed = Options { lambdas: Some(lambdas.clone()), ..options.clone() };
    let mut losses: Vec<Vec<f64>> = Vec::with_capacity(k);
    let mut shares = Vec::with_capacity(k);
    for fold in 0..k {
        let rows = |inside: bool| -> Vec<usize> {
            (0..y.len()).filter(|&row| (folds[row] == fold) == inside).collect()
        };
        let (held, kept) = (rows(true), rows(false));
        if held.is_empty() {
            return Err(Error::TooFew { what: "the rows of a fold", needed: 1, found: 0 });
        }
        if kept.len() < 2 {
            let what = "the rows outside a fold";
            return Err(Error::TooFew { what, needed: 2, found: kept.len() });
        }
        let pick = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|&row| y[row]).collect() };
        let fitted = family.fit(&design.rows(&kept), &pick(&kept), &fixed)?;
        let (held_design, held_y) = (design.rows(&held), pick(&held));
        let judge = |point: &Point| -> Result<f64> {
            let eta = held_design.predict(point.intercept, &point.dense(design.n_cols()))?;
            Ok(family.loss(&held_y, &eta))
        };
        losses.push(fitted.points.iter().map(judge).collect::<Result<_>>()?);
        shares.push(held.len() as f64 / y.len() as f64);
    }
    let (loss, standard_error) = summarise(&losses, &shares, lambdas.len());
    let least = (0..loss.len()).fold(0, |best, i| if loss[i] < loss[best] { i } else { best });
    let bound = loss[least] + standard_error[least];
    let one_standard_error = (0..=least).find(|&i| loss[i] <= bound).unwrap_or(least);
    Ok(Validation { path, loss, standard_error, least, one_standard_error, folds: folds.to_vec() })
}

fn summarise(losses: &[Vec<f64>], shares: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    (0..n)
        .map(|i| {
            let mean: f64 = losses.iter().zip(shares).map(|(loss, share)| loss[i] * share).sum();
            // Squares of the gaps over the largest: a loss is a square already.
            let gaps = || losses.iter().map(|loss| (loss[i] - mean).abs());
            let largest = gaps().fold(0.0, f64::max);
            let unit = if largest > 0.0 { largest } else { 1.0 };
            let square: f64 =
                gaps().zip(shares).map(|(gap, share)| share * (gap / unit).powi(2)).sum();
            (mean, unit * (square / (losses.len() - 1) as f64).sqrt())
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights ½ and ½ of losses 1 and 3: mean 2, error √(½ + ½); in any unit.
    #[test]
    fn the_error_of_huge_losses_is_finite() {
        for unit in [1.0, 2.0_f64.powi(900), 2.0_f64.powi(-900)] {
            let (mean, error) = summarise(&[vec![unit], vec![3.0 * unit]], &[0.5, 0.5], 1);
            assert_eq!((mean[0], error[0]), (2.0 * unit, unit));
        }
    }

    #[test]
    fn folds_are_even_and_repeatable() {
        let folds = deal(103, 10, 7);
        let sizes: Vec<usize> =
            (0..10).map(|fold| folds.iter().filter(|f| **f == fold).count()).collect();
        assert!(sizes.iter().all(|size| *size == 10 || *size == 11), "{sizes:?}");
        assert_eq!(folds, deal(103, 10, 7));
        assert_ne!(folds, deal(103, 10, 8));
    }
}
