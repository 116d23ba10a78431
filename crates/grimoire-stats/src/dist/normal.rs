//! The normal distribution.
//!
//! Equation: P(X ≤ x) = Φ((x − μ)/σ). Method, accuracy and source of Φ, its complement, their logarithms and the
//! quantile are those of [`crate::special::erf`].

use super::{Distribution, Moments};
use crate::error::{Result, finite, positive};
use crate::random::Draws;
use crate::special::erf::{
    LN_SQRT_TAU, normal_cdf, normal_ln_cdf, normal_quantile_of_ln, normal_survival,
};
use crate::special::incomplete::Tails;

/// Density exp(−(x−μ)²/(2σ²)) / (σ√(2π)), mean μ and standard deviation σ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    mean: f64,
    sd: f64,
}

impl Normal {
    /// Mean 0, standard deviation 1.
    pub const STANDARD: Self = Self { mean: 0.0, sd: 1.0 };

    /// The distribution with density exp(−(x−μ)²/(2σ²)) / (σ√(2π)).
    ///
    /// Domain: a finite mean μ and a finite standard deviation σ > 0, both in the unit of X.
    /// Method: none, the parameters are kept. Accuracy: tails relative error at most 2·10⁻¹⁵ of z =
    /// (x − μ)/σ (`tests/special.rs`), which is rounded. Source: Abramowitz and Stegun 26.2.
    ///
    /// # Errors
    /// When μ is not finite or σ not positive.
    pub fn new(mean: f64, sd: f64) -> Result<Self> {
        Ok(Self { mean: finite("the mean", mean)?, sd: positive("the standard deviation", sd)? })
    }
}

impl Distribution for Normal {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn ln_density(&self, x: f64) -> f64 {
        let z = (x - self.mean) / self.sd;
        -0.5 * z * z - LN_SQRT_TAU - self.sd.ln()
    }

    fn tails(&self, x: f64) -> Tails {
        let z = (x - self.mean) / self.sd;
        Tails {
            lower: normal_cdf(z),
            upper: normal_survival(z),
            ln_lower: normal_ln_cdf(z),
            ln_upper: normal_ln_cdf(-z),
        }
    }

    fn moments(&self) -> Moments {
        Moments {
            mean: self.mean,
            variance: self.sd * self.sd,
            skewness: 0.0,
            excess_kurtosis: 0.0,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        let half = -std::f64::consts::LN_2;
        let z = if ln_p <= half {
            normal_quantile_of_ln(ln_p)
        } else {
            -normal_quantile_of_ln((-ln_p.exp()).ln_1p())
        };
        self.mean + self.sd * if lower { z } else { -z }
    }

    fn sample(&self, draws: &mut Draws) -> f64 {
        self.mean + self.sd * draws.normal()
    }
}
