//! Information: surprise, entropy, cross entropy, divergence, mutual information, perplexity.
//!
//! ```text
//! surprise(p) = −log p         entropy H(P) = −Σ p log p        perplexity = e^H
//! cross entropy H(P, Q) = −Σ p log q       KL(P‖Q) = Σ p log(p/q) = H(P, Q) − H(P)
//! JS(P, Q) = ½KL(P‖M) + ½KL(Q‖M), M = (P+Q)/2       I(X; Y) = KL(joint ‖ product of margins)
//! ```
//!
//! Zeros have rules, not epsilons: `0 log 0 = 0`; what P allows and Q forbids costs infinitely many nats,
//! and the result says so. Probabilities are held to twice the precision of f64, since dividing by a total
//! rounds them, and divergences are summed as terms that are never negative, `p log(p/q) − p + q`: two
//! distributions that differ in the seventh digit keep twelve digits of a divergence of 10⁻¹⁵.
//! Everything is computed in nats; [`Unit`] converts. Relative error at most 10⁻¹² (mpmath, 40 digits).
//! Estimates from samples, of which plain formulas put entropy too low and divergence too high, are in [`estimate`] and
//! [`sampled`]; logits become f64 probabilities first, so of nearly equal ones a divergence keeps fewer digits.
//!
//! Sources: C. Shannon, *A mathematical theory of communication* (1948); S. Kullback, R. Leibler, *On information
//! and sufficiency* (1951); J. Lin, *Divergence measures based on the Shannon entropy* (1991).

pub mod estimate;
pub mod mutual;
pub mod sampled;
pub mod stream;

pub use mutual::{Mutual, mutual_information};

use crate::error::{self, Error, Result};
use crate::linear::twofold::{self, Twofold};
use crate::link;

/// Base of the logarithm, which is the unit of information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Base 2.
    #[default]
    Bits,
    /// Base e.
    Nats,
}

impl Unit {
    /// `nats` in this unit: bits = nats/ln 2.
    ///
    /// Domain: any number. Method: one quotient, or none. Accuracy: one rounding and that of ln 2.
    /// Source: C. Shannon (1948), section 6, for the choice of a unit.
    pub fn of(self, nats: f64) -> f64 {
        match self {
            Self::Bits => nats / std::f64::consts::LN_2,
            Self::Nats => nats,
        }
    }

    /// `bits` or `nats`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bits => "bits",
            Self::Nats => "nats",
        }
    }
}

/// A checked distribution over finitely many outcomes: a probability for each, and what rounding
/// took from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    p: Vec<f64>,
    /// What rounding took from `p`.
    rest: Vec<f64>,
}

/// How far from one the sum of given probabilities may be: what six printed decimals can do.
pub const SUM_TOLERANCE: f64 = 1e-6;

impl Distribution {
    /// From probabilities pᵢ, divided by Σ pᵢ where that is within [`SUM_TOLERANCE`] of one.
    ///
    /// Domain: numbers from 0 to 1 that sum to one. Method: sum and quotients in twice the
    /// precision. Accuracy: about 30 digits of each share. Source: T. Dekker (1971) for the
    /// arithmetic.
    ///
    /// # Errors
    /// When empty, a value is not a probability (says which), or the sum is not one.
    pub fn probabilities(p: &[f64]) -> Result<Self> {
        if p.is_empty() {
            return Err(Error::Empty { what: "the list of probabilities" });
        }
        if let Some(index) = p.iter().position(|value| !(0.0..=1.0).contains(value)) {
            return Err(Error::At {
                what: "the probabilities",
                index,
                value: p[index],
                expected: "a probability from 0 to 1",
            });
        }
        let total = twofold::total(p.iter().copied());
        let found = total.value();
        if (found - 1.0).abs() > SUM_TOLERANCE {
            return Err(Error::Sum { what: "the probabilities", found, expected: 1.0 });
        }
        Ok(Self::shares(p, total))
    }

    /// From counts, or any weights that are not negative: pᵢ = nᵢ/Σ nⱼ.
    ///
    /// Domain: finite numbers ≥ 0, not all 0. Method: sum and quotients in twice the precision.
    /// Accuracy: about 30 digits of each share. Source: T. Dekker (1971) for the arithmetic.
    ///
    /// # Errors
    /// When empty, a count is negative or not finite (says which), or all are zero.
    pub fn counts(counts: &[f64]) -> Result<Self> {
        // Of counts that are huge the total would overflow: shares do not change with the unit.
        if counts.iter().any(|&count| count > 1e290) && counts.iter().all(|c| c.is_finite()) {
            let smaller: Vec<f64> = counts.iter().map(|count| count * 2.0_f64.powi(-200)).collect();
            return Self::counts(&smaller);
        }
        let total = check_counts(counts)?;
        Ok(Self::shares(counts, total))
    }

    /// From raw scores, by softmax: pᵢ = e^{xᵢ}/Σ e^{xⱼ}.
    ///
    /// Domain: that of [`link::softmax`]. Method: `softmax` at temperature 1. Accuracy: relative
    /// error of each probability at most 10⁻¹² (`tests/info_golden.rs`), in one double and not in
    /// two. Source: J. S. Bridle (1990).
    ///
    /// # Errors
    /// Those of [`link::softmax`].
    pub fn logits(x: &[f64]) -> Result<Self> {
        let p = link::softmax(x, 1.0)?;
        Ok(Self { rest: vec![0.0; p.len()], p })
    }

    fn shares(weights: &[f64], total: Twofold) -> Self {
        Self::precise(weights.iter().map(|&weight| Twofold::from(weight) / total))
    }

    fn precise(p: impl Iterator<Item = Twofold>) -> Self {
        let (p, rest) = p.map(|p| (p.hi, p.lo)).unzip();
        Self { p, rest }
    }

    fn terms(&self) -> impl Iterator<Item = Twofold> {
        self.p.iter().zip(&self.rest).map(|(&hi, &lo)| Twofold { hi, lo })
    }

    /// The probabilities, rounded to doubles, one for each outcome.
    pub fn p(&self) -> &[f64] {
        &self.p
    }
}

pub(crate) fn check_counts(counts: &[f64]) -> Result<Twofold> {
    if counts.is_empty() {
        return Err(Error::Empty { what: "the list of counts" });
    }
    if let Some(index) = counts.iter().position(|value| !(*value >= 0.0 && value.is_finite())) {
        return Err(Error::At {
            what: "the counts",
            index,
            value: counts[index],
            expected: "a finite number of at least 0",
        });
    }
    let total = twofold::total(counts.iter().copied());
    let sum = counts.iter().sum::<f64>();
    if total.hi == 0.0 {
        return Err(Error::Degenerate { what: "the counts", why: "all are zero" });
    }
    error::inside("the sum of the counts", sum, sum.is_finite(), "a finite number")?;
    Ok(total)
}

/// Checks that counts are whole numbers, so that they can be a sample.
fn whole(counts: &[f64]) -> Result<()> {
    match counts.iter().position(|count| count.fract() != 0.0) {
        None => Ok(()),
        Some(index) => {
            let (value, expected) = (counts[index], "a whole number");
            Err(Error::At { what: "the counts", index, value, expected })
        }
    }
}

/// The surprise `−log p` in nats; infinite at 0, and 0, not −0, at 1.
///
/// Domain: p from 0 to 1. Method: one logarithm. Accuracy: one rounding. Source: C. Shannon (1948);
/// M. Tribus, *Thermostatics and Thermodynamics* (1961), for the name.
///
/// # Errors
/// When p is not a probability.
pub fn surprise(p: f64) -> Result<f64> {
    error::probability("the probability", p)?;
    Ok(0.0 - p.ln())
}

/// H(P) = `−Σ p log p` in nats, from 0 (certain) to log n (even); 0 log 0 = 0.
///
/// Domain: any [`Distribution`]. Method: a sum in twice the precision, the logarithm with what
/// rounding took from p. Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits
/// (`tests/info_golden.rs`). Source: C. Shannon (1948), section 6.
///
/// ```
/// use grimoire_stats::info::{Distribution, entropy};
/// // ½, ¼, ¼: 1.5 bits.
/// let p = Distribution::probabilities(&[0.5, 0.25, 0.25]).unwrap();
/// assert!((entropy(&p) - 1.5 * 2_f64.ln()).abs() < 1e-15);
/// ```
pub fn entropy(p: &Distribution) -> f64 {
    twofold::sum(p.terms().map(|p| if p.hi > 0.0 { -p.hi * ln(p) } else { 0.0 }))
}

/// `log(hi + lo)`: beside 1 the low part holds what is left of the logarithm.
fn ln(p: Twofold) -> f64 {
    p.hi.ln() + p.lo / p.hi
}

/// H(P, Q) = `−Σ p log q` in nats; infinite when Q forbids what P allows.
///
/// Domain: two distributions over as many outcomes. Method: a sum in twice the precision. Accuracy:
/// relative error at most 10⁻¹² of mpmath at 40 digits (`tests/info_golden.rs`). Source: C. Shannon
/// (1948); D. Kerridge, *Inaccuracy and inference* (1961).
///
/// # Errors
/// When the distributions have different numbers of outcomes.
pub fn cross_entropy(p: &Distribution, q: &Distribution) -> Result<f64> {
    same_size(p, q)?;
    if impossible(p, q).is_some() {
        return Ok(f64::INFINITY);
    }
    let term = |(p, q): (Twofold, Twofold)| if p.hi > 0.0 { -p.hi * ln(q) } else { 0.0 };
    Ok(twofold::sum(p.terms().zip(q.terms()).map(term)))
}

/// The first outcome, from 0, that P allows and Q forbids: pᵢ > 0 and qᵢ = 0.
///
/// Domain: two distributions; outcomes beyond the shorter one are not looked at. Method: one walk.
/// Accuracy: exact, of the doubles: a probability that underflowed is forbidden. Source: S.
/// Kullback and R. Leibler (1951), who ask for absolute continuity.
pub fn impossible(p: &Distribution, q: &Distribution) -> Option<usize> {
    p.p.iter().zip(&q.p).position(|(p, q)| *p > 0.0 && *q == 0.0)
}

/// KL(P‖Q) = `Σ p log(p/q)` in nats: the extra cost of coding P with a code made for Q. Not
/// symmetric; infinite when Q forbids what P allows.
///
/// Domain: two distributions over as many outcomes. Method: Σ [p log(p/q) − p + q], whose terms are
/// never negative, in twice the precision. Accuracy: relative error at most 10⁻¹² of mpmath at 40
/// digits, also of distributions that differ in the seventh digit (`tests/info_golden.rs`). Source:
/// S. Kullback and R. Leibler, *On information and sufficiency* (1951).
///
/// # Errors
/// When the distributions have different numbers of outcomes.
///
/// ```
/// use grimoire_stats::info::{Distribution, kl};
/// let certain = Distribution::probabilities(&[1.0, 0.0]).unwrap();
/// let even = Distribution::probabilities(&[0.5, 0.5]).unwrap();
/// assert!((kl(&certain, &even).unwrap() - 2_f64.ln()).abs() < 1e-15);
/// assert_eq!(kl(&even, &certain), Ok(f64::INFINITY));
/// ```
pub fn kl(p: &Distribution, q: &Distribution) -> Result<f64> {
    same_size(p, q)?;
    if impossible(p, q).is_some() {
        return Ok(f64::INFINITY);
    }
    Ok(divergence(p.terms().zip(q.terms())))
}

fn divergence(pairs: impl Iterator<Item = (Twofold, Twofold)>) -> f64 {
    // p log(p/q) − p + q = p·(d − log(1 + d)) with d = (q − p)/p; q where p = 0. Never negative.
    let term = |(p, q): (Twofold, Twofold)| {
        if p.hi == 0.0 {
            return q.hi;
        }
        if q.hi == 0.0 {
            return f64::INFINITY;
        }
        let d = ((q - p) / p).value();
        let (p, q) = (p.hi, q.hi);
        // Beside a subnormal q the ratio may overflow.
        let ln_ratio = |ratio: f64| if ratio.is_finite() { ratio.ln() } else { p.ln() - q.ln() };
        if d.abs() < 0.5 { p * excess(d) } else { p * ln_ratio(p / q) - p + q }
    };
    let sum = twofold::sum(pairs.map(term));
    if sum < 0.0 { 0.0 } else { sum }
}

/// `d − log(1 + d)` for |d| ≤ ½, to full relative accuracy: with `s = d/(2 + d)` it is
/// `d·s − 2s³(1/3 + s²/5 + …)`.
fn excess(d: f64) -> f64 {
    let s = d / (2.0 + d);
    let square = s * s;
    let mut series = 0.0;
    for k in (0..18).rev() {
        series = series * square + 1.0 / f64::from(2 * k + 3);
    }
    d * s - 2.0 * s * square * series
}

/// JS(P, Q) = ½ KL(P‖M) + ½ KL(Q‖M) with M = (P + Q)/2, in nats: symmetric, finite, at most log 2.
/// Its root is a distance.
///
/// Domain: two distributions over as many outcomes. Method: two divergences as [`kl`], M in twice
/// the precision. Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits
/// (`tests/info_golden.rs`). Source: J. Lin, *Divergence measures based on the Shannon entropy*
/// (1991).
///
/// # Errors
/// When the distributions have different numbers of outcomes.
pub fn jensen_shannon(p: &Distribution, q: &Distribution) -> Result<f64> {
    same_size(p, q)?;
    let m = Distribution::precise(p.terms().zip(q.terms()).map(|(p, q)| (p + q).scaled(0.5)));
    let to = |side: &Distribution| divergence(side.terms().zip(m.terms()));
    Ok((0.5 * to(p) + 0.5 * to(q)).min(std::f64::consts::LN_2))
}

fn same_size(p: &Distribution, q: &Distribution) -> Result<()> {
    if p.p.len() == q.p.len() {
        return Ok(());
    }
    Err(Error::Lengths {
        left: "the first distribution",
        n_left: p.p.len(),
        right: "the second",
        n_right: q.p.len(),
    })
}

/// exp(−Σ log pₜ / n), the exponential of the mean surprise of a sequence whose n steps had these
/// log-probabilities (nats); without unit. Infinite when a step was held impossible.
///
/// Domain: numbers ≤ 0, −∞ included. Method: a sum in twice the precision. Accuracy: relative error
/// at most 10⁻¹⁴ of ten equally likely digits, as tested. Source: F. Jelinek, R. Mercer, L. Bahl
/// and J. Baker, *Perplexity – a measure of the difficulty of speech recognition tasks* (1977).
///
/// # Errors
/// When empty, or a log-probability is positive or NaN (says which).
pub fn sequence_perplexity(log_p: &[f64]) -> Result<f64> {
    if log_p.is_empty() {
        return Err(Error::Empty { what: "the list of log-probabilities" });
    }
    if let Some(index) = log_p.iter().position(|value| value.is_nan() || *value > 0.0) {
        return Err(Error::At {
            what: "the log-probabilities",
            index,
            value: log_p[index],
            expected: "a number of at most 0",
        });
    }
    if log_p.contains(&f64::NEG_INFINITY) {
        return Ok(f64::INFINITY);
    }
    Ok((-twofold::sum(log_p.iter().copied()) / log_p.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;
    use std::f64::consts::LN_2;

    fn given(p: &[f64]) -> Distribution {
        Distribution::probabilities(p).unwrap()
    }

    #[test]
    fn zero_is_a_rule() {
        let (p, q) = (given(&[0.5, 0.5, 0.0]), given(&[1.0, 0.0, 0.0]));
        close(entropy(&p), LN_2, 1e-15, 0.0);
        assert_eq!(kl(&p, &q).unwrap(), f64::INFINITY);
        close(kl(&q, &p).unwrap(), LN_2, 1e-15, 0.0);
        assert_eq!(impossible(&p, &q), Some(1));
        assert_eq!(surprise(0.0).unwrap(), f64::INFINITY);
        assert_eq!(surprise(1.0).unwrap().to_bits(), 0);
        let js = jensen_shannon(&given(&[1.0, 0.0]), &given(&[0.0, 1.0])).unwrap();
        close(js, LN_2, 1e-15, 0.0);
    }

    #[test]
    fn nearly_equal_distributions_keep_their_digits() {
        // p = (½, ½), q = (½ + e, ½ − e): KL = −½ log(1 − 4e²) = 2e² + 4e⁴ + …
        let e = 2.0_f64.powi(-30);
        let found = kl(&given(&[0.5, 0.5]), &given(&[0.5 + e, 0.5 - e])).unwrap();
        close(found, -0.5 * (-4.0 * e * e).ln_1p(), 1e-13, 0.0);
    }

    #[test]
    fn wrong_input_is_named() {
        let message = Distribution::probabilities(&[0.5, 0.6]).unwrap_err().to_string();
        assert_eq!(message, "the probabilities sum to 1.1, expected 1");
        let message = Distribution::counts(&[3.0, -1.0]).unwrap_err().to_string();
        assert_eq!(message, "value 2 of the counts is -1, expected a finite number of at least 0");
        assert!(Distribution::counts(&[0.0]).is_err() && Distribution::logits(&[]).is_err());
        assert!(sequence_perplexity(&[0.5]).is_err());
    }

    #[test]
    fn ten_equally_likely_digits_have_perplexity_ten() {
        // The glossary's example.
        close(sequence_perplexity(&[0.1_f64.ln(); 7]).unwrap(), 10.0, 1e-14, 0.0);
        // What was held impossible and came surprises without end.
        assert_eq!(sequence_perplexity(&[-0.5, 0_f64.ln()]).unwrap(), f64::INFINITY);
    }

    #[test]
    fn huge_counts_are_shares_too() {
        let even = Distribution::counts(&[1e308, 1e308]).unwrap();
        assert_eq!(entropy(&even), LN_2);
        assert!(Distribution::counts(&[1e308, f64::INFINITY]).is_err());
        assert!(Distribution::counts(&[1e308, -1e300]).is_err());
        let sample = estimate::entropy(&[1e308, 1e308]).unwrap_err().to_string();
        assert_eq!(sample, "the sum of the counts is inf, expected a finite number");
    }

    #[test]
    fn near_certainty_keeps_its_entropy() {
        // H = ε(1 − log ε) to first order with ε = 1e-18, beside which p = 1 − ε rounds to 1.
        let found = entropy(&Distribution::counts(&[1e18, 1.0]).unwrap());
        close(found, 1e-18 * (1.0 + 18.0 * 10_f64.ln()), 1e-15, 0.0);
    }
}
