//! Posteriors in closed form: Beta for a proportion, Gamma for a rate; and the exact probability that
//! one proportion (or rate) exceeds another.
//!
//! Equations: Beta(a, b) after x of n is Beta(a + x, b + n − x); Gamma(a, rate b) after x events in exposure e is
//! Gamma(a + x, rate b + e). Domain: positive parameters (the rate of a prior may be 0), x ≤ n, e ≥ 0. Source:
//! Gelman, Carlin, Stern, Dunson, Vehtari and Rubin, *Bayesian Data Analysis* (3rd edition, 2013).
//!
//! P(A > B) = ∫ f_A(t) F_B(t) dt is computed by Gauss–Legendre quadrature in the logit, in which both
//! factors are log-concave: the product has one peak, and the panels run from it as far as it matters and are halved
//! until they agree; the density is that of the narrower belief, so that the other is no step. No simulation. Accuracy:
//! relative error below 10⁻¹² to 10⁶ observations, equal samples or not, however small the probability, 10⁻¹⁰ to
//! 10¹² (`golden/stats/exact.py`, `golden/stats/edges.py`); of two rates it is one incomplete beta function, with the
//! accuracy of [`crate::special::incomplete`], as are the quantiles of both posteriors.

use crate::dist::{Beta, Distribution, Gamma};
use crate::error::{Result, inside, not_negative, open_unit, positive};
use crate::record::{Interval, Record};
use crate::special::gamma::ln_beta;
use crate::special::incomplete::{self, Tails};
use crate::special::{quadrature, root};

/// Belief about a probability: Beta(a, b), as if a successes and b failures had been seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaBinomial {
    /// Pseudo-count of successes.
    pub a: f64,
    /// Pseudo-count of failures.
    pub b: f64,
}

impl BetaBinomial {
    /// The belief Beta(a, b), with density ∝ t^(a−1) (1 − t)^(b−1); a = b = 1 is flat, a = b = ½ is
    /// Jeffreys'.
    ///
    /// Domain: a, b > 0, finite. Method: none, they are kept. Accuracy: exact. Source: T. Bayes
    /// (1763) for the flat one; H. Jeffreys, *An invariant form for the prior probability in
    /// estimation problems* (1946).
    ///
    /// # Errors
    /// When either is not positive and finite.
    pub fn new(a: f64, b: f64) -> Result<Self> {
        Ok(Self { a: positive("a", a)?, b: positive("b", b)? })
    }

    /// After `successes` = x of `n` trials: Beta(a, b) → Beta(a + x, b + n − x).
    ///
    /// Domain: whole counts, x ≤ n. Method: two sums. Accuracy: one rounding of each. Source:
    /// Gelman and others, *Bayesian Data Analysis* (3rd edition, 2013), 2.4.
    ///
    /// # Errors
    /// When there are more successes than trials.
    pub fn after(self, successes: u64, n: u64) -> Result<Self> {
        let x = successes as f64;
        inside("the number of successes", x, successes <= n, "at most the number of trials")?;
        Ok(Self { a: self.a + x, b: self.b + (n - successes) as f64 })
    }

    /// The distribution Beta(a, b); the parameters are not checked again (the fields are public).
    pub fn belief(self) -> Beta {
        Beta { a: self.a, b: self.b }
    }

    /// ln of the probability of one particular sequence of `successes` = x in `n` trials: ln B(a +
    /// x, b + n − x) − ln B(a, b), in nats.
    ///
    /// Domain: x ≤ n, not checked. Method: two [`ln_beta`]. Accuracy: a difference of two
    /// logarithms: its absolute error follows the larger of them, not the result; Bayes factors
    /// from it are within 10⁻¹² relative of the Savage–Dickey ratio, as tested. Source: Gelman and
    /// others (2013), 2.4 and 7.4.
    pub fn ln_marginal(self, successes: u64, n: u64) -> f64 {
        let x = successes as f64;
        ln_beta(self.a + x, self.b + (n as f64 - x)) - ln_beta(self.a, self.b)
    }

    /// P(next trial succeeds) = a / (a + b), the mean of the belief.
    ///
    /// Domain: a, b > 0. Method: one sum and one quotient. Accuracy: two roundings. Source: P.-S.
    /// Laplace, *Mémoire sur la probabilité des causes par les évènements* (1774), the rule of
    /// succession.
    ///
    /// ```
    /// use grimoire_stats::bayes::conjugate::BetaBinomial;
    /// // Laplace: after n successes of n, (n + 1)/(n + 2).
    /// let belief = BetaBinomial::new(1.0, 1.0).unwrap().after(9, 9).unwrap();
    /// assert_eq!(belief.predictive(), 10.0 / 11.0);
    /// ```
    pub fn predictive(self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// P(this > other) = ∫ f(t) F(t) dt, f the density of this and F the distribution function of
    /// the other, both independent.
    ///
    /// Domain: positive parameters. Method: where this belief is the narrower one as written, else
    /// ∫ g(t) (1 − F(t)) dt with the density g of the other and this F; Gauss–Legendre quadrature over
    /// the logit of t around the peak of the integrand, in panels of 64 nodes halved until they
    /// agree, the exponential tails beyond a logit of ±700 in closed form. Accuracy: relative error
    /// at most 10⁻¹² of exact sums and recurrences in 60 digits, also of a small probability and of
    /// unequal samples to 10⁶, and 10⁻¹⁰ to 10¹² (`golden/stats/exact.py`,
    /// `golden/stats/edges.py`, as tested). Source: J. Cook, *Exact calculation of beta
    /// inequalities* (2005), for the recurrences; A. Prékopa, *On logarithmic concave measures and
    /// functions* (1973), for the one peak.
    ///
    /// ```
    /// use grimoire_stats::bayes::conjugate::BetaBinomial;
    /// let flat = BetaBinomial::new(1.0, 1.0).unwrap();
    /// // One success more, one trial each: P(Beta(2, 1) > Beta(1, 2)) = 5/6.
    /// let found = flat.after(1, 1).unwrap().beats(flat.after(0, 1).unwrap());
    /// assert!((found - 5.0 / 6.0).abs() < 1e-13);
    /// ```
    pub fn beats(self, other: Self) -> f64 {
        let width = |belief: Self| 1.0 / belief.a + 1.0 / belief.b;
        let product = if width(self) <= width(other) {
            Product { density: self, tail: other, lower: true }
        } else {
            Product { density: other, tail: self, lower: false }
        };
        product.integral().clamp(0.0, 1.0)
    }

    /// Record of the belief: mean a/(a + b) with the equal-tailed credible interval F⁻¹((1 ∓
    /// level)/2); `n` trials are what it rests on.
    ///
    /// Domain: a level between 0 and 1. Method: quantiles of the beta distribution. Accuracy: the
    /// tails at the ends are within 10⁻¹² of what they must be (`tests/special.rs`). Source: Gelman
    /// and others (2013), 2.3 and 2.4.
    ///
    /// # Errors
    /// When the level is not in (0, 1).
    pub fn record(self, n: u64, level: f64) -> Result<Record> {
        open_unit("the level", level)?;
        let tail = 0.5 * (1.0 - level);
        let d = self.belief();
        Ok(Record::new("Beta-binomial posterior", n)
            .with_estimate("posterior mean", self.predictive())
            .with_interval(credible(d.quantile(tail), d.upper_quantile(tail), level))
            .with("a", self.a)
            .with("b", self.b)
            .with("posterior_median", d.quantile(0.5))
            .with("posterior_sd", d.moments().variance.sqrt())
            .assuming("trials are independent with one probability")
            .assuming("the prior is what was believed before"))
    }
}

/// Where x underflows or rounds to one, and tails are pure exponentials of the logit.
const LAST_LOGIT: f64 = 700.0;

/// A part of e⁻⁵⁰ of the peak no longer counts.
const DEEP: f64 = 50.0;

/// The density of one belief times a tail of another, as a function of the logit u.
struct Product {
    density: BetaBinomial,
    tail: BetaBinomial,
    /// Whether the tail is P(X ≤ t), else P(X > t).
    lower: bool,
}

impl Product {
    fn tails(&self, x: f64, y: f64) -> Tails {
        let tails = incomplete::beta(self.tail.a, self.tail.b, x, y);
        if self.lower { tails } else { tails.swapped() }
    }

    /// Logarithm of the product, and its slope, which falls as u rises.
    fn ln_and_slope(&self, u: f64) -> (f64, f64) {
        let (x, y) = shares(u);
        let ln_tail = self.tails(x, y).ln_lower;
        let BetaBinomial { a, b } = self.density;
        let hazard = (incomplete::ln_beta_kernel(self.tail.a, self.tail.b, x, y) - ln_tail).exp();
        let slope = a * y - b * x + if self.lower { hazard } else { -hazard };
        (incomplete::ln_beta_kernel(a, b, x, y) + ln_tail, slope)
    }

    fn integral(&self) -> f64 {
        let slope = |u: f64| self.ln_and_slope(u).1;
        let peak = if slope(-LAST_LOGIT) <= 0.0 {
            -LAST_LOGIT
        } else if slope(LAST_LOGIT) >= 0.0 {
            LAST_LOGIT
        } else {
            root::bracketed(-LAST_LOGIT, LAST_LOGIT, slope).unwrap_or(0.0)
        };
        let top = self.ln_and_slope(peak).0;
        let (low, high) = (self.end(peak, top, -LAST_LOGIT), self.end(peak, top, LAST_LOGIT));
        let relative = |u: f64| (self.ln_and_slope(u).0 - top).exp();
        // The first panels say how much there is, the halving then how well it is known.
        let rough = |from, to| quadrature::integrate_panels(from, to, 4, relative);
        let tolerance = 1e-9 * (rough(low, peak) + rough(peak, high));
        let exact = |from: f64, to: f64| -> f64 {
            let at = |part: f64| from + 0.25 * part * (to - from);
            (0..4_u8)
                .map(|part| (at(part.into()), at(f64::from(part) + 1.0)))
                .map(|(from, to)| quadrature::integrate_halving(from, to, tolerance, relative))
                .sum()
        };
        let within = exact(low, peak) + exact(peak, high);
        let (left, right) = (self.beyond(low), self.mirrored().beyond(-high));
        (top + within.ln()).exp() + left + right
    }

    /// Where the product has fallen by e^−[`DEEP`] between `peak` and `limit`, or `limit`.
    fn end(&self, peak: f64, top: f64, limit: f64) -> f64 {
        if self.ln_and_slope(limit).0 >= top - DEEP {
            return limit;
        }
        let (mut inside, mut outside) = (peak, limit);
        for _ in 0..60 {
            let middle = 0.5 * (inside + outside);
            if self.ln_and_slope(middle).0 >= top - DEEP {
                inside = middle;
            } else {
                outside = middle;
            }
            if (outside - inside).abs() <= 0.01 * (outside - peak).abs() {
                break;
            }
        }
        outside
    }

    /// The integral left of `low` where that is the last logit: there the density is e^(a u) and the lower tail
    /// e^(c u), up to factors.
    fn beyond(&self, low: f64) -> f64 {
        if low > -LAST_LOGIT {
            return 0.0;
        }
        let (x, y) = shares(low);
        let (a, c) = (self.density.a, self.tail.a);
        let kernel = incomplete::ln_beta_kernel(a, self.density.b, x, y).exp();
        let tails = self.tails(x, y);
        if self.lower {
            kernel * tails.lower / (a + c)
        } else {
            kernel * (tails.lower / a + tails.upper * c / (a * (a + c)))
        }
    }

    /// The same integrand of −u.
    fn mirrored(&self) -> Self {
        let turned = |belief: BetaBinomial| BetaBinomial { a: belief.b, b: belief.a };
        Self { density: turned(self.density), tail: turned(self.tail), lower: !self.lower }
    }
}

/// x = 1/(1 + e^−u) and 1 − x, each with its digits.
fn shares(u: f64) -> (f64, f64) {
    let (small, large) = (1.0 / (1.0 + u.abs().exp()), 1.0 / (1.0 + (-u.abs()).exp()));
    if u < 0.0 { (small, large) } else { (large, small) }
}

/// Belief about a rate: Gamma with shape a and rate b, as if a events had been seen in the exposure
/// b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaPoisson {
    /// Pseudo-count of events.
    pub shape: f64,
    /// Pseudo-exposure; 0 for an improper prior.
    pub rate: f64,
}

impl GammaPoisson {
    /// The belief with density ∝ λ^(a−1) e^(−bλ), a = `shape`, b = `rate`; shape ½ with rate 0 is
    /// Jeffreys'. A rate of 0 is improper, no density to draw or to weigh evidence with, and proper
    /// after any exposure.
    ///
    /// Domain: a > 0 without unit, b ≥ 0 in the unit of exposure, both finite. Method: none, they
    /// are kept. Accuracy: exact. Source: Gelman and others (2013), 2.6; H. Jeffreys (1946).
    ///
    /// # Errors
    /// When the shape is not positive, the rate negative, or either not finite.
    pub fn new(shape: f64, rate: f64) -> Result<Self> {
        Ok(Self { shape: positive("the shape", shape)?, rate: not_negative("the rate", rate)? })
    }

    /// After `count` = x events in `exposure` = e: shape a + x, rate b + e.
    ///
    /// Domain: whole counts, e ≥ 0 and finite. Method: two sums. Accuracy: one rounding of each.
    /// Source: Gelman and others (2013), 2.6.
    ///
    /// # Errors
    /// When the exposure is negative or not finite.
    pub fn after(self, count: u64, exposure: f64) -> Result<Self> {
        let exposure = not_negative("the exposure", exposure)?;
        Ok(Self { shape: self.shape + count as f64, rate: self.rate + exposure })
    }

    /// The distribution, Gamma of shape a and scale 1/b.
    ///
    /// Domain: a, b > 0. Method: one quotient. Accuracy: one rounding of the scale. Source: Gelman
    /// and others (2013), 2.6.
    ///
    /// # Errors
    /// When the parameters are not positive (the fields are public).
    pub fn belief(self) -> Result<Gamma> {
        Gamma::new(self.shape, 1.0 / positive("the rate", self.rate)?)
    }

    /// P(this > other): with rates G_a/r_a and G_b/r_b, G_a/(G_a + G_b) is Beta(a, b), so it is 1 −
    /// I_z(a, b) with z = r_a/(r_a + r_b).
    ///
    /// Domain: positive parameters, else NaN. Method: one incomplete beta function. Accuracy:
    /// relative error at most 10⁻¹² (`tests/special.rs`). Source: Abramowitz and Stegun 26.5 for
    /// the function; Johnson, Kotz and Balakrishnan (1995), chapter 25, for the share of gammas.
    ///
    /// ```
    /// use grimoire_stats::bayes::conjugate::GammaPoisson;
    /// let one = GammaPoisson::new(3.0, 2.0).unwrap();
    /// assert!((one.beats(one) - 0.5).abs() < 1e-13);
    /// ```
    pub fn beats(self, other: Self) -> f64 {
        let sum = self.rate + other.rate;
        incomplete::beta(self.shape, other.shape, self.rate / sum, other.rate / sum).upper
    }

    /// Record of the belief: mean a/b with the equal-tailed credible interval F⁻¹((1 ∓ level)/2),
    /// in events per unit of exposure; `n` is what it rests on.
    ///
    /// Domain: a level between 0 and 1. Method: quantiles of the gamma distribution. Accuracy: the
    /// tails at the ends are within 10⁻¹² of what they must be (`tests/special.rs`). Source: Gelman
    /// and others (2013), 2.3 and 2.6.
    ///
    /// # Errors
    /// When the level is not in (0, 1), or the parameters are not positive.
    pub fn record(self, n: u64, level: f64) -> Result<Record> {
        open_unit("the level", level)?;
        let tail = 0.5 * (1.0 - level);
        let d = self.belief()?;
        Ok(Record::new("Gamma-Poisson posterior", n)
            .with_estimate("posterior mean", self.shape / self.rate)
            .with_interval(credible(d.quantile(tail), d.upper_quantile(tail), level))
            .with("shape", self.shape)
            .with("rate", self.rate)
            .with("posterior_median", d.quantile(0.5))
            .with("posterior_sd", d.moments().variance.sqrt())
            .assuming("events are independent at a constant rate")
            .assuming("the prior is what was believed before"))
    }
}

fn credible(lower: f64, upper: f64, level: f64) -> Interval {
    Interval::new(lower, upper, level, "equal-tailed credible")
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{close, golden};

    /// By exact recurrences in 60 digits (`golden/stats/exact.py`, mpmath).
    #[test]
    fn one_proportion_beats_another() {
        let data: serde_json::Value = golden::read("stats/exact.json");
        let rows: Vec<Vec<f64>> = serde_json::from_value(data["beats"].clone()).unwrap();
        assert!(rows.len() >= 9);
        for r in rows {
            let one = BetaBinomial::new(r[0], r[1]).unwrap();
            let two = BetaBinomial::new(r[2], r[3]).unwrap();
            eprintln!("{r:?} {:e}", one.beats(two) / r[4] - 1.0);
            close(one.beats(two), r[4], 1e-12, 0.0);
            close(one.beats(two) + two.beats(one), 1.0, 1e-12, 0.0);
        }
        let flat = BetaBinomial::new(1.0, 1.0).unwrap();
        close(flat.beats(flat), 0.5, 1e-13, 0.0);
    }

    /// Samples of very different size, far tails and priors near 0, by exact sums (`golden/stats/edges.py`, mpmath).
    #[test]
    fn unequal_samples_and_far_tails() {
        let data: serde_json::Value = golden::read("stats/edges.json");
        let rows: Vec<[f64; 5]> = serde_json::from_value(data["beats"].clone()).unwrap();
        assert!(rows.len() >= 30);
        for [a, b, c, d, expected] in rows {
            let one = BetaBinomial::new(a, b).unwrap();
            let two = BetaBinomial::new(c, d).unwrap();
            let found = one.beats(two);
            let bound = if a + b + c + d > 3e6 { 1e-11 } else { 1e-12 };
            close(found, expected, bound, 0.0);
            close(found + two.beats(one), 1.0, bound, 0.0);
        }
    }

    /// Jeffreys' prior whatever the unit: the mean is (x + ½)/e, and the quantiles are those of χ² with 2x + 1 degrees
    /// of freedom over 2e (scipy 1.17.1 and mpmath, `chi2.ppf([0.025, 0.975], 101)`).
    #[test]
    fn a_rate_under_jeffreys_prior() {
        let prior = GammaPoisson::new(0.5, 0.0).unwrap();
        assert!(prior.belief().is_err() && GammaPoisson::new(0.5, -1e-9).is_err());
        for exposure in [0.01, 1.0, 1e9] {
            let after = prior.after(50, exposure).unwrap();
            let record = after.record(50, 0.95).unwrap();
            close(record.estimate.unwrap(), 50.5 / exposure, 1e-15, 0.0);
            let interval = record.interval.unwrap();
            close(interval.lower, 75.083_470_749_081_4 / 2.0 / exposure, 1e-12, 0.0);
            close(interval.upper, 130.699_708_624_065_97 / 2.0 / exposure, 1e-12, 0.0);
        }
    }

    #[test]
    fn rates_by_one_beta_function_and_by_symmetry() {
        let one = GammaPoisson::new(0.5, 1e-9).unwrap().after(20, 10.0).unwrap();
        close(one.beats(one), 0.5, 1e-13, 0.0);
        // Exponential rates 1 and 3 (means): P(A > B) = r_b/(r_a + r_b).
        let a = GammaPoisson::new(1.0, 1.0).unwrap();
        let b = GammaPoisson::new(1.0, 3.0).unwrap();
        close(a.beats(b), 0.75, 1e-14, 0.0);
    }

    /// Gelman et al., *Bayesian Data Analysis* (3rd edition, section 2.4): 437 girls of 980 births with a
    /// flat prior: posterior mean 0.446, standard deviation 0.016, median 0.446, interval 0.415 to 0.477.
    #[test]
    fn placenta_previa() {
        let posterior = BetaBinomial::new(1.0, 1.0).unwrap().after(437, 980).unwrap();
        let record = posterior.record(980, 0.95).unwrap();
        let interval = record.interval.unwrap();
        close(record.estimate.unwrap(), 0.446, 0.0, 5e-4);
        close(record.more.get("posterior_sd").unwrap(), 0.016, 0.0, 5e-4);
        close(interval.lower, 0.415, 0.0, 5e-4);
        close(interval.upper, 0.477, 0.0, 5e-4);
    }
}
