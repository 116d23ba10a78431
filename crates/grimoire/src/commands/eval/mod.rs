//! `grimoire eval`: measures a model, one file per verb.

mod perplexity;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// Measure a model: perplexity of a text.
#[derive(clap::Args)]
pub(crate) struct Eval {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Perplexity(perplexity::Perplexity),
}

/// Runs the verb that was asked for.
pub(crate) fn run(eval: Eval, printer: &mut Printer) -> Outcome {
    match eval.verb {
        Verb::Perplexity(perplexity) => perplexity::run(perplexity, printer),
    }
}
