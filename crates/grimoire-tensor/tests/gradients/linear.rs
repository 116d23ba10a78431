//! The product with a weight: frozen in every type that can be written, and trained; bias, adapter, and
//! the three kinds of input.

use crate::harness::{Arrays, Case, tensor, values, wide};
use grimoire_kernels::storage;
use grimoire_tensor::ops::{Adapter, Input, Vector, Weight, linear};
use grimoire_tensor::{Matrix, Params, StorageType, Tensor};
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Plain,
    SwiGlu,
    Gelu,
}

#[derive(Clone, Copy)]
struct Setup {
    /// None: a trained weight.
    ty: Option<StorageType>,
    bias: Option<bool>,
    rank: usize,
    input: Shape,
    rows: usize,
    width: usize,
    out: usize,
}

const SMALL: Setup = Setup {
    ty: Some(StorageType::F32),
    bias: None,
    rank: 0,
    input: Shape::Plain,
    rows: 7,
    width: 64,
    out: 35,
};

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// Hendrycks and Gimpel, 2016, section 2: the tanh form.
fn gelu(x: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
    0.5 * x * (1.0 + inner.tanh())
}

fn frozen(ty: StorageType, rows: usize, cols: usize) -> Matrix {
    let mut bytes = vec![0; ty.bytes_for(rows * cols).unwrap()];
    storage::encode(ty, &values(rows * cols, 1), &mut bytes).unwrap();
    let range = 0..bytes.len();
    Matrix::new(ty, rows, cols, Arc::new(bytes), range)
}

/// Where the definition finds what: a frozen array or a parameter by number.
#[derive(Clone)]
enum Source {
    Frozen(Vec<f64>),
    Param(usize),
}

impl Source {
    fn of<'a>(&'a self, params: &'a Arrays) -> &'a [f64] {
        match self {
            Self::Frozen(values) => values,
            Self::Param(index) => &params[*index],
        }
    }
}

fn product(x: &[f64], w: &[f64], width: usize) -> Vec<f64> {
    let rows = x.chunks_exact(width);
    rows.flat_map(|x| w.chunks_exact(width).map(|w| x.iter().zip(w).map(|(x, w)| x * w).sum()))
        .collect()
}

fn case(setup: Setup) -> Case {
    let Setup { ty, bias, rank, input, rows, width, out } = setup;
    let mut params = Params::default();
    let (weight, w_source) = match ty {
        Some(ty) => {
            let matrix = frozen(ty, out, width);
            let decoded = wide(&matrix.decode());
            (Weight::Frozen(matrix), Source::Frozen(decoded))
        }
        None => {
            let id = params.add("w", &[out, width], values(out * width, 1));
            (Weight::Trained(id), Source::Param(id.index()))
        }
    };
    let biases = values(out, 2);
    let bias = bias.map(|trained| {
        if trained {
            let id = params.add("b", &[out], biases);
            (Vector::Trained(id), Source::Param(id.index()))
        } else {
            (Vector::Frozen(biases.clone().into()), Source::Frozen(wide(&biases)))
        }
    });
    let scale = 0.75;
    let adapter = (rank > 0).then(|| Adapter {
        a: params.add("lora_a", &[rank, width], values(rank * width, 3)),
        b: params.add("lora_b", &[out, rank], values(out * rank, 4)),
        scale,
    });
    let low = adapter.as_ref().map(|adapter| (adapter.a.index(), adapter.b.index()));
    let n_inputs = if input == Shape::SwiGlu { 2 } else { 1 };
    let inputs = (0..n_inputs).map(|index| tensor(&[rows, width], 5 + index)).collect();
    let bias_source = bias.as_ref().map(|(_, source)| source.clone());
    let vector = bias.map(|(vector, _)| vector);
    Case {
        name: format!("linear {ty:?} rank {rank}"),
        params,
        inputs,
        run: Box::new(move |tape, inputs: &[Tensor]| {
            let input = match input {
                Shape::Plain => Input::Plain(inputs[0].clone()),
                Shape::Gelu => Input::Gelu(inputs[0].clone()),
                Shape::SwiGlu => Input::SwiGlu { gate: inputs[0].clone(), up: inputs[1].clone() },
            };
            linear(tape, input, &weight, vector.as_ref(), adapter.as_ref())
        }),
        definition: Box::new(move |params, inputs| {
            let x: Vec<f64> = match input {
                Shape::Plain => inputs[0].clone(),
                Shape::Gelu => inputs[0].iter().map(|x| gelu(*x)).collect(),
                Shape::SwiGlu => {
                    inputs[0].iter().zip(&inputs[1]).map(|(g, u)| silu(*g) * u).collect()
                }
            };
            let mut y = product(&x, w_source.of(params), width);
            if let Some(source) = &bias_source {
                for (y, b) in
                    y.chunks_exact_mut(out).flat_map(|y| y.iter_mut().zip(source.of(params)))
                {
                    *y += b;
                }
            }
            if let Some((a, b)) = low {
                let low = product(&product(&x, &params[a], width), &params[b], rank);
                y.iter_mut().zip(low).for_each(|(y, low)| *y += f64::from(scale) * low);
            }
            y
        }),
        // Sums of at most 130 products below one in f32: half a unit in the last place (6e-8) each.
        forward: 6e-6,
        backward: 6e-6,
    }
}

#[test]
fn frozen_weights_of_every_type_that_can_be_written() {
    for ty in StorageType::ALL.into_iter().filter(|ty| ty.is_encodable()) {
        let width = SMALL.width.max(ty.block_len());
        case(Setup { ty: Some(ty), width, ..SMALL }).check();
        case(Setup { ty: Some(ty), rank: 3, rows: 2, width, ..SMALL }).check();
    }
}

#[test]
fn a_trained_weight_with_and_without_bias() {
    case(Setup { ty: None, ..SMALL }).check();
    case(Setup { ty: None, bias: Some(true), rows: 1, ..SMALL }).check();
    case(Setup { ty: None, bias: Some(false), width: 37, ..SMALL }).check();
}

#[test]
fn a_frozen_weight_with_a_bias() {
    case(Setup { bias: Some(false), ..SMALL }).check();
    case(Setup { bias: Some(true), ..SMALL }).check();
}

#[test]
fn an_adapter_over_every_kind_of_input() {
    for input in [Shape::Plain, Shape::SwiGlu, Shape::Gelu] {
        case(Setup { input, rank: 4, bias: Some(true), ..SMALL }).check();
        case(Setup { input, rank: 16, ty: Some(StorageType::Q4_1), ..SMALL }).check();
        case(Setup { input, ty: None, ..SMALL }).check();
        case(Setup { input, ..SMALL }).check();
    }
}

#[test]
fn an_adapter_on_a_trained_weight() {
    case(Setup { ty: None, rank: 2, bias: Some(true), ..SMALL }).check();
}

#[test]
fn many_rows_give_the_same_bits_on_any_number_of_threads() {
    let large = Setup { rows: 700, width: 320, out: 333, rank: 16, ..SMALL };
    case(Setup { ty: Some(StorageType::Q4_1), input: Shape::SwiGlu, ..large }).check_threads();
    case(Setup { ty: None, bias: Some(true), input: Shape::Gelu, ..large }).check_threads();
    case(Setup { ty: Some(StorageType::Q8_0), rows: 3, ..large }).check_threads();
}
