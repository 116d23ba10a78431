//! Writes our logits of a model, with an adapter beside it when one is given, for `golden/models/merged_check.py`:
//! every position of every text, as little-endian f32 in one file, and the ids as JSON.
//!
//! Run: `cargo run --release -p grimoire-tune --example write_logits -- IDS.json OUT.f32 MODEL [ADAPTER]`; IDS.json is
//! a list of texts (encoded here and written back as ids) or of lists of ids.

use grimoire_models::{Batch, Checkpoint, Model};
use grimoire_tensor::{Params, Tape};
use grimoire_text::EncodeOptions;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [asked, out, model, adapter @ ..] = arguments.as_slice() else {
        return Err("give IDS.json OUT.f32 MODEL [ADAPTER]".into());
    };
    let checkpoint = Checkpoint::open(model)?;
    let (mut model, mut params) = (Model::load(&checkpoint)?, Params::default());
    if let Some(adapter) = adapter.first() {
        grimoire_tune::adapter::load(&mut model, &mut params, &checkpoint, adapter)?;
    }
    let given: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(asked)?)?;
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    for row in given {
        let ids: Vec<u32> = match row.as_str() {
            Some(text) => checkpoint.tokenizer()?.encode(text, EncodeOptions::TEMPLATED)?,
            None => serde_json::from_value(row)?,
        };
        let tape = Tape::forward_only(&params);
        let hidden = model.hidden(&tape, &Batch::documents(&[&ids]));
        let logits = model.logits(&tape, &hidden);
        bytes.extend(logits.values().iter().flat_map(|value| value.to_le_bytes()));
        all.push(ids);
    }
    std::fs::write(out, bytes)?;
    std::fs::write(asked, serde_json::to_vec(&all)?)?;
    Ok(())
}
