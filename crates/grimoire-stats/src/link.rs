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
//! Domain: raw values below +∞, not all −∞, and a positive temperature; probabilities from 0 to 1. Accuracy: softmax
//! and logit within 10⁻¹² of 40 digits (`tests/info_golden.rs`), sigmoid within 10⁻¹³ of undoing logit from 10⁻³⁰⁰ to
//! 0.9, softplus within 10⁻¹⁵ at −50. Source: J. Berkson, *Application of the logistic function to bio-assay* (1944),
//! for the logit; J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs* (1990),
//! for softmax.

use crate::error::{self, Error, Result};

/// softplus x = `log(1 + eˣ)`, in nats.
///
/// Domain: any x; 0 at −∞, ∞ at ∞, NaN for NaN. Method: x + log1p(e⁻ˣ) above zero, log1p(eˣ) below,
/// so that nothing overflows and neither tail cancels. Accuracy: relative error at most 10⁻¹⁵ at
/// −50 of mpmath, as tested. Source: C. Dugas, Y. Bengio and others, *Incorporating second-order
/// functional knowledge for better option pricing* (2001), for the name.
pub fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// sigmoid x = `1/(1 + e^{−x})`, the probability whose logit is x.
///
/// Domain: any x; 0 at −∞, 1 at ∞, NaN for NaN. Method: as written above zero, eˣ/(1 + eˣ) below,
/// so that nothing overflows and the small tail keeps its digits. Accuracy: a few units of
/// rounding; it undoes [`logit`] within 10⁻¹³ from 10⁻³⁰⁰ to 0.9, as tested. Source: P.-F.
/// Verhulst, *Recherches mathématiques sur la loi d'accroissement de la population* (1845).
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// logit p = `log(p/(1−p))`, the log-odds in nats; −∞ at 0 and ∞ at 1.
///
/// Domain: p from 0 to 1. Method: as written, and from 0.3 to 0.65, where that cancels, by
/// log1p((2p−1)/(1−p)). Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits
/// (`tests/info_golden.rs`); exactly 0 at ½. Source: J. Berkson, *Application of the logistic
/// function to bio-assay* (1944).
///
/// # Errors
/// When p is not a probability.
///
/// ```
/// use grimoire_stats::link::logit;
/// assert_eq!(logit(0.5), Ok(0.0));
/// assert!((logit(0.75).unwrap() - 3_f64.ln()).abs() < 1e-15);
/// ```
pub fn logit(p: f64) -> Result<f64> {
    error::probability("p", p)?;
    Ok(if (0.3..=0.65).contains(&p) {
        ((2.0 * p - 1.0) / (1.0 - p)).ln_1p()
    } else {
        (p / (1.0 - p)).ln()
    })
}

/// `log Σ e^{xᵢ}`, in nats; −∞ for no values.
///
/// Domain: any values; ∞ or −∞ when that is the largest; NaN if one is NaN. Method: the largest value plus the
/// logarithm of what the others are relative to it, so that nothing overflows. Accuracy: relative error at most 10⁻¹²
/// of mpmath at 40 digits (`tests/info_golden.rs`). Source: P. Blanchard, D. Higham and N. Higham, *Accurately
/// computing the log-sum-exp and softmax functions* (2021).
///
/// ```
/// // Two equal values: log 2 more than one.
/// let found = grimoire_stats::link::log_sum_exp(&[1000.0, 1000.0]);
/// assert!((found - 1000.0 - 2_f64.ln()).abs() < 1e-12);
/// ```
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        let number = x.iter().all(|value| !value.is_nan());
        return if number { most } else { f64::NAN };
    }
    let sum: f64 = x.iter().map(|value| (value - most).exp()).sum();
    // The largest term is 1: keep the digits of what is added to it.
    let ties = x.iter().filter(|value| **value == most).count() as f64;
    if sum == ties { most + ties.ln() } else { most + sum.ln() }
}

/// `log softmax(x)ᵢ = xᵢ − log Σⱼ e^{xⱼ}` at temperature 1, in nats, one for each value.
///
/// Domain: values below ∞, not all −∞. Method: the largest value is subtracted first, so that
/// nothing overflows and small probabilities keep their logarithm. Accuracy: relative error at most
/// 10⁻¹⁵ of −800, where the probability itself is 4·10⁻³⁴⁸, as tested. Source: Blanchard, Higham
/// and Higham (2021).
///
/// # Errors
/// When x is empty, or a value is NaN or +∞, or all are −∞.
pub fn log_softmax(x: &[f64]) -> Result<Vec<f64>> {
    check("the raw values", x)?;
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rest = log_sum_exp(&x.iter().map(|value| value - most).collect::<Vec<_>>());
    Ok(x.iter().map(|value| (value - most) - rest).collect())
}

/// softmax(x)ᵢ = `e^{xᵢ/T} / Σⱼ e^{xⱼ/T}`, T the `temperature`: probabilities from raw values, 1 as
/// they are, towards 0 argmax, towards ∞ uniform.
///
/// Domain: values below ∞, not all −∞, of which one of −∞ has probability zero; T > 0. Method: the
/// largest value is subtracted before anything is raised, the sum is taken in twice the precision.
/// Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits (`tests/info_golden.rs`); they sum
/// to one within n·2⁻⁵³. Source: J. S. Bridle, *Probabilistic interpretation of feedforward
/// classification network outputs* (1990).
///
/// # Errors
/// Those of [`log_softmax`], or a temperature that is not positive.
///
/// ```
/// // Odds of e to 1: 1/(1 + e⁻¹) = 0.73105857863.
/// let p = grimoire_stats::link::softmax(&[1.0, 0.0], 1.0).unwrap();
/// assert!((p[0] - 0.73105857863).abs() < 1e-11);
/// ```
pub fn softmax(x: &[f64], temperature: f64) -> Result<Vec<f64>> {
    check("the raw values", x)?;
    error::positive("the temperature", temperature)?;
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = x.iter().map(|value| ((value - most) / temperature).exp()).collect();
    let sum = crate::linear::twofold::sum(raised.iter().copied());
    Ok(raised.into_iter().map(|value| value / sum).collect())
}

/// The derivatives `∂softmaxᵢ/∂xⱼ = pᵢ(δᵢⱼ − pⱼ)/T` at probabilities p, row by row: n² numbers.
///
/// Domain: p as [`softmax`] gives it and T > 0, neither of which is checked. Method: the product
/// for each entry, the diagonal as pᵢ(1 − pᵢ). Accuracy: three roundings of each entry; p is taken
/// as it is, so the rows sum to zero as exactly as p sums to one. Source: Bridle (1990), the
/// derivative of his softmax.
pub fn softmax_jacobian(p: &[f64], temperature: f64) -> Vec<f64> {
    let entry = |i: usize, j: usize| p[i] * (if i == j { 1.0 - p[j] } else { -p[j] }) / temperature;
    (0..p.len() * p.len()).map(|at| entry(at / p.len(), at % p.len())).collect()
}

/// Where the largest value is, and where it is again if it is tied; positions count from zero.
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

/// argmax x: the smallest i with xᵢ = max x, and whoever shares that value. NaN is refused, not
/// skipped.
///
/// Domain: any values but NaN, ±∞ included. Method: one pass for the largest, one for its ties, one
/// for the next lower. Accuracy: exact, but for the one rounding of the margin. Source: none beyond
/// the definition.
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
        assert!(log_sum_exp(&[f64::NAN]).is_nan() && log_sum_exp(&[1.0, f64::NAN]).is_nan());
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
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
