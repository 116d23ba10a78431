//! Bootstrap and approximate randomisation on sufficient statistics, thousands of resamples of many
//! systems at a time. Resample r of seed s is the same whatever the number of threads and systems.
//!
//! A resample of n rows is kept as the number of times each row was drawn, so that every system is
//! summed by one sequential pass over its columns. Columns of small whole numbers are summed in
//! integers, exactly. This is not the place of the generator that sacreBLEU uses: see [`numpy`] and
//! [`reproduce`].

pub mod numpy;
pub mod reproduce;

use crate::statistics::{Score, Statistics};
use grimoire_stats::random::Random;
use rayon::prelude::*;

/// The stream of seeds that bootstrap resamples use; randomisation uses the next ones.
const RANDOMISATION_STREAM: u64 = 1 << 40;

/// The scores of every system in every bootstrap resample: `scores[system][resample]`. All systems must
/// have as many rows as the first; they share each resample's draws, so differences are paired.
pub fn bootstrap(
    systems: &[&Statistics],
    score: &dyn Score,
    resamples: usize,
    seed: u64,
) -> Vec<Vec<f64>> {
    let Some(first) = systems.first() else { return Vec::new() };
    let lanes = Lanes::new(systems);
    let n_rows = first.len();
    let columns = first.columns();
    let by_resample: Vec<Vec<f64>> = (0..resamples)
        .into_par_iter()
        .map_init(
            || (vec![0i16; n_rows], Vec::new()),
            |(weights, sums), resample| {
                draw(n_rows, seed, resample as u64, weights);
                lanes.sum(weights, sums);
                sums.chunks(columns).map(|totals| score.score(totals)).collect()
            },
        )
        .collect();
    (0..systems.len())
        .map(|system| by_resample.iter().map(|scores| scores[system]).collect())
        .collect()
}

/// How often each row is drawn in a resample. A count of 32,767 is not exceeded: it cannot
/// be reached with fewer rows, and with more its probability is nil.
fn draw(n_rows: usize, seed: u64, resample: u64, weights: &mut [i16]) {
    weights.fill(0);
    let random = Random::new(seed, resample);
    let n = n_rows as u64;
    let mut left = n_rows;
    let mut index = 0;
    while left > 0 {
        for word in random.block(index) {
            // Two draws of 32 bits from each word: the bias is below n / 2³².
            for half in [word & 0xffff_ffff, word >> 32] {
                if left > 0 {
                    let row = ((half * n) >> 32) as usize;
                    weights[row] = weights[row].saturating_add(1);
                    left -= 1;
                }
            }
        }
        index += 1;
    }
}

/// The differences |A − B| of the score when each pair of rows keeps or exchanges its sides at random.
pub fn randomise(
    first: &Statistics,
    second: &Statistics,
    score: &dyn Score,
    trials: usize,
    seed: u64,
) -> Vec<f64> {
    let n_rows = first.len();
    let lanes = Lanes::new(&[first, second]);
    let all = lanes.sum_all();
    let columns = first.columns();
    (0..trials)
        .into_par_iter()
        .map_init(
            || (vec![0i16; n_rows], Vec::new()),
            |(kept, sums), trial| {
                coins(seed, trial as u64, kept);
                lanes.sum(kept, sums);
                exchanged_difference(sums, &all, columns, score).abs()
            },
        )
        .collect()
}

/// Fair coins, one for each row.
fn coins(seed: u64, trial: u64, kept: &mut [i16]) {
    let random = Random::new(seed, RANDOMISATION_STREAM + trial);
    for (block, kept) in kept.chunks_mut(256).enumerate() {
        let bits = random.block(block as u64);
        for (at, kept) in kept.iter_mut().enumerate() {
            *kept = (bits[at / 64] >> (at % 64) & 1) as i16;
        }
    }
}

/// The difference of scores when the rows that `kept` sums over stay and all others change sides.
fn exchanged_difference(kept: &[f64], all: &[f64], columns: usize, score: &dyn Score) -> f64 {
    let (mut a, mut b) = (vec![0.0; columns], vec![0.0; columns]);
    for column in 0..columns {
        let (kept_a, kept_b) = (kept[column], kept[columns + column]);
        a[column] = kept_a + (all[columns + column] - kept_b);
        b[column] = kept_b + (all[column] - kept_a);
    }
    score.score(&a) - score.score(&b)
}

/// The two-sided p-value of approximate randomisation: the share of trials whose difference exceeds the
/// observed one, the observed one counted with them, so that it is never 0 (Noreen 1989; the strict
/// comparison, so that a system equals itself, is MultEval's).
pub fn randomisation_p_value(differences: &[f64], observed: f64) -> f64 {
    let greater = differences.iter().filter(|difference| **difference > observed).count();
    (greater + 1) as f64 / (differences.len() + 1) as f64
}

/// The columns of all systems, one after another.
struct Lanes {
    n_rows: usize,
    columns: Columns,
}

enum Columns {
    /// Whole numbers below 2¹².
    Small(Vec<i16>),
    Any(Vec<f64>),
}

/// Rows per 32-bit sum: with weights that average 1, 2¹⁴ · 2¹² stays far from 2³¹.
const BLOCK: usize = 1 << 14;

impl Lanes {
    fn new(systems: &[&Statistics]) -> Self {
        let n_rows = systems.iter().map(|system| system.len()).min().unwrap_or(0);
        let small = |value: &f64| value.fract() == 0.0 && (0.0..4096.0).contains(value);
        let values = || {
            systems.iter().flat_map(|system| {
                (0..system.columns())
                    .flat_map(move |column| (0..n_rows).map(move |row| system.row(row)[column]))
            })
        };
        let columns = if values().all(|value| small(&value)) {
            Columns::Small(values().map(|value| value as i16).collect())
        } else {
            Columns::Any(values().collect())
        };
        Self { n_rows, columns }
    }

    fn sum_all(&self) -> Vec<f64> {
        let mut totals = Vec::new();
        self.sum(&vec![1; self.n_rows], &mut totals);
        totals
    }

    /// Sums every column, each row as often as `weights` says.
    fn sum(&self, weights: &[i16], totals: &mut Vec<f64>) {
        totals.clear();
        if self.n_rows == 0 {
            return;
        }
        match &self.columns {
            Columns::Any(values) => totals.extend(values.chunks_exact(self.n_rows).map(|column| {
                let terms = column.iter().zip(weights);
                terms.map(|(value, weight)| f64::from(*weight) * value).sum::<f64>()
            })),
            Columns::Small(values) => {
                totals.extend(values.chunks_exact(self.n_rows).map(|column| {
                    let blocks = column.chunks(BLOCK).zip(weights.chunks(BLOCK));
                    blocks.map(|(values, weights)| f64::from(dot(values, weights))).sum::<f64>()
                }));
            }
        }
    }
}

/// Products of 16 bits summed in 32, a shape that compilers turn into one instruction.
fn dot(values: &[i16], weights: &[i16]) -> i32 {
    values.iter().zip(weights).map(|(value, weight)| i32::from(*value) * i32::from(*weight)).sum()
}
