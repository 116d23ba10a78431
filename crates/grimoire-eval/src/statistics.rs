//! Sufficient statistics: for every segment a row of numbers whose column sums determine the score. An
//! interval or a test resamples rows; it never sees a text again. Not a table of scores: the score of a
//! corpus is in general no mean of scores of segments.

use crate::EvalError;
use std::collections::HashMap;

/// From column sums to the score of a corpus.
pub trait Score: Sync {
    /// How many columns a row has.
    fn columns(&self) -> usize;

    /// The score of these column sums.
    fn score(&self, totals: &[f64]) -> f64;

    /// The score of the row of a single segment, where one so short is scored otherwise than a corpus.
    fn score_alone(&self, row: &[f64]) -> f64 {
        self.score(row)
    }

    /// The same in the 32-bit arithmetic that sacreBLEU's resampling falls into, for its exact figures.
    fn score_single(&self, totals: &[f32]) -> f64 {
        let totals: Vec<f64> = totals.iter().map(|total| f64::from(*total)).collect();
        self.score(&totals)
    }

    /// Whether [`Self::score_single`] yields numbers of 32 bits.
    fn single_scores(&self) -> bool {
        false
    }

    /// Whether the score is a mean of values that items have by themselves, in the first of two columns.
    fn is_mean(&self) -> bool {
        false
    }

    /// Whether smaller is better.
    fn lower_is_better(&self) -> bool {
        false
    }
}

/// Rows of statistics, one for each segment (or each cluster of segments).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    columns: usize,
    values: Vec<f64>,
}

impl Statistics {
    /// No rows yet.
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// Adds a row; what is missing to the number of columns is zero.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        let end = self.values.len() + self.columns;
        self.values.extend(row.into_iter().take(self.columns));
        self.values.resize(end, 0.0);
    }

    /// Adds to the row at `place`, which may be the one after the last.
    pub fn add_at(&mut self, place: usize, row: &[f64]) {
        let from = place * self.columns;
        self.values.resize(self.values.len().max(from + self.columns), 0.0);
        let sums = &mut self.values[from..][..self.columns];
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// One row.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns..][..self.columns]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// The sum of every column.
    pub fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.columns];
        for row in self.rows() {
            totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
        }
        totals
    }

    /// One row for each cluster, in the order in which clusters first appear. Segments of a document
    /// are not independent; documents are.
    ///
    /// # Errors
    /// Not as many labels as rows.
    pub fn clustered<L: AsRef<str>>(&self, labels: &[L]) -> Result<Self, EvalError> {
        if labels.len() != self.len() {
            return Err(EvalError::Lengths {
                metric: "clusters",
                left_name: "the data".to_owned(),
                left: self.len(),
                right_name: "the list of clusters".to_owned(),
                right: labels.len(),
            });
        }
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut clusters = Self::new(self.columns);
        for (row, label) in self.rows().zip(labels) {
            let next = places.len();
            clusters.add_at(*places.entry(label.as_ref()).or_insert(next), row);
        }
        Ok(clusters)
    }
}

/// Rows in bounded memory. Past [`Runs::MOST`] rows neighbours are added up two by two, as often as needed,
/// so that a row stands for a run of 2, 4, 8 … segments. Runs of independent segments are independent, so
/// an interval from them estimates the same thing; where neighbours are alike it is the more honest one.
#[derive(Debug, Clone)]
pub struct Runs {
    rows: Statistics,
    segments: usize,
    length: usize,
}

impl Runs {
    /// The most rows that are kept.
    pub const MOST: usize = 1 << 18;

    /// No rows yet.
    pub fn new(columns: usize) -> Self {
        Self { rows: Statistics::new(columns), segments: 0, length: 1 }
    }

    /// Adds the row of the next segment.
    pub fn push(&mut self, row: &[f64]) {
        if self.segments == Self::MOST * self.length {
            let mut halves = Statistics::new(self.rows.columns());
            self.rows.rows().enumerate().for_each(|(at, row)| halves.add_at(at / 2, row));
            self.rows = halves;
            self.length *= 2;
        }
        self.rows.add_at(self.segments / self.length, row);
        self.segments += 1;
    }

    /// How many segments a row stands for; the last one may be shorter.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The rows.
    pub fn into_rows(self) -> Statistics {
        self.rows
    }
}

/// The mean of a column of values: columns are the sum and the number of values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean;

impl Score for Mean {
    fn columns(&self) -> usize {
        2
    }

    fn score(&self, totals: &[f64]) -> f64 {
        if totals[1] == 0.0 { 0.0 } else { totals[0] / totals[1] }
    }

    fn is_mean(&self) -> bool {
        true
    }
}

/// The micro F1: columns are hits, predicted and true items.
#[derive(Debug, Clone, Copy, Default)]
pub struct MicroF1;

impl Score for MicroF1 {
    fn columns(&self) -> usize {
        3
    }

    fn score(&self, totals: &[f64]) -> f64 {
        let sum = totals[1] + totals[2];
        if sum == 0.0 { 0.0 } else { 2.0 * totals[0] / sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_keep_the_sums_and_bound_the_rows() {
        let segments = 3 * Runs::MOST + 5;
        let mut runs = Runs::new(2);
        (0..segments).for_each(|segment| runs.push(&[segment as f64, 1.0]));
        assert_eq!(runs.length(), 4);
        let rows = runs.into_rows();
        assert_eq!(rows.len(), segments.div_ceil(4));
        assert_eq!(rows.row(1), [4.0 + 5.0 + 6.0 + 7.0, 4.0]);
        let n = segments as f64;
        assert_eq!(rows.totals(), [n * (n - 1.0) / 2.0, n]);
    }
}
