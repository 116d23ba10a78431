//! What a mean over strata is resampled from, so that the studentised bootstrap has its standard error.
//!
//! Equation: x̄ = Σ n_h x̄_h/n, se² = Σ n_h s_h²/n² with the sizes n_h fixed. Source: W. Cochran, *Sampling Techniques*
//! (1977), chapter 5, with weights in proportion to size. Not for estimates other than the mean.

use super::bootstrap::Value;
use crate::test::mean::sum;

/// Rows with two sums per stratum, of x less the mean of its stratum and of its square: what a mean over strata and its
/// standard error, √(Σ n_h s_h²)/n, are made of.
pub(super) struct StratumRows {
    /// Row after row.
    pub(super) rows: Vec<f64>,
    /// Numbers in a row.
    pub(super) width: usize,
    /// Size and mean of each stratum.
    strata: Vec<(f64, f64)>,
    n: f64,
}

impl StratumRows {
    /// Nothing where there are too many strata to carry, or labels that do not fit (which the run will say).
    pub(super) fn new(values: &[f64], labels: &[u32]) -> Option<Self> {
        const MOST: usize = 16;
        let count = labels.iter().max().map_or(0, |&most| most as usize + 1);
        if labels.len() != values.len() || count > MOST {
            return None;
        }
        let of = |stratum: usize| {
            let inside =
                labels.iter().zip(values).filter(move |(label, _)| **label as usize == stratum);
            inside.map(|(_, x)| *x)
        };
        let strata: Vec<(f64, f64)> = (0..count)
            .map(|stratum| {
                let size = of(stratum).count() as f64;
                (size, sum(of(stratum)) / size.max(1.0))
            })
            .collect();
        let (width, mut rows) = (2 * count, vec![0.0; 2 * count * values.len()]);
        for ((row, x), &label) in rows.chunks_exact_mut(width).zip(values).zip(labels) {
            let gap = x - strata[label as usize].1;
            row[2 * label as usize] = gap;
            row[2 * label as usize + 1] = gap * gap;
        }
        Some(Self { rows, width, strata, n: values.len() as f64 })
    }

    /// The mean and its standard error from the sums of a resample.
    pub(super) fn mean(&self, sums: &[f64]) -> Value {
        let (mut total, mut squares) = (0.0, 0.0);
        for (&(size, mean), s) in self.strata.iter().zip(sums.chunks_exact(2)) {
            total += size * mean + s[0];
            if size > 1.0 {
                squares += size * ((s[1] - s[0] * s[0] / size) / (size - 1.0)).max(0.0);
            }
        }
        Value { estimate: total / self.n, error: squares.sqrt() / self.n }
    }
}
