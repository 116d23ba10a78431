//! The rotary position embedding (Su et al., 2021, equation 34): each pair of values of a head turns by an
//! angle that grows with the position. The angles come from outside: scalings are the model's business.

use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::parallel::for_each_rows;
use grimoire_kernels::rows::{RopePairs, rotate};
use std::sync::Arc;

/// Rows in a piece.
const ROWS: usize = 32;

/// Cosines and sines for every row: `[rows, dim/2]` each, `dim` the number of rotated values of a head.
#[derive(Clone, Debug)]
pub struct Angles {
    /// Cosines.
    pub cos: Arc<[f32]>,
    /// Sines.
    pub sin: Arc<[f32]>,
    /// Half the number of rotated values of a head.
    pub half: usize,
    /// Which values turn together.
    pub pairs: RopePairs,
}

/// Turns every head of every row by the angles of the row, in place where nobody else holds `x`.
///
/// # Shapes
/// `x` `[rows, heads · head_dim]`; the first `2 · half` values of a head turn, the rest pass.
///
/// # Gradient
/// The rotation by the opposite angle; saves the angles.
///
/// # Panics
/// When the angles are not those of as many rows.
pub fn rope(tape: &Tape<'_>, x: Tensor, head_dim: usize, angles: &Angles) -> Tensor {
    let width = x.width();
    assert!(
        angles.cos.len() == x.rows() * angles.half && width.is_multiple_of(head_dim),
        "rope: x {:?} in heads of {head_dim}, angles [{}, {}]",
        x.shape(),
        angles.cos.len() / angles.half.max(1),
        angles.half
    );
    let (recorded, to_x, shape) = (tape.wants(false, &[&x]), x.target(), x.shape().to_vec());
    let mut y = x.into_buffer();
    turn(&mut y, width, head_dim, angles, false);
    if !recorded {
        return tape.constant(&shape, y);
    }
    let angles = angles.clone();
    tape.record(&shape, y, move |mut d_y, flow| {
        turn(&mut d_y, width, head_dim, &angles, true);
        flow.send(to_x, d_y);
    })
}

fn turn(values: &mut [f32], width: usize, head_dim: usize, angles: &Angles, inverse: bool) {
    let half = angles.half;
    for_each_rows(values, width, ROWS, |first, rows| {
        for (offset, row) in rows.chunks_exact_mut(width).enumerate() {
            let at = (first + offset) * half;
            let (cos, sin) = (&angles.cos[at..at + half], &angles.sin[at..at + half]);
            for head in row.chunks_exact_mut(head_dim) {
                rotate(head, cos, sin, angles.pairs, inverse);
            }
        }
    });
}
