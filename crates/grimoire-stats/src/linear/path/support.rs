//! The Cholesky factor of the Gram matrix over the coefficients that are in, kept while they come and go.
//!
//! ```text
//! LLᵀ = G_SS + diag(l2) + ε·diag(G)       append: one forward substitution       drop: Givens rotations
//! ```
//!
//! From one penalty to the next few coefficients change sides, so following the factor costs k² for each of
//! them where a new one costs k³/3. The ε of 10⁻¹⁰ lets it live beyond full rank (as many coefficients in
//! as observations): along a direction that changes no fitted value a step is then long, and where it is
//! cut off by a sign is a coefficient that leaves. Not exact, then, but used only for steps whose outcome
//! is checked. Sources: G. Golub, C. Van Loan, *Matrix Computations*, 6.5; B. Efron et al., "Least angle
//! regression" (2004), for the use.

use super::quadratic::Gram;
use crate::linear::vector::{axpy_inline, dispatch, dot, dot_inline};

/// Part of the diagonal that is added to it.
pub(crate) const RIDGE: f64 = 1e-10;

/// The factor over `slots`, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Support {
    slots: Vec<usize>,
    /// Row i of the lower triangle, i + 1 numbers.
    rows: Vec<Vec<f64>>,
    /// The square penalty that the diagonal holds.
    square: Vec<f64>,
    /// What a sweep of descent over the support last left of the departure from optimality; kept here
    /// because it is known of the support from problems before, as the factor is.
    pub(crate) contraction: f64,
}

impl Support {
    /// The slots, in the order of [`Support::solve`].
    pub(crate) fn slots(&self) -> &[usize] {
        &self.slots
    }

    /// Multiplications that [`Support::follow`] would take, about: rows that are appended, and turns of what
    /// lies behind a row that is dropped, half of all on average.
    pub(crate) fn cost(&self, wanted: &[usize], l2: &[f64]) -> f64 {
        let mut held = vec![false; l2.len()];
        for (&slot, &square) in self.slots.iter().zip(&self.square) {
            held[slot] = square == l2[slot];
        }
        let stay = wanted.iter().filter(|slot| held[**slot]).count();
        let (dropped, size) = ((self.slots.len() - stay) as f64, self.slots.len() as f64);
        let appended = ((wanted.len() as f64).powi(3) - (stay as f64).powi(3)) / 6.0;
        appended + dropped * size * size * (2.0 / 3.0)
    }

    /// Makes it the factor over `wanted`.
    pub(crate) fn follow(&mut self, gram: &Gram, l2: &[f64], wanted: &[usize]) {
        let mut is_wanted = vec![false; gram.len()];
        wanted.iter().for_each(|&slot| is_wanted[slot] = true);
        for at in (0..self.slots.len()).rev() {
            if !is_wanted[self.slots[at]] || self.square[at] != l2[self.slots[at]] {
                self.remove(at);
            }
        }
        self.slots.iter().for_each(|&slot| is_wanted[slot] = false);
        let new: Vec<usize> = wanted.iter().copied().filter(|&slot| is_wanted[slot]).collect();
        self.append(gram, l2, &new);
    }

    /// Appends slots. What the rows that are there do to the new ones is done for all of these at once, so
    /// that the factor is read once.
    fn append(&mut self, gram: &Gram, l2: &[f64], new: &[usize]) {
        let products = |slot: &usize| -> Vec<f64> {
            self.slots.iter().map(|&other| gram.columns[*slot][other]).collect()
        };
        let mut appended: Vec<Vec<f64>> = new.iter().map(products).collect();
        dispatch(
            #[inline(always)]
            || {
                for (i, row) in self.rows.iter().enumerate() {
                    for right in &mut appended {
                        right[i] = (right[i] - dot_inline(&row[..i], &right[..i])) / row[i];
                    }
                }
            },
        );
        let old = self.rows.len();
        for (&slot, mut row) in new.iter().zip(appended) {
            for (i, before) in self.rows.iter().enumerate().skip(old) {
                let product = gram.columns[slot][self.slots[i]];
                row.push((product - dot(&before[..i], &row)) / before[i]);
            }
            let diagonal = gram.diagonal[slot];
            let pivot = diagonal * (1.0 + RIDGE) + l2[slot] - dot(&row, &row);
            row.push(pivot.max(RIDGE * diagonal).sqrt());
            self.slots.push(slot);
            self.square.push(l2[slot]);
            self.rows.push(row);
        }
    }

    /// Drops the slot at a place of the order.
    pub(crate) fn remove(&mut self, at: usize) {
        self.slots.remove(at);
        self.square.remove(at);
        self.rows.remove(at);
        let mut turns: Vec<(f64, f64)> = Vec::with_capacity(self.rows.len() - at);
        for row in &mut self.rows[at..] {
            // Each turn mixes two neighbouring columns; the last one of a row makes it triangular again.
            let mut right = row[at];
            for (k, &(c, s)) in turns.iter().enumerate() {
                let next = row[at + k + 1];
                row[at + k] = c * right + s * next;
                right = c * next - s * right;
            }
            let last = at + turns.len();
            let next = row[last + 1];
            let length = right.hypot(next);
            turns.push((right / length, next / length));
            row[last] = length;
            row.truncate(last + 1);
        }
    }

    /// Solves `LLᵀx = right` in place, in the order of the slots.
    pub(crate) fn solve(&self, right: &mut [f64]) {
        dispatch(
            #[inline(always)]
            || {
                for (i, row) in self.rows.iter().enumerate() {
                    right[i] = (right[i] - dot_inline(&row[..i], &right[..i])) / row[i];
                }
                for (i, row) in self.rows.iter().enumerate().rev() {
                    right[i] /= row[i];
                    axpy_inline(-right[i], &row[..i], &mut right[..i]);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn follows_what_comes_and_goes() {
        // G = AᵀA of a made-up A, so that it is positive definite.
        let a = |i: usize, j: usize| {
            ((i * 7 + j * 3) % 11) as f64 - 4.0 + f64::from(u8::from(i == j)) * 9.0
        };
        let entry = |i: usize, j: usize| (0..8).map(|k| a(k, i) * a(k, j)).sum::<f64>();
        let gram = Gram::new((0..8).map(|j| (0..8).map(|i| entry(i, j)).collect()).collect());
        let l2 = vec![0.5; 8];
        let mut support = Support::default();
        for wanted in [vec![3, 1, 6], vec![0, 1, 2, 3, 4, 5, 6, 7], vec![7, 2, 4], vec![2, 5, 4, 7]]
        {
            support.follow(&gram, &l2, &wanted);
            let slots = support.slots().to_vec();
            let mut sorted = (slots.clone(), wanted);
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            assert_eq!(sorted.0, sorted.1);
            let x: Vec<f64> = (0..slots.len()).map(|i| 1.0 + i as f64).collect();
            let product = |i: usize| -> f64 {
                let g = |j: usize| entry(slots[i], slots[j]) + if i == j { 0.5 } else { 0.0 };
                (0..slots.len()).map(|j| g(j) * x[j]).sum()
            };
            let mut right: Vec<f64> = (0..slots.len()).map(product).collect();
            support.solve(&mut right);
            right.iter().zip(&x).for_each(|(found, x)| close(*found, *x, 1e-7, 0.0));
        }
        // Nothing to append, one of four to drop: 16 · 2/3. One to append to four: (125 − 64)/6.
        close(support.cost(&[2, 5, 4], &l2), 32.0 / 3.0, 1e-15, 0.0);
        close(support.cost(&[2, 5, 4, 7, 0], &l2), 61.0 / 6.0, 1e-15, 0.0);
    }
}
