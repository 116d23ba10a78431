//! What a run understood and what it will take, before its first step.

use super::dataset::Dataset;
use super::judge;
use super::request::{Method, TuneRequest};
use super::summary::Summary;
use crate::app::available::available;
use crate::app::loading::Loaded;
use grimoire_text::EncodeOptions;
use grimoire_tune::{Footprint, Load, Trainer, footprint, micro_batches, rows_of_step};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Instant;

/// The facts, for the terminal, `--json` and the report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Preflight {
    pub(crate) model: String,
    pub(crate) method: String,
    pub(crate) data: Summary,
    /// The first example as the model sees it; the trained part between `⟦` and `⟧`.
    pub(crate) first_example: String,
    pub(crate) steps: u64,
    pub(crate) trainable: usize,
    pub(crate) memory: Footprint,
    pub(crate) peak_bytes: u64,
    /// Memory that is free now, where the system tells.
    pub(crate) available_bytes: Option<u64>,
    /// Predicted seconds of training.
    pub(crate) train_seconds: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) warnings: Vec<String>,
}

/// Steps whose micro-batches are looked at: all, in runs of usual length.
const LOOKED_AT: u64 = 1000;

/// Predicts memory and time; the time by a trial run of one micro-batch.
pub(crate) fn preflight(
    request: &TuneRequest,
    loaded: &Loaded,
    dataset: &Dataset,
    trainer: &mut Trainer,
) -> Preflight {
    let sequences = Dataset::sequences(&dataset.train);
    let total = request.total_steps(sequences.len());
    // The largest micro-batch of the run, and the tokens of an average step.
    let (mut load, mut tokens, mut trial) = (load(request, loaded, dataset), 0, None);
    let looked = total.min(LOOKED_AT);
    for step in 0..looked {
        let rows = rows_of_step(sequences.len(), request.batch, request.seed, step);
        let chosen: Vec<_> = rows.iter().map(|row| &sequences[*row]).collect();
        for micro in micro_batches(&chosen, request.micro_tokens) {
            tokens += micro.batch.len();
            load.scored = load.scored.max(micro.rows.len());
            if micro.batch.len() > load.tokens {
                load.tokens = micro.batch.len();
                trial = Some(micro);
            }
        }
    }
    let memory = footprint(&loaded.checkpoint, &loaded.model, &trainer.params, &load);
    let mut tokens_per_second = 0.0;
    // What does not fit is not tried either.
    // Read once, before the trial takes what the run will take.
    let available_bytes = available();
    let fits = available_bytes.is_none_or(|free| memory.total() <= free);
    if let Some(micro) = trial.filter(|_| fits) {
        trainer.rehearse(&loaded.model, &micro);
        let start = Instant::now();
        trainer.rehearse(&loaded.model, &micro);
        tokens_per_second = micro.batch.len() as f64 / start.elapsed().as_secs_f64().max(1e-9);
    }
    let per_step = tokens as f64 / looked.max(1) as f64;
    Preflight {
        model: loaded.name.clone(),
        method: request.method_line(),
        data: dataset.summary.clone(),
        first_example: marked(&dataset.summary.first),
        steps: total,
        trainable: trainer.params.n_values(),
        peak_bytes: memory.total(),
        memory,
        available_bytes,
        train_seconds: per_step * total as f64 / tokens_per_second.max(1e-9),
        tokens_per_second,
        warnings: warnings(request, loaded, dataset),
    }
}

/// What the run does at once beside training: measuring the held-out rows, and answering some of them.
fn load(request: &TuneRequest, loaded: &Loaded, dataset: &Dataset) -> Load {
    let held: Vec<_> = dataset.held.iter().map(|example| &example.sequence).collect();
    let measured = micro_batches(&held, request.micro_tokens);
    let asked = judge::asked(request, dataset);
    let longest = asked
        .iter()
        .filter_map(|index| dataset.held[*index].question.as_ref())
        .map(|prompt| prompt.len() + request.answer_tokens)
        .max()
        .unwrap_or(0);
    // Tokens, masks and texts are held twice: as read, and as the trainer and the judge take them.
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let data = dataset.train.iter().chain(&dataset.held).map(|example| {
        2 * (5 * example.sequence.ids.len() + text(&example.prompt) + text(&example.answer))
    });
    Load {
        measured: measured.iter().map(|micro| micro.batch.len()).max().unwrap_or(0),
        prompts: asked.len(),
        answered: longest.min(loaded.model.config().context),
        averaged: request.ema.is_some(),
        precision: request.exactness(),
        data: data.sum::<usize>() as u64,
        ..Load::default()
    }
}

fn marked(pieces: &[(String, bool)]) -> String {
    pieces
        .iter()
        .map(|(text, trained)| if *trained { format!("⟦{text}⟧") } else { text.clone() })
        .collect()
}

fn warnings(request: &TuneRequest, loaded: &Loaded, dataset: &Dataset) -> Vec<String> {
    let mut warnings = Vec::new();
    let special = loaded.tokenizer.special();
    if !loaded.has_template() && !request.no_template {
        warnings.push(
            "the model has no chat template: prompts and answers are joined as plain text"
                .to_owned(),
        );
    }
    if special.end_of_generation.is_empty() {
        warnings.push(
            "the model has no token that ends an answer: it may not learn to stop".to_owned(),
        );
    }
    // A row that was cut has lost its end, whatever the template says.
    let mut whole = dataset.train.iter().filter(|example| example.lost == 0).peekable();
    let any_whole = whole.peek().is_some();
    let ends = whole.any(|example| {
        let last = example.sequence.ids.iter().rev().take(4);
        last.zip(example.sequence.scored.iter().rev().take(4))
            .any(|(id, scored)| *scored && loaded.tokenizer.ends_generation(*id))
    });
    if any_whole && !ends && !special.end_of_generation.is_empty() {
        warnings.push(
            "no answer ends with a token that the model stops at: the template and the tokenizer do not fit each other"
                .to_owned(),
        );
    }
    let unknown = unknown_markers(loaded, &dataset.summary.first);
    if !unknown.is_empty() && !request.no_template {
        warnings.push(format!(
            "the model does not know the marks of its chat template ({}): they are spelled in pieces; --no-template goes without",
            unknown.join(" ")
        ));
    }
    let (longest, limit) = request.longest_row(loaded.model.config().context);
    warnings.extend(dataset.summary.warnings(longest, limit));
    if request.method == Method::Full && request.rate > 1e-4 {
        warnings.push(format!(
            "a learning rate of {} is high for full fine-tuning; 2e-5 is usual",
            request.rate
        ));
    }
    warnings
}

/// Marks of the chat template in the first example, such as `<|im_start|>`, that are no tokens of the model.
fn unknown_markers(loaded: &Loaded, first: &[(String, bool)]) -> Vec<String> {
    let Ok(Some(template)) = loaded.template() else { return Vec::new() };
    let text: String = first.iter().map(|(piece, _)| piece.as_str()).collect();
    let mut unknown: Vec<String> = Vec::new();
    for (open, close) in [("<", ">"), ("[", "]")] {
        for (start, _) in text.match_indices(open) {
            let Some(length) = text[start..].find(close).map(|at| at + close.len()) else {
                continue;
            };
            let mark = &text[start..start + length];
            let whole = !mark.contains(char::is_whitespace) && mark.len() <= 40;
            let meant = mark.starts_with("<|") || template.source().contains(mark);
            if !whole || !meant || unknown.iter().any(|known| known == mark) {
                continue;
            }
            let ids = loaded.tokenizer.encode(mark, EncodeOptions::TEMPLATED);
            if ids.is_ok_and(|ids| ids.len() > 1) {
                unknown.push(mark.to_owned());
            }
        }
    }
    unknown
}

impl Preflight {
    /// The facts in words.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "model      {}", self.model);
        let _ = writeln!(
            out,
            "method     {} ({} trainable values)",
            self.method,
            grouped(self.trainable as u64)
        );
        out.push_str(&self.data.text());
        let _ = writeln!(out, "steps      {}", self.steps);
        let _ = writeln!(
            out,
            "memory     {} predicted at the peak{}",
            megabytes(self.peak_bytes),
            self.available_bytes
                .map_or(String::new(), |free| format!(", {} available", megabytes(free)))
        );
        let _ = writeln!(
            out,
            "time       {} of training predicted, at {:.0} tokens a second",
            duration(self.train_seconds),
            self.tokens_per_second
        );
        let _ = writeln!(out, "first row, the trained part between ⟦ and ⟧:");
        for line in self.first_example.trim_end().lines() {
            let _ = writeln!(out, "  | {line}");
        }
        for warning in &self.warnings {
            let _ = writeln!(out, "warning: {warning}");
        }
        out
    }
}

/// A number with thin groups: `4 884 480`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Bytes in megabytes.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// Seconds in words.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
