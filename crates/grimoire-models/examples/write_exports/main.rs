//! Writes models for `golden/models/exports_check.py`: every small model of `golden/models` with an adapter merged
//! and with every weight changed, in f32, as folder and as GGUF file; and, for each, the logits that the model in
//! memory gave and the ids of some texts. Models named on the command line are taken as they are.
//!
//! Run: `cargo run --release -p grimoire-models --example write_exports -- OUT_DIR [MODEL...]`

mod exports;

use exports::Outcome;
use grimoire_models::{Batch, Checkpoint, Model};
use grimoire_tensor::{Params, Tape};
use grimoire_text::EncodeOptions;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const TEXTS: [&str; 5] = [
    "the cat and the dog",
    "In 1984, 3.14 * 2 = 6.28; don't!",
    "two  spaces\nand a line",
    "<|im_start|>user\nHi<|im_end|>\n",
    "Crème brûlée, 你好 😀",
];

fn logits(model: &Model, params: &Params, ids: &[u32]) -> Vec<f32> {
    let tape = Tape::forward_only(params);
    let hidden = model.hidden(&tape, &Batch::documents(&[ids]));
    model.logits(&tape, &hidden).values().to_vec()
}

/// What a reader of the model has to find.
fn expected(path: &Path, model: &Model, params: &Params, from: &Checkpoint) -> Outcome<Value> {
    let ids: Vec<u32> = (3..35).collect();
    let mut texts = Vec::new();
    if let Ok(tokenizer) = from.tokenizer() {
        for text in TEXTS {
            let ids = tokenizer.encode(text, EncodeOptions::TEMPLATED)?;
            texts.push(json!({"text": text, "ids": ids}));
        }
    }
    let logits = logits(model, params, &ids);
    Ok(json!({"path": path, "ids": ids, "logits": logits, "texts": texts}))
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("expected OUT_DIR [MODEL...]")?;
    std::fs::create_dir_all(&out)?;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/models");
    let mut all = Vec::new();
    for name in exports::MODELS {
        for change in exports::CHANGES {
            let written = exports::changed(&golden, name, change)?;
            for path in written.write(&out)? {
                all.push(expected(&path, &written.model, &written.params, &written.checkpoint)?);
            }
        }
    }
    for path in arguments {
        let (model, checkpoint) = Model::open(&path)?;
        all.push(expected(&path.canonicalize()?, &model, &Params::default(), &checkpoint)?);
    }
    std::fs::write(out.join("expected.json"), serde_json::to_string(&all)?)?;
    Ok(())
}
