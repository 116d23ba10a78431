//! `grimoire stats surprise`.

use super::information::UnitName;
use super::show::{Lines, figure};
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::info::{Unit, surprise};
use serde::Serialize;

/// Surprise of probabilities: log(1/p), infinite at 0.
#[derive(clap::Args)]
pub(crate) struct Surprise {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    values: Vec<String>,
    /// Unit.
    #[arg(long, value_enum, default_value = "bits")]
    unit: UnitName,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    unit: Unit,
    n: usize,
    probabilities: Vec<f64>,
    /// `null` stands for infinity.
    surprises: Vec<f64>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Surprise, printer: &mut Printer) -> Outcome {
    let unit = arguments.unit.unit();
    let probabilities = Source::parse(&arguments.values, None)?.collect()?;
    let surprises = probabilities
        .iter()
        .map(|&p| surprise(p).map(|nats| unit.of(nats)))
        .collect::<Result<_, _>>()?;
    let n = probabilities.len();
    printer.report(&Report { method: "surprise", unit, n, probabilities, surprises }, |report| {
        let mut lines = Lines::default();
        for (p, surprise) in report.probabilities.iter().zip(&report.surprises) {
            lines.add(figure(*p), format!("{} {}", figure(*surprise), report.unit.name()));
        }
        lines.text()
    })
}
