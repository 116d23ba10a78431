//! `grimoire stats logit`.

use super::show::{Lines, figure};
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::link::{logit, sigmoid};
use serde::Serialize;

/// Log-odds of probabilities, log(p/(1-p)), or back.
#[derive(clap::Args)]
pub(crate) struct Logit {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// From log-odds to probabilities, 1/(1+exp(-x)).
    #[arg(long)]
    inverse: bool,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    n: usize,
    values: Vec<f64>,
    results: Vec<f64>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Logit, printer: &mut Printer) -> Outcome {
    let values = Source::parse(&arguments.values, None)?.collect()?;
    let results = if arguments.inverse {
        values.iter().map(|&value| sigmoid(value)).collect()
    } else {
        values.iter().map(|&p| logit(p)).collect::<Result<_, _>>()?
    };
    let method = if arguments.inverse { "inverse logit" } else { "logit" };
    printer.report(&Report { method, n: values.len(), values, results }, |report| {
        let mut lines = Lines::default();
        for (value, result) in report.values.iter().zip(&report.results) {
            lines.number(figure(*value), *result);
        }
        lines.text()
    })
}
