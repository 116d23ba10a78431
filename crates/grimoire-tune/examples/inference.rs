//! The speed of reading prompts and of generating by number of tokens and of sequences, as lines of JSON.
//! `cargo run --release -p grimoire-tune --example inference -- MODEL THREADS [prompt:TOKENS | at-once:SEQUENCES …]`.
//! A prompt is read whole, its last logits computed; the better of two. Sequences have 64 tokens behind them; a token
//! of each a step, the median of the steps. Default precision.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod reading;

use grimoire_models::{Cache, Model};
use grimoire_tensor::{Params, Precision};
use reading::{ids, read};
use serde_json::json;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

const PAST: usize = 64;
const STEPS: usize = 16;
const PRECISION: Precision = Precision::Fast;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: inference MODEL THREADS [prompt:TOKENS | at-once:SEQUENCES ...]";
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or(usage)?;
    let threads = arguments.next().ok_or(usage)?.parse()?;
    let (model, _) = Model::open(Path::new(&model))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    for workload in arguments {
        let (what, number) = workload.split_once(':').ok_or(usage)?;
        let number: usize = number.parse()?;
        let speed = pool.install(|| match what {
            "prompt" => Ok(prompt(&model, number)),
            "at-once" => Ok(generating(&model, number)),
            _ => Err(usage),
        })?;
        println!(
            "{}",
            json!({"workload": workload, "threads": threads, "tokens_per_second": speed})
        );
    }
    Ok(())
}

fn prompt(model: &Model, tokens: usize) -> f64 {
    let ids = ids(tokens);
    let once = || {
        let mut cache = Cache::new(model.config(), 1, tokens, PRECISION);
        let start = Instant::now();
        read(model, &Params::default(), &mut cache, &[(0, &ids)], PRECISION);
        tokens as f64 / start.elapsed().as_secs_f64()
    };
    once().max(once())
}

fn generating(model: &Model, sequences: usize) -> f64 {
    let mut cache = Cache::new(model.config(), sequences, PAST + STEPS, PRECISION);
    let (params, past) = (Params::default(), ids(PAST));
    let all: Vec<(usize, &[u32])> = (0..sequences).map(|s| (s, &past[..])).collect();
    read(model, &params, &mut cache, &all, PRECISION);
    let mut seconds: Vec<f64> = (0..STEPS as u32)
        .map(|token| {
            let one = [500 + token];
            let additions: Vec<(usize, &[u32])> = (0..sequences).map(|s| (s, &one[..])).collect();
            let start = Instant::now();
            read(model, &params, &mut cache, &additions, PRECISION);
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    sequences as f64 / seconds[STEPS / 2]
}
