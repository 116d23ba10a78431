//! Exact tests of a proportion, of two proportions, and of paired answers (McNemar, sign).
//!
//! Sources: Clopper and Pearson (1934); Lancaster (1961) for mid-p; McNemar (1947); Cohen (1988) for h.
//!
//! Equation: p is the sum over all outcomes k with P(k) ≤ P(x), or of one tail. Method: each tail is one incomplete
//! beta function, its far end found by bisection. Domain: whole counts, x ≤ n. Accuracy: p and ends of intervals
//! within 10⁻¹² of R (`tests/against_r.rs`) and of mpmath to n = 10¹² (`tests/against_mpmath.rs`).

use super::{p_of_count, p_of_symmetric};
use crate::dist::{Binomial, ChiSquare, Distribution, Normal};
use crate::error::{Error, Result, inside, open_unit, positive};
use crate::interval::{Difference, Proportion};
use crate::record::{Alternative, Interval, Record};
use crate::special::erf::normal_quantile;

/// Exact test of `successes` = x of `n` trials against probability `p`: Σ P(k) over the tail of the
/// alternative, or for two sides over all k with P(k) ≤ P(x).
///
/// `more` holds `central_p_value` (twice the smaller tail) and `mid_p_value` (that with half of the
/// probability of the value seen). `interval` is Clopper–Pearson's, `intervals` has the other
/// methods; the effect is Cohen's h = 2 asin √p̂ − 2 asin √p. Under a millisecond at n = 10⁹,
/// constant memory.
///
/// Domain: whole counts, x ≤ n, 1 ≤ n ≤ 10¹⁵; 0 ≤ p ≤ 1; a level between 0 and 1. Method: binomial
/// tails, as [`super::no_likelier`]. Accuracy: p and the ends within 10⁻¹² relative of R
/// (`tests/against_r.rs`), p within 10⁻¹² of mpmath to n = 10¹² (`tests/against_mpmath.rs`).
/// Source: C. Clopper and E. Pearson (1934); H. Lancaster (1961); J. Cohen (1988).
///
/// # Errors
/// When n is 0 or above 10¹⁵, there are more successes than trials, `p` is no probability, or the
/// level is not in (0, 1).
///
/// ```
/// use grimoire_stats::Alternative::TwoSided;
/// // R: binom.test(682, 925, p = 0.75), Conover's example.
/// let record = grimoire_stats::test::binomial::exact(682, 925, 0.75, TwoSided, 0.95).unwrap();
/// assert!((record.p_value.unwrap() - 0.3825).abs() < 5e-5);
/// ```
pub fn exact(
    successes: u64,
    n: u64,
    p: f64,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    let x = successes as f64;
    positive("the number of trials", n as f64)?;
    inside("the number of successes", x, successes <= n, "at most the number of trials")?;
    let d = Binomial::new(n, p)?;
    let (lower, upper, here) = (d.cdf(x), d.survival(x - 1.0), d.density(x));
    let (p_value, ln_p) = p_of_count(&d, x, alternative);
    let mid = |tail: f64| tail - 0.5 * here;
    let mid_p = match alternative {
        Alternative::Less => mid(lower),
        Alternative::Greater => mid(upper),
        Alternative::TwoSided => (2.0 * mid(lower).min(mid(upper))).min(1.0),
    };
    let main = Proportion::ClopperPearson.interval(successes, n, level, alternative)?;
    let angle = |share: f64| 2.0 * share.sqrt().asin();
    let effect = Interval::new(
        angle(main.lower) - angle(p),
        angle(main.upper) - angle(p),
        level,
        "Clopper-Pearson",
    );
    let share = x / n as f64;
    let mut record = Record::new("exact binomial test", n)
        .with_test(format!("the probability of success is {p}"), alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("successes", x)
        .with_estimate("probability of success", share)
        .with_interval(main)
        .with_effect("Cohen's h", angle(share) - angle(p), Some(effect))
        .with("mid_p_value", mid_p)
        .assuming("trials are independent")
        .assuming("every trial has the same probability of success");
    if alternative == Alternative::TwoSided {
        record = record.with("central_p_value", (2.0 * lower.min(upper)).min(1.0));
    }
    for method in Proportion::ALL.into_iter().skip(1) {
        record.intervals.push(method.interval(successes, n, level, alternative)?);
    }
    Ok(record)
}

/// Two independent proportions, (successes, trials) each, by the score (pooled z) test: z = (p̂₁ −
/// p̂₂) / √(p̄q̄(1/n₁ + 1/n₂)), 0 where nothing or everything succeeded.
///
/// For small counts use [`super::table::fisher`]. `interval` is Newcombe's, one-sided where the
/// alternative is, with Agresti and Caffo's beside it; Wald's, which is too short where successes
/// are few, only [`Difference::Wald`] gives. The effect is Cohen's h = 2 asin √p̂₁ − 2 asin √p̂₂, its
/// interval by Newcombe's rule over the angles of Wilson's ends (`tests/coverage_models.rs`).
///
/// Domain: whole counts, one trial or more in each; a level between 0 and 1. Method: a tail of the
/// normal distribution. Accuracy: z² and p within 10⁻¹² relative of R's `prop.test(correct =
/// FALSE)` (`tests/against_r.rs`); the approximation itself asks for about five successes and
/// failures in each. Source: K. Pearson (1900), of whose χ² it is the root; R. Newcombe (1998).
///
/// # Errors
/// When a sample is empty or has more successes than trials, or the level is not in (0, 1).
pub fn two_proportions(
    one: (u64, u64),
    two: (u64, u64),
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    let main = Difference::Newcombe.interval(one, two, level, alternative)?;
    let (n1, n2) = (one.1 as f64, two.1 as f64);
    let (p1, p2) = (one.0 as f64 / n1, two.0 as f64 / n2);
    let pooled = (one.0 + two.0) as f64 / (n1 + n2);
    let se = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let z = if se == 0.0 { 0.0 } else { (p1 - p2) / se };
    let (p_value, ln_p) = p_of_symmetric(&Normal::STANDARD, z, alternative);
    let h = 2.0 * (p1.sqrt().asin() - p2.sqrt().asin());
    let effect = cohen_h_interval(one, two, level, alternative)?;
    let mut record = Record::new("score test of two proportions", one.1 + two.1)
        .with_test("both probabilities are equal", alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("z", z)
        .with_estimate("difference of probabilities", p1 - p2)
        .with_interval(main)
        .with_effect("Cohen's h", h, Some(effect))
        .with("probability_1", p1)
        .with("probability_2", p2)
        .assuming("all trials are independent")
        .assuming("the samples are large (about five successes and failures in each)");
    record.intervals.push(Difference::AgrestiCaffo.interval(one, two, level, alternative)?);
    Ok(record)
}

/// The interval of Cohen's h by Newcombe's rule for differences: the roots of the squared distances from each angle to
/// the angles of Wilson's ends.
fn cohen_h_interval(
    one: (u64, u64),
    two: (u64, u64),
    level: f64,
    alternative: Alternative,
) -> Result<Interval> {
    let angle = |share: f64| 2.0 * share.sqrt().asin();
    let of = |(x, n): (u64, u64)| -> Result<[f64; 3]> {
        let two_sided = alternative == Alternative::TwoSided;
        let ends = |side| Proportion::Wilson.interval(x, n, level, side);
        let below = ends(if two_sided { alternative } else { Alternative::Greater })?.lower;
        let above = ends(if two_sided { alternative } else { Alternative::Less })?.upper;
        Ok([below, x as f64 / n as f64, above].map(angle))
    };
    let ([low_1, at_1, high_1], [low_2, at_2, high_2]) = (of(one)?, of(two)?);
    // A one-sided level below one half puts the end on the other side of the estimate.
    let side = 0.5 - alternative.tail(level);
    let lower = at_1 - at_2 - (at_1 - low_1).hypot(high_2 - at_2).copysign(side);
    let upper = at_1 - at_2 + (high_1 - at_1).hypot(at_2 - low_2).copysign(side);
    let most = std::f64::consts::PI;
    let (lower, upper) = alternative.one_side((lower, upper), (-most, most));
    Ok(Interval::new(lower, upper, level, "Newcombe, of angles"))
}

/// McNemar's exact test of a paired table: `b` pairs where only the first answered yes, `c` where
/// only the second did, `n` pairs in all. Given b + c, b is binomial with probability ½, so that p
/// = Σ P(k) as in [`exact`].
///
/// The estimate is the difference (b − c)/n of the two proportions with Agresti and Min's interval
/// (½ added to each of the four cells), one-sided where the alternative is; the effect is the odds
/// ratio b/c with Clopper–Pearson's ends. `more` has the mid-p value and χ² = (b − c)²/(b + c) with
/// its p-value.
///
/// Domain: whole counts, b + c ≤ n, n ≥ 1; a level between 0 and 1. With b + c = 0, p is 1. Method:
/// binomial tails. Accuracy: p as [`exact`]; χ² within 10⁻¹³ and its p within 10⁻¹² relative of R
/// (`tests/against_r.rs`). Source: Q. McNemar (1947); A. Agresti and Y. Min, *Simple improved
/// confidence intervals for comparing matched proportions* (2005).
///
/// # Errors
/// When b + c exceeds n, n is 0, or the level is not in (0, 1).
pub fn mcnemar(b: u64, c: u64, n: u64, alternative: Alternative, level: f64) -> Result<Record> {
    open_unit("the level", level)?;
    positive("the number of pairs", n as f64)?;
    let whole = b.checked_add(c).filter(|&discordant| discordant <= n);
    let Some(discordant) = whole else {
        let what = "the number of discordant pairs";
        let expected = "at most the number of pairs";
        return Err(Error::Domain { what, value: b as f64 + c as f64, expected });
    };
    let (bf, cf, nf) = (b as f64, c as f64, n as f64);
    let ((p_value, ln_p), mid_p, ratio) = if discordant == 0 {
        ((1.0, 0.0), 1.0, Interval::new(0.0, f64::INFINITY, level, "Clopper-Pearson"))
    } else {
        let inner = exact(b, discordant, 0.5, alternative, level)?;
        let share = Proportion::ClopperPearson.interval(b, discordant, level, alternative)?;
        let odds = |p: f64| p / (1.0 - p);
        let ratio = Interval::new(odds(share.lower), odds(share.upper), level, "Clopper-Pearson");
        let p = (inner.p_value.unwrap_or(1.0), inner.ln_p_value.unwrap_or(f64::NEG_INFINITY));
        (p, inner.more.get("mid_p_value").unwrap_or(1.0), ratio)
    };
    // Variance of the mean of +1 (b times), −1 (c times), 0, after adding ½ to each of the four
    // cells, two pairs in all (Agresti and Min 2005, as above).
    let z = -normal_quantile(alternative.tail(level));
    let (b1, c1, n1) = (bf + 0.5, cf + 0.5, nf + 2.0);
    let middle = (b1 - c1) / n1;
    let half = z * ((b1 + c1 - (b1 - c1).powi(2) / n1) / (n1 * n1)).sqrt();
    let ends = ((middle - half).max(-1.0), (middle + half).min(1.0));
    let (lower, upper) = alternative.one_side(ends, (-1.0, 1.0));
    let chi_square = if discordant == 0 { 0.0 } else { (bf - cf).powi(2) / (bf + cf) };
    Ok(Record::new("McNemar's exact test", n)
        .with_test("both answers are equally often yes", alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("pairs where only the first is yes", bf)
        .with_estimate("difference of proportions", (bf - cf) / nf)
        .with_interval(Interval::new(lower, upper, level, "Agresti-Min"))
        .with_effect("odds ratio of the discordant pairs", bf / cf, Some(ratio))
        .with("pairs_where_only_the_second_is_yes", cf)
        .with("mid_p_value", mid_p)
        .with("chi_square", chi_square)
        .with("chi_square_p_value", ChiSquare::new(1.0)?.survival(chi_square))
        .assuming("pairs are independent of each other"))
}
