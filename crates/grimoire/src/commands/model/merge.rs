//! `grimoire model merge MODEL ADAPTER --out FILE`.

use super::bytes;
use crate::app::model::merge::{self, Report, Request};
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_format::Dtype;
use std::path::PathBuf;

/// Merge an adapter into its base model and tell what that cost in perplexity.
#[derive(clap::Args)]
pub(crate) struct Merge {
    /// A .gguf file, a folder with safetensors, org/name[@revision] on a hub, or `builtin`.
    model: String,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    adapter: PathBuf,
    /// Where to: a .gguf file for a GGUF model, a folder for a folder.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Type of the matrices; without it each keeps its own. The block types are GGUF's.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    dtype: Option<Type>,
    /// Plain text to measure on, instead of pages of the book.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Most tokens to measure on.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(2..))]
    tokens: u32,
    /// Replace what is at --out.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Type {
    F32,
    F16,
    Bf16,
    #[value(name = "q8_0")]
    Q8,
    #[value(name = "q4_0")]
    Q4Zero,
    #[value(name = "q4_1")]
    Q4One,
}

impl From<Type> for Dtype {
    fn from(ty: Type) -> Self {
        match ty {
            Type::F32 => Self::F32,
            Type::F16 => Self::F16,
            Type::Bf16 => Self::BF16,
            Type::Q8 => Self::Q8_0,
            Type::Q4Zero => Self::Q4_0,
            Type::Q4One => Self::Q4_1,
        }
    }
}

/// Runs the command.
pub(crate) fn run(verb: &Merge, printer: &mut Printer) -> Outcome {
    let report = merge::merge(
        &Request {
            model: &verb.model,
            adapter: &verb.adapter,
            out: &verb.out,
            dtype: verb.dtype.map(Dtype::from),
            text: verb.text.as_deref(),
            tokens: verb.tokens as usize,
            force: verb.force,
        },
        printer,
    )?;
    printer.report(&report, render)
}

fn render(report: &Report) -> String {
    let types: Vec<String> =
        report.types.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let interval = match report.change.interval {
        Some([low, high]) => format!("95 % interval {low:+.5} to {high:+.5}, paired by window"),
        None => "no interval: the windows do not differ".to_owned(),
    };
    let measured =
        format!("{} tokens of {} in {} windows", report.scored, report.text, report.windows);
    [
        ("merged", report.out.display().to_string()),
        (
            "tensors",
            format!("{}, {} changed: {}", report.tensors, report.changed, types.join(", ")),
        ),
        ("weights", bytes(report.bytes)),
        ("perplexity", format!("on {measured}")),
        ("  base", format!("{:.4}", report.perplexity.base)),
        ("  with adapter", format!("{:.4}", report.perplexity.adapted)),
        ("  merged", format!("{:.4}", report.perplexity.merged)),
        ("merging cost", format!("{:+.5} nats per token ({interval})", report.change.nll)),
    ]
    .map(|(name, value)| format!("{name:<16}{value}\n"))
    .concat()
}
