//! Scores system outputs against references: reads block by block, keeps sufficient statistics only,
//! and reports every score with its interval and every further system with its difference and p-value.
//! The metrics themselves are in `grimoire_eval`.

use super::texts::{Source, Texts};
use crate::failure::{Failure, Outcome};
use grimoire_eval::measure::Metric;
use grimoire_eval::resample::reproduce;
use grimoire_eval::significance::{self, Plan, SystemReport};
use grimoire_eval::statistics::{Score, Statistics};
use grimoire_eval::text::rouge::Loss;
use grimoire_stats::Interval;
use serde::Serialize;
use serde_json::{Value, json};

/// Segments that are held as text at a time.
const BLOCK: usize = 8192;

/// What is to be scored, and how.
pub(crate) struct Request {
    pub(crate) metric: Metric,
    /// The first system, then those to test against it.
    pub(crate) systems: Vec<Source>,
    pub(crate) references: Vec<Source>,
    /// One label a segment: segments of a label are resampled together.
    pub(crate) clusters: Option<Source>,
    pub(crate) plan: Plan,
    /// Also repeat sacreBLEU's own resampling, with this many resamples.
    pub(crate) reproduce: Option<usize>,
}

/// What was found. `score` and `interval` repeat those of the first of `scores`.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) metric: String,
    pub(crate) score: f64,
    pub(crate) interval: Option<Interval>,
    pub(crate) signature: String,
    /// Segments (or sentences).
    pub(crate) n: usize,
    /// Units that are resampled: segments, or clusters.
    pub(crate) units: usize,
    pub(crate) scores: Vec<MeasureReport>,
    pub(crate) resampling: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// One score of every system.
#[derive(Serialize)]
pub(crate) struct MeasureReport {
    pub(crate) name: String,
    pub(crate) lower_is_better: bool,
    pub(crate) systems: Vec<NamedSystem>,
    pub(crate) detail: Value,
}

/// One system.
#[derive(Serialize)]
pub(crate) struct NamedSystem {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) report: SystemReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sacrebleu: Option<Value>,
}

/// The statistics of all systems: `tables[system][measure]`.
pub(crate) struct Counted {
    pub(crate) names: Vec<String>,
    pub(crate) tables: Vec<Vec<Statistics>>,
    pub(crate) n_references: Option<usize>,
    pub(crate) loss: Loss,
    pub(crate) n: usize,
}

/// Scores and reports.
pub(crate) fn run(request: &Request) -> Outcome<Report> {
    let counted = count(&request.metric, &request.systems, &request.references)?;
    let labels = request.clusters.as_ref().map(labels).transpose()?;
    let mut scores = Vec::new();
    let mut units = counted.n;
    for (index, measure) in request.metric.measures().iter().enumerate() {
        let tables = counted
            .tables
            .iter()
            .map(|tables| match &labels {
                Some(labels) => Ok(tables[index].clustered(labels)?),
                None => Ok(tables[index].clone()),
            })
            .collect::<Outcome<Vec<Statistics>>>()?;
        units = tables[0].len();
        scores.push(MeasureReport {
            name: measure.name.clone(),
            lower_is_better: measure.score.lower_is_better(),
            systems: systems(&counted.names, &tables, &*measure.score, measure.scale, request)?,
            detail: detail(&request.metric, &tables[0]),
        });
    }
    Ok(assemble(request, &counted, units, scores))
}

fn assemble(
    request: &Request,
    counted: &Counted,
    units: usize,
    scores: Vec<MeasureReport>,
) -> Report {
    let first = &scores[0].systems[0].report;
    let Plan { resamples, trials, seed, .. } = request.plan;
    Report {
        metric: scores[0].name.clone(),
        score: first.score,
        interval: first.interval.clone(),
        signature: request.metric.signature(counted.n_references),
        n: counted.n,
        units,
        resampling: json!({ "resamples": resamples, "trials": trials, "seed": seed }),
        warnings: counted.loss.warning().filter(|_| legacy(&request.metric)).into_iter().collect(),
        scores,
    }
}

fn legacy(metric: &Metric) -> bool {
    use grimoire_eval::text::rouge::Tokens;
    matches!(metric, Metric::Rouge(_, options) if options.tokens == Tokens::Legacy)
}

/// Intervals and differences of every system, scaled for people.
pub(crate) fn systems(
    names: &[String],
    tables: &[Statistics],
    score: &dyn Score,
    scale: f64,
    request: &Request,
) -> Outcome<Vec<NamedSystem>> {
    let borrowed: Vec<&Statistics> = tables.iter().collect();
    let reports = significance::report(&borrowed, score, &request.plan)?;
    Ok(names
        .iter()
        .zip(reports)
        .enumerate()
        .map(|(index, (name, report))| NamedSystem {
            name: name.clone(),
            report: report.scaled(scale),
            sacrebleu: request.reproduce.map(|resamples| {
                repeated(&tables[0], &tables[index], index, score, resamples, request)
            }),
        })
        .collect())
}

/// sacreBLEU's own figures.
fn repeated(
    first: &Statistics,
    system: &Statistics,
    index: usize,
    score: &dyn Score,
    resamples: usize,
    request: &Request,
) -> Value {
    let seed = reproduce::SEED;
    if index == 0 {
        let spread = reproduce::interval(system, score, resamples, seed);
        return json!({ "mean": spread.mean, "half_width": spread.half_width });
    }
    let (p, spread) = reproduce::paired_bootstrap(first, system, score, resamples, seed);
    let trials = request.plan.trials;
    json!({
        "mean": spread.mean,
        "half_width": spread.half_width,
        "p_bootstrap": p,
        "p_randomisation": reproduce::paired_randomisation(first, system, score, trials, seed),
    })
}

/// What the score is made of.
fn detail(metric: &Metric, table: &Statistics) -> Value {
    let totals = table.totals();
    match metric {
        Metric::Bleu(_) => json!({
            "hypothesis_length": totals[0], "reference_length": totals[1],
            "matches": totals[2..6], "totals": totals[6..10],
        }),
        Metric::Ter(_) => json!({ "edits": totals[0], "reference_length": totals[1] }),
        Metric::Chrf(_) => json!({
            "orders": totals.chunks(3)
                .map(|c| json!({ "hypothesis": c[0], "reference": c[1], "matches": c[2] }))
                .collect::<Vec<_>>(),
        }),
        Metric::Rouge(..) | Metric::Squad => Value::Null,
    }
}

/// One label a segment.
pub(crate) fn labels(source: &Source) -> Outcome<Vec<String>> {
    let mut texts = source.open()?;
    let mut labels = Vec::new();
    while let Some(record) = texts.next()? {
        labels.push(record.into_iter().next().unwrap_or_default());
    }
    Ok(labels)
}

/// Reads all systems and references side by side.
pub(crate) fn count(
    metric: &Metric,
    systems: &[Source],
    references: &[Source],
) -> Outcome<Counted> {
    let open = |sources: &[Source]| sources.iter().map(Source::open).collect::<Outcome<Vec<_>>>();
    let (mut systems, mut references) = (open(systems)?, open(references)?);
    let mut counted = Counted {
        names: systems.iter().map(|texts| texts.name().to_owned()).collect(),
        tables: systems.iter().map(|_| metric.tables()).collect(),
        n_references: None,
        loss: Loss::default(),
        n: 0,
    };
    loop {
        let block = read_block(&mut systems, &mut references)?;
        if block.references.is_empty() {
            break;
        }
        for these in &block.references {
            match counted.n_references {
                _ if counted.n == 0 => counted.n_references = Some(these.len()),
                Some(n) if n != these.len() => counted.n_references = None,
                _ => {}
            }
            counted.n += 1;
        }
        let truths: Vec<Vec<&str>> = block
            .references
            .iter()
            .map(|these| these.iter().map(String::as_str).collect())
            .collect();
        for (lines, tables) in block.systems.iter().zip(&mut counted.tables) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            counted.loss.add(&metric.count(&lines, &truths, tables)?);
        }
    }
    if counted.n == 0 {
        return Err(Failure::work(format!("{}: it is empty", counted.names[0])));
    }
    Ok(counted)
}

/// Segments as text.
struct Block {
    systems: Vec<Vec<String>>,
    references: Vec<Vec<String>>,
}

fn read_block(systems: &mut [Texts], references: &mut [Texts]) -> Outcome<Block> {
    let mut block = Block { systems: vec![Vec::new(); systems.len()], references: Vec::new() };
    for _ in 0..BLOCK {
        let ours = systems.iter_mut().map(Texts::next).collect::<Outcome<Vec<_>>>()?;
        let theirs = references.iter_mut().map(Texts::next).collect::<Outcome<Vec<_>>>()?;
        let all = || ours.iter().chain(&theirs);
        if all().all(Option::is_none) {
            break;
        }
        if let Some(short) = all().position(Option::is_none) {
            let long = all().position(Option::is_some).unwrap_or(0);
            let texts = |at: usize| systems.iter().chain(references.iter()).nth(at);
            let (Some(short), Some(long)) = (texts(short), texts(long)) else { break };
            return Err(Failure::work(format!(
                "{} ends after line {}, {} goes on at line {}",
                short.name(),
                short.line(),
                long.name(),
                long.line()
            )));
        }
        for (at, (record, lines)) in ours.into_iter().flatten().zip(&mut block.systems).enumerate()
        {
            lines.push(single(record, &systems[at])?);
        }
        // An empty reference beside one that is not empty is a missing one.
        let these: Vec<String> =
            theirs.into_iter().flatten().flatten().filter(|text| !text.trim().is_empty()).collect();
        if these.is_empty() {
            let texts = &references[0];
            return Err(Failure::work(format!(
                "{}:{}: the reference is empty",
                texts.name(),
                texts.line()
            )));
        }
        block.references.push(these);
    }
    Ok(block)
}

fn single(record: Vec<String>, texts: &Texts) -> Outcome<String> {
    let n = record.len();
    match record.into_iter().next() {
        Some(text) if n == 1 => Ok(text),
        _ => Err(Failure::work(format!(
            "{}:{}: expected one text, found {n}",
            texts.name(),
            texts.line()
        ))),
    }
}
