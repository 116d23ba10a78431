//! Between raw values and probabilities: softmax, logit and its inverse, argmax.
//!
//! ```text
//! softmax(x)ᵢ = e^{xᵢ/T} / Σⱼ e^{xⱼ/T}      logit(p) = log(p/(1−p))      sigmoid(x) = 1/(1+e^{−x})
//! ```
//!
//! The largest value is subtracted before anything is raised, so no input overflows; tails keep their
//! relative accuracy. The word *logit* is used for two things: by statisticians for the function
//! `log(p/(1−p))`, by engineers for any raw score that softmax turns into a probability. They agree up to
//! a constant: `log softmax(x)` recovers x but for one number added to all.
//!
//! Domain: raw values below +∞, not all −∞, and a positive temperature; probabilities from 0 to 1. Accuracy: softmax and
//! logit within 10⁻¹² of 40 digits (`tests/info_golden.rs`), sigmoid within 10⁻¹³ of undoing logit from 10⁻³⁰⁰ to 0.9,
//! softplus within 10⁻¹⁵ at −50. Source: J. Berkson, *Application of the logistic function to bio-assay* (1944), for the
//! logit; J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs* (1990), for softmax.

use crate::error::{self, Error, Result};

/// `log(1 + eˣ)` for any x, without overflow: x + log1p(e⁻ˣ) above zero, log1p(eˣ) below, so that neither tail
/// cancels. NaN for NaN.
pub fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// `1/(1 + e^{−x})`; relative error a few ulp, also for large negative x.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `log(p/(1−p))`, −∞ at 0 and ∞ at 1. Near p = ½, where the plain formula cancels, by
/// `log1p((2p−1)/(1−p))`.
///
/// # Errors
/// When p is not a probability.
pub fn logit(p: f64) -> Result<f64> {
    error::probability("p", p)?;
    Ok(if (0.3..=0.65).contains(&p) {
        ((2.0 * p - 1.0) / (1.0 - p)).ln_1p()
    } else {
        (p / (1.0 - p)).ln()
    })
}

/// `log Σ e^{xᵢ}`, −∞ for no values: the largest value plus the logarithm of what the others are relative to it, so
/// that nothing overflows. ∞ or −∞ when that is the largest value.
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return most;
    }
    let sum: f64 = x.iter().map(|value| (value - most).exp()).sum();
    // The largest term is 1: keep the digits of what is added to it.
    let ties = x.iter().filter(|value| **value == most).count() as f64;
    if sum == ties { most + ties.ln() } else { most + sum.ln() }
}

/// `log softmax(x)`.
///
/// # Errors
/// When x is empty, or a value is NaN or +∞, or all are −∞.
pub fn log_softmax(x: &[f64]) -> Result<Vec<f64>> {
    check("the raw values", x)?;
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rest = log_sum_exp(&x.iter().map(|value| value - most).collect::<Vec<_>>());
    Ok(x.iter().map(|value| (value - most) - rest).collect())
}

/// Probabilities from raw values at a temperature: 1 as they are, towards 0 argmax, towards ∞ uniform.
/// A value of −∞ has probability zero. Sums to one within n·2⁻⁵³.
///
/// # Errors
/// Those of [`log_softmax`], or a temperature that is not positive.
pub fn softmax(x: &[f64], temperature: f64) -> Result<Vec<f64>> {
    check("the raw values", x)?;
    error::positive("the temperature", temperature)?;
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = x.iter().map(|value| ((value - most) / temperature).exp()).collect();
    let sum = crate::linear::twofold::sum(raised.iter().copied());
    Ok(raised.into_iter().map(|value| value / sum).collect())
}

/// The derivatives `∂softmaxᵢ/∂xⱼ = pᵢ(δᵢⱼ − pⱼ)/T` at probabilities p, row by row. p is taken as it is, so the rows
/// sum to zero as exactly as p sums to one.
pub fn softmax_jacobian(p: &[f64], temperature: f64) -> Vec<f64> {
    let entry = |i: usize, j: usize| p[i] * (if i == j { 1.0 - p[j] } else { -p[j] }) / temperature;
    (0..p.len() * p.len()).map(|at| entry(at / p.len(), at % p.len())).collect()
}

/// Where the largest value is, and where it is again if it is tied.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Argmax {
    /// First position of the largest value, from zero.
    pub index: usize,
    /// The value.
    pub value: f64,
    /// All positions that hold it.
    pub ties: Vec<usize>,
    /// By how much it leads the next lower value; infinite when there is none.
    pub margin: f64,
}

/// The position of the largest value; the first of equals. NaN is refused, not skipped.
///
/// # Errors
/// When x is empty or holds NaN.
pub fn argmax(x: &[f64]) -> Result<Argmax> {
    if x.is_empty() {
        return Err(Error::Empty { what: "the list of values" });
    }
    if let Some(index) = x.iter().position(|value| value.is_nan()) {
        return Err(Error::At { what: "the values", index, value: f64::NAN, expected: "a number" });
    }
    let value = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ties: Vec<usize> = (0..x.len()).filter(|&i| x[i] == value).collect();
    let next = x.iter().copied().filter(|other| *other < value).fold(f64::NEG_INFINITY, f64::max);
    let margin = if next == f64::NEG_INFINITY && ties.len() == x.len() {
        f64::INFINITY
    } else {
        value - next
    };
    Ok(Argmax { index: ties[0], value, ties, margin })
}

fn check(what: &'static str, x: &[f64]) -> Result<()> {
    if x.is_empty() {
        return Err(Error::Empty { what });
    }
    match x.iter().position(|value| value.is_nan() || *value == f64::INFINITY) {
        Some(index) => {
            Err(Error::At { what, index, value: x[index], expected: "a number below infinity" })
        }
        None if x.iter().all(|value| *value == f64::NEG_INFINITY) => {
            Err(Error::Degenerate { what, why: "all are minus infinity" })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, close};

    #[test]
    fn softmax_survives_any_scale() {
        // e^{-1000} underflows alone; shifted it is e^{-1}/(1+e^{-1}).
        let p = softmax(&[-1000.0, -1001.0], 1.0).unwrap();
        all_close(&p, &[0.7310585786300049, 0.2689414213699951], 1e-15, 0.0); // 1/(1+e⁻¹), mpmath
        assert_eq!(softmax(&[f64::NEG_INFINITY, 3.0], 1.0).unwrap(), [0.0, 1.0]);
        assert!(softmax(&[f64::NEG_INFINITY], 1.0).is_err());
        assert!(softmax(&[1.0, f64::NAN], 1.0).is_err() && softmax(&[1.0], 0.0).is_err());
        close(log_softmax(&[0.0, -800.0]).unwrap()[1], -800.0, 1e-15, 0.0);
    }

    #[test]
    fn logit_and_sigmoid_undo_each_other() {
        for p in [1e-300, 1e-17, 0.2, 0.5, 0.5000001, 0.9] {
            close(sigmoid(logit(p).unwrap()), p, 1e-13, 0.0);
        }
        assert_eq!(logit(0.0).unwrap(), f64::NEG_INFINITY);
        assert_eq!(logit(0.5).unwrap(), 0.0);
        close(softplus(-50.0), 1.928749847963918e-22, 1e-15, 0.0); // mpmath log1p(exp(-50))
    }

    #[test]
    fn argmax_names_ties() {
        let found = argmax(&[1.0, 3.0, 3.0, 2.5]).unwrap();
        assert_eq!((found.index, found.ties, found.margin), (1, vec![1, 2], 0.5));
        assert!(argmax(&[]).is_err() && argmax(&[f64::NAN]).is_err());
        assert_eq!(argmax(&[2.0]).unwrap().margin, f64::INFINITY);
    }
}
