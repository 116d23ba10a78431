//! The binomial distribution: successes in n independent trials of probability p.
//!
//! Source: C. Loader, *Fast and accurate computation of binomial probabilities* (2000), for the density; Abramowitz and
//! Stegun, *Handbook of Mathematical Functions* (1964), 26.5.24, for the tails.

use super::{Distribution, MOST, Moments, whole_inverse};
use crate::error::{Result, inside, probability};
use crate::random::Draws;
use crate::special::gamma::{deviance, stirling_error};
use crate::special::incomplete::{self, Tails};
use crate::special::minus_product;
use std::f64::consts::TAU;

/// P(X = k) = C(n, k) pᵏ (1 − p)^(n−k), k = 0 … n.
///
/// Density by Loader's Stirling errors and deviances, tails by the incomplete beta function (P(X ≤
/// k) = I_(1−p)(n − k, k + 1)). Relative error near 10⁻¹⁴ up to n = 10¹².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binomial {
    n: f64,
    p: f64,
}

impl Binomial {
    /// The distribution of successes in `n` trials, P(X = k) = C(n, k) pᵏ (1 − p)^(n−k).
    ///
    /// Domain: n to 10¹⁵, 0 ≤ p ≤ 1; zero trials and certain ones are allowed. Method: none, the
    /// parameters are kept. Accuracy: tails and the logarithm of the density have a relative error
    /// of at most 10⁻¹² (`tests/against_r.rs`, and of exact tests to n = 10¹²
    /// `tests/against_mpmath.rs`). Source: C. Loader (2000); Abramowitz and Stegun 26.5.24.
    ///
    /// # Errors
    /// When `n` is above 10¹⁵ or `p` is no probability.
    ///
    /// ```
    /// use grimoire_stats::dist::{Binomial, Distribution};
    /// // Three heads of ten: C(10, 3)/2¹⁰ = 120/1024.
    /// let found = Binomial::new(10, 0.5).unwrap().density(3.0);
    /// assert!((found - 120.0 / 1024.0).abs() < 1e-15);
    /// ```
    pub fn new(n: u64, p: f64) -> Result<Self> {
        let n = inside("the number of trials", n as f64, n as f64 <= MOST, "at most 1e15")?;
        Ok(Self { n, p: probability("the probability of success", p)? })
    }

    /// ln P(X = x) for real 0 ≤ x ≤ n, 0 < p < 1.
    pub(crate) fn ln_density_within(n: f64, p: f64, x: f64) -> f64 {
        let q = 1.0 - p;
        if x == 0.0 {
            return n * (-p).ln_1p();
        }
        if x == n {
            return if p > 0.5 { n * (-q).ln_1p() } else { n * p.ln() };
        }
        let d = minus_product(x, n, p);
        0.5 * (n / x / (n - x) / TAU).ln() + stirling_error(n)
            - stirling_error(x)
            - stirling_error(n - x)
            - deviance(x, n * p, d)
            - deviance(n - x, n * q, -d)
    }
}

impl Distribution for Binomial {
    fn is_discrete(&self) -> bool {
        true
    }

    fn support(&self) -> (f64, f64) {
        (0.0, self.n)
    }

    fn ln_density(&self, x: f64) -> f64 {
        if !(0.0..=self.n).contains(&x) || x.fract() != 0.0 {
            return f64::NEG_INFINITY;
        }
        if self.p == 0.0 || self.p == 1.0 {
            let certain = if self.p == 0.0 { 0.0 } else { self.n };
            return if x == certain { 0.0 } else { f64::NEG_INFINITY };
        }
        Self::ln_density_within(self.n, self.p, x)
    }

    fn tails(&self, x: f64) -> Tails {
        let k = x.floor();
        if k < 0.0 {
            return Tails::NONE;
        }
        if k >= self.n {
            return Tails::FULL;
        }
        incomplete::beta(k + 1.0, self.n - k, self.p, 1.0 - self.p).swapped()
    }

    fn moments(&self) -> Moments {
        let (n, p, q) = (self.n, self.p, 1.0 - self.p);
        let variance = n * p * q;
        Moments {
            mean: n * p,
            variance,
            skewness: (q - p) / variance.sqrt(),
            excess_kurtosis: (1.0 - 6.0 * p * q) / variance,
        }
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        whole_inverse(self, ln_p, lower)
    }

    /// Up to n·min(p, q) = 10 by inversion of the cumulative sum; above, Hörmann's transformed
    /// rejection (BTRS, *The generation of binomial random variates*, 1993) with exact densities.
    fn sample(&self, draws: &mut Draws) -> f64 {
        sample(draws, self.n, self.p)
    }
}

/// One binomial draw, for callers who draw many with changing parameters (0 ≤ p ≤ 1, n whole).
pub(crate) fn sample(draws: &mut Draws, n: f64, p: f64) -> f64 {
    if p > 0.5 {
        return n - sample(draws, n, 1.0 - p);
    }
    if n == 0.0 || p == 0.0 {
        return 0.0;
    }
    let q = 1.0 - p;
    if n * p < 10.0 {
        // Inversion: f(k+1) = f(k) · (n−k)/(k+1) · p/q.
        let odds = p / q;
        let (mut u, mut f, mut k) = (draws.uniform(), (n * (-p).ln_1p()).exp(), 0.0);
        while u > f && k < n {
            u -= f;
            f *= (n - k) / (k + 1.0) * odds;
            k += 1.0;
        }
        return k;
    }
    let spread = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let c = n * p + 0.5;
    let alpha = (2.83 + 5.1 / b) * spread;
    let mode = ((n + 1.0) * p).floor();
    let ln_mode = Binomial::ln_density_within(n, p, mode);
    loop {
        let u = draws.uniform() - 0.5;
        let v = draws.uniform();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + c).floor();
        if us >= 0.07 && v <= 0.92 - 4.2 / b {
            return k;
        }
        if k < 0.0 || k > n {
            continue;
        }
        let v = (v * alpha / (a / (us * us) + b)).ln();
        if v <= Binomial::ln_density_within(n, p, k) - ln_mode {
            return k;
        }
    }
}
