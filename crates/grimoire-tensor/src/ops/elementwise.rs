//! Sums and copies of whole arrays, shared out over threads in pieces of fixed size: parts of operations,
//! not operations.

use crate::buffer::Buffer;
use grimoire_kernels::parallel::for_each_rows;
use grimoire_kernels::rows;
use grimoire_kernels::storage::{StorageType, decode, halve};

/// Values in a piece.
const PIECE: usize = 16_384;

/// `sum += x`.
pub(crate) fn add_to(x: &[f32], sum: &mut [f32]) {
    for_each_rows(sum, 1, PIECE, |first, sum| {
        rows::axpy(1.0, &x[first..first + sum.len()], sum);
    });
}

/// `a + b`.
pub(crate) fn sum_of(a: &[f32], b: &[f32]) -> Buffer {
    let mut y = Buffer::stale(a.len());
    for_each_rows(&mut y, 1, PIECE, |first, y| {
        let at = first..first + y.len();
        rows::add(&a[at.clone()], &b[at], y);
    });
    y
}

/// A copy of `x`.
pub(crate) fn copy_of(x: &[f32]) -> Buffer {
    let mut y = Buffer::stale(x.len());
    for_each_rows(&mut y, 1, PIECE, |first, y| y.copy_from_slice(&x[first..first + y.len()]));
    y
}

/// Values in bf16, two to a place.
pub(crate) fn halves_of(x: &[f32]) -> Buffer {
    let mut words = Buffer::stale(x.len().div_ceil(2));
    for_each_rows(&mut words, 1, PIECE / 2, |first, words| {
        let x = &x[2 * first..x.len().min(2 * (first + words.len()))];
        halve(x, &mut bytemuck::cast_slice_mut(words)[..x.len()]);
    });
    words
}

/// The values of [`halves_of`].
pub(crate) fn whole_of(words: &[f32], len: usize) -> Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(words);
    let mut x = Buffer::stale(len);
    for_each_rows(&mut x, 1, PIECE, |first, x| {
        decode(StorageType::BF16, &bytes[2 * first..2 * (first + x.len())], x);
    });
    x
}
