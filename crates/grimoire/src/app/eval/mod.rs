//! Evaluates a model on a task: finds task and data, asks the model through a cache, judges every answer, and
//! reports every figure with its interval. The task itself, its prompts and its metrics are in
//! `grimoire_eval::task`; the folder that is written is read again by [`super::compare`].

mod cache;
mod data;
pub(crate) mod folder;
mod respond;

use crate::app::builtin;
use crate::app::loading::{Loaded, load};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use cache::{Cache, Stored, fingerprint, hex};
use folder::{ItemRecord, labels};
use grimoire_eval::perplexity::{DocumentNll, Protocol, Unit, summary};
use grimoire_eval::significance::{self, Plan};
use grimoire_eval::statistics::Statistics;
use grimoire_eval::task::{Answer, Item, Kind, Response, Task, TaskMetric, items};
use grimoire_stats::interval::Proportion;
use grimoire_stats::{Alternative, Interval};
use respond::Respondent;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct EvalRequest {
    pub(crate) model: String,
    pub(crate) adapter: Option<PathBuf>,
    /// A built-in name or a TOML file.
    pub(crate) task: String,
    pub(crate) data: Option<String>,
    pub(crate) examples: Option<String>,
    pub(crate) shots: Option<usize>,
    /// The first so many items.
    pub(crate) limit: Option<usize>,
    /// Ask through the model's chat template.
    pub(crate) chat: bool,
    /// Compute everything in f32.
    pub(crate) f32: bool,
    /// The folder that is written.
    pub(crate) out: Option<PathBuf>,
    /// The folder of caches; none for the usual one.
    pub(crate) cache: Option<PathBuf>,
    pub(crate) no_cache: bool,
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EvalReport {
    pub(crate) model: String,
    pub(crate) adapter: Option<String>,
    pub(crate) task: String,
    pub(crate) data: String,
    /// Items.
    pub(crate) n: usize,
    pub(crate) shots: usize,
    /// How the model was asked; older reports do not say.
    #[serde(default)]
    pub(crate) asked: Option<Asked>,
    /// Groups of items that are resampled together, where the task has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clusters: Option<usize>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) tokens: Tokens,
    /// Answers that the cache had.
    pub(crate) remembered: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// What moves a figure besides model and data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// A hash of the prompt, the examples and the form of the answer.
    pub(crate) task: String,
    /// The prompt as the task has it.
    pub(crate) prompt: String,
    /// Through the model's chat template.
    pub(crate) chat: bool,
    pub(crate) precision: String,
    pub(crate) limit: Option<usize>,
}

impl Asked {
    fn new(request: &EvalRequest, task: &Task, shots: &[Map<String, Value>]) -> Outcome<Self> {
        let text = serde_json::to_string(&(task.asked(), shots))?;
        Ok(Self {
            task: hex(&Sha256::digest(text)[..4]),
            prompt: task.prompt.source().to_owned(),
            chat: request.chat,
            precision: precision(request).to_owned(),
            limit: request.limit,
        })
    }

    /// The end of a signature.
    fn signed(&self, shots: usize) -> String {
        let chat = if self.chat { "|chat:yes" } else { "" };
        let shots = if shots > 0 { format!("|shots:{shots}") } else { String::new() };
        format!("|task:{}|precision:{}{chat}{shots}", self.task, self.precision)
    }
}

fn precision(request: &EvalRequest) -> &'static str {
    if request.f32 { "f32" } else { "auto" }
}

/// One figure with its interval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// None with fewer than two items, and where resampling finds no spread.
    pub(crate) interval: Option<Bounds>,
    pub(crate) lower_is_better: bool,
    pub(crate) signature: String,
    /// Which score the rows of the records make.
    pub(crate) score: String,
}

/// An interval and how it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bounds {
    #[serde(alias = "low")]
    pub(crate) lower: f64,
    #[serde(alias = "high")]
    pub(crate) upper: f64,
    pub(crate) level: f64,
    pub(crate) method: String,
}

/// Tokens, counted exactly.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// Read as prompts or texts.
    pub(crate) read: u64,
    /// Written, or weighed as options, or scored.
    pub(crate) written: u64,
}

/// Hears how an evaluation goes on: items done, of how many.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(usize, usize);

/// Evaluates.
pub(crate) fn run(
    request: &EvalRequest,
    printer: &mut Printer,
    watch: Watch<'_>,
) -> Outcome<EvalReport> {
    let found = data::find(&request.task)?;
    let task = &found.task;
    let file = found.data(request)?;
    let mut rows = data::rows(task, &file, printer)?;
    if let (Some(limit), None) = (request.limit, &task.group) {
        rows.truncate(limit);
    }
    let shots = found.shots(request, printer)?;
    let mut items = items(task, &file, &rows, &shots).map_err(data::fail)?;
    items.truncate(request.limit.unwrap_or(usize::MAX));
    if items.is_empty() {
        return Err(Failure::usage("--limit 0: expected at least one item"));
    }
    let loaded = load(&request.model, request.adapter.as_deref(), printer)?;
    let cache = open_cache(request, &loaded)?;
    let mut respondent = Respondent { loaded: &loaded, request, cache, cut: 0, remembered: 0 };
    let total = items.len();
    let answers = respondent.respond(task, &items, &mut |done| watch(done, total))?;
    let (cut, remembered) = (respondent.cut, respondent.remembered);
    let context = loaded.model.config().context;
    let (mut figures, records) = judge(task, context, &file, &items, &answers)?;
    let asked = Asked::new(request, task, &shots)?;
    let signed = asked.signed(shots.len());
    figures.iter_mut().for_each(|figure| figure.signature.push_str(&signed));
    let mut warnings = warnings(task, request, &answers, cut, shots.len());
    let known = rows.iter().filter(|row| shots.contains(&row.fields)).count();
    if known > 0 {
        warnings.push(format!("{known} of the rows are among the examples, which give the answer"));
    }
    let report = EvalReport {
        model: request.model.clone(),
        adapter: request.adapter.as_ref().map(|path| path.display().to_string()),
        task: task.name.clone(),
        data: file,
        n: total,
        shots: shots.len(),
        asked: Some(asked),
        clusters: labels(&records).map(|labels| labels.into_iter().collect::<HashSet<_>>().len()),
        figures,
        tokens: Tokens {
            read: answers.iter().map(|answer| answer.read).sum(),
            written: answers.iter().map(|answer| answer.written).sum(),
        },
        remembered,
        warnings,
    };
    if let Some(out) = &request.out {
        folder::write(out, &report, &records)?;
    }
    Ok(report)
}

/// What the reader of the figures should know of the answers behind them.
fn warnings(
    task: &Task,
    request: &EvalRequest,
    answers: &[Stored],
    cut: usize,
    shots: usize,
) -> Vec<String> {
    let (mut warnings, total) = (Vec::new(), answers.len());
    if cut > 0 {
        warnings
            .push(format!("{cut} of {total} prompts were cut from the left to fit the context"));
    }
    let wanted = task.shots.count;
    if request.shots.is_none() && shots < wanted {
        warnings.push(format!(
            "asked with {shots} examples, not the task's {wanted}: --examples takes a file of them"
        ));
    }
    let Answer::Generate { tokens, .. } = &task.answer else { return warnings };
    let nothing = |answer: &&Stored| answer.text.as_deref().is_none_or(|t| t.trim().is_empty());
    let empty = answers.iter().filter(nothing).count();
    if empty > 0 {
        warnings.push(format!(
            "{empty} of {total} answers are empty: a model that was not tuned to this prompt may need \
             --examples, which show it what an answer looks like, or --chat"
        ));
    }
    let endless = answers.iter().filter(|answer| answer.written >= *tokens as u64).count();
    if endless > 0 {
        warnings.push(format!(
            "{endless} of {total} answers had no end after {tokens} tokens and were cut there"
        ));
    }
    warnings
}

fn open_cache(request: &EvalRequest, loaded: &Loaded) -> Outcome<Cache> {
    if request.no_cache {
        return Cache::open(None, String::new());
    }
    let folder = Cache::folder(request.cache.as_deref());
    let mut parts: Vec<&Path> = vec![loaded.checkpoint.path()];
    parts.extend(request.adapter.as_deref());
    let model = fingerprint(&parts, builtin::bytes(&request.model), precision(request))?;
    Cache::open(folder.as_deref(), model)
}

/// Judges every answer by every metric.
fn judge(
    task: &Task,
    context: usize,
    file: &str,
    items: &[Item],
    answers: &[Stored],
) -> Outcome<(Vec<Figure>, Vec<ItemRecord>)> {
    let mut records: Vec<ItemRecord> = items
        .iter()
        .zip(answers)
        .map(|(item, answer)| ItemRecord::new(file, item, answer))
        .collect();
    let references = items.first().map(|item| item.references.len());
    let references = references.filter(|n| items.iter().all(|item| item.references.len() == *n));
    let options = items.iter().map(|item| item.options.len()).max().unwrap_or(0);
    let mut figures = Vec::new();
    for metric in &task.metrics {
        let measures = metric.measures(options);
        let mut tables: Vec<Statistics> =
            measures.iter().map(|measure| Statistics::new(measure.score.columns())).collect();
        for ((item, answer), record) in items.iter().zip(answers).zip(&mut records) {
            let judged = metric.judge(item, &response(answer))?;
            for ((table, row), measure) in tables.iter_mut().zip(&judged.rows).zip(&measures) {
                table.push(row.iter().copied());
                record.rows.insert(measure.name.clone(), row.clone());
            }
            if let Some(taken) = judged.answer {
                record.taken.insert(measures[0].name.clone(), taken);
            }
        }
        if let Some(labels) = labels(&records) {
            for table in &mut tables {
                *table = table.clustered(&labels)?;
            }
        }
        for (measure, table) in measures.iter().zip(&tables) {
            let plan = Plan { trials: 1, ..Plan::default() };
            let report = significance::report(&[table], &*measure.score, &plan)?;
            let found = report.into_iter().next().ok_or_else(|| Failure::work("no figure"))?;
            let interval = proportion(table, measure.scale)
                .or_else(|| clustered(metric, table))
                .or_else(|| found.interval.as_ref().map(|bounds| scaled(bounds, measure.scale)));
            figures.push(Figure {
                name: measure.name.clone(),
                value: measure.scale * found.score,
                // Resamples that all score the same say nothing of what other items would score.
                interval: interval.filter(|bounds| table.len() > 1 && bounds.lower < bounds.upper),
                lower_is_better: measure.score.lower_is_better(),
                signature: signature(task, metric, references, context),
                score: metric.stored().to_owned(),
            });
        }
    }
    Ok((figures, records))
}

/// How a figure was made; a perplexity by its windows, which the context bounds.
fn signature(
    task: &Task,
    metric: &TaskMetric,
    references: Option<usize>,
    context: usize,
) -> String {
    match &task.answer {
        Answer::Score { window, stride, begin } => {
            let (window, stride) = ((*window).min(context), (*stride).min(context));
            Protocol { window, stride, begin: *begin }.to_string()
        }
        _ => metric.signature(references),
    }
}

fn response(answer: &Stored) -> Response {
    match (&answer.text, answer.nll) {
        (Some(text), _) => Response::Text(text.clone()),
        (None, Some(nll_sum)) => Response::Nll(DocumentNll {
            nll_sum,
            tokens: answer.written,
            bytes: answer.bytes,
            words: answer.words,
        }),
        (None, None) => Response::LogProbs(answer.log_probs.clone()),
    }
}

/// Wilson's interval where every row is a hit or a miss: it holds at 0 and at all, where resampling fails.
fn proportion(table: &Statistics, scale: f64) -> Option<Bounds> {
    let hit_or_miss = |row: &[f64]| matches!(row, [0.0 | 1.0, 1.0]);
    if table.columns() != 2 || !table.rows().all(hit_or_miss) {
        return None;
    }
    let totals = table.totals();
    let (hits, n) = (totals[0] as u64, totals[1] as u64);
    let interval = Proportion::Wilson.interval(hits, n, 0.95, Alternative::TwoSided).ok()?;
    Some(scaled(&interval, scale))
}

/// The interval of a perplexity: Student's t over documents.
fn clustered(metric: &TaskMetric, table: &Statistics) -> Option<Bounds> {
    let Kind::Perplexity(_) = metric.kind else { return None };
    let documents: Vec<DocumentNll> = table
        .rows()
        .map(|row| DocumentNll { nll_sum: row[0], tokens: row[1] as u64, ..Default::default() })
        .collect();
    let found = summary(&documents, Unit::Token, 0.95).ok()?;
    found.interval.as_ref().map(|interval| scaled(interval, 1.0))
}

fn scaled(interval: &Interval, scale: f64) -> Bounds {
    Bounds {
        lower: scale * interval.lower,
        upper: scale * interval.upper,
        level: interval.level,
        method: interval.method.to_string(),
    }
}
