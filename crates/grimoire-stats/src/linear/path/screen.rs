//! Correlations with the residual, computed only where they can matter.
//!
//! When the residual moves from `r` to `r′`, no correlation moves by more than
//! `|x̃ⱼᵀ(r′ − r)|/n ≤ ‖x̃ⱼ‖‖r′ − r‖/n` (Cauchy and Schwarz). A column whose last known correlation plus
//! this bound stays below the threshold of interest needs no product: it is proved to be below. So the
//! check of the conditions of optimality over all columns, exact as it is, reads few of them.

use super::standard::Standardized;

/// Residuals kept for comparison.
const KEPT: usize = 24;

/// What is known of `x̃ⱼᵀr/n` for every column.
pub(crate) struct Correlations {
    /// Last computed value, by column.
    pub(crate) value: Vec<f64>,
    stamp: Vec<u32>,
    references: Vec<Vec<f64>>,
    usable: Vec<usize>,
}

impl Correlations {
    /// Exact for the residual `r`.
    pub(crate) fn new(view: &Standardized<'_>, usable: &[usize], r: &[f64]) -> Self {
        let mut value = vec![0.0; view.n_cols()];
        for (&j, exact) in usable.iter().zip(view.correlations(usable, r)) {
            value[j] = exact;
        }
        Self {
            value,
            stamp: vec![0; view.n_cols()],
            references: vec![r.to_vec()],
            usable: usable.to_vec(),
        }
    }

    /// Makes every correlation with `r` exact unless it is proved to lie below `threshold` in absolute
    /// value; those of the columns that `always` names in any case.
    pub(crate) fn refresh(
        &mut self,
        view: &Standardized<'_>,
        r: &[f64],
        threshold: f64,
        always: impl Fn(usize) -> bool,
    ) {
        let n = r.len() as f64;
        let distances: Vec<f64> = self
            .references
            .iter()
            .map(|old| {
                let square: f64 = old.iter().zip(r).map(|(old, new)| (old - new).powi(2)).sum();
                (square / n).sqrt()
            })
            .collect();
        let full = self.references.len() >= KEPT || threshold <= 0.0;
        let columns: Vec<usize> = if full {
            self.usable.clone()
        } else {
            let below = |&j: &usize| {
                let moved = view.norms[j].sqrt() * distances[self.stamp[j] as usize];
                (self.value[j].abs() + moved) * (1.0 + 1e-12) < threshold
            };
            self.usable.iter().copied().filter(|j| always(*j) || !below(j)).collect()
        };
        if full {
            self.references.clear();
        }
        let stamp = self.references.len() as u32;
        self.references.push(r.to_vec());
        for (&j, exact) in columns.iter().zip(view.correlations(&columns, r)) {
            self.value[j] = exact;
            self.stamp[j] = stamp;
        }
    }
}
