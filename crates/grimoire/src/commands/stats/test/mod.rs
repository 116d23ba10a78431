//! `grimoire stats test <kind>`: how surprising the data are if nothing is going on. [`counts`] holds
//! the kinds that take counts, [`samples`] those that take values.

mod counts;
mod samples;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// A test, with its p-value, effect size and intervals.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Binomial(counts::Binomial),
    Poisson(counts::Poisson),
    Rates(counts::Rates),
    Proportions(counts::Proportions),
    Fisher(counts::Fisher),
    ChiSquare(counts::ChiSquare),
    Mcnemar(counts::Mcnemar),
    T(samples::T),
    Sign(samples::Sign),
    Wilcoxon(samples::Wilcoxon),
    MannWhitney(samples::MannWhitney),
    KolmogorovSmirnov(samples::KolmogorovSmirnov),
    Permutation(samples::Permutation),
}

/// Runs the kind that was asked for.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let record = match &args.kind {
        Kind::Binomial(args) => args.run()?,
        Kind::Poisson(args) => args.run()?,
        Kind::Rates(args) => args.run()?,
        Kind::Proportions(args) => args.run()?,
        Kind::Fisher(args) => args.run()?,
        Kind::ChiSquare(args) => args.run()?,
        Kind::Mcnemar(args) => args.run()?,
        Kind::T(args) => args.run()?,
        Kind::Sign(args) => args.run()?,
        Kind::Wilcoxon(args) => args.run()?,
        Kind::MannWhitney(args) => args.run()?,
        Kind::KolmogorovSmirnov(args) => args.run()?,
        Kind::Permutation(args) => args.run()?,
    };
    printer.report(&record, super::show::record)
}
