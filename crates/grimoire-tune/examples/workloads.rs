//! Measures what people wait for, on a real model: a LoRA step of 4 x 256 tokens, a prompt of 512 tokens,
//! generating for one and for sixteen sequences, and the time from nothing to the first token.
//! Clock on the wall, and processor seconds of all threads beside it, which a busy machine disturbs less.
//! `RAYON_NUM_THREADS=2 cargo run --release -p grimoire-tune --example workloads -- MODEL [NAME …]` with names
//! among `cold`, `step`, `prompt`, `one`, `sixteen`, `long`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod reading;

use grimoire_models::{Cache, Model};
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::{Params, Precision};
use grimoire_tune::adapter::{LoraSettings, attach};
use grimoire_tune::{Plan, Sequence, Trainer};
use reading::{ids, read};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: workloads MODEL [NAME ...]")?;
    let asked: Vec<String> = arguments.collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let start = Clock::start();
    let (model, _) = Model::open(Path::new(&file))?;
    let params = Params::default();
    if wanted("cold") {
        let mut cache = Cache::new(model.config(), 1, 16, Precision::Fast);
        read(&model, &params, &mut cache, &[(0, &ids(8))], Precision::Fast);
        start.report("cold start to the first token", 1);
    }
    for precision in [Precision::F32, Precision::Fast] {
        if wanted("prompt") {
            let mut cache = Cache::new(model.config(), 1, 512, precision);
            let clock = Clock::start();
            read(&model, &params, &mut cache, &[(0, &ids(512))], precision);
            clock.report(&format!("prompt of 512, {precision:?}"), 512);
        }
        for (name, sequences, past) in [("one", 1, 64), ("sixteen", 16, 64), ("long", 1, 8000)] {
            if wanted(name) {
                generating(&model, &params, sequences, past, precision);
            }
        }
    }
    if wanted("step") {
        step(model)?;
    }
    if let Some(line) = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| Some(status.lines().find(|line| line.starts_with("VmHWM"))?.to_owned()))
    {
        println!("most memory: {}", line.trim_start_matches("VmHWM:").trim());
    }
    Ok(())
}

fn generating(model: &Model, params: &Params, sequences: usize, past: usize, precision: Precision) {
    const TOKENS: usize = 24;
    let mut cache = Cache::new(model.config(), sequences, past + TOKENS, precision);
    let prompt = ids(past);
    for sequence in 0..sequences {
        for piece in prompt.chunks(512) {
            read(model, params, &mut cache, &[(sequence, piece)], precision);
        }
    }
    let clock = Clock::start();
    for token in 0..TOKENS as u32 {
        let one = [500 + token];
        let additions: Vec<(usize, &[u32])> = (0..sequences).map(|s| (s, &one[..])).collect();
        read(model, params, &mut cache, &additions, precision);
    }
    clock.report(&format!("{sequences} at once after {past}, {precision:?}"), TOKENS * sequences);
}

fn step(mut model: Model) -> Result<(), Box<dyn Error>> {
    let mut params = Params::default();
    attach(&mut model, &mut params, &LoraSettings::default(), 0)?;
    let plan = Plan {
        batch: 4,
        micro_tokens: 1024,
        rate: 5e-4,
        schedule: Schedule { warmup: 0, total: 20, decay: Decay::Constant },
        adamw: AdamW::default(),
        clip: Some(1.0),
        ema: None,
        seed: 0,
        precision: Precision::Fast,
    };
    let rows: Vec<Sequence> = (0..4)
        .map(|_| Sequence { ids: ids(256), scored: (0..256).map(|place| place > 0).collect() })
        .collect();
    let rows: Vec<&Sequence> = rows.iter().collect();
    let mut trainer = Trainer::new(params, plan);
    for _ in 0..3 {
        let clock = Clock::start();
        trainer.step_on(&model, &rows)?;
        clock.report("LoRA step of 4 x 256", 1024);
    }
    Ok(())
}

/// Time on the wall and of the processors.
struct Clock {
    start: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Self {
        Self { start: Instant::now(), processor: processor_seconds() }
    }

    fn report(&self, what: &str, tokens: usize) {
        let wall = self.start.elapsed().as_secs_f64();
        let processor = processor_seconds() - self.processor;
        println!(
            "{what}: {wall:.3} s, {:.1} tokens/s; {processor:.2} processor seconds, {:.1} tokens for each",
            tokens as f64 / wall,
            tokens as f64 / processor,
        );
    }
}

/// Seconds that all threads of this process have computed, to a hundredth; zero where Linux does not say.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
