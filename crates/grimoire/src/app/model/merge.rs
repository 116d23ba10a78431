//! An adapter merged into its base for good, and what that costs: the perplexity of the base, of the base
//! with the adapter beside it, and of the merged file read back, on the same windows of text.

use crate::app::book;
use crate::app::loading::{self, Loaded};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_format::Dtype;
use grimoire_models::{Container, export};
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
    pub(crate) adapter: &'a Path,
    pub(crate) out: &'a Path,
    /// The type of matrices; each its own when there is none.
    pub(crate) dtype: Option<Dtype>,
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
    pub(crate) tensors: usize,
    pub(crate) changed: usize,
    pub(crate) bytes: u64,
    /// Tensors by the type they were written in.
    pub(crate) types: BTreeMap<&'static str, usize>,
    /// What the figures below were measured on.
    pub(crate) text: String,
    pub(crate) scored: usize,
    pub(crate) windows: usize,
    pub(crate) perplexity: Perplexities,
    /// Merged less unmerged, in nats per token.
    pub(crate) change: Change,
}

/// The same text under three models.
#[derive(Debug, Serialize)]
pub(crate) struct Perplexities {
    pub(crate) base: f64,
    pub(crate) adapted: f64,
    pub(crate) merged: f64,
}

/// The cost of merging, with its paired interval over windows.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) nll: f64,
    /// 95 % interval; none where it cannot be had, as when nothing changed at all.
    pub(crate) interval: Option<[f64; 2]>,
}

/// Merges and measures.
pub(crate) fn merge(request: &Request<'_>, printer: &mut Printer) -> Outcome<Report> {
    let adapted = loading::load(request.model, Some(request.adapter), printer)?;
    check_out(&adapted, request)?;
    let base = loading::load(request.model, None, printer)?;
    let (name, text) = text(request.text)?;
    let windows = windows(&adapted, &name, &text, request.tokens)?;
    let bar = printer.bar(adapted.checkpoint.tensors().len() as u64, "merging");
    let merged = export(
        &adapted.model,
        &adapted.params,
        &adapted.checkpoint,
        request.out,
        request.dtype,
        &mut |done| bar.set_position(done as u64),
    )?;
    bar.finish_and_clear();
    let out = request.out.display().to_string();
    let written = loading::load(&out, None, printer)?;
    let bar = printer.bar(3 * windows.len() as u64, "measuring");
    let measure = |loaded: &Loaded| {
        let from = bar.position();
        evaluate(&loaded.model, &loaded.params, &windows, 4 * WINDOW, &mut |done| {
            bar.set_position(from + done as u64);
            true
        })
    };
    let (base, adapted) = (measure(&base), measure(&adapted));
    let after = measure(&written);
    bar.finish_and_clear();
    Ok(Report {
        out: request.out.to_owned(),
        tensors: merged.tensors,
        changed: merged.changed,
        bytes: merged.bytes,
        types: merged.types.iter().map(|(dtype, count)| (dtype.name(), *count)).collect(),
        text: name,
        scored: after.iter().map(|loss| loss.tokens).sum(),
        windows: windows.len(),
        change: change(&adapted, &after),
        perplexity: Perplexities {
            base: perplexity(&base),
            adapted: perplexity(&adapted),
            merged: perplexity(&after),
        },
    })
}

/// A GGUF model becomes a GGUF file, a folder a folder, and neither what is there already.
fn check_out(loaded: &Loaded, request: &Request<'_>) -> Outcome {
    let out = request.out;
    let named_gguf = out.extension().is_some_and(|end| end == "gguf");
    match loaded.checkpoint.container() {
        Container::Gguf if !named_gguf => {
            let message =
                format!("--out {}: a GGUF model is merged into a .gguf file", out.display());
            return Err(Failure::usage(message));
        }
        Container::Folder if named_gguf => {
            let message = format!(
                "--out {}: a Hugging Face folder is merged into a folder of safetensors",
                out.display()
            );
            return Err(Failure::usage(message));
        }
        _ => {}
    }
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
    let window = WINDOW.min(loaded.model.config().context);
    let all: Vec<Sequence> = ids[..ids.len().min(tokens)]
        .chunks(window - usize::from(begin.is_some()))
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
