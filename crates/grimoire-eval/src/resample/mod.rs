//! Bootstrap and approximate randomisation on sufficient statistics, thousands of resamples of many
//! systems at a time. Resample r of seed s is the same whatever the number of threads and systems.
//!
//! A resample of n rows is kept as the number of times each row was drawn, so that the sums of all
//! systems are a matrix product ([`lanes`]). This is not the place of the generator that sacreBLEU uses:
//! see [`numpy`] and [`reproduce`].

mod lanes;
pub mod numpy;
pub mod reproduce;

use crate::statistics::{Score, Statistics};
use grimoire_stats::random::Random;
use lanes::{BATCH, Lanes};
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
    let lanes = Lanes::new(systems);
    let fill = |resample, weights: &mut [i16]| draw(seed, resample, weights);
    let columns = score.columns();
    each_resample(&lanes, systems.len(), resamples, fill, |sums, scores| {
        scores.extend(sums.chunks_exact(columns).map(|totals| score.score(totals)));
    })
}

/// Runs through the resamples in batches of a fixed size: `fill` writes the weights of one, `scores`
/// makes `n_scores` numbers of its sums. The result is by score, then by resample.
fn each_resample(
    lanes: &Lanes,
    n_scores: usize,
    resamples: usize,
    fill: impl Fn(u64, &mut [i16]) + Sync,
    scores: impl Fn(&[f64], &mut Vec<f64>) + Sync,
) -> Vec<Vec<f64>> {
    if lanes.n_rows() == 0 || n_scores == 0 {
        return vec![Vec::new(); n_scores];
    }
    let batches: Vec<Vec<f64>> = (0..resamples.div_ceil(BATCH))
        .into_par_iter()
        .map_init(
            || (lanes.weights(), Vec::new()),
            |(weights, sums), batch| {
                let these = BATCH.min(resamples - batch * BATCH);
                let weights = &mut weights[..these * lanes.stride()];
                for (at, weights) in weights.chunks_exact_mut(lanes.stride()).enumerate() {
                    fill((batch * BATCH + at) as u64, &mut weights[..lanes.n_rows()]);
                }
                lanes.sum(weights, sums);
                let mut found = Vec::with_capacity(these * n_scores);
                sums.chunks_exact(sums.len() / these).for_each(|sums| scores(sums, &mut found));
                found
            },
        )
        .collect();
    (0..n_scores)
        .map(|score| {
            let of_batch =
                |batch: &Vec<f64>| batch.clone().into_iter().skip(score).step_by(n_scores);
            batches.iter().flat_map(of_batch).collect()
        })
        .collect()
}

/// How often each row is drawn in a resample. A count of 32,767 is not exceeded: it cannot
/// be reached with fewer rows, and with more its probability is nil.
fn draw(seed: u64, resample: u64, weights: &mut [i16]) {
    weights.fill(0);
    let random = Random::new(seed, resample);
    let n = weights.len() as u64;
    let mut left = weights.len();
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

/// Approximate randomisation of every system but the first against the first: the differences |A − B| of
/// the score when each pair of rows keeps or exchanges its sides at random, `differences[system − 1][trial]`.
/// All pairs of systems share a trial's coins.
pub fn randomise(
    systems: &[&Statistics],
    score: &dyn Score,
    trials: usize,
    seed: u64,
) -> Vec<Vec<f64>> {
    let lanes = Lanes::new(systems);
    let all = lanes.totals();
    let columns = score.columns();
    let fill = |trial, kept: &mut [i16]| coins(seed, trial, kept);
    each_resample(&lanes, systems.len().saturating_sub(1), trials, fill, |kept, differences| {
        let mut pairs = kept.chunks_exact(columns).zip(all.chunks_exact(columns));
        if let Some(first) = pairs.next() {
            differences.extend(pairs.map(|other| exchanged(first, other, score).abs()));
        }
    })
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

/// The difference of scores when the rows that `kept` sums over stay and all others change sides; each
/// system comes as its sums over kept rows and over all.
fn exchanged(
    (kept_a, all_a): (&[f64], &[f64]),
    (kept_b, all_b): (&[f64], &[f64]),
    score: &dyn Score,
) -> f64 {
    let side = |kept: &[f64], other_all: &[f64], other_kept: &[f64]| -> Vec<f64> {
        let rest = other_all.iter().zip(other_kept).map(|(all, kept)| all - kept);
        kept.iter().zip(rest).map(|(kept, rest)| kept + rest).collect()
    };
    score.score(&side(kept_a, all_b, kept_b)) - score.score(&side(kept_b, all_a, kept_a))
}

/// The two-sided p-value of approximate randomisation: the share of trials whose difference is at least
/// the observed one, the observed one counted with them, so that it is never 0 (Noreen 1989). Differences
/// that rounding alone sets apart are equal: two systems with the same outputs have p = 1.
pub fn randomisation_p_value(differences: &[f64], observed: f64) -> f64 {
    let bar = observed - 1e-12 * observed.max(1.0);
    let extreme = differences.iter().filter(|difference| **difference >= bar).count();
    (extreme + 1) as f64 / (differences.len() + 1) as f64
}
