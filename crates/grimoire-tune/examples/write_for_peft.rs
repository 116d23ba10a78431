//! Writes what `golden/tune/peft_check.py` compares: an adapter folder of a few trained steps of SmolLM2, and
//! our logits with it. Run: `cargo run --release -p grimoire-tune --example write_for_peft -- GGUF OUT_DIR`.

use grimoire_models::{Batch, Checkpoint, Model};
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::ops::select_rows;
use grimoire_tensor::{Params, Precision, Tape};
use grimoire_text::EncodeOptions;
use grimoire_tune::adapter::{LoraSettings, attach, to_peft};
use grimoire_tune::{Plan, Sequence, Trainer};
use std::error::Error;
use std::path::PathBuf;

/// What the adapter learns, by heart: enough to move the logits far from the base model's.
const TEXT: &str = "The grimoire lay open on the table, and its pages turned by themselves until they came \
    to the chapter on low-rank adaptation, where the ink was still wet.";
const PROMPTS: [&str; 3] =
    ["The grimoire lay open", "What is the capital of France?", "def add(a, b):\n"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(file), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("give a GGUF file and a folder to write to".into());
    };
    let checkpoint = Checkpoint::open(&file)?;
    let tokenizer = checkpoint.tokenizer()?;
    let (mut model, settings) = (Model::load(&checkpoint)?, LoraSettings::default());
    let mut params = Params::default();
    attach(&mut model, &mut params, &settings, 1)?;
    let ids = tokenizer.encode(TEXT, EncodeOptions::PLAIN)?;
    let row = Sequence { scored: vec![true; ids.len()], ids };
    let mut trainer = Trainer::new(params, plan());
    for _ in 0..8 {
        trainer.step_on(&model, &[&row])?;
    }
    std::fs::create_dir_all(&out)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let params = &trainer.params;
    to_peft(&model, params, &checkpoint, &settings, &name)?.write(out.join("adapter"))?;
    let mut prompts = Vec::new();
    for text in PROMPTS {
        let ids = tokenizer.encode(text, EncodeOptions::PLAIN)?;
        let tape = Tape::forward_only(params);
        let hidden = model.hidden(&tape, &Batch::documents(&[&ids]));
        let positions = [ids.len() / 2, ids.len() - 1];
        let logits = model.logits(&tape, &select_rows(&tape, &hidden, &positions));
        let rows: Vec<&[f32]> = logits.values().chunks_exact(logits.width()).collect();
        prompts.push(serde_json::json!({ "ids": ids, "positions": positions, "logits": rows }));
    }
    let written = serde_json::json!({ "prompts": prompts });
    std::fs::write(out.join("logits.json"), serde_json::to_vec(&written)?)?;
    Ok(())
}

fn plan() -> Plan {
    Plan {
        batch: 1,
        micro_tokens: 4096,
        rate: 1e-3,
        schedule: Schedule { warmup: 0, total: 8, decay: Decay::Constant },
        adamw: AdamW::default(),
        clip: Some(1.0),
        ema: None,
        seed: 0,
        precision: Precision::F32,
    }
}
