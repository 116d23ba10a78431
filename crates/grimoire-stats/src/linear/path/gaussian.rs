//! The lasso and elastic net path for squared residuals.
//!
//! Three ways through the same mathematics, chosen by size: with the whole Gram matrix (few predictors), with that of
//! a working set grown by the strong rule (many), or from the residual (when even the working set is too large, or
//! its columns are so sparse that a product with one costs less than a column of it). Each ends with the conditions
//! of optimality checked on every predictor and a duality gap.
//!
//! Equation: that of the [module](super). Domain: finite values, two rows or more, a response that varies. Accuracy:
//! the gap of each point, and coefficients within 10⁻⁷ of glmnet's published ones and of scikit-learn's at a tight
//! tolerance (`tests/linear_path.rs`). Sources: Friedman, Hastie, Tibshirani (2010), 2.1 and 2.2; Tibshirani et al.
//! (2012).

use super::packed::Packed;
use super::quadratic::{Gram, Quadratic, soft};
use super::screen::Correlations;
use super::standard::{Standardized, spread};
use super::support::Support;
use super::{Convention, Options, Path, Point, Updates};
use crate::error::{Error, Result, sample};
use crate::linear::design::Design;
use crate::linear::vector::{axpy, dot, mean};

/// Working sets larger than this are followed by the residual instead of their Gram matrix (512 MiB).
const MOST_SLOTS: usize = 8192;
/// The same for sparse predictors: this many for each value of a column.
const SLOTS_PER_VALUE: usize = 64;
/// Up to this many rows sparse predictors are like dense ones in that.
const FEW_ROWS: usize = 2048;
/// Largest number of predictors for which the whole Gram matrix is formed at once.
const WHOLE_GRAM: usize = 4096;
/// Tolerances below this one need a gradient without the rounding of many updates.
const ROUNDING_SHOWS: f64 = 1e-9;
const NO_SLOT: u32 = u32::MAX;

/// Fits the path of `y` on `design`: for each λ the minimum of 1/(2n) ‖y − b₀ − Xb‖² + λ [ α‖b‖₁ +
/// (1−α)/2 ‖b‖² ], with the conventions of the [module](super).
///
/// Domain: finite values, two rows or more, a response that varies; α from 0 to 1, λ ≥ 0. Method:
/// coordinate descent on the Gram matrix, on that of a working set grown by the strong rule, or
/// from the residual, with an exact last step. Accuracy: each point's duality gap is at most the
/// tolerance, so that fitted values are exact to about its square root; coefficients within 10⁻⁷ of
/// glmnet's and scikit-learn's at a tight tolerance (`tests/linear_path.rs`). Source: J. Friedman,
/// T. Hastie and R. Tibshirani (2010), 2.1 and 2.2; R. Tibshirani and others (2012).
///
/// # Errors
/// When the sizes differ, a value is not finite, y does not vary, an option is outside its domain,
/// or a penalty needs more than `max_sweeps` sweeps.
///
/// ```
/// use grimoire_stats::linear::path::{Convention, Options, gaussian};
/// use grimoire_stats::linear::{Columns, Design};
/// // One standardised predictor, y = x: the lasso takes λ off the coefficient.
/// let x = Design::Dense(Columns::new(2, 1, vec![-1.0, 1.0]).unwrap());
/// let options = Options {
///     convention: Convention::Sklearn,
///     lambdas: Some(vec![0.25]),
///     ..Options::default()
/// };
/// let path = gaussian(&x, &[-1.0, 1.0], &options).unwrap();
/// assert!((path.points[0].dense(1)[0] - 0.75).abs() < 1e-12);
/// ```
pub fn gaussian(design: &Design, y: &[f64], options: &Options) -> Result<Path> {
    check(design, y, options)?;
    let centre = if options.intercept { mean(y) } else { 0.0 };
    let centred: Vec<f64> = y.iter().map(|value| value - centre).collect();
    let square = dot(&centred, &centred) / y.len() as f64;
    if square <= (centre * 1e-15).powi(2) {
        return Err(Error::Degenerate { what: "penalised regression", why: "y does not vary" });
    }
    let mut view = Standardized::measured(design, options.intercept, options.standardizes());
    let usable = view.usable();
    let n_lambdas = options.lambdas.as_ref().map_or(options.n_lambdas, Vec::len);
    let naive = options.updates == Updates::Naive;
    let whole = !naive && usable.len() <= WHOLE_GRAM && usable.len() <= 15 * n_lambdas.max(7);
    let (gram, all) = if whole {
        view.gram_whole(&usable, &centred)
    } else {
        if naive || view.is_far() {
            view.hold();
        }
        (vec![], view.correlations(&usable, &centred))
    };
    let most = all.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let largest = most / options.alpha.max(1e-3);
    let lambdas = options.grid(largest, y.len(), design.n_cols());
    let mut solver = Solver::new(&view, &centred, square, options, &usable, most);
    solver.most_slots = most_slots(design);
    if whole {
        solver.take_all(gram, all);
    } else {
        solver.correlations = Some(Correlations::known(&view, &usable, &centred, &all));
    }
    let mut points = Vec::with_capacity(lambdas.len());
    for (k, &lambda) in lambdas.iter().enumerate() {
        let next = lambdas.get(k + 1).copied();
        points.push(solver.point(lambda, next, centre)?);
    }
    Ok(Path {
        points,
        n: y.len(),
        n_predictors: design.n_cols(),
        constant: (0..view.n_cols()).filter(|&j| view.scales[j] == 0.0).collect(),
        lambda_max: if options.alpha == 0.0 { f64::INFINITY } else { most / options.alpha },
        updates: solver.updates(),
    })
}

fn check(design: &Design, y: &[f64], options: &Options) -> Result<()> {
    options.check()?;
    sample("the response", y, 2)?;
    if y.len() != design.n_rows() {
        return Err(Error::Lengths {
            left: "the response",
            n_left: y.len(),
            right: "rows of the design",
            n_right: design.n_rows(),
        });
    }
    Ok(())
}

fn most_slots(design: &Design) -> usize {
    match design {
        Design::Dense(_) => MOST_SLOTS,
        // No more coefficients can be in than there are rows: exact steps stay cheap.
        Design::Sparse(sparse) if sparse.n_rows() <= FEW_ROWS => MOST_SLOTS,
        Design::Sparse(sparse) => {
            let each = SLOTS_PER_VALUE * sparse.n_values() / sparse.n_cols().max(1);
            each.clamp(256, MOST_SLOTS)
        }
    }
}

/// Standard deviation with divisor n of values that are already centred (or must not be).
fn spread_of(y: &[f64]) -> f64 {
    spread(y, 0.0)
}

/// Everything that lives along the path. Slots number the columns whose products are known.
struct Solver<'a> {
    view: &'a Standardized<'a>,
    y: &'a [f64],
    /// ‖y‖²/n
    square: f64,
    square_weight: f64,
    options: &'a Options,
    usable: &'a [usize],
    slots: Vec<usize>,
    slot_of: Vec<u32>,
    gram: Gram,
    support: Support,
    b: Vec<f64>,
    c: Vec<f64>,
    /// `X̃ᵀy/n` when the whole Gram matrix is there.
    q: Vec<f64>,
    correlations: Option<Correlations>,
    naive: bool,
    /// Beyond this many slots the residual is followed.
    most_slots: usize,
    last_l1: f64,
    before: Option<Solution>,
}

/// Where the path was at an earlier penalty.
struct Solution {
    l1: f64,
    b: Vec<f64>,
    c: Vec<f64>,
}

/// The duality gap of `(b, c)` in units of the objective.
///
/// With `θ = s·r`, `|c′| ≤ λ₁` after scaling by `s`, `c′ = c − λ₂b`:
/// `gap = Σ(λ₁|b| − s b c′) + ½(1−s)²(‖r‖²/n + λ₂‖b‖²)`; with a square penalty the unscaled dual point
/// is feasible too, and each term of its gap is not negative:
/// `Σ λ₁|b| + ½λ₂b² + (|c|−λ₁)₊²/(2λ₂) − bc`. The smaller of the two.
///
/// Without any penalty there is no dual ball; `Σ|bc|`, which vanishes with the gradient, stands in.
fn gap(terms: impl Iterator<Item = (f64, f64)> + Clone, rr: f64, l1: f64, l2: f64) -> f64 {
    if l1 == 0.0 && l2 == 0.0 {
        return terms.map(|(b, c)| (b * c).abs()).sum();
    }
    let most = terms.clone().fold(0.0_f64, |most, (b, c)| most.max((c - l2 * b).abs()));
    let s = if most > l1 { l1 / most } else { 1.0 };
    let (mut scaled, mut free, mut squares) = (0.0, 0.0, 0.0);
    for (b, c) in terms {
        scaled += l1 * b.abs() - s * b * (c - l2 * b);
        squares += b * b;
        if l2 > 0.0 {
            let over = (c.abs() - l1).max(0.0);
            free += l1 * b.abs() + 0.5 * l2 * b * b + over * over / (2.0 * l2) - b * c;
        }
    }
    let scaled = scaled + 0.5 * (1.0 - s).powi(2) * (rr + l2 * squares);
    if l2 > 0.0 { scaled.min(free).max(0.0) } else { scaled.max(0.0) }
}

impl<'a> Solver<'a> {
    /// Before the first penalty, where `most` is the largest correlation.
    fn new(
        view: &'a Standardized<'a>,
        y: &'a [f64],
        square: f64,
        options: &'a Options,
        usable: &'a [usize],
        most: f64,
    ) -> Self {
        Solver {
            view,
            y,
            square,
            square_weight: match options.convention {
                // glmnet's response is scaled to variance one before its penalty is applied.
                Convention::Glmnet => 1.0 / spread_of(y),
                Convention::Sklearn => 1.0,
            },
            options,
            usable,
            slots: vec![],
            slot_of: vec![NO_SLOT; view.n_cols()],
            gram: Gram::default(),
            support: Support::default(),
            b: vec![],
            c: vec![],
            q: vec![],
            correlations: None,
            naive: options.updates == Updates::Naive,
            most_slots: MOST_SLOTS,
            last_l1: most,
            before: None,
        }
    }

    fn updates(&self) -> &'static str {
        match (self.naive, self.correlations.is_some()) {
            (true, _) => "naive",
            (false, true) => "covariance, working set",
            (false, false) => "covariance, whole",
        }
    }

    fn take_all(&mut self, gram: Vec<Vec<f64>>, all: Vec<f64>) {
        self.slots = self.usable.to_vec();
        for (slot, &j) in self.slots.iter().enumerate() {
            self.slot_of[j] = slot as u32;
        }
        self.gram = Gram::new(gram);
        self.b = vec![0.0; self.slots.len()];
        self.q.clone_from(&all);
        self.c = all;
    }

    /// Gives slots to columns that have none.
    fn take(&mut self, columns: &[usize]) {
        let new: Vec<usize> =
            columns.iter().copied().filter(|&j| self.slot_of[j] == NO_SLOT).collect();
        if new.is_empty() {
            return;
        }
        if self.options.updates == Updates::Auto && self.slots.len() + new.len() > self.most_slots {
            self.naive = true;
        }
        for &j in &new {
            self.slot_of[j] = self.slots.len() as u32;
            self.slots.push(j);
        }
        if !self.naive {
            self.gram.grow(self.view.gram(&self.slots, &new));
        }
        for &j in &new {
            self.b.push(0.0);
            self.c.push(self.correlations.as_ref().map_or(0.0, |known| known.value[j]));
        }
    }

    fn weights(&self) -> Vec<(usize, f64)> {
        self.slots.iter().zip(&self.b).filter(|(_, b)| **b != 0.0).map(|(&j, &b)| (j, b)).collect()
    }

    fn residual(&self) -> Vec<f64> {
        let minus: Vec<(usize, f64)> = self.weights().into_iter().map(|(j, b)| (j, -b)).collect();
        self.view.combine(self.y, &minus)
    }

    fn point(&mut self, lambda: f64, next: Option<f64>, centre: f64) -> Result<Point> {
        let alpha = self.options.alpha;
        let l1 = lambda * alpha;
        let l2 = lambda * (1.0 - alpha) * self.square_weight;
        // What the strong rule will ask for at the next penalty.
        let ahead = next.map_or(l1, |next| 2.0 * next * alpha - l1);
        let allowed = self.options.tolerance * 0.5 * self.square;
        let mut work = self.strong(l1);
        self.extrapolate(l1);
        let mut sweeps = 0;
        let mut violation = self.first_violation(allowed);
        let (gap, rr) = loop {
            sweeps += self.inner(&work, l1, l2, violation, self.options.max_sweeps - sweeps);
            let (missing, gap, rr) = self.check(&work, l1, l2, ahead);
            if missing.is_empty() {
                if gap <= allowed || violation < 1e-18 * self.last_l1.max(1e-300) {
                    break (gap, rr);
                }
                violation *= (0.5 * allowed / gap).clamp(0.01, 0.1);
            } else {
                self.take(&missing);
                work.extend(missing.iter().map(|&j| self.slot_of[j] as usize));
            }
            if sweeps >= self.options.max_sweeps {
                return Err(Error::NoConvergence {
                    what: "coordinate descent",
                    iterations: sweeps,
                    change: gap / (0.5 * self.square),
                });
            }
        };
        self.last_l1 = l1;
        Ok(self.finished(lambda, centre, gap, rr, sweeps))
    }

    /// Goes on in a straight line from the last two solutions, as the path mostly does. With b, c is linear
    /// too: only where a coefficient stops at zero does its column have to be read.
    fn extrapolate(&mut self, l1: f64) {
        let here = Solution { l1: self.last_l1, b: self.b.clone(), c: self.c.clone() };
        let before = self.before.replace(here);
        let (Some(before), Some(here)) = (before, &self.before) else { return };
        if before.l1 <= here.l1 {
            return;
        }
        let ahead = (here.l1 - l1) / (before.l1 - here.l1);
        if self.naive {
            self.extrapolate_naive(&before.b, ahead);
            return;
        }
        let known = before.b.len();
        let step: Vec<f64> = here
            .b
            .iter()
            .enumerate()
            .map(|(slot, b)| ahead * (b - before.b.get(slot).copied().unwrap_or(0.0)))
            .collect();
        for (slot, c) in self.c.iter_mut().enumerate() {
            *c += match before.c.get(slot) {
                Some(old) => ahead * (here.c[slot] - old),
                None => -dot(&self.gram.columns[slot][..known], &step[..known]),
            };
        }
        for (slot, (b, step)) in self.b.iter_mut().zip(&step).enumerate() {
            let line = *b + step;
            let new = if *b * line > 0.0 { line } else { 0.0 };
            if new != line {
                axpy(line - new, &self.gram.columns[slot], &mut self.c);
            }
            *b = new;
        }
    }

    /// The same where nothing but the coefficients is kept.
    fn extrapolate_naive(&mut self, before: &[f64], ahead: f64) {
        for (b, before) in self.b.iter_mut().zip(before) {
            let line = *b + ahead * (*b - before);
            *b = if *b * line > 0.0 { line } else { 0.0 };
        }
    }

    /// A violation small enough that the gap should pass: twice |b|₁ times it, once for the coefficients and
    /// once for scaling the residual, is about the gap.
    fn first_violation(&self, allowed: f64) -> f64 {
        let size: f64 = self.b.iter().map(|b| b.abs()).sum();
        allowed / (2.0 * size + self.square.sqrt())
    }

    /// Slots to work on at `l1`: those in use and those that the strong rule does not discard; when there
    /// are very many of these, the most correlated first.
    fn strong(&mut self, l1: f64) -> Vec<usize> {
        let threshold = 2.0 * l1 - self.last_l1;
        let Some(known) = &self.correlations else {
            return (0..self.slots.len())
                .filter(|&slot| self.b[slot] != 0.0 || self.c[slot].abs() >= threshold)
                .collect();
        };
        let used: Vec<usize> = (0..self.slots.len()).filter(|&slot| self.b[slot] != 0.0).collect();
        let idle = |j: &usize| {
            let slot = self.slot_of[*j];
            slot == NO_SLOT || self.b[slot as usize] == 0.0
        };
        let mut candidates: Vec<usize> = self
            .usable
            .iter()
            .copied()
            .filter(|j| known.value[*j].abs() >= threshold.max(0.5 * l1) && idle(j))
            .collect();
        most_correlated(&mut candidates, &known.value, (2 * used.len()).max(200));
        self.take(&candidates);
        used.into_iter().chain(candidates.iter().map(|&j| self.slot_of[j] as usize)).collect()
    }

    fn inner(&mut self, work: &[usize], l1: f64, l2: f64, violation: f64, limit: usize) -> usize {
        if self.naive {
            return self.descend(work, l1, l2, violation, limit);
        }
        let (l1, l2) = (vec![l1; self.slots.len()], vec![l2; self.slots.len()]);
        let mut problem = Quadratic {
            gram: &self.gram,
            l1: &l1,
            l2: &l2,
            b: &mut self.b,
            c: &mut self.c,
            support: &mut self.support,
        };
        problem.solve(work, violation, limit)
    }

    /// Coordinate descent that keeps the residual instead of the gradient.
    fn descend(&mut self, work: &[usize], l1: f64, l2: f64, violation: f64, limit: usize) -> usize {
        let n = self.y.len() as f64;
        let mut rest = self.residual();
        let columns: Vec<usize> = work.iter().map(|&slot| self.slots[slot]).collect();
        let b: Vec<f64> = work.iter().map(|&slot| self.b[slot]).collect();
        if let Some(mut packed) = Packed::new(self.view, &columns, b, &rest, (l1, l2)) {
            let sweeps = packed.solve(violation, limit);
            work.iter().zip(&packed.b).for_each(|(&slot, &b)| self.b[slot] = b);
            return sweeps;
        }
        let mut shift = 0.0;
        let base: f64 = rest.iter().sum();
        let mut sweeps = 0;
        let mut active: Vec<usize> = work.to_vec();
        loop {
            let mut worst = 0.0_f64;
            for &slot in &active {
                let j = self.slots[slot];
                let norm = self.view.norms[j];
                let old = self.b[slot];
                // What was taken from sparse columns without centring sums to n·shift.
                let raw = self.view.product(j, &rest, base + n * shift) / n;
                let new = soft(raw + norm * old, l1) / (norm + l2);
                if new != old {
                    self.view.add(j, old - new, &mut rest, &mut shift);
                    self.b[slot] = new;
                    worst = worst.max((new - old).abs() * (norm + l2));
                }
            }
            sweeps += 1;
            let all = active.len() == work.len();
            if worst <= violation || sweeps >= limit {
                if all || sweeps >= limit {
                    return sweeps;
                }
                active = work.to_vec();
            } else if all {
                active = work.iter().copied().filter(|&slot| self.b[slot] != 0.0).collect();
            }
        }
    }

    /// The predictors outside `work` that want in, the gap, and ‖r‖²/n.
    fn check(&mut self, work: &[usize], l1: f64, l2: f64, ahead: f64) -> (Vec<usize>, f64, f64) {
        if self.correlations.is_none() {
            return self.check_whole(work, l1, l2);
        }
        let rest = self.residual();
        let rr = dot(&rest, &rest) / rest.len() as f64;
        let Some(known) = &mut self.correlations else { return (vec![], 0.0, rr) };
        let used = |j: usize| {
            let slot = self.slot_of[j];
            slot != NO_SLOT && self.b[slot as usize] != 0.0
        };
        known.refresh(self.view, &rest, l1.min(ahead).max(0.0), used);
        for (slot, &j) in self.slots.iter().enumerate() {
            if self.b[slot] != 0.0 || known.value[j].abs() >= ahead.min(l1) {
                self.c[slot] = known.value[j];
            }
        }
        let mut inside = vec![false; self.slots.len()];
        work.iter().for_each(|&slot| inside[slot] = true);
        let outside = |j: usize| {
            let slot = self.slot_of[j];
            slot == NO_SLOT || !inside[slot as usize]
        };
        let limit = l1 * (1.0 + 1e-10);
        let mut missing: Vec<usize> = self
            .usable
            .iter()
            .copied()
            .filter(|&j| known.value[j].abs() > limit && outside(j))
            .collect();
        most_correlated(&mut missing, &known.value, (2 * work.len()).max(200));
        let terms = self.usable.iter().map(|&j| {
            let slot = self.slot_of[j];
            (if slot == NO_SLOT { 0.0 } else { self.b[slot as usize] }, known.value[j])
        });
        (missing, gap(terms, rr, l1, l2), rr)
    }

    fn check_whole(&mut self, work: &[usize], l1: f64, l2: f64) -> (Vec<usize>, f64, f64) {
        // Fresh gradient, so that the sweeps' rounding does not add up where it would be seen.
        if self.options.tolerance < ROUNDING_SHOWS {
            let mut fresh = self.q.clone();
            for (slot, &b) in self.b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
                axpy(-b, &self.gram.columns[slot], &mut fresh);
            }
            self.c = fresh;
        }
        let mut inside = vec![false; self.slots.len()];
        work.iter().for_each(|&slot| inside[slot] = true);
        let limit = l1 * (1.0 + 1e-10);
        let missing = (0..self.slots.len())
            .filter(|&slot| !inside[slot] && self.c[slot].abs() > limit)
            .map(|slot| self.slots[slot])
            .collect();
        let terms = self.b.iter().copied().zip(self.c.iter().copied());
        let rr = self.residual_square();
        (missing, gap(terms, rr, l1, l2), rr)
    }

    /// ‖r‖²/n from the Gram matrix.
    fn residual_square(&self) -> f64 {
        let explained: f64 =
            self.b.iter().zip(self.q.iter().zip(&self.c)).map(|(b, (q, c))| b * (q + c)).sum();
        (self.square - explained).max(0.0)
    }

    fn finished(&self, lambda: f64, centre: f64, gap: f64, rr: f64, sweeps: usize) -> Point {
        let mut coefficients: Vec<(usize, f64)> =
            self.weights().into_iter().map(|(j, b)| (j, b / self.view.scales[j])).collect();
        coefficients.sort_by_key(|(j, _)| *j);
        let moved: f64 = coefficients.iter().map(|&(j, b)| b * self.view.means[j]).sum();
        Point {
            lambda,
            intercept: centre - moved,
            coefficients,
            gap: gap / (0.5 * self.square),
            explained: 1.0 - rr / self.square,
            sweeps,
        }
    }
}

/// Keeps the `limit` columns of largest correlation, in ascending order of column.
fn most_correlated(columns: &mut Vec<usize>, value: &[f64], limit: usize) {
    if columns.len() > limit {
        columns.sort_by(|&a, &b| value[b].abs().total_cmp(&value[a].abs()).then(a.cmp(&b)));
        columns.truncate(limit);
        columns.sort_unstable();
    }
}
