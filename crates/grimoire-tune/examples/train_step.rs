//! The twin of `bench/lora_step_pytorch.py`: the time and memory of a training step on the same tokens, as one line
//! of JSON. `cargo run --release -p grimoire-tune --example train_step -- MODEL [lora|full] [ROWS] [LENGTH] [THREADS]
//! [STEPS] [MICRO] [f32]`; one step more is taken first, to warm up. MICRO is the most tokens of a micro-batch; with
//! `f32`, gradients are those of the reference.

#![expect(clippy::print_stdout, reason = "an example prints")]

use grimoire_models::Model;
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::{Params, Precision};
use grimoire_tune::adapter::{LoraSettings, attach};
use grimoire_tune::{Load, Plan, Sequence, Trainer, footprint};
use serde_json::json;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file =
        arguments.first().ok_or("usage: train_step MODEL [lora|full] [ROWS] [LENGTH] ...")?;
    let full = arguments.get(1).is_some_and(|what| what == "full");
    let number = |at: usize, default: usize| -> Result<usize, Box<dyn Error>> {
        Ok(arguments.get(at).map(|text| text.parse()).transpose()?.unwrap_or(default))
    };
    let (rows, length, threads) = (number(2, 4)?, number(3, 256)?, number(4, 2)?);
    let (steps, micro_tokens) = (number(5, 3)?, number(6, 512)?);
    let exact = arguments.get(7).is_some_and(|word| word == "f32");
    let precision = if exact { Precision::F32 } else { Precision::Fast };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let line = pool.install(|| {
        measure(file, full, (rows, length), steps, (micro_tokens, precision))
            .map_err(|error| error.to_string())
    })?;
    println!("{line}");
    Ok(())
}

fn measure(
    file: &str,
    full: bool,
    (rows, length): (usize, usize),
    steps: usize,
    (micro_tokens, precision): (usize, Precision),
) -> Result<String, Box<dyn Error>> {
    let (mut model, checkpoint) = Model::open(Path::new(file))?;
    // Not asked anything, but the program holds one, and it is in what is predicted.
    let tokenizer = checkpoint.tokenizer()?;
    let mut params = Params::default();
    if full {
        model.train_all(&mut params);
    } else {
        attach(&mut model, &mut params, &LoraSettings::default(), 0)?;
    }
    let ids: Vec<u32> = (0..length as u32).map(|i| 100 + i * 7919 % 40_000).collect();
    let row = Sequence { ids, scored: (0..length).map(|place| place > 0).collect() };
    let rows_of_step = vec![&row; rows];
    // The last token of a row predicts nothing and is not read.
    let read = length - 1;
    let tokens = read * rows.min((micro_tokens / read).max(1));
    let load = Load { tokens, scored: tokens, precision, ..Load::default() };
    let predicted = footprint(&checkpoint, &model, &params, &load);
    let mut trainer = Trainer::new(params, Plan { precision, ..plan(full, rows, micro_tokens) });
    let (mut seconds, mut processor, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=steps {
        let (start, used) = (Instant::now(), processor_seconds());
        losses.push(trainer.step_on(&model, &rows_of_step)?.loss);
        seconds.push(start.elapsed().as_secs_f64());
        processor.push(processor_seconds() - used);
    }
    drop(tokenizer);
    let line = json!({
        "workload": format!("{} step, {rows} x {length}", if full { "full" } else { "lora" }),
        "peer": "Grimoire",
        "setting": format!("{precision:?}, micro-batches of {micro_tokens}"),
        "threads": rayon::current_num_threads(),
        "tokens_per_second": (rows * length) as f64 / median(&seconds[1..]),
        "tokens_per_processor_second": (rows * length) as f64 / median(&processor[1..]),
        "seconds": seconds,
        "processor_seconds": processor,
        "loss": losses,
        "peak_mb": status("VmHWM")? / 1000.0 * 1.024,
        "file_mb": status("RssFile")? / 1000.0 * 1.024,
        "predicted_mb": predicted.total() as f64 / 1e6,
    });
    Ok(line.to_string())
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds that all threads of this process have computed, to a hundredth; 0 where Linux does not say.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// A line of what Linux knows of this process, in KiB; 0 elsewhere.
fn status(name: &str) -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    Ok(line.and_then(|line| line.split_whitespace().nth(1)).map_or(Ok(0.0), str::parse)?)
}

fn plan(full: bool, batch: usize, micro_tokens: usize) -> Plan {
    Plan {
        batch,
        micro_tokens,
        rate: if full { 2e-5 } else { 5e-4 },
        schedule: Schedule { warmup: 0, total: 20, decay: Decay::Constant },
        adamw: AdamW::default(),
        clip: Some(1.0),
        ema: None,
        seed: 0,
        precision: Precision::F32,
    }
}
