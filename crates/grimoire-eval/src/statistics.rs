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

    /// The same in the 32-bit arithmetic that sacreBLEU's resampling falls into, for its exact figures.
    fn score_single(&self, totals: &[f32]) -> f64 {
        let totals: Vec<f64> = totals.iter().map(|total| f64::from(*total)).collect();
        self.score(&totals)
    }

    /// Whether [`Self::score_single`] yields numbers of 32 bits.
    fn single_scores(&self) -> bool {
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
            let place = *places.entry(label.as_ref()).or_insert(next);
            if place == next {
                clusters.push(row.iter().copied());
            } else {
                let sums = &mut clusters.values[place * self.columns..][..self.columns];
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        Ok(clusters)
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
