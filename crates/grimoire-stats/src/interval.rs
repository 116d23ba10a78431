//! Intervals for a proportion, a rate, and the difference of two proportions, by every method in
//! common use. The coverage of each is measured in `tests/coverage.rs`, exactly where outcomes can be added up.
//!
//! A nominal 95 % for a proportion covers, averaged over p from 0.01 to 0.99 (in brackets the worst p):
//!
//! ```text
//!                  n = 20          n = 100         n = 1000
//! Wald             86.2 (22.2)     93.4 (71.3)     94.8 (92.1)
//! Wilson           95.3 (89.9)     95.2 (93.5)     95.0 (94.2)
//! Agresti-Coull    96.1 (92.9)     95.5 (93.9)     95.1 (94.5)
//! Jeffreys         95.1 (89.7)     95.0 (91.7)     95.0 (93.7)
//! Clopper-Pearson  97.7 (95.8)     96.4 (95.2)     95.5 (95.1)
//! ```
//!
//! Wald's is too short by its very form, since it takes the spread at p̂ for the spread at p; it is kept for
//! comparison and is nowhere the first choice. Clopper–Pearson's cannot be shorter: it promises every p its level,
//! and counts are whole.
//!
//! Sources: Brown, Cai and DasGupta, *Interval estimation for a binomial proportion* (2001); Newcombe,
//! *Interval estimation for the difference between independent proportions* (1998); Garwood (1936) and
//! Swift (2009) for rates. One-sided questions get one-sided intervals, all of the error on one side.

use crate::dist::{Binomial, Distribution, Poisson};
use crate::error::{Error, Result, inside, not_negative, open_unit, positive};
use crate::record::{Alternative, Interval};
use crate::special::erf::normal_quantile;
use crate::special::incomplete::{beta_inverse, gamma_inverse};
use crate::special::root;

/// How an interval for a proportion is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proportion {
    /// p̂ ± z √(p̂ q̂ / n): the textbook's, and far too short near 0 and 1; for comparison.
    Wald,
    /// The p that a score test does not reject; the best short formula.
    Wilson,
    /// Wilson's with x − ½ in the place of x for the lower end and x + ½ for the upper: close to
    /// Clopper–Pearson.
    WilsonCorrected,
    /// Wald around (x + z²/2) / (n + z²).
    AgrestiCoull,
    /// The p that the exact test of either tail does not reject, quantiles of Beta(x, n − x + 1)
    /// and Beta(x + 1, n − x); covers at least the level, always.
    ClopperPearson,
    /// Quantiles of the posterior Beta(x + ½, n − x + ½); 0 and 1 at the edges.
    Jeffreys,
    /// Clopper–Pearson with half the probability of the value seen: covers the level on average.
    MidP,
}

impl Proportion {
    /// All methods.
    pub const ALL: [Self; 7] = [
        Self::ClopperPearson,
        Self::Wilson,
        Self::WilsonCorrected,
        Self::AgrestiCoull,
        Self::Jeffreys,
        Self::MidP,
        Self::Wald,
    ];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wald => "Wald",
            Self::Wilson => "Wilson",
            Self::WilsonCorrected => "Wilson with continuity correction",
            Self::AgrestiCoull => "Agresti-Coull",
            Self::ClopperPearson => "Clopper-Pearson",
            Self::Jeffreys => "Jeffreys",
            Self::MidP => "mid-p",
        }
    }

    /// The interval for `successes` of `n` trials: of p with P(|Z| ≤ z) = `level`, or of all p on
    /// one side (from 0 for [`Alternative::Less`], up to 1 for [`Alternative::Greater`]), by the
    /// equation named at each method; ends are cut at 0 and 1.
    ///
    /// Domain: whole counts, x ≤ n, n ≥ 1 (to 10¹⁵ for mid-p); a level between 0 and 1. Method:
    /// closed formulas, quantiles of the beta distribution (Clopper–Pearson, Jeffreys), or Newton's
    /// steps on two binomial tails (mid-p). Accuracy: relative error of both ends at most 10⁻¹² of
    /// mpmath at 40 digits, n to 1,000 and levels from 0.9 to 0.999 (`tests/against_mpmath.rs`).
    /// Source: Brown, Cai and DasGupta (2001); Newcombe, *Two-sided confidence intervals for the
    /// single proportion* (1998), for the correction; Lancaster (1961) for mid-p.
    ///
    /// # Errors
    /// When there are no trials, more successes than trials, or the level is not in (0, 1).
    ///
    /// ```
    /// use grimoire_stats::Alternative::TwoSided;
    /// use grimoire_stats::interval::Proportion;
    /// // Newcombe (1998), table I: Wilson's interval of 81 of 263 is 0.2553 to 0.3662.
    /// let found = Proportion::Wilson.interval(81, 263, 0.95, TwoSided).unwrap();
    /// assert!((found.lower - 0.2553).abs() < 5e-5 && (found.upper - 0.3662).abs() < 5e-5);
    /// ```
    pub fn interval(
        self,
        successes: u64,
        n: u64,
        level: f64,
        alternative: Alternative,
    ) -> Result<Interval> {
        open_unit("the level", level)?;
        positive("the number of trials", n as f64)?;
        let (x, n) = (successes as f64, n as f64);
        inside("the number of successes", x, x <= n, "at most the number of trials")?;
        let ends = self.ends(x, n, alternative.tail(level));
        let (lower, upper) = alternative.one_side(ends, (0.0, 1.0));
        Ok(Interval::new(lower.clamp(0.0, 1.0), upper.clamp(0.0, 1.0), level, self.name()))
    }

    fn ends(self, x: f64, n: f64, alpha: f64) -> (f64, f64) {
        let z = -normal_quantile(alpha);
        let p = x / n;
        match self {
            Self::Wald => {
                let half = z * (p * (1.0 - p) / n).sqrt();
                (p - half, p + half)
            }
            Self::Wilson => {
                let middle = (x + 0.5 * z * z) / (n + z * z);
                let half = z / (n + z * z) * (x * (1.0 - p) + 0.25 * z * z).sqrt();
                (
                    if x == 0.0 { 0.0 } else { middle - half },
                    if x == n { 1.0 } else { middle + half },
                )
            }
            Self::WilsonCorrected => {
                let end = |x: f64| {
                    let p = x / n;
                    let side =
                        0.5 * z * (z * z - 2.0 - 1.0 / n + 4.0 * p * (n * (1.0 - p) + 1.0)).sqrt();
                    (x + 0.5 * z * z - 0.5 - side) / (n + z * z)
                };
                (if x == 0.0 { 0.0 } else { end(x) }, if x == n { 1.0 } else { 1.0 - end(n - x) })
            }
            Self::AgrestiCoull => {
                let more = n + z * z;
                let p = (x + 0.5 * z * z) / more;
                let half = z * (p * (1.0 - p) / more).sqrt();
                (p - half, p + half)
            }
            Self::ClopperPearson => (
                if x == 0.0 { 0.0 } else { beta_inverse(x, n - x + 1.0, alpha.ln(), true).0 },
                if x == n { 1.0 } else { beta_inverse(x + 1.0, n - x, alpha.ln(), false).0 },
            ),
            Self::Jeffreys => (
                if x == 0.0 { 0.0 } else { beta_inverse(x + 0.5, n - x + 0.5, alpha.ln(), true).0 },
                if x == n { 1.0 } else { beta_inverse(x + 0.5, n - x + 0.5, alpha.ln(), false).0 },
            ),
            Self::MidP => mid_p_proportion(x, n, alpha),
        }
    }
}

/// p with P(X > x) + ½ P(X = x) = α, and with P(X < x) + ½ P(X = x) = α.
///
/// By Newton's steps on the logarithm of the sum T, from Clopper and Pearson's ends, which are close by:
/// dT/dp = ±½ P(X = x) (x/p + (n − x)/(1 − p)).
fn mid_p_proportion(x: f64, n: f64, alpha: f64) -> (f64, f64) {
    let at = |p: f64, upper: bool| {
        let Ok(d) = Binomial::new(n as u64, p) else { return (f64::NAN, f64::NAN) };
        let half = 0.5 * d.density(x);
        let slope = half * (x / p + (n - x) / (1.0 - p));
        mid_p_step(half, if upper { d.survival(x) } else { d.cdf(x - 1.0) }, slope, alpha, upper)
    };
    let (start_low, start_high) = Proportion::ClopperPearson.ends(x, n, alpha);
    let lower = root::increasing(0.0, x / n, start_low, 0.0, |p| at(p, true));
    let upper = root::increasing(x / n, 1.0, start_high, 0.0, |p| at(p, false));
    (if x == 0.0 { 0.0 } else { lower }, if x == n { 1.0 } else { upper })
}

/// ln T − ln α and its slope, T = ½ P(X = x) + a tail; the sign is such that both grow with the parameter.
fn mid_p_step(half: f64, tail: f64, slope: f64, alpha: f64, upper: bool) -> (f64, f64) {
    let whole = tail + half;
    let off = (whole / alpha).ln();
    (if upper { off } else { -off }, slope / whole)
}

/// How an interval for a Poisson rate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Quantiles of Gamma(x) and Gamma(x + 1) (Garwood): covers at least the level.
    Exact,
    /// Garwood with half the probability of the count seen.
    MidP,
    /// The rate that a score test does not reject.
    Score,
    /// x ± z √x.
    Wald,
    /// Through the square root, which stabilises the variance: (√(x + 3/8) ± z/2)² − 3/8.
    SquareRoot,
    /// Quantiles of the posterior Gamma(x + ½).
    Jeffreys,
}

impl Rate {
    /// All methods.
    pub const ALL: [Self; 6] =
        [Self::Exact, Self::MidP, Self::Score, Self::Jeffreys, Self::SquareRoot, Self::Wald];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact (Garwood)",
            Self::MidP => "mid-p",
            Self::Score => "score",
            Self::Wald => "Wald",
            Self::SquareRoot => "square root",
            Self::Jeffreys => "Jeffreys",
        }
    }

    /// The interval of the rate λ after `count` = x events in `exposure` units of time or space, in
    /// events per unit: that of the mean λ·exposure by the equation named at each method, divided
    /// by the exposure. One-sided intervals reach down to 0 ([`Alternative::Less`]) or up to ∞
    /// ([`Alternative::Greater`]).
    ///
    /// Domain: whole counts, an exposure above 0, a level between 0 and 1. Method: closed formulas,
    /// quantiles of the gamma distribution (exact, Jeffreys), or Newton's steps on two Poisson
    /// tails (mid-p). Accuracy: relative error of both ends at most 10⁻¹² of mpmath at 40 digits,
    /// counts to 400 and levels from 0.9 to 0.999 (`tests/against_mpmath.rs`). Source: F. Garwood,
    /// *Fiducial limits for the Poisson distribution* (1936); M. Swift, *Comparison of confidence
    /// intervals for a Poisson mean* (2009).
    ///
    /// # Errors
    /// When the exposure is not positive or the level not in (0, 1).
    ///
    /// ```
    /// use grimoire_stats::Alternative::TwoSided;
    /// use grimoire_stats::interval::Rate;
    /// // No event in one unit: −ln 0.025 is the upper end.
    /// let found = Rate::Exact.interval(0, 1.0, 0.95, TwoSided).unwrap();
    /// assert!(found.lower == 0.0 && (found.upper + 0.025_f64.ln()).abs() < 1e-14);
    /// ```
    pub fn interval(
        self,
        count: u64,
        exposure: f64,
        level: f64,
        alternative: Alternative,
    ) -> Result<Interval> {
        open_unit("the level", level)?;
        positive("the exposure", exposure)?;
        let ends = self.ends(count as f64, alternative.tail(level));
        let (lower, upper) = alternative.one_side(ends, (0.0, f64::INFINITY));
        Ok(Interval::new(lower.max(0.0) / exposure, upper / exposure, level, self.name()))
    }

    fn ends(self, x: f64, alpha: f64) -> (f64, f64) {
        let z = -normal_quantile(alpha);
        match self {
            Self::Exact => (
                if x == 0.0 { 0.0 } else { gamma_inverse(x, alpha.ln(), true) },
                gamma_inverse(x + 1.0, alpha.ln(), false),
            ),
            Self::Jeffreys => (
                if x == 0.0 { 0.0 } else { gamma_inverse(x + 0.5, alpha.ln(), true) },
                gamma_inverse(x + 0.5, alpha.ln(), false),
            ),
            Self::Wald => (x - z * x.sqrt(), x + z * x.sqrt()),
            Self::Score => {
                let half = z * (x + 0.25 * z * z).sqrt();
                (x + 0.5 * z * z - half, x + 0.5 * z * z + half)
            }
            Self::SquareRoot => {
                let middle = (x + 0.375).sqrt();
                ((middle - 0.5 * z).max(0.0).powi(2) - 0.375, (middle + 0.5 * z).powi(2) - 0.375)
            }
            Self::MidP => {
                // dT/dm = ±½ P(X = x) (1 + x/m).
                let at = |mean: f64, upper: bool| {
                    let Ok(d) = Poisson::new(mean) else { return (f64::NAN, f64::NAN) };
                    let half = 0.5 * d.density(x);
                    let tail = if upper { d.survival(x) } else { d.cdf(x - 1.0) };
                    mid_p_step(half, tail, half * (1.0 + x / mean), alpha, upper)
                };
                let (low, high) = Self::Exact.ends(x, alpha);
                let lower = root::increasing(0.0, x, low, 0.0, |m| at(m, true));
                let upper = root::increasing(x, 2.0 * high + 10.0, high, 0.0, |m| at(m, false));
                (if x == 0.0 { 0.0 } else { lower }, upper)
            }
        }
    }
}

/// How an interval for p₁ − p₂ of two independent samples is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Newcombe's method 10, Wilson's ends l and u combined: p̂₁ − p̂₂ − √((p̂₁ − l₁)² + (u₂ −
    /// p̂₂)²) and p̂₁ − p̂₂ + √((u₁ − p̂₁)² + (p̂₂ − l₂)²); good for all p and n.
    Newcombe,
    /// Wald after adding one success and one failure to each sample.
    AgrestiCaffo,
    /// p̂₁ − p̂₂ ± z √(p̂₁q̂₁/n₁ + p̂₂q̂₂/n₂).
    Wald,
}

impl Difference {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Newcombe => "Newcombe",
            Self::AgrestiCaffo => "Agresti-Caffo",
            Self::Wald => "Wald",
        }
    }

    /// The interval of p₁ − p₂ for (successes, trials) in `one` and `two`, by the equation named at
    /// each method; cut at −1 and 1. One-sided intervals reach down to −1 ([`Alternative::Less`]) or
    /// up to 1 ([`Alternative::Greater`]).
    ///
    /// Domain: whole counts, no more successes than trials, one trial or more in each; a level
    /// between 0 and 1. Method: closed formulas. Accuracy: relative error of both ends at most
    /// 10⁻¹¹, or absolute 10⁻¹⁴, of statsmodels (`tests/against_scipy.rs`); Wald's within 10⁻¹² of
    /// R (`tests/against_r.rs`). Source: R. Newcombe (1998); A. Agresti and B. Caffo, *Simple and
    /// effective confidence intervals for proportions and differences of proportions* (2000).
    ///
    /// # Errors
    /// As [`Proportion::interval`].
    pub fn interval(
        self,
        one: (u64, u64),
        two: (u64, u64),
        level: f64,
        alternative: Alternative,
    ) -> Result<Interval> {
        let wilson = |(x, n): (u64, u64)| {
            Proportion::Wilson.interval(x, n, level, Alternative::TwoSided)?;
            let (lower, upper) =
                Proportion::Wilson.ends(x as f64, n as f64, alternative.tail(level));
            Ok((lower.max(0.0), upper.min(1.0)))
        };
        let ((low_1, high_1), (low_2, high_2)) = (wilson(one)?, wilson(two)?);
        let z = -normal_quantile(alternative.tail(level));
        let wald = |extra: f64| {
            let (n1, n2) = (one.1 as f64 + 2.0 * extra, two.1 as f64 + 2.0 * extra);
            let (p1, p2) = ((one.0 as f64 + extra) / n1, (two.0 as f64 + extra) / n2);
            let half = z * (p1 * (1.0 - p1) / n1 + p2 * (1.0 - p2) / n2).sqrt();
            (p1 - p2 - half, p1 - p2 + half)
        };
        let (lower, upper) = match self {
            Self::Wald => wald(0.0),
            Self::AgrestiCaffo => wald(1.0),
            Self::Newcombe => {
                let p1 = one.0 as f64 / one.1 as f64;
                let p2 = two.0 as f64 / two.1 as f64;
                let down = (p1 - low_1).hypot(high_2 - p2);
                let up = (high_1 - p1).hypot(p2 - low_2);
                // A one-sided level below one half puts the end on the other side of the estimate.
                (p1 - p2 - down.copysign(z), p1 - p2 + up.copysign(z))
            }
        };
        let ends = (lower.max(-1.0), upper.min(1.0));
        let (lower, upper) = alternative.one_side(ends, (-1.0, 1.0));
        Ok(Interval::new(lower, upper, level, self.name()))
    }
}

/// Student's interval for a mean, x̄ ± t s/√n with t the quantile of n − 1 degrees of freedom, from
/// n, `mean` = x̄ and `sd` = s (divisor n − 1); two-sided, in the unit of the mean.
///
/// Domain: n ≥ 2, s ≥ 0 and finite, a level between 0 and 1; the mean is not checked. Method: the
/// quantile by the incomplete beta function. Accuracy: rounding beside the quantile; the t tests,
/// which use the same formula, have ends within 10⁻¹² of R's (`tests/against_r.rs`). Source:
/// Student, *The probable error of a mean* (1908).
///
/// # Errors
/// When n < 2, the deviation is negative, or the level not in (0, 1).
pub fn mean(n: u64, mean: f64, sd: f64, level: f64) -> Result<Interval> {
    open_unit("the level", level)?;
    not_negative("the standard deviation", sd)?;
    if n < 2 {
        return Err(Error::TooFew { what: "the sample", needed: 2, found: n as usize });
    }
    let t = crate::dist::Student::new(n as f64 - 1.0)?.upper_quantile(0.5 * (1.0 - level));
    let half = t * sd / (n as f64).sqrt();
    Ok(Interval::new(mean - half, mean + half, level, "Student"))
}
