//! Predictors as the solvers see them: centred and scaled.
//!
//! `x̃ⱼ = (xⱼ − mⱼ)/sⱼ`, with `mⱼ` the mean (zero without an intercept) and `sⱼ` the standard deviation
//! with divisor n (one when not standardising). Dense columns are centred once, in a copy; sparse columns
//! stay as they are and the centring is done in the products:
//! `x̃ⱼᵀv = (xⱼᵀv − mⱼ Σv)/sⱼ`. A column that does not vary has no scale and takes no part.

use crate::linear::design::{Columns, Design, Sparse};
use crate::linear::vector::{axpy, dot, mean, shifted, squares_about};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Columns per task; fixed, so that threads do not matter.
const COLUMNS_PER_TASK: usize = 64;
/// Side of the tiles in which products of columns are computed; the register blocks of faer's product, 12 by
/// 4, divide it.
const TILE: usize = 120;

enum Store<'a> {
    Dense(Columns),
    Sparse(&'a Sparse),
}

/// The centred and scaled view of a design.
pub(crate) struct Standardized<'a> {
    store: Store<'a>,
    n_rows: usize,
    /// `mⱼ`.
    pub(crate) means: Vec<f64>,
    /// `sⱼ`; zero for a column that takes no part.
    pub(crate) scales: Vec<f64>,
    /// `‖x̃ⱼ‖²/n`.
    pub(crate) norms: Vec<f64>,
}

impl<'a> Standardized<'a> {
    /// Centres when there is an intercept, scales when asked.
    pub(crate) fn new(design: &'a Design, intercept: bool, standardize: bool) -> Self {
        match design {
            Design::Dense(dense) => Self::dense(dense, intercept, standardize),
            Design::Sparse(sparse) => Self::sparse(sparse, intercept, standardize),
        }
    }

    fn dense(dense: &Columns, intercept: bool, standardize: bool) -> Self {
        let (n, p) = (dense.n_rows(), dense.n_cols());
        let mut values = vec![0.0; n * p];
        let moments: Vec<(f64, f64, f64)> = values
            .par_chunks_mut(n.max(1))
            .with_min_len(16)
            .zip(dense.values().par_chunks(n.max(1)))
            .map(|(out, column)| {
                let m = mean(column);
                let spread = spread(column, m);
                let varies = spread > 1e-13 * m.abs().max(spread);
                let scale = match (varies || (!intercept && m != 0.0), standardize && varies) {
                    (false, _) => 0.0,
                    (true, true) => spread,
                    (true, false) => 1.0,
                };
                let centre = if intercept { m } else { 0.0 };
                shifted(column, if scale > 0.0 { centre } else { 0.0 }, out);
                if scale > 0.0 && scale != 1.0 {
                    out.iter_mut().for_each(|value| *value /= scale);
                }
                let norm = if scale == 0.0 { 0.0 } else { dot(out, out) / n as f64 };
                (centre, scale, norm)
            })
            .collect();
        debug_assert_eq!(moments.len(), p);
        Self {
            store: Store::Dense(dense.with(values)),
            n_rows: n,
            means: moments.iter().map(|moment| moment.0).collect(),
            scales: moments.iter().map(|moment| moment.1).collect(),
            norms: moments.iter().map(|moment| moment.2).collect(),
        }
    }

    fn sparse(sparse: &'a Sparse, intercept: bool, standardize: bool) -> Self {
        let n = sparse.n_rows() as f64;
        let mut view = Self {
            store: Store::Sparse(sparse),
            n_rows: sparse.n_rows(),
            means: vec![],
            scales: vec![],
            norms: vec![],
        };
        for j in 0..sparse.n_cols() {
            let (_, values) = sparse.column(j);
            let m = values.iter().sum::<f64>() / n;
            let square: f64 = values.iter().map(|value| (value - m).powi(2)).sum();
            let spread = ((square + (n - values.len() as f64) * m * m) / n).sqrt();
            let varies = spread > 1e-13 * m.abs().max(spread);
            let scale = match (varies || (!intercept && m != 0.0), standardize && varies) {
                (false, _) => 0.0,
                (true, true) => spread,
                (true, false) => 1.0,
            };
            let centre = if intercept { m } else { 0.0 };
            let whole = if intercept { spread * spread } else { spread * spread + m * m };
            view.means.push(centre);
            view.scales.push(scale);
            view.norms.push(if scale == 0.0 { 0.0 } else { whole / (scale * scale) });
        }
        view
    }

    pub(crate) fn n_cols(&self) -> usize {
        self.means.len()
    }

    /// The columns that vary.
    pub(crate) fn usable(&self) -> Vec<usize> {
        (0..self.n_cols()).filter(|&j| self.scales[j] > 0.0).collect()
    }

    /// `x̃ⱼᵀv`, given `Σv`.
    pub(crate) fn product(&self, j: usize, v: &[f64], v_sum: f64) -> f64 {
        match &self.store {
            Store::Dense(dense) => dot(dense.column(j), v),
            Store::Sparse(sparse) => {
                let (rows, values) = sparse.column(j);
                let raw: f64 =
                    rows.iter().zip(values).map(|(&row, value)| value * v[row as usize]).sum();
                (raw - self.means[j] * v_sum) / self.scales[j]
            }
        }
    }

    /// `x̃ⱼᵀv/n` for the columns named.
    pub(crate) fn correlations(&self, columns: &[usize], v: &[f64]) -> Vec<f64> {
        let v_sum: f64 = v.iter().sum();
        let n = self.n_rows as f64;
        let mut out = vec![0.0; columns.len()];
        out.par_chunks_mut(COLUMNS_PER_TASK).zip(columns.par_chunks(COLUMNS_PER_TASK)).for_each(
            |(out, columns)| {
                for (out, &j) in out.iter_mut().zip(columns) {
                    *out = self.product(j, v, v_sum) / n;
                }
            },
        );
        out
    }

    /// `v ← v + a·x̃ⱼ`; for a sparse column the centring is added to `shift` instead, to be subtracted
    /// from every row by the caller.
    pub(crate) fn add(&self, j: usize, a: f64, v: &mut [f64], shift: &mut f64) {
        match &self.store {
            Store::Dense(dense) => axpy(a, dense.column(j), v),
            Store::Sparse(sparse) => {
                let weight = a / self.scales[j];
                let (rows, values) = sparse.column(j);
                for (&row, value) in rows.iter().zip(values) {
                    v[row as usize] += weight * value;
                }
                *shift += weight * self.means[j];
            }
        }
    }

    /// `v + Σ aⱼ x̃ⱼ`.
    pub(crate) fn combine(&self, start: &[f64], weights: &[(usize, f64)]) -> Vec<f64> {
        let mut out = start.to_vec();
        let mut shift = 0.0;
        for &(j, weight) in weights {
            self.add(j, weight, &mut out, &mut shift);
        }
        if shift != 0.0 {
            out.iter_mut().for_each(|value| *value -= shift);
        }
        out
    }

    /// `x̃ₐᵀ x̃ᵦ/n` for all pairs, one vector of length `left.len()` for each of `right`.
    pub(crate) fn gram(&self, left: &[usize], right: &[usize]) -> Vec<Vec<f64>> {
        match &self.store {
            Store::Dense(dense) => self.gram_dense(dense, left, right),
            Store::Sparse(sparse) => self.gram_sparse(sparse, left, right),
        }
    }

    fn gram_dense(&self, dense: &Columns, left: &[usize], right: &[usize]) -> Vec<Vec<f64>> {
        let n = self.n_rows;
        let gather = |columns: &[usize]| -> Vec<f64> {
            columns.iter().flat_map(|&j| dense.column(j)).copied().collect()
        };
        // Neighbouring columns need no copy.
        let block = |columns: &[usize]| -> Option<&[f64]> {
            let first = *columns.first()?;
            let run = columns.iter().enumerate().all(|(i, &j)| j == first + i);
            run.then(|| &dense.values()[first * n..(first + columns.len()) * n])
        };
        let tiles: Vec<Vec<Vec<f64>>> = right
            .par_chunks(TILE)
            .map(|right| {
                let right_copy = if block(right).is_none() { gather(right) } else { vec![] };
                let right_values = block(right).unwrap_or(&right_copy);
                let mut out = vec![vec![0.0; left.len()]; right.len()];
                for (tile, left) in left.chunks(TILE).enumerate() {
                    let left_copy = if block(left).is_none() { gather(left) } else { vec![] };
                    let left_values = block(left).unwrap_or(&left_copy);
                    let product = tile_product(left_values, right_values, n);
                    for (out, column) in out.iter_mut().zip(product.chunks(left.len())) {
                        out[tile * TILE..][..left.len()].copy_from_slice(column);
                    }
                }
                out
            })
            .collect();
        tiles.into_iter().flatten().collect()
    }

    fn gram_sparse(&self, sparse: &Sparse, left: &[usize], right: &[usize]) -> Vec<Vec<f64>> {
        let n = self.n_rows as f64;
        right
            .par_iter()
            .map_init(
                || vec![0.0; self.n_rows],
                |spread, &b| {
                    let (rows, values) = sparse.column(b);
                    for (&row, &value) in rows.iter().zip(values) {
                        spread[row as usize] = value;
                    }
                    let out = left
                        .iter()
                        .map(|&a| {
                            let (rows, values) = sparse.column(a);
                            let raw: f64 = rows
                                .iter()
                                .zip(values)
                                .map(|(&row, value)| value * spread[row as usize])
                                .sum();
                            (raw / n - self.means[a] * self.means[b])
                                / (self.scales[a] * self.scales[b])
                        })
                        .collect();
                    for &row in rows {
                        spread[row as usize] = 0.0;
                    }
                    out
                },
            )
            .collect()
    }

    /// `[1 X̃]ᵀ D [1 X̃]/n` over the columns named, where `roots` holds the square roots of the diagonal D;
    /// the column of ones only with an intercept.
    pub(crate) fn weighted_gram(
        &self,
        columns: &[usize],
        roots: &[f64],
        intercept: bool,
    ) -> Vec<Vec<f64>> {
        let n = self.n_rows;
        let mut values = if intercept { roots.to_vec() } else { Vec::new() };
        for &j in columns {
            match &self.store {
                Store::Dense(dense) => {
                    values.extend(dense.column(j).iter().zip(roots).map(|(x, root)| x * root));
                }
                Store::Sparse(sparse) => {
                    let start = values.len();
                    let centre = self.means[j] / self.scales[j];
                    values.extend(roots.iter().map(|root| -centre * root));
                    let (rows, cells) = sparse.column(j);
                    for (&row, cell) in rows.iter().zip(cells) {
                        values[start + row as usize] += cell / self.scales[j] * roots[row as usize];
                    }
                }
            }
        }
        let k = values.len() / n.max(1);
        let tiles: Vec<Vec<f64>> = values
            .par_chunks(TILE * n)
            .map(|right| {
                let right_count = right.len() / n;
                let mut out = vec![0.0; k * right_count];
                for (tile, left) in values.chunks(TILE * n).enumerate() {
                    let product = tile_product(left, right, n);
                    let left_count = left.len() / n;
                    for (column, piece) in product.chunks(left_count).enumerate() {
                        out[column * k + tile * TILE..][..left_count].copy_from_slice(piece);
                    }
                }
                out
            })
            .collect();
        tiles
            .into_iter()
            .flat_map(|tile| tile.chunks(k).map(<[f64]>::to_vec).collect::<Vec<_>>())
            .collect()
    }

    /// The whole of `X̃ᵀX̃/n` over the columns named, by symmetry from its lower half.
    pub(crate) fn gram_whole(&self, columns: &[usize]) -> Vec<Vec<f64>> {
        let p = columns.len();
        let pieces: Vec<(usize, Vec<Vec<f64>>)> = (0..p)
            .step_by(TILE)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|start| {
                let end = (start + TILE).min(p);
                (start, self.gram(&columns[start..], &columns[start..end]))
            })
            .collect();
        let mut whole = vec![vec![0.0; p]; p];
        for (start, piece) in pieces {
            for (offset, column) in piece.into_iter().enumerate() {
                let j = start + offset;
                for (i, value) in column.into_iter().enumerate().skip(offset) {
                    whole[j][start + i] = value;
                    whole[start + i][j] = value;
                }
            }
        }
        whole
    }
}

/// `AᵀB/n` of two blocks of columns of length n.
fn tile_product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let (left, right) = (a.len() / n, b.len() / n);
    let mut out = vec![0.0; left * right];
    matmul(
        MatMut::from_column_major_slice_mut(&mut out, left, right),
        Accum::Replace,
        MatRef::from_column_major_slice(a, n, left).transpose(),
        MatRef::from_column_major_slice(b, n, right),
        1.0 / n as f64,
        Par::Seq,
    );
    out
}

/// Standard deviation with divisor n around `m`.
pub(crate) fn spread(column: &[f64], m: f64) -> f64 {
    (squares_about(column, m) / column.len() as f64).sqrt()
}
