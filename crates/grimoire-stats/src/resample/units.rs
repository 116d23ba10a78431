//! What is drawn with replacement: rows, whole clusters, or rows within strata; and how the sums of a
//! resample are formed quickly.
//!
//! The idea: a resample of n rows is a multinomial vector of counts. It is drawn by splitting: how many
//! of the n draws fall in each block of 1,024 rows (binomial draws down the list of blocks), then that
//! many rows inside the block, whose values fit in the first-level cache. The distribution is exactly
//! that of n independent draws, six row numbers come from one 64-bit word, and no index is stored.

use crate::dist::binomial;
use crate::error::{Error, Result};
use crate::random::Random;

const BLOCK_BITS: u32 = 10;
const BLOCK: usize = 1 << BLOCK_BITS;
const PER_WORD: u32 = 64 / BLOCK_BITS;

/// What is drawn with replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan<'a> {
    /// Single rows (for paired data a row holds both members of the pair).
    Rows,
    /// Whole clusters: the label of each row's cluster, numbered from 0 without gaps.
    Clusters(&'a [u32]),
    /// Rows within strata: the label of each row's stratum; every stratum keeps its size.
    Strata(&'a [u32]),
}

/// A table of units ready to be drawn: `width` sums per unit, in strata.
pub(super) struct Units {
    pub(super) values: Vec<f64>,
    pub(super) width: usize,
    strata: Vec<(usize, usize)>,
}

impl Units {
    /// `rows` is row-major, n × `width`.
    pub(super) fn new(rows: &[f64], width: usize, plan: Plan<'_>) -> Result<Self> {
        if width == 0 || rows.is_empty() {
            return Err(Error::Empty { what: "the sample" });
        }
        let n = rows.len() / width;
        if let Some(index) = rows.iter().position(|value| !value.is_finite()) {
            let expected = "a finite number";
            return Err(Error::At { what: "the sample", index, value: rows[index], expected });
        }
        let check = |labels: &[u32]| -> Result<usize> {
            if labels.len() != n {
                return Err(Error::Lengths {
                    left: "the sample",
                    n_left: n,
                    right: "the labels",
                    n_right: labels.len(),
                });
            }
            Ok(labels.iter().max().map_or(0, |&most| most as usize + 1))
        };
        let (values, strata) = match plan {
            Plan::Rows => (rows.to_vec(), vec![(0, n)]),
            Plan::Clusters(labels) => {
                let groups = check(labels)?;
                let mut sums = vec![0.0; groups * width];
                for (row, &label) in rows.chunks_exact(width).zip(labels) {
                    let target = &mut sums[label as usize * width..][..width];
                    target.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                (sums, vec![(0, groups)])
            }
            Plan::Strata(labels) => {
                let groups = check(labels)?;
                let mut sizes = vec![0; groups];
                labels.iter().for_each(|&label| sizes[label as usize] += 1);
                let mut start = 0;
                let strata: Vec<(usize, usize)> = sizes
                    .iter()
                    .map(|&size| {
                        start += size;
                        (start - size, start)
                    })
                    .collect();
                let mut next: Vec<usize> = strata.iter().map(|s| s.0).collect();
                let mut values = vec![0.0; rows.len()];
                for (row, &label) in rows.chunks_exact(width).zip(labels) {
                    let at = next[label as usize];
                    next[label as usize] += 1;
                    values[at * width..][..width].copy_from_slice(row);
                }
                (values, strata)
            }
        };
        let units = Self { values, width, strata };
        if units.len() < 2 {
            return Err(Error::TooFew {
                what: "the units to resample",
                needed: 2,
                found: units.len(),
            });
        }
        Ok(units)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Sums over all units.
    pub(super) fn total(&self) -> Vec<f64> {
        self.sums_except(usize::MAX)
    }

    fn sums_except(&self, left_out: usize) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        let mut lost = vec![0.0; self.width];
        for (index, unit) in self.values.chunks_exact(self.width).enumerate() {
            if index == left_out {
                continue;
            }
            for ((sum, lost), value) in sums.iter_mut().zip(&mut lost).zip(unit) {
                let (next, error) = crate::special::two_sum(*sum, *value);
                *sum = next;
                *lost += error;
            }
        }
        sums.iter_mut().zip(&lost).for_each(|(sum, lost)| *sum += lost);
        sums
    }

    /// Sums over all units but one, for each unit in turn, scaled so that a stratum keeps its weight.
    pub(super) fn each_left_out(&self, mut take: impl FnMut(usize, &[f64])) {
        let total = self.total();
        let mut sums = total.clone();
        for (stratum, &(start, end)) in self.strata.iter().enumerate() {
            let size = (end - start) as f64;
            let single = self.strata.len() == 1;
            let within = self.stratum_sums(start, end);
            for unit in self.values[start * self.width..end * self.width].chunks_exact(self.width) {
                for k in 0..self.width {
                    sums[k] = if single {
                        total[k] - unit[k]
                    } else if size < 2.0 {
                        total[k]
                    } else {
                        total[k] - within[k] + (within[k] - unit[k]) * size / (size - 1.0)
                    };
                }
                take(stratum, &sums);
            }
        }
    }

    fn stratum_sums(&self, start: usize, end: usize) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for unit in self.values[start * self.width..end * self.width].chunks_exact(self.width) {
            sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
        }
        sums
    }

    pub(super) fn strata(&self) -> usize {
        self.strata.len()
    }

    /// Sums over the resample of stream `stream`.
    pub(super) fn resample(&self, seed: u64, stream: u64, sums: &mut [f64]) {
        sums.fill(0.0);
        for (stratum, &(start, end)) in self.strata.iter().enumerate() {
            let values = &self.values[start * self.width..end * self.width];
            self.draw(values, &Random::new(seed, stream), stratum as u64, sums);
        }
    }

    /// Adds `len` draws from `values` to `sums`.
    fn draw(&self, values: &[f64], random: &Random, stratum: u64, sums: &mut [f64]) {
        let n = values.len() / self.width;
        let mut counts = random.draws(2 * stratum);
        let mut words = random.draws(2 * stratum + 1);
        let (mut left, mut at) = (n as f64, 0);
        while at < n && left > 0.0 {
            let size = BLOCK.min(n - at);
            let last = at + size == n;
            let here = if last {
                left
            } else {
                binomial::sample(&mut counts, left, size as f64 / (n - at) as f64)
            };
            left -= here;
            let block = &values[at * self.width..(at + size) * self.width];
            if size == BLOCK && self.width == 1 {
                sums[0] += full_block(block, here as u64, &mut words);
            } else if size == BLOCK && self.width == 2 {
                full_block_of_two(block, here as u64, &mut words, sums);
            } else if size == BLOCK {
                full_block_of_many(block, self.width, here as u64, &mut words, sums);
            } else {
                for _ in 0..here as u64 {
                    let row = words.below(size as u64) as usize;
                    let unit = &block[row * self.width..][..self.width];
                    sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
                }
            }
            at += size;
        }
    }
}

/// `draws` values of a full block of single sums; four running sums so that additions overlap.
fn full_block(block: &[f64], draws: u64, words: &mut crate::random::Draws) -> f64 {
    let Ok(block) = <&[f64; BLOCK]>::try_from(block) else { return f64::NAN };
    let row = |word: u64, slot: u32| block[(word >> (BLOCK_BITS * slot)) as usize & (BLOCK - 1)];
    let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
    for _ in 0..draws / u64::from(PER_WORD) {
        let word = words.bits();
        a += row(word, 0) + row(word, 3);
        b += row(word, 1) + row(word, 4);
        c += row(word, 2) + row(word, 5);
    }
    let word = words.bits();
    for slot in 0..(draws % u64::from(PER_WORD)) as u32 {
        a += row(word, slot);
    }
    a + b + c
}

fn full_block_of_two(
    block: &[f64],
    draws: u64,
    words: &mut crate::random::Draws,
    sums: &mut [f64],
) {
    let Ok(block) = <&[f64; 2 * BLOCK]>::try_from(block) else { return };
    let (mut even, mut odd) = ([0.0; 2], [0.0; 2]);
    let add = |to: &mut [f64; 2], word: u64, slot: u32| {
        let row = (word >> (BLOCK_BITS * slot)) as usize & (BLOCK - 1);
        to[0] += block[2 * row];
        to[1] += block[2 * row + 1];
    };
    for _ in 0..draws / u64::from(PER_WORD) {
        let word = words.bits();
        for slot in 0..PER_WORD / 2 {
            add(&mut even, word, 2 * slot);
            add(&mut odd, word, 2 * slot + 1);
        }
    }
    let word = words.bits();
    for slot in 0..(draws % u64::from(PER_WORD)) as u32 {
        add(&mut even, word, slot);
    }
    sums[0] += even[0] + odd[0];
    sums[1] += even[1] + odd[1];
}

fn full_block_of_many(
    block: &[f64],
    width: usize,
    draws: u64,
    words: &mut crate::random::Draws,
    sums: &mut [f64],
) {
    // Counts first: a wide row is then added once, times its count.
    let (mut counts, mut left) = ([0_u32; BLOCK], draws);
    while left > 0 {
        let word = words.bits();
        for slot in 0..left.min(u64::from(PER_WORD)) as u32 {
            counts[(word >> (BLOCK_BITS * slot)) as usize & (BLOCK - 1)] += 1;
        }
        left = left.saturating_sub(u64::from(PER_WORD));
    }
    for (unit, &count) in block.chunks_exact(width).zip(&counts) {
        if count > 0 {
            let times = f64::from(count);
            sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += times * value);
        }
    }
}
