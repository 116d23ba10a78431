//! Causal attention over packed documents: the kernel of `grimoire_kernels::attention` as an operation.
//! Saves its inputs, its output and one number per row and head; never the scores.

use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::attention::{self, Heads, Saved, Segment};
use std::sync::Arc;

/// `softmax(scale · q kᵀ + causal mask) v` for each segment and head.
///
/// # Shapes
/// `q` and output `[rows, n_q · dim]`; `k`, `v` `[kv_rows, n_kv · dim]`.
///
/// # Gradient
/// See `grimoire_kernels::attention`; the scores are computed again.
///
/// # Panics
/// When a segment is out of range.
pub fn attention(
    tape: &Tape<'_>,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    segments: &Arc<[Segment]>,
    heads: Heads,
) -> Tensor {
    let mut out = rows_of(segments, q);
    let mut lse = vec![0.0; out.len() / heads.dim];
    attention::forward(q.values(), k.values(), v.values(), segments, heads, &mut out, &mut lse);
    if !tape.wants(false, &[q, k, v]) {
        return tape.constant(q.shape(), out);
    }
    let (q, k, v, segments) = (q.clone(), k.clone(), v.clone(), Arc::clone(segments));
    // The output is needed on the way back too; the next operation usually holds it as well, so share it.
    let saved_out = Tensor::new(q.shape(), out);
    let values = saved_out.clone();
    tape.record_shared(&values, move |d_out, flow| {
        let saved = Saved {
            q: q.values(),
            k: k.values(),
            v: v.values(),
            out: saved_out.values(),
            lse: &lse,
        };
        let (mut d_q, n) = (rows_of(&segments, &q), k.values().len());
        let (mut d_k, mut d_v) = (Buffer::stale(n), Buffer::stale(n));
        attention::backward(saved, &d_out, &segments, heads, &mut d_q, &mut d_k, &mut d_v);
        flow.send(q.target(), d_q);
        flow.send(k.target(), d_k);
        flow.send(v.target(), d_v);
    })
}

/// An array like `q` for a kernel that writes the rows of the segments: zero where there could be others.
fn rows_of(segments: &[Segment], q: &Tensor) -> Buffer {
    let covered: usize = segments.iter().map(|segment| segment.q_len).sum();
    if covered == q.rows() {
        Buffer::stale(q.values().len())
    } else {
        Buffer::zeros(q.values().len())
    }
}
