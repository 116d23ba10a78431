//! `grimoire stats`: one file per verb. A verb reads its numbers through `app::numbers`, calls
//! `grimoire_stats`, and hands a typed report to the printer; [`show`] holds what reports share in
//! text. Nothing is computed here.

mod adjust;
mod argmax;
mod bayes;
mod binomial;
mod bootstrap;
mod counted;
mod dimension;
mod distribution;
mod eigen;
mod ema;
mod entropy;
mod game;
mod information;
mod interval;
mod kl;
mod logit;
mod matrix;
mod mean;
mod mutual_information;
mod options;
mod pca;
mod perplexity;
mod poisson;
mod power;
pub(crate) mod show;
mod softmax;
mod surprise;
mod test;

use crate::failure::{Failure, Outcome};
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
    Argmax(argmax::Argmax),
    Bayes(bayes::Args),
    Binomial(binomial::Args),
    Bootstrap(bootstrap::Args),
    /// Cross entropy of P under Q, beside the entropy of P.
    CrossEntropy(kl::Kl),
    Dimension(dimension::Dimension),
    Distribution(distribution::Args),
    Eigen(eigen::Eigen),
    Ema(ema::Ema),
    Entropy(entropy::Entropy),
    Game(game::Game),
    Interval(interval::Args),
    Kl(kl::Kl),
    Logit(logit::Logit),
    Mean(mean::Mean),
    MutualInformation(mutual_information::MutualInformation),
    Pca(pca::Pca),
    Perplexity(perplexity::Perplexity),
    Poisson(poisson::Args),
    Power(power::Args),
    Softmax(softmax::Softmax),
    Surprise(surprise::Surprise),
    Test(test::Args),
}

/// Runs the verb that was asked for.
pub(crate) fn run(stats: Stats, printer: &mut Printer) -> Outcome {
    let outcome = match stats.verb {
        Verb::Adjust(args) => adjust::run(&args, printer),
        Verb::Argmax(args) => argmax::run(&args, printer),
        Verb::Bayes(args) => bayes::run(&args, printer),
        Verb::Binomial(args) => binomial::run(&args, printer),
        Verb::Bootstrap(args) => bootstrap::run(&args, printer),
        Verb::CrossEntropy(args) => kl::run_cross_entropy(&args, printer),
        Verb::Dimension(args) => dimension::run(&args, printer),
        Verb::Distribution(args) => distribution::run(&args, printer),
        Verb::Eigen(args) => eigen::run(&args, printer),
        Verb::Ema(args) => ema::run(&args, printer),
        Verb::Entropy(args) => entropy::run(&args, printer),
        Verb::Game(args) => game::run(&args, printer),
        Verb::Interval(args) => interval::run(&args, printer),
        Verb::Kl(args) => kl::run(&args, printer),
        Verb::Logit(args) => logit::run(&args, printer),
        Verb::Mean(args) => mean::run(&args, printer),
        Verb::MutualInformation(args) => mutual_information::run(&args, printer),
        Verb::Pca(args) => pca::run(&args, printer),
        Verb::Perplexity(args) => perplexity::run(&args, printer),
        Verb::Poisson(args) => poisson::run(&args, printer),
        Verb::Power(args) => power::run(&args, printer),
        Verb::Softmax(args) => softmax::run(&args, printer),
        Verb::Surprise(args) => surprise::run(&args, printer),
        Verb::Test(args) => test::run(&args, printer),
    };
    outcome.map_err(Failure::domain_is_usage)
}
