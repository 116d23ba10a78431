//! Causal attention over packed documents, forward and backward, with grouped queries and an optional
//! sliding window. Neither direction keeps the matrix of scores: forward saves the log-sum-exp of every
//! row, backward computes the scores again (Dao et al., 2022, "FlashAttention", section 3.1, without its
//! online softmax: a block of rows sees all its keys at once, so the softmax is the exact two-pass one).
//!
//! ```text
//! S = scale · Q Kᵀ + causal mask      P = softmax(S)      O = P V
//! dV = Pᵀ dO    dP = dO Vᵀ    dS = P ∘ (dP − rowsum(dO ∘ O))    dQ = scale · dS K    dK = scale · dSᵀ Q
//! ```
//!
//! A few queries over many keys, as in generation, go another way (`few`).
//!
//! It does not rotate, project or cache: it reads and writes rows.

use crate::gemm::NR;
use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece, for_each_rows};
use crate::rows::{axpy, exp_minus, max_of};
use std::cell::RefCell;

mod few;
mod past;
mod product;

pub use past::{HalfPast, forward_half, store};
use product::{Columns, pack_transposed, product_packed};

/// Rows of queries handled at once by one head.
const QUERIES: usize = 64;

/// One document: which rows of the queries, and which rows of the keys and values.
/// The last query stands at the last key; a query sees the keys up to its own place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First row of its queries.
    pub q_start: usize,
    /// Number of its queries, at most `kv_len`.
    pub q_len: usize,
    /// First row of its keys and values.
    pub kv_start: usize,
    /// Number of its keys and values.
    pub kv_len: usize,
}

/// Head counts and sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heads {
    /// Query heads, a multiple of `n_kv`.
    pub n_q: usize,
    /// Key and value heads.
    pub n_kv: usize,
    /// Values per head.
    pub dim: usize,
    /// Factor on the scores, usually `1/√dim`.
    pub scale: f32,
    /// How many keys, its own included, a query sees at most.
    pub window: Option<usize>,
}

#[derive(Default)]
struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
    grads: Vec<f32>,
    rows: Vec<f32>,
    padded: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// The range of keys that queries `from..to` of a segment can see.
fn visible(segment: &Segment, heads: &Heads, from: usize, to: usize) -> (usize, usize) {
    let shift = segment.kv_len - segment.q_len;
    let high = shift + to;
    let low = heads.window.map_or(0, |window| (shift + from + 1).saturating_sub(window));
    // Whole panels: the mask covers the rest.
    (low / NR * NR, high)
}

/// Attention forward.
///
/// # Shapes
/// `q` and `out` `[rows, n_q · dim]`, `k` and `v` `[kv_rows, n_kv · dim]`, `lse` `[rows, n_q]` (the
/// log-sum-exp of the scaled scores, for the backward pass).
///
/// # Panics
/// When a segment lies outside the rows, or the head counts do not divide.
pub fn forward(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    segments: &[Segment],
    heads: Heads,
    out: &mut [f32],
    lse: &mut [f32],
) {
    check(q, k, v, segments, heads);
    assert_eq!(out.len(), q.len(), "attention: out and q differ in size");
    assert_eq!(lse.len() * heads.dim, q.len(), "attention: lse has {} values", lse.len());
    if !segments.is_empty() && segments.iter().all(|segment| segment.q_len <= few::MOST_QUERIES) {
        few::forward(q, few::Past::Whole { k, v }, segments, heads, out, lse);
        return;
    }
    let pieces = forward_pieces(segments, heads);
    let (out, lse) = (Shared(out.as_mut_ptr()), Shared(lse.as_mut_ptr()));
    let isa = Isa::current();
    for_each_piece(pieces.len(), |piece| {
        let (segment, kv_head, from) = pieces[piece];
        let to = segment.q_len.min(from + QUERIES);
        // SAFETY: a piece writes the rows `from..to` of its own heads alone.
        SCRATCH.with_borrow_mut(|scratch| unsafe {
            forward_piece(isa, q, k, v, &segment, &heads, kv_head, (from, to), out, lse, scratch);
        });
    });
}

fn forward_pieces(segments: &[Segment], heads: Heads) -> Vec<(Segment, usize, usize)> {
    let mut pieces = Vec::new();
    for segment in segments {
        for from in (0..segment.q_len).step_by(QUERIES) {
            pieces.extend((0..heads.n_kv).map(|kv_head| (*segment, kv_head, from)));
        }
    }
    pieces
}

fn check(q: &[f32], k: &[f32], v: &[f32], segments: &[Segment], heads: Heads) {
    assert_eq!(heads.n_q % heads.n_kv, 0, "attention: {} heads over {}", heads.n_q, heads.n_kv);
    assert_eq!(k.len(), v.len(), "attention: keys and values differ in size");
    let (q_rows, kv_rows) = (q.len() / (heads.n_q * heads.dim), k.len() / (heads.n_kv * heads.dim));
    for segment in segments {
        assert!(
            segment.q_start + segment.q_len <= q_rows
                && segment.kv_start + segment.kv_len <= kv_rows
                && segment.q_len <= segment.kv_len,
            "attention: {segment:?} does not lie in {q_rows} queries and {kv_rows} keys"
        );
    }
}

#[expect(clippy::too_many_arguments, reason = "one inner loop of forward, with all it reads")]
unsafe fn forward_piece(
    isa: Isa,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    segment: &Segment,
    heads: &Heads,
    kv_head: usize,
    (from, to): (usize, usize),
    out: Shared,
    lse: Shared,
    scratch: &mut Scratch,
) {
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    let (q_row, kv_row) = (heads.n_q * dim, heads.n_kv * dim);
    let (low, high) = visible(segment, heads, from, to);
    let n_keys = high - low;
    let width = n_keys.div_ceil(NR) * NR;
    let first_key = (segment.kv_start + low) * kv_row + kv_head * dim;
    pack_transposed(&k[first_key..], kv_row, n_keys, dim, &mut scratch.rows, &mut scratch.keys);
    scratch.scores.resize(QUERIES * width, 0.0);
    let values = Columns::of(&v[first_key..], kv_row, n_keys, dim, &mut scratch.padded);
    let shift = segment.kv_len - segment.q_len;
    // Keys that the first query of the block sees.
    let first_seen = shift + from + 1 - low;
    for head in kv_head * group..(kv_head + 1) * group {
        let first_q = (segment.q_start + from) * q_row + head * dim;
        let n_rows = to - from;
        // SAFETY: queries, packed keys and scores are in range by construction.
        unsafe {
            let queries = q.as_ptr().add(first_q);
            product_packed(
                isa,
                queries,
                q_row,
                1,
                n_rows,
                dim,
                &scratch.keys,
                &mut scratch.scores,
                width,
                first_seen,
            );
        }
        for row in 0..n_rows {
            let seen = shift + from + row + 1 - low;
            let hidden = heads.window.map_or(0, |window| seen.saturating_sub(window));
            let scores = &mut scratch.scores[row * width..(row + 1) * width];
            let log_sum = softmax_row(scores, hidden, seen, heads.scale);
            let place = (segment.q_start + from + row) * heads.n_q + head;
            // SAFETY: this row and head belong to this piece.
            unsafe { *lse.pointer().add(place) = log_sum };
        }
        // SAFETY: `out` rows of this head belong to this piece; scores are [n_rows, width].
        unsafe {
            let target = out.pointer().add(first_q);
            values.product(
                isa,
                scratch.scores.as_ptr(),
                width,
                1,
                n_rows,
                |row| n_keys.min(first_seen + row - 1),
                target,
                q_row,
                false,
            );
        }
    }
}

/// Scales, masks and normalises a row of scores in place; returns its log-sum-exp.
fn softmax_row(scores: &mut [f32], hidden: usize, seen: usize, scale: f32) -> f32 {
    let (before, rest) = scores.split_at_mut(hidden);
    let (live, after) = rest.split_at_mut(seen - hidden);
    before.fill(0.0);
    after.fill(0.0);
    let top = max_of(live) * scale;
    let sum = exp_minus(live, scale, top);
    let inverse = 1.0 / sum;
    for p in live {
        *p *= inverse;
    }
    top + sum.ln()
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// Queries `[rows, n_q · dim]`.
    pub q: &'a [f32],
    /// Keys `[kv_rows, n_kv · dim]`.
    pub k: &'a [f32],
    /// Values `[kv_rows, n_kv · dim]`.
    pub v: &'a [f32],
    /// Output of the forward pass.
    pub out: &'a [f32],
    /// Log-sum-exp of the forward pass.
    pub lse: &'a [f32],
}

/// Attention backward: writes `d_q`, `d_k` and `d_v` of all rows that the segments cover.
///
/// # Shapes
/// `d_out` and `d_q` as `q`; `d_k`, `d_v` as `k`.
///
/// # Panics
/// As [`forward`].
pub fn backward(
    saved: Saved<'_>,
    d_out: &[f32],
    segments: &[Segment],
    heads: Heads,
    d_q: &mut [f32],
    d_k: &mut [f32],
    d_v: &mut [f32],
) {
    check(saved.q, saved.k, saved.v, segments, heads);
    assert!(d_out.len() == saved.q.len() && d_q.len() == saved.q.len(), "attention: d_q or d_out");
    assert!(d_k.len() == saved.k.len() && d_v.len() == saved.v.len(), "attention: d_k or d_v");
    d_k.fill(0.0);
    d_v.fill(0.0);
    let key_row = heads.n_kv * heads.dim;
    let runs = runs(segments);
    let mut apart = vec![0.0; runs.iter().map(|run| 2 * run.apart * key_row).sum()];
    let whole = Targets { q: Shared(d_q.as_mut_ptr()), k: shared(d_k), v: shared(d_v) };
    let mut rest = &mut apart[..];
    let targets: Vec<Targets> = runs
        .iter()
        .map(|run| match run.apart {
            0 => whole,
            keys => {
                let (both, others) = std::mem::take(&mut rest).split_at_mut(2 * keys * key_row);
                rest = others;
                let (k, v) = both.split_at_mut(keys * key_row);
                Targets { k: shared(k), v: shared(v), ..whole }
            }
        })
        .collect();
    let isa = Isa::current();
    for_each_piece(runs.len() * heads.n_kv, |piece| {
        let (run, kv_head) = (&runs[piece / heads.n_kv], piece % heads.n_kv);
        let targets = targets[piece / heads.n_kv];
        SCRATCH.with_borrow_mut(|scratch| {
            for from in (run.from..run.to).step_by(QUERIES) {
                let to = run.to.min(from + QUERIES);
                let d_start = if run.apart > 0 { 0 } else { run.segment.kv_start };
                let block =
                    Block { segment: run.segment, heads: &heads, kv_head, from, to, d_start };
                // SAFETY: a piece owns its query rows and heads, and in its targets the keys of its head.
                unsafe { backward_block(isa, &saved, d_out, &block, targets, scratch) };
            }
        });
    });
    let mut rest = &apart[..];
    for run in runs.iter().filter(|run| run.apart > 0) {
        let at = run.segment.kv_start * key_row..(run.segment.kv_start + run.apart) * key_row;
        for d in [&mut d_k[at.clone()], &mut d_v[at]] {
            let (part, others) = rest.split_at(d.len());
            rest = others;
            for_each_rows(d, key_row, QUERIES, |first, rows| {
                axpy(1.0, &part[first * key_row..first * key_row + rows.len()], rows);
            });
        }
    }
}

/// Queries of a segment that one piece of the backward pass goes through.
struct Run<'a> {
    segment: &'a Segment,
    from: usize,
    to: usize,
    /// How many keys it sees, when it sums their gradients apart; 0 for the last run of a segment, which
    /// writes in place.
    apart: usize,
}

/// Fewest queries of a run.
const RUN: usize = 512;
/// Most runs of a segment: each but the last holds gradients of its keys apart.
const RUNS: usize = 4;

/// The runs of all segments, the longest first within a segment, by lengths alone.
fn runs(segments: &[Segment]) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    for segment in segments {
        let length = segment.q_len.div_ceil(RUNS).next_multiple_of(QUERIES).max(RUN);
        for from in (0..segment.q_len).step_by(length).rev() {
            let to = segment.q_len.min(from + length);
            let seen = segment.kv_len - segment.q_len + to;
            runs.push(Run { segment, from, to, apart: if to < segment.q_len { seen } else { 0 } });
        }
    }
    runs
}

fn shared(values: &mut [f32]) -> Shared {
    Shared(values.as_mut_ptr())
}

/// Where the gradients of a run go.
#[derive(Clone, Copy)]
struct Targets {
    q: Shared,
    k: Shared,
    v: Shared,
}

struct Block<'a> {
    segment: &'a Segment,
    heads: &'a Heads,
    kv_head: usize,
    from: usize,
    to: usize,
    /// Row of the first key of the segment in the targets.
    d_start: usize,
}

unsafe fn backward_block(
    isa: Isa,
    saved: &Saved<'_>,
    d_out: &[f32],
    block: &Block<'_>,
    targets: Targets,
    scratch: &mut Scratch,
) {
    let &Block { segment, heads, kv_head, from, to, d_start } = block;
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    let (q_row, kv_row) = (heads.n_q * dim, heads.n_kv * dim);
    let (low, high) = visible(segment, heads, from, to);
    let (n_keys, n_rows) = (high - low, to - from);
    let width = n_keys.div_ceil(NR) * NR;
    let first_key = (segment.kv_start + low) * kv_row + kv_head * dim;
    let d_first_key = (d_start + low) * kv_row + kv_head * dim;
    let (k, v) = (&saved.k[first_key..], &saved.v[first_key..]);
    pack_transposed(k, kv_row, n_keys, dim, &mut scratch.rows, &mut scratch.keys);
    pack_transposed(v, kv_row, n_keys, dim, &mut scratch.rows, &mut scratch.values);
    scratch.scores.resize(QUERIES * width, 0.0);
    scratch.grads.resize(QUERIES * width, 0.0);
    let shift = segment.kv_len - segment.q_len;
    let first_seen = shift + from + 1 - low;
    for head in kv_head * group..(kv_head + 1) * group {
        let first_q = (segment.q_start + from) * q_row + head * dim;
        // SAFETY: all rows are in range; the outputs belong to this piece.
        unsafe {
            let queries = saved.q.as_ptr().add(first_q);
            let outs = d_out.as_ptr().add(first_q);
            let (scores, grads) = (&mut scratch.scores, &mut scratch.grads);
            let (keys, values) = (&scratch.keys, &scratch.values);
            product_packed(isa, queries, q_row, 1, n_rows, dim, keys, scores, width, first_seen);
            product_packed(isa, outs, q_row, 1, n_rows, dim, values, grads, width, first_seen);
            for row in 0..n_rows {
                let seen = shift + from + row + 1 - low;
                let hidden = heads.window.map_or(0, |window| seen.saturating_sub(window));
                let at = first_q + row * q_row;
                let inner = crate::gemm::dot(&d_out[at..at + dim], &saved.out[at..at + dim]);
                let lse = saved.lse[(segment.q_start + from + row) * heads.n_q + head];
                let line = row * width..(row + 1) * width;
                let (p, d_p) = (&mut scores[line.clone()], &mut grads[line]);
                gradient_row(p, d_p, hidden, seen, heads.scale, lse, inner);
            }
            // dV += Pᵀ dO, dK += dSᵀ Q: the sums run over the rows of this block.
            let (scores, grads) = (scores.as_ptr(), grads.as_ptr());
            let d_v = targets.v.pointer().add(d_first_key);
            Columns::of(&d_out[first_q..], q_row, n_rows, dim, &mut scratch.padded).product(
                isa,
                scores,
                1,
                width,
                n_keys,
                |_| n_rows,
                d_v,
                kv_row,
                true,
            );
            let d_k = targets.k.pointer().add(d_first_key);
            Columns::of(&saved.q[first_q..], q_row, n_rows, dim, &mut scratch.padded).product(
                isa,
                grads,
                1,
                width,
                n_keys,
                |_| n_rows,
                d_k,
                kv_row,
                true,
            );
            // dQ = dS K.
            let d_q = targets.q.pointer().add(first_q);
            Columns::of(k, kv_row, n_keys, dim, &mut scratch.padded).product(
                isa,
                grads,
                width,
                1,
                n_rows,
                |row| n_keys.min(first_seen + row - 1),
                d_q,
                q_row,
                false,
            );
        }
    }
}

/// From scores and `dP` of a row: `P` in place of the scores, `scale · dS` in place of `dP`.
fn gradient_row(
    p: &mut [f32],
    d_p: &mut [f32],
    hidden: usize,
    seen: usize,
    scale: f32,
    lse: f32,
    inner: f32,
) {
    for masked in [0..hidden, seen..p.len()] {
        p[masked.clone()].fill(0.0);
        d_p[masked].fill(0.0);
    }
    let (p, d_p) = (&mut p[hidden..seen], &mut d_p[hidden..seen]);
    exp_minus(p, scale, lse);
    for (p, d) in p.iter().zip(d_p) {
        *d = scale * p * (*d - inner);
    }
}

#[cfg(test)]
mod tests;
