//! The sum of two tensors of one shape: the residual connection.

use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::rows;

/// `y = a + b`.
///
/// # Gradient
/// `d_a += d_y`, `d_b += d_y`; saves nothing.
///
/// # Panics
/// When the shapes differ.
pub fn add(tape: &Tape<'_>, a: &Tensor, b: &Tensor) -> Tensor {
    assert_eq!(
        a.shape(),
        b.shape(),
        "add: shapes differ, lhs {:?}, rhs {:?}",
        a.shape(),
        b.shape()
    );
    let mut y = vec![0.0; a.values().len()];
    rows::add(a.values(), b.values(), &mut y);
    if !tape.wants(false, &[a, b]) {
        return tape.constant(a.shape(), y);
    }
    let (to_a, to_b) = (a.target(), b.target());
    tape.record(a.shape(), y, move |d_y, flow| {
        flow.add_with(to_b, |sum| rows::axpy(1.0, &d_y, sum));
        flow.send(to_a, d_y);
    })
}
