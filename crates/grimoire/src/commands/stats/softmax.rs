//! `grimoire stats softmax`.

use super::show::{Lines, figure};
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::link::{log_softmax, softmax};
use serde::Serialize;

/// Probabilities from raw values.
#[derive(clap::Args)]
pub(crate) struct Softmax {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// Divides the values first: towards 0 argmax, towards infinity uniform.
    #[arg(long, default_value_t = 1.0)]
    temperature: f64,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    temperature: f64,
    n: usize,
    values: Vec<f64>,
    probabilities: Vec<f64>,
    log_probabilities: Vec<f64>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Softmax, printer: &mut Printer) -> Outcome {
    let values = Source::parse(&arguments.values, None)?.collect()?;
    let probabilities = softmax(&values, arguments.temperature)?;
    let scaled: Vec<f64> = values.iter().map(|value| value / arguments.temperature).collect();
    let report = Report {
        method: "softmax",
        temperature: arguments.temperature,
        n: values.len(),
        log_probabilities: log_softmax(&scaled)?,
        probabilities,
        values,
    };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        for (value, p) in report.values.iter().zip(&report.probabilities) {
            lines.number(figure(*value), *p);
        }
        lines.text()
    })
}
