//! `grimoire score`: one file per metric. A metric reads its settings; [`input`] holds what the text
//! metrics share. Nothing is computed here.

mod accuracy;
mod bleu;
mod chrf;
mod entities;
pub(crate) mod input;
mod rouge;
mod squad;
mod tags;
mod ter;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// Score outputs against references: every figure with an interval, every comparison with a p-value.
#[derive(clap::Args)]
pub(crate) struct Score {
    #[command(subcommand)]
    metric: MetricCommand,
}

#[derive(Subcommand)]
enum MetricCommand {
    Accuracy(accuracy::Accuracy),
    Bleu(bleu::Bleu),
    Chrf(chrf::Chrf),
    Entities(entities::Entities),
    Rouge(rouge::Rouge),
    Squad(squad::Squad),
    Ter(ter::Ter),
}

/// Runs the metric that was asked for.
pub(crate) fn run(score: Score, printer: &mut Printer) -> Outcome {
    match score.metric {
        MetricCommand::Accuracy(command) => accuracy::run(command, printer),
        MetricCommand::Bleu(command) => bleu::run(command, printer),
        MetricCommand::Chrf(command) => chrf::run(command, printer),
        MetricCommand::Entities(command) => entities::run(command, printer),
        MetricCommand::Rouge(command) => rouge::run(command, printer),
        MetricCommand::Squad(command) => squad::run(command, printer),
        MetricCommand::Ter(command) => ter::run(command, printer),
    }
}
