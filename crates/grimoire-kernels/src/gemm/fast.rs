//! Products with a quantised weight in integers: `C[m, n] (+)= A · Wᵀ`, `A` rounded to 8-bit blocks first (see
//! [`super::activations`]), sums within a block of 32 exact, sums of blocks in f32, in order.
//!
//! In words of one block of W, `w = d_w · q_w + min`: `Σ w x ≈ d_x (d_w Σ q_w q_x + min Σ q_x)`. Sixteen rows of
//! `W` at a time are unpacked into a panel (`fast_pack`), which then meets all rows of `A` (`fast_avx2`). What
//! becomes of a row of `A` does not depend on its company: the same bits alone and among others.
//! With VNNI the panel is one of bytes (`fast_pack512`, `fast_avx512`).
//! The plain twin decodes both sides and multiplies them in f32.
//!
//! What it does not do: gradients; types without a kernel (they go through f32).

use super::activations::{Activations, BLOCK};
#[cfg(target_arch = "x86_64")]
use super::fast_avx512::Target;
use super::{Lhs, Rhs, Stored, gemm};
#[cfg(target_arch = "x86_64")]
use crate::parallel::Shared;
use crate::storage::StorageType;
use std::cell::RefCell;

thread_local! {
    static ACTIVATIONS: RefCell<Activations> = RefCell::new(Activations::default());
}

/// What the integers of a panel are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// Unsigned, of four bits: eight products of a lane add up in 16 bits.
    Four,
    /// Unsigned, of five or six bits, with a small integer scale for each sixteen: two products add up in 16 bits.
    Six,
    /// Signed, of eight bits, widened to 16.
    Eight,
}

/// How an integer kernel holds this type, if there is one.
pub(super) fn width(ty: StorageType) -> Option<Width> {
    use StorageType::{Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    match ty {
        Q4_0 | Q4_1 | Q4K => Some(Width::Four),
        Q5_0 | Q5_1 | Q5K | Q6K => Some(Width::Six),
        Q8_0 => Some(Width::Eight),
        _ => None,
    }
}

/// `C[m, n] (+)= A[m, k] · Wᵀ`, for a type that has a [`width`].
pub(super) fn product(a: &[f32], m: usize, w: Stored<'_>, out: &mut [f32], accumulate: bool) {
    ACTIVATIONS.with_borrow_mut(|activations| {
        let bytes = crate::isa::Isa::current() >= crate::isa::Isa::Avx512;
        activations.quantise(a, w.cols, width(w.ty) == Some(Width::Eight) && !bytes);
        #[cfg(target_arch = "x86_64")]
        if bytes {
            let out = Shared(out.as_mut_ptr());
            super::fast_avx512::product(activations, m, &[Target { w, out }], accumulate);
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if crate::isa::Isa::current() >= crate::isa::Isa::Avx2 {
            avx2::product(activations, m, w, out, accumulate);
            return;
        }
        let values = activations.values();
        gemm(Lhs::new(&values, m, w.cols), Rhs::Transposed(w), out, accumulate);
    });
}

/// Several products with the same left side, `C_i[m, n_i] = A · W_iᵀ`, where they can be shared out together: with VNNI.
#[cfg(target_arch = "x86_64")]
pub(super) fn several(a: &[f32], m: usize, weights: &[Stored<'_>], outs: &mut [&mut [f32]]) {
    ACTIVATIONS.with_borrow_mut(|activations| {
        activations.quantise(a, weights[0].cols, false);
        let targets: Vec<Target<'_>> = weights
            .iter()
            .zip(outs)
            .map(|(w, out)| Target { w: *w, out: Shared(out.as_mut_ptr()) })
            .collect();
        super::fast_avx512::product(activations, m, &targets, false);
    });
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::super::activations::Rows;
    use super::super::fast_avx2::{COLS, TOGETHER, multiply};
    use super::super::fast_pack::{pack, registers};
    use super::{Activations, BLOCK, Stored, width};
    use crate::parallel::{Shared, for_each_piece};
    use std::arch::x86_64::{__m256i, _mm256_setzero_si256};
    use std::cell::RefCell;

    /// Columns of `C` in a piece.
    const PIECE: usize = 2 * COLS;
    /// Rows of `C` in a piece, all of which one panel meets.
    const ROWS: usize = 256;
    /// Most blocks in a step of the sum: the panel stays in the first-level cache.
    const STEP: usize = 18;

    thread_local! {
        static PANEL: RefCell<Vec<__m256i>> = const { RefCell::new(Vec::new()) };
    }

    /// The product on AVX2.
    pub(super) fn product(
        a: &Activations,
        m: usize,
        w: Stored<'_>,
        out: &mut [f32],
        accumulate: bool,
    ) {
        let (n, blocks) = (w.rows, w.cols / BLOCK);
        let whole = w.ty.block_len() / BLOCK;
        let step = blocks.div_ceil(blocks.div_ceil(STEP)).next_multiple_of(whole);
        let width = width(w.ty).expect("a type with a kernel");
        let target = Shared(out.as_mut_ptr());
        let row_pieces = m.div_ceil(ROWS);
        for_each_piece(n.div_ceil(PIECE) * row_pieces, |piece| {
            let first = piece % row_pieces * ROWS;
            let rows = first..m.min(first + ROWS);
            let cols = piece / row_pieces * PIECE;
            PANEL.with_borrow_mut(|panel| {
                // SAFETY: zero is a value of every register.
                panel.resize(2 * registers(width) * step, unsafe { _mm256_setzero_si256() });
                for col in (cols..n.min(cols + PIECE)).step_by(COLS) {
                    for from in (0..blocks).step_by(step) {
                        let depth = step.min(blocks - from);
                        // SAFETY: AVX2 is in force; block, columns and rows exist, and the tile of C belongs
                        // to this piece alone.
                        unsafe {
                            pack(&w, col, from, depth, panel);
                            for row in rows.clone().step_by(TOGETHER) {
                                let together = TOGETHER.min(rows.end - row);
                                let c = target.pointer().add(row * n + col);
                                let a = Rows::of(a, row, from);
                                let add = accumulate || from > 0;
                                multiply(width, panel, depth, a, together, c, n, n - col, add);
                            }
                        }
                    }
                }
            });
        });
    }
}
