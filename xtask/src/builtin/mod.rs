//! `cargo xtask builtin`: makes the small base model and the data set that are inside the binary, from
//! nothing but the words of `xtask/builtin/words.toml` and a seed. The text is generated here, the
//! vocabulary is learned here, and the training is done by the product: `grimoire tune --method full`.

mod bpe;
mod draw;
mod rows;
mod start;
mod world;

use crate::repository;
use anyhow::{Context, Result};
use draw::Draw;
use std::fmt::Write as _;

/// Everything random in the recipe comes from this.
const SEED: u64 = 20_261_123;
/// Documents that the base model reads.
const DOCUMENTS: u64 = 60_000;
/// Merges of the vocabulary: with 256 bytes and the end token, 960 tokens.
const MERGES: usize = 703;
/// Rows of the tuning task.
const ROWS: usize = 640;

/// Makes text, vocabulary, first weights and rows in `target/builtin`.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run() -> Result<()> {
    let folder = repository::root().join("target/builtin");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let world = world::World::read()?;
    let documents: Vec<String> =
        (0..DOCUMENTS).map(|n| world.document(&mut Draw::new(SEED, n))).collect();
    let mut corpus = String::new();
    for document in &documents {
        let _ = writeln!(corpus, "{}", object(&[("text", document)]));
    }
    std::fs::write(folder.join("corpus.jsonl"), &corpus)?;
    let learned = bpe::learn(documents.iter().map(String::as_str), MERGES);
    let n = start::write(&folder.join("start.gguf"), &learned, SEED)?;
    let mut data = String::new();
    for row in rows::rows(&world, ROWS, SEED + 1) {
        let row = [("prompt", row.prompt.as_str()), ("completion", row.completion.as_str())];
        let _ = writeln!(data, "{}", object(&row));
    }
    std::fs::write(folder.join("notes.jsonl"), &data)?;
    println!(
        "builtin: {} documents, {} tokens in the vocabulary, {n} parameters, {ROWS} rows",
        documents.len(),
        learned.tokens.len() + 1
    );
    Ok(())
}

/// A JSON object of ASCII strings.
fn object(pairs: &[(&str, &str)]) -> String {
    let quoted = |text: &str| format!("{:?}", text);
    let fields: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}: {}", quoted(key), quoted(value))).collect();
    format!("{{{}}}", fields.join(", "))
}
