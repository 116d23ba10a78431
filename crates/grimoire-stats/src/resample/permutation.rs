//! Permutation tests and approximate randomisation: if the labels mean nothing, exchanging them
//! changes nothing.
//!
//! All exchanges are tried while there are at most as many as the resamples asked for (the test is
//! then exact); else random ones, with p = (b + 1)/(B + 1), which is valid for any B (Phipson and
//! Smyth 2010). Source for approximate randomisation: Noreen (1989).

use super::cluster;
use crate::error::{Error, Result, inside, sample};
use crate::random::Random;
use crate::record::{Alternative, Record};
use crate::test::mean::{Summary, differences};
use rayon::prelude::*;

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

/// Two independent samples: the difference of means when group labels are shuffled.
///
/// # Errors
/// When a sample is empty or not finite.
pub fn two_samples(
    x: &[f64],
    y: &[f64],
    alternative: Alternative,
    exchanges: Exchanges,
) -> Result<Record> {
    sample("the first sample", x, 1)?;
    sample("the second sample", y, 1)?;
    let all: Vec<f64> = x.iter().chain(y).copied().collect();
    let (m, n) = (x.len(), all.len());
    let total: f64 = crate::test::mean::sum(all.iter().copied());
    // The difference of means rises with the sum of the first group, so that sum is the statistic.
    let center = total * m as f64 / n as f64;
    let observed = crate::test::mean::sum(x.iter().copied()) - center;
    let tolerance = 1e-12 * all.iter().map(|v| v.abs()).sum::<f64>();
    let extreme = Extreme { observed, tolerance, alternative };
    let subsets = (1..=m.min(n - m)).fold(1.0, |c, i| c * (n - m.min(n - m) + i) as f64 / i as f64);
    let (hits, tried, exact) = if subsets <= f64::from(exchanges.resamples) {
        let (hits, tried) = every_subset(&all, m, center, &extreme);
        (hits, tried, true)
    } else {
        let hits = count(exchanges, |draws| {
            let mut items = all.clone();
            for at in 0..m {
                let chosen = at + draws.below((n - at) as u64) as usize;
                items.swap(at, chosen);
            }
            extreme.holds(items[..m].iter().sum::<f64>() - center)
        });
        (hits, u64::from(exchanges.resamples), false)
    };
    let (a, b) = (Summary::of(x), Summary::of(y));
    let method =
        if exact { "exact permutation test of two means" } else { "permutation test of two means" };
    Ok(finish(Record::new(method, n as u64), hits, tried, exact, alternative, exchanges.seed)
        .with_statistic("difference of means", a.mean - b.mean)
        .with_estimate("difference of means", a.mean - b.mean)
        .assuming("under the hypothesis the labels are exchangeable"))
}

/// Pairs: the mean difference when the members of each pair are exchanged at random (approximate
/// randomisation; with `clusters`, whole clusters of pairs are exchanged together).
///
/// # Errors
/// When lengths differ or a value is not finite.
pub fn paired(
    x: &[f64],
    y: &[f64],
    clusters: Option<&[u32]>,
    alternative: Alternative,
    exchanges: Exchanges,
) -> Result<Record> {
    let single = differences(x, y)?;
    let n = single.len();
    let mean = crate::test::mean::sum(single.iter().copied()) / n as f64;
    let units = match clusters {
        None => single,
        Some(labels) => cluster_sums(&single, labels)?,
    };
    let observed = crate::test::mean::sum(units.iter().copied());
    let tolerance = 1e-12 * units.iter().map(|v| v.abs()).sum::<f64>();
    let extreme = Extreme { observed, tolerance, alternative };
    let exact = units.len() < 31 && 1_u64 << units.len() <= u64::from(exchanges.resamples);
    let (hits, tried) = if exact {
        let patterns = 1_u64 << units.len();
        let hits = (0..patterns)
            .filter(|pattern| {
                let signed = units.iter().enumerate();
                extreme
                    .holds(signed.map(|(i, d)| if pattern >> i & 1 == 1 { -d } else { *d }).sum())
            })
            .count() as u64;
        (hits, patterns)
    } else {
        let hits = count(exchanges, |draws| {
            let mut total = 0.0;
            for chunk in units.chunks(64) {
                let mut signs = draws.bits();
                for d in chunk {
                    total += if signs & 1 == 1 { -d } else { *d };
                    signs >>= 1;
                }
            }
            extreme.holds(total)
        });
        (hits, u64::from(exchanges.resamples))
    };
    let method = if exact { "exact paired permutation test" } else { "approximate randomisation" };
    Ok(finish(Record::new(method, n as u64), hits, tried, exact, alternative, exchanges.seed)
        .with_statistic("mean difference", mean)
        .with_estimate("mean difference", mean)
        .with("units_exchanged", units.len() as f64)
        .assuming("under the hypothesis the members of a pair are exchangeable"))
}

/// Approximate randomisation of a statistic of sums: `a` and `b` hold `width` sums per item for two
/// systems, and `statistic` compares their totals (for instance the difference of two corpus scores).
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

/// Sums of the differences of each cluster.
fn cluster_sums(values: &[f64], labels: &[u32]) -> Result<Vec<f64>> {
    // The lengths are checked, and the labels, where the clustered mean checks them.
    cluster::clustered_mean(values, labels, 0.95)?;
    let groups = labels.iter().max().map_or(0, |&most| most as usize + 1);
    let mut sums = vec![0.0; groups];
    values.iter().zip(labels).for_each(|(value, &label)| sums[label as usize] += value);
    Ok(sums)
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

fn count(exchanges: Exchanges, hit: impl Fn(&mut crate::random::Draws) -> bool + Sync) -> u64 {
    (0..exchanges.resamples)
        .into_par_iter()
        .filter(|&index| hit(&mut Random::new(exchanges.seed, u64::from(index)).draws(0)))
        .count() as u64
}

/// All subsets of size m, as a walk over combinations.
fn every_subset(all: &[f64], m: usize, center: f64, extreme: &Extreme) -> (u64, u64) {
    let n = all.len();
    let mut chosen: Vec<usize> = (0..m).collect();
    let (mut hits, mut tried) = (0, 0);
    loop {
        tried += 1;
        hits += u64::from(extreme.holds(chosen.iter().map(|&i| all[i]).sum::<f64>() - center));
        let Some(place) = (0..m).rev().find(|&place| chosen[place] != place + n - m) else {
            return (hits, tried);
        };
        chosen[place] += 1;
        for later in place + 1..m {
            chosen[later] = chosen[later - 1] + 1;
        }
    }
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
