//! `grimoire score squad`.

use super::input::Input;
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;

/// Exact match and token F1 of answers by the rules of SQuAD 1.1, in percent.
#[derive(Args)]
pub(crate) struct Squad {
    #[command(flatten)]
    input: Input,
}

/// Runs the command.
pub(crate) fn run(command: Squad, printer: &mut Printer) -> Outcome {
    command.input.run(Metric::Squad, printer)
}
