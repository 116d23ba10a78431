//! Tests: how surprising the data are if nothing is going on.
//!
//! Each returns a [`Record`](crate::record::Record) with statistic, p-value, estimate with
//! interval, effect size and what must hold. Counts: [`binomial`], [`rate`], [`table`]. Means:
//! [`mean`]. Ranks and signs: [`ranks`]. Whole distributions: [`kolmogorov`]. Many at once:
//! [`crate::multiple`].
//!
//! Equation: p = P(data at least as far from the hypothesis | the hypothesis). Exact two-sided
//! p-values follow the rule *all outcomes no likelier than the one seen* (probabilities within one
//! part in 10⁷ count as equal, as in R and scipy, so that rounding cannot drop a tie). What is not
//! here: a decision, which is the reader's.

pub mod binomial;
pub mod kolmogorov;
pub mod mean;
pub mod ranks;
pub mod rate;
pub mod table;

use crate::dist::Distribution;
use crate::record::Alternative;
use crate::special::incomplete::Tails;

/// One part in 10⁷: probabilities this close count as equally likely.
const TIE: f64 = 1.000_000_1;

/// Sum of the probabilities of all outcomes no likelier than `x`, Σ P(k) over P(k) ≤ P(x)·(1 +
/// 10⁻⁷), for a unimodal discrete distribution.
///
/// Domain: a discrete `d` with one mode (it may be a plateau) and any x; 0 where x is not possible.
/// Method: two tails, the far one found by bisection from the mode, so the cost does not grow with
/// the support. Accuracy: that of the two tails, relative error at most 10⁻¹² to n = 10¹²
/// (`tests/against_mpmath.rs`). Source: R. A. Fisher's rule as R's `binom.test` has it.
///
/// ```
/// use grimoire_stats::dist::Binomial;
/// // One head of five is as likely as four: 2 (1 + 5)/32.
/// let d = Binomial::new(5, 0.5).unwrap();
/// assert!((grimoire_stats::test::no_likelier(&d, 1.0) - 0.375).abs() < 1e-15);
/// ```
pub fn no_likelier(d: &impl Distribution, x: f64) -> f64 {
    no_likelier_with_ln(d, x).0
}

/// [`no_likelier`] and its logarithm, finite where it underflows.
fn no_likelier_with_ln(d: &impl Distribution, x: f64) -> (f64, f64) {
    let (least, most) = d.support();
    let bound = d.ln_density(x) + TIE.ln();
    if bound == f64::NEG_INFINITY {
        return (0.0, bound);
    }
    let mode = mode(d, least, most);
    if d.ln_density(mode) <= bound {
        return (1.0, 0.0);
    }
    let within = |k: f64| d.ln_density(k) <= bound;
    let (below, above) = if x < mode {
        (Some(x), first_on_the_right(&within, mode, most))
    } else {
        (last_on_the_left(&within, mode, least), Some(x))
    };
    let low = below.map_or(Tails::NONE, |k| d.tails(k));
    let high = above.map_or(Tails::FULL, |k| d.tails(k - 1.0));
    (low.lower + high.upper, ln_of_sum(low.ln_lower, high.ln_upper))
}

/// ln(e^a + e^b).
fn ln_of_sum(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    if large == f64::NEG_INFINITY { large } else { large + (small - large).exp().ln_1p() }
}

/// p-value of `x` under a discrete distribution and its logarithm: a tail with `x` in it, or all outcomes no likelier.
fn p_of_count(d: &impl Distribution, x: f64, alternative: Alternative) -> (f64, f64) {
    match alternative {
        Alternative::Less => (d.cdf(x), d.tails(x).ln_lower),
        Alternative::Greater => (d.survival(x - 1.0), d.tails(x - 1.0).ln_upper),
        Alternative::TwoSided => no_likelier_with_ln(d, x),
    }
}

/// p-value of `t` under a distribution that is symmetric about zero and its logarithm.
fn p_of_symmetric(d: &impl Distribution, t: f64, alternative: Alternative) -> (f64, f64) {
    let tails = d.tails(if alternative == Alternative::TwoSided { t.abs() } else { t });
    match alternative {
        Alternative::Less => (tails.lower, tails.ln_lower),
        Alternative::Greater => (tails.upper, tails.ln_upper),
        Alternative::TwoSided => (2.0 * tails.upper, std::f64::consts::LN_2 + tails.ln_upper),
    }
}

/// A most likely value, found near the mean by climbing.
fn mode(d: &impl Distribution, least: f64, most: f64) -> f64 {
    let mut at = d.moments().mean.round().clamp(least, most);
    loop {
        let here = d.ln_density(at);
        if at < most && d.ln_density(at + 1.0) > here {
            at += 1.0;
        } else if at > least && d.ln_density(at - 1.0) > here {
            at -= 1.0;
        } else {
            return at;
        }
    }
}

fn first_on_the_right(within: &impl Fn(f64) -> bool, mode: f64, most: f64) -> Option<f64> {
    let (mut low, mut step) = (mode, 1.0);
    let mut high = (mode + 1.0).min(most);
    while !within(high) {
        if high >= most {
            return None;
        }
        low = high;
        step *= 2.0;
        high = (high + step).min(most);
    }
    while high - low > 1.0 {
        let middle = (0.5 * (low + high)).floor();
        if within(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

fn last_on_the_left(within: &impl Fn(f64) -> bool, mode: f64, least: f64) -> Option<f64> {
    first_on_the_right(&|k: f64| within(-k), -mode, -least).map(|k| -k)
}
