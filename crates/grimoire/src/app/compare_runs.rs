//! What the folders of tuning runs can be compared on: the loss of the documents that all of them held out, and
//! BLEU and ROUGE-L of their answers where all of them answered the same prompts. Reads `report.json` alone, and no
//! model.

use super::compare_sources::{Contest, ContestItem, Matter, Part, name};
use super::tune_report::{DocumentChange, Sample};
use crate::failure::{Failure, Outcome};
use grimoire_eval::measure::Metric;
use grimoire_eval::statistics::Statistics;
use grimoire_eval::task::stored_score;
use grimoire_eval::text::bleu::BleuOptions;
use grimoire_eval::text::reference_count;
use grimoire_eval::text::rouge::{Kind, RougeOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What is compared of the report of a tuning run.
#[derive(Deserialize)]
struct RunReport {
    held_out: Option<HeldOutDocuments>,
    #[serde(default)]
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct HeldOutDocuments {
    documents: Vec<DocumentChange>,
}

/// One run.
struct Run {
    name: String,
    documents: Vec<DocumentChange>,
    samples: Vec<Sample>,
}

fn read(folder: &Path) -> Outcome<Run> {
    let file = folder.join("report.json");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Failure::work(format!("{}: {error}", file.display()))
            .hint("a run is compared when it has ended")
    })?;
    let report: RunReport = serde_json::from_str(&text)
        .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    let held_out = report.held_out.ok_or_else(|| {
        Failure::work(format!("{}: nothing was held out", file.display()))
            .hint("runs are compared on their held-out documents")
    })?;
    Ok(Run { name: name(folder), documents: held_out.documents, samples: report.samples })
}

/// The held-out documents of tuning runs, each with its loss after tuning, and their answers.
pub(super) fn of_runs(paths: &[PathBuf]) -> Outcome<Contest> {
    let runs = paths.iter().map(|path| read(path)).collect::<Outcome<Vec<_>>>()?;
    let mut parts = vec![documents(&runs)?];
    let mut notes = Vec::new();
    match unanswered(&runs) {
        None => parts.push(answers(&runs)?),
        Some(why) => notes.push(format!("answers are not compared: {why}")),
    }
    Ok(Contest { systems: runs.into_iter().map(|run| run.name).collect(), parts, notes })
}

fn documents(runs: &[Run]) -> Outcome<Part> {
    let alike = |a: &[DocumentChange], b: &[DocumentChange]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && a.tokens == b.tokens)
    };
    let first = &runs[0];
    if let Some(other) = runs.iter().find(|run| !alike(&run.documents, &first.documents)) {
        return Err(Failure::work(format!(
            "{} and {} held out other documents",
            first.name, other.name
        ))
        .hint("tune both on the same data with the same --seed, or give both the same --eval"));
    }
    let table = |run: &Run| {
        let mut table = Statistics::new(2);
        for document in &run.documents {
            let tokens = document.tokens as f64;
            table.push([document.after * tokens, tokens]);
        }
        table
    };
    let (score, scale) =
        stored_score("perplexity", 2).ok_or_else(|| Failure::work("no score for perplexity"))?;
    let matter = Matter {
        name: "perplexity per token".to_owned(),
        signature: format!(
            "held-out documents after tuning|version:grimoire.{}",
            env!("CARGO_PKG_VERSION")
        ),
        score,
        scale,
        tables: runs.iter().map(table).collect(),
    };
    let items = first.documents.iter().map(|document| ContestItem {
        place: Some(document.name.clone()),
        length: document.tokens as f64,
        ..ContestItem::default()
    });
    Ok(Part { unit: "document", matters: vec![matter], items: items.collect(), labels: None })
}

/// Why the answers of these runs cannot be compared.
fn unanswered(runs: &[Run]) -> Option<String> {
    let usable = |run: &Run| {
        !run.samples.is_empty() && run.samples.iter().all(|sample| !sample.references.is_empty())
    };
    if let Some(run) = runs.iter().find(|run| !usable(run)) {
        return Some(format!("{} has none to prompts whose answers the data have", run.name));
    }
    let same = |a: &Sample, b: &Sample| a.prompt == b.prompt && a.references == b.references;
    let first = &runs[0];
    let other = runs.iter().find(|run| {
        run.samples.len() != first.samples.len()
            || !run.samples.iter().zip(&first.samples).all(|(a, b)| same(a, b))
    })?;
    Some(format!("{} and {} answered other prompts", first.name, other.name))
}

/// BLEU and ROUGE-L of the answers after tuning, against every reference of the same prompt: the metrics of the
/// runs' own reports.
fn answers(runs: &[Run]) -> Outcome<Part> {
    let asked = &runs[0].samples;
    let references: Vec<Vec<&str>> =
        asked.iter().map(|sample| sample.references.iter().map(String::as_str).collect()).collect();
    let metrics = [
        Metric::Bleu(BleuOptions::default()),
        Metric::Rouge(vec![Kind::L], RougeOptions::default()),
    ];
    let mut matters = Vec::new();
    for metric in metrics {
        let mut tables: Vec<Vec<Statistics>> = Vec::new();
        for run in runs {
            let mut rows = metric.tables();
            let texts: Vec<&str> = run.samples.iter().map(|sample| &*sample.after).collect();
            metric.count(&texts, &references, &mut rows)?;
            tables.push(rows);
        }
        for (index, measure) in metric.measures().into_iter().enumerate() {
            matters.push(Matter {
                name: measure.name,
                signature: metric.signature(reference_count(&references)),
                score: measure.score,
                scale: measure.scale,
                tables: tables.iter().map(|rows| rows[index].clone()).collect(),
            });
        }
    }
    let items = asked.iter().enumerate().map(|(at, sample)| ContestItem {
        place: None,
        question: sample.prompt.clone(),
        reference: sample.references[0].clone(),
        answers: runs.iter().map(|run| run.samples[at].after.clone()).collect(),
        length: sample.references[0].split_whitespace().count() as f64,
    });
    Ok(Part { unit: "prompt", matters, items: items.collect(), labels: None })
}
