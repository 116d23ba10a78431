//! The row kernels against their equations in f64, on every instruction set, for lengths around the
//! 32 partial sums: none, one, one less, exact, one more.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_kernels::rows::{self, AdamW, RopePairs};
use grimoire_kernels::{Isa, dot};
use grimoire_testkit::{all_close, close};

const LENGTHS: [usize; 8] = [0, 1, 2, 31, 32, 33, 64, 577];
/// Every sum has at most 577 terms below 3, each rounded to 6e-8 relative; element-wise results are a
/// dozen roundings.
const BOUND: f64 = 3e-6;

fn values(n: usize, seed: u64) -> Vec<f32> {
    (0..n as u64)
        .map(|i| {
            let mut z = (i + seed * 1_000_003).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z >> 40) as f32 / 8_388_608.0 - 1.0) * 3.0
        })
        .collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

/// Runs `check` with two arrays of each length, on each instruction set.
fn each(check: impl Fn(Vec<f32>, Vec<f32>)) {
    Isa::for_each_available(|_| {
        for n in LENGTHS {
            check(values(n, 1), values(n, 2));
        }
    });
}

fn zip(a: &[f32], b: &[f32], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| f(f64::from(*a), f64::from(*b))).collect()
}

#[test]
fn sums_products_and_the_largest() {
    each(|a, b| {
        let (x, n) = (wide(&a), a.len() as f64);
        close(f64::from(dot(&a, &b)), zip(&a, &b, |a, b| a * b).iter().sum(), BOUND, BOUND * n);
        close(f64::from(rows::sum(&a)), x.iter().sum(), BOUND, BOUND * n);
        let squares: f64 = x.iter().map(|x| x * x).sum();
        close(f64::from(rows::sum_of_squares(&a)), squares, BOUND, 0.0);
        let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(f64::from(rows::max_of(&a)), top);
    });
}

#[test]
fn sums_of_arrays() {
    each(|a, b| {
        let mut y = vec![7.0; a.len()];
        rows::add(&a, &b, &mut y);
        all_close(&y, &zip(&a, &b, |a, b| a + b), 1e-7, 0.0);
        let mut y = b.clone();
        rows::axpy(-0.3, &a, &mut y);
        all_close(&y, &zip(&a, &b, |a, b| f64::from(-0.3f32) * a + b), 2e-7, 1e-6);
    });
}

#[test]
fn exponentials_and_their_sum() {
    each(|a, _| {
        let mut y = a.clone();
        let sum = rows::exp_minus(&mut y, 0.7, 1.5);
        let exact: Vec<f64> =
            a.iter().map(|x| (f64::from(0.7f32) * f64::from(*x) - 1.5).exp()).collect();
        all_close(&y, &exact, 1e-6, 0.0);
        close(f64::from(sum), exact.iter().sum(), BOUND, 0.0);
    });
}

fn rms(x: &[f64]) -> f64 {
    1.0 / (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + f64::from(1e-5f32)).sqrt()
}

#[test]
fn root_mean_square_norm_and_its_gradient() {
    each(|x, gain| {
        if x.is_empty() {
            return;
        }
        let (x64, g64, mut y) = (wide(&x), wide(&gain), vec![0.0; x.len()]);
        let rstd = rows::rms_norm(&x, &gain, 1e-5, &mut y);
        close(f64::from(rstd), rms(&x64), BOUND, 0.0);
        all_close(&y, &zip(&x, &gain, |x, g| x * rms(&x64) * g), BOUND, BOUND);
        let d = values(x.len(), 3);
        let mut d_x = vec![1.0; x.len()];
        rows::rms_norm_backward(&x, &gain, rstd, &d, &mut d_x);
        let value = |x: &[f64]| -> f64 {
            let root = rms(x);
            x.iter().zip(&g64).zip(&d).map(|((x, g), d)| x * root * g * f64::from(*d)).sum()
        };
        compare_slopes(&d_x, &x64, value, 1.0);
    });
}

fn layer(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let spread = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, 1.0 / (spread + f64::from(1e-5f32)).sqrt())
}

#[test]
fn layer_norm_and_its_gradient() {
    each(|x, gain| {
        if x.len() < 2 {
            return;
        }
        let (x64, g64, bias) = (wide(&x), wide(&gain), values(x.len(), 4));
        let mut y = vec![0.0; x.len()];
        let moments = rows::layer_norm(&x, &gain, &bias, 1e-5, &mut y);
        let (mean, root) = layer(&x64);
        let exact: Vec<f64> = zip(&x, &gain, |x, g| (x - mean) * root * g);
        let exact: Vec<f64> = exact.iter().zip(wide(&bias)).map(|(y, b)| y + b).collect();
        all_close(&y, &exact, 2.0 * BOUND, 2.0 * BOUND);
        let d = values(x.len(), 3);
        let mut d_x = vec![1.0; x.len()];
        rows::layer_norm_backward(&x, &gain, moments, &d, &mut d_x);
        let value = |x: &[f64]| -> f64 {
            let (mean, root) = layer(x);
            let terms = x.iter().zip(&g64).zip(&d);
            terms.map(|((x, g), d)| (x - mean) * root * g * f64::from(*d)).sum()
        };
        compare_slopes(&d_x, &x64, value, 1.0);
    });
}

/// `d_x − before` against central differences of `value` at up to forty coordinates.
fn compare_slopes(d_x: &[f32], x: &[f64], value: impl Fn(&[f64]) -> f64, before: f64) {
    let step = 1e-5;
    for at in (0..x.len()).step_by(x.len().div_ceil(40)) {
        let mut moved = x.to_vec();
        moved[at] += step;
        let above = value(&moved);
        moved[at] -= 2.0 * step;
        let slope = (above - value(&moved)) / (2.0 * step);
        // Two terms of size up to 10 cancel.
        close(f64::from(d_x[at]) - before, slope, 1e-5, 1e-5);
    }
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn gelu(x: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
    0.5 * x * (1.0 + inner.tanh())
}

#[test]
fn gates_and_their_gradients() {
    each(|gate, up| {
        let mut y = vec![0.0; gate.len()];
        rows::swiglu(&gate, &up, &mut y);
        all_close(&y, &zip(&gate, &up, |g, u| silu(g) * u), BOUND, BOUND);
        let d_y = values(gate.len(), 3);
        let (mut d, mut d_up) = (d_y.clone(), vec![7.0; d_y.len()]);
        rows::swiglu_backward(&gate, &up, &mut d, &mut d_up);
        let slope = |f: fn(f64) -> f64, x: f64| (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
        let d_gate: Vec<f64> = zip(&gate, &up, |g, u| slope(silu, g) * u)
            .iter()
            .zip(wide(&d_y))
            .map(|(s, d)| s * d)
            .collect();
        all_close(&d, &d_gate, BOUND, BOUND);
        all_close(&d_up, &zip(&gate, &d_y, |g, d| silu(g) * d), BOUND, BOUND);

        rows::gelu(&gate, &mut y);
        let exact: Vec<f64> = gate.iter().map(|x| gelu(f64::from(*x))).collect();
        all_close(&y, &exact, BOUND, BOUND);
        let mut d_x = vec![1.0; gate.len()];
        rows::gelu_backward(&gate, &d_y, &mut d_x);
        all_close(&d_x, &zip(&gate, &d_y, |x, d| 1.0 + slope(gelu, x) * d), BOUND, BOUND);
    });
}

#[test]
fn gates_far_from_zero_are_finite() {
    Isa::for_each_available(|_| {
        let x = [-1e4f32, -100.0, -88.0, 88.0, 100.0, 1e4];
        let mut y = [0.0; 6];
        rows::gelu(&x, &mut y);
        all_close(&y, &[0.0, 0.0, 0.0, 88.0, 100.0, 1e4], 1e-6, 1e-6);
        rows::swiglu(&x, &[1.0; 6], &mut y);
        all_close(&y, &[0.0, 0.0, 0.0, 88.0, 100.0, 1e4], 1e-6, 1e-6);
        let (mut d, mut d_up) = ([1.0f32; 6], [0.0f32; 6]);
        rows::swiglu_backward(&x, &[1.0; 6], &mut d, &mut d_up);
        all_close(&d, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 1e-6, 1e-6);
    });
}

#[test]
fn rotations_there_and_back() {
    Isa::for_each_available(|_| {
        for pairs in [RopePairs::Neighbours, RopePairs::Halves] {
            for half in [1, 4, 31, 32, 33] {
                let head = values(2 * half + 3, 1);
                let angles = values(half, 2);
                let cos: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
                let sin: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
                let mut turned = head.clone();
                rows::rotate(&mut turned, &cos, &sin, pairs, false);
                for (i, angle) in angles.iter().enumerate() {
                    let (first, second) = match pairs {
                        RopePairs::Neighbours => (2 * i, 2 * i + 1),
                        RopePairs::Halves => (i, half + i),
                    };
                    let (s, c) = f64::from(*angle).sin_cos();
                    let (a, b) = (f64::from(head[first]), f64::from(head[second]));
                    close(f64::from(turned[first]), a * c - b * s, BOUND, BOUND);
                    close(f64::from(turned[second]), a * s + b * c, BOUND, BOUND);
                }
                assert_eq!(turned[2 * half..], head[2 * half..], "the rest passes");
                rows::rotate(&mut turned, &cos, &sin, pairs, true);
                all_close(&turned, &wide(&head), BOUND, BOUND);
            }
        }
    });
}

/// Loshchilov and Hutter, 2019, algorithm 2, in f64.
#[test]
fn adamw_is_the_algorithm() {
    each(|weights, gradients| {
        let (mut w, mut m, mut v) =
            (weights.clone(), vec![0.0; weights.len()], vec![0.0; weights.len()]);
        let mut exact = (wide(&weights), vec![0.0; w.len()], vec![0.0; w.len()]);
        for t in 1..=5 {
            let step = AdamW {
                rate: 0.01,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-8,
                decay: 0.1,
                correction1: 1.0 - 0.9f32.powi(t),
                correction2: 1.0 - 0.95f32.powi(t),
                gradient_scale: 0.5,
            };
            rows::adamw(step, &mut w, &gradients, &mut m, &mut v);
            for (i, g) in gradients.iter().enumerate() {
                let g = 0.5 * f64::from(*g);
                let (w, m, v) = (&mut exact.0[i], &mut exact.1[i], &mut exact.2[i]);
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.95 * *v + 0.05 * g * g;
                let (mean, square) = (*m / (1.0 - 0.9f64.powi(t)), *v / (1.0 - 0.95f64.powi(t)));
                *w -= 0.01 * 0.1 * *w + 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        all_close(&w, &exact.0, 1e-6, 1e-6);
        all_close(&m, &exact.1, 1e-5, 1e-7);
        all_close(&v, &exact.2, 1e-5, 1e-7);
    });
}
