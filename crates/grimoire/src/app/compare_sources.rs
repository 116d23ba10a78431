//! What can be compared: plain output files with references, folders of evaluations, folders of tuning runs.
//! Each becomes a [`Contest`]: the same items, and rows of statistics for each system. What the folder of a run
//! holds is in [`super::compare_runs`].

use super::eval::EvalReport;
use super::eval::folder::{self, ItemRecord};
use super::score::{self, Rows};
use super::texts::Source;
use crate::failure::{Failure, Outcome};
use grimoire_eval::measure::Metric;
use grimoire_eval::statistics::{Score, Statistics};
use grimoire_eval::task::stored_score;
use std::path::{Path, PathBuf};

/// Systems, and what they can be compared on.
pub(crate) struct Contest {
    pub(crate) systems: Vec<String>,
    /// One for each kind of items.
    pub(crate) parts: Vec<Part>,
    /// What could not be compared, and why.
    pub(crate) notes: Vec<String>,
}

impl Contest {
    /// Systems on items of a single kind.
    fn of_items(systems: Vec<String>, matters: Vec<Matter>, items: Vec<ContestItem>) -> Self {
        let parts = vec![Part { unit: "item", matters, items, labels: None }];
        Self { systems, parts, notes: Vec::new() }
    }
}

/// The same items, and scores of all systems on them.
pub(crate) struct Part {
    /// What an item is called: item, document, prompt.
    pub(crate) unit: &'static str,
    pub(crate) matters: Vec<Matter>,
    pub(crate) items: Vec<ContestItem>,
    /// One for each item, where the data say which are resampled together.
    pub(crate) labels: Option<Vec<String>>,
}

/// One score of all systems.
pub(crate) struct Matter {
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) score: Box<dyn Score>,
    /// What scores are multiplied with for people.
    pub(crate) scale: f64,
    /// By system: a row for each item.
    pub(crate) tables: Vec<Statistics>,
}

/// One item, as far as it is known in words.
#[derive(Debug, Clone, Default)]
pub(crate) struct ContestItem {
    /// Where it is in its data, where that is known.
    pub(crate) place: Option<String>,
    pub(crate) question: String,
    pub(crate) reference: String,
    /// By system; empty where there are no texts.
    pub(crate) answers: Vec<String>,
    /// How long it is, in words of the reference or in tokens.
    pub(crate) length: f64,
}

/// Folders, or files; not a mixture.
pub(crate) fn are_folders(paths: &[PathBuf]) -> Outcome<bool> {
    let folders = paths.iter().filter(|path| path.is_dir()).count();
    match paths.iter().find(|path| !path.is_dir()) {
        Some(file) if folders > 0 => {
            Err(Failure::usage(format!("{}: a file among folders", file.display()))
                .hint("compare folders with folders, or output files with output files"))
        }
        other => Ok(other.is_none()),
    }
}

/// Output files against references.
pub(crate) fn of_files(
    systems: &[Source],
    references: &[Source],
    metrics: &[Metric],
) -> Outcome<Contest> {
    let counted = score::count(metrics, systems, references, Rows::Segment)?;
    let mut matters: Vec<Matter> = Vec::new();
    for metric in metrics {
        for measure in metric.measures() {
            let index = matters.len();
            matters.push(Matter {
                name: measure.name,
                signature: metric.signature(counted.n_references),
                score: measure.score,
                scale: measure.scale,
                tables: counted.tables.iter().map(|tables| tables[index].clone()).collect(),
            });
        }
    }
    let n = matters.first().map_or(0, |matter| matter.tables[0].len());
    let from_stdin = |source: &Source| source.path.as_os_str() == "-";
    let items = if systems.iter().chain(references).any(from_stdin) {
        vec![ContestItem::default(); n]
    } else {
        texts_of_files(systems, references, n)?
    };
    Ok(Contest::of_items(counted.names, matters, items))
}

fn texts_of_files(
    systems: &[Source],
    references: &[Source],
    n: usize,
) -> Outcome<Vec<ContestItem>> {
    let mut items = vec![ContestItem::default(); n];
    let mut references = references[0].open()?;
    for item in &mut items {
        item.reference =
            references.next()?.unwrap_or_default().into_iter().next().unwrap_or_default();
        item.length = item.reference.split_whitespace().count() as f64;
    }
    for system in systems {
        let mut texts = system.open()?;
        for item in &mut items {
            let text = texts.next()?.unwrap_or_default();
            item.answers.push(text.into_iter().next().unwrap_or_default());
        }
    }
    Ok(items)
}

/// Folders of evaluations or of runs.
pub(crate) fn of_folders(paths: &[PathBuf]) -> Outcome<Contest> {
    if paths.iter().all(|path| folder::is(path)) {
        return of_evaluations(paths);
    }
    if paths.iter().all(|path| path.join("run.json").is_file()) {
        return super::compare_runs::of_runs(paths);
    }
    let is_run = |path: &Path| path.join("run.json").is_file();
    let problem = match paths.iter().find(|path| !folder::is(path) && !is_run(path)) {
        Some(odd) => {
            format!("{}: neither the folder of an evaluation nor that of a run", odd.display())
        }
        None => {
            let odd = paths.iter().find(|path| is_run(path) != is_run(&paths[0]));
            let [first, odd] = [&paths[0], odd.unwrap_or(&paths[0])].map(|path| path.display());
            format!("{first} and {odd}: an evaluation and a run, which have no items in common")
        }
    };
    Err(Failure::usage(problem).hint(
        "compare folders that `grimoire eval --out` wrote, or folders that `grimoire tune` wrote",
    ))
}

pub(super) fn name(path: &Path) -> String {
    path.display().to_string()
}

/// How a figure was made; where not all made it alike, how each did.
fn signature(read: &[(EvalReport, Vec<ItemRecord>)], paths: &[PathBuf], figure: &str) -> String {
    let one = |(report, _): &(EvalReport, Vec<ItemRecord>)| {
        let figure = report.figures.iter().find(|other| other.name == figure);
        figure.map(|figure| figure.signature.clone()).unwrap_or_default()
    };
    let all: Vec<String> = read.iter().map(one).collect();
    if all.iter().all(|signature| *signature == all[0]) {
        return all[0].clone();
    }
    let named = paths.iter().zip(&all).map(|(path, one)| format!("{}: {one}", path.display()));
    named.collect::<Vec<_>>().join("; ")
}

/// A note for each evaluation that was asked otherwise than the first.
fn asked_otherwise(read: &[(EvalReport, Vec<ItemRecord>)], paths: &[PathBuf]) -> Vec<String> {
    let note = |((report, _), path): (&(EvalReport, Vec<ItemRecord>), &PathBuf)| {
        let (first, own) = (read[0].0.asked.as_ref()?, report.asked.as_ref()?);
        let differs = [
            (first.task != own.task, "prompt, examples or form of the answer"),
            (first.chat != own.chat, "chat template"),
            (first.precision != own.precision, "precision"),
        ];
        let differs: Vec<&str> =
            differs.into_iter().filter_map(|(differs, what)| differs.then_some(what)).collect();
        let (first, own) = (paths[0].display(), path.display());
        (!differs.is_empty()).then(|| {
            format!(
                "{own} was asked otherwise than {first} ({}): a difference may lie in that",
                differs.join("; ")
            )
        })
    };
    read.iter().zip(paths).skip(1).filter_map(note).collect()
}

/// What to do about two items that are not the same.
fn other_items(first: Option<&ItemRecord>, second: Option<&ItemRecord>) -> &'static str {
    let same = |of: fn(&ItemRecord) -> &Vec<String>| match (first, second) {
        (Some(a), Some(b)) => of(a) == of(b),
        _ => true,
    };
    if !same(|record| &record.options) {
        "evaluate both with the same options, and the same separator before them"
    } else if first.zip(second).is_some_and(|(a, b)| a.place == b.place)
        && same(|record| &record.references)
    {
        "evaluate both with the same question: its template differs"
    } else {
        "evaluate both on the same data with the same --limit"
    }
}

fn of_evaluations(paths: &[PathBuf]) -> Outcome<Contest> {
    let read = paths.iter().map(|path| folder::read(path)).collect::<Outcome<Vec<_>>>()?;
    let (first, records) = &read[0];
    for ((report, others), path) in read.iter().zip(paths).skip(1) {
        let same = |(a, b): (&ItemRecord, &ItemRecord)| a.id == b.id;
        let differs = records.iter().zip(others).position(|pair| !same(pair));
        let at =
            differs.or((records.len() != others.len()).then_some(records.len().min(others.len())));
        if let Some(at) = at {
            return Err(Failure::work(format!(
                "{} and {} have other items from item {} on ({} of {}, {} of {})",
                paths[0].display(),
                path.display(),
                at + 1,
                records.len(),
                first.data,
                others.len(),
                report.data
            ))
            .hint(other_items(records.get(at), others.get(at))));
        }
    }
    let mut matters = Vec::new();
    for figure in &first.figures {
        let shared = read.iter().all(|(report, _)| {
            report
                .figures
                .iter()
                .any(|other| other.name == figure.name && other.score == figure.score)
        });
        let rows = |records: &[ItemRecord]| -> Option<Vec<Vec<f64>>> {
            records.iter().map(|record| record.rows.get(&figure.name).cloned()).collect()
        };
        let tables: Option<Vec<Vec<Vec<f64>>>> =
            read.iter().map(|(_, records)| rows(records)).collect();
        let (true, Some(tables)) = (shared, tables) else { continue };
        let columns = tables[0].first().map_or(0, Vec::len);
        let Some((score, scale)) = stored_score(&figure.score, columns) else { continue };
        let table = |rows: Vec<Vec<f64>>| {
            let mut table = Statistics::new(columns);
            rows.into_iter().for_each(|row| table.push(row));
            table
        };
        matters.push(Matter {
            name: figure.name.clone(),
            signature: signature(&read, paths, &figure.name),
            score,
            scale,
            tables: tables.into_iter().map(table).collect(),
        });
    }
    if matters.is_empty() {
        return Err(Failure::work(format!(
            "{}: no figure that all of them have",
            paths[0].display()
        ))
        .hint("evaluations of the same task can be compared"));
    }
    let items = (0..records.len())
        .map(|at| ContestItem {
            place: Some(records[at].place.clone()),
            question: records[at].prompt.clone(),
            reference: records[at].references.first().cloned().unwrap_or_default(),
            answers: read.iter().map(|(_, records)| records[at].answer()).collect(),
            length: records[at].references[0].split_whitespace().count() as f64,
        })
        .collect();
    let mut contest =
        Contest::of_items(paths.iter().map(|path| name(path)).collect(), matters, items);
    contest.parts[0].labels = folder::labels(records);
    contest.notes = asked_otherwise(&read, paths);
    Ok(contest)
}
