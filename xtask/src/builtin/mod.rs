//! `cargo xtask builtin`: makes the small base model and the data set that are inside the binary, from
//! nothing but the words of `xtask/builtin/words.toml` and a seed. The text is generated here, the
//! vocabulary is learned here, and the training is done by the product itself: `grimoire tune --method
//! full`. The same recipe on the same version gives the same files.

mod bpe;
mod draw;
mod finish;
mod rows;
mod start;
mod world;

use crate::repository;
use anyhow::{Context, Result, bail};
use draw::Draw;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Everything random in the recipe comes from this.
const SEED: u64 = 20_261_123;
/// Documents that the base model reads.
const DOCUMENTS: u64 = 80_000;
/// At most so many merges of the vocabulary: enough that every word of the world becomes one token, so that a
/// name is copied in two.
const MERGES: usize = 1_500;
/// Rows of the tuning task.
const ROWS: usize = 640;
/// How the product trains the base model.
const TRAINING: &str = "--method full --steps 2400 --batch 32 --rate 4e-3 --schedule cosine \
    --warmup 0.03 --weight-decay 0.05 --micro-tokens 2048 --answers 0 --eval-every 200 \
    --save-every 200 --seed 1";

/// Makes everything; with `--material` only what comes before the training, with `--finish` only what
/// comes after it.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let work = repository::root().join("target/builtin");
    std::fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    if !asked("--finish") {
        material(&work)?;
        if asked("--material") {
            return Ok(());
        }
        train(&work)?;
    }
    let place = repository::root().join("crates/grimoire/builtin");
    std::fs::create_dir_all(&place)?;
    let trained = work.join("run/model.gguf");
    let bytes = finish::write(&work.join("start.gguf"), &trained, &place.join("model.gguf"))?;
    std::fs::copy(work.join("notes.jsonl"), place.join("notes.jsonl"))?;
    println!("builtin: model.gguf has {bytes} bytes");
    Ok(())
}

/// Text, vocabulary, first weights and rows.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
fn material(work: &Path) -> Result<()> {
    let world = world::World::read()?;
    let documents: Vec<String> =
        (0..DOCUMENTS).map(|n| world.document(&mut Draw::new(SEED, n))).collect();
    let mut corpus = String::new();
    for document in &documents {
        let _ = writeln!(corpus, "{}", object(&[("text", document)]));
    }
    std::fs::write(work.join("corpus.jsonl"), &corpus)?;
    let learned = bpe::learn(documents.iter().map(String::as_str), MERGES);
    let n = start::write(&work.join("start.gguf"), &learned, SEED)?;
    let mut data = String::new();
    for row in rows::rows(&world, ROWS, SEED + 1) {
        let row = [("prompt", row.prompt.as_str()), ("completion", row.completion.as_str())];
        let _ = writeln!(data, "{}", object(&row));
    }
    std::fs::write(work.join("notes.jsonl"), &data)?;
    println!(
        "builtin: {} documents, {} tokens in the vocabulary, {n} parameters, {ROWS} rows",
        documents.len(),
        learned.tokens.len() + 1
    );
    Ok(())
}

fn train(work: &Path) -> Result<()> {
    let run = work.join("run");
    if run.exists() {
        std::fs::remove_dir_all(&run)?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--release", "--package", "grimoire", "--", "tune"])
        .args([work.join("start.gguf"), work.join("corpus.jsonl")])
        .args(TRAINING.split_whitespace())
        .arg("--out")
        .arg(&run)
        .current_dir(repository::root())
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("grimoire tune: {status}");
    }
    Ok(())
}

/// A JSON object of ASCII strings.
fn object(pairs: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{key:?}: {value:?}")).collect();
    format!("{{{}}}", fields.join(", "))
}
