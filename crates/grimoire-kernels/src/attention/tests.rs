//! Attention against the textbook in f64: forward to rounding error, backward by central differences of
//! the f64 forward, on every instruction set, with documents, grouped heads, windows and a cache.

use super::*;
use grimoire_testkit::all_close;
use grimoire_testkit::values;

/// The definition, in f64, one query at a time.
fn plain(q: &[f64], k: &[f64], v: &[f64], segments: &[Segment], heads: Heads) -> Vec<f64> {
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    let (q_row, kv_row) = (heads.n_q * dim, heads.n_kv * dim);
    let mut out = vec![0.0; q.len()];
    for s in segments {
        for i in 0..s.q_len {
            let place = s.kv_len - s.q_len + i;
            let low = heads.window.map_or(0, |w| (place + 1).saturating_sub(w));
            for h in 0..heads.n_q {
                let q = &q[(s.q_start + i) * q_row + h * dim..][..dim];
                let row = |x: &[f64], j: usize| -> Vec<f64> {
                    x[(s.kv_start + j) * kv_row + h / group * dim..][..dim].to_vec()
                };
                let scores: Vec<f64> = (low..=place)
                    .map(|j| {
                        let k = row(k, j);
                        f64::from(heads.scale) * q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>()
                    })
                    .collect();
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = scores.iter().map(|x| (x - top).exp()).sum();
                for (j, score) in (low..=place).zip(scores) {
                    let p = (score - top).exp() / total;
                    for (d, v) in row(v, j).into_iter().enumerate() {
                        out[(s.q_start + i) * q_row + h * dim + d] += p * v;
                    }
                }
            }
        }
    }
    out
}

fn cases() -> Vec<(usize, usize, Vec<Segment>, Heads)> {
    let seg = |q_start, q_len, kv_start, kv_len| Segment { q_start, q_len, kv_start, kv_len };
    let heads =
        |n_q, n_kv, dim, window| Heads { n_q, n_kv, dim, scale: 1.0 / (dim as f32).sqrt(), window };
    vec![
        (1, 1, vec![seg(0, 1, 0, 1)], heads(1, 1, 16, None)),
        (23, 23, vec![seg(0, 7, 0, 7), seg(7, 16, 7, 16)], heads(4, 2, 16, None)),
        (70, 70, vec![seg(0, 70, 0, 70)], heads(3, 1, 8, None)),
        (75, 75, vec![seg(0, 75, 0, 75)], heads(2, 2, 24, Some(19))),
        (3, 90, vec![seg(0, 1, 3, 40), seg(1, 2, 50, 33)], heads(6, 3, 32, None)),
        (2, 90, vec![seg(0, 2, 0, 90)], heads(2, 1, 16, Some(5))),
        (3, 1100, vec![seg(0, 3, 0, 1100)], heads(4, 2, 20, None)),
        (4, 1100, vec![seg(0, 3, 7, 1030), seg(3, 1, 40, 513)], heads(4, 2, 16, Some(513))),
        (4, 600, vec![seg(0, 4, 0, 600)], heads(2, 1, 16, None)),
        // Longer than one run of the backward pass, with a past.
        (600, 660, vec![seg(0, 600, 30, 620)], heads(1, 1, 8, None)),
    ]
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

#[test]
fn forward_is_the_definition_on_every_instruction_set() {
    Isa::for_each_available(|isa| {
        for (case, (rows, kv_rows, segments, heads)) in cases().into_iter().enumerate() {
            let q = values(rows * heads.n_q * heads.dim, 1);
            let k = values(kv_rows * heads.n_kv * heads.dim, 2);
            let v = values(kv_rows * heads.n_kv * heads.dim, 3);
            let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; rows * heads.n_q]);
            forward(&q, &k, &v, &segments, heads, &mut out, &mut lse);
            let exact = plain(&wide(&q), &wide(&k), &wide(&v), &segments, heads);
            eprintln!("case {case} on {}", isa.name());
            // f32 rounding over at most 1,100 keys of values below one.
            all_close(&out, &exact, 1e-6, 2e-6);
        }
    });
}

#[test]
fn backward_is_the_slope_of_the_definition() {
    Isa::for_each_available(|_| {
        for (rows, kv_rows, segments, heads) in cases() {
            let q = values(rows * heads.n_q * heads.dim, 4);
            let k = values(kv_rows * heads.n_kv * heads.dim, 5);
            let v = values(kv_rows * heads.n_kv * heads.dim, 6);
            let d_out = values(q.len(), 7);
            let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; rows * heads.n_q]);
            forward(&q, &k, &v, &segments, heads, &mut out, &mut lse);
            let (mut d_q, mut d_k, mut d_v) =
                (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
            let saved = Saved { q: &q, k: &k, v: &v, out: &out, lse: &lse };
            backward(saved, &d_out, &segments, heads, &mut d_q, &mut d_k, &mut d_v);
            let inputs = [wide(&q), wide(&k), wide(&v)];
            for (which, gradient) in [&d_q, &d_k, &d_v].into_iter().enumerate() {
                // A dozen coordinates spread over the input: each costs two forward passes.
                for probe in 0..12 {
                    let at = (probe * 7919 + 13) % gradient.len();
                    let slope = slope(&inputs, which, at, &segments, heads, &d_out);
                    // Central differences in f64 with step 1e-5 err by about 1e-9; the rest is f32.
                    grimoire_testkit::close(f64::from(gradient[at]), slope, 2e-5, 2e-6);
                }
            }
        }
    });
}

fn slope(
    inputs: &[Vec<f64>; 3],
    which: usize,
    at: usize,
    segments: &[Segment],
    heads: Heads,
    d_out: &[f32],
) -> f64 {
    let step = 1e-5;
    let value = |delta: f64| -> f64 {
        let mut x = inputs.clone();
        x[which][at] += delta;
        let out = plain(&x[0], &x[1], &x[2], segments, heads);
        out.iter().zip(d_out).map(|(o, d)| o * f64::from(*d)).sum()
    };
    (value(step) - value(-step)) / (2.0 * step)
}

/// Over a past in f16: the definition over the rounded keys and values, for a few and for many new tokens, with
/// sequences that are longer and shorter.
#[test]
fn a_past_in_f16_is_the_definition_over_what_was_rounded() {
    Isa::for_each_available(|_| {
        for (n_q, n_kv, dim, window) in [(4, 2, 20, None), (6, 3, 16, Some(530)), (2, 2, 64, None)]
        {
            let heads = Heads { n_q, n_kv, dim, scale: 1.0 / (dim as f32).sqrt(), window };
            for (capacity, new) in [(1, [1, 1]), (40, [1, 3]), (1040, [2, 3]), (90, [70, 1])] {
                let width = n_kv * dim;
                let k = values(2 * capacity * width, 8);
                let v = values(2 * capacity * width, 9);
                let places: Vec<usize> = (0..2 * capacity).collect();
                let (mut keys, mut vals) = (vec![0u16; k.len()], vec![0u16; v.len()]);
                store(&k, &places, capacity, heads, &mut keys);
                store(&v, &places, capacity, heads, &mut vals);
                let shorter = capacity.div_ceil(2).max(new[1]);
                let segment =
                    |q_start, q_len, kv_start, kv_len| Segment { q_start, q_len, kv_start, kv_len };
                let segments =
                    [segment(0, new[0], 0, capacity), segment(new[0], new[1], capacity, shorter)];
                let q = values((new[0] + new[1]) * n_q * dim, 10);
                let mut out = vec![0.0; q.len()];
                let past = HalfPast { keys: &keys, values: &vals, capacity };
                forward_half(&q, past, &segments, heads, &mut out);
                let rounded = |x: &[f32]| -> Vec<f64> {
                    x.iter().map(|x| half::f16::from_f32(*x).to_f64()).collect()
                };
                let exact = plain(&wide(&q), &rounded(&k), &rounded(&v), &segments, heads);
                all_close(&out, &exact, 1e-6, 2e-6);
            }
        }
    });
}
