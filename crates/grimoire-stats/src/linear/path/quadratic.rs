//! Coordinate descent on a quadratic given by its Gram matrix, finished by an exact step.
//!
//! ```text
//! minimise  ½ bᵀGb − qᵀb + Σ l1ⱼ|bⱼ| + ½ Σ l2ⱼ bⱼ²
//! bⱼ ← S(cⱼ + Gⱼⱼbⱼ, l1ⱼ) / (Gⱼⱼ + l2ⱼ),   c = q − Gb kept up to date
//! ```
//!
//! J. Friedman, T. Hastie, R. Tibshirani, "Regularization paths for generalized linear models via
//! coordinate descent" (2010), covariance updates. On the [support](super::support) with its signs the
//! solution is a linear system, solved to the last digit by Newton's steps. A step stops where a coefficient
//! would change its sign; that coefficient leaves and the rest go on, so the objective never rises.
//!
//! Which of the two comes next is counted in multiplications: the sweeps that descent would need still, by
//! the rate at which it last converged, against the changes of the factor. So a loose tolerance is not
//! reached by a hundred cheap sweeps where one exact step would do, nor a factor followed where four sweeps
//! are enough.

use super::support::{RIDGE, Support};
use crate::linear::vector::{axpy_inline, dispatch};

/// Gram matrix over slots that grows by columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gram {
    /// Column k holds the products of slot k with every slot.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Its diagonal, which is asked for more often than any column.
    pub(crate) diagonal: Vec<f64>,
}

impl Gram {
    /// From all columns.
    pub(crate) fn new(columns: Vec<Vec<f64>>) -> Self {
        let diagonal = columns.iter().enumerate().map(|(k, column)| column[k]).collect();
        Self { columns, diagonal }
    }

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
        self.diagonal.extend(new.iter().enumerate().map(|(k, column)| column[old + k]));
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
        let mut stalled = false;
        loop {
            let off = self.violation(work);
            if off <= violation || sweeps >= limit {
                return sweeps;
            }
            let active = self.active(work);
            if !stalled && self.exact_is_cheaper(&active, off / violation) {
                // Those outside that want in take a step each; then all that are in go to their optimum.
                let idle: Vec<usize> = work.iter().copied().filter(|&j| !self.is_in(j)).collect();
                self.sweep(&idle, 0.0);
                sweeps += 1;
                self.settle(&self.active(work), 0.25 * violation);
                stalled = self.violation(work) > 0.5 * off;
            } else {
                stalled = false;
                let moved = self.sweep(work, 0.01 * violation);
                sweeps += 1;
                if moved == 0 {
                    return sweeps;
                }
                sweeps += self.descend(&self.active(work), violation);
            }
        }
    }

    /// Sweeps over those that are in, which cost less than sweeps over all; notes how fast they converge.
    fn descend(&mut self, active: &[usize], violation: f64) -> usize {
        let start = self.violation(active);
        let (mut off, mut sweeps) = (start, 0);
        while sweeps < 4 && off > 0.5 * violation {
            self.sweep(active, 0.01 * violation);
            off = self.violation(active);
            sweeps += 1;
        }
        if sweeps > 1 {
            self.support.contraction = (off / start).powf(1.0 / sweeps as f64).clamp(0.01, 0.999);
        }
        sweeps
    }

    /// Whether following the factor and two Newton's steps take fewer multiplications than the sweeps that
    /// bring a departure from optimality down by `ratio`.
    fn exact_is_cheaper(&self, active: &[usize], ratio: f64) -> bool {
        let (k, slots) = (active.len() as f64, self.gram.len() as f64);
        let needed = 1.0 - ratio.ln() / self.support.contraction.ln();
        let exact = self.support.cost(active, self.l2) + 2.0 * k * (k + slots);
        exact < needed * k * slots
    }

    fn active(&self, work: &[usize]) -> Vec<usize> {
        work.iter().copied().filter(|&j| self.is_in(j)).collect()
    }

    fn is_in(&self, j: usize) -> bool {
        (self.b[j] != 0.0 || self.l1[j] == 0.0) && self.gram.diagonal[j] > 0.0
    }

    /// One pass; how many coefficients moved. One that stays in moves only if that changes a condition of
    /// optimality by more than `least`.
    fn sweep(&mut self, work: &[usize], least: f64) -> usize {
        let Self { gram, l1, l2, b, c, .. } = self;
        dispatch(
            #[inline(always)]
            || {
                let mut moved = 0;
                for &j in work {
                    let diagonal = gram.diagonal[j];
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
                    axpy_inline(old - new, &gram.columns[j], c);
                    moved += 1;
                }
                moved
            },
        )
    }

    /// The largest departure from the conditions of optimality over `work`.
    pub(crate) fn violation(&self, work: &[usize]) -> f64 {
        work.iter()
            .filter(|&&j| self.gram.diagonal[j] > 0.0)
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
            let slopes: Vec<f64> = self.support.slots().iter().map(|&j| self.slope(j)).collect();
            let off = slopes.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
            // A step that does not halve it has met rounding.
            if off <= enough || off.is_nan() || off > 0.5 * before {
                return;
            }
            before = off;
            let start: Vec<(usize, f64)> =
                self.support.slots().iter().map(|&j| (j, self.b[j])).collect();
            let finite = self.newton(slopes);
            let Self { gram, b, c, .. } = self;
            dispatch(
                #[inline(always)]
                || {
                    for &(j, old) in start.iter().filter(|(j, old)| b[*j] != *old) {
                        axpy_inline(old - b[j], &gram.columns[j], c);
                    }
                },
            );
            if !finite {
                return;
            }
        }
    }

    /// The slope of the objective at a coefficient that is in, downhill.
    fn slope(&self, j: usize) -> f64 {
        let sign = if self.b[j] == 0.0 { 0.0 } else { self.b[j].signum() };
        self.c[j] - self.l2[j] * self.b[j] - self.l1[j] * sign
    }

    /// Takes the coefficients of the support, whose slopes are given, to where the slopes vanish. A step `d`
    /// that is cut to its part `t` by a sign leaves `(1−t)` of the slopes, and `t·ε·diag(G)·d` because the
    /// factor has that diagonal added; so `c` need not be known on the way. Whether all steps were finite.
    fn newton(&mut self, mut slopes: Vec<f64>) -> bool {
        loop {
            let mut step = slopes.clone();
            self.support.solve(&mut step);
            if step.iter().any(|value| !value.is_finite()) {
                return false;
            }
            let Self { gram, b, l1, support, .. } = self;
            let reach = |(at, &j): (usize, &usize)| {
                let crosses = l1[j] > 0.0 && b[j] * (b[j] + step[at]) < 0.0;
                if crosses { (-b[j] / step[at], at) } else { (f64::INFINITY, at) }
            };
            let first = support.slots().iter().enumerate().map(reach);
            let (length, first) = first
                .fold((1.0, usize::MAX), |least, next| if next.0 < least.0 { next } else { least });
            let mut left = Vec::new();
            for (at, &j) in support.slots().iter().enumerate() {
                let (old, new) = (b[j], b[j] + length * step[at]);
                let leaves = at == first || (l1[j] > 0.0 && new * old <= 0.0);
                b[j] = if leaves { 0.0 } else { new };
                slopes[at] =
                    (1.0 - length) * slopes[at] + length * RIDGE * gram.diagonal[j] * step[at];
                if leaves {
                    left.push(at);
                }
            }
            if left.is_empty() {
                return true;
            }
            for at in left.into_iter().rev() {
                support.remove(at);
                slopes.remove(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_two_correlated_coordinates_exactly() {
        // G = [1 .5; .5 1], q = (1, .2), l1 = .1: with b₂ = 0, b₁ = .9 and c₂ = .2 − .45 = −.25, beyond
        // .1, so both are active with signs (+, −): [1 .5; .5 1] b = (.9, .3) gives b = (1, −.2).
        let gram = Gram::new(vec![vec![1.0, 0.5], vec![0.5, 1.0]]);
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
