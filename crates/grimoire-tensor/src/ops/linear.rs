//! A matrix product with a stored weight, its bias, and its low-rank adapter, as one operation.
//!
//! ```text
//! x = input                 or silu(gate) ∘ up, or gelu(h), recomputed on the way back
//! y = x Wᵀ + b + s · (x Aᵀ) Bᵀ
//! ```
//!
//! LoRA: Hu et al., 2021, section 4.1. The weight is read in its storage type in both directions.

use super::{Vector, Weight};
use crate::buffer::Buffer;
use crate::params::{ParamId, Params};
use crate::tape::{Flow, Tape};
use crate::tensor::Tensor;
use grimoire_kernels::parallel::{for_each_row_pairs, for_each_rows};
use grimoire_kernels::{
    Lhs, Precision, Rhs, Stored, gemm, gemm_pair_with, gemm_several, gemm_with, rows,
};

/// Rows in a piece of element-wise work.
const ROWS: usize = 16;

/// What the weight is multiplied with.
#[derive(Clone, Debug)]
pub enum Input {
    /// A tensor as it is.
    Plain(Tensor),
    /// `silu(gate) ∘ up`.
    SwiGlu {
        /// The gate.
        gate: Tensor,
        /// What it gates.
        up: Tensor,
    },
    /// The tanh form of GELU.
    Gelu(Tensor),
}

/// A low-rank addition to a weight.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// `A` `[rank, in]`.
    pub a: ParamId,
    /// `B` `[out, rank]`.
    pub b: ParamId,
    /// Factor on the product: `alpha/rank`, or `alpha/√rank` for rsLoRA.
    pub scale: f32,
}

/// `y = x Wᵀ + b + s · (x Aᵀ) Bᵀ`.
///
/// # Shapes
/// `x` `[.., in]`, `W` `[out, in]`, `b` `[out]`, `A` `[rank, in]`, `B` `[out, rank]`, `y` `[.., out]`.
///
/// # Gradient
/// `d_x = d_y W + d_u A` with `d_u = s · d_y B`; `d_A = d_uᵀ x`, `d_B = s · d_yᵀ (x Aᵀ)`, `d_W = d_yᵀ x`, `d_b = Σ
/// d_y`. Saves the input and `s · x Aᵀ`; a gated input is computed again. On a fast tape `y` is computed as
/// [`Precision::Fast`] says, with the gradient of the exact product (straight through the rounding), `d_x` and `d_W`
/// as [`Precision::Half`], and the parts of a gated input are saved in bf16; the products of the adapter are in f32
/// all the same.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear(
    tape: &Tape<'_>,
    input: Input,
    weight: &Weight,
    bias: Option<&Vector>,
    adapter: Option<&Adapter>,
) -> Tensor {
    let params = tape.params();
    let stored = weight.stored(params);
    let x = input.value();
    let (n_rows, width) = (x.rows(), x.width());
    assert_eq!(
        stored.cols,
        width,
        "linear: x {:?}, weight [{}, {}]",
        x.shape(),
        stored.rows,
        stored.cols
    );
    let trained_bias = bias.and_then(Vector::param);
    let trains = adapter.is_some() || weight.param().is_some() || trained_bias.is_some();
    let recorded = tape.wants(trains, &input.tensors());
    let precision = tape.precision();
    let mut y = Buffer::stale(n_rows * stored.rows);
    let main = (Lhs::new(x.values(), n_rows, width), Rhs::Transposed(stored));
    let mut low = Buffer::default();
    match adapter {
        None => gemm_with(precision, main.0, main.1, &mut y, false),
        Some(adapter) => {
            let (a, b) = (matrix(params, adapter.a), matrix(params, adapter.b));
            low = Buffer::stale(n_rows * a.rows);
            gemm(main.0, Rhs::Transposed(a), &mut low, false);
            low.iter_mut().for_each(|u| *u *= adapter.scale);
            let addition = (Lhs::new(&low, n_rows, a.rows), Rhs::Transposed(b));
            gemm_pair_with(precision, main, addition, &mut y, false);
        }
    }
    if let Some(bias) = bias {
        add_to_rows(bias.values(params), &mut y);
    }
    let mut shape = x.shape().to_vec();
    *shape.last_mut().expect("a tensor with rows has dimensions") = stored.rows;
    if !recorded {
        return tape.constant(&shape, y);
    }
    let (input, weight, adapter) = (input.kept(tape.precision()), weight.clone(), adapter.cloned());
    let saved = Saved {
        input,
        weight,
        bias: trained_bias,
        adapter,
        low,
        precision: tape.gradient_precision(),
    };
    tape.record(&shape, y, move |d_y, flow| saved.backward(&d_y, flow))
}

/// `y_i = x W_iᵀ + b_i` for several weights at once, to the bit what [`linear`] gives; for tapes that do not record it.
///
/// # Shapes
/// As [`linear`].
///
/// # Panics
/// When the shapes do not fit, or there is something to record.
pub fn linear_several(
    tape: &Tape<'_>,
    x: &Tensor,
    layers: &[(&Weight, Option<&Vector>)],
) -> Vec<Tensor> {
    let params = tape.params();
    let trains = layers.iter().any(|(weight, bias)| {
        weight.param().is_some() || bias.is_some_and(|bias| bias.param().is_some())
    });
    assert!(!tape.wants(trains, &[x]), "linear_several: nothing here is recorded");
    let weights: Vec<Stored<'_>> = layers.iter().map(|(weight, _)| weight.stored(params)).collect();
    let mut ys: Vec<Buffer> = weights.iter().map(|w| Buffer::stale(x.rows() * w.rows)).collect();
    let mut outs: Vec<&mut [f32]> = ys.iter_mut().map(|y| &mut y[..]).collect();
    gemm_several(tape.precision(), Lhs::new(x.values(), x.rows(), x.width()), &weights, &mut outs);
    let mut shape = x.shape().to_vec();
    let finish = |((mut y, w), (_, bias)): ((Buffer, &Stored<'_>), &(&Weight, Option<&Vector>))| {
        if let Some(bias) = bias {
            add_to_rows(bias.values(params), &mut y);
        }
        *shape.last_mut().expect("a tensor with rows has dimensions") = w.rows;
        tape.constant(&shape, y)
    };
    ys.into_iter().zip(&weights).zip(layers).map(finish).collect()
}

/// Adds a bias to each row.
fn add_to_rows(bias: &[f32], y: &mut [f32]) {
    for_each_rows(y, bias.len(), ROWS, |_, rows| {
        for row in rows.chunks_exact_mut(bias.len()) {
            rows::axpy(1.0, bias, row);
        }
    });
}

fn matrix(params: &Params, id: ParamId) -> Stored<'_> {
    let shape = params.shape(id);
    Stored::f32(params.values(id), shape[0], shape[1])
}

struct Saved {
    input: Input,
    weight: Weight,
    bias: Option<ParamId>,
    adapter: Option<Adapter>,
    /// `s · x Aᵀ` `[rows, rank]`.
    low: Buffer,
    precision: Precision,
}

impl Saved {
    fn backward(self, d_y: &[f32], flow: &mut Flow<'_>) {
        let params = flow.params();
        let gradients = flow.gradients();
        let stored = self.weight.stored(params);
        let (out, width) = (stored.rows, stored.cols);
        let n_rows = d_y.len() / out;
        let needs_x = self.adapter.is_some() || self.weight.param().is_some();
        let input = self.input.restored(params);
        let x = needs_x.then(|| input.value());
        let mut d_low = Buffer::default();
        if let (Some(adapter), Some(x)) = (&self.adapter, &x) {
            let b = matrix(params, adapter.b);
            let rank = b.cols;
            d_low = Buffer::stale(n_rows * rank);
            gemm(Lhs::new(d_y, n_rows, out), Rhs::Plain(b), &mut d_low, false);
            d_low.iter_mut().for_each(|d| *d *= adapter.scale);
            let low = Stored::f32(&self.low, n_rows, rank);
            let d_b = gradients.of_mut(adapter.b);
            gemm(Lhs::transposed(d_y, n_rows, out), Rhs::Plain(low), d_b, true);
            let xs = Stored::f32(x.values(), n_rows, width);
            let d_a = gradients.of_mut(adapter.a);
            gemm(Lhs::transposed(&d_low, n_rows, rank), Rhs::Plain(xs), d_a, true);
        }
        if let (Some(param), Some(x)) = (self.weight.param(), &x) {
            let xs = Stored::f32(x.values(), n_rows, width);
            let d_w = gradients.of_mut(param);
            let d_yt = Lhs::transposed(d_y, n_rows, out);
            gemm_with(self.precision, d_yt, Rhs::Plain(xs), d_w, true);
        }
        if let Some(param) = self.bias {
            let d_b = gradients.of_mut(param);
            for row in d_y.chunks_exact(out) {
                rows::axpy(1.0, row, d_b);
            }
        }
        drop(x);
        if !input.tensors().iter().any(|tensor| tensor.is_tracked()) {
            return;
        }
        let write_d_x = |d_x: &mut [f32], add: bool| {
            let main = (Lhs::new(d_y, n_rows, out), Rhs::Plain(stored));
            match &self.adapter {
                None => gemm_with(self.precision, main.0, main.1, d_x, add),
                Some(adapter) => {
                    let a = matrix(params, adapter.a);
                    let addition = (Lhs::new(&d_low, n_rows, a.rows), Rhs::Plain(a));
                    gemm_pair_with(self.precision, main, addition, d_x, add);
                }
            }
        };
        if let Input::Plain(x) = &input {
            flow.write_with(x.target(), write_d_x);
        } else {
            let mut d_x = Buffer::stale(n_rows * width);
            write_d_x(&mut d_x, false);
            input.send(d_x, flow);
        }
    }
}

impl Input {
    fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Plain(x) | Self::Gelu(x) => vec![x],
            Self::SwiGlu { gate, up } => vec![gate, up],
        }
    }

    /// What is kept of it for the way back: where speed counts, the wide parts of a gate in bf16.
    fn kept(self, precision: Precision) -> Self {
        match (self, precision) {
            (Self::Plain(x), _) => Self::Plain(x.kept()),
            (exact, Precision::F32) => exact,
            (Self::SwiGlu { gate, up }, _) => Self::SwiGlu { gate: gate.halved(), up: up.halved() },
            (Self::Gelu(x), _) => Self::Gelu(x.halved()),
        }
    }

    /// The input from what was kept.
    fn restored(&self, params: &Params) -> Self {
        match self {
            Self::Plain(x) => Self::Plain(x.restored(params)),
            Self::SwiGlu { gate, up } => {
                Self::SwiGlu { gate: gate.restored(params), up: up.restored(params) }
            }
            Self::Gelu(x) => Self::Gelu(x.restored(params)),
        }
    }

    /// What the weight sees.
    fn value(&self) -> Tensor {
        match self {
            Self::Plain(x) => x.clone(),
            Self::Gelu(x) => {
                let mut y = Buffer::stale(x.values().len());
                let width = x.width();
                for_each_rows(&mut y, width, ROWS, |first, rows| {
                    let at = first * width;
                    rows::gelu(&x.values()[at..at + rows.len()], rows);
                });
                Tensor::new(x.shape(), y)
            }
            Self::SwiGlu { gate, up } => {
                assert_eq!(gate.shape(), up.shape(), "swiglu: gate and up differ in shape");
                let mut y = Buffer::stale(gate.values().len());
                let width = gate.width();
                for_each_rows(&mut y, width, ROWS, |first, rows| {
                    let at = first * width..first * width + rows.len();
                    rows::swiglu(&gate.values()[at.clone()], &up.values()[at], rows);
                });
                Tensor::new(gate.shape(), y)
            }
        }
    }

    /// Sends the gradient of [`Input::value`] on to the tensors behind it.
    fn send(&self, mut d_x: Buffer, flow: &mut Flow<'_>) {
        match self {
            Self::Plain(x) => flow.send(x.target(), d_x),
            Self::Gelu(x) => {
                let width = x.width();
                flow.add_with(x.target(), |sum| {
                    for_each_rows(sum, width, ROWS, |first, rows| {
                        let at = first * width..first * width + rows.len();
                        rows::gelu_backward(&x.values()[at.clone()], &d_x[at], rows);
                    });
                });
            }
            Self::SwiGlu { gate, up } => {
                let width = gate.width();
                let mut d_up = Buffer::stale(d_x.len());
                // The gradient of the gate takes the place of d_x.
                for_each_row_pairs(&mut d_x, &mut d_up, width, ROWS, |first, d_gate, d_up| {
                    let at = first * width..first * width + d_gate.len();
                    rows::swiglu_backward(
                        &gate.values()[at.clone()],
                        &up.values()[at],
                        d_gate,
                        d_up,
                    );
                });
                flow.send(gate.target(), d_x);
                flow.send(up.target(), d_up);
            }
        }
    }
}
