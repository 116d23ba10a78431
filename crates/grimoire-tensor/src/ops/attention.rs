//! Causal attention over packed documents: the kernel of `grimoire_kernels::attention` as an operation. Saves its
//! inputs, its output and one number per row and head; never the scores. Keys that several documents share are laid
//! beside each one's own for the kernel alone, and not kept so.

use super::select::{add_chosen, chosen};
use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::attention::{self, Heads, Saved, Segment};
use std::sync::Arc;

/// `softmax(scale · q kᵀ + causal mask) v` for each segment and head. With `keys`, place `i` of the keys and values
/// that segments name is row `keys[i]` of `k` and `v`, and a row may stand at several places.
///
/// # Shapes
/// `q` and output `[rows, n_q · dim]`; `k`, `v` `[kv_rows, n_kv · dim]`; `keys` `[places]`.
///
/// # Gradient
/// See `grimoire_kernels::attention`; the scores are computed again. That of a row is the sum over its places, in
/// order.
///
/// # Panics
/// When a segment or a key is out of range.
pub fn attention(
    tape: &Tape<'_>,
    q: &Tensor,
    (k, v): (&Tensor, &Tensor),
    keys: Option<&Arc<[usize]>>,
    segments: &Arc<[Segment]>,
    heads: Heads,
) -> Tensor {
    let mut out = rows_of(segments, q);
    let mut lse = vec![0.0; out.len() / heads.dim];
    {
        let (placed_k, placed_v) = (placed(k, keys), placed(v, keys));
        let (k, v) = (either(&placed_k, k), either(&placed_v, v));
        attention::forward(q.values(), k, v, segments, heads, &mut out, &mut lse);
    }
    if !tape.wants(false, &[q, k, v]) {
        return tape.constant(q.shape(), out);
    }
    let (q, k, v, segments) = (q.clone(), k.clone(), v.clone(), Arc::clone(segments));
    let keys = keys.cloned();
    // The output is needed on the way back too; the next operation usually holds it as well, so share it.
    let saved_out = Tensor::new(q.shape(), out);
    let values = saved_out.clone();
    tape.record_shared(&values, move |d_out, flow| {
        let keys = keys.as_ref();
        let (placed_k, placed_v) = (placed(&k, keys), placed(&v, keys));
        let saved = Saved {
            q: q.values(),
            k: either(&placed_k, &k),
            v: either(&placed_v, &v),
            out: saved_out.values(),
            lse: &lse,
        };
        let (mut d_q, n) = (rows_of(&segments, &q), saved.k.len());
        let (mut d_k, mut d_v) = (Buffer::stale(n), Buffer::stale(n));
        attention::backward(saved, &d_out, &segments, heads, &mut d_q, &mut d_k, &mut d_v);
        flow.send(q.target(), d_q);
        flow.send(k.target(), gathered(d_k, &k, keys));
        flow.send(v.target(), gathered(d_v, &v, keys));
    })
}

/// The rows of keys or values at the places that segments name, where those are not their own.
fn placed(x: &Tensor, keys: Option<&Arc<[usize]>>) -> Option<Buffer> {
    keys.map(|keys| chosen(x, keys))
}

/// Those, or the rows at their own places.
fn either<'a>(placed: &'a Option<Buffer>, x: &'a Tensor) -> &'a [f32] {
    placed.as_ref().map_or(x.values(), |placed| placed)
}

/// From the gradient of each place that of each row.
fn gathered(d: Buffer, x: &Tensor, keys: Option<&Arc<[usize]>>) -> Buffer {
    let Some(keys) = keys else { return d };
    let mut sums = Buffer::zeros(x.values().len());
    add_chosen(&d, x.width(), keys, &mut sums);
    sums
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
