//! The hypergeometric distribution, central (draws without replacement) and Fisher's noncentral one
//! (a 2×2 table with fixed margins and a given odds ratio).
//!
//! Source: C. Loader, *Fast and accurate computation of binomial probabilities* (2000), for the density; R. A. Fisher,
//! *The logic of inductive inference* (1935), for the noncentral one.

use super::{Distribution, MOST, Moments, whole_inverse};
use crate::error::{Error, Result, inside};
use crate::special::incomplete::Tails;

/// P(X = k) ∝ C(K, k) C(N − K, n − k): marked items among n drawn from N of which K are marked.
///
/// The density by three binomial densities at p = n/N (Loader); tails by summing outwards from x until
/// the terms no longer count, of order √variance terms. Relative error near 10⁻¹³.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypergeometric {
    total: f64,
    marked: f64,
    drawn: f64,
}

impl Hypergeometric {
    /// The distribution of the marked among `drawn` = n items from `total` = N, of which `marked` =
    /// K are marked: P(X = k) = C(K, k) C(N − K, n − k) / C(N, n).
    ///
    /// Domain: K ≤ N, n ≤ N ≤ 10¹⁵. Method: none, the parameters are kept; a tail costs of the
    /// order of √variance terms. Accuracy: tails and the logarithm of the density have a relative
    /// error of at most 10⁻¹² of R's (`tests/against_r.rs`). Source: Abramowitz and Stegun 26.1; C.
    /// Loader (2000) for the density.
    ///
    /// # Errors
    /// When more are marked or drawn than there are, or the total exceeds 10¹⁵.
    ///
    /// ```
    /// use grimoire_stats::dist::{Distribution, Hypergeometric};
    /// // Both aces in two cards of four of which two are aces: 1/C(4, 2).
    /// let found = Hypergeometric::new(4, 2, 2).unwrap().density(2.0);
    /// assert!((found - 1.0 / 6.0).abs() < 1e-15);
    /// ```
    pub fn new(total: u64, marked: u64, drawn: u64) -> Result<Self> {
        let (all, k, n) = (total as f64, marked as f64, drawn as f64);
        inside("the total", all, all <= MOST, "at most 1e15")?;
        inside("the number of marked items", k, marked <= total, "at most the total")?;
        inside("the number of items drawn", n, drawn <= total, "at most the total")?;
        Ok(Self { total: all, marked: k, drawn: n })
    }

    fn ln_within(&self, x: f64) -> f64 {
        let (all, k, n) = (self.total, self.marked, self.drawn);
        if n == 0.0 || n == all {
            return 0.0;
        }
        let p = n / all;
        let ln = |trials: f64, hits: f64| {
            if trials == 0.0 { 0.0 } else { super::Binomial::ln_density_within(trials, p, hits) }
        };
        ln(k, x) + ln(all - k, n - x) - ln(all, n)
    }

    /// P(X = x + 1) / P(X = x).
    fn ratio(&self, x: f64) -> f64 {
        (self.marked - x) / (x + 1.0)
            * ((self.drawn - x) / (self.total - self.marked - self.drawn + x + 1.0))
    }
}

impl Distribution for Hypergeometric {
    fn is_discrete(&self) -> bool {
        true
    }

    fn support(&self) -> (f64, f64) {
        ((self.drawn + self.marked - self.total).max(0.0), self.drawn.min(self.marked))
    }

    fn ln_density(&self, x: f64) -> f64 {
        let (least, most) = self.support();
        if x < least || x > most || x.fract() != 0.0 || x.is_nan() {
            return f64::NEG_INFINITY;
        }
        self.ln_within(x)
    }

    fn tails(&self, x: f64) -> Tails {
        let (least, most) = self.support();
        let k = x.floor();
        if k < least {
            return Tails::NONE;
        }
        if k >= most {
            return Tails::FULL;
        }
        if k <= self.moments().mean {
            let (mut at, mut term, mut sum) = (k, 1.0, 1.0);
            while at > least && term > 1e-17 * sum {
                at -= 1.0;
                term /= self.ratio(at);
                sum += term;
            }
            return Tails::from_lower(self.ln_within(k), sum);
        }
        let (mut at, mut term, mut sum) = (k + 1.0, 1.0, 1.0);
        while at < most && term > 1e-17 * sum {
            term *= self.ratio(at);
            at += 1.0;
            sum += term;
        }
        Tails::from_upper(self.ln_within(k + 1.0), sum)
    }

    fn moments(&self) -> Moments {
        let (all, k, n) = (self.total, self.marked, self.drawn);
        let mean = n * (k / all);
        let variance = mean * ((all - k) / all) * ((all - n) / (all - 1.0).max(1.0));
        let skewness = (all - 2.0 * k) * (all - 1.0).sqrt() * (all - 2.0 * n)
            / ((n * k * (all - k) * (all - n)).sqrt() * (all - 2.0));
        let (m, l) = (all - k, all - n);
        let above = (all - 1.0) * all * all * (all * (all + 1.0) - 6.0 * k * m - 6.0 * n * l)
            + 6.0 * n * k * m * l * (5.0 * all - 6.0);
        let excess_kurtosis = above / (n * k * m * l * (all - 2.0) * (all - 3.0));
        Moments { mean, variance, skewness, excess_kurtosis }.shaped()
    }

    fn inverse(&self, ln_p: f64, lower: bool) -> f64 {
        whole_inverse(self, ln_p, lower)
    }
}

/// Fisher's noncentral hypergeometric distribution: P(X = k) ∝ C(K, k) C(N−K, n−k) ωᵏ.
///
/// Kept as the weights of the support around the mode (those above 10⁻²⁵ of the largest), so that
/// memory follows the spread and not the margins.
#[derive(Debug, Clone)]
pub struct Noncentral {
    first: f64,
    weights: Vec<f64>,
    sum: f64,
}

impl Noncentral {
    /// The distribution P(X = k) ∝ C(K, k) C(N−K, n−k) ωᵏ, with odds ratio ω over the support of
    /// `central`.
    ///
    /// Domain: 0 < ω < ∞. Method: products of ratios of neighbours, outwards from the mode found by
    /// bisection, until a weight is below 10⁻²⁵ of the largest. Accuracy: odds ratios and the ends
    /// of their intervals, found from it, are within 10⁻¹² of mpmath at 40 digits
    /// (`tests/against_mpmath.rs`). Source: R. A. Fisher, *The logic of inductive inference*
    /// (1935).
    ///
    /// # Errors
    /// When ω is not positive and finite, or the spread asks for more than 10⁸ terms.
    pub fn new(central: &Hypergeometric, odds: f64) -> Result<Self> {
        inside("the odds ratio", odds, odds > 0.0 && odds.is_finite(), "a positive finite number")?;
        let (least, most) = central.support();
        // The mode: the last k whose ratio to its predecessor is at least one (a falling function).
        let (mut low, mut high) = (least, most);
        while high > low {
            let middle = (0.5 * (low + high)).floor();
            if central.ratio(middle) * odds >= 1.0 {
                low = middle + 1.0;
            } else {
                high = middle;
            }
        }
        let mode = low;
        const LEAST: f64 = 1e-25;
        let (mut down, mut at, mut term) = (Vec::new(), mode, 1.0);
        while at > least && term > LEAST && down.len() < 100_000_000 {
            at -= 1.0;
            term /= central.ratio(at) * odds;
            down.push(term);
        }
        let first = mode - down.len() as f64;
        let mut weights: Vec<f64> = down.into_iter().rev().collect();
        weights.push(1.0);
        (at, term) = (mode, 1.0);
        while at < most && term > LEAST {
            if weights.len() > 100_000_000 {
                return Err(Error::Degenerate {
                    what: "the noncentral hypergeometric distribution",
                    why: "the margins are too large for an exact answer",
                });
            }
            term *= central.ratio(at) * odds;
            at += 1.0;
            weights.push(term);
        }
        let sum = weights.iter().sum();
        Ok(Self { first, weights, sum })
    }

    /// P(X ≤ x) = Σ_{k ≤ x} P(X = k).
    ///
    /// Domain: any x; 0 below the support and 1 above. Method: the weights added up from below,
    /// over their sum. Accuracy: rounding of the sums, and what weights below 10⁻²⁵ leave out; a
    /// tail far below that is 0. Source: Fisher (1935).
    pub fn cdf(&self, x: f64) -> f64 {
        let kept = (x - self.first + 1.0).clamp(0.0, self.weights.len() as f64) as usize;
        self.weights[..kept].iter().sum::<f64>() / self.sum
    }

    /// P(X ≥ x) = Σ_{k ≥ x} P(X = k).
    ///
    /// Domain: any number; 1 below the support and 0 above. Method: the weights added up from x,
    /// over their sum. Accuracy: as [`Noncentral::cdf`]. Source: Fisher (1935).
    pub fn at_least(&self, x: f64) -> f64 {
        let skipped = (x.ceil() - self.first).clamp(0.0, self.weights.len() as f64) as usize;
        self.weights[skipped..].iter().sum::<f64>() / self.sum
    }

    /// E X = Σ k P(X = k), in items.
    ///
    /// Domain: none to give. Method: the sum over the weights that are kept. Accuracy: rounding of
    /// the sums, and what weights below 10⁻²⁵ leave out. Source: Fisher (1935), whose estimate is
    /// the ω with E X = x.
    pub fn mean(&self) -> f64 {
        let moment: f64 = self.weights.iter().enumerate().map(|(i, w)| i as f64 * w).sum();
        self.first + moment / self.sum
    }
}
