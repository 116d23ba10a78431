//! Twenty LoRA steps of SmolLM2 against PyTorch with PEFT (`golden/tune/trajectory.json`): the same initial
//! adapter, the same batches, the loss at every step within 1e-3, the norm of the gradient, and the weights
//! after the last step; and token-weighted accumulation over unequal masks.

use grimoire_models::Model;
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::Params;
use grimoire_testkit::{close, golden, models_dir, slow};
use grimoire_tune::{Plan, Sequence, Trainer};
use serde_json::Value;

/// The recorded formula for the initial `A`: a counter, hashed by MurmurHash3's finaliser.
fn first_a(layer: usize, module: usize, width: usize) -> Vec<f32> {
    (0..16 * width)
        .map(|at| {
            let n = ((layer * 7 + module) * 16 * width + at) as u32;
            let mut x = n.wrapping_mul(0x9E37_79B9);
            x ^= x >> 16;
            x = x.wrapping_mul(0x85EB_CA6B);
            x ^= x >> 13;
            x = x.wrapping_mul(0xC2B2_AE35);
            x ^= x >> 16;
            let unit = f64::from(x >> 8) / f64::from(1 << 24);
            ((2.0 * unit - 1.0) * (1.0 / (width as f64).sqrt())) as f32
        })
        .collect()
}

fn trainer(model: &mut Model, micro_tokens: usize) -> Trainer {
    let mut params = Params::default();
    for (index, linear) in model.linears_mut().into_iter().enumerate() {
        let [out, width] = linear.shape(&params);
        let a = first_a(index / 7, index % 7, width);
        linear.adapt(&mut params, 16, 2.0, a, vec![0.0; out * 16]);
    }
    let plan = Plan {
        batch: 4,
        micro_tokens,
        rate: 5e-4,
        schedule: Schedule { warmup: 0, total: 20, decay: Decay::Constant },
        adamw: AdamW { decay: 0.01, ..AdamW::default() },
        clip: Some(1.0),
        ema: None,
        seed: 0,
    };
    Trainer::new(params, plan)
}

fn follow(name: &str, masked: bool, micro_tokens: usize) {
    let Some(file) = models_dir(name, "SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    if !slow(name) {
        return;
    }
    let golden: Value = golden::read("tune/trajectory.json");
    let (mut model, _) = Model::open(&file).unwrap();
    let mut trainer = trainer(&mut model, micro_tokens);
    let recorded = &golden["f32"][if masked { "masked" } else { "plain" }];
    for (step, expected) in recorded["steps"].as_array().unwrap().iter().enumerate() {
        let batch: Vec<Vec<u32>> = serde_json::from_value(golden["batches"][step].clone()).unwrap();
        let sequences: Vec<Sequence> = batch
            .into_iter()
            .enumerate()
            .map(|(row, ids)| {
                let trained = if masked {
                    let all = golden["masked"]["trained"].as_array().unwrap();
                    all[step % all.len()][row].as_u64().unwrap() as usize
                } else {
                    ids.len() - 1
                };
                let scored = (0..ids.len()).map(|place| place >= ids.len() - trained).collect();
                Sequence { ids, scored }
            })
            .collect();
        let rows: Vec<&Sequence> = sequences.iter().collect();
        let report = trainer.step_on(&model, &rows).unwrap();
        let (loss, norm) =
            (expected["loss"].as_f64().unwrap(), expected["gradient_norm"].as_f64().unwrap());
        eprintln!(
            "step {}: loss {:.6} ({:+.1e}), gradient {:.5} ({:+.1e})",
            report.step,
            report.loss,
            report.loss / loss - 1.0,
            report.gradient_norm,
            report.gradient_norm / norm - 1.0
        );
        close(report.loss, loss, 1e-3, 0.0);
        // Adam's first steps divide by gradients near zero, which spreads rounding; the norm follows the loss.
        close(report.gradient_norm, norm, 5e-3, 0.0);
    }
}

#[test]
fn twenty_steps_follow_pytorch() {
    follow("trajectory plain", false, 256);
}

#[test]
fn unequal_masks_accumulate_by_tokens() {
    follow("trajectory masked", true, 128);
}
