//! `grimoire score entities`.

use super::input::render_measure;
use super::tags::TagInput;
use crate::app::score::MeasureReport;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::statistics::MicroF1;
use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{self, Disagreement, EntityScore, Prf, Reading};
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
    scores: Vec<MeasureReport>,
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
    let systems = command.input.read()?;
    let mut scores = Vec::new();
    let mut firsts = Vec::new();
    for (name, reading) in [
        ("F1 (conlleval)".to_owned(), Reading::Conlleval),
        (format!("F1 (strict {scheme})"), Reading::Strict(scheme)),
    ] {
        let mut tables = Vec::new();
        for (index, system) in systems.iter().enumerate() {
            let score = tag::entities(&system.sentences(false), reading)
                .map_err(|error| Failure::work(format!("{}: {error}", system.name)))?;
            tables.push(score.rows.clone());
            if index == 0 {
                firsts.push(score);
            }
        }
        scores.push(command.input.compare(&name, &systems, tables, &MicroF1)?);
    }
    let sentences = systems[0].sentences(false);
    let found = tag::disagreements(&sentences, scheme)?;
    let first = &scores[0].systems[0].report;
    let mut firsts = firsts.into_iter();
    let (Some(conlleval), Some(strict)) = (firsts.next(), firsts.next()) else {
        return Err(Failure::work("entities: nothing was scored"));
    };
    let version = env!("CARGO_PKG_VERSION");
    let report = Report {
        metric: "entities",
        score: first.score,
        interval: first.interval.clone(),
        signature: format!("f1:micro|strict:{scheme}|version:grimoire.{version}"),
        n: sentences.len(),
        conlleval,
        strict,
        disagreements: found.len(),
        explained: found.into_iter().take(command.explain).collect(),
        scores,
    };
    printer.report(&report, render)
}

fn render(report: &Report) -> String {
    let mut out: String = report.scores.iter().map(render_measure).collect();
    out.push_str(&format!(
        "\n{:<20}{:>10}{:>10}{:>10}{:>8}{:>8}\n",
        "conlleval", "precision", "recall", "F1", "found", "true"
    ));
    let line = |name: &str, prf: &Prf, found: u64, truth: u64| {
        let Prf { precision, recall, f1 } = prf;
        format!(
            "{name:<20}{:>10.2}{:>10.2}{:>10.2}{found:>8}{truth:>8}\n",
            100.0 * precision,
            100.0 * recall,
            100.0 * f1
        )
    };
    for (label, (counts, prf)) in &report.conlleval.types {
        out.push_str(&line(label, prf, counts.predicted, counts.truth));
    }
    let counts = &report.conlleval.counts;
    out.push_str(&line("micro", &report.conlleval.micro, counts.predicted, counts.truth));
    out.push_str(&line("macro", &report.conlleval.macro_mean, counts.predicted, counts.truth));
    out.push_str(&line("weighted", &report.conlleval.weighted, counts.predicted, counts.truth));
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
    out
}
