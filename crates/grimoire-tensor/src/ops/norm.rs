//! Root-mean-square norm (Zhang and Sennrich, 2019, equation 4) and layer norm (Ba et al., 2016, equation 3),
//! over the last dimension or over equal parts of it (the q and k norms of Qwen3 are per head).

use super::Vector;
use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::{Again, Tensor};
use grimoire_kernels::parallel::{for_each_rows, for_each_rows_of_two};
use grimoire_kernels::rows;
use std::sync::Arc;

/// Rows in a piece.
const ROWS: usize = 32;

/// `y = x / √(mean x² + ε) · g`, over runs of `g.len()` values.
///
/// # Shapes
/// `x` and `y` of one shape, its size a multiple of `g`'s.
///
/// # Gradient
/// `d_x = rstd · (g ∘ d_y − x · rstd² · mean(g ∘ d_y ∘ x))`, `d_g = Σ d_y ∘ x · rstd`; saves `x` and `rstd`.
/// An operation that needs `y` on the way back computes it again from `x`.
///
/// # Panics
/// When the width of `x` is not a multiple of the number of gains.
pub fn rms_norm(tape: &Tape<'_>, x: &Tensor, gain: &Vector, epsilon: f32) -> Tensor {
    let gains = gain.values(tape.params());
    let width = gains.len();
    assert_eq!(x.width() % width, 0, "rms_norm: x {:?}, gain [{width}]", x.shape());
    let mut y = Buffer::stale(x.values().len());
    let mut rstd = vec![0.0; y.len() / width];
    for_each_rows_of_two(&mut y, width, &mut rstd, 1, ROWS, |first, lines, roots| {
        let x = x.values()[first * width..].chunks_exact(width);
        for ((y, x), root) in lines.chunks_exact_mut(width).zip(x).zip(roots) {
            *root = rows::rms_norm(x, gains, epsilon, y);
        }
    });
    if !tape.wants(gain.param().is_some(), &[x]) {
        return tape.constant(x.shape(), y);
    }
    let (x, gain, shape) = (x.clone(), gain.clone(), x.shape().to_vec());
    let again = rms_norm_again(&x, &gain, epsilon);
    let mut y = tape.record(&shape, y, move |d_y, flow| {
        if let Some(param) = gain.param() {
            let sums = flow.gradients().of_mut(param);
            for ((x, d), root) in
                x.values().chunks_exact(width).zip(d_y.chunks_exact(width)).zip(&rstd)
            {
                for ((sum, x), d) in sums.iter_mut().zip(x).zip(d) {
                    *sum += d * x * root;
                }
            }
        }
        let gains = gain.values(flow.params()).to_vec();
        flow.add_with(x.target(), |d_x| {
            for_each_rows(d_x, width, ROWS, |first, lines| {
                let at = first * width;
                for (((d_x, x), d), root) in lines
                    .chunks_exact_mut(width)
                    .zip(x.values()[at..].chunks_exact(width))
                    .zip(d_y[at..].chunks_exact(width))
                    .zip(&rstd[first..])
                {
                    rows::rms_norm_backward(x, &gains, *root, d, d_x);
                }
            });
        });
    });
    y.again = Some(again);
    y
}

/// How [`rms_norm`] is computed again.
fn rms_norm_again(x: &Tensor, gain: &Vector, epsilon: f32) -> Again {
    let (x, gain) = (x.clone(), gain.clone());
    Arc::new(move |params| {
        let gains = gain.values(params);
        let width = gains.len();
        let mut y = Buffer::stale(x.values().len());
        for_each_rows(&mut y, width, ROWS, |first, lines| {
            let x = x.values()[first * width..].chunks_exact(width);
            for (y, x) in lines.chunks_exact_mut(width).zip(x) {
                rows::rms_norm(x, gains, epsilon, y);
            }
        });
        y
    })
}

/// `y = (x − mean) / √(var + ε) · g + b`, over the last dimension.
///
/// # Shapes
/// `x` and `y` `[.., d]`, `g` and `b` `[d]`.
///
/// # Gradient
/// With `x̂ = (x − mean) · rstd`: `d_x = rstd · (g∘d_y − mean(g∘d_y) − x̂ · mean(g∘d_y∘x̂))`,
/// `d_g = Σ d_y ∘ x̂`, `d_b = Σ d_y`; saves `x`, `mean` and `rstd`.
///
/// # Panics
/// When `g` or `b` is not as long as a row.
pub fn layer_norm(
    tape: &Tape<'_>,
    x: &Tensor,
    gain: &Vector,
    bias: &Vector,
    epsilon: f32,
) -> Tensor {
    let (gains, biases) = (gain.values(tape.params()), bias.values(tape.params()));
    let width = x.width();
    assert!(
        gains.len() == width && biases.len() == width,
        "layer_norm: x {:?}, gain [{}], bias [{}]",
        x.shape(),
        gains.len(),
        biases.len()
    );
    let mut y = Buffer::stale(x.values().len());
    // Mean and root of each row.
    let mut moments = vec![0.0; 2 * x.rows()];
    for_each_rows_of_two(&mut y, width, &mut moments, 2, ROWS, |first, lines, moments| {
        let x = x.values()[first * width..].chunks_exact(width);
        for ((y, x), moments) in lines.chunks_exact_mut(width).zip(x).zip(moments.chunks_mut(2)) {
            let (mean, rstd) = rows::layer_norm(x, gains, biases, epsilon, y);
            moments.copy_from_slice(&[mean, rstd]);
        }
    });
    if !tape.wants(gain.param().is_some() || bias.param().is_some(), &[x]) {
        return tape.constant(x.shape(), y);
    }
    let (x, gain, bias, shape) = (x.clone(), gain.clone(), bias.clone(), x.shape().to_vec());
    tape.record(&shape, y, move |d_y, flow| {
        if let Some(param) = gain.param() {
            let sums = flow.gradients().of_mut(param);
            let lines = x.values().chunks_exact(width).zip(d_y.chunks_exact(width));
            for ((x, d), moments) in lines.zip(moments.chunks(2)) {
                for ((sum, x), d) in sums.iter_mut().zip(x).zip(d) {
                    *sum += d * (x - moments[0]) * moments[1];
                }
            }
        }
        if let Some(param) = bias.param() {
            let sums = flow.gradients().of_mut(param);
            for d in d_y.chunks_exact(width) {
                rows::axpy(1.0, d, sums);
            }
        }
        let gains = gain.values(flow.params()).to_vec();
        flow.add_with(x.target(), |d_x| {
            for_each_rows(d_x, width, ROWS, |first, lines| {
                let at = first * width;
                for (((d_x, x), d), moments) in lines
                    .chunks_exact_mut(width)
                    .zip(x.values()[at..].chunks_exact(width))
                    .zip(d_y[at..].chunks_exact(width))
                    .zip(moments[2 * first..].chunks(2))
                {
                    let moments = (moments[0], moments[1]);
                    rows::layer_norm_backward(x, &gains, moments, d, d_x);
                }
            });
        });
    })
}
