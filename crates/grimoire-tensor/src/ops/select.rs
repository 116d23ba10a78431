//! A choice of rows: the positions that are scored, the last one of each document.

use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::rows::axpy;

/// `y[i] = x[which[i]]`.
///
/// # Shapes
/// `x` `[.., d]`, output `[which.len(), d]`.
///
/// # Gradient
/// `d_x[which[i]] += d_y[i]`.
///
/// # Panics
/// When a row is out of range.
pub fn select_rows(tape: &Tape<'_>, x: &Tensor, which: &[usize]) -> Tensor {
    let (y, width) = (chosen(x, which), x.width());
    let shape = [which.len(), width];
    if !tape.wants(false, &[x]) {
        return tape.constant(&shape, y);
    }
    let (to_x, which) = (x.target(), which.to_vec());
    tape.record(&shape, y, move |d_y, flow| {
        flow.add_with(to_x, |d_x| add_chosen(&d_y, width, &which, d_x));
    })
}

/// The rows of `x` that are named, in that order.
pub(super) fn chosen(x: &Tensor, which: &[usize]) -> Buffer {
    let width = x.width();
    let mut y = Buffer::stale(which.len() * width);
    for (row, y) in which.iter().zip(y.chunks_exact_mut(width)) {
        assert!(*row < x.rows(), "select: row {row} of {}", x.rows());
        y.copy_from_slice(&x.values()[row * width..(row + 1) * width]);
    }
    y
}

/// Adds each row of `d_y` to the row of `d_x` that it came from.
pub(super) fn add_chosen(d_y: &[f32], width: usize, which: &[usize], d_x: &mut [f32]) {
    for (row, d) in which.iter().zip(d_y.chunks_exact(width)) {
        axpy(1.0, d, &mut d_x[row * width..(row + 1) * width]);
    }
}
