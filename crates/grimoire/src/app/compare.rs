//! Compares systems on the same items by several scores at once: differences with intervals and corrected
//! p-values, effect sizes, the items that changed most, and what may be concluded, in words. The first system
//! is the one to compare with. What can be compared is in [`super::compare_sources`], page and table in
//! [`super::compare_page`].

use super::compare_sources::{Contest, ContestItem, Matter, Part};
use super::conclusion::Pair;
use super::digits::Decimals;
use super::method::Made;
use super::score::{MeasureReport, NamedSystem};
use crate::failure::{Failure, Outcome};
use grimoire_eval::significance::{self, Plan};
use grimoire_eval::statistics::Statistics;
use serde::Serialize;
use std::path::Path;

/// The comparison.
#[derive(Serialize)]
pub(crate) struct CompareReport {
    pub(crate) systems: Vec<String>,
    /// The items of the first metric; the others may have items of their own.
    #[serde(flatten)]
    pub(crate) items: Items,
    pub(crate) level: f64,
    pub(crate) resampling: Made,
    pub(crate) metrics: Vec<Comparison>,
    /// What could not be compared, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// What a score is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Items {
    /// What an item is called.
    pub(crate) unit: &'static str,
    /// Items.
    pub(crate) n: usize,
    /// Units that are resampled.
    pub(crate) units: usize,
}

/// One score of all systems.
#[derive(Serialize)]
pub(crate) struct Comparison {
    #[serde(flatten)]
    pub(crate) items: Items,
    pub(crate) signature: String,
    #[serde(flatten)]
    pub(crate) measure: MeasureReport,
    /// For each system but the first: the mean of the items' differences in their standard deviations
    /// (Cohen's d of paired samples); none where no item differs.
    pub(crate) effect_sizes: Vec<Option<f64>>,
    /// One sentence for each system but the first.
    pub(crate) conclusions: Vec<String>,
    /// Items whose own score differs most from the first system's.
    pub(crate) changed: Vec<Changed>,
    /// Score by item: `segments[system][item]`.
    #[serde(skip)]
    pub(crate) segments: Vec<Vec<f64>>,
    /// Length of each item.
    #[serde(skip)]
    pub(crate) lengths: Vec<f64>,
}

/// An item that changed.
#[derive(Serialize)]
pub(crate) struct Changed {
    /// Counted from 1.
    pub(crate) item: usize,
    /// Where it is in its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    pub(crate) system: String,
    /// The item's own score with this system minus that with the first.
    pub(crate) difference: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) question: String,
    pub(crate) first: String,
    pub(crate) output: String,
    pub(crate) reference: String,
}

/// Compares. `labels` has one label for each item of the first part: items of a label are resampled together, and not
/// as the data have it; items of another kind are resampled as theirs have it. `most` is how many changed items are
/// listed for each score and system.
pub(crate) fn run(
    contest: &Contest,
    labels: Option<&[String]>,
    plan: &Plan,
    most: usize,
) -> Outcome<CompareReport> {
    let (systems, note) = shortened(&contest.systems);
    let mut metrics = Vec::new();
    for (index, part) in contest.parts.iter().enumerate() {
        let labels = labels.filter(|_| index == 0).or(part.labels.as_deref());
        for matter in &part.matters {
            let tables = matter
                .tables
                .iter()
                .map(|table| match labels {
                    Some(labels) => Ok(table.clustered(labels)?),
                    None => Ok(table.clone()),
                })
                .collect::<Outcome<Vec<_>>>()?;
            metrics.push(compare(&systems, part, matter, &tables, plan, most)?);
        }
    }
    let first = metrics.first().ok_or_else(|| Failure::work("there is nothing to compare"))?;
    Ok(CompareReport {
        resampling: Made::new(plan, systems.len()),
        systems,
        items: first.items,
        level: plan.level,
        metrics,
        notes: contest.notes.iter().cloned().chain(note).collect(),
    })
}

/// Long names without the folder that all of them are in, and a note that says it: what differs should be seen first,
/// in a table and beside a figure.
fn shortened(names: &[String]) -> (Vec<String>, Option<String>) {
    const LONG: usize = 32;
    let paths: Vec<&Path> = names.iter().map(Path::new).collect();
    let mut folder = paths[0].parent().unwrap_or(Path::new("")).to_owned();
    while !paths.iter().all(|path| path.parent().is_some_and(|parent| parent.starts_with(&folder)))
    {
        if !folder.pop() {
            break;
        }
    }
    let long = names.iter().any(|name| name.chars().count() > LONG);
    if !long || folder.components().next().is_none() {
        return (names.to_vec(), None);
    }
    let short = |path: &&Path| path.strip_prefix(&folder).unwrap_or(path).display().to_string();
    let note = format!("all systems are in {}", folder.display());
    (paths.iter().map(short).collect(), Some(note))
}

fn compare(
    names: &[String],
    part: &Part,
    matter: &Matter,
    tables: &[Statistics],
    plan: &Plan,
    most: usize,
) -> Outcome<Comparison> {
    let borrowed: Vec<&Statistics> = tables.iter().collect();
    let reports = significance::report(&borrowed, &*matter.score, plan)?;
    let systems: Vec<NamedSystem> = names
        .iter()
        .zip(reports)
        .map(|(name, report)| NamedSystem {
            name: name.clone(),
            report: report.scaled(matter.scale),
            sacrebleu: None,
            segments: None,
        })
        .collect();
    let by_item = |table: &Statistics| -> Vec<f64> {
        table.rows().map(|row| matter.scale * matter.score.score_alone(row)).collect()
    };
    let segments: Vec<Vec<f64>> = matter.tables.iter().map(by_item).collect();
    let lower = matter.score.lower_is_better();
    let items = Items { unit: part.unit, n: part.items.len(), units: tables[0].len() };
    let identical: Vec<bool> = matter.tables.iter().map(|own| *own == matter.tables[0]).collect();
    Ok(Comparison {
        items,
        signature: matter.signature.clone(),
        effect_sizes: segments[1..].iter().map(|own| effect_size(&segments[0], own)).collect(),
        conclusions: conclude(matter, items, &systems, &identical, plan.level),
        changed: changed(names, &part.items, &segments, most),
        measure: MeasureReport {
            name: matter.name.clone(),
            lower_is_better: lower,
            systems,
            detail: serde_json::Value::Null,
        },
        segments,
        lengths: part.items.iter().map(|item| item.length).collect(),
    })
}

/// The mean of paired differences in their standard deviations.
fn effect_size(first: &[f64], second: &[f64]) -> Option<f64> {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    (n > 1.0 && deviation > 0.0).then(|| mean / deviation)
}

/// One sentence for each system but the first: what may, and what may not, be concluded.
fn conclude(
    matter: &Matter,
    items: Items,
    systems: &[NamedSystem],
    identical: &[bool],
    level: f64,
) -> Vec<String> {
    let decimals = Decimals::of(systems).differences;
    let others = systems.iter().zip(identical).skip(1);
    let pairs = others.filter_map(|(system, identical)| {
        Some(Pair {
            metric: &matter.name,
            first: &systems[0].name,
            name: &system.name,
            versus: system.report.versus.as_ref()?,
            lower_is_better: matter.score.lower_is_better(),
            level,
            items,
            identical: *identical,
            compared: systems.len() - 1,
            decimals,
        })
    });
    pairs.map(|pair| pair.sentence()).collect()
}

/// The items with the largest differences.
fn changed(
    names: &[String],
    items: &[ContestItem],
    segments: &[Vec<f64>],
    most: usize,
) -> Vec<Changed> {
    let known = |item: &usize| !items[*item].answers.is_empty() || items[*item].place.is_some();
    let mut changed = Vec::new();
    for (system, name) in names.iter().enumerate().skip(1) {
        let difference = |item: usize| segments[system][item] - segments[0][item];
        let mut order: Vec<usize> = (0..segments[0].len()).collect();
        order.sort_by(|a, b| difference(*b).abs().total_cmp(&difference(*a).abs()).then(a.cmp(b)));
        let shown = order.into_iter().take(most).filter(|item| difference(*item) != 0.0);
        for at in shown.filter(known) {
            let item = &items[at];
            let answer = |system: usize| item.answers.get(system).cloned().unwrap_or_default();
            changed.push(Changed {
                item: at + 1,
                place: item.place.clone(),
                system: name.clone(),
                difference: difference(at),
                question: item.question.clone(),
                first: answer(0),
                output: answer(system),
                reference: item.reference.clone(),
            });
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn effect_size_is_that_of_paired_samples() {
        // numpy 2.4: d = b - a; d.mean() / d.std(ddof=1) of these.
        let d = effect_size(&[1.0, 2.0, 3.0, 4.0], &[2.0, 2.5, 3.0, 6.5]).unwrap();
        close(d, 0.925_820_099_772_551_5, 1e-12, 0.0);
        assert!(effect_size(&[1.0, 2.0], &[1.0, 2.0]).is_none());
    }

    #[test]
    fn long_names_lose_the_folder_that_all_share() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            shortened(&names)
        };
        let long = "/data/of/everything/that/was/ever/translated";
        let (a, b) = (format!("{long}/x/a.txt"), format!("{long}/b.txt"));
        let (short, note) = of(&[&a, &b]);
        assert_eq!(short, ["x/a.txt", "b.txt"]);
        assert_eq!(note.as_deref(), Some(&*format!("all systems are in {long}")));
        // Short ones and those that share no folder stay as they were given.
        assert_eq!(of(&["runs/a", "runs/b"]), (vec!["runs/a".into(), "runs/b".into()], None));
        let elsewhere = "elsewhere/b.txt";
        assert_eq!(of(&[&a[1..], elsewhere]).0, [&a[1..], elsewhere]);
        // The same name in two folders, and one folder inside another.
        let inside = format!("{long}/x");
        assert_eq!(of(&[&inside, &format!("{inside}/x")]).0, ["x", "x/x"]);
    }
}
