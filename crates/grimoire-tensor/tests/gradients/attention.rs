//! Attention as an operation: packed documents, grouped heads, a window, keys older than the queries.

use crate::harness::{Case, tensor};
use grimoire_tensor::ops::attention;
use grimoire_tensor::{Heads, Params, Segment};
use std::sync::Arc;

/// `softmax(scale · q kᵀ + mask) v`, one query at a time (Vaswani et al., 2017, equation 1).
fn definition(q: &[f64], k: &[f64], v: &[f64], segments: &[Segment], heads: Heads) -> Vec<f64> {
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    let mut out = vec![0.0; q.len()];
    let at_q = |row: usize, head: usize| (row * heads.n_q + head) * dim;
    let at_kv = |row: usize, head: usize| (row * heads.n_kv + head / group) * dim;
    for s in segments {
        for (i, head) in (0..s.q_len).flat_map(|i| (0..heads.n_q).map(move |head| (i, head))) {
            let last = s.kv_len - s.q_len + i;
            let first = heads.window.map_or(0, |window| (last + 1).saturating_sub(window));
            let to = at_q(s.q_start + i, head);
            let weights: Vec<f64> = (first..=last)
                .map(|j| {
                    let from = at_kv(s.kv_start + j, head);
                    let dot: f64 = (0..dim).map(|d| q[to + d] * k[from + d]).sum();
                    (f64::from(heads.scale) * dot).exp()
                })
                .collect();
            let total: f64 = weights.iter().sum();
            for (j, weight) in (first..=last).zip(weights) {
                let from = at_kv(s.kv_start + j, head);
                (0..dim).for_each(|d| out[to + d] += weight / total * v[from + d]);
            }
        }
    }
    out
}

fn case(rows: usize, kv_rows: usize, segments: Vec<Segment>, heads: Heads) -> Case {
    case_with(rows, kv_rows, segments, heads, None)
}

/// With `keys`, the definition sees the rows of keys and values at their places.
fn case_with(
    rows: usize,
    kv_rows: usize,
    segments: Vec<Segment>,
    heads: Heads,
    keys: Option<Vec<usize>>,
) -> Case {
    let shared: Arc<[Segment]> = segments.clone().into();
    let places: Option<Arc<[usize]>> = keys.clone().map(Into::into);
    let laid = move |x: &[f64]| -> Vec<f64> {
        let width = heads.n_kv * heads.dim;
        let keys = keys.clone().unwrap_or_else(|| (0..kv_rows).collect());
        keys.iter().flat_map(|row| &x[row * width..(row + 1) * width]).copied().collect()
    };
    Case {
        name: format!("attention {rows} x {kv_rows}, {heads:?}"),
        params: Params::default(),
        inputs: vec![
            tensor(&[rows, heads.n_q * heads.dim], 1),
            tensor(&[kv_rows, heads.n_kv * heads.dim], 2),
            tensor(&[kv_rows, heads.n_kv * heads.dim], 3),
        ],
        run: Box::new(move |tape, inputs| {
            attention(tape, &inputs[0], (&inputs[1], &inputs[2]), places.as_ref(), &shared, heads)
        }),
        definition: Box::new(move |_, inputs| {
            definition(&inputs[0], &laid(&inputs[1]), &laid(&inputs[2]), &segments, heads)
        }),
        // Weights that sum to one over values below one, from scores that carry f32 rounding.
        forward: 3e-6,
        backward: 1e-5,
    }
}

fn heads(n_q: usize, n_kv: usize, dim: usize, window: Option<usize>) -> Heads {
    Heads { n_q, n_kv, dim, scale: 1.0 / (dim as f32).sqrt(), window }
}

fn segment(q_start: usize, q_len: usize, kv_start: usize, kv_len: usize) -> Segment {
    Segment { q_start, q_len, kv_start, kv_len }
}

#[test]
fn attention_of_packed_documents_grouped_heads_windows_and_a_cache() {
    case(1, 1, vec![segment(0, 1, 0, 1)], heads(1, 1, 16, None)).check();
    let two = vec![segment(0, 7, 0, 7), segment(7, 12, 7, 12)];
    case(19, 19, two.clone(), heads(4, 2, 16, None)).check();
    case(19, 19, two, heads(3, 1, 24, Some(5))).check();
    case(70, 70, vec![segment(0, 70, 0, 70)], heads(2, 1, 8, None)).check();
    let cached = vec![segment(0, 1, 2, 30), segment(1, 3, 33, 17)];
    case(4, 50, cached, heads(6, 2, 12, None)).check();
}

#[test]
fn attention_over_keys_that_two_documents_share() {
    let segments = vec![segment(0, 5, 0, 5), segment(5, 3, 5, 8), segment(8, 4, 13, 9)];
    let beginning = || 0..5;
    let keys: Vec<usize> =
        beginning().chain(beginning()).chain(5..8).chain(beginning()).chain(8..12).collect();
    case_with(12, 12, segments.clone(), heads(4, 2, 16, None), Some(keys.clone())).check();
    case_with(12, 12, segments, heads(3, 1, 8, Some(6)), Some(keys)).check();
}

#[test]
fn a_long_document_gives_the_same_bits_on_any_number_of_threads() {
    let documents = vec![segment(0, 300, 0, 300), segment(300, 133, 300, 133)];
    case(433, 433, documents.clone(), heads(6, 2, 32, None)).check_threads();
    case(433, 433, documents, heads(3, 3, 16, Some(100))).check_threads();
}
