//! Scores system outputs against references: reads block by block, keeps sufficient statistics only,
//! and reports every score with its interval and every further system with its difference and p-value.
//! The metrics themselves are in `grimoire_eval`.

use super::method::Made;
use super::texts::{self, Source, Texts};
use crate::failure::{Failure, Outcome};
use grimoire_eval::measure::{Aside, Metric};
use grimoire_eval::resample::reproduce;
use grimoire_eval::significance::{self, Plan, SystemReport};
use grimoire_eval::statistics::{Runs, Score, Statistics};
use grimoire_stats::Interval;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// From a share to what people read.
pub(crate) const PERCENT: f64 = 100.0;

/// Segments that are held as text at a time.
const BLOCK: usize = 8192;
/// Most segments that are drawn as sacreBLEU draws them, four bytes each.
const MOST_DRAWN: usize = 1 << 30;

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
    /// Also score every segment alone.
    pub(crate) segments: bool,
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
    /// Units that are resampled: segments, clusters, or runs of segments.
    pub(crate) units: usize,
    /// Segments a unit, where units are runs of neighbouring segments, which they are in very long files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_length: Option<usize>,
    pub(crate) scores: Vec<MeasureReport>,
    pub(crate) resampling: Made,
    /// The signatures that sacreBLEU prints beside its own resampling, where that was repeated: of the bootstrap, and
    /// with several systems of approximate randomisation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sacrebleu_signatures: Vec<String>,
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
    /// The score of every segment alone, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segments: Option<Vec<f64>>,
}

/// What a row of statistics stands for.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'r> {
    /// One segment, however many there are.
    Segment,
    /// One segment, or in very long files a run of them, so that memory is bounded.
    Run,
    /// All segments of one label, which this source gives segment by segment.
    Label(&'r Source),
}

/// The statistics of all systems: `tables[system][measure]`, the measures of all metrics in order.
pub(crate) struct Counted {
    pub(crate) names: Vec<String>,
    pub(crate) tables: Vec<Vec<Statistics>>,
    pub(crate) n_references: Option<usize>,
    /// By system: what ROUGE knows besides.
    pub(crate) asides: Vec<Aside>,
    pub(crate) n: usize,
    /// Segments a row, where rows are runs.
    pub(crate) run_length: usize,
}

/// Scores and reports.
pub(crate) fn run(request: &Request) -> Outcome<Report> {
    let rows = match &request.clusters {
        Some(source) => Rows::Label(source),
        None if request.reproduce.is_some() || request.segments => Rows::Segment,
        None => Rows::Run,
    };
    if request.reproduce.is_some() && matches!(request.metric, Metric::Rouge(..) | Metric::Squad) {
        return Err(Failure::usage("--reproduce: sacreBLEU has no such metric")
            .hint("it goes with bleu, chrf and ter"));
    }
    let metrics = std::slice::from_ref(&request.metric);
    let counted = count(metrics, &request.systems, &request.references, rows)?;
    if request.reproduce.is_some_and(|n| n.saturating_mul(counted.n) > MOST_DRAWN) {
        let problem = format!("--reproduce would draw more than {MOST_DRAWN} segments");
        return Err(Failure::usage(problem).hint("sacreBLEU itself draws 1000 times"));
    }
    let mut scores = Vec::new();
    for (index, measure) in request.metric.measures().iter().enumerate() {
        let tables: Vec<&Statistics> = counted.tables.iter().map(|tables| &tables[index]).collect();
        let mut report = MeasureReport {
            name: measure.name.clone(),
            lower_is_better: measure.score.lower_is_better(),
            systems: systems(&counted.names, &tables, &*measure.score, measure.scale, request)?,
            detail: detail(&request.metric, tables[0], counted.asides[0].sides.get(index)),
        };
        if request.segments {
            let alone = &request.metric.by_segment().measures()[index];
            for (system, table) in report.systems.iter_mut().zip(tables) {
                let score = |row: &[f64]| alone.scale * alone.score.score(row);
                system.segments = Some(table.rows().map(score).collect());
            }
        }
        scores.push(report);
    }
    Ok(assemble(request, &counted, scores))
}

fn assemble(request: &Request, counted: &Counted, scores: Vec<MeasureReport>) -> Report {
    let first = &scores[0].systems[0].report;
    Report {
        metric: scores[0].name.clone(),
        score: first.score,
        interval: first.interval.clone(),
        sacrebleu_signatures: repeated_signatures(request, counted),
        signature: request.metric.signature(counted.n_references),
        n: counted.n,
        units: counted.tables[0][0].len(),
        run_length: Some(counted.run_length).filter(|length| *length > 1),
        resampling: Made::new(&request.plan, request.systems.len()),
        warnings: lost(&request.metric, &counted.asides),
        scores,
    }
}

/// Number of resamples (or trials) and seed stand after the number of references.
fn repeated_signatures(request: &Request, counted: &Counted) -> Vec<String> {
    let Some(resamples) = request.reproduce else { return Vec::new() };
    let signature = request.metric.signature(counted.n_references);
    let (references, settings) = signature.split_once('|').unwrap_or((&signature, ""));
    let with =
        |how: &str, n: usize| format!("{references}|{how}:{n}|seed:{}|{settings}", reproduce::SEED);
    let mut signatures = vec![with("bs", resamples)];
    if request.systems.len() > 1 {
        signatures.push(with("ar", request.plan.trials));
    }
    signatures
}

/// That the legacy tokenizer of ROUGE lost much.
fn lost(metric: &Metric, asides: &[Aside]) -> Vec<String> {
    use grimoire_eval::text::rouge::{Loss, Tokens};
    if !matches!(metric, Metric::Rouge(_, options) if options.tokens == Tokens::Legacy) {
        return Vec::new();
    }
    let mut loss = Loss::default();
    asides.iter().for_each(|aside| loss.add(&aside.loss));
    loss.warning().map(|warning| format!("{warning}, --unicode")).into_iter().collect()
}

/// Intervals and differences of every system, scaled for people.
pub(crate) fn systems(
    names: &[String],
    tables: &[&Statistics],
    score: &dyn Score,
    scale: f64,
    request: &Request,
) -> Outcome<Vec<NamedSystem>> {
    let reports = significance::report(tables, score, &request.plan)?;
    Ok(names
        .iter()
        .zip(reports)
        .enumerate()
        .map(|(index, (name, report))| NamedSystem {
            name: name.clone(),
            report: report.scaled(scale),
            sacrebleu: request.reproduce.map(|resamples| {
                repeated(tables[0], tables[index], index, score, resamples, request)
            }),
            segments: None,
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

/// What the score is made of; `sides` are the sums of ROUGE's precision and recall.
fn detail(metric: &Metric, table: &Statistics, sides: Option<&[f64; 2]>) -> Value {
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
        Metric::Rouge(..) => sides.map_or(Value::Null, |[precision, recall]| {
            let mean = |sum: &f64| PERCENT * sum / totals[1];
            json!({ "precision": mean(precision), "recall": mean(recall) })
        }),
        Metric::Squad => json!({ "sum": totals[0], "answers": totals[1] }),
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

/// Reads all systems and references side by side, once for all metrics.
pub(crate) fn count(
    metrics: &[Metric],
    systems: &[Source],
    references: &[Source],
    rows: Rows<'_>,
) -> Outcome<Counted> {
    let mut reader = Reader::open(systems, references, rows)?;
    let names = reader.systems.iter().map(|texts| texts.name().to_owned()).collect();
    let tables = || metrics.iter().map(Metric::tables);
    let columns: Vec<usize> = tables().flatten().map(|table| table.columns()).collect();
    let new = || columns.iter().map(|columns| Gathered::new(rows, *columns)).collect();
    let mut gathered: Vec<Vec<Gathered>> = systems.iter().map(|_| new()).collect();
    let mut n_references = None;
    let mut asides = vec![Aside::default(); systems.len()];
    let mut n = 0;
    loop {
        let block = reader.read_block()?;
        if block.references.is_empty() {
            break;
        }
        for these in &block.references {
            match n_references {
                _ if n == 0 => n_references = Some(these.len()),
                Some(count) if count != these.len() => n_references = None,
                _ => {}
            }
            n += 1;
        }
        let truths: Vec<Vec<&str>> = block
            .references
            .iter()
            .map(|these| these.iter().map(String::as_str).collect())
            .collect();
        for ((lines, gathered), aside) in block.systems.iter().zip(&mut gathered).zip(&mut asides) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut tables: Vec<Vec<Statistics>> = tables().collect();
            for (metric, tables) in metrics.iter().zip(&mut tables) {
                aside.add(&metric.count(&lines, &truths, tables)?);
            }
            for (gathered, table) in gathered.iter_mut().zip(tables.iter().flatten()) {
                for (at, row) in table.rows().enumerate() {
                    gathered.add(row, block.places.get(at).copied().unwrap_or_default());
                }
            }
        }
    }
    if n == 0 {
        return Err(Failure::work(format!("{}: it is empty", reader.systems[0].name())));
    }
    let run_length = gathered[0].first().map_or(1, Gathered::run_length);
    let tables = gathered
        .into_iter()
        .map(|tables| tables.into_iter().map(Gathered::into_rows).collect())
        .collect();
    Ok(Counted { names, tables, n_references, asides, n, run_length })
}

/// Rows as they come together.
pub(crate) enum Gathered {
    Segments(Statistics),
    Runs(Runs),
    Labels(Statistics),
}

impl Gathered {
    pub(crate) fn new(rows: Rows<'_>, columns: usize) -> Self {
        match rows {
            Rows::Segment => Self::Segments(Statistics::new(columns)),
            Rows::Run => Self::Runs(Runs::new(columns)),
            Rows::Label(_) => Self::Labels(Statistics::new(columns)),
        }
    }

    /// Adds the row of the next segment, whose label has this place.
    pub(crate) fn add(&mut self, row: impl AsRef<[f64]>, place: usize) {
        let row = row.as_ref();
        match self {
            Self::Segments(rows) => rows.push(row.iter().copied()),
            Self::Runs(runs) => runs.push(row),
            Self::Labels(rows) => rows.add_at(place, row),
        }
    }

    fn run_length(&self) -> usize {
        if let Self::Runs(runs) = self { runs.length() } else { 1 }
    }

    pub(crate) fn into_rows(self) -> Statistics {
        match self {
            Self::Segments(rows) | Self::Labels(rows) => rows,
            Self::Runs(runs) => runs.into_rows(),
        }
    }
}

/// Segments as text.
struct Block {
    systems: Vec<Vec<String>>,
    references: Vec<Vec<String>>,
    /// The number of each segment's label, in the order in which labels first appear.
    places: Vec<usize>,
}

/// All sources side by side.
struct Reader {
    systems: Vec<Texts>,
    references: Vec<Texts>,
    labels: Option<Texts>,
    places: HashMap<String, usize>,
}

impl Reader {
    fn open(systems: &[Source], references: &[Source], rows: Rows<'_>) -> Outcome<Self> {
        let open =
            |sources: &[Source]| sources.iter().map(Source::open).collect::<Outcome<Vec<_>>>();
        let labels = if let Rows::Label(source) = rows { Some(source) } else { None };
        texts::check_standard_input(systems.iter().chain(references).chain(labels))?;
        let labels = labels.map(Source::open).transpose()?;
        let places = HashMap::new();
        Ok(Self { systems: open(systems)?, references: open(references)?, labels, places })
    }

    fn read_block(&mut self) -> Outcome<Block> {
        let mut block = Block {
            systems: vec![Vec::new(); self.systems.len()],
            references: Vec::new(),
            places: Vec::new(),
        };
        while block.references.len() < BLOCK && self.read_segment(&mut block)? {}
        Ok(block)
    }

    /// Adds the next segment; says whether there was one.
    fn read_segment(&mut self, block: &mut Block) -> Outcome<bool> {
        let next = |texts: &mut Texts| texts.next();
        let ours = self.systems.iter_mut().map(next).collect::<Outcome<Vec<_>>>()?;
        let theirs = self.references.iter_mut().map(next).collect::<Outcome<Vec<_>>>()?;
        let label = self.labels.as_mut().map(next).transpose()?;
        let all = || ours.iter().chain(&theirs).chain(&label);
        if all().all(Option::is_none) {
            return Ok(false);
        }
        if let Some(short) = all().position(Option::is_none) {
            let long = all().position(Option::is_some).unwrap_or(0);
            return Err(self.uneven(short, long));
        }
        for ((record, texts), lines) in
            ours.into_iter().flatten().zip(&self.systems).zip(&mut block.systems)
        {
            lines.push(single(record, texts)?);
        }
        // An empty reference beside one that is not empty is a missing one.
        let these: Vec<String> =
            theirs.into_iter().flatten().flatten().filter(|text| !text.trim().is_empty()).collect();
        if these.is_empty() {
            let place = |texts: &Texts| format!("{}:{}", texts.name(), texts.line());
            let places: Vec<String> = self.references.iter().map(place).collect();
            let what = if places.len() == 1 { "the reference is" } else { "all references are" };
            return Err(Failure::work(format!("{}: {what} empty", places.join(", ")))
                .hint("an output cannot be scored against nothing: leave the segment out"));
        }
        block.references.push(these);
        if let (Some(record), Some(texts)) = (label.flatten(), &self.labels) {
            let next = self.places.len();
            block.places.push(*self.places.entry(single(record, texts)?).or_insert(next));
        }
        Ok(true)
    }

    /// The sources at these places (systems, references, labels) are not equally long.
    fn uneven(&self, short: usize, long: usize) -> Failure {
        let texts = |at| self.systems.iter().chain(&self.references).chain(&self.labels).nth(at);
        let (Some(short), Some(long)) = (texts(short), texts(long)) else {
            return Failure::work("the files are not equally long");
        };
        Failure::work(format!(
            "{} ends after line {}, {} goes on at line {}",
            short.name(),
            short.line(),
            long.name(),
            long.line()
        ))
    }
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
