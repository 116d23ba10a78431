//! Metrics of sequence tagging: accuracy of tags; precision, recall and F1 of entities, read in two ways
//! side by side, with the spans that explain a difference.
//!
//! - *conlleval* ([`conlleval`]): lenient, any sequence of tags has chunks; the rules of the CoNLL-2000
//!   script, its quirks included. Most published figures are these.
//! - *strict* ([`scheme`]): only what the scheme (IOB1, IOB2, IOE2, IOBES, BILOU) calls an entity.
//!
//! An entity is right when first token, last token and type are. Works on labels; knows no tagger.

mod code;
pub mod conlleval;
mod marks;
#[cfg(test)]
mod plain;
pub mod scheme;
mod steps;

use crate::EvalError;
use code::{Coder, Tag, UNKNOWN};
use marks::{Mark, Marks};
use scheme::Scheme;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use steps::{Place, Steps};

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
        Finder::new(self).spans(tags, &mut Side::default())
    }
}

/// Finds the entities of many sentences.
struct Finder {
    reading: Reading,
    coder: Coder,
}

impl Finder {
    fn new(reading: Reading) -> Self {
        let (split, steps): (code::Split, Steps) = match reading {
            Reading::Strict(scheme) => (scheme.split(), scheme.steps()),
            Reading::Conlleval => (Box::new(conlleval::split), conlleval::steps()),
        };
        Self { reading, coder: Coder::new(split, steps) }
    }

    /// Finds the entities of a side of some sentences, whose tags other than `O` are listed, and returns how many;
    /// fails at the first tag that the reading does not have.
    fn find<'s, 't: 's>(
        &mut self,
        side: &mut Side,
        n_marks: usize,
        tags: impl Fn(usize) -> &'s [&'t str],
    ) -> Result<usize, Mark> {
        let marks = &side.marks[..n_marks];
        if side.tags.len() < n_marks {
            side.tags.resize(n_marks, UNKNOWN);
        }
        for (mark, tag) in marks.iter().zip(&mut side.tags) {
            let (sentence, token) = marks::place(*mark);
            *tag = self.coder.code(tags(sentence)[token]).ok_or(*mark)?;
        }
        let n_tags = |sentence: usize| tags(sentence).len();
        let outside = self.coder.outside();
        Ok(self.coder.steps().walk(outside, marks, &side.tags, n_tags, &mut side.places))
    }

    /// The entities of one sentence, in order, with room to find them in.
    fn spans<'t>(&mut self, tags: &[&'t str], room: &mut Side) -> Result<Vec<Span<'t>>, EvalError> {
        let sentence: [(_, &[&str]); 1] = [(tags, &[])];
        let [n_marks, _] = marks::list(&sentence, [&mut room.marks, &mut Marks::new()]);
        let places = self
            .find(room, n_marks, |_| tags)
            .map_err(|mark| self.unknown(mark, tags, "the sentence"))?;
        let span = |place: &Place| {
            let start = marks::place(place.start).1;
            // An entity has the type of its first tag.
            let label = self.coder.split(tags[start]).map_or("", |(_, label)| label);
            Span { start, end: place.end as usize, label }
        };
        Ok(room.places[..places].iter().map(span).collect())
    }

    /// The error of a tag that the reading does not have; its sentence is called the first.
    #[cold]
    fn unknown(&self, mark: Mark, tags: &[&str], side: &'static str) -> EvalError {
        let (_, token) = marks::place(mark);
        EvalError::Tag {
            tag: tags[token].to_owned(),
            token: token + 1,
            sentence: 1,
            side,
            scheme: match self.reading {
                Reading::Strict(scheme) => scheme.to_string(),
                Reading::Conlleval => "conlleval".to_owned(),
            },
        }
    }
}

/// Room for the truth, or the prediction, of some sentences.
#[derive(Default)]
struct Side {
    marks: Marks,
    tags: Vec<Tag>,
    places: Vec<Place>,
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
}

/// A sentence: true tags and predicted tags.
pub type Sentence<'t> = (Vec<&'t str>, Vec<&'t str>);

/// Counts entities sentence by sentence.
pub struct Tally {
    finder: Finder,
    types: Vec<EntityCounts>,
    counts: EntityCounts,
    truth: Side,
    predicted: Side,
}

/// What the error of a tag calls the true side of a sentence.
pub const TRUTH: &str = "the truth";
/// What it calls the other side.
pub const PREDICTION: &str = "the prediction";

impl Tally {
    /// No sentence yet.
    pub fn new(reading: Reading) -> Self {
        Self {
            finder: Finder::new(reading),
            types: Vec::new(),
            counts: EntityCounts::default(),
            truth: Side::default(),
            predicted: Side::default(),
        }
    }

    /// Counts the entities of a sentence.
    ///
    /// # Errors
    /// A tag that the scheme does not have.
    pub fn add(&mut self, truth: &[&str], predicted: &[&str]) -> Result<EntityCounts, EvalError> {
        self.add_all(&[(truth, predicted)]).map_err(|(_, error)| error)
    }

    /// Counts the entities of some sentences; an error says in which.
    fn add_all<'t, S: AsRef<[&'t str]>>(
        &mut self,
        sentences: &[(S, S)],
    ) -> Result<EntityCounts, (usize, EvalError)> {
        let [n_truth, n_predicted] =
            marks::list(sentences, [&mut self.truth.marks, &mut self.predicted.marks]);
        if n_truth + n_predicted == 0 {
            return Ok(EntityCounts::default());
        }
        let truth = self.finder.find(&mut self.truth, n_truth, |at| sentences[at].0.as_ref());
        let predicted =
            self.finder.find(&mut self.predicted, n_predicted, |at| sentences[at].1.as_ref());
        let (n_truth, n_predicted) = match (truth, predicted) {
            (Ok(truth), Ok(predicted)) => (truth, predicted),
            (truth, predicted) => return Err(self.first_error(sentences, truth, predicted)),
        };
        let n_types = self.finder.coder.labels().len();
        if self.types.len() < n_types {
            self.types.resize(n_types, EntityCounts::default());
        }
        let found = count(
            &self.truth.places[..n_truth],
            &self.predicted.places[..n_predicted],
            &mut self.types,
        );
        self.counts.add(&found);
        Ok(found)
    }

    /// The error of the first sentence that has one, and in it of the truth before the prediction.
    #[cold]
    fn first_error<'t, S: AsRef<[&'t str]>>(
        &self,
        sentences: &[(S, S)],
        truth: Result<usize, Mark>,
        predicted: Result<usize, Mark>,
    ) -> (usize, EvalError) {
        let last = Mark::MAX;
        let (truth, predicted) = (truth.err().unwrap_or(last), predicted.err().unwrap_or(last));
        let sentence = marks::place(truth.min(predicted)).0;
        let (left, right) = &sentences[sentence];
        let error = if marks::place(truth).0 == sentence {
            self.finder.unknown(truth, left.as_ref(), TRUTH)
        } else {
            self.finder.unknown(predicted, right.as_ref(), PREDICTION)
        };
        (sentence, error)
    }

    /// The scores of what was counted.
    pub fn score(&self) -> EntityScore {
        let types: BTreeMap<String, (EntityCounts, Prf)> = self
            .finder
            .coder
            .labels()
            .iter()
            .zip(&self.types)
            .filter(|(_, counts)| counts.truth + counts.predicted > 0)
            .map(|(label, counts)| (label.clone(), (*counts, counts.scores())))
            .collect();
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
        EntityScore {
            counts: self.counts,
            micro: self.counts.scores(),
            macro_mean: mean(&|_| 1.0),
            weighted: mean(&|counts| counts.truth as f64),
            types,
        }
    }
}

/// Entity scores of a corpus.
///
/// # Errors
/// No sentence; tags of different number; a tag that the scheme does not have, with its sentence.
pub fn entities(sentences: &[Sentence<'_>], reading: Reading) -> Result<EntityScore, EvalError> {
    check(sentences, "entities")?;
    let mut tally = Tally::new(reading);
    let mut done = 0;
    while done < sentences.len() {
        let rest = &sentences[done..];
        let mut n_tags = 0;
        let fits = |(truth, _): &&Sentence<'_>| {
            n_tags += truth.len();
            n_tags <= TOGETHER
        };
        let n = rest.iter().take_while(fits).count().max(1);
        tally.add_all(&rest[..n]).map_err(|(at, error)| error.in_sentence(done + at + 1))?;
        done += n;
    }
    Ok(tally.score())
}

/// Tags of the sentences that are counted together, whose tags are still in a near cache when they are read again.
const TOGETHER: usize = 2048;

/// Counts entities, also by type.
fn count(truth: &[Place], predicted: &[Place], types: &mut [EntityCounts]) -> EntityCounts {
    truth.iter().for_each(|place| types[place.label as usize].truth += 1);
    predicted.iter().for_each(|place| types[place.label as usize].predicted += 1);
    let mut correct = 0;
    let (mut left, mut right) = (0, 0);
    // Both are in order, and entities of a side do not overlap: what begins first has no equal further on.
    while let (Some(one), Some(other)) = (truth.get(left), predicted.get(right)) {
        let same = u64::from(
            (one.start == other.start) & (one.end == other.end) & (one.label == other.label),
        );
        types[one.label as usize].correct += same;
        correct += same;
        left += usize::from(one.start <= other.start);
        right += usize::from(other.start <= one.start);
    }
    EntityCounts { correct, predicted: predicted.len() as u64, truth: truth.len() as u64 }
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
    let mut explainer = Explainer::new(scheme);
    let mut found = Vec::new();
    for (index, (truth, predicted)) in sentences.iter().enumerate() {
        found.extend(explainer.disagreements(index + 1, truth, predicted)?);
    }
    Ok(found)
}

/// Finds, sentence by sentence, the spans that one reading sees and the other does not.
pub struct Explainer {
    lenient: Finder,
    strict: Finder,
    room: Side,
}

impl Explainer {
    /// Between conlleval's reading and the strict one of this scheme.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            lenient: Finder::new(Reading::Conlleval),
            strict: Finder::new(Reading::Strict(scheme)),
            room: Side::default(),
        }
    }

    /// Those of one sentence, which is called by this number.
    ///
    /// # Errors
    /// A tag that the scheme does not have.
    pub fn disagreements(
        &mut self,
        sentence: usize,
        truth: &[&str],
        predicted: &[&str],
    ) -> Result<Vec<Disagreement>, EvalError> {
        let mut found = Vec::new();
        for (side, tags) in [("truth", truth), ("prediction", predicted)] {
            let mut spans = |finder: &mut Finder| -> Result<BTreeSet<Span<'_>>, EvalError> {
                let spans = finder.spans(tags, &mut self.room);
                Ok(spans.map_err(|error| error.in_sentence(sentence))?.into_iter().collect())
            };
            let (lenient, strict) = (spans(&mut self.lenient)?, spans(&mut self.strict)?);
            let mut only = |set: &BTreeSet<Span<'_>>, other: &BTreeSet<Span<'_>>, seen_by| {
                found.extend(
                    set.difference(other).map(|span| Disagreement {
                        sentence,
                        side,
                        seen_by,
                        first: span.start + 1,
                        last: span.end,
                        label: span.label.to_owned(),
                        tags: tags[span.start.saturating_sub(1)..(span.end + 1).min(tags.len())]
                            .join(" "),
                    }),
                );
            };
            only(&lenient, &strict, "conlleval");
            only(&strict, &lenient, "strict");
        }
        Ok(found)
    }
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
