//! Products and sums of slices, in an order that depends on nothing but the length.
//!
//! Sixteen running sums, added up in a fixed tree; no fused multiply-add. So the bits are the same on
//! one thread or many, with SSE2, AVX2 or NEON: `pulp` picks the instruction set at run time, the
//! compiler vectorises the plain loops for it. Not a BLAS: matrix products go through faer.
//!
//! Equations: x·y = Σ xᵢyᵢ; y + a x. Accuracy: the error of pairwise sums, about (n/16 + 4) units of rounding of
//! Σ|xᵢyᵢ|. Source: N. Higham, *Accuracy and Stability of Numerical Algorithms* (2002), chapter 4.

use super::twofold::{Twofold, two_product, two_sum};
use pulp::{Simd, WithSimd};
use std::sync::LazyLock;

static ARCH: LazyLock<pulp::Arch> = LazyLock::new(pulp::Arch::new);

/// Runs `work` compiled for the best instruction set present. It and what it calls must be `inline(always)`: whatever
/// stays a function of its own is compiled for the least set.
#[inline]
pub(crate) fn dispatch<R>(mut work: impl FnMut() -> R) -> R {
    ARCH.dispatch(Work(&mut work))
}

/// By reference: calling a closure by value goes through a function that is not `inline(always)`.
struct Work<'a, F>(&'a mut F);

impl<R, F: FnMut() -> R> WithSimd for Work<'_, F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> R {
        (self.0)()
    }
}

const LANES: usize = 16;

/// `Σ aᵢbᵢ`, for use inside [`dispatch`].
#[inline(always)]
pub(crate) fn dot_inline(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut lanes = [0.0; LANES];
    let whole = length - length % LANES;
    for (a, b) in a[..whole].chunks_exact(LANES).zip(b[..whole].chunks_exact(LANES)) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a[whole..].iter().zip(&b[whole..])) {
        *lane += a * b;
    }
    tree(&mut lanes)
}

#[inline(always)]
fn tree(lanes: &mut [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `y ← y + a·x`, for use inside [`dispatch`].
#[inline(always)]
pub(crate) fn axpy_inline(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// x·y = `Σ aᵢbᵢ`, of as many as the shorter slice has; 0 for none.
///
/// Domain: any numbers; NaN and overflow come through. Method: sixteen running sums, added up in a
/// fixed tree, the same bits on any machine. Accuracy: about `(n/16 + 4)·2^-53` of `Σ|aᵢbᵢ|`.
/// Source: N. Higham, *Accuracy and Stability of Numerical Algorithms* (2002), chapters 3 and 4.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    dispatch(
        #[inline(always)]
        || dot_inline(a, b),
    )
}

/// `Σ aᵢvᵢ` and `Σ bᵢvᵢ`, each with the bits of [`dot`]: two columns are read from memory at once, and what
/// they are multiplied with is loaded once.
pub(crate) fn dot_pair(a: &[f64], b: &[f64], v: &[f64]) -> (f64, f64) {
    let length = a.len().min(b.len()).min(v.len());
    let (a, b, v) = (&a[..length], &b[..length], &v[..length]);
    dispatch(
        #[inline(always)]
        || {
            let (mut left, mut right) = ([0.0; LANES], [0.0; LANES]);
            let whole = length - length % LANES;
            let chunks = a[..whole].chunks_exact(LANES).zip(b[..whole].chunks_exact(LANES));
            for ((a, b), v) in chunks.zip(v[..whole].chunks_exact(LANES)) {
                for lane in 0..LANES {
                    left[lane] += a[lane] * v[lane];
                    right[lane] += b[lane] * v[lane];
                }
            }
            for (lane, at) in (whole..length).enumerate() {
                left[lane] += a[at] * v[at];
                right[lane] += b[at] * v[at];
            }
            (tree(&mut left), tree(&mut right))
        },
    )
}

/// `y ← y + a·x`, of as many as the shorter slice has.
///
/// Domain: any numbers; NaN and overflow come through. Method: entry by entry, without fused
/// multiply-add, the same bits on any machine. Accuracy: two roundings of each entry. Source: C.
/// Lawson and others, *Basic linear algebra subprograms for Fortran usage* (1979), for the name.
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    dispatch(
        #[inline(always)]
        || axpy_inline(a, x, y),
    );
}

/// `Σ f(aᵢ)` in the same order as [`dot`].
#[inline(always)]
fn sum_inline(a: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = a.as_chunks::<LANES>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += f(*value));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, value)| *lane += f(*value));
    tree(&mut lanes)
}

/// The mean, twice: what the first pass rounds away the second adds. Exact to the last digit or two.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    dispatch(
        #[inline(always)]
        || {
            let rough = sum_inline(values, |value| value) / n;
            rough + sum_inline(values, |value| value - rough) / n
        },
    )
}

/// `Σ (xᵢ − m)²`.
pub(crate) fn squares_about(values: &[f64], m: f64) -> f64 {
    dispatch(
        #[inline(always)]
        || sum_inline(values, |value| (value - m) * (value - m)),
    )
}

/// `out ← x − m`.
pub(crate) fn shifted(values: &[f64], m: f64, out: &mut [f64]) {
    dispatch(
        #[inline(always)]
        || out.iter_mut().zip(values).for_each(|(out, value)| *out = value - m),
    );
}

/// `Σ aᵢbᵢ` in twice the precision.
pub(crate) fn dot_twofold(a: &[f64], b: &[f64]) -> Twofold {
    let (mut hi, mut lo) = (0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (product, error) = two_product(a, b);
        let (sum, sum_error) = two_sum(hi, product);
        hi = sum;
        lo += error + sum_error;
    }
    let (hi, lo) = two_sum(hi, lo);
    Twofold { hi, lo }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_match_the_plain_sum() {
        for length in [0, 1, 15, 16, 17, 100] {
            let a: Vec<f64> = (0..length).map(|i| (i * i % 17) as f64).collect();
            let b: Vec<f64> = (0..length).map(|i| (i % 5) as f64 - 2.0).collect();
            // Small integers: every order of summation is exact.
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), plain);
            assert_eq!(dot_twofold(&a, &b).value(), plain);
            // Not integers: the same order of summation, so the same bits.
            let roots: Vec<f64> = a.iter().map(|a| (a + 0.1).sqrt()).collect();
            let v: Vec<f64> = b.iter().map(|b| b / 3.0).collect();
            assert_eq!(dot_pair(&roots, &a, &v), (dot(&roots, &v), dot(&a, &v)));
            let mut y = b.clone();
            axpy(2.0, &a, &mut y);
            assert!(y.iter().zip(a.iter().zip(&b)).all(|(y, (a, b))| *y == b + 2.0 * a));
        }
    }
}
