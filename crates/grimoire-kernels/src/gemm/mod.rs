//! Matrix products with a stored right-hand side: `C (+)= A · Wᵀ` and `C (+)= A · W` for `W` of any
//! storage type, decoded panel by panel on the way into the first-level cache; a dequantised copy of a
//! weight never exists. Plain f32 matrices are the storage type F32.
//!
//! Work is cut into pieces of fixed size (some 48 columns by 264 rows of `C`), and the sum over `k`
//! runs in steps of [`DEPTH`] in order, so that the result does not depend on the number of threads.

mod dot;
mod micro;
mod pack;

use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece};
use crate::storage::StorageType;
pub use dot::dot;
pub(crate) use micro::{MR, NR, Tile, tile};
pub(crate) use pack::transpose;
use std::cell::RefCell;

/// Columns of `C` in a piece, when no blocks lie along them.
const COLS: usize = 48;
/// Rows of `C` in a piece.
const ROWS: usize = 264;
/// Length of a step of the sum: a panel of it (16 KiB) stays in the first-level cache. A multiple of
/// every block length.
const DEPTH: usize = 256;

/// A matrix in its storage type, row-major, each row a whole number of blocks.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// How values are stored.
    pub ty: StorageType,
    /// Rows.
    pub rows: usize,
    /// Columns, a multiple of the block length.
    pub cols: usize,
    /// The blocks.
    pub bytes: &'a [u8],
}

impl<'a> Stored<'a> {
    /// A matrix of plain f32 values `[rows, cols]`.
    ///
    /// # Panics
    /// When the number of values is not `rows · cols`.
    pub fn f32(values: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(
            values.len(),
            rows * cols,
            "matrix [{rows}, {cols}] has {} values",
            values.len()
        );
        Self { ty: StorageType::F32, rows, cols, bytes: bytemuck::cast_slice(values) }
    }

    /// Checks that the bytes are those of `[rows, cols]`.
    ///
    /// # Panics
    /// When they are not: the boundary that reads files has checked already.
    pub fn new(ty: StorageType, rows: usize, cols: usize, bytes: &'a [u8]) -> Self {
        assert_eq!(
            cols % ty.block_len(),
            0,
            "{cols} columns are not whole blocks of {}",
            ty.name()
        );
        assert_eq!(
            bytes.len(),
            rows * (cols / ty.block_len()) * ty.block_bytes(),
            "matrix [{rows}, {cols}] of {}",
            ty.name()
        );
        Self { ty, rows, cols, bytes }
    }

    /// Decodes row `row` into `out`.
    ///
    /// # Panics
    /// When `out` is not as long as a row.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.cols, "a row has {} values", self.cols);
        self.decode_row(row, 0, out);
    }
}

/// The right-hand side.
#[derive(Clone, Copy, Debug)]
pub enum Rhs<'a> {
    /// `A · Wᵀ`: the sum runs along the rows of `W`.
    Transposed(Stored<'a>),
    /// `A · W`: the sum runs down the columns of `W`.
    Plain(Stored<'a>),
}

/// The left-hand side: f32 values at any two strides, so that `Aᵀ` needs no copy.
#[derive(Clone, Copy, Debug)]
pub struct Lhs<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Lhs<'a> {
    /// `A[rows, cols]`, row-major.
    ///
    /// # Panics
    /// When the number of values is not `rows · cols`.
    pub fn new(values: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(
            values.len(),
            rows * cols,
            "matrix [{rows}, {cols}] has {} values",
            values.len()
        );
        Self { values, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// `Aᵀ` of `values[rows, cols]`: `cols` rows and `rows` columns.
    ///
    /// # Panics
    /// As [`Lhs::new`].
    pub fn transposed(values: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(
            values.len(),
            rows * cols,
            "matrix [{rows}, {cols}] has {} values",
            values.len()
        );
        Self { values, rows: cols, cols: rows, row_stride: 1, col_stride: cols }
    }
}

thread_local! {
    static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// `C = A · B`, or `C += A · B` with `accumulate`.
///
/// # Shapes
/// `A` `[m, k]`, `B` `[k, n]` (see [`Rhs`]), `out` `[m, n]` row-major.
///
/// # Numerics
/// f32 products and sums, in steps of 256 along `k`; the same bits for any number of threads.
///
/// # Panics
/// When the shapes do not fit.
pub fn gemm(lhs: Lhs<'_>, rhs: Rhs<'_>, out: &mut [f32], accumulate: bool) {
    let (k, n) = match rhs {
        Rhs::Transposed(w) => (w.cols, w.rows),
        Rhs::Plain(w) => (w.rows, w.cols),
    };
    let m = lhs.rows;
    assert_eq!(
        lhs.cols, k,
        "gemm: inner dimensions differ, lhs [{m}, {}], rhs [{k}, {n}]",
        lhs.cols
    );
    assert_eq!(out.len(), m * n, "gemm: out has {} values, not [{m}, {n}]", out.len());
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            out.fill(0.0);
        }
        return;
    }
    if let (true, Rhs::Transposed(w)) = (m < 4 && lhs.col_stride == 1, rhs) {
        dot::few_rows(lhs.values, m, w, out, accumulate);
        return;
    }
    let isa = Isa::current();
    let target = Shared(out.as_mut_ptr());
    let wide = columns_per_piece(rhs);
    let (col_pieces, row_pieces) = (n.div_ceil(wide), m.div_ceil(ROWS));
    for_each_piece(col_pieces * row_pieces, |piece| {
        let (first_col, first_row) = (piece / row_pieces * wide, piece % row_pieces * ROWS);
        let cols = wide.min(n - first_col);
        let rows = ROWS.min(m - first_row);
        SCRATCH.with_borrow_mut(|(row_scratch, panels)| {
            for from in (0..k).step_by(DEPTH) {
                let depth = DEPTH.min(k - from);
                panels.resize(cols.div_ceil(NR) * NR * depth, 0.0);
                match rhs {
                    Rhs::Transposed(w) => {
                        pack::transposed(&w, first_col, cols, from, depth, row_scratch, panels);
                    }
                    Rhs::Plain(w) => {
                        pack::plain(&w, first_col, cols, from, depth, row_scratch, panels);
                    }
                }
                for (panel_idx, panel) in panels.chunks_exact(NR * depth).enumerate() {
                    let live = NR.min(cols - panel_idx * NR);
                    for row in (0..rows).step_by(MR) {
                        let at = first_row + row;
                        // SAFETY: A[at.., from..] and the panel are in range; the tile of C belongs to
                        // this piece alone.
                        unsafe {
                            tile(
                                isa,
                                Tile {
                                    k: depth,
                                    a: lhs
                                        .values
                                        .as_ptr()
                                        .add(at * lhs.row_stride + from * lhs.col_stride),
                                    a_row: lhs.row_stride,
                                    a_col: lhs.col_stride,
                                    b: panel.as_ptr(),
                                    b_row: NR,
                                    c: target.pointer().add(at * n + first_col + panel_idx * NR),
                                    c_row: n,
                                    accumulate: accumulate || from > 0,
                                },
                                MR.min(rows - row),
                                live,
                            );
                        }
                    }
                }
            }
        });
    });
}

/// Where blocks lie along the columns of `C`, a piece takes whole blocks, so that none is decoded twice.
fn columns_per_piece(rhs: Rhs<'_>) -> usize {
    match rhs {
        Rhs::Transposed(_) => COLS,
        Rhs::Plain(w) => match w.ty.block_len() {
            1 => COLS,
            32 => 96,
            block => block,
        },
    }
}
