//! Beta and uniform distributions.
//!
//! Equation: P(X ≤ x) = I_x(a, b), the regularised incomplete beta function ([`crate::special::incomplete`]), whose
//! inverse is the quantile and whose accuracy the tails have. Source: Abramowitz and Stegun, *Handbook of Mathematical
//! Functions* (1964), 26.5.

use super::{Distribution, Moments};
use crate::error::{Error, Result, finite, positive};
use crate::random::Draws;
use crate::special::gamma::ln_beta;
use crate::special::incomplete::{self, Tails};

/// Density x^(a−1) (1−x)^(b−1) / B(a, b) on 0 < x < 1; mean a/(a + b).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    /// Pseudo-count of successes.
    pub a: f64,
    /// Pseudo-count of failures.
    pub b: f64,
}

impl Beta {
    /// The distribution with density x^(a−1) (1−x)^(b−1) / B(a, b).
    ///
    /// Domain: a, b > 0, finite, without unit. Method: none, the parameters are kept. Accuracy:
    /// what is asked of it has that of [`Distribution`]; tails relative error at most 10⁻¹²
    /// (`tests/special.rs`). Source: Abramowitz and Stegun 26.5.
    ///
    /// # Errors
    /// When either is not positive and finite.
    pub fn new(a: f64, b: f64) -> Result<Self> {
        Ok(Self { a: positive("a", a)?, b: positive("b", b)? })
    }
}

impl Distribution for Beta {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn ln_density(&self, x: f64) -> f64 {
        if !(0.0..=1.0).contains(&x) {
            return f64::NEG_INFINITY;
        }
        if x == 0.0 || x == 1.0 {
            let power = if x == 0.0 { self.a } else { self.b };
            return match power.total_cmp(&1.0) {
                std::cmp::Ordering::Less => f64::INFINITY,
                std::cmp::Ordering::Equal => -ln_beta(self.a, self.b),
                std::cmp::Ordering::Greater => f64::NEG_INFINITY,
            };
        }
        incomplete::ln_beta_kernel(self.a, self.b, x, 1.0 - x) - x.ln() - (-x).ln_1p()
    }

    fn tails(&self, x: f64) -> Tails {
        incomplete::beta(self.a, self.b, x, 1.0 - x)
    }

    fn moments(&self) -> Moments {
        let (a, b) = (self.a, self.b);
        let n = a + b;
        let variance = a / n * (b / n) / (n + 1.0);
        let kurtosis = 6.0 * ((a - b).powi(2) * (n + 1.0) - a * b * (n + 2.0))
            / (a * b * (n + 2.0) * (n + 3.0));
        Moments {
            mean: a / n,
            variance,
            skewness: 2.0 * (b - a) * (n + 1.0).sqrt() / ((n + 2.0) * (a * b).sqrt()),
            excess_kurtosis: kurtosis,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        incomplete::beta_inverse(self.a, self.b, ln_p, lower).0
    }

    /// A gamma draw over the sum of two.
    fn sample(&self, draws: &mut Draws) -> f64 {
        let x = super::gamma::sample(draws, self.a);
        x / (x + super::gamma::sample(draws, self.b))
    }
}

/// Every value of [low, high] equally likely: density 1/(high − low).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uniform {
    low: f64,
    high: f64,
}

impl Uniform {
    /// The distribution with density 1/(high − low) on the interval from `low` to `high`.
    ///
    /// Domain: finite ends, low < high, in the unit of X. Method: none, the ends are kept.
    /// Accuracy: tails to a few roundings. Source: none beyond the definition.
    ///
    /// # Errors
    /// When an end is not finite or the ends are not in order.
    pub fn new(low: f64, high: f64) -> Result<Self> {
        let (low, high) = (finite("the lower end", low)?, finite("the upper end", high)?);
        if high <= low {
            return Err(Error::Domain {
                what: "the upper end",
                value: high,
                expected: "more than the lower end",
            });
        }
        Ok(Self { low, high })
    }
}

impl Distribution for Uniform {
    fn is_discrete(&self) -> bool {
        false
    }

    fn support(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    fn ln_density(&self, x: f64) -> f64 {
        if x < self.low || x > self.high { f64::NEG_INFINITY } else { -(self.high - self.low).ln() }
    }

    fn tails(&self, x: f64) -> Tails {
        if x <= self.low {
            return Tails::NONE;
        }
        if x >= self.high {
            return Tails::FULL;
        }
        let width = self.high - self.low;
        let (lower, upper) = ((x - self.low) / width, (self.high - x) / width);
        Tails { lower, upper, ln_lower: lower.ln(), ln_upper: upper.ln() }
    }

    fn moments(&self) -> Moments {
        let width = self.high - self.low;
        Moments {
            mean: 0.5 * (self.low + self.high),
            variance: width * width / 12.0,
            skewness: 0.0,
            excess_kurtosis: -1.2,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        let part = ln_p.exp() * (self.high - self.low);
        if lower { self.low + part } else { self.high - part }
    }
}
