//! ROUGE-1 to 9, ROUGE-L and ROUGE-Lsum (Lin, WAS 2004) with precision, recall and F1.
//!
//! ROUGE-N: clipped n-gram matches over the n-grams of the candidate (precision) and of the reference
//! (recall). ROUGE-L: the same with the longest common subsequence over the lengths in tokens.
//! ROUGE-Lsum: the union of the longest common subsequences of each reference sentence with every
//! candidate sentence, no token counted twice; sentences are lines. `F1 = 2PR / (P + R)`.
//!
//! The legacy mode equals rouge_score 0.1.2 (and ROUGE-1.5.5) in every digit, its tokenizer included,
//! which knows only the letters a to z and digits. The Unicode mode is for every other text.
//! Nothing here splits text into sentences.

mod subsequence;
mod tokens;

use super::clipped::Matcher;
use super::signature::VERSION;
use crate::EvalError;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
pub use tokens::Loss;
use tokens::{Sentences, StemCache};

/// Segments per piece of parallel work.
const CHUNK: usize = 128;

/// Which ROUGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// N-grams of this order, 1 to 9.
    N(u8),
    /// Longest common subsequence of the whole texts.
    L,
    /// Longest common subsequences by line.
    LSum,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::N(n) => write!(f, "rouge{n}"),
            Self::L => f.write_str("rougeL"),
            Self::LSum => f.write_str("rougeLsum"),
        }
    }
}

impl FromStr for Kind {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self, EvalError> {
        match name.strip_prefix("rouge") {
            Some("L") => Ok(Self::L),
            Some("Lsum") => Ok(Self::LSum),
            Some(digit) if matches!(digit.as_bytes(), [b'1'..=b'9']) => {
                Ok(Self::N(digit.as_bytes()[0] - b'0'))
            }
            _ => Err(EvalError::Setting {
                metric: "rouge",
                setting: "kind",
                found: format!("`{name}`"),
                expected: "rouge1 to rouge9, rougeL or rougeLsum",
            }),
        }
    }
}

/// How text becomes tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokens {
    /// Runs of a–z and 0–9 after lower-casing, as rouge_score has it: every other letter is lost.
    #[default]
    Legacy,
    /// Unicode words (UAX #29) after NFKC and lower-casing; in scripts written without spaces, every
    /// character with its marks.
    Unicode,
}

/// What becomes of several references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Several {
    /// The one with the highest F1, the first of them where several share it.
    #[default]
    Max,
    /// The mean over the references.
    Mean,
}

/// The settings of ROUGE; together they are the signature.
#[derive(Debug, Clone, Default)]
pub struct RougeOptions {
    /// Whether words of more than three letters are stemmed ([`super::porter`]).
    pub stemmer: bool,
    /// How text becomes tokens.
    pub tokens: Tokens,
    /// What becomes of several references.
    pub several: Several,
}

/// Precision, recall and F1, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Rouge {
    /// Matches over the candidate's units.
    pub precision: f64,
    /// Matches over the reference's units.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl Rouge {
    fn new(hits: usize, candidate: usize, reference: usize) -> Self {
        let precision = hits as f64 / candidate.max(1) as f64;
        let recall = hits as f64 / reference.max(1) as f64;
        let f1 = if precision + recall > 0.0 {
            2.0 * precision * recall / (precision + recall)
        } else {
            0.0
        };
        Self { precision, recall, f1 }
    }

    fn mean<'a>(items: impl ExactSizeIterator<Item = &'a Self>) -> Self {
        let n = items.len().max(1) as f64;
        let mut sum = Self::default();
        for item in items {
            sum.precision += item.precision;
            sum.recall += item.recall;
            sum.f1 += item.f1;
        }
        Self { precision: sum.precision / n, recall: sum.recall / n, f1: sum.f1 / n }
    }
}

/// ROUGE of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct RougeScore {
    /// The settings.
    pub signature: String,
    /// Means over the segments, in the order of the kinds asked for.
    pub means: Vec<Rouge>,
    /// `segments[i][k]`: the score of segment i for the k-th kind.
    pub segments: Vec<Vec<Rouge>>,
    /// How much of the text the tokenizer did not see.
    pub loss: Loss,
}

/// The scores of one candidate against its references, one for each of `kinds`.
///
/// # Errors
/// No reference.
pub fn sentence(
    candidate: &str,
    references: &[&str],
    kinds: &[Kind],
    options: &RougeOptions,
) -> Result<Vec<Rouge>, EvalError> {
    super::check_parallel("rouge", 1, &[references.to_vec()])?;
    Ok(Scorer::new(kinds, options).score(candidate, references))
}

/// The scores of a corpus: `references[i]` are the references of `candidates[i]`, at least one each.
///
/// # Errors
/// No segments, lists of different length, a segment without a reference.
pub fn corpus(
    candidates: &[&str],
    references: &[Vec<&str>],
    kinds: &[Kind],
    options: &RougeOptions,
) -> Result<RougeScore, EvalError> {
    super::check_parallel("rouge", candidates.len(), references)?;
    let mut segments = vec![Vec::new(); candidates.len()];
    let losses: Vec<Loss> = segments
        .par_chunks_mut(CHUNK)
        .enumerate()
        .map_init(
            || Scorer::new(kinds, options),
            |scorer, (chunk, scores)| {
                scorer.loss = Loss::default();
                let from = chunk * CHUNK;
                for (at, slot) in scores.iter_mut().enumerate() {
                    *slot = scorer.score(candidates[from + at], &references[from + at]);
                }
                scorer.loss
            },
        )
        .collect();
    let mut loss = Loss::default();
    losses.iter().for_each(|part| loss.add(part));
    let means = (0..kinds.len())
        .map(|kind| Rouge::mean(segments.iter().map(|scores: &Vec<Rouge>| &scores[kind])))
        .collect();
    let signature = signature(options, super::reference_count(references));
    Ok(RougeScore { signature, means, segments, loss })
}

/// The signature, such as `nrefs:1|tok:legacy|stem:yes|multi:max|version:…`.
/// `n_references` is `None` where segments differ in it.
pub fn signature(options: &RougeOptions, n_references: Option<usize>) -> String {
    let line = super::signature::format(
        n_references,
        &[
            (
                "tok",
                match options.tokens {
                    Tokens::Legacy => "legacy",
                    Tokens::Unicode => "unicode",
                },
            ),
            ("stem", if options.stemmer { "yes" } else { "no" }),
            (
                "multi",
                match options.several {
                    Several::Max => "max",
                    Several::Mean => "mean",
                },
            ),
        ],
    );
    line.replace(VERSION, concat!("0.1.2+grimoire.", env!("CARGO_PKG_VERSION")))
}

/// Scores segments one after another with the same buffers.
pub struct Scorer<'o> {
    kinds: &'o [Kind],
    options: &'o RougeOptions,
    longest: usize,
    stems: StemCache,
    matcher: Matcher,
    candidate: Sentences,
    reference: Sentences,
    /// How much of the text seen so far the tokenizer dropped.
    pub loss: Loss,
}

impl<'o> Scorer<'o> {
    /// A scorer with these settings.
    pub fn new(kinds: &'o [Kind], options: &'o RougeOptions) -> Self {
        let order = |kind: &Kind| if let Kind::N(n) = kind { usize::from(*n) } else { 0 };
        Self {
            kinds,
            options,
            longest: kinds.iter().map(order).max().unwrap_or(0),
            stems: StemCache::default(),
            matcher: Matcher::default(),
            candidate: Sentences::default(),
            reference: Sentences::default(),
            loss: Loss::default(),
        }
    }

    /// The scores of one candidate, one for each kind.
    pub fn score<S: AsRef<str>>(&mut self, candidate: &str, references: &[S]) -> Vec<Rouge> {
        let Self { options, stems, loss, .. } = self;
        self.candidate.read(candidate, options, stems, loss);
        let mut scores: Vec<Vec<Rouge>> = Vec::with_capacity(references.len());
        for reference in references {
            let Self { options, stems, loss, .. } = self;
            self.reference.read(reference.as_ref(), options, stems, loss);
            scores.push(self.one());
        }
        if scores.len() == 1 {
            return scores.swap_remove(0);
        }
        (0..self.kinds.len())
            .map(|kind| match self.options.several {
                Several::Mean => Rouge::mean(scores.iter().map(|these| &these[kind])),
                Several::Max => scores
                    .iter()
                    .map(|these| these[kind])
                    .reduce(|best, next| if next.f1 > best.f1 { next } else { best })
                    .unwrap_or_default(),
            })
            .collect()
    }

    fn one(&mut self) -> Vec<Rouge> {
        let (candidate, reference) = (self.candidate.len(), self.reference.len());
        let (text, words) = self.candidate.parts();
        self.matcher.hypothesis(text, words);
        let (text, words) = self.reference.parts();
        self.matcher.reference(text, words);
        let mut matches = [0; 9];
        self.matcher.matches(&mut matches[..self.longest]);
        let (ours, theirs) = self.matcher.numbers();
        self.kinds
            .iter()
            .map(|kind| match kind {
                Kind::N(n) => {
                    let grams = |tokens: usize| (tokens + 1).saturating_sub(usize::from(*n));
                    let hits = matches[usize::from(*n) - 1] as usize;
                    Rouge::new(hits, grams(candidate), grams(reference))
                }
                Kind::L => {
                    let hits = subsequence::length(ours, theirs, self.matcher.n_words());
                    Rouge::new(hits, candidate, reference)
                }
                Kind::LSum => {
                    let hits = subsequence::union(
                        (ours, self.candidate.ends()),
                        (theirs, self.reference.ends()),
                        self.matcher.n_words(),
                    );
                    Rouge::new(hits, candidate, reference)
                }
            })
            .collect()
    }
}
