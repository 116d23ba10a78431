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

use super::activations::Activations;
#[cfg(target_arch = "x86_64")]
use super::fast_share::Target;
use super::{Lhs, Rhs, Stored, gemm};
#[cfg(target_arch = "x86_64")]
use super::{fast_avx2, fast_avx512};
#[cfg(target_arch = "x86_64")]
use crate::isa::Isa;
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
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        several(a, m, &[w], &mut [out], accumulate);
        return;
    }
    ACTIVATIONS.with_borrow_mut(|activations| {
        activations.quantise(a, w.cols, false);
        let values = activations.values();
        gemm(Lhs::new(&values, m, w.cols), Rhs::Transposed(w), out, accumulate);
    });
}

/// Several products with the same left side, `C_i[m, n_i] (+)= A · W_iᵀ`, shared out together; the instruction set in
/// force is at least AVX2.
#[cfg(target_arch = "x86_64")]
pub(super) fn several(
    a: &[f32],
    m: usize,
    weights: &[Stored<'_>],
    outs: &mut [&mut [f32]],
    accumulate: bool,
) {
    let bytes = Isa::current() >= Isa::Avx512;
    // One row meets eight-bit weights as bytes.
    let wide = !bytes && m > 1 && weights.iter().any(|w| width(w.ty) == Some(Width::Eight));
    ACTIVATIONS.with_borrow_mut(|activations| {
        activations.quantise(a, weights[0].cols, wide);
        let targets: Vec<Target<'_>> = weights
            .iter()
            .zip(outs)
            .map(|(w, out)| Target { w: *w, out: Shared(out.as_mut_ptr()) })
            .collect();
        let product = if bytes { fast_avx512::product } else { fast_avx2::product };
        product(activations, m, &targets, accumulate);
    });
}
