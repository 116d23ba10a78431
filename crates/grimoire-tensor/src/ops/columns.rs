//! A run of columns of a tensor: queries, keys or values out of one fused product.

use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::rows::axpy;
use std::ops::Range;

/// `y[i] = x[i][range]`.
///
/// # Shapes
/// `x` `[.., d]`, output `[.., range.len()]`.
///
/// # Gradient
/// `d_x[i][range] += d_y[i]`.
///
/// # Panics
/// When the range is not within the columns.
pub fn columns(tape: &Tape<'_>, x: &Tensor, range: Range<usize>) -> Tensor {
    let width = x.width();
    assert!(range.end <= width, "columns: {range:?} of {:?}", x.shape());
    let narrow = range.len();
    let mut y = Vec::with_capacity(x.rows() * narrow);
    for row in x.values().chunks_exact(width) {
        y.extend_from_slice(&row[range.clone()]);
    }
    let mut shape = x.shape().to_vec();
    *shape.last_mut().expect("a tensor with rows has dimensions") = narrow;
    if !tape.wants(false, &[x]) {
        return tape.constant(&shape, y);
    }
    let to_x = x.target();
    tape.record(&shape, y, move |d_y, flow| {
        flow.add_with(to_x, |d_x| {
            for (d_x, d_y) in d_x.chunks_exact_mut(width).zip(d_y.chunks_exact(narrow)) {
                axpy(1.0, d_y, &mut d_x[range.clone()]);
            }
        });
    })
}
