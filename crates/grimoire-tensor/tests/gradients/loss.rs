//! Cross entropy from hidden states, with a frozen and a trained head and unequal weights.

use crate::harness::{Case, tensor, values, wide};
use grimoire_tensor::ops::{Weight, cross_entropy, token_log_probs};
use grimoire_tensor::{Gradients, Matrix, Params, Tape};
use grimoire_testkit::{all_close, close};

fn targets(n: usize, vocabulary: usize) -> Vec<u32> {
    (0..n).map(|i| ((i * 7 + 3) % vocabulary) as u32).collect()
}

/// `logsumexp(z) − z[target]` of each position, `z = W h`.
fn nll(h: &[f64], w: &[f64], width: usize, targets: &[u32]) -> Vec<f64> {
    let of = |(h, target): (&[f64], &u32)| {
        let z: Vec<f64> =
            w.chunks_exact(width).map(|w| w.iter().zip(h).map(|(w, h)| w * h).sum()).collect();
        z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[*target as usize]
    };
    h.chunks_exact(width).zip(targets).map(of).collect()
}

fn case(n: usize, width: usize, vocabulary: usize, trained: bool) -> Case {
    let mut params = Params::default();
    let table = values(vocabulary * width, 1);
    let head = if trained {
        Weight::Trained(params.add("head", &[vocabulary, width], table.clone()))
    } else {
        Weight::Frozen(Matrix::from_f32(vocabulary, width, &table))
    };
    let targets = targets(n, vocabulary);
    // Prompt positions weigh nothing; the others unequally.
    let weights: Vec<f32> = (0..n).map(|i| [0.0, 0.5, 1.25][i % 3]).collect();
    let (frozen, weights64, targets64) = (wide(&table), wide(&weights), targets.clone());
    Case {
        name: format!("cross entropy of {n} over {vocabulary}, trained {trained}"),
        params,
        inputs: vec![tensor(&[n, width], 2)],
        run: Box::new(move |tape, inputs| {
            cross_entropy(tape, &inputs[0], &head, &targets, &weights).total
        }),
        definition: Box::new(move |params, inputs| {
            let w = if trained { &params[0] } else { &frozen };
            let nll = nll(&inputs[0], w, width, &targets64);
            vec![nll.iter().zip(&weights64).map(|(l, w)| l * w).sum()]
        }),
        // Each of the losses carries the rounding of a logit, about 1e-6.
        forward: 3e-6,
        backward: 3e-6,
    }
}

#[test]
fn cross_entropy_with_a_frozen_and_a_trained_head() {
    for trained in [false, true] {
        case(7, 24, 40, trained).check();
        case(1, 16, 3, trained).check();
        case(130, 8, 33, trained).check();
        case(300, 64, 257, trained).check_threads();
    }
}

#[test]
fn losses_by_position_are_the_definition_with_and_without_a_tape() {
    let (n, width, vocabulary) = (150, 24, 70);
    let (h, table) = (tensor(&[n, width], 3), values(vocabulary * width, 4));
    let (params, targets) = (Params::default(), targets(n, vocabulary));
    let head = Weight::Frozen(Matrix::from_f32(vocabulary, width, &table));
    let exact = nll(&wide(h.values()), &wide(&table), width, &targets);
    let tape = Tape::forward_only(&params);
    let loss = cross_entropy(&tape, &h, &head, &targets, &vec![1.0; n]);
    all_close(&loss.nll, &exact, 1e-6, 1e-6);
    close(f64::from(loss.total.values()[0]), exact.iter().sum(), 1e-6, 0.0);
    all_close(&token_log_probs(&tape, &h, &head, &targets), &exact, 1e-6, 1e-6);
}

#[test]
fn logits_of_a_thousand_neither_overflow_nor_lose_the_target() {
    let (params, h) =
        (Params::default(), grimoire_tensor::Tensor::new(&[2, 1], vec![1000.0, -1000.0]));
    let head = Weight::Frozen(Matrix::from_f32(3, 1, &[1.0, 0.5, -1.0]));
    let tape = Tape::new(&params);
    let h = tape.track(&h);
    let loss = cross_entropy(&tape, &h, &head, &[0, 0], &[1.0, 1.0]);
    // Logits 1000, 500, −1000: nothing but the target counts; then −1000, −500, 1000: 2000 nats.
    assert_eq!(loss.nll, [0.0, 2000.0]);
    let gradients = tape.backward(&loss.total, vec![1.0], &mut Gradients::zeros(&params));
    // d_h = Wᵀ (softmax − onehot): zero, and −1 − 1.
    assert_eq!(gradients, [vec![0.0, -2.0]]);
}
