//! Failures before a success: geometric and negative binomial distributions.
//!
//! Equation: P(X ≤ k) = I_p(r, k + 1), the regularised incomplete beta function ([`crate::special::incomplete`]), whose
//! accuracy the tails have; the density is its kernel at p over k. Source: Abramowitz and Stegun, *Handbook of
//! Mathematical Functions* (1964), 26.5.26.

use super::{Distribution, Moments, whole_inverse};
use crate::error::{Result, inside, positive};
use crate::random::Draws;
use crate::special::incomplete::{self, Tails};

/// P(X = k) = Γ(k + r) / (k! Γ(r)) pʳ (1 − p)ᵏ: failures before the r-th success; r may be fractional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeBinomial {
    successes: f64,
    p: f64,
}

impl NegativeBinomial {
    /// The distribution of failures before the r-th success, P(X = k) = Γ(k + r) / (k! Γ(r)) pʳ (1
    /// − p)ᵏ.
    ///
    /// Domain: r > 0, finite, fractions allowed; 0 < p ≤ 1. Method: none, the parameters are kept.
    /// Accuracy: tails and the logarithm of the density have a relative error of at most 10⁻¹² of
    /// R's (`tests/against_r.rs`). Source: Abramowitz and Stegun 26.5.26.
    ///
    /// # Errors
    /// When r is not positive or p not in (0, 1].
    pub fn new(successes: f64, p: f64) -> Result<Self> {
        let expected = "a probability above 0 and up to 1";
        Ok(Self {
            successes: positive("the number of successes", successes)?,
            p: inside("the probability of success", p, p > 0.0 && p <= 1.0, expected)?,
        })
    }
}

impl Distribution for NegativeBinomial {
    fn is_discrete(&self) -> bool {
        true
    }

    fn support(&self) -> (f64, f64) {
        (0.0, if self.p == 1.0 { 0.0 } else { f64::INFINITY })
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < 0.0 || x.fract() != 0.0 || !x.is_finite() {
            return f64::NEG_INFINITY;
        }
        if self.p == 1.0 {
            return if x == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        }
        let r = self.successes;
        if x == 0.0 {
            return r * self.p.ln();
        }
        // Γ(k+r)/(k! Γ(r)) pʳ qᵏ = (kernel of the beta at p with r, k) / k.
        incomplete::ln_beta_kernel(r, x, self.p, 1.0 - self.p) - x.ln()
    }

    fn tails(&self, x: f64) -> Tails {
        let k = x.floor();
        if k < 0.0 {
            return Tails::NONE;
        }
        incomplete::beta(self.successes, k + 1.0, self.p, 1.0 - self.p)
    }

    fn moments(&self) -> Moments {
        let (r, p, q) = (self.successes, self.p, 1.0 - self.p);
        Moments {
            mean: r * q / p,
            variance: r * q / (p * p),
            skewness: (2.0 - p) / (r * q).sqrt(),
            excess_kurtosis: 6.0 / r + p * p / (r * q),
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        whole_inverse(self, ln_p, lower)
    }

    /// A Poisson draw whose mean is a gamma draw.
    fn sample(&self, draws: &mut Draws) -> f64 {
        let mean = super::gamma::sample(draws, self.successes) * (1.0 - self.p) / self.p;
        super::Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(draws))
    }
}

/// P(X = k) = p (1 − p)ᵏ: failures before the first success.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometric {
    p: f64,
}

impl Geometric {
    /// The distribution of failures before the first success, P(X = k) = p (1 − p)ᵏ.
    ///
    /// Domain: 0 < p ≤ 1. Method: closed forms, the tail P(X > k) = (1 − p)^(k+1) by log1p and
    /// expm1. Accuracy: tails and the logarithm of the density have a relative error of at most
    /// 10⁻¹² of R's (`tests/against_r.rs`). Source: Abramowitz and Stegun 26.1.
    ///
    /// # Errors
    /// When p is not in (0, 1].
    pub fn new(p: f64) -> Result<Self> {
        let expected = "a probability above 0 and up to 1";
        Ok(Self { p: inside("the probability of success", p, p > 0.0 && p <= 1.0, expected)? })
    }
}

impl Distribution for Geometric {
    fn is_discrete(&self) -> bool {
        true
    }

    fn support(&self) -> (f64, f64) {
        (0.0, if self.p == 1.0 { 0.0 } else { f64::INFINITY })
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < 0.0 || x.fract() != 0.0 || !x.is_finite() {
            return f64::NEG_INFINITY;
        }
        if x == 0.0 { self.p.ln() } else { self.p.ln() + x * (-self.p).ln_1p() }
    }

    fn tails(&self, x: f64) -> Tails {
        let k = x.floor();
        if k < 0.0 {
            return Tails::NONE;
        }
        let ln_upper = (k + 1.0) * (-self.p).ln_1p();
        let lower = -ln_upper.exp_m1();
        Tails { lower, upper: ln_upper.exp(), ln_lower: lower.ln(), ln_upper }
    }

    fn moments(&self) -> Moments {
        let (p, q) = (self.p, 1.0 - self.p);
        Moments {
            mean: q / p,
            variance: q / (p * p),
            skewness: (2.0 - p) / q.sqrt(),
            excess_kurtosis: 6.0 + p * p / q,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        whole_inverse(self, ln_p, lower)
    }

    fn sample(&self, draws: &mut Draws) -> f64 {
        if self.p == 1.0 { 0.0 } else { (draws.uniform().ln() / (-self.p).ln_1p()).floor() }
    }
}
