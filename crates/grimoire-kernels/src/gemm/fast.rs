//! Products of a few rows with a quantised weight in integers: `C[m, n] (+)= A · Wᵀ`, `A` rounded to 8-bit
//! blocks first (see [`super::activations`]), sums within a block exact, sums of blocks in f32.
//!
//! In words of one block of W, `w = d_w · q_w + min`: `Σ w x ≈ d_w d_x Σ q_w q_x + min · s_x`. The weight is
//! read once for up to four rows of `A`; one row is bound by reading memory. The plain twin decodes both
//! sides and multiplies them in f32.
//!
//! What it does not do: gradients, types without a kernel (they go through f32), many rows (there the f32
//! tile is as fast).

use super::activations::Activations;
use super::{Stored, dot};
use crate::parallel::{Shared, for_each_piece};
use crate::storage::StorageType;
use std::cell::RefCell;

/// Most rows of `A`: beyond, decoding a panel once for all rows is as fast.
pub(super) const MOST_ROWS: usize = 16;
/// Rows of `A` that share one reading of a row of `W`.
const TOGETHER: usize = 4;
/// Values of `W` in a piece.
const PIECE: usize = 32_768;

thread_local! {
    static ACTIVATIONS: RefCell<Activations> = RefCell::new(Activations::default());
}

/// Whether there is an integer kernel for this type and width.
pub(super) fn has_kernel(ty: StorageType) -> bool {
    use StorageType::{Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0};
    matches!(ty, Q4_0 | Q4_1 | Q8_0 | Q4K | Q5K | Q6K)
}

/// `C[m, n] (+)= A[m, k] · Wᵀ` for at most [`MOST_ROWS`] rows.
pub(super) fn few_rows(a: &[f32], m: usize, w: Stored<'_>, out: &mut [f32], accumulate: bool) {
    ACTIVATIONS.with_borrow_mut(|activations| {
        activations.quantise(a, w.cols);
        #[cfg(target_arch = "x86_64")]
        if crate::isa::Isa::current() >= crate::isa::Isa::Avx2 {
            avx2_rows(activations, m, w, out, accumulate);
            return;
        }
        dot::few_rows(&activations.values(), m, w, out, accumulate);
    });
}

#[cfg(target_arch = "x86_64")]
fn avx2_rows(a: &Activations, m: usize, w: Stored<'_>, out: &mut [f32], accumulate: bool) {
    use super::fast_avx2::row;
    let (n, k) = (w.rows, w.cols);
    let row_bytes = k / w.ty.block_len() * w.ty.block_bytes();
    let target = Shared(out.as_mut_ptr());
    let rows = (PIECE / k).clamp(1, 256);
    for_each_piece(n.div_ceil(rows), |piece| {
        for first in (0..m).step_by(TOGETHER) {
            let together = TOGETHER.min(m - first);
            for col in piece * rows..n.min((piece + 1) * rows) {
                let bytes = &w.bytes[col * row_bytes..(col + 1) * row_bytes];
                // SAFETY: AVX2 is in force; the bytes are a row of `k` values, and `a` has `m` such rows.
                let sums = unsafe { row(w.ty, bytes, a, first, together) };
                for (offset, sum) in sums[..together].iter().enumerate() {
                    // SAFETY: column `col` belongs to this piece alone.
                    unsafe {
                        let c = target.pointer().add((first + offset) * n + col);
                        *c = if accumulate { *c + sum } else { *sum };
                    }
                }
            }
        }
    });
}
