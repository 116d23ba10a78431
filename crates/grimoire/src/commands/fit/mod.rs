//! `grimoire fit`: linear models on a table. One file per method; [`data`] holds the arguments that all
//! share, [`penalised`] those of the penalised ones, [`show`] the text of their reports.

mod data;
mod elastic_net;
mod lasso;
mod logistic;
mod ols;
mod penalised;
mod predict;
mod ridge;
mod show;

use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Subcommand;

/// Linear models on a CSV file: least squares, ridge, lasso, elastic net, logistic regression.
#[derive(clap::Args)]
pub(crate) struct Fit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    ElasticNet(elastic_net::ElasticNet),
    Lasso(lasso::Lasso),
    Logistic(logistic::Logistic),
    Ols(ols::Ols),
    Predict(predict::Predict),
    Ridge(ridge::Ridge),
}

/// Runs the method that was asked for.
pub(crate) fn run(fit: Fit, printer: &mut Printer) -> Outcome {
    let outcome = match fit.verb {
        Verb::ElasticNet(arguments) => elastic_net::run(&arguments, printer),
        Verb::Lasso(arguments) => lasso::run(&arguments, printer),
        Verb::Logistic(arguments) => logistic::run(&arguments, printer),
        Verb::Ols(arguments) => ols::run(&arguments, printer),
        Verb::Predict(arguments) => predict::run(&arguments, printer),
        Verb::Ridge(arguments) => ridge::run(&arguments, printer),
    };
    outcome.map_err(Failure::domain_is_usage)
}
