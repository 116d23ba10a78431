//! Metrics of sequence tagging: accuracy of tags; precision, recall and F1 of entities, read in two ways
//! side by side, with the spans that explain a difference.
//!
//! - *conlleval* ([`conlleval`]): lenient, any sequence of tags has chunks; the rules of the CoNLL-2000
//!   script, its quirks included. Most published figures are these.
//! - *strict* ([`scheme`]): only what the scheme (IOB1, IOB2, IOE2, IOBES, BILOU) calls an entity.
//!
//! An entity is right when first token, last token and type are. Works on labels; knows no tagger.

pub mod conlleval;
pub mod scheme;

use crate::EvalError;
use crate::statistics::Statistics;
use scheme::Scheme;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An entity of one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span<'t> {
    /// First token, counted from 0.
    pub start: usize,
    /// One past the last token.
    pub end: usize,
    /// Type.
    pub label: &'t str,
}

/// How tags are read as entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the CoNLL-2000 script reads any tags.
    Conlleval,
    /// As the scheme says, and nothing else.
    Strict(Scheme),
}

impl Reading {
    /// The entities of a sentence, in order.
    ///
    /// # Errors
    /// In the strict reading, a tag whose prefix the scheme does not have.
    pub fn spans<'t>(self, tags: &[&'t str]) -> Result<Vec<Span<'t>>, EvalError> {
        match self {
            Self::Conlleval => Ok(conlleval::spans(tags)),
            Self::Strict(scheme) => scheme.spans(tags),
        }
    }
}

/// Right, predicted and true entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct EntityCounts {
    /// In both.
    pub correct: u64,
    /// In the prediction.
    pub predicted: u64,
    /// In the truth.
    pub truth: u64,
}

/// Precision, recall and F1, each 0 to 1; 0 where undefined.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Prf {
    /// Right among predicted.
    pub precision: f64,
    /// Right among true.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl EntityCounts {
    /// The three scores.
    pub fn scores(&self) -> Prf {
        let share = |of: u64| if of == 0 { 0.0 } else { self.correct as f64 / of as f64 };
        let (precision, recall) = (share(self.predicted), share(self.truth));
        let sum = precision + recall;
        let f1 = if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum };
        Prf { precision, recall, f1 }
    }

    /// As a row of sufficient statistics for [`crate::statistics::MicroF1`].
    pub fn row(&self) -> [f64; 3] {
        [self.correct as f64, self.predicted as f64, self.truth as f64]
    }

    fn add(&mut self, other: &Self) {
        self.correct += other.correct;
        self.predicted += other.predicted;
        self.truth += other.truth;
    }
}

/// The scores of one reading of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityScore {
    /// Over all entities.
    pub counts: EntityCounts,
    /// Scores over all entities.
    pub micro: Prf,
    /// The plain mean over types.
    pub macro_mean: Prf,
    /// The mean over types, weighted by true entities.
    pub weighted: Prf,
    /// By type, in alphabetical order.
    pub types: BTreeMap<String, (EntityCounts, Prf)>,
    /// One row a sentence: right, predicted, true.
    #[serde(skip)]
    pub rows: Statistics,
}

/// A sentence: true tags and predicted tags.
pub type Sentence<'t> = (Vec<&'t str>, Vec<&'t str>);

/// Entity scores of a corpus.
///
/// # Errors
/// No sentence; tags of different number; a tag that the scheme does not have, with its sentence.
pub fn entities(sentences: &[Sentence<'_>], reading: Reading) -> Result<EntityScore, EvalError> {
    check(sentences, "entities")?;
    let mut types: BTreeMap<String, EntityCounts> = BTreeMap::new();
    let mut rows = Statistics::new(3);
    let mut counts = EntityCounts::default();
    for (index, (truth, predicted)) in sentences.iter().enumerate() {
        let read = |tags| reading.spans(tags).map_err(|error| error.in_sentence(index + 1));
        let (truth, predicted) = (read(truth)?, read(predicted)?);
        let mut sentence = EntityCounts::default();
        let mut count = |label: &str, one: EntityCounts| {
            sentence.add(&one);
            match types.get_mut(label) {
                Some(counts) => counts.add(&one),
                None => drop(types.insert(label.to_owned(), one)),
            }
        };
        for span in &truth {
            let correct = u64::from(predicted.binary_search(span).is_ok());
            count(span.label, EntityCounts { correct, predicted: 0, truth: 1 });
        }
        for span in &predicted {
            count(span.label, EntityCounts { correct: 0, predicted: 1, truth: 0 });
        }
        rows.push(sentence.row());
        counts.add(&sentence);
    }
    let types: BTreeMap<String, (EntityCounts, Prf)> =
        types.into_iter().map(|(label, counts)| (label, (counts, counts.scores()))).collect();
    let mean = |weight: &dyn Fn(&EntityCounts) -> f64| {
        let total: f64 = types.values().map(|(counts, _)| weight(counts)).sum();
        let average = |of: &dyn Fn(&Prf) -> f64| {
            let sum: f64 = types.values().map(|(counts, prf)| weight(counts) * of(prf)).sum();
            if total == 0.0 { 0.0 } else { sum / total }
        };
        Prf {
            precision: average(&|prf| prf.precision),
            recall: average(&|prf| prf.recall),
            f1: average(&|prf| prf.f1),
        }
    };
    Ok(EntityScore {
        counts,
        micro: counts.scores(),
        macro_mean: mean(&|_| 1.0),
        weighted: mean(&|counts| counts.truth as f64),
        types,
        rows,
    })
}

/// Tags that agree: columns are agreeing tags and tags, for [`crate::statistics::Mean`].
///
/// # Errors
/// No sentence; tags of different number.
pub fn accuracy(sentences: &[Sentence<'_>]) -> Result<Statistics, EvalError> {
    check(sentences, "accuracy")?;
    let mut rows = Statistics::new(2);
    for (truth, predicted) in sentences {
        let same = truth.iter().zip(predicted).filter(|(a, b)| a == b).count();
        rows.push([same as f64, truth.len() as f64]);
    }
    Ok(rows)
}

/// A span that one reading sees and the other does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// Sentence, counted from 1.
    pub sentence: usize,
    /// `truth` or `prediction`.
    pub side: &'static str,
    /// `conlleval` or `strict`: the reading that has the span.
    pub seen_by: &'static str,
    /// First token, counted from 1.
    pub first: usize,
    /// Last token, counted from 1.
    pub last: usize,
    /// Type.
    pub label: String,
    /// The tags of the span, with one neighbour on each side.
    pub tags: String,
}

/// The spans that explain why the two readings score differently.
///
/// # Errors
/// As [`entities`].
pub fn disagreements(
    sentences: &[Sentence<'_>],
    scheme: Scheme,
) -> Result<Vec<Disagreement>, EvalError> {
    let mut found = Vec::new();
    for (index, (truth, predicted)) in sentences.iter().enumerate() {
        for (side, tags) in [("truth", truth), ("prediction", predicted)] {
            let lenient: BTreeSet<Span<'_>> = conlleval::spans(tags).into_iter().collect();
            let strict: BTreeSet<Span<'_>> =
                scheme.spans(tags).map_err(|e| e.in_sentence(index + 1))?.into_iter().collect();
            let only = |set: &BTreeSet<Span<'_>>, other: &BTreeSet<Span<'_>>, seen_by| {
                set.difference(other)
                    .map(|span| Disagreement {
                        sentence: index + 1,
                        side,
                        seen_by,
                        first: span.start + 1,
                        last: span.end,
                        label: span.label.to_owned(),
                        tags: tags[span.start.saturating_sub(1)..(span.end + 1).min(tags.len())]
                            .join(" "),
                    })
                    .collect::<Vec<_>>()
            };
            found.extend(only(&lenient, &strict, "conlleval"));
            found.extend(only(&strict, &lenient, "strict"));
        }
    }
    Ok(found)
}

fn check(sentences: &[Sentence<'_>], metric: &'static str) -> Result<(), EvalError> {
    if sentences.is_empty() {
        return Err(EvalError::Empty { metric });
    }
    let uneven = |(truth, predicted): &Sentence<'_>| truth.len() != predicted.len();
    match sentences.iter().position(uneven) {
        None => Ok(()),
        Some(index) => Err(EvalError::Lengths {
            metric,
            left_name: format!("the truth of sentence {}", index + 1),
            left: sentences[index].0.len(),
            right_name: "its prediction".to_owned(),
            right: sentences[index].1.len(),
        }),
    }
}
