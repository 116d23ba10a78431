//! How often each row is in a resample, without drawing a row number.
//!
//! ```text
//! cᵢ ~ Poisson(λ) for every row, independent;  N = Σcᵢ;  given N the cᵢ are the counts of N independent draws
//! ```
//!
//! So a resample of n draws is: Poisson counts of mean `λ = 1 − 3/√n`, begun again when N > n (once in 700
//! times), then n − N single draws. Given N the draws are independent whatever N is, so this is the
//! multinomial distribution itself and no approximation of it (the "Poisson bootstrap" leaves N ≠ n and is
//! another method). The sums `Σ cᵢ·xᵢ` run down the columns in order, which is what a cache wants.
//!
//! A count takes sixteen bits by thresholds: `⌊2¹⁶·P(k)⌋` of the 2¹⁶ words say k, and the few left over
//! ask 53 bits more for a count from what the floors cut off. The mixture is the distribution exactly, to
//! the rounding of P(k).

use crate::linear::vector::{dispatch, dot_inline};
use crate::random::{Draws, Random};

/// Rows whose counts are held at once: their sums stay in the first-level cache.
const BLOCK: usize = 1024;
/// Counts that sixteen bits can say: P(8) is below 2⁻¹⁶ for every mean up to 1.
const SAID: usize = 8;
/// Counts beyond this one are rarer than 2⁻⁵³.
const MOST: usize = 18;
/// Fewer rows than this are drawn one by one.
pub(super) const FROM_ROWS: usize = BLOCK;

/// Rows prepared for counting: the sums of a block of rows lie together, one column after the other.
pub(super) struct Counted {
    n: usize,
    width: usize,
    blocks: Vec<f64>,
    bounds: [i16; SAID],
    rest: [f64; MOST],
}

/// One resample on its way.
pub(super) struct Tally {
    draws: Draws,
    total: u64,
    sums: Vec<f64>,
}

/// The counts of one block.
struct Scratch {
    words: [u8; 2 * BLOCK],
    counts: [i16; BLOCK],
    weights: [f64; BLOCK],
}

impl Counted {
    /// Of `values`, row after row.
    pub(super) fn new(values: &[f64], width: usize) -> Self {
        let n = values.len() / width;
        let mut blocks = vec![0.0; n.div_ceil(BLOCK) * BLOCK * width];
        for (block, rows) in
            blocks.chunks_exact_mut(BLOCK * width).zip(values.chunks(BLOCK * width))
        {
            for (at, row) in rows.chunks_exact(width).enumerate() {
                row.iter().enumerate().for_each(|(k, value)| block[k * BLOCK + at] = *value);
            }
        }
        let (bounds, rest) = thresholds(1.0 - 3.0 / (n as f64).sqrt());
        Self { n, width, blocks, bounds, rest }
    }

    /// The sums of one resample for each of `sources`, which are worked on together so that a block of
    /// rows is read once for all of them.
    pub(super) fn resample(&self, sources: &[Random], lane: u64) -> Vec<Vec<f64>> {
        let mut scratch =
            Scratch { words: [0; 2 * BLOCK], counts: [0; BLOCK], weights: [0.0; BLOCK] };
        let mut tallies: Vec<Tally> = sources
            .iter()
            .map(|source| Tally {
                draws: source.draws(lane),
                total: 0,
                sums: vec![0.0; self.width],
            })
            .collect();
        self.pass(&mut tallies, &mut scratch);
        for tally in &mut tallies {
            while tally.total > self.n as u64 {
                tally.total = 0;
                tally.sums.fill(0.0);
                self.pass(std::slice::from_mut(tally), &mut scratch);
            }
            self.complete(tally);
        }
        tallies.into_iter().map(|tally| tally.sums).collect()
    }

    fn pass(&self, tallies: &mut [Tally], scratch: &mut Scratch) {
        for (index, block) in self.blocks.chunks_exact(BLOCK * self.width).enumerate() {
            let size = BLOCK.min(self.n - index * BLOCK);
            for tally in tallies.iter_mut() {
                tally.total += self.count(size, &mut tally.draws, scratch);
                dispatch(
                    #[inline(always)]
                    || {
                        for (sum, column) in tally.sums.iter_mut().zip(block.chunks_exact(BLOCK)) {
                            *sum += dot_inline(&scratch.weights, column);
                        }
                    },
                );
            }
        }
    }

    /// Poisson counts of the `size` rows of a block, as weights; returns their sum.
    fn count(&self, size: usize, draws: &mut Draws, scratch: &mut Scratch) -> u64 {
        let Scratch { words, counts, weights } = scratch;
        draws.fill(words);
        let undecided = dispatch(
            #[inline(always)]
            || decide(words, &self.bounds, counts),
        );
        if undecided {
            for count in counts.iter_mut().filter(|count| **count == SAID as i16) {
                let u = draws.uniform();
                *count = self.rest.partition_point(|bound| *bound <= u) as i16;
            }
        }
        counts[size..].fill(0);
        dispatch(
            #[inline(always)]
            || {
                let mut total = 0_i32;
                for (weight, &count) in weights.iter_mut().zip(counts.iter()) {
                    *weight = f64::from(count);
                    total += i32::from(count);
                }
                total as u64
            },
        )
    }

    /// The draws that are still missing, one by one.
    fn complete(&self, tally: &mut Tally) {
        for _ in tally.total..self.n as u64 {
            let row = tally.draws.below(self.n as u64) as usize;
            let block = &self.blocks[row / BLOCK * BLOCK * self.width..];
            for (k, sum) in tally.sums.iter_mut().enumerate() {
                *sum += block[k * BLOCK + row % BLOCK];
            }
        }
    }
}

/// The count that each sixteen-bit word says, [`SAID`] where it does not say; whether any does not.
#[inline(always)]
fn decide(words: &[u8; 2 * BLOCK], bounds: &[i16; SAID], counts: &mut [i16; BLOCK]) -> bool {
    let mut most = 0;
    for (count, word) in counts.iter_mut().zip(words.as_chunks::<2>().0) {
        let word = i16::from_le_bytes(*word);
        *count = bounds.iter().map(|&bound| i16::from(word >= bound)).sum();
        most = most.max(*count);
    }
    most == SAID as i16
}

/// Where in the order of signed words each count ends, and the cumulative distribution of what the
/// floors leave over.
fn thresholds(mean: f64) -> ([i16; SAID], [f64; MOST]) {
    let (mut bounds, mut rest) = ([0; SAID], [0.0; MOST]);
    let (mut term, mut end, mut over) = (65536.0 * (-mean).exp(), -32768.0, 0.0);
    for k in 0..MOST {
        let floor = if k < SAID { term.floor() } else { 0.0 };
        end += floor;
        over += term - floor;
        rest[k] = over;
        if k < SAID {
            bounds[k] = end as i16;
        }
        term *= mean / (k + 1) as f64;
    }
    rest.iter_mut().for_each(|bound| *bound /= over);
    (bounds, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Var Σ of a resample is (n−1)/n · Σ(x − x̄)² and every resample has n draws: both exactly.
    #[test]
    fn counts_are_multinomial() {
        let n = 3000;
        // Column 0 counts the draws, column 1 those of the row 7, column 2 holds the row number.
        let values: Vec<f64> =
            (0..n).flat_map(|i| [1.0, f64::from(u8::from(i == 7)), i as f64]).collect();
        let counted = Counted::new(&values, 3);
        let sources: Vec<Random> = (0..4000).map(|stream| Random::new(1, stream)).collect();
        let sums = counted.resample(&sources, 0);
        assert!(sums.iter().all(|sums| sums[0] == f64::from(n)));
        let rounds = sources.len() as f64;
        // Row 7: binomial(n, 1/n), P(0) = (1 − 1/n)ⁿ = 0.36782 and P(1) = 0.36794.
        for (times, expected) in [(0.0, 0.367_82), (1.0, 0.367_94), (2.0, 0.183_97)] {
            let share = sums.iter().filter(|sums| sums[1] == times).count() as f64 / rounds;
            let error = (expected * (1.0 - expected) / rounds).sqrt();
            assert!((share - expected).abs() < 4.0 * error, "P({times}) = {share}");
        }
        let mean = sums.iter().map(|sums| sums[2]).sum::<f64>() / rounds;
        let variance = sums.iter().map(|sums| (sums[2] - mean).powi(2)).sum::<f64>() / rounds;
        let (count, expected) = (f64::from(n), f64::from(n).powi(3) / 12.0);
        assert!((mean - count * (count - 1.0) / 2.0).abs() < 4.0 * (expected / rounds).sqrt());
        assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / rounds).sqrt());
    }

    #[test]
    fn thresholds_add_up_to_the_distribution() {
        for mean in [0.9, 0.99, 1.0] {
            let (bounds, rest) = thresholds(mean);
            let mut density = (-mean).exp();
            let over = (32768.0 - f64::from(bounds[SAID - 1])) / 65536.0;
            for k in 0..MOST {
                let start =
                    if k == 0 { -32768.0 } else { f64::from(bounds[(k - 1).min(SAID - 1)]) };
                let said = if k < SAID { f64::from(bounds[k]) - start } else { 0.0 };
                let left = rest[k] - if k == 0 { 0.0 } else { rest[k - 1] };
                // 18 terms hold all but 1e-16 of the mass.
                grimoire_testkit::close(said / 65536.0 + over * left, density, 1e-9, 1e-15);
                density *= mean / (k + 1) as f64;
            }
        }
    }
}
