//! `grimoire model info`: what a model is and what it takes, from its header alone.

use super::{bytes, count, fetching};
use crate::app::model::info::{self, Info as Report};
use crate::failure::Outcome;
use crate::printer::Printer;
use std::fmt::Write;

/// Architecture, sizes, parameters, storage types, tokenizer and memory of a model.
#[derive(clap::Args)]
pub(crate) struct Info {
    /// A .gguf file, a folder with safetensors, or org/name[@revision] on a hub.
    model: String,
    /// Print the chat template too.
    #[arg(long)]
    template: bool,
}

/// Runs the command.
pub(crate) fn run(verb: &Info, printer: &mut Printer) -> Outcome {
    let path = fetching::locate(&verb.model, printer)?;
    printer.report(&info::info(&path)?, |report| render(report, verb.template))
}

fn render(report: &Report, template: bool) -> String {
    let Report { sizes, parameters, memory, .. } = report;
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<16}{value}");
    };
    line("model", report.name.clone().unwrap_or_else(|| report.path.display().to_string()));
    line("format", report.format.clone());
    line("architecture", report.architecture.to_owned());
    line(
        "shape",
        format!(
            "{} blocks, width {}, {} query and {} key-value heads of {}, inner width {}",
            sizes.blocks, sizes.width, sizes.heads, sizes.kv_heads, sizes.head_dim, sizes.inner
        ),
    );
    let window = sizes.window.map_or(String::new(), |window| format!(", window {window}"));
    let rope = sizes.rope_base.map_or(String::new(), |base| {
        let scaling = sizes.rope_scaling.map_or(String::new(), |kind| format!(" scaled {kind}"));
        format!(" (rope base {base}{scaling})")
    });
    line("context", format!("{} tokens{window}{rope}", sizes.context));
    line("parameters", count(parameters.total));
    for (name, value) in [
        ("  embedding", parameters.embedding),
        ("  attention", parameters.attention),
        ("  feed-forward", parameters.feed_forward),
        ("  norms", parameters.norms),
    ] {
        line(name, count(value));
    }
    line("  head", if sizes.tied { "the embedding".to_owned() } else { count(parameters.head) });
    for (index, storage) in report.storage.iter().enumerate() {
        let bits = 8.0 * storage.bytes as f64 / storage.values.max(1) as f64;
        let value = format!(
            "{:<7} {:>4} tensors, {} values, {} ({bits:.2} bits a value)",
            storage.name,
            storage.tensors,
            count(storage.values),
            bytes(storage.bytes)
        );
        line(if index == 0 { "storage" } else { "" }, value);
    }
    match (&report.tokenizer, &report.tokenizer_error) {
        (Some(tokenizer), _) => {
            let name = |token: &Option<String>| token.clone().unwrap_or_else(|| "none".to_owned());
            let (bos, eos) = (name(&tokenizer.bos), name(&tokenizer.eos));
            let adds = if tokenizer.adds_bos { ", added to every text" } else { "" };
            line("tokenizer", format!("{} tokens, begin {bos}{adds}, end {eos}", tokenizer.tokens));
            line("  stops at", tokenizer.ends.join(" "));
            for warning in &tokenizer.warnings {
                line("  warning", warning.clone());
            }
        }
        (None, error) => line("tokenizer", error.clone().unwrap_or_else(|| "none".to_owned())),
    }
    line(
        "chat template",
        match &report.chat_template {
            Some(text) => format!("yes, {} characters", text.chars().count()),
            None => "none".to_owned(),
        },
    );
    line("memory", format!("weights {} (mapped from the file)", bytes(memory.weights)));
    line(
        "  cache",
        format!(
            "{} for 1000 tokens, {} for a full context",
            bytes(memory.cache_per_1000),
            bytes(memory.cache_full)
        ),
    );
    line("  generation", format!("{} with a full context", bytes(memory.generation)));
    if let Some(text) = report.chat_template.as_ref().filter(|_| template) {
        let _ = write!(out, "\n{text}");
    }
    out
}
