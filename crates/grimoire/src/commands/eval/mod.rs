//! `grimoire eval MODEL TASK`, and `grimoire eval perplexity MODEL FILE`.

mod perplexity;
mod task;

pub(crate) use perplexity::{WindowArgs, read_documents};

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// Measure a model on a task: every figure with its interval.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_long_help = task::FORMAT
)]
pub(crate) struct Eval {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    task: task::TaskArgs,
}

#[derive(Subcommand)]
enum Verb {
    Perplexity(perplexity::Perplexity),
}

/// Runs the verb that was asked for.
pub(crate) fn run(eval: Eval, printer: &mut Printer) -> Outcome {
    match eval.verb {
        Some(Verb::Perplexity(perplexity)) => perplexity::run(perplexity, printer),
        None => task::run(eval.task, printer),
    }
}
