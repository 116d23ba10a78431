//! `grimoire model adapter MODEL ADAPTER --out PATH`.

use crate::app::model::adapter::{self, Report};
use crate::failure::Outcome;
use crate::printer::Printer;
use std::path::PathBuf;

/// Carry an adapter between PEFT's folder and GGUF-LoRA, without changing what it computes.
#[derive(clap::Args)]
pub(crate) struct Adapter {
    /// The model that the adapter belongs to.
    model: String,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    adapter: PathBuf,
    /// Where to: a name that ends in .gguf becomes GGUF-LoRA, any other a PEFT folder.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// What PEFT is told the base model is called; MODEL as given without it.
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// Replace what is at --out.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(crate) fn run(verb: &Adapter, printer: &mut Printer) -> Outcome {
    let base = verb.base.as_deref();
    let report = adapter::carry(&verb.model, &verb.adapter, &verb.out, base, verb.force, printer)?;
    printer.report(&report, render)
}

fn render(report: &Report) -> String {
    let Report { out, format, modules, alpha, folded } = report;
    let mut text = format!("{}: {format}, {modules} modules, alpha {alpha}\n", out.display());
    if *folded > 0 {
        text.push_str(&format!(
            "{folded} modules have another scale than alpha says; it is folded into their B\n"
        ));
    }
    text
}
