//! sacreBLEU's own resampling, draw for draw (`significance.py` of version 2.6): its generator and
//! seed, its 32-bit sums and scores, its mean and half-width, its p-values. For repeating published
//! figures; the intervals of [`super`] are better: sacreBLEU prints half the width of the percentile
//! interval as if it were symmetric.

use super::exchanged;
use super::lanes::Lanes;
use super::numpy::Generator;
use crate::statistics::{Score, Statistics};
use serde::Serialize;

/// The seed that sacreBLEU uses unless told otherwise.
pub const SEED: u64 = 12345;

/// What sacreBLEU prints beside a score: `μ = mean ± half_width`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean over resamples.
    pub mean: f64,
    /// Half the distance between the outer fortieths of the resamples.
    pub half_width: f64,
}

/// The interval of one system (`--confidence`).
pub fn interval(system: &Statistics, score: &dyn Score, resamples: usize, seed: u64) -> Spread {
    let draws = Draws::new(&mut Generator::new(seed), system.len(), resamples);
    spread(&draws.scores(system, score), false)
}

/// The paired bootstrap (`--paired-bs`): the p-value of the second system against the first, and the
/// second system's spread.
pub fn paired_bootstrap(
    first: &Statistics,
    second: &Statistics,
    score: &dyn Score,
    resamples: usize,
    seed: u64,
) -> (f64, Spread) {
    let draws = Draws::new(&mut Generator::new(seed), first.len(), resamples);
    let (a, b) = (draws.scores(first, score), draws.scores(second, score));
    let single = score.single_scores();
    let round = |value: f64| if single { f64::from(value as f32) } else { value };
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| round(b - a).abs()).collect();
    let mean = mean(&differences, single);
    let observed = round((score.score(&first.totals()) - score.score(&second.totals())).abs());
    let centred: Vec<f64> = differences.iter().map(|difference| round(difference - mean)).collect();
    (p_value(&centred, observed), spread(&b, single))
}

/// Approximate randomisation (`--paired-ar`): the p-value of the second system against the first.
pub fn paired_randomisation(
    first: &Statistics,
    second: &Statistics,
    score: &dyn Score,
    trials: usize,
    seed: u64,
) -> f64 {
    let observed = (score.score(&first.totals()) - score.score(&second.totals())).abs();
    p_value(&randomised(first, second, score, trials, seed), observed)
}

/// The differences |A − B| of the trials of [`paired_randomisation`].
pub fn randomised(
    first: &Statistics,
    second: &Statistics,
    score: &dyn Score,
    trials: usize,
    seed: u64,
) -> Vec<f64> {
    let lanes = Lanes::new(&[first, second]);
    let all = lanes.totals();
    let (all_a, all_b) = all.split_at(first.columns());
    let mut generator = Generator::new(seed);
    let mut sums = Vec::new();
    let mut kept = vec![0; lanes.stride()];
    let coins = generator.booleans(trials * lanes.n_rows());
    coins
        .chunks_exact(lanes.n_rows())
        .map(|coins| {
            kept.iter_mut().zip(coins).for_each(|(kept, coin)| *kept = i16::from(*coin));
            lanes.sum(&kept, &mut sums);
            let (kept_a, kept_b) = sums.split_at(first.columns());
            exchanged((kept_a, all_a), (kept_b, all_b), score).abs()
        })
        .collect()
}

/// The share of differences above the observed one, which is counted with them. Equal ones do not count, so
/// a system that equals the first has the smallest p-value there is; kept, because it is sacreBLEU's.
fn p_value(differences: &[f64], observed: f64) -> f64 {
    let greater = differences.iter().filter(|difference| **difference > observed).count();
    (greater + 1) as f64 / (differences.len() + 1) as f64
}

/// The rows of each resample, in the order drawn.
struct Draws {
    rows: Vec<u32>,
    n_rows: usize,
}

impl Draws {
    fn new(generator: &mut Generator, n_rows: usize, resamples: usize) -> Self {
        let n = u32::try_from(n_rows).unwrap_or(u32::MAX);
        Self { rows: (0..n_rows * resamples).map(|_| generator.below(n)).collect(), n_rows }
    }

    /// The score of every resample, summed row after row in 32-bit numbers as numpy does.
    fn scores(&self, system: &Statistics, score: &dyn Score) -> Vec<f64> {
        let columns = system.columns();
        let values: Vec<f32> = system.rows().flatten().map(|value| *value as f32).collect();
        let mut totals = vec![0f32; columns];
        self.rows
            .chunks_exact(self.n_rows)
            .map(|rows| {
                totals.fill(0.0);
                for row in rows {
                    let row = &values[*row as usize * columns..][..columns];
                    totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
                }
                score.score_single(&totals)
            })
            .collect()
    }
}

fn spread(scores: &[f64], single: bool) -> Spread {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = sorted.len() / 40;
    let high = sorted.len() - low - 1;
    Spread { mean: mean(&sorted, single), half_width: 0.5 * (sorted[high] - sorted[low]) }
}

/// numpy's mean: pairwise sums, in 32 bits when the values have them.
fn mean(values: &[f64], single: bool) -> f64 {
    if single {
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        f64::from(pairwise(&values) / values.len() as f32)
    } else {
        pairwise(values) / values.len() as f64
    }
}

/// numpy's summation: blocks of up to 128 with eight running sums, halves above that.
fn pairwise<T: Copy + std::ops::Add<Output = T> + Default>(values: &[T]) -> T {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(T::default(), |sum, value| sum + *value);
    }
    if n > 128 {
        let half = n / 2 - n / 2 % 8;
        return pairwise(&values[..half]) + pairwise(&values[half..]);
    }
    let mut sums: [T; 8] = std::array::from_fn(|at| values[at]);
    let blocks = values[8..].chunks_exact(8);
    let rest = blocks.remainder();
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, value)| *sum = *sum + *value);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, value| sum + *value)
}
