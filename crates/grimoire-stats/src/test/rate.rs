//! Exact tests of a Poisson rate and of two rates.
//!
//! Sources: Garwood (1936); Przyborowski and Wilenski (1940) for the conditional test; Krishnamoorthy
//! and Thomson, *A more powerful test for comparing two Poisson means* (2004), for the E-test.
//!
//! Method: tails of the Poisson and of the conditional binomial distribution. Domain: whole counts, positive
//! exposures. Accuracy: p and ends within 10⁻¹² of R (`tests/against_r.rs`); the E-test within 10⁻¹² of its
//! definition.

use super::p_of_count;
use crate::dist::{Binomial, Distribution, Poisson};
use crate::error::{Error, Result, not_negative, positive};
use crate::interval::{Proportion, Rate};
use crate::record::{Alternative, Interval, Record};

/// Exact test of `count` = x events in `exposure` against `rate` per unit: the count is Poisson
/// with mean rate·exposure, p = Σ P(k) over the tail of the alternative, or for two sides over all
/// k with P(k) ≤ P(x).
///
/// As [`super::binomial::exact`], `more` has the central and the mid-p version; `interval` is
/// Garwood's, `intervals` the others'; the effect is the ratio of the rate seen to the hypothesis.
///
/// Domain: whole counts, an exposure above 0, a rate from 0, both finite; a level between 0 and 1.
/// Method: Poisson tails, as [`super::no_likelier`]. Accuracy: p and ends within 10⁻¹² relative of
/// R, counts to 10⁶ (`tests/against_r.rs`). Source: F. Garwood (1936); H. Lancaster (1961).
///
/// # Errors
/// When the exposure is not positive, the rate negative, or the level not in (0, 1).
///
/// ```
/// use grimoire_stats::Alternative::TwoSided;
/// // R: poisson.test(137, 24.19893): p < 2.2e-16, interval 4.753125 to 6.692709.
/// let record = grimoire_stats::test::rate::exact(137, 24.19893, 1.0, TwoSided, 0.95).unwrap();
/// let interval = record.interval.unwrap();
/// assert!((interval.lower - 4.753125).abs() < 5e-7 && (interval.upper - 6.692709).abs() < 5e-7);
/// ```
pub fn exact(
    count: u64,
    exposure: f64,
    rate: f64,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    positive("the exposure", exposure)?;
    not_negative("the rate", rate)?;
    let d = Poisson::new(rate * exposure)?;
    let x = count as f64;
    let (lower, upper, here) = (d.cdf(x), d.survival(x - 1.0), d.density(x));
    let (p_value, ln_p) = p_of_count(&d, x, alternative);
    let mid = |tail: f64| tail - 0.5 * here;
    let mid_p = match alternative {
        Alternative::Less => mid(lower),
        Alternative::Greater => mid(upper),
        Alternative::TwoSided => (2.0 * mid(lower).min(mid(upper))).min(1.0),
    };
    let main = Rate::Exact.interval(count, exposure, level, alternative)?;
    let ratio = Interval::new(main.lower / rate, main.upper / rate, level, "exact (Garwood)");
    let mut record = Record::new("exact Poisson test", count)
        .with_test(format!("the rate is {rate}"), alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("events", x)
        .with_estimate("rate", x / exposure)
        .with_interval(main)
        .with_effect("rate ratio to the hypothesis", x / exposure / rate, Some(ratio))
        .with("exposure", exposure)
        .with("mid_p_value", mid_p)
        .assuming("events are independent")
        .assuming("the rate is constant");
    if alternative == Alternative::TwoSided {
        record = record.with("central_p_value", (2.0 * lower.min(upper)).min(1.0));
    }
    for method in Rate::ALL.into_iter().skip(1) {
        record.intervals.push(method.interval(count, exposure, level, alternative)?);
    }
    Ok(record)
}

/// Two rates, (count, exposure) each: exact test that their ratio is `ratio`. Given the total n,
/// the first count is binomial with probability π = ratio·t₁ / (ratio·t₁ + t₂), p = Σ P(k).
///
/// The interval of the ratio is that of π turned by π/(1 − π)·t₂/t₁, Clopper–Pearson's in front,
/// mid-p and Wilson's beside it. `more` holds the p-value of the E-test where the ratio is 1 and
/// the counts are together below 10⁶.
///
/// Domain: whole counts, not both 0; exposures and a ratio above 0, finite; a level between 0 and
/// 1. Method: binomial tails. Accuracy: p and ends within 10⁻¹² relative of R's `poisson.test`
/// (`tests/against_r.rs`). Source: J. Przyborowski and H. Wilenski (1940).
///
/// # Errors
/// When an exposure or the ratio is not positive, there are no events at all, or the level is not
/// in (0, 1).
pub fn two_rates(
    one: (u64, f64),
    two: (u64, f64),
    ratio: f64,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    let (t1, t2) =
        (positive("the first exposure", one.1)?, positive("the second exposure", two.1)?);
    positive("the ratio of the rates", ratio)?;
    let n = one.0 + two.0;
    if n == 0 {
        return Err(Error::Degenerate {
            what: "a comparison of rates",
            why: "there are no events",
        });
    }
    let x = one.0 as f64;
    let d = Binomial::new(n, ratio * t1 / (ratio * t1 + t2))?;
    let (p_value, ln_p) = p_of_count(&d, x, alternative);
    let half = 0.5 * d.density(x);
    let (low, high) = (d.cdf(x) - half, d.survival(x - 1.0) - half);
    let mid_p = match alternative {
        Alternative::Less => low,
        Alternative::Greater => high,
        Alternative::TwoSided => (2.0 * low.min(high)).min(1.0),
    };
    let turned = |method: Proportion| -> Result<Interval> {
        let share = method.interval(one.0, n, level, alternative)?;
        let rates = |p: f64| p / (1.0 - p) * (t2 / t1);
        let name =
            if method == Proportion::ClopperPearson { "exact conditional" } else { method.name() };
        Ok(Interval::new(rates(share.lower), rates(share.upper), level, name))
    };
    let (r1, r2) = (x / t1, two.0 as f64 / t2);
    let mut record = Record::new("exact conditional test of two Poisson rates", n)
        .with_test(format!("the ratio of the rates is {ratio}"), alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("events in the first", x)
        .with_estimate("rate ratio", r1 / r2)
        .with_interval(turned(Proportion::ClopperPearson)?)
        .with("rate_1", r1)
        .with("rate_2", r2)
        .with("difference_of_rates", r1 - r2)
        .with("mid_p_value", mid_p)
        .assuming("events are independent")
        .assuming("each rate is constant");
    record.intervals.push(turned(Proportion::MidP)?);
    record.intervals.push(turned(Proportion::Wilson)?);
    if ratio == 1.0 && n < 1_000_000 {
        let p_value = e_test(one, two, alternative)?;
        // Beyond what a double holds it is left out rather than told as nothing.
        if p_value > 0.0 {
            record = record.with("e_test_p_value", p_value);
        }
    }
    Ok(record)
}

/// The E-test of two Poisson rates, (count, exposure) each: P(|T| ≥ |t|), or of one side, with T =
/// (x₁/t₁ − x₂/t₂)/√(x₁/t₁² + x₂/t₂²), both counts Poisson at the pooled rate. More powerful than
/// the conditional test, not strictly valid.
///
/// Domain: whole counts, exposures above 0 and finite; without any events p is 1. Method: a sum
/// over the first count of a tail over the second, since T falls in it. It leaves out counts whose
/// probability is below 10⁻¹⁷ of that of the counts seen, so that small p-values keep their digits.
/// Below 10⁻³⁰⁸ they are 0, and so they are where the counts seen have a probability below e⁻¹⁹⁶⁰.
/// Accuracy: relative error at most 10⁻¹² of the whole sum, down to p-values of 10⁻¹⁶
/// (`tests/against_r.rs`, `tests/against_mpmath.rs`). Source: K. Krishnamoorthy and J. Thomson, *A
/// more powerful test for comparing two Poisson means* (2004).
///
/// # Errors
/// When an exposure is not positive.
pub fn e_test(one: (u64, f64), two: (u64, f64), alternative: Alternative) -> Result<f64> {
    let (t1, t2) =
        (positive("the first exposure", one.1)?, positive("the second exposure", two.1)?);
    let statistic = |x1: f64, x2: f64| {
        let spread = (x1 / (t1 * t1) + x2 / (t2 * t2)).sqrt();
        let gap = x1 / t1 - x2 / t2;
        if spread == 0.0 { 0.0 } else { gap / spread }
    };
    let (x1, x2) = (one.0 as f64, two.0 as f64);
    let pooled = (x1 + x2) / (t1 + t2);
    let observed = statistic(x1, x2);
    let (d1, d2) = (Poisson::new(pooled * t1)?, Poisson::new(pooled * t2)?);
    let rest = (d1.ln_density(x1) + d2.ln_density(x2)).min(0.0) - 40.0;
    if rest < -2000.0 {
        return Ok(0.0);
    }
    let range = |d: &Poisson| (d.inverse(rest, true).max(0.0), d.inverse(rest, false));
    let ((a1, b1), (a2, b2)) = (range(&d1), range(&d2));
    // For fixed x₁ the statistic falls as x₂ grows, so each tail over x₂ is one cumulative probability.
    let mut total = 0.0;
    let mut i = a1;
    while i <= b1 {
        let up = last_where(a2, b2, |j| statistic(i, j) >= observed.abs() - 1e-12);
        let down = last_where(a2, b2, |j| statistic(i, j) > -observed.abs() + 1e-12);
        let share = match alternative {
            Alternative::TwoSided => {
                up.map_or(0.0, |j| d2.cdf(j)) + down.map_or(1.0, |j| d2.survival(j))
            }
            Alternative::Greater => last_where(a2, b2, |j| statistic(i, j) >= observed - 1e-12)
                .map_or(0.0, |j| d2.cdf(j)),
            Alternative::Less => last_where(a2, b2, |j| statistic(i, j) > observed + 1e-12)
                .map_or(1.0, |j| d2.survival(j)),
        };
        total += d1.density(i) * share.min(1.0);
        i += 1.0;
    }
    Ok(total.min(1.0))
}

/// The last j in [low, high] for which the falling predicate holds.
fn last_where(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    if !holds(low) {
        return None;
    }
    let (mut yes, mut no) = (low, high + 1.0);
    while no - yes > 1.0 {
        let middle = (0.5 * (yes + no)).floor();
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    Some(yes)
}
