//! `grimoire score accuracy`.

use super::input::render_measure;
use super::tags::TagInput;
use crate::app::score::MeasureReport;
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::statistics::Mean;
use grimoire_eval::tag;
use grimoire_stats::test::binomial;
use grimoire_stats::{Alternative, Record};
use serde::Serialize;

/// The share of tags (or of labels, one a line) that are right, in percent.
#[derive(Args)]
pub(crate) struct Accuracy {
    #[command(flatten)]
    input: TagInput,
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
    /// McNemar's exact test of each further system against the first; only without sentences, where
    /// each tag is an item of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mcnemar: Vec<Record>,
}

/// Runs the command.
pub(crate) fn run(command: Accuracy, printer: &mut Printer) -> Outcome {
    let systems = command.input.read()?;
    let single = systems[0].is_one_sentence();
    let tables = systems
        .iter()
        .map(|system| Ok(tag::accuracy(&system.sentences(single))?))
        .collect::<Outcome<Vec<_>>>()?;
    let n = systems[0].n_tags();
    let mut mcnemar = Vec::new();
    if single {
        for table in &tables[1..] {
            let pairs = || tables[0].rows().zip(table.rows());
            let b = pairs().filter(|(first, second)| first[0] > second[0]).count() as u64;
            let c = pairs().filter(|(first, second)| first[0] < second[0]).count() as u64;
            let level = command.input.resampling.plan()?.level;
            mcnemar.push(binomial::mcnemar(b, c, n as u64, Alternative::TwoSided, level)?);
        }
    }
    let units = tables[0].len();
    let measure = command.input.compare("accuracy", &systems, tables, &Mean)?;
    let first = &measure.systems[0].report;
    let report = Report {
        metric: "accuracy",
        score: first.score,
        interval: first.interval.clone(),
        signature: format!("unit:tag|version:grimoire.{}", env!("CARGO_PKG_VERSION")),
        n,
        units,
        scores: vec![measure],
        mcnemar,
    };
    printer.report(&report, |report| {
        let mut out = render_measure(&report.scores[0]);
        for record in &report.mcnemar {
            if let Some(p) = record.p_value {
                out.push_str(&format!("McNemar's exact test: p = {p:.4}\n"));
            }
        }
        let kind = if report.units == report.n { "labels" } else { "tags" };
        out.push_str(&format!("{} {kind} in {} units\n", report.n, report.units));
        out
    })
}
