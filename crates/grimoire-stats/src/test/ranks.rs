//! Rank and sign tests: Wilcoxon's signed ranks, Mann and Whitney's U, the sign test.
//!
//! Exact for samples of a few hundred, ties included (the permutation distribution given the ties);
//! beyond, the normal approximation with correction for ties and continuity, as in R. Estimates are
//! those of Hodges and Lehmann (1963), with intervals by inversion of the test.
//!
//! Equation: V = Σ ranks of |xᵢ − centre| where xᵢ is larger; U = #{xᵢ > yⱼ} + ½ #{xᵢ = yⱼ}. Accuracy: statistics
//! equal to R's, p and ends within 10⁻¹² of it (`tests/against_r.rs`).

use super::{p_of_count, p_of_symmetric};
use crate::dist::ranks::{
    Lattice, doubled_midranks, ln_signed_rank_cdf, rank_sum, rank_sum_cost, signed_rank,
};
use crate::dist::{Binomial, Distribution, Normal, Student};
use crate::error::{Error, Result, finite, open_unit, sample};
use crate::interval::Proportion;
use crate::record::{Alternative, Interval, Record};
use crate::special::erf::normal_quantile;
use std::f64::consts::LN_2;

/// Which null distribution is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Null {
    /// Exact while it is cheap (below a second), else normal.
    #[default]
    Auto,
    /// Exact whatever it costs.
    Exact,
    /// Normal approximation with corrections for ties and continuity.
    Normal,
}

const MOST_WORK: f64 = 3e8;

/// Wilcoxon's signed-rank test that `values` are symmetric about `center` (give differences for
/// pairs): V = Σ ranks of |x − center| over those with x > center. Zeros are dropped (Wilcoxon's
/// rule).
///
/// The estimate is the pseudo-median, the median of (xᵢ + xⱼ)/2 over i ≤ j, with the interval
/// between two of these by rank (both to 3,000 values), infinite where so few values reject no shift
/// at this level (five at 95 %); the effect is the matched rank-biserial
/// correlation 2V/(n(n + 1)/2) − 1 with a two-sided interval from placements on the logit scale
/// (of 15 values 98 covered where 95 is asked, of 40 nearly 95; `tests/coverage_models.rs`).
///
/// Domain: finite values, one of them not `center`; a level between 0 and 1. Method: the
/// permutation distribution given the ties while n³ ≤ 3·10⁸, or as `null` says; else normal with
/// corrections for ties and continuity. The interval takes the critical value of untied ranks.
/// Accuracy: V equal to R's, p, estimate and ends within 10⁻¹² relative (`tests/against_r.rs`).
/// Source: F. Wilcoxon (1945); J. Hodges and E. Lehmann (1963).
///
/// # Errors
/// When the sample is empty, holds what is not finite, or has no value other than `center`; when
/// the level is not in (0, 1).
///
/// ```
/// use grimoire_stats::Alternative::Greater;
/// use grimoire_stats::test::ranks::{Null, wilcoxon};
/// // All four above zero: one pattern of signs in sixteen.
/// let record = wilcoxon(&[0.5, 1.0, 2.5, 4.0], 0.0, Null::Exact, Greater, 0.9).unwrap();
/// assert_eq!(record.p_value, Some(1.0 / 16.0));
/// ```
pub fn wilcoxon(
    values: &[f64],
    center: f64,
    null: Null,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    sample("the sample", values, 1)?;
    open_unit("the level", level)?;
    finite("the hypothetical centre", center)?;
    let kept: Vec<f64> = values.iter().map(|x| x - center).filter(|d| *d != 0.0).collect();
    if kept.is_empty() {
        let why = "every value equals the hypothetical centre";
        return Err(Error::Degenerate { what: "the signed-rank test", why });
    }
    let sizes: Vec<f64> = kept.iter().map(|d| d.abs()).collect();
    let (ranks, ties) = doubled_midranks(&sizes);
    let n = kept.len() as f64;
    let doubled: i64 =
        ranks.iter().zip(&kept).filter(|(_, d)| **d > 0.0).map(|(r, _)| i64::from(*r)).sum();
    let v = doubled as f64 / 2.0;
    let total = n * (n + 1.0) / 2.0;
    let exact = null == Null::Exact || (null == Null::Auto && n * n * n <= MOST_WORK);
    let spread = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0).sqrt();
    let tail = alternative.tail(level);
    let ((p_value, ln_p), rank) = if exact {
        // The lattice is doubled: the untied critical value comes from whole ranks.
        let whole: Vec<u32> = (1..=kept.len() as u32).collect();
        let rank = signed_rank(&whole).critical(tail) as f64;
        (signed_rank_p(&ranks, doubled, alternative), rank)
    } else {
        let rank = (total / 2.0 + normal_quantile(tail) * spread).floor();
        (normal_p(v, total / 2.0, spread, alternative), rank)
    };
    let mut record = Record::new(
        if exact {
            "exact Wilcoxon signed-rank test"
        } else {
            "Wilcoxon signed-rank test, normal approximation"
        },
        kept.len() as u64,
    )
    .with_test(format!("the values are symmetric about {center}"), alternative, p_value)
    .with_ln_p_value(ln_p)
    .with_statistic("V", v)
    .with_effect(
        "rank-biserial correlation",
        2.0 * v / total - 1.0,
        biserial_interval(&kept, v, level),
    )
    .with("zeros_dropped", (values.len() - kept.len()) as f64)
    .assuming("values are independent")
    .assuming("the distribution is symmetric");
    if kept.len() <= 3000 {
        record = with_shift(
            record,
            walsh_averages(&kept, center),
            rank,
            alternative,
            level,
            "pseudo-median",
        );
    }
    Ok(record)
}

/// `center` plus the mean of every pair, each value with itself too.
fn walsh_averages(values: &[f64], center: f64) -> Vec<f64> {
    let mut walsh = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (index, a) in values.iter().enumerate() {
        walsh.extend(values[index..].iter().map(|b| center + 0.5 * (a + b)));
    }
    walsh
}

/// Mann and Whitney's test that `x` and `y` come from one distribution: U = #{xᵢ > yⱼ} + ½ #{xᵢ =
/// yⱼ}.
///
/// The estimate is the Hodges–Lehmann shift, the median of xᵢ − yⱼ, with the interval between two
/// of these by rank (both to m·n = 5·10⁶), infinite where so few values reject no shift at this
/// level (three and three at 95 %); the effect is P(x > y) + ½ P(x = y) = U/(mn) with
/// DeLong's variance on the logit scale, two-sided, absent where the samples do not overlap or all
/// values are equal.
///
/// Domain: finite values, one or more in each; a level between 0 and 1. Method: the permutation
/// distribution given the ties while [`rank_sum_cost`] ≤ 3·10⁸, or as `null` says; else normal with
/// corrections for ties and continuity. Accuracy: U equal to R's, p, estimate and ends within 10⁻¹²
/// relative (`tests/against_r.rs`). Source: H. Mann and D. Whitney (1947); J. Hodges and E. Lehmann
/// (1963); E. DeLong, D. DeLong and D. Clarke-Pearson (1988).
///
/// # Errors
/// When a sample is empty or holds what is not finite, or the level is not in (0, 1).
pub fn mann_whitney(
    x: &[f64],
    y: &[f64],
    null: Null,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    sample("the first sample", x, 1)?;
    sample("the second sample", y, 1)?;
    open_unit("the level", level)?;
    let (m, n) = (x.len(), y.len());
    let all: Vec<f64> = x.iter().chain(y).copied().collect();
    let (ranks, ties) = doubled_midranks(&all);
    let doubled: i64 = ranks[..m].iter().map(|&r| i64::from(r)).sum();
    let (mf, nf) = (m as f64, n as f64);
    let u = doubled as f64 / 2.0 - mf * (mf + 1.0) / 2.0;
    // The smaller sample is enumerated; the other's sum mirrors it.
    let few = m.min(n);
    let exact =
        null == Null::Exact || (null == Null::Auto && rank_sum_cost(all.len(), few) <= MOST_WORK);
    let sum = mf + nf;
    let spread = (mf * nf / 12.0 * (sum + 1.0 - ties / (sum * (sum - 1.0)))).sqrt();
    let (p_value, ln_p) = if exact {
        let all_doubled: i64 = ranks.iter().map(|&r| i64::from(r)).sum();
        let lattice = rank_sum(&ranks, few);
        if m <= n {
            lattice_p(&lattice, doubled, alternative)
        } else {
            lattice_p(&lattice, all_doubled - doubled, alternative.mirrored())
        }
    } else {
        normal_p(u, mf * nf / 2.0, spread, alternative)
    };
    let superiority = u / (mf * nf);
    let mut record = Record::new(
        if exact { "exact Mann-Whitney test" } else { "Mann-Whitney test, normal approximation" },
        (m + n) as u64,
    )
    .with_test("both samples come from one distribution", alternative, p_value)
    .with_ln_p_value(ln_p)
    .with_statistic("U", u)
    .with_effect(
        "probability of superiority",
        superiority,
        superiority_interval(&ranks, x, y, superiority, level),
    )
    .assuming("values are independent")
    .assuming("for the shift: the distributions differ by a shift only");
    if mf * nf <= 5e6 {
        let tail = alternative.tail(level);
        let rank = if exact {
            let whole: Vec<u32> = (1..=all.len() as u32).collect();
            (rank_sum(&whole, few).critical(tail) - (few * (few + 1) / 2) as i64) as f64
        } else {
            (mf * nf / 2.0 + normal_quantile(tail) * spread).floor()
        };
        let shifts = x.iter().flat_map(|a| y.iter().map(move |b| a - b)).collect();
        record = with_shift(record, shifts, rank, alternative, level, "shift");
    }
    Ok(record)
}

/// The sign test that the median is `center`: the number of values above it, of n = above + below,
/// is binomial with probability ½, p = Σ P(k) over a tail or over what is no likelier.
///
/// The estimate is the sample median; its interval runs between the k-th smallest and the k-th
/// largest of all values, k the largest with P(B ≤ k − 1) ≤ the error of a side, infinite where
/// there is none. The effect is the share above of those not equal, with Clopper and Pearson's ends.
///
/// Domain: finite values, one of them not `center`; a level between 0 and 1. Method: binomial
/// tails. Accuracy: that of [`super::binomial::exact`], 10⁻¹² relative. Source: J. Arbuthnot
/// (1710); W. Thompson (1936) for the interval.
///
/// # Errors
/// When the sample is empty, holds what is not finite, or has no value other than `center`; when
/// the level is not in (0, 1).
pub fn sign(values: &[f64], center: f64, alternative: Alternative, level: f64) -> Result<Record> {
    sample("the sample", values, 1)?;
    open_unit("the level", level)?;
    finite("the hypothetical median", center)?;
    let above = values.iter().filter(|x| **x > center).count() as u64;
    let below = values.iter().filter(|x| **x < center).count() as u64;
    let n = above + below;
    if n == 0 {
        let why = "every value equals the hypothetical median";
        return Err(Error::Degenerate { what: "the sign test", why });
    }
    let d = Binomial::new(n, 0.5)?;
    let x = above as f64;
    let share = Proportion::ClopperPearson.interval(above, n, level, alternative)?;
    let (p_value, ln_p) = p_of_count(&d, x, alternative);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let len = sorted.len();
    let median = 0.5 * (sorted[(len - 1) / 2] + sorted[len / 2]);
    let tail = alternative.tail(level);
    // The k-th and (n+1−k)-th order statistics, k the largest with P(B ≤ k − 1) ≤ tail.
    let order = Binomial::new(len as u64, 0.5)?;
    let mut k = order.quantile(tail) as usize;
    while k > 0 && order.cdf(k as f64 - 1.0) > tail {
        k -= 1;
    }
    let everywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let ends = if k == 0 { everywhere } else { (sorted[k - 1], sorted[len - k]) };
    let (lower, upper) = alternative.one_side(ends, everywhere);
    Ok(Record::new("exact sign test", n)
        .with_test(format!("the median is {center}"), alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("values above", x)
        .with_estimate("median", median)
        .with_interval(Interval::new(lower, upper, level, "order statistics"))
        .with_effect("share above", x / n as f64, Some(share))
        .with("values_below", below as f64)
        .with("ties_dropped", (len as u64 - n) as f64)
        .assuming("values are independent"))
}

/// p of the signed-rank sum, its logarithm by [`ln_signed_rank_cdf`] where it is below 10⁻²⁸⁰.
fn signed_rank_p(ranks: &[u32], x: i64, alternative: Alternative) -> (f64, f64) {
    let (p, ln_p) = lattice_p(&signed_rank(ranks), x, alternative);
    if p > 1e-280 {
        return (p, ln_p);
    }
    let total: i64 = ranks.iter().map(|&rank| i64::from(rank)).sum();
    let lower = ln_signed_rank_cdf(ranks, x.min(total - x));
    (p, if alternative == Alternative::TwoSided { LN_2 + lower } else { lower })
}

fn lattice_p(lattice: &Lattice, x: i64, alternative: Alternative) -> (f64, f64) {
    let p = match alternative {
        Alternative::Less => lattice.cdf(x),
        Alternative::Greater => lattice.at_least(x),
        Alternative::TwoSided => lattice.two_sided(x),
    };
    (p, p.ln())
}

fn normal_p(statistic: f64, mean: f64, spread: f64, alternative: Alternative) -> (f64, f64) {
    let gap = statistic - mean;
    let correction = match alternative {
        Alternative::TwoSided if gap == 0.0 => 0.0,
        Alternative::TwoSided => 0.5_f64.copysign(gap),
        Alternative::Greater => 0.5,
        Alternative::Less => -0.5,
    };
    if spread == 0.0 {
        return (1.0, 0.0);
    }
    p_of_symmetric(&Normal::STANDARD, (gap - correction) / spread, alternative)
}

/// Adds the median of `shifts` and the interval between its `rank`-th smallest and largest, open below rank 1.
fn with_shift(
    record: Record,
    mut shifts: Vec<f64>,
    rank: f64,
    alternative: Alternative,
    level: f64,
    name: &'static str,
) -> Record {
    shifts.sort_by(f64::total_cmp);
    let len = shifts.len();
    let median = 0.5 * (shifts[(len - 1) / 2] + shifts[len / 2]);
    // Below the first rank no shift can be rejected.
    let k = (rank.max(0.0) as usize).min(len);
    let everywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let ends = if k == 0 { everywhere } else { (shifts[k - 1], shifts[len - k]) };
    let (lower, upper) = alternative.one_side(ends, everywhere);
    let method = "inversion of the rank test";
    record.with_estimate(name, median).with_interval(Interval::new(lower, upper, level, method))
}

/// Interval of the rank-biserial correlation 2s − 1 from that of s = V/(n(n + 1)/2) on the logit scale: s is the share
/// of pairs whose sum is above zero, and its variance 4/n that of the share of partners with which a value's
/// sum is (Hoeffding 1948). Absent at s = 0 and 1 and where no share differs.
fn biserial_interval(values: &[f64], v: f64, level: f64) -> Option<Interval> {
    let n = values.len() as f64;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let shares: Vec<f64> = values
        .iter()
        .map(|value| {
            let below = sorted.partition_point(|other| *other < -value) as f64;
            let most = sorted.partition_point(|other| *other <= -value) as f64;
            (n - 0.5 * (below + most)) / n
        })
        .collect();
    let s = v / (0.5 * n * (n + 1.0));
    let se = 2.0 * (super::mean::Summary::of(&shares).variance / n).sqrt();
    if values.len() < 2 || s <= 0.0 || s >= 1.0 || se.is_nan() || se == 0.0 {
        return None;
    }
    let t = Student::new(n - 1.0).ok()?.upper_quantile(0.5 * (1.0 - level));
    let (logit, half) = ((s / (1.0 - s)).ln(), t * se / (s * (1.0 - s)));
    let back = |u: f64| (0.5 * u).tanh();
    Some(Interval::new(back(logit - half), back(logit + half), level, "placements, logit"))
}

/// Interval of P(x > y) on the logit scale, with the variance from placements (DeLong, DeLong and
/// Clarke-Pearson 1988). Absent when a sample has one value, the samples do not overlap, or all placements are equal.
fn superiority_interval(
    ranks: &[u32],
    x: &[f64],
    y: &[f64],
    estimate: f64,
    level: f64,
) -> Option<Interval> {
    let (m, n) = (x.len(), y.len());
    if m < 2 || n < 2 || estimate <= 0.0 || estimate >= 1.0 {
        return None;
    }
    let placements = |own: &[f64], in_all: &[u32], others: f64| -> Vec<f64> {
        let (inner, _) = doubled_midranks(own);
        in_all
            .iter()
            .zip(inner)
            .map(|(all, own)| (f64::from(*all) - f64::from(own)) / 2.0 / others)
            .collect()
    };
    let a = super::mean::Summary::of(&placements(x, &ranks[..m], n as f64));
    let b = super::mean::Summary::of(&placements(y, &ranks[m..], m as f64));
    let se = (a.variance / m as f64 + b.variance / n as f64).sqrt();
    if se == 0.0 {
        return None;
    }
    let z = -normal_quantile(0.5 * (1.0 - level));
    let logit = (estimate / (1.0 - estimate)).ln();
    let half = z * se / (estimate * (1.0 - estimate));
    let back = |u: f64| 1.0 / (1.0 + (-u).exp());
    Some(Interval::new(back(logit - half), back(logit + half), level, "DeLong, logit"))
}
