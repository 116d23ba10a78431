//! `grimoire score accuracy`.

use super::input::{render_measure, render_method};
use super::tags::TagInput;
use crate::app::method::Made;
use crate::app::score::MeasureReport;
use crate::app::tag_scores;
use crate::app::tags::Lines;
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Args;
use serde::Serialize;

/// The share of tags (or of labels, one a line) that are right, in percent.
#[derive(Args)]
pub(crate) struct Accuracy {
    #[command(flatten)]
    input: TagInput,
    /// Each line is one label, spaces and all; else the last column is.
    #[arg(long)]
    whole_lines: bool,
}

#[derive(Serialize)]
struct Report {
    metric: &'static str,
    score: f64,
    interval: Option<grimoire_stats::Interval>,
    signature: String,
    /// Tags.
    n: usize,
    /// Sentences, or tags where there are no sentences.
    units: usize,
    scores: Vec<MeasureReport>,
    resampling: Made,
}

/// Runs the command.
pub(crate) fn run(command: Accuracy, printer: &mut Printer) -> Outcome {
    let lines = if command.whole_lines { Lines::Whole } else { Lines::Labels };
    let request = command.input.request()?;
    let found = tag_scores::accuracy(&request, lines)?;
    let first = &found.measure.systems[0].report;
    let report = Report {
        metric: "accuracy",
        score: first.score,
        interval: first.interval.clone(),
        signature: format!("unit:tag|version:grimoire.{}", env!("CARGO_PKG_VERSION")),
        n: found.n,
        units: found.units,
        scores: vec![found.measure],
        resampling: Made::new(&request.plan, request.systems.len()),
    };
    printer.report(&report, |report| {
        let mut out = render_measure(&report.scores[0]);
        let kind = if report.units == report.n { "labels" } else { "tags" };
        out.push_str(&format!("{} {kind} in {} units\n", report.n, report.units));
        out.push_str(&format!("{}\n", report.signature));
        out + &render_method(&report.scores, &report.resampling, report.units, "unit")
    })
}
