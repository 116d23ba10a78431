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

use crate::gemm::{MR, NR, Tile, tile, transpose};
use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece};
use crate::rows::{exp_minus, max_of};
use std::cell::RefCell;

mod few;
mod past;

pub use past::{HalfPast, forward_half, store};

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
                n_keys,
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

/// Packs `rows` rows of `dim` values, `stride` apart, into panels `[dim, 16]` of their transpose.
fn pack_transposed(
    source: &[f32],
    stride: usize,
    rows: usize,
    dim: usize,
    lines: &mut Vec<f32>,
    panels: &mut Vec<f32>,
) {
    let n_panels = rows.div_ceil(NR);
    panels.resize(n_panels * dim * NR, 0.0);
    lines.resize(NR * dim, 0.0);
    for (panel_idx, panel) in panels.chunks_exact_mut(dim * NR).enumerate() {
        let live = NR.min(rows - panel_idx * NR);
        for line in 0..live {
            let at = (panel_idx * NR + line) * stride;
            lines[line * dim..(line + 1) * dim].copy_from_slice(&source[at..at + dim]);
        }
        lines[live * dim..].fill(0.0);
        transpose(lines, dim, panel);
    }
}

/// `C[rows, width] = A[rows, k] · panels`, `width` a multiple of 16.
///
/// # Safety
/// `A` must be readable as described; `panels` is `[width/16][k, 16]`, `out` `[rows, width]`.
#[expect(clippy::too_many_arguments, reason = "a matrix product has as many")]
unsafe fn product_packed(
    isa: Isa,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    rows: usize,
    k: usize,
    panels: &[f32],
    out: &mut [f32],
    width: usize,
) {
    for (panel_idx, panel) in panels.chunks_exact(k * NR).take(width / NR).enumerate() {
        for row in (0..rows).step_by(MR) {
            // SAFETY: the caller's promise; the tile lies within `out`.
            unsafe {
                tile(
                    isa,
                    Tile {
                        k,
                        a: a.add(row * a_row),
                        a_row,
                        a_col,
                        b: panel.as_ptr(),
                        b_row: NR,
                        c: out.as_mut_ptr().add(row * width + panel_idx * NR),
                        c_row: width,
                        accumulate: false,
                    },
                    MR.min(rows - row),
                    NR,
                );
            }
        }
    }
}

/// Rows of a head as the right-hand side of a product: read in place where 16 columns at a time fit,
/// with the odd columns at the end copied into a padded panel.
struct Columns<'a> {
    source: *const f32,
    stride: usize,
    dim: usize,
    padded: &'a [f32],
}

impl<'a> Columns<'a> {
    fn of(
        source: &[f32],
        stride: usize,
        rows: usize,
        dim: usize,
        padded: &'a mut Vec<f32>,
    ) -> Self {
        let odd = dim % NR;
        if odd > 0 {
            padded.clear();
            padded.resize(rows * NR, 0.0);
            for (row, line) in padded.chunks_exact_mut(NR).enumerate() {
                let at = row * stride + dim - odd;
                line[..odd].copy_from_slice(&source[at..at + odd]);
            }
        }
        assert!(
            rows == 0 || (rows - 1) * stride + dim <= source.len(),
            "attention: rows out of range"
        );
        Self { source: source.as_ptr(), stride, dim, padded }
    }

    /// `C[rows, dim] (+)= A[rows, k] · self[k, dim]`.
    ///
    /// # Safety
    /// `A` readable and `C` writable as described, `k` at most the number of rows given to `of`.
    #[expect(clippy::too_many_arguments, reason = "a matrix product has as many")]
    unsafe fn product(
        &self,
        isa: Isa,
        a: *const f32,
        a_row: usize,
        a_col: usize,
        rows: usize,
        k: usize,
        c: *mut f32,
        c_row: usize,
        accumulate: bool,
    ) {
        for col in (0..self.dim).step_by(NR) {
            let live = NR.min(self.dim - col);
            let (b, b_row) = if live == NR {
                (self.source.wrapping_add(col), self.stride)
            } else {
                (self.padded.as_ptr(), NR)
            };
            for row in (0..rows).step_by(MR) {
                // SAFETY: the caller's promise; odd columns come from the padded panel.
                unsafe {
                    let t = Tile {
                        k,
                        a: a.add(row * a_row),
                        a_row,
                        a_col,
                        b,
                        b_row,
                        c: c.add(row * c_row + col),
                        c_row,
                        accumulate,
                    };
                    tile(isa, t, MR.min(rows - row), live);
                }
            }
        }
    }
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
    let (d_q, d_k, d_v) =
        (Shared(d_q.as_mut_ptr()), Shared(d_k.as_mut_ptr()), Shared(d_v.as_mut_ptr()));
    let isa = Isa::current();
    for_each_piece(segments.len() * heads.n_kv, |piece| {
        let (segment, kv_head) = (&segments[piece / heads.n_kv], piece % heads.n_kv);
        SCRATCH.with_borrow_mut(|scratch| {
            for from in (0..segment.q_len).step_by(QUERIES) {
                let to = segment.q_len.min(from + QUERIES);
                let block = Block { segment, heads: &heads, kv_head, from, to };
                // SAFETY: a piece owns its query rows and heads, and the keys and values of its head.
                unsafe { backward_block(isa, &saved, d_out, &block, d_q, d_k, d_v, scratch) };
            }
        });
    });
}

struct Block<'a> {
    segment: &'a Segment,
    heads: &'a Heads,
    kv_head: usize,
    from: usize,
    to: usize,
}

#[expect(clippy::too_many_arguments, reason = "one inner loop of backward, with all it reads")]
unsafe fn backward_block(
    isa: Isa,
    saved: &Saved<'_>,
    d_out: &[f32],
    block: &Block<'_>,
    d_q: Shared,
    d_k: Shared,
    d_v: Shared,
    scratch: &mut Scratch,
) {
    let &Block { segment, heads, kv_head, from, to } = block;
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    let (q_row, kv_row) = (heads.n_q * dim, heads.n_kv * dim);
    let (low, high) = visible(segment, heads, from, to);
    let (n_keys, n_rows) = (high - low, to - from);
    let width = n_keys.div_ceil(NR) * NR;
    let first_key = (segment.kv_start + low) * kv_row + kv_head * dim;
    let (k, v) = (&saved.k[first_key..], &saved.v[first_key..]);
    pack_transposed(k, kv_row, n_keys, dim, &mut scratch.rows, &mut scratch.keys);
    pack_transposed(v, kv_row, n_keys, dim, &mut scratch.rows, &mut scratch.values);
    scratch.scores.resize(QUERIES * width, 0.0);
    scratch.grads.resize(QUERIES * width, 0.0);
    let shift = segment.kv_len - segment.q_len;
    for head in kv_head * group..(kv_head + 1) * group {
        let first_q = (segment.q_start + from) * q_row + head * dim;
        // SAFETY: all rows are in range; the outputs belong to this piece.
        unsafe {
            let queries = saved.q.as_ptr().add(first_q);
            let outs = d_out.as_ptr().add(first_q);
            let (scores, grads) = (&mut scratch.scores, &mut scratch.grads);
            product_packed(isa, queries, q_row, 1, n_rows, dim, &scratch.keys, scores, width);
            product_packed(isa, outs, q_row, 1, n_rows, dim, &scratch.values, grads, width);
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
            let d_v = d_v.pointer().add(first_key);
            Columns::of(&d_out[first_q..], q_row, n_rows, dim, &mut scratch.padded)
                .product(isa, scores, 1, width, n_keys, n_rows, d_v, kv_row, true);
            let d_k = d_k.pointer().add(first_key);
            Columns::of(&saved.q[first_q..], q_row, n_rows, dim, &mut scratch.padded)
                .product(isa, grads, 1, width, n_keys, n_rows, d_k, kv_row, true);
            // dQ = dS K.
            let d_q = d_q.pointer().add(first_q);
            Columns::of(k, kv_row, n_keys, dim, &mut scratch.padded)
                .product(isa, grads, width, 1, n_rows, n_keys, d_q, q_row, false);
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
