//! The matrix products of attention on the tile of `crate::gemm`: rows of one head read in place or packed,
//! and no further than a row can see. Not for general use: bounds are the caller's promise.

use crate::gemm::{MR, NR, Tile, tile, transpose};
use crate::isa::Isa;

/// Packs `rows` rows of `dim` values, `stride` apart, into panels `[dim, 16]` of their transpose.
pub(super) fn pack_transposed(
    source: &[f32],
    stride: usize,
    rows: usize,
    dim: usize,
    lines: &mut Vec<f32>,
    panels: &mut Vec<f32>,
) {
    let n_panels = rows.div_ceil(NR);
    panels.resize(n_panels * dim * NR, 0.0);
    lines.resize(NR * dim, 0.0);
    for (panel_idx, panel) in panels.chunks_exact_mut(dim * NR).enumerate() {
        let live = NR.min(rows - panel_idx * NR);
        for line in 0..live {
            let at = (panel_idx * NR + line) * stride;
            lines[line * dim..(line + 1) * dim].copy_from_slice(&source[at..at + dim]);
        }
        lines[live * dim..].fill(0.0);
        transpose(lines, dim, panel);
    }
}

/// `C[rows, width] = A[rows, k] · panels`, `width` a multiple of 16. Row `i` needs `seen + i` columns alone;
/// tiles beyond are left as they are.
///
/// # Safety
/// `A` must be readable as described; `panels` is `[width/16][k, 16]`, `out` `[rows, width]`.
#[expect(clippy::too_many_arguments, reason = "a matrix product has as many")]
pub(super) unsafe fn product_packed(
    isa: Isa,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    rows: usize,
    k: usize,
    panels: &[f32],
    out: &mut [f32],
    width: usize,
    seen: usize,
) {
    for (panel_idx, panel) in panels.chunks_exact(k * NR).take(width / NR).enumerate() {
        for row in (0..rows).step_by(MR) {
            if seen + rows.min(row + MR) - 1 <= panel_idx * NR {
                continue;
            }
            // SAFETY: the caller's promise; the tile lies within `out`.
            unsafe {
                tile(
                    isa,
                    Tile {
                        k,
                        a: a.add(row * a_row),
                        a_row,
                        a_col,
                        b: panel.as_ptr(),
                        b_row: NR,
                        c: out.as_mut_ptr().add(row * width + panel_idx * NR),
                        c_row: width,
                        accumulate: false,
                    },
                    MR.min(rows - row),
                    NR,
                );
            }
        }
    }
}

/// Rows of a head as the right-hand side of a product: read in place where 16 columns at a time fit,
/// with the odd columns at the end copied into a padded panel.
pub(super) struct Columns<'a> {
    source: *const f32,
    stride: usize,
    dim: usize,
    padded: &'a [f32],
}

impl<'a> Columns<'a> {
    pub(super) fn of(
        source: &[f32],
        stride: usize,
        rows: usize,
        dim: usize,
        padded: &'a mut Vec<f32>,
    ) -> Self {
        let odd = dim % NR;
        if odd > 0 {
            padded.clear();
            padded.resize(rows * NR, 0.0);
            for (row, line) in padded.chunks_exact_mut(NR).enumerate() {
                let at = row * stride + dim - odd;
                line[..odd].copy_from_slice(&source[at..at + odd]);
            }
        }
        assert!(
            rows == 0 || (rows - 1) * stride + dim <= source.len(),
            "attention: rows out of range"
        );
        Self { source: source.as_ptr(), stride, dim, padded }
    }

    /// `C[rows, dim] (+)= A[rows, k] · self[k, dim]`, where rows before `i` need a sum of length `k(i)`.
    ///
    /// # Safety
    /// `A` readable and `C` writable as described, `k(i)` at most the number of rows given to `of`.
    #[expect(clippy::too_many_arguments, reason = "a matrix product has as many")]
    pub(super) unsafe fn product(
        &self,
        isa: Isa,
        a: *const f32,
        a_row: usize,
        a_col: usize,
        rows: usize,
        k: impl Fn(usize) -> usize,
        c: *mut f32,
        c_row: usize,
        accumulate: bool,
    ) {
        for col in (0..self.dim).step_by(NR) {
            let live = NR.min(self.dim - col);
            let (b, b_row) = if live == NR {
                (self.source.wrapping_add(col), self.stride)
            } else {
                (self.padded.as_ptr(), NR)
            };
            for row in (0..rows).step_by(MR) {
                // SAFETY: the caller's promise; odd columns come from the padded panel.
                unsafe {
                    let t = Tile {
                        k: k(rows.min(row + MR)),
                        a: a.add(row * a_row),
                        a_row,
                        a_col,
                        b,
                        b_row,
                        c: c.add(row * c_row + col),
                        c_row,
                        accumulate,
                    };
                    tile(isa, t, MR.min(rows - row), live);
                }
            }
        }
    }
}
