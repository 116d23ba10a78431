//! Correlations with the residual, computed only where they can matter.
//!
//! When the residual moves from `r` to `r′`, the part of it along `r` is `a·r` with `a = rᵀr′/rᵀr`, and no
//! correlation is further from `a` times its old value than
//! `|x̃ⱼᵀ(r′ − ar)|/n ≤ ‖x̃ⱼ‖‖r′ − ar‖/n` (Cauchy and Schwarz). A column that this bound leaves below the
//! threshold of interest needs no product: it is proved to be below. So the check of the conditions of
//! optimality over all columns, exact as it is, reads few of them. Along a path the residual shrinks more than
//! it turns: with `a = 1` three times as many columns have to be read.

use super::standard::Standardized;
use crate::linear::vector::dot;

/// Residuals kept for comparison.
const KEPT: usize = 24;

/// What is known of `x̃ⱼᵀr/n` for every column.
pub(crate) struct Correlations {
    /// By column: exact, or what is left of an old one along its residual, which then is below the threshold.
    pub(crate) value: Vec<f64>,
    /// Last computed value.
    exact: Vec<f64>,
    /// With which residual.
    stamp: Vec<u32>,
    references: Vec<Vec<f64>>,
    usable: Vec<usize>,
}

impl Correlations {
    /// Exact for the residual `r`.
    pub(crate) fn new(view: &Standardized<'_>, usable: &[usize], r: &[f64]) -> Self {
        Self::known(view, usable, r, &view.correlations(usable, r))
    }

    /// The same when the correlations of the usable columns are there already.
    pub(crate) fn known(
        view: &Standardized<'_>,
        usable: &[usize],
        r: &[f64],
        exact: &[f64],
    ) -> Self {
        let mut value = vec![0.0; view.n_cols()];
        usable.iter().zip(exact).for_each(|(&j, exact)| value[j] = *exact);
        Self {
            exact: value.clone(),
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
        let moved: Vec<(f64, f64)> = self
            .references
            .iter()
            .map(|old| {
                let square = dot(old, old);
                let along = if square > 0.0 { dot(old, r) / square } else { 0.0 };
                let off: f64 =
                    old.iter().zip(r).map(|(old, new)| (new - along * old).powi(2)).sum();
                (along, (off / n).sqrt())
            })
            .collect();
        let full = self.references.len() >= KEPT || threshold <= 0.0;
        let columns: Vec<usize> = if full {
            self.usable.clone()
        } else {
            let below = |&j: &usize| {
                let (along, off) = moved[self.stamp[j] as usize];
                let most = (along * self.exact[j]).abs() + view.norms[j].sqrt() * off;
                most * (1.0 + 1e-12) < threshold
            };
            self.usable.iter().copied().filter(|j| always(*j) || !below(j)).collect()
        };
        for &j in &self.usable {
            self.value[j] = moved[self.stamp[j] as usize].0 * self.exact[j];
        }
        if full {
            self.references.clear();
        }
        let stamp = self.references.len() as u32;
        self.references.push(r.to_vec());
        for (&j, exact) in columns.iter().zip(view.correlations(&columns, r)) {
            self.value[j] = exact;
            self.exact[j] = exact;
            self.stamp[j] = stamp;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::design::{Columns, Design};
    use grimoire_testkit::close;

    #[test]
    fn what_is_not_read_lies_below_the_threshold() {
        let (n, p) = (40, 300);
        let noise = |seed: usize| ((seed * 2_654_435_761) % 1000) as f64 / 500.0 - 1.0;
        let values = (0..n * p).map(|at| noise(at + at / 7)).collect();
        let design = Design::Dense(Columns::new(n, p, values).unwrap());
        let view = Standardized::new(&design, true, false);
        let usable = view.usable();
        let first: Vec<f64> = (0..n).map(|row| noise(row * row + 3)).collect();
        let mut known = Correlations::new(&view, &usable, &first);
        let mut read = 0;
        for turn in 1..6 {
            // Shrinks more than it turns, as residuals along a path do.
            let size = 0.8_f64.powi(turn);
            let moved = |(row, value): (usize, &f64)| {
                size * (value + 0.03 * f64::from(turn) * noise(row + 11))
            };
            let r: Vec<f64> = first.iter().enumerate().map(moved).collect();
            let exact = view.correlations(&usable, &r);
            let threshold = 0.6 * exact.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            known.refresh(&view, &r, threshold, |j| j == 17);
            close(known.value[17], exact[17], 1e-15, 0.0);
            for (&value, &exact) in known.value.iter().zip(&exact) {
                let below = value.abs() < threshold && exact.abs() < threshold;
                assert!(below || value == exact, "{value} {exact} {threshold}");
                read += usize::from(value == exact);
            }
        }
        assert!(read < 5 * p / 2, "{read} of {} were read", 5 * p);
    }
}
