//! `grimoire score entities`.

use super::input::{render_measure, render_method};
use super::tags::TagInput;
use crate::app::method::Made;
use crate::app::score::MeasureReport;
use crate::app::tag_scores;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{Disagreement, EntityCounts, EntityScore, Prf};
use serde::Serialize;

/// Precision, recall and F1 of entities: as conlleval reads tags, and strictly by scheme, side by side.
#[derive(Args)]
pub(crate) struct Entities {
    #[command(flatten)]
    input: TagInput,
    /// The scheme of the strict reading: iob1, iob2, ioe2, iobes or bilou.
    #[arg(long, default_value = "iob2")]
    scheme: String,
    /// How many spans on which the two readings disagree are shown.
    #[arg(long, default_value_t = 5, value_name = "N")]
    explain: usize,
}

#[derive(Serialize)]
struct Report {
    metric: &'static str,
    /// Micro F1 as conlleval has it, in percent.
    score: f64,
    interval: Option<grimoire_stats::Interval>,
    signature: String,
    /// Sentences.
    n: usize,
    /// Units that are resampled: sentences, clusters, or runs of sentences.
    units: usize,
    scores: Vec<MeasureReport>,
    resampling: Made,
    /// Of the first system.
    conlleval: EntityScore,
    strict: EntityScore,
    /// Spans that only one of the readings sees, in the first system and the truth.
    disagreements: usize,
    explained: Vec<Disagreement>,
}

/// Runs the command.
pub(crate) fn run(command: Entities, printer: &mut Printer) -> Outcome {
    let scheme: Scheme = command.scheme.parse().map_err(Failure::usage)?;
    let request = command.input.request()?;
    let found = tag_scores::entities(&request, scheme, command.explain)?;
    let first = &found.measures[0].systems[0].report;
    let version = env!("CARGO_PKG_VERSION");
    let report = Report {
        metric: "entities",
        score: first.score,
        interval: first.interval.clone(),
        signature: format!("f1:micro|strict:{scheme}|version:grimoire.{version}"),
        n: found.n,
        units: found.units,
        resampling: Made::new(&request.plan, request.systems.len()),
        conlleval: found.conlleval,
        strict: found.strict,
        disagreements: found.disagreements,
        explained: found.explained,
        scores: found.measures,
    };
    printer.report(&report, render)
}

fn render(report: &Report) -> String {
    let mut out: String = report.scores.iter().map(render_measure).collect();
    let systems = &report.scores[0].systems;
    if systems.len() > 1 {
        out.push_str(&format!("\n{}:\n", systems[0].name));
    }
    out.push_str(&table("conlleval", &report.conlleval));
    out.push_str(&table("strict", &report.strict));
    if report.disagreements > 0 {
        out.push_str(&format!("\nspans that only one reading sees: {}\n", report.disagreements));
    }
    for span in &report.explained {
        out.push_str(&format!(
            "  sentence {}, {}, tokens {}-{}: {} for {} only ({})\n",
            span.sentence, span.side, span.first, span.last, span.label, span.seen_by, span.tags
        ));
    }
    out.push_str(&format!("{}\n", report.signature));
    let unit = if report.units == report.n { "sentence" } else { "unit" };
    out + &render_method(&report.scores, &report.resampling, report.units, unit)
}

/// By type, and the three averages.
fn table(reading: &str, score: &EntityScore) -> String {
    let mut out = format!(
        "\n{reading:<20}{:>10}{:>10}{:>10}{:>8}{:>8}\n",
        "precision", "recall", "F1", "found", "true"
    );
    let mut line = |name: &str, prf: &Prf, counts: &EntityCounts| {
        let Prf { precision, recall, f1 } = prf;
        out.push_str(&format!(
            "{name:<20}{:>10.2}{:>10.2}{:>10.2}{:>8}{:>8}\n",
            100.0 * precision,
            100.0 * recall,
            100.0 * f1,
            counts.predicted,
            counts.truth
        ));
    };
    for (label, (counts, prf)) in &score.types {
        line(label, prf, counts);
    }
    line("micro", &score.micro, &score.counts);
    line("macro", &score.macro_mean, &score.counts);
    line("weighted", &score.weighted, &score.counts);
    out
}
