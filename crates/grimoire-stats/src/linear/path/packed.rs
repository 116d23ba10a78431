//! Coordinate descent over sparse columns that keeps the residual, with extrapolation.
//!
//! ```text
//! bⱼ ← S(x̃ⱼᵀr/n + ‖x̃ⱼ‖²bⱼ/n, l1) / (‖x̃ⱼ‖²/n + l2),   r ← r + (old − new)·x̃ⱼ
//! x̃ⱼᵀr = Σ vᵢrestᵢ − m·Σ restᵢ,   r = rest − shift: centring is never carried out on the columns
//! ```
//!
//! A move costs as many multiplications as the column has values, three in text of pairs of words, where the
//! Gram matrix would cost one for every column at work. The columns at work are copied side by side first: read
//! where they lie, each would cost a few misses of the cache. Every few sweeps over those that are in, the
//! iterates are extrapolated: `Σ wᵢb⁽ⁱ⁾` with the weights, of sum one, that make `Σ wᵢ(b⁽ⁱ⁺¹⁾ − b⁽ⁱ⁾)` least;
//! what does not lower the objective is dropped. Sources: D. Anderson, "Iterative procedures for nonlinear integral
//! equations" (1965); Q. Bertrand, M. Massias, "Anderson acceleration of coordinate descent" (2021).

use super::quadratic::soft;
use super::standard::Standardized;
use crate::linear::vector::{axpy, dot};

/// Sweeps between extrapolations.
const DEPTH: usize = 5;

/// Columns at work, and where their coefficients and the residual stand.
pub(crate) struct Packed {
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
    /// `mⱼ/sⱼ`.
    centres: Vec<f64>,
    norms: Vec<f64>,
    /// Coefficients, in the order of the columns.
    pub(crate) b: Vec<f64>,
    rest: Vec<f64>,
    shift: f64,
    base: f64,
    l1: f64,
    l2: f64,
}

impl Packed {
    /// The columns named with their coefficients, where `rest` is the residual of all; `None` when dense.
    pub(crate) fn new(
        view: &Standardized<'_>,
        columns: &[usize],
        b: Vec<f64>,
        rest: &[f64],
        (l1, l2): (f64, f64),
    ) -> Option<Self> {
        let sparse = view.sparse_columns()?;
        let (mut starts, mut rows, mut values) = (vec![0], vec![], vec![]);
        for &j in columns {
            let (at, cells) = sparse.column(j);
            rows.extend_from_slice(at);
            values.extend(cells.iter().map(|cell| cell / view.scales[j]));
            starts.push(rows.len());
        }
        Some(Self {
            starts,
            rows,
            values,
            centres: columns.iter().map(|&j| view.means[j] / view.scales[j]).collect(),
            norms: columns.iter().map(|&j| view.norms[j]).collect(),
            b,
            base: rest.iter().sum(),
            rest: rest.to_vec(),
            shift: 0.0,
            l1,
            l2,
        })
    }

    /// Sweeps until no step would change a condition of optimality by more than `violation`; how many.
    pub(crate) fn solve(&mut self, violation: f64, limit: usize) -> usize {
        let all: Vec<usize> = (0..self.b.len()).collect();
        let mut sweeps = 0;
        while sweeps < limit {
            sweeps += 1;
            if self.sweep(&all) <= violation {
                break;
            }
            let active: Vec<usize> = all.iter().copied().filter(|&k| self.b[k] != 0.0).collect();
            let mut iterates = vec![self.at(&active)];
            while sweeps < limit {
                sweeps += 1;
                if self.sweep(&active) <= violation {
                    break;
                }
                iterates.push(self.at(&active));
                if iterates.len() > DEPTH {
                    self.extrapolate(&active, &iterates);
                    iterates = vec![self.at(&active)];
                }
            }
        }
        sweeps
    }

    fn at(&self, active: &[usize]) -> Vec<f64> {
        active.iter().map(|&k| self.b[k]).collect()
    }

    /// One pass; the largest change of a condition of optimality.
    fn sweep(&mut self, order: &[usize]) -> f64 {
        let n = self.rest.len() as f64;
        let mut worst = 0.0_f64;
        for &k in order {
            let range = self.starts[k]..self.starts[k + 1];
            let (rows, values) = (&self.rows[range.clone()], &self.values[range]);
            let raw: f64 =
                rows.iter().zip(values).map(|(&row, value)| value * self.rest[row as usize]).sum();
            let slope = (raw - self.centres[k] * (self.base + n * self.shift)) / n;
            let (norm, old) = (self.norms[k], self.b[k]);
            let new = soft(slope + norm * old, self.l1) / (norm + self.l2);
            if new != old {
                self.b[k] = new;
                let change = old - new;
                for (&row, value) in rows.iter().zip(values) {
                    self.rest[row as usize] += change * value;
                }
                self.shift += change * self.centres[k];
                worst = worst.max(change.abs() * (norm + self.l2));
            }
        }
        worst
    }

    /// Moves the coefficients named to the values given.
    fn go(&mut self, active: &[usize], to: &[f64]) {
        for (&k, &to) in active.iter().zip(to) {
            let change = self.b[k] - to;
            for at in self.starts[k]..self.starts[k + 1] {
                self.rest[self.rows[at] as usize] += change * self.values[at];
            }
            self.shift += change * self.centres[k];
            self.b[k] = to;
        }
    }

    fn objective(&self) -> f64 {
        let square: f64 = self.rest.iter().map(|rest| (rest - self.shift).powi(2)).sum();
        let penalty: f64 = self.b.iter().map(|b| self.l1 * b.abs() + 0.5 * self.l2 * b * b).sum();
        0.5 * square / self.rest.len() as f64 + penalty
    }

    fn extrapolate(&mut self, active: &[usize], iterates: &[Vec<f64>]) {
        let Some(to) = combination(iterates) else { return };
        let (before, rest, shift) = (self.objective(), self.rest.clone(), self.shift);
        self.go(active, &to);
        // Not a number is not smaller either.
        let falls = self.objective() < before;
        if !falls {
            let last = iterates.last().map_or(&[][..], Vec::as_slice);
            active.iter().zip(last).for_each(|(&k, &b)| self.b[k] = b);
            (self.rest, self.shift) = (rest, shift);
        }
    }
}

/// `Σ wᵢ b⁽ⁱ⁺¹⁾`, `w` of sum one, where `‖Σ wᵢ(b⁽ⁱ⁺¹⁾ − b⁽ⁱ⁾)‖` is least: `w ∝ (UᵀU)⁻¹1`, with a little on the
/// diagonal against directions that repeat.
fn combination(iterates: &[Vec<f64>]) -> Option<Vec<f64>> {
    let steps: Vec<Vec<f64>> = iterates
        .windows(2)
        .map(|pair| pair[1].iter().zip(&pair[0]).map(|(new, old)| new - old).collect())
        .collect();
    let size = steps.len();
    let mut table: Vec<Vec<f64>> = steps
        .iter()
        .map(|a| steps.iter().map(|b| dot(a, b)).chain(std::iter::once(1.0)).collect())
        .collect();
    let trace: f64 = (0..size).map(|i| table[i][i]).sum();
    (0..size).for_each(|i| table[i][i] += 1e-10 * trace);
    for i in 0..size {
        // Positive definite, so the pivots need no choice.
        let pivot = table[i][i];
        if pivot <= 0.0 || pivot.is_nan() {
            return None;
        }
        table[i].iter_mut().for_each(|value| *value /= pivot);
        let row = table[i].clone();
        for (_, other) in table.iter_mut().enumerate().filter(|(k, _)| *k != i) {
            axpy(-other[i], &row, other);
        }
    }
    let total: f64 = table.iter().map(|row| row[size]).sum();
    let mut out = vec![0.0; iterates.first()?.len()];
    for (row, iterate) in table.iter().zip(&iterates[1..]) {
        axpy(row[size] / total, iterate, &mut out);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::all_close;

    #[test]
    fn extrapolation_of_a_linear_iteration_finds_its_fixed_point() {
        // b ← M b + (1, 2, 3) with M = diag(0.9, 0.5, −0.3): the fixed point is (10, 4, 30/13); three rates
        // are known after four steps.
        let next = |b: &[f64]| vec![0.9 * b[0] + 1.0, 0.5 * b[1] + 2.0, -0.3 * b[2] + 3.0];
        let mut iterates = vec![vec![0.0; 3]];
        for at in 0..4 {
            iterates.push(next(&iterates[at]));
        }
        let found = combination(&iterates).unwrap();
        all_close(&found, &[10.0, 4.0, 30.0 / 13.0], 1e-3, 0.0);
        assert!(combination(&[vec![1.0], vec![1.0]]).is_none());
    }
}
