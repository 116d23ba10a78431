//! Permutation tests and approximate randomisation: if the labels mean nothing, exchanging them
//! changes nothing.
//!
//! Equation: p = #{exchanges at least as extreme as the data}/#{exchanges}. All are tried while there are at most as
//! many as the resamples asked for (the test is then exact); else random ones, with p = (b + 1)/(B + 1), which is valid
//! for any B (Phipson and Smyth 2010). Source for approximate randomisation: Noreen (1989).
//!
//! Interval: every shift Δ that the very same test, asked of the data with Δ taken off, does not reject. A statistic
//! of an exchange is a straight line in Δ, no steeper than that of the data, so an exchange is at least as extreme for
//! one stretch of Δ (one half-line, if the question has one side) whose ends are two quotients; the interval runs
//! between order statistics of those ends. No search, and it holds 0 exactly when the test does not reject. It has an
//! infinite end where so few exchanges exist that no shift could be rejected. Accuracy: counts are exact, sums those
//! of doubles; values within 10⁻¹² of the sum of magnitudes count as tied. `tests/permutation.rs` holds the ends
//! against counting with fractions, and to the p-value on either side of them; `tests/coverage.rs` measures coverage.
//! With all exchanges tried it is above the level by construction, one less the largest p that few exchanges can have
//! at or below the error: 96.9 of 6 pairs and 95.3 of 7, where 95 is asked.

use super::cluster;
use crate::dist::noncentral::student_shift_interval;
use crate::error::{Error, Result, inside, open_unit, sample};
use crate::random::{Draws, Random};
use crate::record::{Alternative, Interval, Record};
use crate::test::mean::{Summary, differences, sum};
use rayon::prelude::*;

/// The most exchanges that are kept for an interval and a figure; of more only p is counted.
pub const MOST_KEPT: u32 = 10_000_000;

/// How many random exchanges, from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchanges {
    /// Number of exchanges.
    pub resamples: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self { resamples: 10_000, seed: 0 }
    }
}

/// A test, and the distribution that its p-value was counted in.
#[derive(Debug, Clone, PartialEq)]
pub struct Permuted {
    /// The test.
    pub record: Record,
    /// The statistic after each exchange, in the order in which they were made; empty beyond [`MOST_KEPT`].
    pub exchanged: Vec<f64>,
}

/// Two independent samples: the difference of means x̄ − ȳ when group labels are shuffled, p =
/// #{exchanges at least as extreme}/#{exchanges}, or (b + 1)/(B + 1) of B random ones.
///
/// The interval is that of a shift between the two distributions. The effect is Cohen's d; its
/// interval takes the values to be normal, which the test does not.
///
/// Domain: finite values, one or more in each; a level between 0 and 1. Method: all subsets while
/// they are at most `resamples`, else random ones, each from the stream of its own number; the
/// interval from order statistics of the shifts at which an exchange becomes as extreme. Accuracy:
/// p within 10⁻¹⁵ relative and ends within 10⁻¹⁴ of counting with fractions
/// (`tests/permutation.rs`); values within 10⁻¹² of the sum of magnitudes count as tied. Source: R.
/// A. Fisher, *The Design of Experiments* (1935); E. Pitman (1937); B. Phipson and G. Smyth (2010).
///
/// # Errors
/// When a sample is empty or not finite, or the level not a number between 0 and 1.
///
/// ```
/// use grimoire_stats::Alternative::TwoSided;
/// use grimoire_stats::resample::permutation::{Exchanges, two_samples};
/// // Two of the twenty splits of six are as extreme.
/// let (x, y) = ([4.0, 5.0, 6.0], [1.0, 2.0, 3.0]);
/// let made = two_samples(&x, &y, TwoSided, 0.9, Exchanges::default()).unwrap();
/// assert_eq!(made.record.p_value, Some(0.1));
/// ```
pub fn two_samples(
    x: &[f64],
    y: &[f64],
    alternative: Alternative,
    level: f64,
    exchanges: Exchanges,
) -> Result<Permuted> {
    sample("the first sample", x, 1)?;
    sample("the second sample", y, 1)?;
    open_unit("the level", level)?;
    let all: Vec<f64> = x.iter().chain(y).copied().collect();
    let (m, n) = (x.len(), all.len());
    let (first, second) = (m as f64, y.len() as f64);
    let total: f64 = sum(all.iter().copied());
    // The difference of means rises with the sum of the first group, so that sum is the statistic. With Δ taken off
    // every x it falls by Δ (j − m²/n), where j values of x are in the first group.
    let center = total * first / n as f64;
    let slope = |j: usize| j as f64 - first * first / n as f64;
    let observed = Exchange { total: sum(x.iter().copied()) - center, slope: slope(m) };
    let question = Question::new(observed, &all, alternative, level);
    let few = m.min(n - m);
    let subsets = (1..=few).fold(1.0, |c, i| c * (n - few + i) as f64 / i as f64);
    let tried = if subsets <= f64::from(exchanges.resamples) {
        every_subset(&all, m, &question, |chosen| Exchange {
            total: chosen.iter().map(|&i| all[i]).sum::<f64>() - center,
            slope: slope(chosen.iter().filter(|&&i| i < m).count()),
        })
    } else {
        question.random(exchanges, |draws| {
            let mut items: Vec<(f64, bool)> =
                all.iter().enumerate().map(|(i, &v)| (v, i < m)).collect();
            for at in 0..m {
                let chosen = at + draws.below((n - at) as u64) as usize;
                items.swap(at, chosen);
            }
            let chosen = &items[..m];
            Exchange {
                total: chosen.iter().map(|item| item.0).sum::<f64>() - center,
                slope: slope(chosen.iter().filter(|item| item.1).count()),
            }
        })
    };
    let (a, b) = (Summary::of(x), Summary::of(y));
    let name = if tried.exact {
        "exact permutation test of two means"
    } else {
        "permutation test of two means"
    };
    let mut record = Record::new(name, n as u64)
        .with_statistic("difference of means", a.mean - b.mean)
        .with_estimate("difference of means", a.mean - b.mean);
    let degrees = first + second - 2.0;
    if m > 1 && n - m > 1 {
        let squares = (first - 1.0) * a.variance + (second - 1.0) * b.variance;
        let cohen = (a.mean - b.mean) / (squares / degrees).sqrt();
        let scale = (first * second / (first + second)).sqrt();
        record = with_cohen(record, cohen, scale, degrees, level);
    }
    record = record.assuming("under the hypothesis the labels are exchangeable");
    let shift = "for the interval: the distributions differ by a shift only";
    Ok(question.finish(record, tried, exchanges.seed, first * second / n as f64, shift))
}

/// Pairs: the mean difference Σ ± dᵢ/n when the members of each pair are exchanged at random
/// (approximate randomisation; with `clusters`, whole clusters of pairs are exchanged together), p
/// = #{exchanges at least as extreme}/#{exchanges}, or (b + 1)/(B + 1) of B random ones.
///
/// The interval is that of the centre about which the differences (the sums of clusters) are
/// symmetric. The effect is Cohen's d of the differences; its interval takes them to be normal, and
/// it has none with clusters.
///
/// Domain: as many x as y, finite; labels from 0, two clusters or more; a level between 0 and 1.
/// Method: all 2ⁿ signs while they are at most `resamples`, else random ones, each from the stream
/// of its own number. Accuracy: p within 10⁻¹⁵ relative and ends within 10⁻¹⁴ of counting with
/// fractions (`tests/permutation.rs`); values within 10⁻¹² of the sum of magnitudes count as tied.
/// Source: R. A. Fisher (1935), section 21; E. Noreen, *Computer-Intensive Methods for Testing
/// Hypotheses* (1989); B. Phipson and G. Smyth (2010).
///
/// # Errors
/// When lengths differ, a value is not finite, labels do not fit, or the level is not a number
/// between 0 and 1.
pub fn paired(
    x: &[f64],
    y: &[f64],
    clusters: Option<&[u32]>,
    alternative: Alternative,
    level: f64,
    exchanges: Exchanges,
) -> Result<Permuted> {
    open_unit("the level", level)?;
    let single = differences(x, y)?;
    let n = single.len();
    let s = Summary::of(&single);
    // Each unit: the sum of its differences, and how many they are, which is its slope in Δ.
    let units: Vec<Exchange> = match clusters {
        None => single.iter().map(|&total| Exchange { total, slope: 1.0 }).collect(),
        Some(labels) => cluster_sums(&single, labels)?,
    };
    let totals: Vec<f64> = units.iter().map(|unit| unit.total).collect();
    let observed = Exchange { total: sum(totals.iter().copied()), slope: n as f64 };
    let question = Question::new(observed, &totals, alternative, level);
    let signed = |made: &mut Exchange, unit: &Exchange, turned: bool| {
        let sign = if turned { -1.0 } else { 1.0 };
        made.total += sign * unit.total;
        made.slope += sign * unit.slope;
    };
    let tried = if units.len() < 31 && 1_u64 << units.len() <= u64::from(exchanges.resamples) {
        question.every((0..1_u64 << units.len()).map(|pattern| {
            let mut made = Exchange::default();
            for (i, unit) in units.iter().enumerate() {
                signed(&mut made, unit, pattern >> i & 1 == 1);
            }
            made
        }))
    } else {
        question.random(exchanges, |draws| {
            let mut made = Exchange::default();
            for chunk in units.chunks(64) {
                let mut signs = draws.bits();
                for unit in chunk {
                    signed(&mut made, unit, signs & 1 == 1);
                    signs >>= 1;
                }
            }
            made
        })
    };
    let name =
        if tried.exact { "exact paired permutation test" } else { "approximate randomisation" };
    let mut record = Record::new(name, n as u64)
        .with_statistic("mean difference", s.mean)
        .with_estimate("mean difference", s.mean);
    let cohen = s.mean / s.variance.sqrt();
    if clusters.is_none() {
        record = with_cohen(record, cohen, s.n.sqrt(), s.n - 1.0, level);
    } else if cohen.is_finite() {
        record = record.with_effect("Cohen's d", cohen, None);
    }
    record = record
        .with("units_exchanged", units.len() as f64)
        .assuming("under the hypothesis the members of a pair are exchangeable");
    let centre = "for the interval: what is exchanged scatters symmetrically about its centre";
    Ok(question.finish(record, tried, exchanges.seed, n as f64, centre))
}

/// Approximate randomisation of a statistic of sums, p = (b + 1)/(B + 1), b of B exchanges at least
/// as extreme: `a` and `b` hold `width` sums per item for two systems, and `statistic` compares
/// their totals (for instance the difference of two corpus scores).
///
/// Domain: tables of one size, row-major, whole rows of finite sums (only the statistic is checked;
/// what is left over of a last row is not looked at). Method: the two rows of each item are
/// exchanged with probability ½, each exchange from the stream of its own number; never all of
/// them, and without an interval. Accuracy: the same bytes for any number of threads; values within
/// 10⁻¹² of the one observed count as tied. p has a standard error of √(p(1 − p)/B). Source: E.
/// Noreen (1989); B. Phipson and G. Smyth (2010).
///
/// # Errors
/// When the tables differ in size or are empty, or the statistic is not finite on the data.
pub fn of_sums(
    a: &[f64],
    b: &[f64],
    width: usize,
    statistic: impl Fn(&[f64], &[f64]) -> f64 + Sync,
    alternative: Alternative,
    exchanges: Exchanges,
) -> Result<Record> {
    if a.len() != b.len() {
        return Err(Error::Lengths {
            left: "the first table",
            n_left: a.len(),
            right: "the second table",
            n_right: b.len(),
        });
    }
    if a.is_empty() || width == 0 {
        return Err(Error::Empty { what: "the table" });
    }
    let total = |t: &[f64]| {
        let mut sums = vec![0.0; width];
        for row in t.chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        sums
    };
    let (ta, tb) = (total(a), total(b));
    let observed = statistic(&ta, &tb);
    inside("the statistic", observed, observed.is_finite(), "a finite number")?;
    let extreme = Extreme { observed, tolerance: 1e-12 * observed.abs(), alternative };
    let hits = count(exchanges, |draws| {
        let (mut sa, mut sb) = (ta.clone(), tb.clone());
        let rows = a.chunks_exact(width).zip(b.chunks_exact(width));
        let (mut signs, mut left) = (0, 0);
        for (row_a, row_b) in rows {
            if left == 0 {
                (signs, left) = (draws.bits(), 64);
            }
            if signs & 1 == 1 {
                for k in 0..width {
                    let gap = row_b[k] - row_a[k];
                    sa[k] += gap;
                    sb[k] -= gap;
                }
            }
            signs >>= 1;
            left -= 1;
        }
        extreme.holds(statistic(&sa, &sb))
    });
    let n = (a.len() / width) as u64;
    let record = Record::new("approximate randomisation", n);
    Ok(finish(record, hits, u64::from(exchanges.resamples), false, alternative, exchanges.seed)
        .with_statistic("difference", observed)
        .with_estimate("difference", observed)
        .assuming("under the hypothesis the two systems' outputs are exchangeable item by item"))
}

/// The sum of the differences of each cluster, and their number.
fn cluster_sums(values: &[f64], labels: &[u32]) -> Result<Vec<Exchange>> {
    // The lengths are checked, and the labels, where the clustered mean checks them.
    cluster::clustered_mean(values, labels, 0.95)?;
    let groups = labels.iter().max().map_or(0, |&most| most as usize + 1);
    let mut sums = vec![Exchange::default(); groups];
    for (value, &label) in values.iter().zip(labels) {
        sums[label as usize].total += value;
        sums[label as usize].slope += 1.0;
    }
    Ok(sums)
}

/// Adds Cohen's d with the interval of normal values, whose t has `scale`·d as its noncentrality.
fn with_cohen(record: Record, cohen: f64, scale: f64, degrees: f64, level: f64) -> Record {
    if !cohen.is_finite() {
        return record;
    }
    let (low, high) = student_shift_interval(cohen * scale, degrees, level);
    let method = "noncentral t, for normal values";
    let interval = Interval::new(low / scale, high / scale, level, method);
    record.with_effect("Cohen's d", cohen, Some(interval))
}

/// A statistic as a line in the shift: `total − slope·Δ`.
#[derive(Debug, Clone, Copy, Default)]
struct Exchange {
    total: f64,
    slope: f64,
}

/// How many exchanges were at least as extreme as the data, of how many, and the exchanges themselves.
struct Tried {
    hits: u64,
    tried: u64,
    exact: bool,
    kept: Vec<Exchange>,
}

/// What is asked of the exchanges.
struct Question {
    observed: Exchange,
    extreme: Extreme,
    level: f64,
}

impl Question {
    /// Ties are judged by the magnitudes of what is summed.
    fn new(observed: Exchange, summed: &[f64], alternative: Alternative, level: f64) -> Self {
        let tolerance = 1e-12 * summed.iter().map(|v| v.abs()).sum::<f64>();
        let extreme = Extreme { observed: observed.total, tolerance, alternative };
        Self { observed, extreme, level }
    }

    /// Goes through all exchanges there are.
    fn every(&self, all: impl Iterator<Item = Exchange>) -> Tried {
        let mut out = Tried { hits: 0, tried: 0, exact: true, kept: Vec::new() };
        for made in all {
            out.tried += 1;
            out.hits += u64::from(self.extreme.holds(made.total));
            if out.tried <= u64::from(MOST_KEPT) {
                out.kept.push(made);
            }
        }
        if out.tried > u64::from(MOST_KEPT) {
            out.kept = Vec::new();
        }
        out
    }

    /// Makes as many exchanges as asked for, each from the stream of its own number.
    fn random(&self, exchanges: Exchanges, make: impl Fn(&mut Draws) -> Exchange + Sync) -> Tried {
        let tried = u64::from(exchanges.resamples);
        if exchanges.resamples > MOST_KEPT {
            let hits = count(exchanges, |draws| self.extreme.holds(make(draws).total));
            return Tried { hits, tried, exact: false, kept: Vec::new() };
        }
        let one = |index: u32| make(&mut Random::new(exchanges.seed, u64::from(index)).draws(0));
        let kept: Vec<Exchange> = (0..exchanges.resamples).into_par_iter().map(one).collect();
        let hits = kept.iter().filter(|made| self.extreme.holds(made.total)).count() as u64;
        Tried { hits, tried, exact: false, kept }
    }

    /// The shifts for which an exchange is at least as extreme as the data.
    fn stretch(&self, made: &Exchange) -> (f64, f64) {
        let (whole, everywhere) = (self.observed, (f64::NEG_INFINITY, f64::INFINITY));
        let meets = (whole.total - made.total) / (whole.slope - made.slope);
        let mirrored = (whole.total + made.total) / (whole.slope + made.slope);
        // No exchange at all, or the exchange of everything: as extreme as the data for any shift.
        // Both slopes are the same double then, or one the other's negative: nothing else gives zero.
        let same = whole.slope - made.slope == 0.0;
        let turned = whole.slope + made.slope == 0.0;
        match self.extreme.alternative {
            _ if same => everywhere,
            Alternative::Greater => (meets, f64::INFINITY),
            Alternative::Less => (f64::NEG_INFINITY, meets),
            Alternative::TwoSided if turned => everywhere,
            Alternative::TwoSided => (meets.min(mirrored), meets.max(mirrored)),
        }
    }

    /// The shifts with p > 1 − level.
    fn interval(&self, tried: &Tried) -> Option<Interval> {
        if tried.kept.is_empty() {
            return None;
        }
        let (mut lows, mut highs): (Vec<f64>, Vec<f64>) =
            tried.kept.iter().map(|made| self.stretch(made)).unzip();
        if !tried.exact {
            // The data themselves, counted among the random exchanges as in p.
            lows.push(f64::NEG_INFINITY);
            highs.push(f64::INFINITY);
        }
        let count = lows.len();
        // p > 1 − level where more than this many are extreme; the slack undoes the rounding of 1 − level.
        let rank = (((1.0 - self.level) * count as f64 + 1e-8) as usize).min(count - 1);
        let (_, &mut lower, _) = lows.select_nth_unstable_by(rank, f64::total_cmp);
        let (_, &mut upper, _) = highs.select_nth_unstable_by(count - 1 - rank, f64::total_cmp);
        Some(Interval::new(lower, upper, self.level, "inversion of the permutation test"))
    }

    /// Adds p and the interval; `scale` turns a total into the estimate.
    fn finish(
        self,
        record: Record,
        tried: Tried,
        seed: u64,
        scale: f64,
        assumption: &'static str,
    ) -> Permuted {
        let alternative = self.extreme.alternative;
        let mut record = finish(record, tried.hits, tried.tried, tried.exact, alternative, seed);
        if let Some(interval) = self.interval(&tried) {
            record = record.with_interval(interval).assuming(assumption);
        }
        let exchanged = tried.kept.iter().map(|made| made.total / scale).collect();
        Permuted { record, exchanged }
    }
}

struct Extreme {
    observed: f64,
    tolerance: f64,
    alternative: Alternative,
}

impl Extreme {
    fn holds(&self, value: f64) -> bool {
        match self.alternative {
            Alternative::TwoSided => value.abs() >= self.observed.abs() - self.tolerance,
            Alternative::Greater => value >= self.observed - self.tolerance,
            Alternative::Less => value <= self.observed + self.tolerance,
        }
    }
}

fn count(exchanges: Exchanges, hit: impl Fn(&mut Draws) -> bool + Sync) -> u64 {
    (0..exchanges.resamples)
        .into_par_iter()
        .filter(|&index| hit(&mut Random::new(exchanges.seed, u64::from(index)).draws(0)))
        .count() as u64
}

/// All subsets of size m, as a walk over combinations.
fn every_subset(
    all: &[f64],
    m: usize,
    question: &Question,
    make: impl Fn(&[usize]) -> Exchange,
) -> Tried {
    let n = all.len();
    let mut chosen: Vec<usize> = Vec::new();
    question.every(std::iter::from_fn(|| {
        if chosen.is_empty() {
            chosen = (0..m).collect();
        } else {
            let place = (0..m).rev().find(|&place| chosen[place] != place + n - m)?;
            chosen[place] += 1;
            for later in place + 1..m {
                chosen[later] = chosen[later - 1] + 1;
            }
        }
        Some(make(&chosen))
    }))
}

fn finish(
    record: Record,
    hits: u64,
    tried: u64,
    exact: bool,
    alternative: Alternative,
    seed: u64,
) -> Record {
    let p_value =
        if exact { hits as f64 / tried as f64 } else { (hits as f64 + 1.0) / (tried as f64 + 1.0) };
    let record = record
        .with_test("the labels make no difference", alternative, p_value)
        .with("exchanges", tried as f64);
    if exact { record } else { record.with("seed", seed as f64) }
}
