//! Least squares: the coefficients, with all their digits.
//!
//! ```text
//! minimise ‖y − Xb‖²   by   X = QR,   b = R⁻¹Qᵀy
//! ```
//!
//! Householder reflections (Golub and Van Loan, *Matrix Computations*, 5.2–5.3), in numbers of twice the
//! precision when the problem is small (n·p² up to 2·10⁷), so that conditions up to about 10²⁵ cost no
//! digits; larger problems go to `refined.rs`, which factors in f64 and corrects in twice the
//! precision. A column of which the earlier columns leave nothing but rounding is *aliased*: it gets no
//! coefficient, and the later of two identical columns is the one to go. No statistics here: see
//! [`super::ols`].
//!
//! Domain: finite numbers, at least as many rows as columns that count. Accuracy: 14 digits of the certified
//! coefficients and 13 of their errors on all eleven linear problems of NIST's StRD, Longley and Filip among them
//! (`tests/linear_nist.rs`). Source: beside Golub and Van Loan, T. Dekker, *A floating-point technique for extending
//! the available precision* (1971).

use super::design::Columns;
use super::twofold::Twofold;
use super::vector::dispatch;
use crate::error::{Error, Result};

/// A column of n values in twice the precision, `hi` + `lo`: powers of a variable must not be
/// rounded before the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct WideColumn {
    /// The values rounded to f64.
    pub hi: Vec<f64>,
    /// What the rounding left (zeros for plain data).
    pub lo: Vec<f64>,
}

impl WideColumn {
    /// Plain values, with zeros for what rounding left.
    pub fn plain(values: &[f64]) -> Self {
        Self { hi: values.to_vec(), lo: vec![0.0; values.len()] }
    }

    /// From values in twice the precision, in that order.
    pub fn wide(values: impl IntoIterator<Item = Twofold>) -> Self {
        let (hi, lo) = values.into_iter().map(|value| (value.hi, value.lo)).unzip();
        Self { hi, lo }
    }

    /// `x¹ … x^degree`, as many columns.
    ///
    /// Domain: any column; none for degree 0. Method: each power from the one before. Accuracy:
    /// about 31 digits, 7·2⁻¹⁰⁶ relative more with each power. Source: M. Joldes, J.-M. Muller and
    /// V. Popescu (2017) for the product.
    pub fn powers(x: &Self, degree: usize) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::with_capacity(degree);
        for power in 0..degree {
            out.push(match power.checked_sub(1) {
                None => x.clone(),
                Some(before) => out[before].times(x),
            });
        }
        out
    }

    /// The product xᵢ·zᵢ with another column, for interactions and weights.
    ///
    /// Domain: columns of one length (that of this one counts; a shorter other panics). Method:
    /// [`Twofold`] products. Accuracy: relative error at most 7·2⁻¹⁰⁶ of each. Source: M. Joldes,
    /// J.-M. Muller and V. Popescu (2017).
    pub fn times(&self, other: &Self) -> Self {
        Self::wide((0..self.hi.len()).map(|i| self.at(i) * other.at(i)))
    }

    /// Value `i`.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize) -> Twofold {
        Twofold { hi: self.hi[i], lo: self.lo[i] }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, value: Twofold) {
        self.hi[i] = value.hi;
        self.lo[i] = value.lo;
    }

    /// The power of two that brings the largest value to between a half and one.
    fn scale(&self) -> f64 {
        let most = self.hi.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if most == 0.0 { 1.0 } else { 2.0_f64.powi(-(most.log2().floor() as i32) - 1) }
    }

    fn scaled(&self, power_of_two: f64) -> Self {
        Self {
            hi: self.hi.iter().map(|value| value * power_of_two).collect(),
            lo: self.lo.iter().map(|value| value * power_of_two).collect(),
        }
    }
}

/// What least squares gives before any statistics, of n rows and p columns; coefficients in the
/// unit of the response over that of the column.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// One per column; `None` where the column is aliased.
    pub coefficients: Vec<Option<f64>>,
    /// Number of columns that are not aliased.
    pub rank: usize,
    /// `y − Xb`.
    pub residuals: Vec<f64>,
    /// `Σ (y − Xb)²`.
    pub rss: f64,
    /// Diagonal of `X(XᵀX)⁻¹Xᵀ`, n values from 0 to 1.
    pub leverage: Vec<f64>,
    /// `(XᵀX)⁻¹`, p × p, row by row over all columns; zeros where a column is aliased.
    pub inverse_gram: Vec<f64>,
    /// Condition number of X with its columns scaled to length one (2-norm).
    pub condition: f64,
    /// How it was computed, in words.
    pub arithmetic: &'static str,
}

const WIDE_LIMIT: f64 = 2e7;

/// Solves `min ‖y − Xb‖²` by X = QR, b = R⁻¹Qᵀy.
///
/// Domain: p columns of n finite values each, a column that depends on earlier ones is aliased and
/// gets no coefficient, as are those beyond the n-th that do not. Method: Householder reflections
/// in twice the precision up to n·p² = 2·10⁷; beyond, a factorisation in f64 with corrections in
/// twice the precision. Accuracy: 14 digits of the certified coefficients on all eleven linear
/// problems of NIST's StRD, Filip among them, 13 of standard errors and of the sum of squares
/// (`tests/linear_nist.rs`); whole-number solutions of 200,000 rows within 10⁻¹³
/// (`tests/linear_ols.rs`). Source: G. Golub and C. Van Loan, *Matrix Computations* (2013), 5.2 and
/// 5.3; Å. Björck, *Numerical Methods for Least Squares Problems* (1996), 6.6.5.
///
/// # Errors
/// When there are no rows or columns, columns differ in length, or values are not finite.
///
/// ```
/// use grimoire_stats::linear::least_squares::{WideColumn, solve};
/// // y = 1 + 2x through three points.
/// let columns = [WideColumn::plain(&[1.0; 3]), WideColumn::plain(&[0.0, 1.0, 2.0])];
/// let found = solve(&columns, &WideColumn::plain(&[1.0, 3.0, 5.0])).unwrap();
/// assert_eq!(found.coefficients, [Some(1.0), Some(2.0)]);
/// ```
pub fn solve(columns: &[WideColumn], y: &WideColumn) -> Result<Solution> {
    let n = y.hi.len();
    crate::error::sample("the response", &y.hi, 1)?;
    if columns.is_empty() {
        return Err(Error::Empty { what: "the design" });
    }
    for column in columns {
        if column.hi.len() != n {
            return Err(Error::Lengths {
                left: "the response",
                n_left: n,
                right: "a column of the design",
                n_right: column.hi.len(),
            });
        }
        crate::error::sample("a column of the design", &column.hi, 1)?;
    }
    let work = n as f64 * (columns.len() as f64).powi(2);
    if work > WIDE_LIMIT
        && let Some(solution) = super::refined::solve(columns, y)
    {
        return Ok(solution);
    }
    Ok(dispatch(
        #[inline(always)]
        || solve_wide(columns, y),
    ))
}

/// One Householder reflection `I − β v vᵀ` on rows `start..`.
struct Reflection {
    start: usize,
    v: WideColumn,
    beta: Twofold,
}

#[inline(always)]
fn dot_from(a: &WideColumn, a_start: usize, b: &WideColumn, b_start: usize) -> Twofold {
    const LANES: usize = 4;
    let n = a.hi.len() - a_start;
    let (a_hi, a_lo) = (&a.hi[a_start..], &a.lo[a_start..]);
    let (b_hi, b_lo) = (&b.hi[b_start..b_start + n], &b.lo[b_start..b_start + n]);
    let mut lanes = [Twofold::ZERO; LANES];
    let whole = n - n % LANES;
    let product =
        |i: usize| Twofold { hi: a_hi[i], lo: a_lo[i] } * Twofold { hi: b_hi[i], lo: b_lo[i] };
    for i in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum = *sum + product(i + lane);
        }
    }
    for i in whole..n {
        lanes[0] = lanes[0] + product(i);
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

impl Reflection {
    /// Turns rows `start..` of `column` into a multiple of the first unit vector; returns that multiple.
    #[inline(always)]
    fn of(column: &WideColumn, start: usize, norm: Twofold) -> (Self, Twofold) {
        let mut v = WideColumn { hi: column.hi[start..].to_vec(), lo: column.lo[start..].to_vec() };
        let head = v.at(0);
        let alpha = if head.hi >= 0.0 { -norm } else { norm };
        v.set(0, head - alpha);
        // vᵀv = 2·norm·(norm + |head|)
        let beta = Twofold::from(-1.0) / (alpha * (head - alpha));
        (Self { start, v, beta }, alpha)
    }

    #[inline(always)]
    fn apply(&self, target: &mut WideColumn) {
        let weight = -(self.beta * dot_from(&self.v, 0, target, self.start));
        let (hi, lo) = (&mut target.hi[self.start..], &mut target.lo[self.start..]);
        for (i, (hi, lo)) in hi.iter_mut().zip(lo).enumerate() {
            let value = Twofold { hi: *hi, lo: *lo } + weight * self.v.at(i);
            (*hi, *lo) = (value.hi, value.lo);
        }
    }
}

/// `R` by columns (upper triangle), the accepted columns, the reflections.
struct Factors {
    kept: Vec<usize>,
    r: Vec<Vec<Twofold>>,
    reflections: Vec<Reflection>,
    norms: Vec<f64>,
}

#[inline(always)]
fn factor(columns: &mut [WideColumn], y: &mut WideColumn) -> Factors {
    let n = y.hi.len();
    let mut factors = Factors { kept: vec![], r: vec![], reflections: vec![], norms: vec![] };
    // What the rounding of the data themselves could leave of a dependent column.
    let rounding = f64::EPSILON * (n.max(columns.len()) as f64).sqrt();
    for j in 0..columns.len() {
        let rank = factors.kept.len();
        let (done, rest) = columns.split_at_mut(j + 1);
        let column = &done[j];
        let above: Twofold =
            (0..rank).fold(Twofold::ZERO, |total, i| total + column.at(i) * column.at(i));
        if rank == n {
            continue;
        }
        let below = dot_from(column, rank, column, rank);
        let whole = (above + below).sqrt().value();
        let norm = below.sqrt();
        if norm.value() <= rounding * whole {
            continue;
        }
        let (reflection, alpha) = Reflection::of(column, rank, norm);
        rest.iter_mut().for_each(|later| reflection.apply(later));
        reflection.apply(y);
        let mut r: Vec<Twofold> = (0..rank).map(|i| column.at(i)).collect();
        r.push(alpha);
        factors.r.push(r);
        factors.kept.push(j);
        factors.norms.push(whole);
        factors.reflections.push(reflection);
    }
    factors
}

#[inline(always)]
fn solve_wide(columns: &[WideColumn], y: &WideColumn) -> Solution {
    let (n, p) = (y.hi.len(), columns.len());
    let scales: Vec<f64> = columns.iter().map(WideColumn::scale).collect();
    let y_scale = y.scale();
    let mut work: Vec<WideColumn> =
        columns.iter().zip(&scales).map(|(column, &scale)| column.scaled(scale)).collect();
    let mut qty = y.scaled(y_scale);
    let factors = factor(&mut work, &mut qty);
    let rank = factors.kept.len();
    let inverse = invert_upper(&factors.r);

    // b = R⁻¹ (Qᵀy)₁..rank, by rows of the inverse.
    let solved: Vec<Twofold> = (0..rank)
        .map(|i| (i..rank).fold(Twofold::ZERO, |sum, k| sum + inverse[k][i] * qty.at(k)))
        .collect();
    let mut wide = vec![None; p];
    for (&j, &b) in factors.kept.iter().zip(&solved) {
        wide[j] = Some(b.scaled(scales[j] / y_scale));
    }
    let tail = (rank..n).fold(Twofold::ZERO, |sum, i| sum + qty.at(i) * qty.at(i));

    let mut inverse_gram = vec![0.0; p * p];
    for (a, &i) in factors.kept.iter().enumerate() {
        for (b, &j) in factors.kept.iter().enumerate() {
            let entry =
                (a.max(b)..rank).fold(Twofold::ZERO, |sum, k| sum + inverse[k][a] * inverse[k][b]);
            inverse_gram[i * p + j] = entry.value() * scales[i] * scales[j];
        }
    }
    Solution {
        residuals: residuals(columns, y, &wide),
        coefficients: wide.into_iter().map(|b| b.map(Twofold::value)).collect(),
        rank,
        rss: tail.value() / (y_scale * y_scale),
        leverage: leverage(&factors, n),
        inverse_gram,
        condition: condition(&factors.r, &factors.norms),
        arithmetic: "householder QR in double-double arithmetic",
    }
}

/// Columns of the inverse of an upper triangle given by columns.
#[inline(always)]
fn invert_upper(r: &[Vec<Twofold>]) -> Vec<Vec<Twofold>> {
    let rank = r.len();
    let mut inverse: Vec<Vec<Twofold>> = Vec::with_capacity(rank);
    for k in 0..rank {
        let mut column = vec![Twofold::ZERO; k + 1];
        column[k] = Twofold::from(1.0) / r[k][k];
        for i in (0..k).rev() {
            let sum = (i + 1..=k).fold(Twofold::ZERO, |sum, m| sum + r[m][i] * column[m]);
            column[i] = -(sum / r[i][i]);
        }
        inverse.push(column);
    }
    inverse
}

/// `y − Xb` with the coefficients in twice the precision.
#[inline(always)]
pub(crate) fn residuals(
    columns: &[WideColumn],
    y: &WideColumn,
    coefficients: &[Option<Twofold>],
) -> Vec<f64> {
    let mut rest: Vec<Twofold> = (0..y.hi.len()).map(|i| y.at(i)).collect();
    for (column, b) in columns.iter().zip(coefficients) {
        let Some(b) = b else { continue };
        let minus = -*b;
        for (i, rest) in rest.iter_mut().enumerate() {
            *rest = *rest + column.at(i) * minus;
        }
    }
    rest.into_iter().map(Twofold::value).collect()
}

/// `Σₖ qᵢₖ²` by applying the reflections to the unit vectors.
#[inline(always)]
fn leverage(factors: &Factors, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n];
    for k in 0..factors.kept.len() {
        let mut q = WideColumn { hi: vec![0.0; n], lo: vec![0.0; n] };
        q.hi[k] = 1.0;
        for reflection in factors.reflections[..=k].iter().rev() {
            reflection.apply(&mut q);
        }
        out.iter_mut().zip(&q.hi).for_each(|(sum, q)| *sum += q * q);
    }
    out
}

/// 2-norm condition of R with its columns divided by `norms`.
fn condition(r: &[Vec<Twofold>], norms: &[f64]) -> f64 {
    let rank = r.len();
    if rank == 0 {
        return f64::NAN;
    }
    let scaled = faer::Mat::from_fn(rank, rank, |i, j| {
        r[j].get(i).map_or(0.0, |value| value.value() / norms[j])
    });
    match scaled.singular_values() {
        Ok(values) => values[0] / values[rank - 1],
        Err(_) => f64::NAN,
    }
}

/// The columns of a dense design, with a column of ones before them when there is an intercept: [1,
/// X] or X.
///
/// Domain: any design. Method: a copy of each column, with zeros for what rounding left. Accuracy:
/// exact. Source: none beyond the definition.
pub fn with_intercept(design: &Columns, intercept: bool) -> Vec<WideColumn> {
    let ones = intercept.then(|| WideColumn::plain(&vec![1.0; design.n_rows()]));
    ones.into_iter()
        .chain((0..design.n_cols()).map(|j| WideColumn::plain(design.column(j))))
        .collect()
}
