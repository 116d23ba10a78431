//! Gamma, chi-square and exponential distributions.
//!
//! Equation: P(X ≤ x) = P(a, x/s), the regularised incomplete gamma function ([`crate::special::incomplete`]), whose
//! inverse is the quantile and whose accuracy the tails have. Source: Abramowitz and Stegun, *Handbook of Mathematical
//! Functions* (1964), 26.4.

use super::{Distribution, Moments};
use crate::error::{Result, positive};
use crate::random::Draws;
use crate::special::incomplete::{self, Tails};

/// Density x^(a−1) e^(−x/s) / (Γ(a) sᵃ) on x > 0, shape a, scale s; mean a·s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gamma {
    shape: f64,
    scale: f64,
}

impl Gamma {
    /// The distribution with density x^(a−1) e^(−x/s) / (Γ(a) sᵃ); mean a·s.
    ///
    /// Domain: shape a > 0 without unit and scale s > 0 in the unit of X, both finite. Method:
    /// none, the parameters are kept. Accuracy: what is asked of it has that of [`Distribution`];
    /// tails relative error at most 10⁻¹² (`tests/special.rs`). Source: Abramowitz and Stegun 26.4.
    ///
    /// # Errors
    /// When either is not positive and finite.
    pub fn new(shape: f64, scale: f64) -> Result<Self> {
        Ok(Self { shape: positive("the shape", shape)?, scale: positive("the scale", scale)? })
    }
}

impl Distribution for Gamma {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < 0.0 || x == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        if x == 0.0 {
            return match self.shape.total_cmp(&1.0) {
                std::cmp::Ordering::Less => f64::INFINITY,
                std::cmp::Ordering::Equal => -self.scale.ln(),
                std::cmp::Ordering::Greater => f64::NEG_INFINITY,
            };
        }
        incomplete::ln_gamma_kernel(self.shape, x / self.scale) - x.ln()
    }

    fn tails(&self, x: f64) -> Tails {
        incomplete::gamma(self.shape, x / self.scale)
    }

    fn moments(&self) -> Moments {
        Moments {
            mean: self.shape * self.scale,
            variance: self.shape * self.scale * self.scale,
            skewness: 2.0 / self.shape.sqrt(),
            excess_kurtosis: 6.0 / self.shape,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        self.scale * incomplete::gamma_inverse(self.shape, ln_p, lower)
    }

    /// Marsaglia and Tsang, *A simple method for generating gamma variables* (2000).
    fn sample(&self, draws: &mut Draws) -> f64 {
        self.scale * sample(draws, self.shape)
    }
}

/// One draw of shape `shape`, scale 1.
pub(crate) fn sample(draws: &mut Draws, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = draws.uniform().ln() / shape;
        return sample(draws, shape + 1.0) * boost.exp();
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = draws.normal();
        let v = (1.0 + c * z).powi(3);
        if v > 0.0 && draws.uniform().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Passes every question to the distribution that `$inner` builds.
macro_rules! same_as {
    ($name:ty, $self:ident => $inner:expr) => {
        impl Distribution for $name {
            fn is_discrete(&self) -> bool {
                false
            }
            fn support(&$self) -> (f64, f64) {
                $inner.support()
            }
            fn ln_density(&$self, x: f64) -> f64 {
                $inner.ln_density(x)
            }
            fn tails(&$self, x: f64) -> Tails {
                $inner.tails(x)
            }
            fn moments(&$self) -> Moments {
                $inner.moments()
            }
            fn inverse(&$self, ln_p: f64, lower: bool) -> f64 {
                $inner.inverse(ln_p, lower)
            }
            fn sample(&$self, draws: &mut Draws) -> f64 {
                $inner.sample(draws)
            }
        }
    };
}

/// Density x^(ν/2−1) e^(−x/2) / (2^(ν/2) Γ(ν/2)), ν degrees of freedom: the sum of the squares of ν
/// standard normals, which is gamma of shape ν/2 and scale 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    inner: Gamma,
}

impl ChiSquare {
    /// The distribution with density x^(ν/2−1) e^(−x/2) / (2^(ν/2) Γ(ν/2)); mean ν.
    ///
    /// Domain: ν > 0 degrees of freedom, finite, fractions allowed. Method: the gamma distribution
    /// of shape ν/2 and scale 2. Accuracy: tails relative error at most 10⁻¹² (`tests/special.rs`).
    /// Source: Abramowitz and Stegun 26.4.1.
    ///
    /// # Errors
    /// When ν is not positive and finite.
    ///
    /// ```
    /// use grimoire_stats::dist::{ChiSquare, Distribution};
    /// // Two degrees of freedom: P(X > x) = e^(−x/2).
    /// let found = ChiSquare::new(2.0).unwrap().survival(6.0);
    /// assert!((found - (-3_f64).exp()).abs() < 1e-15);
    /// ```
    pub fn new(degrees: f64) -> Result<Self> {
        let degrees = positive("the degrees of freedom", degrees)?;
        Ok(Self { inner: Gamma { shape: 0.5 * degrees, scale: 2.0 } })
    }
}

same_as!(ChiSquare, self => self.inner);

/// Density r e^(−rx) on x ≥ 0, rate r per unit of X: the waiting time of a process without memory,
/// gamma of shape 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    inner: Gamma,
}

impl Exponential {
    /// The distribution with density r e^(−rx); mean 1/r.
    ///
    /// Domain: a finite rate r > 0, per unit of X. Method: the gamma distribution of shape 1 and
    /// scale 1/r. Accuracy: tails relative error at most 10⁻¹² (`tests/special.rs`). Source:
    /// Abramowitz and Stegun 26.1.
    ///
    /// # Errors
    /// When the rate is not positive and finite.
    pub fn new(rate: f64) -> Result<Self> {
        Ok(Self { inner: Gamma { shape: 1.0, scale: 1.0 / positive("the rate", rate)? } })
    }
}

same_as!(Exponential, self => self.inner);
