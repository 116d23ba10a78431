//! Predictors as the solvers see them: centred and scaled.
//!
//! `x̃ⱼ = (xⱼ − mⱼ)/sⱼ`, with `mⱼ` the mean (zero without an intercept) and `sⱼ` the standard deviation
//! with divisor n (one when not standardising). Where the centring can be done in the products,
//! `x̃ⱼᵀv = (xⱼᵀv − mⱼ Σv)/sⱼ`, there is no copy of the predictors: always for sparse columns, and for dense
//! ones that are not further from zero than they are wide, so that the subtraction costs no digits. Other dense
//! columns are centred once, in a copy. A column that does not vary has no scale and takes no part.

use crate::linear::design::{Columns, Design, Sparse};
use crate::linear::vector::{axpy, dot, dot_pair, mean, shifted, squares_about};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Columns per task; fixed, so that threads do not matter.
const COLUMNS_PER_TASK: usize = 64;
/// Side of the tiles in which products of a few columns with many are computed; the register blocks of faer's
/// product, 12 by 4, divide it.
const TILE: usize = 120;
/// Side of the tiles of a whole Gram matrix.
const BLOCK: usize = 240;
/// Values that are centred at a time on the way to a whole Gram matrix (8 MiB).
const PANEL: usize = 1 << 20;

enum Store<'a> {
    /// As it came: centring is done in the products.
    Raw(&'a Columns),
    /// Centred and scaled.
    Centred(Columns),
    /// As it came.
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

/// A tile of a Gram matrix: which blocks of columns, and their products by columns.
struct Tile {
    left: usize,
    right: usize,
    values: Vec<f64>,
}

impl<'a> Standardized<'a> {
    /// Centres when there is an intercept, scales when asked. Dense columns are [held](Self::hold).
    pub(crate) fn new(design: &'a Design, intercept: bool, standardize: bool) -> Self {
        let mut view = Self::measured(design, intercept, standardize);
        view.hold();
        view
    }

    /// The same without a copy.
    pub(crate) fn measured(design: &'a Design, intercept: bool, standardize: bool) -> Self {
        match design {
            Design::Dense(dense) => Self::dense(dense, intercept, standardize),
            Design::Sparse(sparse) => Self::sparse(sparse, intercept, standardize),
        }
    }

    fn dense(dense: &'a Columns, intercept: bool, standardize: bool) -> Self {
        let columns: Vec<usize> = (0..dense.n_cols()).collect();
        let moments: Vec<(f64, f64, f64)> = columns
            .par_iter()
            .with_min_len(16)
            .map(|&j| {
                let m = mean(dense.column(j));
                moments(m, spread(dense.column(j), m), intercept, standardize)
            })
            .collect();
        Self::with(Store::Raw(dense), dense.n_rows(), &moments)
    }

    fn sparse(sparse: &'a Sparse, intercept: bool, standardize: bool) -> Self {
        let n = sparse.n_rows() as f64;
        let moments: Vec<(f64, f64, f64)> = (0..sparse.n_cols())
            .map(|j| {
                let (_, values) = sparse.column(j);
                let m = values.iter().sum::<f64>() / n;
                let square: f64 = values.iter().map(|value| (value - m).powi(2)).sum();
                let spread = ((square + (n - values.len() as f64) * m * m) / n).sqrt();
                moments(m, spread, intercept, standardize)
            })
            .collect();
        Self::with(Store::Sparse(sparse), sparse.n_rows(), &moments)
    }

    fn with(store: Store<'a>, n_rows: usize, moments: &[(f64, f64, f64)]) -> Self {
        Self {
            store,
            n_rows,
            means: moments.iter().map(|moment| moment.0).collect(),
            scales: moments.iter().map(|moment| moment.1).collect(),
            norms: moments.iter().map(|moment| moment.2).collect(),
        }
    }

    /// Whether a dense column lies so far from zero that centring it in the products would cost digits.
    pub(crate) fn is_far(&self) -> bool {
        let far = |j: usize| self.means[j].abs() > self.norms[j].sqrt() * self.scales[j];
        matches!(self.store, Store::Raw(_)) && (0..self.n_cols()).any(far)
    }

    /// Centres and scales dense columns in a copy.
    pub(crate) fn hold(&mut self) {
        let Store::Raw(dense) = self.store else { return };
        let n = self.n_rows.max(1);
        let mut values = vec![0.0; dense.values().len()];
        values.par_chunks_mut(n).with_min_len(16).enumerate().for_each(|(j, out)| {
            self.centre(j, dense.column(j), out);
        });
        self.store = Store::Centred(dense.with(values));
    }

    /// `out ← x̃ⱼ` over some rows, whose values are given.
    fn centre(&self, j: usize, values: &[f64], out: &mut [f64]) {
        let scale = self.scales[j];
        shifted(values, if scale > 0.0 { self.means[j] } else { 0.0 }, out);
        if scale > 0.0 && scale != 1.0 {
            out.iter_mut().for_each(|value| *value /= scale);
        }
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
        let raw = match &self.store {
            Store::Raw(dense) => dot(dense.column(j), v),
            Store::Centred(dense) => dot(dense.column(j), v),
            Store::Sparse(sparse) => {
                let (rows, values) = sparse.column(j);
                rows.iter().zip(values).map(|(&row, value)| value * v[row as usize]).sum()
            }
        };
        self.finish(j, raw, v_sum)
    }

    /// Dense columns as they are stored.
    fn stored(&self) -> Option<&Columns> {
        match &self.store {
            Store::Raw(dense) => Some(dense),
            Store::Centred(dense) => Some(dense),
            Store::Sparse(_) => None,
        }
    }

    /// Sparse columns as they came.
    pub(crate) fn sparse_columns(&self) -> Option<&Sparse> {
        match self.store {
            Store::Sparse(sparse) => Some(sparse),
            Store::Raw(_) | Store::Centred(_) => None,
        }
    }

    /// `x̃ⱼᵀv` from the product with the column as it is stored.
    fn finish(&self, j: usize, raw: f64, v_sum: f64) -> f64 {
        match self.store {
            Store::Centred(_) => raw,
            Store::Raw(_) | Store::Sparse(_) => (raw - self.means[j] * v_sum) / self.scales[j],
        }
    }

    /// `x̃ⱼᵀv/n` for the columns named.
    pub(crate) fn correlations(&self, columns: &[usize], v: &[f64]) -> Vec<f64> {
        let v_sum: f64 = v.iter().sum();
        let n = self.n_rows as f64;
        let mut out = vec![0.0; columns.len()];
        out.par_chunks_mut(COLUMNS_PER_TASK).zip(columns.par_chunks(COLUMNS_PER_TASK)).for_each(
            |(out, columns)| {
                for (out, pair) in out.chunks_mut(2).zip(columns.chunks(2)) {
                    match (self.stored(), pair) {
                        (Some(dense), &[one, two]) => {
                            let raw = dot_pair(dense.column(one), dense.column(two), v);
                            out[0] = self.finish(one, raw.0, v_sum) / n;
                            out[1] = self.finish(two, raw.1, v_sum) / n;
                        }
                        _ => {
                            for (out, &j) in out.iter_mut().zip(pair) {
                                *out = self.product(j, v, v_sum) / n;
                            }
                        }
                    }
                }
            },
        );
        out
    }

    /// `v ← v + a·x̃ⱼ`; where centring is done in the products it is added to `shift` instead, to be
    /// subtracted from every row by the caller.
    pub(crate) fn add(&self, j: usize, a: f64, v: &mut [f64], shift: &mut f64) {
        let weight = a / self.scales[j];
        match &self.store {
            Store::Centred(dense) => return axpy(a, dense.column(j), v),
            Store::Raw(dense) => axpy(weight, dense.column(j), v),
            Store::Sparse(sparse) => {
                let (rows, values) = sparse.column(j);
                for (&row, value) in rows.iter().zip(values) {
                    v[row as usize] += weight * value;
                }
            }
        }
        *shift += weight * self.means[j];
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
            Store::Raw(dense) => self.gram_dense(left, right, |j, out| {
                let (m, s) = (self.means[j], self.scales[j]);
                match s == 1.0 {
                    true => out.extend(dense.column(j).iter().map(|value| value - m)),
                    false => out.extend(dense.column(j).iter().map(|value| (value - m) / s)),
                }
            }),
            Store::Centred(dense) => {
                self.gram_dense(left, right, |j, out| out.extend_from_slice(dense.column(j)))
            }
            Store::Sparse(sparse) => self.gram_sparse(sparse, left, right),
        }
    }

    fn gram_dense(
        &self,
        left: &[usize],
        right: &[usize],
        append: impl Fn(usize, &mut Vec<f64>) + Sync,
    ) -> Vec<Vec<f64>> {
        let n = self.n_rows;
        let gather = |columns: &[usize]| -> Vec<f64> {
            let mut values = Vec::with_capacity(columns.len() * n);
            columns.iter().for_each(|&j| append(j, &mut values));
            values
        };
        let right_values = gather(right);
        let tiles: Vec<Vec<f64>> = left
            .par_chunks(TILE)
            .map(|left| tile_product(&gather(left), &right_values, n))
            .collect();
        let mut out = vec![Vec::with_capacity(left.len()); right.len()];
        for (tile, left) in tiles.iter().zip(left.chunks(TILE)) {
            for (out, column) in out.iter_mut().zip(tile.chunks(left.len())) {
                out.extend_from_slice(column);
            }
        }
        out
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
                Store::Centred(dense) => {
                    values.extend(dense.column(j).iter().zip(roots).map(|(x, root)| x * root));
                }
                Store::Raw(dense) => {
                    let (m, s) = (self.means[j], self.scales[j]);
                    let weighted = |(x, root): (&f64, &f64)| (x - m) / s * root;
                    values.extend(dense.column(j).iter().zip(roots).map(weighted));
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

    /// The lower half by runs of columns, the upper by symmetry.
    fn whole_sparse(&self, columns: &[usize]) -> Vec<Vec<f64>> {
        let starts: Vec<usize> = (0..columns.len()).step_by(COLUMNS_PER_TASK).collect();
        let pieces: Vec<Vec<Vec<f64>>> = starts
            .par_iter()
            .map(|&start| {
                let end = (start + COLUMNS_PER_TASK).min(columns.len());
                self.gram(&columns[start..], &columns[start..end])
            })
            .collect();
        let mut whole = vec![vec![0.0; columns.len()]; columns.len()];
        for (start, piece) in starts.into_iter().zip(pieces) {
            for (offset, column) in piece.into_iter().enumerate() {
                let j = start + offset;
                for (i, value) in (start..).zip(column).skip(offset) {
                    whole[j][i] = value;
                    whole[i][j] = value;
                }
            }
        }
        whole
    }

    /// The whole of `X̃ᵀX̃/n` over the columns named, and their `X̃ᵀy/n`.
    ///
    /// Dense: a panel of rows is centred, as many as stay in the cache, with y beside the columns, and its
    /// products are added to the tiles of the lower half. So no centred copy is written to memory, and the
    /// time is that of n·p² multiply-adds, half of what all products would take.
    pub(crate) fn gram_whole(&self, columns: &[usize], y: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let Some(dense) = self.stored() else {
            return (self.whole_sparse(columns), self.correlations(columns, y));
        };
        let (n, width) = (self.n_rows, columns.len() + 1);
        let height = (PANEL / width).clamp(512, 8192).min(n);
        let mut panel = vec![0.0; height * width];
        let mut tiles: Vec<Tile> = (0..width)
            .step_by(BLOCK)
            .flat_map(|right| (right..width).step_by(BLOCK).map(move |left| (left, right)))
            .map(|(left, right)| {
                let size = |start: usize| BLOCK.min(width - start);
                Tile { left, right, values: vec![0.0; size(left) * size(right)] }
            })
            .collect();
        for start in (0..n).step_by(height) {
            let rows = start..(start + height).min(n);
            let panel = &mut panel[..rows.len() * width];
            panel.par_chunks_mut(rows.len()).with_min_len(16).enumerate().for_each(
                |(k, out)| match (columns.get(k), &self.store) {
                    (None, _) => out.copy_from_slice(&y[rows.clone()]),
                    (Some(&j), Store::Raw(_)) => {
                        self.centre(j, &dense.column(j)[rows.clone()], out);
                    }
                    (Some(&j), _) => out.copy_from_slice(&dense.column(j)[rows.clone()]),
                },
            );
            let panel = MatRef::from_column_major_slice(panel, rows.len(), width);
            tiles.par_iter_mut().for_each(|tile| tile.add(panel, 1.0 / n as f64));
        }
        from_tiles(&tiles, columns.len())
    }
}

impl Tile {
    /// Adds `scale` times the products of the tile's columns over the rows of a panel; of a tile on the
    /// diagonal, the lower half.
    fn add(&mut self, panel: MatRef<'_, f64>, scale: f64) {
        let size = |start: usize| BLOCK.min(panel.ncols() - start);
        let (height, width) = (size(self.left), size(self.right));
        let left = panel.get(.., self.left..self.left + height).transpose();
        let right = panel.get(.., self.right..self.right + width);
        let out = MatMut::from_column_major_slice_mut(&mut self.values, height, width);
        if self.left == self.right {
            let (whole, lower) = (BlockStructure::Rectangular, BlockStructure::TriangularLower);
            triangular::matmul(out, lower, Accum::Add, left, whole, right, whole, scale, Par::Seq);
        } else {
            matmul(out, Accum::Add, left, right, scale, Par::Seq);
        }
    }
}

/// The matrix over the first `p` columns and, as the second, what the column behind them has as products.
fn from_tiles(tiles: &[Tile], p: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut whole = vec![vec![0.0; p]; p];
    let mut last = vec![0.0; p];
    for tile in tiles {
        let height = BLOCK.min(p + 1 - tile.left);
        for (j, column) in (tile.right..).zip(tile.values.chunks(height)) {
            for (i, &value) in (tile.left..).zip(column).filter(|(i, _)| *i >= j && j < p) {
                if i == p {
                    last[j] = value;
                } else {
                    whole[j][i] = value;
                    whole[i][j] = value;
                }
            }
        }
    }
    (whole, last)
}

/// `mⱼ`, `sⱼ` and `‖x̃ⱼ‖²/n` of a column of mean `m` and standard deviation `spread`.
fn moments(m: f64, spread: f64, intercept: bool, standardize: bool) -> (f64, f64, f64) {
    let varies = spread > 1e-13 * m.abs().max(spread);
    let scale = match (varies || (!intercept && m != 0.0), standardize && varies) {
        (false, _) => 0.0,
        (true, true) => spread,
        (true, false) => 1.0,
    };
    let centre = if intercept { m } else { 0.0 };
    let square = if intercept { spread * spread } else { spread * spread + m * m };
    (centre, scale, if scale == 0.0 { 0.0 } else { square / (scale * scale) })
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

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::all_close;

    #[test]
    fn three_ways_to_store_a_design_are_one() {
        // More columns than a tile of the whole Gram matrix holds, more rows than a panel of it.
        let (n, p) = (600, 250);
        let cell = |at: usize| ((at * at + 7 * at) % 23) as f64 % 5.0;
        let dense = Columns::new(n, p, (0..n * p).map(cell).collect()).unwrap();
        let sparse = Design::Sparse(Sparse::from_dense(&dense));
        let dense = Design::Dense(dense);
        let y: Vec<f64> = (0..n).map(|row| (row % 17) as f64 - 8.0).collect();
        for standardize in [false, true] {
            let views = [
                Standardized::new(&dense, true, standardize),
                Standardized::measured(&dense, true, standardize),
                Standardized::measured(&sparse, true, standardize),
            ];
            assert!(matches!(views[1].store, Store::Raw(_)));
            let usable = views[0].usable();
            let plain: Vec<Vec<f64>> = usable
                .iter()
                .map(|&a| {
                    let column = views[0].combine(&vec![0.0; n], &[(a, 1.0)]);
                    usable.iter().map(|&b| views[0].product(b, &column, 0.0) / n as f64).collect()
                })
                .collect();
            let products: Vec<f64> =
                usable.iter().map(|&j| views[0].product(j, &y, 0.0) / n as f64).collect();
            for view in &views {
                let (whole, right) = view.gram_whole(&usable, &y);
                all_close(&right, &products, 1e-12, 1e-12);
                all_close(&view.correlations(&usable, &y), &products, 1e-12, 1e-12);
                for (found, plain) in whole.iter().zip(&plain) {
                    all_close(found, plain, 1e-12, 1e-12);
                }
                for (found, plain) in view.gram(&usable, &usable[3..6]).iter().zip(&plain[3..]) {
                    all_close(found, plain, 1e-12, 1e-12);
                }
                let start = vec![1.0; n];
                let sum = view.combine(&start, &[(3, 0.5), (200, -2.0)]);
                all_close(&sum, &views[0].combine(&start, &[(3, 0.5), (200, -2.0)]), 1e-12, 1e-12);
            }
        }
    }
}
