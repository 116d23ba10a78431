//! `grimoire stats`: one file per verb. A verb reads its numbers through `app::numbers`, calls
//! `grimoire_stats`, and hands a typed report to the printer; [`show`] holds what reports share in
//! text. Nothing is computed here.

mod show;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// Chance, tests, intervals, averages, information: every number with its interval.
#[derive(clap::Args)]
pub(crate) struct Stats {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {}

/// Runs the verb that was asked for.
pub(crate) fn run(stats: Stats, _printer: &mut Printer) -> Outcome {
    match stats.verb {}
}
