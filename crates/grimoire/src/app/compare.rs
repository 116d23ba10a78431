//! Compares system outputs on several metrics at once: differences with intervals and corrected
//! p-values, the items that changed most, and what may be concluded, in words. The first system is the
//! one to compare with. Page and table are made in [`super::compare_page`].

use super::score::{self, MeasureReport, NamedSystem, Request, Rows};
use super::texts::Source;
use crate::failure::Outcome;
use grimoire_eval::measure::Metric;
use grimoire_eval::significance::{Plan, Versus};
use grimoire_eval::statistics::{Score, Statistics};
use serde::Serialize;

/// What is to be compared.
pub(crate) struct CompareRequest {
    pub(crate) systems: Vec<Source>,
    pub(crate) references: Vec<Source>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) clusters: Option<Source>,
    pub(crate) plan: Plan,
    /// How many changed items are listed for each metric and system.
    pub(crate) items: usize,
}

/// The comparison.
#[derive(Serialize)]
pub(crate) struct CompareReport {
    pub(crate) systems: Vec<String>,
    /// Segments.
    pub(crate) n: usize,
    /// Units that are resampled.
    pub(crate) units: usize,
    pub(crate) level: f64,
    pub(crate) metrics: Vec<Comparison>,
}

/// One score of all systems.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) signature: String,
    #[serde(flatten)]
    pub(crate) measure: MeasureReport,
    /// One sentence for each system but the first.
    pub(crate) conclusions: Vec<String>,
    /// Items whose own score differs most from the first system's.
    pub(crate) changed: Vec<Changed>,
    /// Score by segment: `segments[system][segment]`.
    #[serde(skip)]
    pub(crate) segments: Vec<Vec<f64>>,
}

/// An item that changed.
#[derive(Serialize)]
pub(crate) struct Changed {
    /// Counted from 1.
    pub(crate) item: usize,
    pub(crate) system: String,
    /// The item's own score with this system minus that with the first.
    pub(crate) difference: f64,
    pub(crate) first: String,
    pub(crate) output: String,
    pub(crate) reference: String,
}

/// Compares.
pub(crate) fn run(request: &CompareRequest) -> Outcome<CompareReport> {
    let labels = request.clusters.as_ref().map(score::labels).transpose()?;
    let mut report = CompareReport {
        systems: Vec::new(),
        n: 0,
        units: 0,
        level: request.plan.level,
        metrics: Vec::new(),
    };
    for metric in &request.metrics {
        let counted = score::count(metric, &request.systems, &request.references, Rows::Segment)?;
        let settings = Request {
            metric: metric.clone(),
            systems: Vec::new(),
            references: Vec::new(),
            clusters: None,
            plan: request.plan,
            reproduce: None,
            segments: false,
        };
        for (index, measure) in metric.measures().iter().enumerate() {
            let plain: Vec<&Statistics> =
                counted.tables.iter().map(|tables| &tables[index]).collect();
            let tables = plain
                .iter()
                .map(|table| match &labels {
                    Some(labels) => Ok(table.clustered(labels)?),
                    None => Ok((*table).clone()),
                })
                .collect::<Outcome<Vec<_>>>()?;
            let systems = score::systems(
                &counted.names,
                &tables.iter().collect::<Vec<_>>(),
                &*measure.score,
                measure.scale,
                &settings,
            )?;
            report.units = tables[0].len();
            let lower = measure.score.lower_is_better();
            let segments = plain
                .iter()
                .map(|table| by_segment(table, &*measure.score, measure.scale))
                .collect::<Vec<_>>();
            let changed = changed(request, &counted.names, &segments)?;
            let conclusions = conclude(&measure.name, &systems, lower, request.plan.level);
            report.metrics.push(Comparison {
                signature: metric.signature(counted.n_references),
                measure: MeasureReport {
                    name: measure.name.clone(),
                    lower_is_better: lower,
                    systems,
                    detail: serde_json::Value::Null,
                },
                conclusions,
                changed,
                segments,
            });
        }
        report.n = counted.n;
        report.systems = counted.names;
    }
    Ok(report)
}

fn by_segment(table: &Statistics, score: &dyn Score, scale: f64) -> Vec<f64> {
    table.rows().map(|row| scale * score.score(row)).collect()
}

/// One sentence for each system but the first: what may, and what may not, be concluded.
fn conclude(metric: &str, systems: &[NamedSystem], lower: bool, level: f64) -> Vec<String> {
    let first = &systems[0].name;
    systems
        .iter()
        .filter_map(|system| Some((&system.name, system.report.versus.as_ref()?)))
        .map(|(name, versus)| sentence(metric, first, name, versus, lower, level))
        .collect()
}

fn sentence(
    metric: &str,
    first: &str,
    name: &str,
    versus: &Versus,
    lower: bool,
    level: f64,
) -> String {
    let p = versus.p_adjusted;
    let size = versus.difference.abs();
    let range = versus.interval.as_ref().map_or_else(String::new, |interval| {
        format!("{} % interval {:+.2} to {:+.2}, ", 100.0 * level, interval.lower, interval.upper)
    });
    if p < 1.0 - level {
        let better = (versus.difference > 0.0) != lower;
        let word = if better { "better" } else { "worse" };
        format!(
            "{name} is {word} than {first} by {size:.2} {metric} ({range}p = {p:.4}): chance alone would \
             seldom show so much on items like these; whether it matters, and whether it holds \
             on other texts, these figures do not say."
        )
    } else {
        format!(
            "These items do not tell {name} from {first} in {metric} ({range}p = {p:.4}); that is no proof \
             that they are equal: a true difference below {:.2} would often go unseen here.",
            versus.least_detectable
        )
    }
}

/// The items with the largest differences, read again from the files.
fn changed(
    request: &CompareRequest,
    names: &[String],
    segments: &[Vec<f64>],
) -> Outcome<Vec<Changed>> {
    let reads_stdin = |source: &Source| source.path.as_os_str() == "-";
    let sources = || request.systems.iter().chain(&request.references);
    if request.items == 0 || sources().any(reads_stdin) {
        return Ok(Vec::new());
    }
    let mut changed = Vec::new();
    let first = texts(&request.systems[0])?;
    let reference = texts(&request.references[0])?;
    for (system, name) in names.iter().enumerate().skip(1) {
        let difference = |item: usize| segments[system][item] - segments[0][item];
        let mut order: Vec<usize> = (0..segments[0].len()).collect();
        order.sort_by(|a, b| difference(*b).abs().total_cmp(&difference(*a).abs()).then(a.cmp(b)));
        let output = texts(&request.systems[system])?;
        for item in order.into_iter().take(request.items).filter(|item| difference(*item) != 0.0) {
            let text = |texts: &[String]| texts.get(item).cloned().unwrap_or_default();
            changed.push(Changed {
                item: item + 1,
                system: name.clone(),
                difference: difference(item),
                first: text(&first),
                output: text(&output),
                reference: text(&reference),
            });
        }
    }
    Ok(changed)
}

fn texts(source: &Source) -> Outcome<Vec<String>> {
    let mut texts = source.open()?;
    let mut all = Vec::new();
    while let Some(record) = texts.next()? {
        all.push(record.into_iter().next().unwrap_or_default());
    }
    Ok(all)
}
