//! `grimoire score chrf`.

use super::input::Input;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::text::chrf::ChrfOptions;

/// chrF and chrF++ as sacreBLEU 2.6 computes them.
#[derive(Args)]
pub(crate) struct Chrf {
    #[command(flatten)]
    input: Input,
    /// Longest character n-gram.
    #[arg(long, default_value_t = 6, value_name = "N")]
    char_order: usize,
    /// Longest word n-gram: 0 for chrF, 2 for chrF++.
    #[arg(long, default_value_t = 0, value_name = "N")]
    word_order: usize,
    /// How many times recall counts as much as precision.
    #[arg(long, default_value_t = 2)]
    beta: u32,
    /// Ignore case.
    #[arg(long)]
    lowercase: bool,
    /// Count white space as characters.
    #[arg(long)]
    whitespace: bool,
    /// Count every order, as chrF++.py, NLTK and Moses do.
    #[arg(long)]
    eps_smoothing: bool,
}

/// Runs the command.
pub(crate) fn run(command: Chrf, printer: &mut Printer) -> Outcome {
    let options = ChrfOptions {
        characters: command.char_order,
        words: command.word_order,
        beta: command.beta,
        lowercase: command.lowercase,
        whitespace: command.whitespace,
        eps_smoothing: command.eps_smoothing,
    };
    options.check().map_err(Failure::usage)?;
    command.input.run(Metric::Chrf(options), printer)
}
