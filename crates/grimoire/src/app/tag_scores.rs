//! Scores of tags: accuracy, and entities in both readings side by side, each system against the first,
//! with intervals and p-values. Sentences are read one at a time; what is kept is counts.

use super::score::{self, Gathered, MeasureReport, NamedSystem, Rows};
use super::tags::{Lines, Sentence, TagFiles};
use super::texts::{Source, Texts};
use crate::failure::{Failure, Outcome};
use grimoire_eval::EvalError;
use grimoire_eval::significance::{self, Plan};
use grimoire_eval::statistics::{Mean, MicroF1, Score, Statistics};
use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{self, Disagreement, EntityScore, Explainer, Reading, Tally};
use std::collections::HashMap;

/// What is to be scored.
pub(crate) struct TagRequest {
    pub(crate) truth: Source,
    /// The first system, then those to test against it.
    pub(crate) systems: Vec<Source>,
    /// The labels (types) there are, where any other is an error.
    pub(crate) labels: Option<Vec<String>>,
    /// One label a sentence: sentences of a label are resampled together.
    pub(crate) clusters: Option<Source>,
    pub(crate) plan: Plan,
}

/// Accuracy of every system.
pub(crate) struct AccuracyReport {
    pub(crate) measure: MeasureReport,
    /// Tags.
    pub(crate) n: usize,
    /// Sentences, or tags where there are no sentences.
    pub(crate) units: usize,
}

/// Entities of every system in both readings.
pub(crate) struct EntityReport {
    /// conlleval, then strict.
    pub(crate) measures: Vec<MeasureReport>,
    /// Sentences.
    pub(crate) n: usize,
    /// Units that are resampled.
    pub(crate) units: usize,
    /// Of the first system.
    pub(crate) conlleval: EntityScore,
    pub(crate) strict: EntityScore,
    /// Spans that only one of the readings sees, in the truth and the first system: how many, and some.
    pub(crate) disagreements: usize,
    pub(crate) explained: Vec<Disagreement>,
}

/// Where the row of a sentence goes.
struct Places {
    labels: Option<Texts>,
    places: HashMap<String, usize>,
    sentences: usize,
}

impl Places {
    fn open(clusters: Option<&Source>) -> Outcome<Self> {
        let labels = clusters.map(Source::open).transpose()?;
        Ok(Self { labels, places: HashMap::new(), sentences: 0 })
    }

    /// The place of the next sentence.
    fn next(&mut self) -> Outcome<usize> {
        self.sentences += 1;
        let Some(texts) = &mut self.labels else { return Ok(self.sentences - 1) };
        let Some(record) = texts.next()? else {
            return Err(Failure::work(format!(
                "{} ends after line {}, there is a sentence {}",
                texts.name(),
                texts.line(),
                self.sentences
            )));
        };
        let next = self.places.len();
        Ok(*self.places.entry(record.into_iter().next().unwrap_or_default()).or_insert(next))
    }

    fn finish(&mut self) -> Outcome {
        if let Some(texts) = &mut self.labels
            && texts.next()?.is_some()
        {
            let (name, line) = (texts.name(), texts.line());
            let n = self.sentences;
            return Err(Failure::work(format!("{name}:{line}: there are only {n} sentences")));
        }
        Ok(())
    }
}

/// Scores accuracy.
pub(crate) fn accuracy(request: &TagRequest, lines: Lines) -> Outcome<AccuracyReport> {
    let labels = request.labels.as_deref();
    let mut files = TagFiles::open(&request.truth, &request.systems, lines, labels)?;
    let n_systems = files.n_systems();
    // Which rows count is known at the end of the files: a file without sentences has tags for items.
    let rows = if request.clusters.is_some() { Rows::Segment } else { Rows::Run };
    let new = || -> Vec<Gathered> { (0..n_systems).map(|_| Gathered::new(rows, 2)).collect() };
    let (mut by_tag, mut by_sentence) = (new(), new());
    let mut sums = vec![[0.0, 0.0]; n_systems];
    let mut tokens = Sentence::default();
    let (mut n, mut sentences) = (0, 0);
    while let Some(tag) = files.step(&mut tokens)? {
        if !tag {
            sentences += 1;
            for (rows, sums) in by_sentence.iter_mut().zip(&mut sums) {
                rows.add(std::mem::take(sums), 0);
            }
            continue;
        }
        n += 1;
        for system in 0..n_systems {
            let right = tokens.tags[system + 1] == tokens.tags[0];
            let row = [f64::from(u8::from(right)), 1.0];
            by_tag[system].add(row, 0);
            sums[system][0] += row[0];
            sums[system][1] += 1.0;
        }
        tokens.clear();
    }
    not_empty(&files, n)?;
    let tables = if sentences == 1 { by_tag } else { by_sentence };
    let mut tables: Vec<Statistics> = tables.into_iter().map(Gathered::into_rows).collect();
    if let Some(source) = &request.clusters {
        let labels = score::labels(source)?;
        tables = tables.iter().map(|t| Ok(t.clustered(&labels)?)).collect::<Outcome<_>>()?;
    }
    let mut measure = compare("accuracy", &files, &tables, &Mean, &request.plan)?;
    let totals = tables[0].totals();
    measure.detail = serde_json::json!({ "right": totals[0], "tags": totals[1] });
    Ok(AccuracyReport { measure, n, units: tables[0].len() })
}

/// Scores entities; of the spans that explain a difference of the readings, `explain` are kept.
pub(crate) fn entities(
    request: &TagRequest,
    scheme: Scheme,
    explain: usize,
) -> Outcome<EntityReport> {
    let labels = request.labels.as_deref();
    let mut files = TagFiles::open(&request.truth, &request.systems, Lines::Tokens, labels)?;
    let mut places = Places::open(request.clusters.as_ref())?;
    let readings = [Reading::Conlleval, Reading::Strict(scheme)];
    let n_systems = files.n_systems();
    let mut counted = readings.map(|reading| Counted::new(reading, n_systems, rows_of(request)));
    let mut explainer = Explainer::new(scheme);
    let (mut disagreements, mut explained) = (0, Vec::new());
    let mut sentence = Sentence::default();
    while let Some(tag) = files.step(&mut sentence)? {
        if tag {
            continue;
        }
        let place = places.next()?;
        let tags: Vec<Vec<&str>> = (0..=n_systems).map(|file| sentence.of(file)).collect();
        for counted in &mut counted {
            counted
                .add(&tags, place)
                .map_err(|(system, error)| unknown_tag(&files, &sentence, system, &error))?;
        }
        let found = explainer.disagreements(places.sentences, &tags[0], &tags[1])?;
        disagreements += found.len();
        explained.extend(found.into_iter().take(explain.saturating_sub(explained.len())));
        sentence.clear();
    }
    places.finish()?;
    not_empty(&files, places.sentences)?;
    let names = ["F1 (conlleval)".to_owned(), format!("F1 (strict {scheme})")];
    let [conlleval, strict] = [counted[0].tallies[0].score(), counted[1].tallies[0].score()];
    let (mut measures, mut units) = (Vec::new(), 0);
    for (counted, name) in counted.into_iter().zip(names) {
        let tables: Vec<Statistics> = counted.rows.into_iter().map(Gathered::into_rows).collect();
        units = tables[0].len();
        measures.push(compare(&name, &files, &tables, &MicroF1, &request.plan)?);
    }
    let n = places.sentences;
    Ok(EntityReport { measures, n, units, conlleval, strict, disagreements, explained })
}

/// The entities of every system in one reading.
struct Counted {
    tallies: Vec<Tally>,
    rows: Vec<Gathered>,
}

impl Counted {
    fn new(reading: Reading, n_systems: usize, rows: Rows<'_>) -> Self {
        Self {
            tallies: (0..n_systems).map(|_| Tally::new(reading)).collect(),
            rows: (0..n_systems).map(|_| Gathered::new(rows, 3)).collect(),
        }
    }

    /// Counts a sentence, the truth first; an error says in which system's prediction.
    fn add(&mut self, tags: &[Vec<&str>], place: usize) -> Result<(), (usize, EvalError)> {
        for (system, (tally, rows)) in self.tallies.iter_mut().zip(&mut self.rows).enumerate() {
            let found = tally.add(&tags[0], &tags[system + 1]).map_err(|error| (system, error))?;
            rows.add(found.row(), place);
        }
        Ok(())
    }
}

fn rows_of(request: &TagRequest) -> Rows<'_> {
    request.clusters.as_ref().map_or(Rows::Run, Rows::Label)
}

fn not_empty(files: &TagFiles, n: usize) -> Outcome {
    if n == 0 {
        return Err(Failure::work(format!("{}: there are no tags", files.name(0))));
    }
    Ok(())
}

/// The error of a tag with the file and line where it stands.
fn unknown_tag(files: &TagFiles, sentence: &Sentence, system: usize, error: &EvalError) -> Failure {
    let EvalError::Tag { tag, token, scheme, side, .. } = error else {
        return Failure::work(error);
    };
    let file = if *side == tag::TRUTH { 0 } else { system + 1 };
    let line = sentence.lines[file].get(token - 1).copied().unwrap_or_default();
    let name = files.name(file);
    Failure::work(format!("{name}:{line}: tag `{tag}` is not of scheme {scheme}"))
        .hint("--scheme names another: iob1, iob2, ioe2, iobes or bilou")
}

/// Every system's score in percent, and its difference to the first.
fn compare(
    name: &str,
    files: &TagFiles,
    tables: &[Statistics],
    score: &dyn Score,
    plan: &Plan,
) -> Outcome<MeasureReport> {
    let borrowed: Vec<&Statistics> = tables.iter().collect();
    let reports = significance::report(&borrowed, score, plan)?;
    let systems = reports.into_iter().enumerate().map(|(system, report)| NamedSystem {
        name: files.name(system + 1).to_owned(),
        report: report.scaled(score::PERCENT),
        sacrebleu: None,
        segments: None,
    });
    Ok(MeasureReport {
        name: name.to_owned(),
        lower_is_better: false,
        systems: systems.collect(),
        detail: serde_json::Value::Null,
    })
}
