//! A model written to a file or folder of its own, an adapter merged into it for good where there is one; and
//! what that costs: the perplexity of the base, of the base with the adapter beside it, and of what was written,
//! read back, on the same windows of text.

use crate::app::book;
use crate::app::listener::Listener;
use crate::app::loading::{self, Loaded};
use crate::failure::{Failure, Outcome};
use grimoire_models::{Container, Target, Types, export};
use grimoire_stats::record::Alternative;
use grimoire_stats::test::mean;
use grimoire_text::EncodeOptions;
use grimoire_tune::{DocumentLoss, Sequence, evaluate};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tokens of a window: short, so that there are enough of them for an interval.
const WINDOW: usize = 128;

/// What to merge.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    /// None writes the model as it is, in another type or container.
    pub(crate) adapter: Option<&'a Path>,
    /// A name that ends in `.gguf` is a file, any other a folder.
    pub(crate) out: &'a Path,
    /// The types of tensors.
    pub(crate) types: Types,
    /// Text to measure on; pages of the book when there is none.
    pub(crate) text: Option<&'a Path>,
    /// Most tokens to measure on.
    pub(crate) tokens: usize,
    /// Replace what is at `out`.
    pub(crate) force: bool,
}

/// What was done and what it changed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) out: PathBuf,
    /// `GGUF` or `safetensors`.
    pub(crate) format: &'static str,
    pub(crate) tensors: usize,
    pub(crate) changed: usize,
    pub(crate) bytes: u64,
    /// Tensors by the type they were written in.
    pub(crate) types: BTreeMap<&'static str, usize>,
    /// How much of what the adapter changed is there after rounding to the written types: 1 for all of it, 0 for none;
    /// none without an adapter.
    pub(crate) kept: Option<f64>,
    /// Choices that were made, and why.
    pub(crate) notes: Vec<String>,
    /// What the figures below were measured on.
    pub(crate) text: String,
    pub(crate) scored: usize,
    pub(crate) windows: usize,
    pub(crate) perplexity: Perplexities,
    /// Written less unwritten, in nats per token.
    pub(crate) change: Change,
}

/// The same text under three models.
#[derive(Debug, Serialize)]
pub(crate) struct Perplexities {
    pub(crate) base: f64,
    /// With the adapter beside it; none without an adapter.
    pub(crate) adapted: Option<f64>,
    pub(crate) merged: f64,
}

/// The cost of merging, with its paired interval over windows.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) nll: f64,
    /// 95 % interval; none of a single window, and none where all windows changed alike.
    pub(crate) interval: Option<[f64; 2]>,
}

impl Report {
    /// Below this share of the change a merge is called lossy.
    const ENOUGH: f64 = 0.9;

    /// Whether rounding took back much of what the adapter changed.
    pub(crate) fn is_lossy(&self) -> bool {
        self.kept.is_some_and(|share| share < Self::ENOUGH)
    }
}

/// Merges and measures.
pub(crate) fn merge(request: &Request<'_>, listener: &mut dyn Listener) -> Outcome<Report> {
    let container = container(request)?;
    let wanted = loading::wanted(request.model, request.adapter, listener)?;
    let loaded = wanted.load(listener)?;
    check_out(&loaded, request)?;
    let (name, text) = text(request.text)?;
    let windows = windows(&loaded, &name, &text, request.tokens)?;
    let target = Target { path: request.out, container, types: request.types };
    let written =
        export(&loaded.model, &loaded.params, &loaded.checkpoint, &target, &mut |done, total| {
            listener.progress("merging", done as u64, total as u64);
        })?;
    let out = request.out.display().to_string();
    let read_back = loading::load(&out, None, listener)?;
    if self::windows(&read_back, &name, &text, request.tokens)? != windows {
        let message = format!("{out}: its tokenizer gives {name} other ids: do not use it");
        return Err(Failure::work(message));
    }
    let mut measure = |what: &str, loaded: &Loaded| {
        evaluate(&loaded.model, &loaded.params, &windows, 4 * WINDOW, &mut |done| {
            listener.progress(what, done as u64, windows.len() as u64);
            true
        })
    };
    let after = measure("measuring what was written", &read_back);
    let before = measure("measuring the model", &loaded);
    for (what, losses) in [("the model", &before), ("what was written", &after)] {
        if !perplexity(losses).is_finite() {
            let message = format!("{out}: {what} has no finite perplexity on {name}");
            return Err(Failure::work(message).hint("its weights overflow: do not use it"));
        }
    }
    let base = match wanted.adapter {
        Some(_) => {
            let base = wanted.plain().load(&mut Deaf)?;
            Some(measure("measuring the base", &base))
        }
        None => None,
    };
    Ok(Report {
        out: request.out.to_owned(),
        format: match container {
            Container::Gguf => "GGUF",
            Container::Folder => "safetensors",
        },
        tensors: written.tensors,
        changed: written.changed,
        bytes: written.bytes,
        types: written.types.iter().map(|(dtype, count)| (dtype.name(), *count)).collect(),
        kept: written.kept,
        notes: written.notes,
        text: name,
        scored: after.iter().map(|loss| loss.tokens).sum(),
        windows: windows.len(),
        change: change(&before, &after),
        perplexity: Perplexities {
            adapted: base.is_some().then(|| perplexity(&before)),
            base: perplexity(base.as_deref().unwrap_or(&before)),
            merged: perplexity(&after),
        },
    })
}

/// Whoever has heard it once need not hear it again.
struct Deaf;

impl Listener for Deaf {
    fn tell(&mut self, _: &str) {}
    fn progress(&mut self, _: &str, _: u64, _: u64) {}
    fn fetching(&mut self, _: grimoire_hub::Event<'_>) {}
}

/// What is to be written by the name of it, and whether the types asked for exist there.
fn container(request: &Request<'_>) -> Outcome<Container> {
    let out = request.out.display();
    match request.out.extension().and_then(|end| end.to_str()) {
        Some("gguf") => return Ok(Container::Gguf),
        Some(end @ ("safetensors" | "bin" | "json" | "pt")) => {
            let message = format!("--out {out}: expected a .gguf file or a folder, not .{end}");
            return Err(Failure::usage(message)
                .hint("a folder gets model.safetensors, config.json and the tokenizer"));
        }
        _ => {}
    }
    let Types { matrices, outer } = request.types;
    match [matrices, outer].into_iter().flatten().find(|dtype| dtype.block_len() > 1) {
        None => Ok(Container::Folder),
        Some(dtype) => {
            let message = format!("--out {out}: a folder of safetensors has no type {dtype}");
            Err(Failure::usage(message).hint("name a .gguf file, or ask for f32, f16 or bf16"))
        }
    }
}

/// What is there already stays there.
fn check_out(loaded: &Loaded, request: &Request<'_>) -> Outcome {
    let out = request.out;
    let same = match (out.canonicalize(), loaded.checkpoint.path().canonicalize()) {
        (Ok(out), Ok(model)) => out == model,
        _ => false,
    };
    if same {
        let message = format!("--out {}: that is the model itself", out.display());
        return Err(Failure::usage(message).hint("name another file"));
    }
    if out.exists() && !request.force {
        let message = format!("--out {}: it is there already", out.display());
        return Err(Failure::usage(message).hint("name another, or give --force"));
    }
    Ok(())
}
/// The text to measure on and what to call it.
fn text(file: Option<&Path>) -> Outcome<(String, String)> {
    let Some(file) = file else {
        let pages = book::entries();
        let texts: Vec<&str> = pages
            .iter()
            .filter_map(|entry| book::find(entry.name).ok())
            .map(|page| page.text)
            .collect();
        return Ok(("pages of the book".to_owned(), texts.join("\n")));
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    Ok((file.display().to_string(), text))
}

/// The first `tokens` tokens in windows that stand alone.
fn windows(loaded: &Loaded, name: &str, text: &str, tokens: usize) -> Outcome<Vec<Sequence>> {
    // A token is hardly ever longer than this, and the rest of a long text need not be encoded.
    let enough =
        text.char_indices().nth(tokens.saturating_mul(16)).map_or(text.len(), |(at, _)| at);
    let ids = loaded.tokenizer.encode(&text[..enough], EncodeOptions::PLAIN)?;
    let special = loaded.tokenizer.special();
    let begin = if special.add_bos { special.bos } else { None };
    let window = WINDOW.min(loaded.model.config().context) - usize::from(begin.is_some());
    let ids = &ids[..ids.len().min(tokens)];
    // Windows weigh the same, so they are of one length: what is left over is left out.
    let ids = if ids.len() > window { &ids[..ids.len() - ids.len() % window] } else { ids };
    let all: Vec<Sequence> = ids
        .chunks(window)
        .filter(|chunk| chunk.len() > 1)
        .map(|chunk| {
            let ids: Vec<u32> = begin.into_iter().chain(chunk.iter().copied()).collect();
            Sequence { scored: vec![true; ids.len()], ids }
        })
        .collect();
    if all.is_empty() {
        return Err(Failure::work(format!("{name}: expected at least two tokens to measure on")));
    }
    for sequence in &all {
        loaded.model.check_tokens(&sequence.ids)?;
    }
    Ok(all)
}

fn perplexity(losses: &[DocumentLoss]) -> f64 {
    let tokens: usize = losses.iter().map(|loss| loss.tokens).sum();
    (losses.iter().map(|loss| loss.nll).sum::<f64>() / tokens as f64).exp()
}

/// The mean difference over windows, each weighing the same, with the interval of the paired t test.
fn change(before: &[DocumentLoss], after: &[DocumentLoss]) -> Change {
    let means = |losses: &[DocumentLoss]| -> Vec<f64> {
        losses.iter().map(|loss| loss.nll / loss.tokens as f64).collect()
    };
    let (before, after) = (means(before), means(after));
    let differences = after.iter().zip(&before).map(|(after, before)| after - before);
    let nll = differences.sum::<f64>() / before.len() as f64;
    let record = mean::paired(&after, &before, 0.0, Alternative::TwoSided, 0.95).ok();
    let interval = record.and_then(|record| record.interval).map(|i| [i.lower, i.upper]);
    Change { nll, interval }
}
