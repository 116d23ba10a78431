//! `grimoire score ter`.

use super::input::Input;
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::text::ter::TerOptions;

/// Translation edit rate as sacreBLEU 2.6 computes it; lower is better.
#[derive(Args)]
pub(crate) struct Ter {
    #[command(flatten)]
    input: Input,
    /// Distinguish case.
    #[arg(long)]
    case_sensitive: bool,
    /// Cut punctuation off first, as Tercom's normaliser does.
    #[arg(long)]
    normalized: bool,
    /// Remove punctuation first.
    #[arg(long)]
    no_punctuation: bool,
    /// Let the two settings above know Chinese and Japanese.
    #[arg(long)]
    asian_support: bool,
}

/// Runs the command.
pub(crate) fn run(command: Ter, printer: &mut Printer) -> Outcome {
    let options = TerOptions {
        case_sensitive: command.case_sensitive,
        normalized: command.normalized,
        no_punctuation: command.no_punctuation,
        asian_support: command.asian_support,
    };
    command.input.run(Metric::Ter(options), printer)
}
