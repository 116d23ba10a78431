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
    let width = x.width();
    let mut y = Buffer::stale(which.len() * width);
    for (row, y) in which.iter().zip(y.chunks_exact_mut(width)) {
        assert!(*row < x.rows(), "select: row {row} of {}", x.rows());
        y.copy_from_slice(&x.values()[row * width..(row + 1) * width]);
    }
    let shape = [which.len(), width];
    if !tape.wants(false, &[x]) {
        return tape.constant(&shape, y);
    }
    let (to_x, which) = (x.target(), which.to_vec());
    tape.record(&shape, y, move |d_y, flow| {
        flow.add_with(to_x, |d_x| {
            for (row, d) in which.iter().zip(d_y.chunks_exact(width)) {
                axpy(1.0, d, &mut d_x[row * width..(row + 1) * width]);
            }
        });
    })
}
