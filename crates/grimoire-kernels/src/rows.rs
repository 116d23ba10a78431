//! Row-wise maths: softmax pieces, norms, gated activations, rotary embedding, sums, and the AdamW step.
//! Each function is one pass over slices, compiled for every instruction set; callers share out the rows.
//! Reductions run in 32 partial sums added in a fixed order.

use crate::exp::{exp, sigmoid, tanh};
use crate::isa::{fma, multiversion};

/// Adds 32 partial sums in a fixed order.
#[inline(always)]
fn fold(mut sums: [f32; 32]) -> f32 {
    let mut width = 16;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

multiversion! {
    /// The largest value; −∞ for none.
    pub fn max_of(values: &[f32]) -> f32 {
        let mut tops = [f32::NEG_INFINITY; 32];
        let mut chunks = values.chunks_exact(32);
        for chunk in &mut chunks {
            for (top, value) in tops.iter_mut().zip(chunk) {
                *top = if *value > *top { *value } else { *top };
            }
        }
        for (top, value) in tops.iter_mut().zip(chunks.remainder()) {
            *top = if *value > *top { *value } else { *top };
        }
        let _ = FMA;
        tops.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

multiversion! {
    /// `x = exp(scale · x − shift)` in place; returns the sum.
    pub fn exp_minus(values: &mut [f32], scale: f32, shift: f32) -> f32 {
        let mut sums = [0.0f32; 32];
        let mut chunks = values.chunks_exact_mut(32);
        for chunk in &mut chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *value = exp::<FMA>(fma::<FMA>(scale, *value, -shift));
                *sum += *value;
            }
        }
        for (sum, value) in sums.iter_mut().zip(chunks.into_remainder()) {
            *value = exp::<FMA>(fma::<FMA>(scale, *value, -shift));
            *sum += *value;
        }
        fold(sums)
    }
}

multiversion! {
    /// The sum of squares.
    pub fn sum_of_squares(values: &[f32]) -> f32 {
        let mut sums = [0.0f32; 32];
        let mut chunks = values.chunks_exact(32);
        for chunk in &mut chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum = fma::<FMA>(*value, *value, *sum);
            }
        }
        for (sum, value) in sums.iter_mut().zip(chunks.remainder()) {
            *sum = fma::<FMA>(*value, *value, *sum);
        }
        fold(sums)
    }
}

multiversion! {
    /// The sum of squares in f64, in sixteen partial sums added in order: for many values.
    pub fn wide_sum_of_squares(values: &[f32]) -> f64 {
        let mut sums = [0.0f64; 16];
        for chunk in values.chunks(16) {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
        let _ = FMA;
        sums.iter().sum()
    }
}

multiversion! {
    /// The sum.
    pub fn sum(values: &[f32]) -> f32 {
        let mut sums = [0.0f32; 32];
        let mut chunks = values.chunks_exact(32);
        for chunk in &mut chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *sum += *value;
            }
        }
        for (sum, value) in sums.iter_mut().zip(chunks.remainder()) {
            *sum += *value;
        }
        let _ = FMA;
        fold(sums)
    }
}

multiversion! {
    /// `y += a · x`.
    pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = fma::<FMA>(a, *x, *y);
        }
    }
}

multiversion! {
    /// `y = a + b`.
    pub fn add(a: &[f32], b: &[f32], y: &mut [f32]) {
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            *y = a + b;
        }
        let _ = FMA;
    }
}

multiversion! {
    /// Root-mean-square norm of one row: `y = x · rstd · g` with `rstd = 1/√(mean x² + ε)`; returns `rstd`.
    pub fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, y: &mut [f32]) -> f32 {
        let rstd = 1.0 / (sum_of_squares(x) / x.len() as f32 + epsilon).sqrt();
        for ((y, x), g) in y.iter_mut().zip(x).zip(gain) {
            *y = x * rstd * g;
        }
        let _ = FMA;
        rstd
    }
}

multiversion! {
    /// Gradient of [`rms_norm`] with respect to `x`, added to `d_x`:
    /// `d_x += rstd · (g ∘ d_y − x · rstd² · mean(g ∘ d_y ∘ x))`.
    pub fn rms_norm_backward(x: &[f32], gain: &[f32], rstd: f32, d_y: &[f32], d_x: &mut [f32]) {
        let mut sums = [0.0f32; 32];
        for ((x, g), d) in x.chunks(32).zip(gain.chunks(32)).zip(d_y.chunks(32)) {
            for (((sum, x), g), d) in sums.iter_mut().zip(x).zip(g).zip(d) {
                *sum = fma::<FMA>(g * d, *x, *sum);
            }
        }
        let mean = fold(sums) / x.len() as f32 * rstd * rstd;
        for (((d_x, x), g), d) in d_x.iter_mut().zip(x).zip(gain).zip(d_y) {
            *d_x += rstd * (g * d - x * mean);
        }
    }
}

multiversion! {
    /// Layer norm of one row: `y = (x − mean) · rstd · g + b`; returns `(mean, rstd)`.
    pub fn layer_norm(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, y: &mut [f32]) -> (f32, f32) {
        let mean = sum(x) / x.len() as f32;
        for (y, x) in y.iter_mut().zip(x) {
            *y = x - mean;
        }
        let rstd = 1.0 / (sum_of_squares(y) / x.len() as f32 + epsilon).sqrt();
        for ((y, g), b) in y.iter_mut().zip(gain).zip(bias) {
            *y = *y * rstd * g + b;
        }
        let _ = FMA;
        (mean, rstd)
    }
}

multiversion! {
    /// Gradient of [`layer_norm`] with respect to `x`, added to `d_x`, from the saved `(mean, rstd)`.
    pub fn layer_norm_backward(
        x: &[f32],
        gain: &[f32],
        moments: (f32, f32),
        d_y: &[f32],
        d_x: &mut [f32],
    ) {
        let (mean, rstd) = moments;
        let (mut plain, mut with_x) = ([0.0f32; 32], [0.0f32; 32]);
        for ((x, g), d) in x.chunks(32).zip(gain.chunks(32)).zip(d_y.chunks(32)) {
            let sums = plain.iter_mut().zip(&mut with_x);
            for (((sums, x), g), d) in sums.zip(x).zip(g).zip(d) {
                *sums.0 += g * d;
                *sums.1 = fma::<FMA>(g * d, (x - mean) * rstd, *sums.1);
            }
        }
        let n = x.len() as f32;
        let (plain, with_x) = (fold(plain) / n, fold(with_x) / n);
        for (((d_x, x), g), d) in d_x.iter_mut().zip(x).zip(gain).zip(d_y) {
            *d_x += rstd * (g * d - plain - (x - mean) * rstd * with_x);
        }
    }
}

multiversion! {
    /// `y = silu(gate) · up`, the gate of SwiGLU (Shazeer, 2020), `silu(x) = x · sigmoid(x)`.
    pub fn swiglu(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
            *y = g * sigmoid::<FMA>(*g) * u;
        }
    }
}

multiversion! {
    /// Gradient of [`swiglu`]: `d` holds the gradient of `y` before and that of the gate after; `d_up` is
    /// overwritten.
    pub fn swiglu_backward(gate: &[f32], up: &[f32], d: &mut [f32], d_up: &mut [f32]) {
        for (((g, u), d), d_u) in gate.iter().zip(up).zip(d).zip(d_up) {
            let s = sigmoid::<FMA>(*g);
            let d_y = *d;
            *d_u = d_y * g * s;
            *d = d_y * u * s * (1.0 + g * (1.0 - s));
        }
    }
}

/// √(2/π), of the tanh form of GELU.
const GELU_SCALE: f32 = 0.797_884_6;
/// The cubic term of the tanh form of GELU.
const GELU_CUBIC: f32 = 0.044_715;

multiversion! {
    /// GELU in its tanh form (Hendrycks and Gimpel, 2016), as GPT-2 has it.
    pub fn gelu(x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            let inner = GELU_SCALE * (x + GELU_CUBIC * x * x * x);
            *y = 0.5 * x * (1.0 + tanh::<FMA>(inner));
        }
    }
}

multiversion! {
    /// Gradient of [`gelu`], added to `d_x`.
    pub fn gelu_backward(x: &[f32], d_y: &[f32], d_x: &mut [f32]) {
        for ((x, d), d_x) in x.iter().zip(d_y).zip(d_x) {
            let t = tanh::<FMA>(GELU_SCALE * (x + GELU_CUBIC * x * x * x));
            let slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * x * x);
            *d_x += d * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope);
        }
    }
}

/// Which pairs of a head the rotary embedding turns together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopePairs {
    /// Neighbours `(2i, 2i + 1)`, as in the paper (Su et al., 2021) and GGUF's llama architecture.
    Neighbours,
    /// Halves `(i, i + dim/2)`, as in Hugging Face checkpoints.
    Halves,
}

multiversion! {
    /// Turns one head in place by the angles whose cosines and sines are given (`dim/2` each); with
    /// `inverse`, back again, which is the gradient.
    pub fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32], pairs: RopePairs, inverse: bool) {
        let sign = if inverse { -1.0 } else { 1.0 };
        let half = cos.len();
        match pairs {
            RopePairs::Neighbours => {
                for ((pair, c), s) in head.chunks_exact_mut(2).zip(cos).zip(sin) {
                    let (x, y, s) = (pair[0], pair[1], s * sign);
                    pair[0] = x * c - y * s;
                    pair[1] = x * s + y * c;
                }
            }
            RopePairs::Halves => {
                let (low, high) = head[..2 * half].split_at_mut(half);
                for (((x, y), c), s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                    let (a, b, s) = (*x, *y, s * sign);
                    *x = a * c - b * s;
                    *y = a * s + b * c;
                }
            }
        }
        let _ = FMA;
    }
}

/// The constants of one AdamW step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub rate: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// `1 − beta1ᵗ` at this step `t`, counted from one.
    pub correction1: f32,
    /// `1 − beta2ᵗ`.
    pub correction2: f32,
    /// Factor on the gradient (clipping).
    pub gradient_scale: f32,
}

multiversion! {
    /// One AdamW step in place (Loshchilov and Hutter, 2019, algorithm 2), with PyTorch's order of
    /// operations: decay first, then `w −= rate/c1 · m / (√v/√c2 + ε)`.
    pub fn adamw(step: AdamW, weights: &mut [f32], gradients: &[f32], mean: &mut [f32], square: &mut [f32]) {
        let size = step.rate / step.correction1;
        let root = 1.0 / step.correction2.sqrt();
        for (((w, g), m), v) in weights.iter_mut().zip(gradients).zip(mean).zip(square) {
            let g = g * step.gradient_scale;
            *w *= 1.0 - step.rate * step.decay;
            *m = step.beta1 * *m + (1.0 - step.beta1) * g;
            *v = step.beta2 * *v + (1.0 - step.beta2) * g * g;
            *w -= size * *m / (v.sqrt() * root + step.epsilon);
        }
        let _ = FMA;
    }
}
