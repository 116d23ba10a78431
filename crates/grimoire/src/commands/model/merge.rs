//! `grimoire model merge MODEL ADAPTER --out FILE`.

use super::bytes;
use crate::app::model::merge::{self, Report, Request};
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_format::Dtype;
use grimoire_models::Types;
use std::path::PathBuf;

/// Merge an adapter into its base model, or write a model in another type or container, and tell what that cost
/// in perplexity.
#[derive(clap::Args)]
pub(crate) struct Merge {
    /// A .gguf file, a folder with safetensors, org/name[@revision] on a hub, `builtin`, or the folder of a run.
    model: String,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run; without one the model is written as it is.
    adapter: Option<PathBuf>,
    /// Where to: a name that ends in .gguf becomes a GGUF file, any other a Hugging Face folder.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Type of the matrices; without it each keeps its own where the container has it, but what an adapter changed is
    /// not left below 8 bits. The block types are GGUF's.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    dtype: Option<Type>,
    /// Type of embedding, head and learned positions, which are otherwise not put below 8 bits.
    #[arg(long, value_enum, value_name = "TYPE")]
    outer_type: Option<Type>,
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
    #[value(name = "q4_k")]
    Q4K,
    #[value(name = "q5_k")]
    Q5K,
    #[value(name = "q6_k")]
    Q6K,
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
            Type::Q4K => Self::Q4K,
            Type::Q5K => Self::Q5K,
            Type::Q6K => Self::Q6K,
        }
    }
}

/// Runs the command.
pub(crate) fn run(verb: &Merge, printer: &mut Printer) -> Outcome {
    let report = merge::merge(
        &Request {
            model: &verb.model,
            adapter: verb.adapter.as_deref(),
            out: &verb.out,
            types: Types {
                matrices: verb.dtype.map(Dtype::from),
                outer: verb.outer_type.map(Dtype::from),
            },
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
        None if report.windows < 2 => "no interval: it takes two windows".to_owned(),
        None => "no interval: all windows changed by the same".to_owned(),
    };
    let measured =
        format!("{} tokens of {} in {} windows", report.scored, report.text, report.windows);
    let mut lines = vec![
        ("written", format!("{} ({})", report.out.display(), report.format)),
        (
            "tensors",
            format!("{}, {} changed: {}", report.tensors, report.changed, types.join(", ")),
        ),
        ("weights", bytes(report.bytes)),
    ];
    lines.extend(report.notes.iter().map(|note| ("  note", note.clone())));
    if let Some(share) = report.kept {
        let lossy = if report.is_lossy() {
            ": rounding took the rest back; --type q8_0 or f16 keeps it"
        } else {
            ""
        };
        lines.push(("kept", format!("{:.1} % of what the adapter changed{lossy}", 100.0 * share)));
    }
    lines.push(("perplexity", format!("on {measured}")));
    lines.push(("  base", format!("{:.4}", report.perplexity.base)));
    if let Some(adapted) = report.perplexity.adapted {
        lines.push(("  with adapter", format!("{adapted:.4}")));
    }
    lines.push(("  written", format!("{:.4}", report.perplexity.merged)));
    lines.push(("cost", format!("{:+.5} nats per token ({interval})", report.change.nll)));
    lines.into_iter().map(|(name, value)| format!("{name:<16}{value}\n")).collect()
}
