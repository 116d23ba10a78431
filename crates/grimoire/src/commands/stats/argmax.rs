//! `grimoire stats argmax`.

use super::show::Lines;
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::link;
use serde::Serialize;

/// Where the largest value is, as a place and as ones and zeros; ties are named.
#[derive(clap::Args)]
pub(crate) struct Argmax {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    n: usize,
    /// From zero.
    #[serde(flatten)]
    found: link::Argmax,
    one_hot: Vec<u8>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Argmax, printer: &mut Printer) -> Outcome {
    let values = Source::parse(&arguments.values, None)?.collect()?;
    let found = link::argmax(&values)?;
    let one_hot = (0..values.len()).map(|i| u8::from(i == found.index)).collect();
    printer.report(&Report { method: "argmax", n: values.len(), found, one_hot }, |report| {
        let mut lines = Lines::default();
        lines.add("place (from 0)", report.found.index.to_string());
        lines.number("value", report.found.value).number("lead", report.found.margin);
        if report.found.ties.len() > 1 {
            let places: Vec<String> = report.found.ties.iter().map(usize::to_string).collect();
            lines.add("tied", places.join(", "));
        }
        let ones: Vec<String> = report.one_hot.iter().map(u8::to_string).collect();
        lines.add("as ones and zeros", ones.join(" "));
        lines.text()
    })
}
