//! Row-wise operations: norms, rotation, embedding, choice of rows, sum.

use crate::harness::{Case, tensor, values, wide};
use grimoire_tensor::ops::{
    Angles, Vector, Weight, add, columns, embedding, layer_norm, rms_norm, rope, select_rows,
};
use grimoire_tensor::{Params, RopePairs, Tensor};

/// Row-wise arithmetic of a few dozen values near one: f32 rounds each to 6e-8.
const BOUND: f64 = 4e-6;

fn rms_case(rows: usize, width: usize, runs: usize, trained: bool) -> Case {
    let mut params = Params::default();
    let gains = values(width / runs, 1);
    let (gain, index) = if trained {
        (Vector::Trained(params.add("g", &[gains.len()], gains.clone())), Some(0))
    } else {
        (Vector::Frozen(gains.clone().into()), None)
    };
    let gains = wide(&gains);
    Case {
        name: format!("rms_norm {rows} x {width} in {runs}"),
        params,
        inputs: vec![tensor(&[rows, width], 2)],
        run: Box::new(move |tape, inputs| rms_norm(tape, &inputs[0], &gain, 1e-5)),
        definition: Box::new(move |params, inputs| {
            let gains = index.map_or(&gains, |index: usize| &params[index]);
            let mut y = Vec::new();
            for x in inputs[0].chunks_exact(gains.len()) {
                let mean = x.iter().map(|x| x * x).sum::<f64>() / gains.len() as f64;
                let root = 1.0 / (mean + f64::from(1e-5f32)).sqrt();
                y.extend(x.iter().zip(gains).map(|(x, g)| x * root * g));
            }
            y
        }),
        forward: BOUND,
        backward: BOUND,
    }
}

#[test]
fn rms_norm_over_rows_and_over_heads() {
    for trained in [false, true] {
        rms_case(5, 48, 1, trained).check();
        rms_case(3, 33, 1, trained).check();
        rms_case(4, 48, 3, trained).check();
        rms_case(1, 1, 1, trained).check();
        rms_case(2100, 96, 2, trained).check_threads();
    }
}

fn layer_case(rows: usize, width: usize, trained: bool) -> Case {
    let mut params = Params::default();
    let (gains, biases) = (values(width, 1), values(width, 2));
    let (gain, bias) = if trained {
        (
            Vector::Trained(params.add("g", &[width], gains.clone())),
            Vector::Trained(params.add("b", &[width], biases.clone())),
        )
    } else {
        (Vector::Frozen(gains.clone().into()), Vector::Frozen(biases.clone().into()))
    };
    let frozen = vec![wide(&gains), wide(&biases)];
    Case {
        name: format!("layer_norm {rows} x {width}"),
        params,
        inputs: vec![tensor(&[rows, width], 3)],
        run: Box::new(move |tape, inputs| layer_norm(tape, &inputs[0], &gain, &bias, 1e-5)),
        definition: Box::new(move |params, inputs| {
            let vectors = if trained { params } else { &frozen };
            let mut y = Vec::new();
            for x in inputs[0].chunks_exact(width) {
                let mean = x.iter().sum::<f64>() / width as f64;
                let spread = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                let root = 1.0 / (spread + f64::from(1e-5f32)).sqrt();
                let vectors = vectors[0].iter().zip(&vectors[1]);
                y.extend(x.iter().zip(vectors).map(|(x, (g, b))| (x - mean) * root * g + b));
            }
            y
        }),
        forward: BOUND,
        backward: BOUND,
    }
}

#[test]
fn layer_norm_with_frozen_and_trained_vectors() {
    for trained in [false, true] {
        layer_case(5, 48, trained).check();
        layer_case(3, 31, trained).check();
        layer_case(1500, 96, trained).check_threads();
    }
}

fn rope_case(rows: usize, heads: usize, dim: usize, turned: usize, pairs: RopePairs) -> Case {
    let half = turned / 2;
    let phases = values(rows * half, 4);
    let angles = Angles {
        cos: phases.iter().map(|p| (3.0 * p).cos()).collect(),
        sin: phases.iter().map(|p| (3.0 * p).sin()).collect(),
        half,
        pairs,
    };
    let (cos, sin) = (wide(&angles.cos), wide(&angles.sin));
    let width = heads * dim;
    Case {
        name: format!("rope {pairs:?} {turned} of {dim}"),
        params: Params::default(),
        inputs: vec![tensor(&[rows, width], 5)],
        run: Box::new(move |tape, inputs| rope(tape, inputs[0].clone(), dim, &angles)),
        definition: Box::new(move |_, inputs| {
            let mut y = inputs[0].clone();
            for row in 0..rows {
                for head in 0..heads {
                    for i in 0..half {
                        let (first, second) = match pairs {
                            RopePairs::Neighbours => (2 * i, 2 * i + 1),
                            RopePairs::Halves => (i, i + half),
                        };
                        let at = row * width + head * dim;
                        let (a, b) = (inputs[0][at + first], inputs[0][at + second]);
                        let (c, s) = (cos[row * half + i], sin[row * half + i]);
                        y[at + first] = a * c - b * s;
                        y[at + second] = a * s + b * c;
                    }
                }
            }
            y
        }),
        forward: BOUND,
        backward: BOUND,
    }
}

#[test]
fn rope_with_both_pairings_and_partial_heads() {
    for pairs in [RopePairs::Neighbours, RopePairs::Halves] {
        rope_case(5, 3, 16, 16, pairs).check();
        rope_case(4, 2, 10, 6, pairs).check();
        rope_case(200, 3, 64, 64, pairs).check_threads();
    }
}

#[test]
fn embedding_sums_the_gradient_of_a_token_that_comes_twice() {
    let mut params = Params::default();
    let table = Weight::Trained(params.add("table", &[9, 12], values(108, 6)));
    let tokens = [3u32, 8, 0, 3, 3, 7];
    Case {
        name: "embedding".into(),
        params,
        inputs: vec![],
        run: Box::new(move |tape, _| embedding(tape, &table, &tokens)),
        definition: Box::new(move |params, _| {
            tokens.iter().flat_map(|t| params[0][*t as usize * 12..][..12].to_vec()).collect()
        }),
        forward: 0.0,
        backward: 1e-6,
    }
    .check();
}

#[test]
fn select_rows_sums_the_gradient_of_a_row_chosen_twice() {
    let which = [4usize, 1, 4, 0];
    Case {
        name: "select".into(),
        params: Params::default(),
        inputs: vec![tensor(&[6, 9], 7)],
        run: Box::new(move |tape, inputs| select_rows(tape, &inputs[0], &which)),
        definition: Box::new(move |_, inputs| {
            which.iter().flat_map(|row| inputs[0][row * 9..][..9].to_vec()).collect()
        }),
        forward: 0.0,
        backward: 1e-6,
    }
    .check();
}

/// Two runs of columns that overlap, as their sum: the gradient of a column in both counts twice.
#[test]
fn columns_of_one_tensor_taken_twice() {
    Case {
        name: "columns".into(),
        params: Params::default(),
        inputs: vec![tensor(&[5, 12], 10)],
        run: Box::new(|tape, inputs: &[Tensor]| {
            let x = &inputs[0];
            add(tape, &columns(tape, x, 2..7), &columns(tape, x, 5..10))
        }),
        definition: Box::new(|_, inputs| {
            let row = |row: &[f64]| (0..5).map(|at| row[2 + at] + row[5 + at]).collect::<Vec<_>>();
            inputs[0].chunks(12).flat_map(row).collect()
        }),
        forward: 1e-7,
        backward: 1e-6,
    }
    .check();
}

#[test]
fn add_of_two_tensors_and_of_one_with_itself() {
    let sum = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a + b).collect();
    Case {
        name: "add".into(),
        params: Params::default(),
        inputs: vec![tensor(&[3, 11], 8), tensor(&[3, 11], 9)],
        run: Box::new(|tape, inputs: &[Tensor]| add(tape, &inputs[0], &inputs[1])),
        definition: Box::new(move |_, inputs| sum(&inputs[0], &inputs[1])),
        forward: 1e-7,
        backward: 1e-6,
    }
    .check();
    Case {
        name: "add to itself".into(),
        params: Params::default(),
        inputs: vec![tensor(&[3, 11], 8)],
        run: Box::new(|tape, inputs: &[Tensor]| add(tape, &inputs[0], &inputs[0])),
        definition: Box::new(move |_, inputs| sum(&inputs[0], &inputs[0])),
        forward: 1e-7,
        backward: 1e-6,
    }
    .check();
}
