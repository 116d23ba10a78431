//! Student's t and Fisher's F distributions, through the incomplete beta function.
//!
//! ```text
//! P(|T| > t) = I_z(ν/2, ½),  z = ν/(ν + t²)          P(F ≤ x) = I_y(d₁/2, d₂/2),  y = d₁x/(d₁x + d₂)
//! ```
//!
//! Accuracy is that of [`crate::special::incomplete`]. Source: Abramowitz and Stegun, *Handbook of Mathematical
//! Functions* (1964), 26.6 and 26.7.

use super::{Distribution, Moments};
use crate::error::{Result, positive};
use crate::special::gamma::ln_beta;
use crate::special::incomplete::{self, Tails};
use std::f64::consts::LN_2;

/// Density (1 + t²/ν)^(−(ν+1)/2) / (√ν B(½, ν/2)), ν degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    degrees: f64,
}

impl Student {
    /// The distribution with density (1 + t²/ν)^(−(ν+1)/2) / (√ν B(½, ν/2)).
    ///
    /// Domain: ν > 0 degrees of freedom, finite, fractions allowed. Method: none, the parameter is
    /// kept. Accuracy: tails and the logarithm of the density have a relative error of at most
    /// 10⁻¹² of R's, ν to 10⁶ (`tests/against_r.rs`). Source: Abramowitz and Stegun 26.7; Student
    /// (1908).
    ///
    /// # Errors
    /// When ν is not positive and finite.
    ///
    /// ```
    /// use grimoire_stats::dist::{Distribution, Student};
    /// // One degree of freedom is Cauchy's: P(T > 1) = ¼.
    /// assert!((Student::new(1.0).unwrap().survival(1.0) - 0.25).abs() < 1e-15);
    /// ```
    pub fn new(degrees: f64) -> Result<Self> {
        Ok(Self { degrees: positive("the degrees of freedom", degrees)? })
    }
}

impl Distribution for Student {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn ln_density(&self, x: f64) -> f64 {
        let v = self.degrees;
        -0.5 * (v + 1.0) * (x / v * x).ln_1p() - 0.5 * v.ln() - ln_beta(0.5, 0.5 * v)
    }

    fn tails(&self, x: f64) -> Tails {
        if x.is_nan() {
            return Tails { lower: x, upper: x, ln_lower: x, ln_upper: x };
        }
        // P(|T| > t) = I_z(ν/2, ½) with z = ν / (ν + t²); half of it lies beyond t.
        let (v, square) = (self.degrees, x * x);
        let (z, rest) =
            if square.is_finite() { (v / (v + square), square / (v + square)) } else { (0.0, 1.0) };
        let both = incomplete::beta(0.5 * v, 0.5, z, rest);
        let far = 0.5 * both.lower;
        let near = 0.5 * (1.0 + both.upper);
        let beyond = Tails {
            lower: near,
            upper: far,
            ln_lower: (-far).ln_1p(),
            ln_upper: both.ln_lower - LN_2,
        };
        if x >= 0.0 { beyond } else { beyond.swapped() }
    }

    fn moments(&self) -> Moments {
        let v = self.degrees;
        let over = |least: f64, value: f64| if v > least { value } else { f64::NAN };
        Moments {
            mean: over(1.0, 0.0),
            variance: if v > 2.0 { v / (v - 2.0) } else { over(1.0, f64::INFINITY) },
            skewness: over(3.0, 0.0),
            excess_kurtosis: if v > 4.0 { 6.0 / (v - 4.0) } else { over(2.0, f64::INFINITY) },
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        if ln_p.is_nan() {
            return f64::NAN;
        }
        if ln_p > -LN_2 {
            return self.inverse((-ln_p.exp()).ln_1p(), !lower);
        }
        let (z, rest) = incomplete::beta_inverse(0.5 * self.degrees, 0.5, ln_p + LN_2, true);
        let size = (self.degrees * rest / z).sqrt();
        if lower { -size } else { size }
    }
}

/// Ratio of two mean squares with d₁ and d₂ degrees of freedom: density zᵃ (1 − z)ᵇ / (x B(a, b))
/// on x > 0, a = d₁/2, b = d₂/2, z = d₁x/(d₁x + d₂).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FisherF {
    above: f64,
    below: f64,
}

impl FisherF {
    /// The distribution of a ratio of mean squares: P(F ≤ x) = I_z(d₁/2, d₂/2), z = d₁x/(d₁x + d₂).
    ///
    /// Domain: d₁ = `above` (numerator) and d₂ = `below` (denominator) degrees of freedom, both > 0
    /// and finite, fractions allowed. Method: none, the parameters are kept. Accuracy: tails and
    /// the logarithm of the density have a relative error of at most 10⁻¹² of R's
    /// (`tests/against_r.rs`). Source: Abramowitz and Stegun 26.6.
    ///
    /// # Errors
    /// When either is not positive and finite.
    pub fn new(above: f64, below: f64) -> Result<Self> {
        Ok(Self {
            above: positive("the degrees of freedom of the numerator", above)?,
            below: positive("the degrees of freedom of the denominator", below)?,
        })
    }

    fn shares(&self, x: f64) -> (f64, f64) {
        let (up, down) = (self.above * x, self.below);
        if up.is_finite() { (up / (up + down), down / (up + down)) } else { (1.0, 0.0) }
    }
}

impl Distribution for FisherF {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < 0.0 {
            return f64::NEG_INFINITY;
        }
        if x == 0.0 {
            return match self.above.total_cmp(&2.0) {
                std::cmp::Ordering::Less => f64::INFINITY,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => f64::NEG_INFINITY,
            };
        }
        let (z, rest) = self.shares(x);
        incomplete::ln_beta_kernel(0.5 * self.above, 0.5 * self.below, z, rest) - x.ln()
    }

    fn tails(&self, x: f64) -> Tails {
        if x <= 0.0 {
            return Tails::NONE;
        }
        let (z, rest) = self.shares(x);
        incomplete::beta(0.5 * self.above, 0.5 * self.below, z, rest)
    }

    fn moments(&self) -> Moments {
        let (m, n) = (self.above, self.below);
        let over = |least: f64, value: f64| if n > least { value } else { f64::NAN };

        let kurtosis = 12.0
            * (m * (5.0 * n - 22.0) * (m + n - 2.0) + (n - 4.0) * (n - 2.0).powi(2))
            / (m * (n - 6.0) * (n - 8.0) * (m + n - 2.0));
        Moments {
            mean: over(2.0, n / (n - 2.0)),
            variance: over(4.0, 2.0 * n * n * (m + n - 2.0) / (m * (n - 2.0).powi(2) * (n - 4.0))),
            skewness: over(
                6.0,
                (2.0 * m + n - 2.0) / (n - 6.0) * (8.0 * (n - 4.0) / (m * (m + n - 2.0))).sqrt(),
            ),
            excess_kurtosis: over(8.0, kurtosis),
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        let (z, rest) = incomplete::beta_inverse(0.5 * self.above, 0.5 * self.below, ln_p, lower);
        self.below * z / (self.above * rest)
    }
}
