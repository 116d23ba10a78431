//! Entropy estimated from a sample.
//!
//! The entropy of the observed shares is too low, by about `(K − 1)/(2n)` nats for K outcomes: unseen
//! ones are missing and the seen ones look uneven. Five estimators, side by side, because how far they
//! disagree says how far to trust any of them:
//!
//! ```text
//! plug-in       H = −Σ (nᵢ/n) log(nᵢ/n)
//! Miller-Madow  H + (K_seen − 1)/(2n)
//! Grassberger   log n − 1/n Σ nᵢ G(nᵢ),  G(k) = ψ(k) + ½(−1)ᵏ [ψ((k+1)/2) − ψ(k/2)]
//! jackknife     n·H − (n−1)/n Σ nᵢ H₋ᵢ
//! Chao-Shen     −Σ C pᵢ log(C pᵢ) / (1 − (1 − C pᵢ)ⁿ),  C = 1 − singletons/n
//! ```
//!
//! Sources: G. Miller (1955); P. Grassberger, "Entropy estimates from insufficient samplings" (2003);
//! S. Zahl (1977); A. Chao and T.-J. Shen (2003). The standard error is the delta method's,
//! `√((Σ p log²p − H²)/n)`, with the jackknife's beside it; the interval is normal around the estimate and
//! carries no bias correction of its own: with more outcomes than observations none of these is safe. Simulated
//! coverage of 95 %, six uneven outcomes: 94.9 from 1,000 observations, 94.7 from 300, 94.3 from 100 (40,000 samples
//! each).

use super::{check_counts, whole};
use crate::error::{Error, Result, open_unit};
use crate::linear::twofold;
use crate::record::Interval;
use crate::special::erf::normal_quantile;

/// An estimator of entropy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Of the observed shares.
    PlugIn,
    /// First-order bias correction.
    MillerMadow,
    /// Grassberger's, of 2003.
    Grassberger,
    /// Leave one observation out.
    Jackknife,
    /// Coverage-adjusted, for many unseen outcomes.
    ChaoShen,
}

/// Entropy from counts, in nats; the errors too.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Estimates {
    /// Number of observations.
    pub n: f64,
    /// Outcomes seen.
    pub seen: usize,
    /// Outcomes seen once.
    pub singletons: usize,
    /// Every estimator with its value.
    pub values: Vec<(Estimator, f64)>,
    /// Standard error by the delta method.
    pub standard_error: f64,
    /// Standard error by the jackknife.
    pub jackknife_error: f64,
}

impl Estimates {
    /// The value of one estimator, in nats.
    pub fn value(&self, estimator: Estimator) -> f64 {
        self.values.iter().find(|(which, _)| *which == estimator).map_or(f64::NAN, |(_, h)| *h)
    }

    /// Standard error √(s² + (K − 1)/(2n²)) in nats, s the larger of the two standard errors and K
    /// the outcomes seen: the second-order term of the variance is all there is of it where
    /// outcomes are equally likely.
    ///
    /// Domain: none to give. Method: as written. Accuracy: of s 10⁻¹² relative of mpmath
    /// (`tests/info_golden.rs`); as an error, of second order in 1/n. Source: B. Harris, *The
    /// statistical estimation of entropy in the non-parametric case* (1975).
    pub fn error(&self) -> f64 {
        let second = (self.seen as f64 - 1.0) / (2.0 * self.n * self.n);
        (self.standard_error.max(self.jackknife_error).powi(2) + second).sqrt()
    }

    /// Normal interval Ĥ ± z·[`error`](Self::error) around Grassberger's estimate, in nats, cut at
    /// zero; from 0 to ∞ where one outcome only was seen, which says nothing of the spread.
    ///
    /// Domain: a level between 0 and 1. Method: the normal quantile. Accuracy: as good as its
    /// coverage, which the [module](self) states (`tests/coverage_models.rs`). Source: B. Harris
    /// (1975); G. Basharin, *On a statistical estimate for the entropy of a sequence of independent
    /// random variables* (1959).
    ///
    /// # Errors
    /// When the level is not in (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval> {
        open_unit("the level", level)?;
        let centre = self.value(Estimator::Grassberger);
        let half = normal_quantile(0.5 + 0.5 * level) * self.error();
        let method = "normal, second-order variance";
        if self.seen < 2 {
            return Ok(Interval::new(0.0, f64::INFINITY, level, method));
        }
        Ok(Interval::new((centre - half).max(0.0), centre + half, level, method))
    }
}

/// Five estimates of H = −Σ p log p from whole counts nᵢ, in nats, by the equations of the
/// [module](self), with two standard errors.
///
/// Domain: whole counts ≥ 0, two observations or more; zeros are outcomes not seen. Method: sums in
/// twice the precision; the jackknife as δ(n) − Σ (k/n) δ(k), which does not cancel. Accuracy:
/// relative error at most 10⁻¹² of mpmath at 40 digits (`tests/info_golden.rs`). Source: G. Miller
/// (1955), P. Grassberger (2003), S. Zahl (1977), A. Chao and T.-J. Shen (2003).
///
/// # Errors
/// When there are none, one is negative or not a whole number (says which), all are zero, or fewer
/// than two were seen.
pub fn entropy(counts: &[f64]) -> Result<Estimates> {
    let n = check_counts(counts)?.value();
    whole(counts)?;
    if n < 2.0 {
        return Err(Error::TooFew { what: "the sample", needed: 2, found: n as usize });
    }
    let seen: Vec<f64> = counts.iter().copied().filter(|count| *count > 0.0).collect();
    let share = |count: &f64| count / n;
    let plug_in = twofold::sum(seen.iter().map(share).map(|p| -p * p.ln()));
    let second = twofold::sum(seen.iter().map(share).map(|p| p * p.ln() * p.ln()));
    let singletons = seen.iter().filter(|count| **count == 1.0).count();
    let (jackknife, jackknife_error) = jackknife(&seen, n);
    let grassberger = n.ln() - twofold::sum(seen.iter().map(|&k| k * g(k))) / n;
    Ok(Estimates {
        n,
        seen: seen.len(),
        singletons,
        values: vec![
            (Estimator::PlugIn, plug_in),
            (Estimator::MillerMadow, plug_in + (seen.len() as f64 - 1.0) / (2.0 * n)),
            (Estimator::Grassberger, grassberger),
            (Estimator::Jackknife, jackknife),
            (Estimator::ChaoShen, chao_shen(&seen, n, singletons as f64)),
        ],
        standard_error: ((second - plug_in * plug_in).max(0.0) / n).sqrt(),
        jackknife_error,
    })
}

/// Grassberger's G(k): `G(1) = −γ − log 2`, `G(2) = 2 − γ − log 2`, `G(2m+1) = G(2m)`,
/// `G(2m+2) = G(2m) + 2/(2m+1)`; by an asymptotic series for large k.
fn g(k: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let start = -EULER - std::f64::consts::LN_2;
    if k < 2.0 {
        return start;
    }
    let m = (k / 2.0).floor();
    if m <= 64.0 {
        return start + (0..m as u32).map(|i| 2.0 / f64::from(2 * i + 1)).sum::<f64>();
    }
    // −γ − log 2 + Σ_{i<m} 2/(2i+1) = log(2m) + 1/(24m²) − 7/(960m⁴) + 31/(8064m⁶) − …
    let s = 1.0 / (m * m);
    (2.0 * m).ln() + s * (1.0 / 24.0 - s * (7.0 / 960.0 - s * 31.0 / 8064.0))
}

/// With `δ(k) = k log k − (k−1) log(k−1)` the estimate is `δ(n) − Σ (k/n) δ(k)`, which does not cancel.
fn jackknife(seen: &[f64], n: f64) -> (f64, f64) {
    let delta = |k: f64| k.ln() - if k > 1.0 { (k - 1.0) * (-1.0 / k).ln_1p() } else { 0.0 };
    let mean = twofold::sum(seen.iter().map(|&k| k * delta(k))) / n;
    let scatter = twofold::sum(seen.iter().map(|&k| k * (delta(k) - mean).powi(2)));
    (delta(n) - mean, (scatter / (n * (n - 1.0))).sqrt())
}

fn chao_shen(seen: &[f64], n: f64, singletons: f64) -> f64 {
    // With singletons only, the coverage is taken as if one more had been seen twice.
    let singletons = if singletons == n { n - 1.0 } else { singletons };
    let coverage = 1.0 - singletons / n;
    twofold::sum(seen.iter().map(|&k| {
        let p = coverage * k / n;
        let met = -(n * (-p).ln_1p()).exp_m1();
        -p * p.ln() / met
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn grassbergers_function_joins_its_series() {
        let direct: f64 = -0.577_215_664_901_532_9 - std::f64::consts::LN_2
            + (0..80).map(|i| 2.0 / f64::from(2 * i + 1)).sum::<f64>();
        close(g(160.0), direct, 1e-14, 0.0);
        close(g(161.0), direct, 1e-14, 0.0);
    }

    #[test]
    fn corrections_go_up_and_meet_for_large_samples() {
        let few = entropy(&[4.0, 2.0, 1.0, 1.0]).unwrap();
        let plain = few.value(Estimator::PlugIn);
        close(few.value(Estimator::MillerMadow), plain + 3.0 / 16.0, 1e-15, 0.0);
        assert!(few.values[1..].iter().all(|(_, h)| *h > plain), "{:?}", few.values);
        let many = entropy(&[4e9, 2e9, 1e9, 1e9]).unwrap();
        for (_, h) in &many.values {
            close(*h, 1.75 * std::f64::consts::LN_2, 0.0, 1e-8);
        }
        assert!(entropy(&[1.5, 2.0]).is_err() && entropy(&[1.0]).is_err());
        let one = entropy(&[5.0]).unwrap().interval(0.95).unwrap();
        assert_eq!((one.lower, one.upper), (0.0, f64::INFINITY));
        assert!(entropy(&[1.0, 1.0]).unwrap().value(Estimator::ChaoShen).is_finite());
    }
}
