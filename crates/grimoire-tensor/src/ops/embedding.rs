//! The rows of a table, by token.

use super::Weight;
use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::parallel::for_each_rows;
use grimoire_kernels::rows::axpy;

/// `y[i] = table[tokens[i]]`.
///
/// # Shapes
/// `table` `[vocabulary, d]`, output `[tokens.len(), d]`.
///
/// # Gradient
/// `d_table[tokens[i]] += d_y[i]`, in order of `i`; saves the tokens.
///
/// # Panics
/// When a token is not in the table.
pub fn embedding(tape: &Tape<'_>, table: &Weight, tokens: &[u32]) -> Tensor {
    let stored = table.stored(tape.params());
    let width = stored.cols;
    let mut y = Buffer::stale(tokens.len() * width);
    for_each_rows(&mut y, width, 64, |first, rows| {
        for (token, row) in tokens[first..].iter().zip(rows.chunks_exact_mut(width)) {
            let token = *token as usize;
            assert!(token < stored.rows, "embedding: token {token} of {}", stored.rows);
            stored.row(token, row);
        }
    });
    let shape = [tokens.len(), width];
    let Some(param) = table.param().filter(|_| tape.wants(true, &[])) else {
        return tape.constant(&shape, y);
    };
    let tokens = tokens.to_vec();
    tape.record(&shape, y, move |d_y, flow| {
        let sums = flow.gradients().of_mut(param);
        for (token, d) in tokens.iter().zip(d_y.chunks_exact(width)) {
            let at = *token as usize * width;
            axpy(1.0, d, &mut sums[at..at + width]);
        }
    })
}
