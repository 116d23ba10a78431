//! `grimoire stats`: one file per verb. A verb reads its numbers through `app::numbers`, calls
//! `grimoire_stats`, and hands a typed report to the printer; [`show`] holds what reports share in
//! text. Nothing is computed here.

mod adjust;
mod bayes;
mod binomial;
mod bootstrap;
mod distribution;
mod interval;
mod options;
mod poisson;
mod power;
mod show;
mod test;

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
enum Verb {
    Adjust(adjust::Args),
    Bayes(bayes::Args),
    Binomial(binomial::Args),
    Bootstrap(bootstrap::Args),
    Distribution(distribution::Args),
    Interval(interval::Args),
    Poisson(poisson::Args),
    Power(power::Args),
    Test(test::Args),
}

/// Runs the verb that was asked for.
pub(crate) fn run(stats: Stats, printer: &mut Printer) -> Outcome {
    match stats.verb {
        Verb::Adjust(args) => adjust::run(&args, printer),
        Verb::Bayes(args) => bayes::run(&args, printer),
        Verb::Binomial(args) => binomial::run(&args, printer),
        Verb::Bootstrap(args) => bootstrap::run(&args, printer),
        Verb::Distribution(args) => distribution::run(&args, printer),
        Verb::Interval(args) => interval::run(&args, printer),
        Verb::Poisson(args) => poisson::run(&args, printer),
        Verb::Power(args) => power::run(&args, printer),
        Verb::Test(args) => test::run(&args, printer),
    }
}
