//! Least squares for large tables: factored in f64, corrected in twice the precision.
//!
//! ```text
//! X ≈ QR once;   repeat   r = y − Xb,   b ← b + (RᵀR)⁻¹ Xᵀr
//! ```
//! with `r` and `Xᵀr` in twice the precision (the corrected seminormal equations: Å. Björck, *Numerical
//! Methods for Least Squares Problems*, 6.6.5). Each step gains about −log₁₀(κ·10⁻¹⁶) digits, so it
//! serves conditions up to about 10¹². It gives up, and [`super::least_squares`] then does the whole
//! work in twice the precision, when a column may be aliased or a step does not shrink.

use super::least_squares::{Solution, WideColumn, residuals};
use super::twofold::Twofold;
use super::vector::{dispatch, dot_twofold};
use faer::Mat;
use rayon::prelude::*;

/// Rows per block of the residual; fixed, so that threads do not matter.
const BLOCK: usize = 4096;

pub(crate) fn solve(columns: &[WideColumn], y: &WideColumn) -> Option<Solution> {
    let (n, p) = (y.hi.len(), columns.len());
    if n < p {
        return None;
    }
    let norms: Vec<f64> =
        columns.iter().map(|column| dot_twofold(&column.hi, &column.hi).value().sqrt()).collect();
    if norms.iter().any(|&norm| norm == 0.0 || !norm.is_finite()) {
        return None;
    }
    let x = Mat::from_fn(n, p, |i, j| columns[j].hi[i] / norms[j]);
    let qr = x.qr();
    let r = qr.thin_R().to_owned();
    let values = r.singular_values().ok()?;
    let condition = values[0] / values[p - 1];
    if condition.is_nan() || condition >= 1e12 {
        return None;
    }
    let mut b = vec![Twofold::ZERO; p];
    let mut last_step = f64::INFINITY;
    for _ in 0..20 {
        let rest = wide_residuals(columns, y, &b, &norms);
        let gradient: Vec<f64> = columns
            .par_iter()
            .zip(&norms)
            .map(|(column, &norm)| product(column, &rest).value() / norm)
            .collect();
        let step = solve_twice(&r, gradient);
        let size = step.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        for (b, step) in b.iter_mut().zip(&step) {
            *b = *b + Twofold::from(*step);
        }
        let whole = b.iter().fold(0.0_f64, |most, value| most.max(value.hi.abs()));
        if size <= 1e-19 * whole || size == 0.0 {
            return Some(finish(columns, y, &b, &norms, &r, condition));
        }
        if size > 0.5 * last_step {
            // No progress left: done when the last digits stand, else not our case.
            return (size <= 1e-16 * whole).then(|| finish(columns, y, &b, &norms, &r, condition));
        }
        last_step = size;
    }
    None
}

/// `(RᵀR)⁻¹ g`.
fn solve_twice(r: &Mat<f64>, mut g: Vec<f64>) -> Vec<f64> {
    let p = g.len();
    for j in 0..p {
        for i in 0..j {
            g[j] -= r[(i, j)] * g[i];
        }
        g[j] /= r[(j, j)];
    }
    for j in (0..p).rev() {
        g[j] /= r[(j, j)];
        for i in 0..j {
            g[i] -= r[(i, j)] * g[j];
        }
    }
    g
}

fn wide_residuals(
    columns: &[WideColumn],
    y: &WideColumn,
    b: &[Twofold],
    norms: &[f64],
) -> Vec<Twofold> {
    let weights: Vec<Twofold> =
        b.iter().zip(norms).map(|(&b, &norm)| -(b / Twofold::from(norm))).collect();
    let mut out = vec![Twofold::ZERO; y.hi.len()];
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        let start = block * BLOCK;
        dispatch(
            #[inline(always)]
            || {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = y.at(start + i);
                }
                for (column, &weight) in columns.iter().zip(&weights) {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = *out + column.at(start + i) * weight;
                    }
                }
            },
        );
    });
    out
}

fn product(column: &WideColumn, rest: &[Twofold]) -> Twofold {
    dispatch(
        #[inline(always)]
        || {
            let mut sum = Twofold::ZERO;
            for (i, &rest) in rest.iter().enumerate() {
                sum = sum + column.at(i) * rest;
            }
            sum
        },
    )
}

fn finish(
    columns: &[WideColumn],
    y: &WideColumn,
    b: &[Twofold],
    norms: &[f64],
    r: &Mat<f64>,
    condition: f64,
) -> Solution {
    let p = columns.len();
    let wide: Vec<Option<Twofold>> =
        b.iter().zip(norms).map(|(&b, &norm)| Some(b / Twofold::from(norm))).collect();
    let residuals = residuals(columns, y, &wide);
    let rss = dot_twofold(&residuals, &residuals).value();
    let mut inverse = Mat::<f64>::identity(p, p);
    for k in 0..p {
        let unit: Vec<f64> = (0..p).map(|i| f64::from(u8::from(i == k))).collect();
        let solved = solve_twice(r, unit);
        for (i, value) in solved.into_iter().enumerate() {
            inverse[(i, k)] = value;
        }
    }
    let leverage: Vec<f64> = (0..y.hi.len())
        .into_par_iter()
        .map(|row| {
            // ‖R⁻ᵀ xᵢ‖², by forward substitution
            let mut z: Vec<f64> = (0..p).map(|j| columns[j].hi[row] / norms[j]).collect();
            for j in 0..p {
                for i in 0..j {
                    z[j] -= r[(i, j)] * z[i];
                }
                z[j] /= r[(j, j)];
            }
            z.iter().map(|z| z * z).sum()
        })
        .collect();
    Solution {
        coefficients: wide.into_iter().map(|b| b.map(Twofold::value)).collect(),
        rank: p,
        residuals,
        rss,
        leverage,
        inverse_gram: (0..p * p)
            .map(|at| inverse[(at / p, at % p)] / (norms[at / p] * norms[at % p]))
            .collect(),
        condition,
        arithmetic: "householder QR in f64, corrected with double-double residuals",
    }
}
