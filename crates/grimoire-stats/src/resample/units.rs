//! What is drawn with replacement: rows, whole clusters, or rows within strata; and the sums of a
//! resample of them. Few rows are drawn one by one, many by their [counts](super::counts).

use super::counts::{Counted, FROM_ROWS};
use crate::error::{Error, Result};
use crate::random::{Draws, Random};

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
    /// The strata that are large enough to be drawn by counts.
    counted: Vec<(usize, Counted)>,
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
                (cluster_sums(rows, width, labels, groups), vec![(0, groups)])
            }
            Plan::Strata(labels) => stratified(rows, width, labels, check(labels)?),
        };
        let counted = strata
            .iter()
            .enumerate()
            .filter(|(_, (start, end))| end - start >= FROM_ROWS)
            .map(|(stratum, &(start, end))| {
                (stratum, Counted::new(&values[start * width..end * width], width))
            })
            .collect();
        let units = Self { values, width, strata, counted };
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

    /// Sums over the resample of each of `sources`.
    pub(super) fn resample(&self, sources: &[Random]) -> Vec<Vec<f64>> {
        let mut all = vec![vec![0.0; self.width]; sources.len()];
        for (stratum, &(start, end)) in self.strata.iter().enumerate() {
            let lane = stratum as u64;
            let values = &self.values[start * self.width..end * self.width];
            match self.counted.iter().find(|(of, _)| *of == stratum) {
                Some((_, counted)) => {
                    for (sums, more) in all.iter_mut().zip(counted.resample(sources, lane)) {
                        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                    }
                }
                None => {
                    for (sums, source) in all.iter_mut().zip(sources) {
                        self.draw(values, &mut source.draws(lane), sums);
                    }
                }
            }
        }
        all
    }

    /// Adds as many draws from `values` as it has rows.
    fn draw(&self, values: &[f64], draws: &mut Draws, sums: &mut [f64]) {
        let n = values.len() / self.width;
        for _ in 0..n {
            let row = draws.below(n as u64) as usize;
            let unit = &values[row * self.width..][..self.width];
            sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// The sums of each cluster's rows.
fn cluster_sums(rows: &[f64], width: usize, labels: &[u32], groups: usize) -> Vec<f64> {
    let mut sums = vec![0.0; groups * width];
    for (row, &label) in rows.chunks_exact(width).zip(labels) {
        let target = &mut sums[label as usize * width..][..width];
        target.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// The rows with those of a stratum side by side, and where each stratum begins and ends.
fn stratified(
    rows: &[f64],
    width: usize,
    labels: &[u32],
    groups: usize,
) -> (Vec<f64>, Vec<(usize, usize)>) {
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
