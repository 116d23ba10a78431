//! Matrix products with a stored right-hand side: `C (+)= A · Wᵀ` and `C (+)= A · W` for `W` of any
//! storage type, decoded panel by panel on the way into the first-level cache; a dequantised copy of a
//! weight never exists. Plain f32 matrices are the storage type F32.
//!
//! Work is cut into pieces by the shape alone (some 48 columns by up to 1,056 rows of `C`), and the sum
//! over `k` runs in steps of at most some [`DEPTH`] in order, so that the result does not depend on the
//! number of threads.

mod activations;
mod dot;
mod fast;
#[cfg(target_arch = "x86_64")]
mod fast_avx2;
#[cfg(target_arch = "x86_64")]
mod fast_avx512;
#[cfg(target_arch = "x86_64")]
mod fast_pack;
#[cfg(target_arch = "x86_64")]
mod fast_pack512;
#[cfg(target_arch = "x86_64")]
mod fast_row;
#[cfg(target_arch = "x86_64")]
mod fast_share;
#[cfg(target_arch = "x86_64")]
mod half;
#[cfg(target_arch = "x86_64")]
mod half_pack;
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
/// Most rows of `C` in a piece.
const ROWS: usize = 1056;
/// Fewest rows of `C` in a piece: `W` is decoded once for so many.
const FEWEST_ROWS: usize = 192;
/// Rows of a piece are a multiple of this: whole tiles of [`micro`] and of [`half`].
const WHOLE_TILES: usize = 24;
/// How many pieces are enough to share out well.
const ENOUGH: usize = 12;
/// Up to so many rows of `A`, an f32 matrix is read where it lies: copying it into panels costs more.
const READ_IN_PLACE: usize = 18;
/// Most of the length of a step of the sum, before rounding up to whole blocks: a panel of it (20 KiB)
/// stays in the first-level cache.
const DEPTH: usize = 320;

/// As [`Precision::F32`], so many products at the most are summed before their sum is added to the others: sums of
/// sums round less. In other precisions, where factors are rounded anyway, a step of the sum is one run.
const RUN: usize = 96;

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

    /// The values as they lie, where they are f32 at proper places in memory.
    fn values(&self) -> Option<&'a [f32]> {
        if self.ty == StorageType::F32 { bytemuck::try_cast_slice(self.bytes).ok() } else { None }
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

impl<'a> Rhs<'a> {
    /// Length of the sum, and columns of the product.
    fn sizes(self) -> (usize, usize) {
        match self {
            Self::Transposed(w) => (w.cols, w.rows),
            Self::Plain(w) => (w.rows, w.cols),
        }
    }

    /// Length of a step of a sum over `k`, some `most` at the most: equal steps, in whole blocks where blocks lie along
    /// the sum.
    fn depth(self, k: usize, most: usize) -> usize {
        let multiple = match self {
            Self::Transposed(w) => w.ty.block_len().max(16),
            Self::Plain(_) => 16,
        };
        k.div_ceil(k.div_ceil(most)).next_multiple_of(multiple)
    }

    /// The values, where they are f32, lie at proper places in memory, and the sum runs down them.
    fn in_place(self) -> Option<&'a [f32]> {
        match self {
            Self::Plain(w) => w.values(),
            Self::Transposed(_) => None,
        }
    }
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

/// How exactly a product is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32 throughout, in short runs of sums: the reference.
    #[default]
    F32,
    /// Both sides rounded to bf16 and summed in f32, where the processor multiplies bf16 faster ([`Isa::Avx512Bf16`]);
    /// f32 elsewhere. Each factor moves by at most 1/512 of itself.
    Half,
    /// `A · Wᵀ` with a quantised weight in integers, `A` rounded to 8-bit blocks of 32 values (each by at most 0.4 % of
    /// the largest of its block); all else as [`Precision::Half`].
    Fast,
}

/// [`gemm`] in a precision of choice.
///
/// # Panics
/// As [`gemm`].
pub fn gemm_with(
    precision: Precision,
    lhs: Lhs<'_>,
    rhs: Rhs<'_>,
    out: &mut [f32],
    accumulate: bool,
) {
    match rhs {
        Rhs::Transposed(w) if integers(precision, &lhs, rhs) => {
            assert_eq!(out.len(), lhs.rows * w.rows, "gemm: out has {} values", out.len());
            fast::product(lhs.values, lhs.rows, w, out, accumulate);
        }
        #[cfg(target_arch = "x86_64")]
        _ if precision != Precision::F32 && half::suits(&lhs, rhs) => {
            let (k, n) = rhs.sizes();
            assert!(
                lhs.cols == k && out.len() == lhs.rows * n,
                "gemm: shapes differ, [{}, {}] by [{k}, {n}] into {}",
                lhs.rows,
                lhs.cols,
                out.len()
            );
            half::product(lhs, rhs, None, out, accumulate);
        }
        _ => exact(precision, lhs, rhs, out, accumulate),
    }
}

/// How many products are summed in one run.
fn run(precision: Precision) -> usize {
    if precision == Precision::F32 { RUN } else { usize::MAX }
}

/// `C_i = A · W_iᵀ` for several weights at once, each as [`gemm_with`] gives it, to the bit: queries, keys and values
/// of few tokens wait for each other once instead of three times.
///
/// # Panics
/// As [`gemm`], and when there are not as many outputs as weights.
pub fn gemm_several(
    precision: Precision,
    lhs: Lhs<'_>,
    weights: &[Stored<'_>],
    outs: &mut [&mut [f32]],
) {
    assert_eq!(weights.len(), outs.len(), "gemm: weights and outputs differ in number");
    for (w, out) in weights.iter().zip(outs.iter()) {
        assert!(
            lhs.cols == w.cols && out.len() == lhs.rows * w.rows,
            "gemm: shapes differ, [{}, {}] by [{}, {}] into {}",
            lhs.rows,
            lhs.cols,
            w.rows,
            w.cols,
            out.len()
        );
    }
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2
        && !weights.is_empty()
        && weights.iter().all(|w| integers(precision, &lhs, Rhs::Transposed(*w)))
    {
        fast::several(lhs.values, lhs.rows, weights, outs, false);
        return;
    }
    for (w, out) in weights.iter().zip(outs) {
        gemm_with(precision, lhs, Rhs::Transposed(*w), out, false);
    }
}

/// Whether this product is one in integers.
fn integers(precision: Precision, lhs: &Lhs<'_>, rhs: Rhs<'_>) -> bool {
    matches!(rhs, Rhs::Transposed(w) if lhs.cols == w.cols
        && lhs.rows * w.rows * w.cols > 0
        && fast::width(w.ty).is_some())
        && precision == Precision::Fast
        && lhs.col_stride == 1
}

/// `C = A · B`, or `C += A · B` with `accumulate`.
///
/// # Shapes
/// `A` `[m, k]`, `B` `[k, n]` (see [`Rhs`]), `out` `[m, n]` row-major.
///
/// # Numerics
/// f32 products and sums, in steps of some 320 along `k`; the same bits for any number of threads.
///
/// # Panics
/// When the shapes do not fit.
pub fn gemm(lhs: Lhs<'_>, rhs: Rhs<'_>, out: &mut [f32], accumulate: bool) {
    exact(Precision::Half, lhs, rhs, out, accumulate);
}

/// [`gemm`], in runs as the precision asks.
fn exact(precision: Precision, lhs: Lhs<'_>, rhs: Rhs<'_>, out: &mut [f32], accumulate: bool) {
    let (k, n) = rhs.sizes();
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
    if let Some(()) = narrow(lhs, rhs, out, accumulate) {
        return;
    }
    let repacked;
    let lhs = if lhs.col_stride == 1 {
        lhs
    } else {
        repacked = pack::columns(lhs.values, k, m);
        Lhs { values: &repacked, row_stride: 0, col_stride: MR, ..lhs }
    };
    sum(&[(lhs, rhs)], run(precision), out, accumulate);
}

/// `C = A₁ · B₁ + A₂ · B₂`, or `C += …` with `accumulate`: a product and a low-rank addition to it, which
/// meets each piece of `C` while the piece lies in the cache.
///
/// # Panics
/// As [`gemm`], and when the two products differ in shape.
pub fn gemm_pair(
    first: (Lhs<'_>, Rhs<'_>),
    second: (Lhs<'_>, Rhs<'_>),
    out: &mut [f32],
    accumulate: bool,
) {
    gemm_pair_with(Precision::F32, first, second, out, accumulate);
}

/// [`gemm_pair`] with the first product in a precision of choice; the second is always in f32.
///
/// # Panics
/// As [`gemm_pair`].
pub fn gemm_pair_with(
    precision: Precision,
    first: (Lhs<'_>, Rhs<'_>),
    second: (Lhs<'_>, Rhs<'_>),
    out: &mut [f32],
    accumulate: bool,
) {
    let ((k, n), (low, low_n)) = (first.1.sizes(), second.1.sizes());
    let m = first.0.rows;
    assert!(
        second.0.rows == m && low_n == n && first.0.cols == k && second.0.cols == low,
        "gemm: shapes differ, [{m}, {}] by [{k}, {n}] and [{}, {}] by [{low}, {low_n}]",
        first.0.cols,
        second.0.rows,
        second.0.cols
    );
    assert_eq!(out.len(), m * n, "gemm: out has {} values, not [{m}, {n}]", out.len());
    let together = m >= 4 && n > 0 && k > 0 && low > 0 && second.0.col_stride == 1;
    #[cfg(target_arch = "x86_64")]
    if precision != Precision::F32
        && together
        && !integers(precision, &first.0, first.1)
        && half::suits(&first.0, first.1)
    {
        half::product(first.0, first.1, Some(second), out, accumulate);
        return;
    }
    if together && matches!(precision, Precision::F32 | Precision::Half) && first.0.col_stride == 1
    {
        sum(&[first, second], run(precision), out, accumulate);
    } else {
        gemm_with(precision, first.0, first.1, out, accumulate);
        gemm(second.0, second.1, out, true);
    }
}

/// Sums products of one shape, piece by piece of `C`, in runs of `run`. None of them is empty.
fn sum(terms: &[(Lhs<'_>, Rhs<'_>)], run: usize, out: &mut [f32], accumulate: bool) {
    let (m, n) = (terms[0].0.rows, terms[0].1.sizes().1);
    let isa = Isa::current();
    let target = Shared(out.as_mut_ptr());
    let cut = Cut::of(m, n, terms[0].1);
    let row_pieces = m.div_ceil(cut.rows);
    for_each_piece(n.div_ceil(cut.cols) * row_pieces, |piece| {
        let (col, row) = (piece / row_pieces * cut.cols, piece % row_pieces * cut.rows);
        let part = Part { row, rows: cut.rows.min(m - row), col, cols: cut.cols.min(n - col) };
        SCRATCH.with_borrow_mut(|scratch| {
            for (place, (lhs, rhs)) in terms.iter().enumerate() {
                let add = (accumulate || place > 0, run);
                product(isa, *lhs, *rhs, part, add, scratch, target, n);
            }
        });
    });
}

/// One product for a part of `C`, in steps along the sum.
#[expect(clippy::too_many_arguments, reason = "the inner loop of `sum`, with all it reads")]
fn product(
    isa: Isa,
    lhs: Lhs<'_>,
    rhs: Rhs<'_>,
    part: Part,
    (accumulate, run): (bool, usize),
    (row_scratch, panels): &mut (Vec<f32>, Vec<f32>),
    target: Shared,
    n: usize,
) {
    let k = lhs.cols;
    let in_place =
        rhs.in_place().filter(|_| lhs.rows <= READ_IN_PLACE && part.cols.is_multiple_of(NR));
    let most = rhs.depth(k, DEPTH);
    for from in (0..k).step_by(most) {
        let depth = most.min(k - from);
        let run = depth.div_ceil(depth.div_ceil(run));
        let step = Step { from, depth, run, accumulate: accumulate || from > 0 };
        if let Some(values) = in_place {
            let b = Panels { values: &values[from * n + part.col..], next: NR, row: n };
            multiply(isa, lhs, b, part, step, target, n);
            continue;
        }
        panels.resize(part.cols.div_ceil(NR) * NR * depth, 0.0);
        match rhs {
            Rhs::Transposed(w) => {
                pack::transposed(&w, part.col, part.cols, from, depth, row_scratch, panels);
            }
            Rhs::Plain(w) => {
                pack::plain(&w, part.col, part.cols, from, depth, row_scratch, panels);
            }
        }
        let b = Panels { values: panels, next: NR * depth, row: NR };
        multiply(isa, lhs, b, part, step, target, n);
    }
}

/// A part of `C`.
#[derive(Clone, Copy)]
struct Part {
    row: usize,
    rows: usize,
    col: usize,
    cols: usize,
}

/// A step of the sum over `k`: from where, how long, in runs of how many.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    depth: usize,
    run: usize,
    accumulate: bool,
}

/// Sixteen columns of `B` after sixteen: element `(p, j)` of panel `i` lies at `i·next + p·row + j`.
#[derive(Clone, Copy)]
struct Panels<'a> {
    values: &'a [f32],
    next: usize,
    row: usize,
}

/// Multiplies the rows of a part with panels: a panel stays in the first-level cache while all the
/// rows of `A` pass by.
fn multiply(
    isa: Isa,
    lhs: Lhs<'_>,
    panels: Panels<'_>,
    part: Part,
    step: Step,
    target: Shared,
    c_row: usize,
) {
    for panel_idx in 0..part.cols.div_ceil(NR) {
        let panel = &panels.values[panel_idx * panels.next..];
        assert!(panel.len() >= (step.depth - 1) * panels.row + NR, "gemm: a panel is cut off");
        let live = NR.min(part.cols - panel_idx * NR);
        for row in (0..part.rows).step_by(MR) {
            let at = part.row + row;
            // SAFETY: `A[at.., from..]` lies within the matrix, and its first `k` columns are multiplied; the panel is
            // as long as was just asked; the tile of `C` belongs to this part alone.
            unsafe {
                let (a, a_row) = lhs.tile_at(at, step.from);
                let c = target.pointer().add(at * c_row + part.col + panel_idx * NR);
                for from in (0..step.depth).step_by(step.run) {
                    let tile = Tile {
                        k: step.run.min(step.depth - from),
                        a: a.add(from * lhs.col_stride),
                        a_row,
                        a_col: lhs.col_stride,
                        b: panel.as_ptr().add(from * panels.row),
                        b_row: panels.row,
                        c,
                        c_row,
                        accumulate: step.accumulate || from > 0,
                    };
                    self::tile(isa, tile, MR.min(part.rows - row), live);
                }
            }
        }
    }
}

impl Lhs<'_> {
    /// Where the tile of rows `row..` and columns `from..` begins, and the distance of its rows. `row` is a
    /// multiple of [`MR`] where the matrix is packed (`row_stride` 0, see [`pack::columns`]).
    ///
    /// # Safety
    /// The place must lie within the matrix.
    unsafe fn tile_at(&self, row: usize, from: usize) -> (*const f32, usize) {
        let (offset, a_row) = if self.row_stride == 0 {
            (row * self.cols + from * MR, 1)
        } else {
            (row * self.row_stride + from * self.col_stride, self.row_stride)
        };
        // SAFETY: the caller's promise.
        (unsafe { self.values.as_ptr().add(offset) }, a_row)
    }
}

/// How a product is cut: by its shape alone, never by the number of threads.
#[derive(Clone, Copy)]
struct Cut {
    rows: usize,
    cols: usize,
}

impl Cut {
    /// All rows in one piece where there are enough columns to share out, so that each block of `W` is
    /// decoded once; where blocks lie along the columns of `C`, whole blocks, for the same reason.
    fn of(m: usize, n: usize, rhs: Rhs<'_>) -> Self {
        let cols = match rhs {
            Rhs::Plain(w) if w.ty.block_len() > 1 => w.ty.block_len().max(64),
            _ => COLS,
        };
        Self::rows_for(m, n, cols)
    }

    /// The same for [`half`], whose tile is two panels wide.
    #[cfg(target_arch = "x86_64")]
    fn of_half(m: usize, n: usize, rhs: Rhs<'_>) -> Self {
        let block = match rhs {
            Rhs::Plain(w) => w.ty.block_len(),
            Rhs::Transposed(_) => 1,
        };
        Self::rows_for(m, n, block.max(64))
    }

    fn rows_for(m: usize, n: usize, cols: usize) -> Self {
        let pieces = n.div_ceil(cols);
        let rows = if pieces >= ENOUGH {
            ROWS
        } else {
            m.div_ceil(ENOUGH.div_ceil(pieces))
                .next_multiple_of(WHOLE_TILES)
                .clamp(FEWEST_ROWS, ROWS)
        };
        Self { rows, cols }
    }
}

/// `Aᵀ · B` with a narrow `B` in f32, as `(Bᵀ · A)ᵀ`: the wide matrix then runs along its rows through the
/// panels, and only the small result is transposed.
fn narrow(lhs: Lhs<'_>, rhs: Rhs<'_>, out: &mut [f32], accumulate: bool) -> Option<()> {
    let (Rhs::Plain(b), Some(values)) = (rhs, rhs.in_place()) else { return None };
    let (m, n) = (lhs.rows, b.cols);
    if lhs.col_stride == 1 || n > 32 || m < 2 * n {
        return None;
    }
    let mut turned = vec![0.0; m * n];
    let wide = Stored::f32(lhs.values, lhs.cols, lhs.rows);
    gemm(Lhs::transposed(values, b.rows, n), Rhs::Plain(wide), &mut turned, false);
    for (row, out) in out.chunks_exact_mut(n).enumerate() {
        for (col, out) in out.iter_mut().enumerate() {
            let value = turned[col * m + row];
            *out = if accumulate { *out + value } else { value };
        }
    }
    Some(())
}
