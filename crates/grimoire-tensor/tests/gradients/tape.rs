//! The tape itself: a value used twice, several losses, what does not reach the output.

use crate::harness::{Case, tensor, values};
use grimoire_kernels::Isa;
use grimoire_tensor::ops::{Adapter, Input, Vector, Weight, add, linear, rms_norm};
use grimoire_tensor::{Gradients, Matrix, Params, Precision, StorageType, Tape, Tensor};
use std::sync::Arc;

/// `y = n W + n`, `n = norm(x)`, and then `y W + x`: everything is used twice, the weight too.
#[test]
fn values_and_parameters_used_twice() {
    let mut params = Params::default();
    let width = 12;
    let weight = Weight::Trained(params.add("w", &[width, width], values(width * width, 1)));
    let gain = Vector::Trained(params.add("g", &[width], values(width, 2)));
    let product = |x: &[f64], w: &[f64]| -> Vec<f64> {
        let of = |x: &[f64]| {
            w.chunks_exact(12)
                .map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>())
                .collect::<Vec<_>>()
        };
        x.chunks_exact(12).flat_map(of).collect()
    };
    Case {
        name: "a small residual network".into(),
        params,
        inputs: vec![tensor(&[5, width], 3)],
        run: Box::new(move |tape, inputs: &[Tensor]| {
            let n = rms_norm(tape, &inputs[0], &gain, 1e-6);
            let y = add(tape, &linear(tape, Input::Plain(n.clone()), &weight, None, None), &n);
            let z = linear(tape, Input::Plain(y), &weight, None, None);
            add(tape, &z, &inputs[0])
        }),
        definition: Box::new(move |params, inputs| {
            let mut n = Vec::new();
            for x in inputs[0].chunks_exact(width) {
                let mean = x.iter().map(|x| x * x).sum::<f64>() / width as f64;
                let root = 1.0 / (mean + f64::from(1e-6f32)).sqrt();
                n.extend(x.iter().zip(&params[1]).map(|(x, g)| x * root * g));
            }
            let y: Vec<f64> = product(&n, &params[0]).iter().zip(&n).map(|(a, b)| a + b).collect();
            let z = product(&y, &params[0]);
            z.iter().zip(&inputs[0]).map(|(a, b)| a + b).collect()
        }),
        forward: 4e-6,
        backward: 1e-5,
    }
    .check();
}

#[test]
fn gradients_add_up_over_steps_and_clear() {
    let mut params = Params::default();
    let id = params.add("w", &[2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    let mut gradients = Gradients::zeros(&params);
    let x = Tensor::new(&[1, 2], vec![5.0, 7.0]);
    for _ in 0..2 {
        let tape = Tape::new(&params);
        let y = linear(&tape, Input::Plain(x.clone()), &Weight::Trained(id), None, None);
        assert_eq!(y.values(), [19.0, 43.0]);
        tape.backward(&y, vec![1.0, -1.0], &mut gradients);
    }
    // d_W = d_yᵀ x, twice.
    assert_eq!(gradients.of(id), [10.0, 14.0, -10.0, -14.0]);
    assert!((gradients.norm() - (2.0f64 * (100.0 + 196.0)).sqrt()).abs() < 1e-12);
    gradients.scale(0.5);
    assert_eq!(gradients.of(id), [5.0, 7.0, -5.0, -7.0]);
    gradients.clear();
    assert_eq!(gradients.of(id), [0.0; 4]);
}

#[test]
fn a_tracked_tensor_that_the_output_does_not_use_has_no_gradient() {
    let params = Params::default();
    let tape = Tape::new(&params);
    let (a, b) = (tape.track(&tensor(&[1, 3], 1)), tape.track(&tensor(&[1, 3], 2)));
    let y = add(&tape, &a, &a);
    let gradients = tape.backward(&y, vec![1.0; 3], &mut Gradients::default());
    assert_eq!(gradients, [vec![2.0; 3], vec![]]);
    drop(b);
}

#[test]
fn a_fast_tape_rounds_on_the_way_forward_and_passes_the_gradient_straight_through() {
    let params = Params::default();
    let mut bytes = vec![0; StorageType::Q8_0.bytes_for(40 * 64).unwrap()];
    grimoire_kernels::storage::encode(StorageType::Q8_0, &values(40 * 64, 1), &mut bytes).unwrap();
    let range = 0..bytes.len();
    let weight = Weight::Frozen(Matrix::new(StorageType::Q8_0, 40, 64, Arc::new(bytes), range));
    let on = |precision: Precision, x: &Tensor| {
        let tape = Tape::new(&params).with_precision(precision);
        assert_eq!(tape.precision(), precision);
        let y = linear(&tape, Input::Plain(tape.track(x)), &weight, None, None);
        let seed = values(y.values().len(), 7);
        let d_x = tape.backward(&y, seed, &mut Gradients::zeros(&params)).remove(0);
        (y.into_values(), d_x)
    };
    // In turn with the tests that force an instruction set: bits are compared.
    Isa::for_each_available(|isa| {
        for rows in [2, 24] {
            let x = tensor(&[rows, 64], 2);
            let ((exact, slopes), (fast, near)) = (on(Precision::F32, &x), on(Precision::Fast, &x));
            let tape = Tape::forward_only(&params).with_precision(Precision::Fast);
            let unrecorded = linear(&tape, Input::Plain(x), &weight, None, None).into_values();
            assert_eq!(fast, unrecorded, "training sees what generating sees");
            assert_ne!(exact, fast);
            // 64 activations below one, each off by at most 1/254, times weights below one.
            grimoire_testkit::all_close(&fast, &exact, 0.0, 64.0 / 254.0);
            if rows < 16 || isa < Isa::Avx512Bf16 {
                assert_eq!(near, slopes, "nothing is rounded on the way back");
                continue;
            }
            assert_ne!(near, slopes);
            // 40 products of factors below one, each of which moves by at most 1/512.
            grimoire_testkit::all_close(&near, &slopes, 0.0, 40.0 * 2.0 / 511.0);
        }
    });
}

#[test]
fn a_fast_tape_keeps_gates_in_bf16_and_its_gradients_stay_near() {
    let mut params = Params::default();
    let a = params.add("lora_a", &[4, 64], values(4 * 64, 1));
    let b = params.add("lora_b", &[40, 4], values(40 * 4, 2));
    let adapter = Adapter { a, b, scale: 0.5 };
    let weight = Weight::Frozen(Matrix::from_f32(40, 64, &values(40 * 64, 3)));
    let on = |precision: Precision| {
        let tape = Tape::new(&params).with_precision(precision);
        let (gate, up) = (tape.track(&tensor(&[9, 64], 4)), tape.track(&tensor(&[9, 64], 5)));
        let y = linear(&tape, Input::SwiGlu { gate, up }, &weight, None, Some(&adapter));
        let mut gradients = Gradients::zeros(&params);
        let seed = values(9 * 40, 6);
        let inputs = tape.backward(&y, seed, &mut gradients);
        let all = [gradients.of(a).to_vec(), gradients.of(b).to_vec()].into_iter().chain(inputs);
        (y.values().to_vec(), all.collect::<Vec<_>>())
    };
    Isa::for_each_available(|_| {
        let ((exact, slopes), (fast, near)) = (on(Precision::F32), on(Precision::Fast));
        assert_eq!(exact, fast, "the forward pass is the same");
        assert_ne!(slopes, near);
        for (slopes, near) in slopes.iter().zip(&near) {
            // Gate and up move by 1/512 at most, and the slope of silu is at most 1.1 and changes by at most 0.5 for
            // each unit of the gate: under 1/128 of the largest.
            let top = slopes.iter().fold(0.0f32, |top, x| top.max(x.abs()));
            let exact: Vec<f64> = slopes.iter().map(|x| f64::from(*x)).collect();
            grimoire_testkit::all_close(near, &exact, 0.0, f64::from(top) / 128.0);
        }
    });
}
