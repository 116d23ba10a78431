//! `grimoire score rouge`.

use super::input::Input;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::text::rouge::{Kind, RougeOptions, Several, Tokens};

/// ROUGE F1 as rouge_score 0.1.2 computes it, in percent.
#[derive(Args)]
pub(crate) struct Rouge {
    #[command(flatten)]
    input: Input,
    /// Which: rouge1 to rouge9, rougeL, rougeLsum (sentences are lines; in .jsonl, `\n`).
    #[arg(long, value_delimiter = ',', default_value = "rouge1,rouge2,rougeL")]
    kinds: Vec<String>,
    /// Stem English words (Porter).
    #[arg(long)]
    stem: bool,
    /// Cut any script into words or characters, not only a to z and digits.
    #[arg(long)]
    unicode: bool,
    /// What becomes of several references: the best F1, or the mean.
    #[arg(long, default_value = "max", value_parser = ["max", "mean"])]
    several: String,
}

/// Runs the command.
pub(crate) fn run(command: Rouge, printer: &mut Printer) -> Outcome {
    let kinds = command
        .kinds
        .iter()
        .map(|kind| kind.parse().map_err(Failure::usage))
        .collect::<Outcome<Vec<Kind>>>()?;
    let options = RougeOptions {
        stemmer: command.stem,
        tokens: if command.unicode { Tokens::Unicode } else { Tokens::Legacy },
        several: if command.several == "mean" { Several::Mean } else { Several::Max },
    };
    command.input.run(Metric::Rouge(kinds, options), printer)
}
