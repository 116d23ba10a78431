//! Products with very few rows, as in generation: each row of `W` is decoded once, in pieces that stay in
//! registers and the first-level cache, and multiplied with the one to three rows of `A`.
//! Bound by reading `W` from memory once the decoding keeps up.

use super::Stored;
use crate::isa::{fma, multiversion};
use crate::parallel::for_each_rows;

/// Rows of `W` in a piece.
const ROWS: usize = 64;
/// Values decoded at a time; a multiple of every block length.
const STEP: usize = 256;

multiversion! {
    /// The dot product of two slices of equal length, in 32 partial sums of fixed order.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0f32; 32];
        let (mut left, mut right) = (a.chunks_exact(32), b.chunks_exact(32));
        for (a, b) in (&mut left).zip(&mut right) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum = fma::<FMA>(*a, *b, *sum);
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(left.remainder()).zip(right.remainder()) {
            *sum = fma::<FMA>(*a, *b, *sum);
        }
        let mut width = 16;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        sums[0]
    }
}

/// `C[m, n] (+)= A[m, k] · Wᵀ` for a handful of rows `m`.
pub(super) fn few_rows(a: &[f32], m: usize, w: Stored<'_>, out: &mut [f32], accumulate: bool) {
    let k = w.cols;
    let n = w.rows;
    // Pieces are runs of rows of W: transposed in `out` when m > 1, so gather by piece.
    let mut sums = vec![0.0f32; n * m];
    for_each_rows(&mut sums, m, ROWS, |first, sums| {
        let mut decoded = [0.0f32; STEP];
        for (offset, sums) in sums.chunks_exact_mut(m).enumerate() {
            for from in (0..k).step_by(STEP) {
                let len = STEP.min(k - from);
                w.decode_row(first + offset, from, &mut decoded[..len]);
                for (row, sum) in sums.iter_mut().enumerate() {
                    *sum += dot(&decoded[..len], &a[row * k + from..row * k + from + len]);
                }
            }
        }
    });
    for (row, out) in out.chunks_exact_mut(n).enumerate() {
        for (col, out) in out.iter_mut().enumerate() {
            let value = sums[col * m + row];
            *out = if accumulate { *out + value } else { value };
        }
    }
}
