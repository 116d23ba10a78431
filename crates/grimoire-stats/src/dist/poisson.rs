//! The Poisson distribution: events at a constant rate, counted over a stretch of time or space.
//!
//! Source: C. Loader, *Fast and accurate computation of binomial probabilities* (2000), for the density; Abramowitz and
//! Stegun, *Handbook of Mathematical Functions* (1964), 26.4.21, for the tails.

use super::{Distribution, Moments, whole_inverse};
use crate::error::{Result, not_negative};
use crate::random::Draws;
use crate::special::gamma::{deviance, stirling_error};
use crate::special::incomplete::{self, Tails};
use std::f64::consts::TAU;

/// P(X = k) = e^(−λ) λᵏ / k!, k = 0, 1, 2 …
///
/// Density by Loader's Stirling errors and deviances, tails by the incomplete gamma function (P(X ≤
/// k) = Q(k + 1, λ)). Relative error near 10⁻¹⁴.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poisson {
    mean: f64,
}

impl Poisson {
    /// The distribution of counts with mean λ, P(X = k) = e^(−λ) λᵏ / k!.
    ///
    /// Domain: λ ≥ 0, finite, in events; at 0 the count 0 is certain. Method: none, the parameter
    /// is kept. Accuracy: tails and the logarithm of the density have a relative error of at most
    /// 10⁻¹² (`tests/against_r.rs`, `tests/special.rs`). Source: C. Loader (2000); Abramowitz and
    /// Stegun 26.4.21.
    ///
    /// # Errors
    /// When the mean is negative, infinite or NaN.
    ///
    /// ```
    /// use grimoire_stats::dist::{Distribution, Poisson};
    /// let found = Poisson::new(2.0).unwrap().density(0.0);
    /// assert!((found - (-2_f64).exp()).abs() < 1e-15);
    /// ```
    pub fn new(mean: f64) -> Result<Self> {
        Ok(Self { mean: not_negative("the mean", mean)? })
    }

    /// ln P(X = x) for mean > 0, x ≥ 0.
    pub(crate) fn ln_density_within(mean: f64, x: f64) -> f64 {
        if x == 0.0 {
            return -mean;
        }
        -0.5 * (TAU * x).ln() - stirling_error(x) - deviance(x, mean, x - mean)
    }
}

impl Distribution for Poisson {
    fn is_discrete(&self) -> bool {
        true
    }

    fn support(&self) -> (f64, f64) {
        (0.0, if self.mean == 0.0 { 0.0 } else { f64::INFINITY })
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < 0.0 || x.fract() != 0.0 || !x.is_finite() {
            return f64::NEG_INFINITY;
        }
        if self.mean == 0.0 {
            return if x == 0.0 { 0.0 } else { f64::NEG_INFINITY };
        }
        Self::ln_density_within(self.mean, x)
    }

    fn tails(&self, x: f64) -> Tails {
        let k = x.floor();
        if k < 0.0 {
            return Tails::NONE;
        }
        incomplete::gamma(k + 1.0, self.mean).swapped()
    }

    fn moments(&self) -> Moments {
        let mean = self.mean;
        Moments {
            mean,
            variance: mean,
            skewness: mean.sqrt().recip(),
            excess_kurtosis: mean.recip(),
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        whole_inverse(self, ln_p, lower)
    }

    /// Below mean 10 by inversion of the cumulative sum; above, Hörmann's transformed rejection
    /// (PTRS, *The transformed rejection method for generating Poisson random variables*, 1993).
    fn sample(&self, draws: &mut Draws) -> f64 {
        let mean = self.mean;
        if mean < 10.0 {
            let (mut u, mut f, mut k) = (draws.uniform(), (-mean).exp(), 0.0);
            while u > f && f > 0.0 {
                u -= f;
                k += 1.0;
                f *= mean / k;
            }
            return k;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        loop {
            let u = draws.uniform() - 0.5;
            let v = draws.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2.0) {
                return k;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let v = (v * inverse_alpha / (a / (us * us) + b)).ln();
            if v <= Self::ln_density_within(mean, k) {
                return k;
            }
        }
    }
}
