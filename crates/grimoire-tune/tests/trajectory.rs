//! Training against PyTorch with PEFT, step by step: LoRA of SmolLM2 on fixed batches from a fixed start
//! (`golden/tune/trajectory.json`, made by `trajectory.py`, which states the versions). Not a speed test.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_models::{Model, RowOrder};
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::ops::{cross_entropy, select_rows};
use grimoire_tensor::{Gradients, Params, Precision, Tape};
use grimoire_testkit::{close, golden, models_dir, slow};
use grimoire_tune::adapter::reorder;
use grimoire_tune::{Plan, Sequence, Trainer, micro_batches};
use serde::Deserialize;
use std::collections::BTreeMap;

const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const RANK: usize = 16;
/// Of the issue: loss of every step, relative.
const LOSS: f64 = 1e-3;
/// Names of modules as PEFT has them and as we do, in the order that counts them for `first_a`.
const MODULES: [(&str, &str); 7] = [
    ("self_attn.q_proj", "attn.q"),
    ("self_attn.k_proj", "attn.k"),
    ("self_attn.v_proj", "attn.v"),
    ("self_attn.o_proj", "attn.o"),
    ("mlp.gate_proj", "mlp.gate"),
    ("mlp.up_proj", "mlp.up"),
    ("mlp.down_proj", "mlp.down"),
];

#[derive(Deserialize)]
struct Recorded {
    adapter: Start,
    batches: Vec<Vec<Vec<u32>>>,
    masked: Masked,
    f32: Runs,
}

impl Recorded {
    /// The rows of every step, all of whose predictions count.
    fn whole_rows(&self) -> Vec<Vec<Sequence>> {
        let rows =
            |rows: &Vec<Vec<u32>>| rows.iter().map(|ids| sequence(ids, ids.len() - 1)).collect();
        self.batches.iter().map(rows).collect()
    }
}

#[derive(Deserialize)]
struct Start {
    first_a_sample: BTreeMap<String, Vec<f32>>,
}

#[derive(Deserialize)]
struct Masked {
    trained: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Runs {
    plain: Run,
    masked: Run,
}

#[derive(Deserialize)]
struct Run {
    steps: Vec<Step>,
    r#final: Final,
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    gradient_norm: f64,
    mean_of_micro_batch_means: Option<f64>,
}

#[derive(Deserialize)]
struct Final {
    norm_of_all_a: f64,
    norm_of_all_b: f64,
    watched: BTreeMap<String, Watched>,
}

#[derive(Deserialize)]
struct Watched {
    #[serde(rename = "A")]
    a: Values,
    #[serde(rename = "B")]
    b: Values,
}

#[derive(Deserialize)]
struct Values {
    norm: f64,
    entries: Vec<f64>,
}

/// The first A of an adapter, `[16, n_in]`: `first_a` of `trajectory.py`.
fn first_a(layer: usize, module: usize, n_in: usize) -> Vec<f32> {
    let first = (layer * MODULES.len() + module) * RANK * n_in;
    (0..RANK * n_in)
        .map(|offset| {
            let mut x = ((first + offset) as u32).wrapping_mul(0x9E37_79B9);
            x ^= x >> 16;
            x = x.wrapping_mul(0x85EB_CA6B);
            x ^= x >> 13;
            x = x.wrapping_mul(0xC2B2_AE35);
            x ^= x >> 16;
            let unit = f64::from(x >> 8) / f64::from(1 << 24);
            ((2.0 * unit - 1.0) * (1.0 / (n_in as f64).sqrt())) as f32
        })
        .collect()
}

/// SmolLM2 with the recorded start: every linear layer adapted, scale 32/16.
fn start(test: &str) -> Option<(Model, Params)> {
    let (mut model, _) = Model::open(&models_dir(test, FILE)?).unwrap();
    let mut params = Params::default();
    for (index, linear) in model.linears_mut().into_iter().enumerate() {
        let (layer, module) = (index / MODULES.len(), index % MODULES.len());
        assert_eq!(linear.path, format!("blocks.{layer}.{}", MODULES[module].1));
        let [out, n_in] = linear.shape(&params);
        let a = first_a(layer, module, n_in);
        linear.adapt(&mut params, RANK, 2.0, a, vec![0.0; out * RANK]);
    }
    Some((model, params))
}

fn trainer(params: Params, micro_tokens: usize) -> Trainer {
    Trainer::new(
        params,
        Plan {
            batch: 4,
            micro_tokens,
            rate: 5e-4,
            schedule: Schedule { warmup: 0, total: 20, decay: Decay::Constant },
            adamw: AdamW { decay: 0.01, ..AdamW::default() },
            clip: Some(1.0),
            ema: None,
            seed: 0,
            precision: Precision::F32,
        },
    )
}

/// A row whose last `trained` predictions count.
fn sequence(ids: &[u32], trained: usize) -> Sequence {
    let first = ids.len() - trained;
    Sequence { ids: ids.to_vec(), scored: (0..ids.len()).map(|place| place >= first).collect() }
}

fn steps(trainer: &mut Trainer, model: &Model, batches: &[Vec<Sequence>], expected: &Run) {
    for (batch, expected) in batches.iter().zip(&expected.steps) {
        let rows: Vec<&Sequence> = batch.iter().collect();
        let report = trainer.step_on(model, &rows).unwrap();
        println!(
            "step {:2}: loss {:.6}, off by {:+.1e}; gradient {:.6}, off by {:+.1e} (relative)",
            report.step,
            report.loss,
            report.loss / expected.loss - 1.0,
            report.gradient_norm,
            report.gradient_norm / expected.gradient_norm - 1.0,
        );
        close(report.loss, expected.loss, LOSS, 0.0);
        close(report.gradient_norm, expected.gradient_norm, LOSS, 0.0);
        if let Some(wrong) = expected.mean_of_micro_batch_means {
            assert!((report.loss - wrong).abs() > 0.05, "weighted by micro-batch, not by token");
        }
    }
}

fn norm(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

/// Norms of the adapters, and some of their entries, at the end of a run.
fn check_final(model: &Model, params: &Params, expected: &Final) {
    for (end, whole) in [(".lora_a", expected.norm_of_all_a), (".lora_b", expected.norm_of_all_b)] {
        let values =
            params.iter().filter(|p| p.name.ends_with(end)).flat_map(|p| p.values.iter().copied());
        close(norm(values), whole, LOSS, 0.0);
    }
    for (name, watched) in &expected.watched {
        let (layer, module) = name.split_once('.').unwrap();
        let ours = MODULES.iter().find(|(theirs, _)| *theirs == module).unwrap().1;
        let path = format!("blocks.{layer}.{ours}");
        let values =
            |kind: &str| params.values(params.id(&format!("{path}.{kind}")).unwrap()).to_vec();
        // The file is a GGUF: rows of q and k are turned into the order that PEFT has.
        let b =
            reorder(model.config().head_dim, &path, RANK, &values("lora_b"), RowOrder::ToHalves);
        for (what, own, expected) in [("A", values("lora_a"), &watched.a), ("B", b, &watched.b)] {
            close(norm(own.iter().copied()), expected.norm, LOSS, 0.0);
            // A step of Adam moves an entry by up to the learning rate whatever its gradient: entries whose
            // gradient is all rounding may differ by a part of a step (5e-4), most agree to 1e-5.
            let off: Vec<f64> = own
                .iter()
                .step_by(997)
                .zip(&expected.entries)
                .map(|(own, expected)| (f64::from(*own) - expected).abs())
                .collect();
            assert_eq!(off.len(), expected.entries.len());
            let worst = off.iter().copied().fold(0.0, f64::max);
            println!("{path} {what}: entries off by at most {worst:.1e}");
            assert!(worst < 1e-4, "{path} {what}: an entry is off by {worst}");
        }
    }
}

#[test]
fn the_start_is_the_recorded_one() {
    let recorded: Recorded = golden::read("tune/trajectory.json");
    let sample = recorded.adapter.first_a_sample;
    assert_eq!(first_a(0, 0, 576)[..4], sample["layer 0 q_proj row 0"]);
    let last = first_a(29, 6, 1536);
    assert_eq!(last[RANK * 1536 - 4..], sample["layer 29 down_proj row 15, last"]);
}

#[test]
fn twenty_steps_follow_pytorch_with_peft() {
    let test = "twenty LoRA steps";
    if !slow(test) {
        return;
    }
    let Some((model, params)) = start(test) else { return };
    let recorded: Recorded = golden::read("tune/trajectory.json");
    let batches = recorded.whole_rows();
    let mut trainer = trainer(params, 4096);
    steps(&mut trainer, &model, &batches, &recorded.f32.plain);
    assert_eq!(trainer.steps(), 20);
    check_final(&model, &trainer.params, &recorded.f32.plain.r#final);
}

/// The gradient of a batch with respect to all trained values, one after the other, and its loss.
fn gradient(
    model: &Model,
    params: &Params,
    rows: &[Sequence],
    precision: Precision,
) -> (f64, Vec<f32>) {
    let rows: Vec<&Sequence> = rows.iter().collect();
    let scored: usize = rows.iter().map(|row| row.n_scored()).sum();
    let (mut gradients, mut loss) = (Gradients::zeros(params), 0.0);
    for micro in micro_batches(&rows, 512) {
        let tape = Tape::new(params).with_precision(precision);
        let hidden = select_rows(&tape, &model.hidden(&tape, &micro.batch), &micro.rows);
        let weights = vec![1.0 / scored as f32; micro.rows.len()];
        let out = cross_entropy(&tape, &hidden, model.head(), &micro.targets, &weights);
        tape.backward(&out.total, vec![1.0], &mut gradients);
        loss += out.nll.iter().map(|nll| f64::from(*nll)).sum::<f64>() / scored as f64;
    }
    (loss, params.iter().flat_map(|p| gradients.of(p.id).to_vec()).collect())
}

/// What training loses by default, beside the f32 that PyTorch confirms: losses on the way, and at its end the angle
/// between both gradients of a batch.
#[test]
fn default_precision_stays_within_stated_bounds_of_f32() {
    let test = "twenty LoRA steps in default precision";
    if !slow(test) {
        return;
    }
    let Some((model, params)) = start(test) else { return };
    let recorded: Recorded = golden::read("tune/trajectory.json");
    let batches = recorded.whole_rows();
    let plan = Plan { precision: Precision::Fast, ..*trainer(params.clone(), 512).plan() };
    let mut trainer = Trainer::new(params, plan);
    let mut off = 0.0f64;
    for (batch, expected) in batches.iter().zip(&recorded.f32.plain.steps) {
        let rows: Vec<&Sequence> = batch.iter().collect();
        let report = trainer.step_on(&model, &rows).unwrap();
        println!("step {:2}: loss {:.6}, f32 {:.6}", report.step, report.loss, expected.loss);
        off = off.max((report.loss / expected.loss - 1.0).abs());
    }
    println!("losses off by at most {off:.1e} of themselves");
    assert!(off < 1e-2, "a loss is off by {off}");
    for batch in &batches[..3] {
        let (loss, exact) = gradient(&model, &trainer.params, batch, Precision::F32);
        for (precision, loss_bound, bound) in
            [(Precision::Half, 1e-3, 0.03), (Precision::Fast, 5e-3, 0.1)]
        {
            let (near_loss, near) = gradient(&model, &trainer.params, batch, precision);
            let difference = norm(near.iter().zip(&exact).map(|(near, exact)| near - exact));
            let share = difference / norm(exact.iter().copied());
            println!(
                "{precision:?}: loss {loss:.6} and {near_loss:.6}; gradient off by {share:.4} of its length"
            );
            assert!((near_loss / loss - 1.0).abs() < loss_bound, "{near_loss} for {loss}");
            assert!(share < bound, "a gradient is off by {share} of its length");
        }
    }
}

/// However the rows are cut into micro-batches, the gradient is that of the mean over the step's tokens.
#[test]
fn unequal_masks_accumulate_by_tokens_for_any_micro_batch() {
    let test = "LoRA steps with unequal masks";
    if !slow(test) {
        return;
    }
    let recorded: Recorded = golden::read("tune/trajectory.json");
    let batches: Vec<Vec<Sequence>> = recorded
        .batches
        .iter()
        .zip(&recorded.masked.trained)
        .map(|(rows, trained)| rows.iter().zip(trained).map(|(r, n)| sequence(r, *n)).collect())
        .collect();
    for micro_tokens in [63, 126, 4096] {
        let Some((model, params)) = start(test) else { return };
        let mut trainer = trainer(params, micro_tokens);
        steps(&mut trainer, &model, &batches, &recorded.f32.masked);
        check_final(&model, &trainer.params, &recorded.f32.masked.r#final);
    }
}
