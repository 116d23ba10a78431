//! Coordinate descent on a quadratic given by its Gram matrix, finished by an exact step.
//!
//! ```text
//! minimise  ½ bᵀGb − qᵀb + Σ l1ⱼ|bⱼ| + ½ Σ l2ⱼ bⱼ²
//! bⱼ ← S(cⱼ + Gⱼⱼbⱼ, l1ⱼ) / (Gⱼⱼ + l2ⱼ),   c = q − Gb kept up to date
//! ```
//!
//! J. Friedman, T. Hastie, R. Tibshirani, "Regularization paths for generalized linear models via
//! coordinate descent" (2010), covariance updates. Descent finds who is in; on the [support](super::support)
//! with its signs the solution is a linear system, solved to the last digit by Newton's steps. A step stops
//! where a coefficient would change its sign; that coefficient leaves and the rest go on, so the objective
//! never rises. Settling is tried only after as much descent as it costs.

use super::support::Support;
use crate::linear::vector::{axpy_inline, dispatch};

/// Gram matrix over slots that grows by columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gram {
    /// Column k holds the products of slot k with every slot.
    pub(crate) columns: Vec<Vec<f64>>,
}

impl Gram {
    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Adds slots: for each, its products with all old slots and all new ones.
    pub(crate) fn grow(&mut self, new: Vec<Vec<f64>>) {
        let old = self.columns.len();
        for (k, column) in self.columns.iter_mut().enumerate() {
            column.extend(new.iter().map(|new| new[k]));
        }
        debug_assert!(new.iter().all(|column| column.len() == old + new.len()));
        self.columns.extend(new);
    }
}

/// The problem and where its solution stands.
pub(crate) struct Quadratic<'a> {
    pub(crate) gram: &'a Gram,
    /// Penalty on the absolute value, by slot.
    pub(crate) l1: &'a [f64],
    /// Penalty on half the square, by slot.
    pub(crate) l2: &'a [f64],
    /// Coefficients.
    pub(crate) b: &'a mut [f64],
    /// `q − Gb`.
    pub(crate) c: &'a mut [f64],
    /// What is known of the support from problems before.
    pub(crate) support: &'a mut Support,
}

/// `sign(u)·max(|u| − t, 0)`.
#[inline(always)]
pub(crate) fn soft(u: f64, t: f64) -> f64 {
    if u > t {
        u - t
    } else if u < -t {
        u + t
    } else {
        0.0
    }
}

impl Quadratic<'_> {
    /// Solves over the slots of `work` until no condition of optimality is off by more than
    /// `violation`, or `limit` sweeps are used up. Returns the number of sweeps.
    pub(crate) fn solve(&mut self, work: &[usize], violation: f64, limit: usize) -> usize {
        let mut sweeps = 0;
        let mut spent = 0.0; // multiplications since the support was last settled
        loop {
            let moved = self.sweep(work, 0.01 * violation);
            sweeps += 1;
            let active: Vec<usize> = work.iter().copied().filter(|&j| self.is_in(j)).collect();
            spent += work.len() as f64 + moved as f64 * self.gram.len() as f64;
            if moved == 0 || self.violation(work) <= violation || sweeps >= limit {
                return sweeps;
            }
            // A sweep over the support costs less than one over all.
            for _ in 0..4 {
                let moved = self.sweep(&active, 0.01 * violation);
                sweeps += 1;
                spent += moved as f64 * self.gram.len() as f64;
                if self.violation(&active) <= 0.5 * violation {
                    break;
                }
            }
            if self.violation(&active) > 0.5 * violation {
                let active: Vec<usize> = work.iter().copied().filter(|&j| self.is_in(j)).collect();
                let steps = 3.0 * (active.len() * self.gram.len()) as f64;
                if spent > self.support.cost(&active, self.l2) + steps {
                    spent = 0.0;
                    self.settle(&active, 0.25 * violation);
                }
            }
        }
    }

    fn is_in(&self, j: usize) -> bool {
        (self.b[j] != 0.0 || self.l1[j] == 0.0) && self.gram.columns[j][j] > 0.0
    }

    /// One pass; how many coefficients moved. One that stays in moves only if that changes a condition of
    /// optimality by more than `least`.
    fn sweep(&mut self, work: &[usize], least: f64) -> usize {
        let Self { gram, l1, l2, b, c, .. } = self;
        dispatch(|| {
            let mut moved = 0;
            for &j in work {
                let column = &gram.columns[j];
                let diagonal = column[j];
                if diagonal <= 0.0 {
                    continue;
                }
                let old = b[j];
                let new = soft(c[j] + diagonal * old, l1[j]) / (diagonal + l2[j]);
                let small = (new - old).abs() * (diagonal + l2[j]) <= least;
                if new == old || (small && new != 0.0 && old != 0.0) {
                    continue;
                }
                b[j] = new;
                axpy_inline(old - new, column, c);
                moved += 1;
            }
            moved
        })
    }

    /// The largest departure from the conditions of optimality over `work`.
    pub(crate) fn violation(&self, work: &[usize]) -> f64 {
        work.iter()
            .filter(|&&j| self.gram.columns[j][j] > 0.0)
            .map(|&j| {
                let slope = self.c[j] - self.l2[j] * self.b[j];
                if self.b[j] == 0.0 {
                    (slope.abs() - self.l1[j]).max(0.0)
                } else {
                    (slope - self.l1[j] * self.b[j].signum()).abs()
                }
            })
            .fold(0.0, f64::max)
    }

    /// Newton's steps on the support until its conditions hold to `enough`; who reaches zero leaves.
    fn settle(&mut self, active: &[usize], enough: f64) {
        self.support.follow(self.gram, self.l2, active);
        let mut before = f64::INFINITY;
        loop {
            let mut step: Vec<f64> = self.support.slots().iter().map(|&j| self.slope(j)).collect();
            let off = step.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
            self.support.solve(&mut step);
            if off <= enough || step.iter().any(|value| !value.is_finite()) {
                return;
            }
            let reach = |(&j, &step): (&usize, &f64)| {
                let crosses = self.l1[j] > 0.0 && self.b[j] * (self.b[j] + step) < 0.0;
                if crosses { -self.b[j] / step } else { f64::INFINITY }
            };
            let length = self.support.slots().iter().zip(&step).map(reach).fold(1.0, f64::min);
            // A whole step that helps no more has met rounding.
            if length == 1.0 && off > 0.5 * before {
                return;
            }
            before = if length == 1.0 { off } else { f64::INFINITY };
            self.walk(&step, length);
        }
    }

    /// The slope of the objective at a coefficient that is in, downhill.
    fn slope(&self, j: usize) -> f64 {
        let sign = if self.b[j] == 0.0 { 0.0 } else { self.b[j].signum() };
        self.c[j] - self.l2[j] * self.b[j] - self.l1[j] * sign
    }

    /// Moves the support by `length·step`; drops from it what arrives at zero.
    fn walk(&mut self, step: &[f64], length: f64) {
        let Self { gram, b, c, l1, support, .. } = self;
        let mut left = Vec::new();
        dispatch(|| {
            for (at, (&j, &step)) in support.slots().iter().zip(step).enumerate() {
                let old = b[j];
                let mut new = old + length * step;
                if l1[j] > 0.0 && (new * old <= 0.0 || new.abs() < 1e-15 * old.abs()) {
                    new = 0.0;
                    left.push(at);
                }
                b[j] = new;
                axpy_inline(old - new, &gram.columns[j], c);
            }
        });
        left.into_iter().rev().for_each(|at| support.remove(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_two_correlated_coordinates_exactly() {
        // G = [1 .5; .5 1], q = (1, .2), l1 = .1: with b₂ = 0, b₁ = .9 and c₂ = .2 − .45 = −.25, beyond
        // .1, so both are active with signs (+, −): [1 .5; .5 1] b = (.9, .3) gives b = (1, −.2).
        let gram = Gram { columns: vec![vec![1.0, 0.5], vec![0.5, 1.0]] };
        let (mut b, mut c) = (vec![0.0; 2], vec![1.0, 0.2]);
        let mut support = Support::default();
        let mut problem = Quadratic {
            gram: &gram,
            l1: &[0.1; 2],
            l2: &[0.0; 2],
            b: &mut b,
            c: &mut c,
            support: &mut support,
        };
        problem.solve(&[0, 1], 1e-15, 100);
        grimoire_testkit::all_close(&b, &[1.0, -0.2], 1e-14, 0.0);
    }
}
