//! `grimoire model info`: what a model is and what it takes, from its header alone.

use super::{bytes, count};
use crate::app::loading;
use crate::app::model::info::{self, Info as Report};
use crate::failure::Outcome;
use crate::printer::Printer;
use std::fmt::Write;

/// Architecture, sizes, parameters, storage types, tokenizer and memory of a model.
#[derive(clap::Args)]
pub(crate) struct Info {
    /// A .gguf file, a folder with safetensors, or org/name[@revision] on a hub, or `builtin`.
    model: String,
    /// Print the chat template too.
    #[arg(long)]
    template: bool,
}

/// Runs the command.
pub(crate) fn run(verb: &Info, printer: &mut Printer) -> Outcome {
    let checkpoint = loading::open(&verb.model, printer)?;
    printer.report(&info::info(&checkpoint)?, |report| render(report, verb.template))
}

/// A name and what is to be said of it; an indented name is a part of the one before.
type Line = (&'static str, String);

fn render(report: &Report, template: bool) -> String {
    let name = report.name.clone().unwrap_or_else(|| report.path.display().to_string());
    let mut lines = vec![
        ("model", name),
        ("format", report.format.clone()),
        ("architecture", report.architecture.to_owned()),
    ];
    lines.extend(shape(report));
    lines.extend(storage(report));
    lines.extend(tokenizer(report));
    lines.extend(memory(report));
    let mut out = String::new();
    for (name, value) in lines {
        let _ = writeln!(out, "{name:<16}{value}");
    }
    if let Some(text) = report.chat_template.as_ref().filter(|_| template) {
        let _ = write!(out, "\n{text}");
    }
    out
}

fn shape(report: &Report) -> Vec<Line> {
    let Report { sizes, parameters, .. } = report;
    let window = sizes.window.map_or(String::new(), |window| format!(", window {window}"));
    let rope = sizes.rope_base.map_or(String::new(), |base| {
        let scaling = sizes.rope_scaling.map_or(String::new(), |kind| format!(" scaled {kind}"));
        format!(" (rope base {base}{scaling})")
    });
    let head = if sizes.tied { "the embedding".to_owned() } else { count(parameters.head) };
    let mut lines = vec![
        (
            "shape",
            format!(
                "{} blocks, width {}, {} query and {} key-value heads of {}, inner width {}",
                sizes.blocks, sizes.width, sizes.heads, sizes.kv_heads, sizes.head_dim, sizes.inner
            ),
        ),
        ("context", format!("{} tokens{window}{rope}", sizes.context)),
        ("parameters", count(parameters.total)),
        ("  embedding", count(parameters.embedding)),
        ("  attention", count(parameters.attention)),
        ("  feed-forward", count(parameters.feed_forward)),
        ("  norms", count(parameters.norms)),
        ("  head", head),
    ];
    if parameters.other > 0 {
        let other = format!("{} in the file, not among the parameters", count(parameters.other));
        lines.push(("  other", other));
    }
    lines
}

fn storage(report: &Report) -> impl Iterator<Item = Line> + '_ {
    report.storage.iter().enumerate().map(|(index, storage)| {
        let bits = 8.0 * storage.bytes as f64 / storage.values.max(1) as f64;
        let value = format!(
            "{:<7} {:>4} tensors, {} values, {} ({bits:.2} bits a value)",
            storage.name,
            storage.tensors,
            count(storage.values),
            bytes(storage.bytes)
        );
        (if index == 0 { "storage" } else { "" }, value)
    })
}

fn tokenizer(report: &Report) -> Vec<Line> {
    let mut lines = Vec::new();
    match (&report.tokenizer, &report.tokenizer_error) {
        (Some(tokenizer), _) => {
            let name = |token: &Option<String>| token.clone().unwrap_or_else(|| "none".to_owned());
            let (bos, eos) = (name(&tokenizer.bos), name(&tokenizer.eos));
            let adds = if tokenizer.adds_bos { ", added to every text" } else { "" };
            let value = format!("{} tokens, begin {bos}{adds}, end {eos}", tokenizer.tokens);
            lines.push(("tokenizer", value));
            lines.push(("  stops at", tokenizer.ends.join(" ")));
            lines.extend(tokenizer.warnings.iter().map(|warning| ("  warning", warning.clone())));
        }
        (None, error) => {
            lines.push(("tokenizer", error.clone().unwrap_or_else(|| "none".to_owned())));
        }
    }
    let template = match (&report.chat_template, &report.chat_template_error) {
        (Some(text), _) => format!("yes, {} characters", text.chars().count()),
        (None, error) => error.clone().unwrap_or_else(|| "none".to_owned()),
    };
    lines.push(("chat template", template));
    lines
}

fn memory(report: &Report) -> Vec<Line> {
    let memory = &report.memory;
    let (short, full) = (bytes(memory.cache_per_1000), bytes(memory.cache_full));
    vec![
        ("memory", format!("weights {} (mapped from the file)", bytes(memory.weights))),
        ("  cache", format!("{short} for 1000 tokens, {full} for a full context")),
        ("  generation", format!("{} with a full context", bytes(memory.generation))),
        (
            "  tuning",
            format!(
                "{} with LoRA of rank {} on all linear layers, {} tokens at a time",
                bytes(memory.tuning.total()),
                memory.tuning_rank,
                memory.tuning_tokens
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_models::Checkpoint;

    /// The masks of two blocks, 48 by 48 each, are stored and are no parameters.
    #[test]
    fn what_is_no_weight_is_told() {
        let folder = grimoire_testkit::repository_root().join("golden/models/gpt2");
        let mut report = info::info(&Checkpoint::open(&folder).unwrap()).unwrap();
        let told = |report: &Report| -> Vec<String> {
            let text = render(report, false);
            text.lines().filter(|line| line.starts_with("  other")).map(str::to_owned).collect()
        };
        assert_eq!(told(&report), ["  other         4608 in the file, not among the parameters"]);
        report.parameters.other = 0;
        assert!(told(&report).is_empty());
    }
}
