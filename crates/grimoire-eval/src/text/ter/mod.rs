//! TER, the translation edit rate: insertions, deletions, substitutions and shifts of word groups over
//! the length of the reference (Snover et al., AMTA 2006), with the search of Tercom as sacreBLEU 2.6
//! has it: shifts are found greedily, at most 10 words long and 50 words far, at most 1000 looked at;
//! the edit distance stays within a beam of 25 around the diagonal.
//!
//! `TER = 100 · Σ edits / Σ mean reference length`; several references give the least edits.
//! The greedy search is a heuristic and part of the definition. Lower is better.

mod distance;
mod normalise;
mod shift;

use super::tokenize::{Tokenizer, Tokens};
use crate::EvalError;
use crate::statistics::Score;
use rayon::prelude::*;
use serde::Serialize;

/// Segments per piece of parallel work.
const CHUNK: usize = 64;

/// The settings of TER; together they are the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TerOptions {
    /// Whether case counts.
    pub case_sensitive: bool,
    /// Whether punctuation is cut off and entities are restored, as Tercom's normaliser does.
    pub normalized: bool,
    /// Whether punctuation is removed.
    pub no_punctuation: bool,
    /// Whether the two settings above also know Chinese and Japanese.
    pub asian_support: bool,
}

/// The sufficient statistics of one segment, or their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TerCounts {
    /// Edits, shifts included.
    pub edits: u64,
    /// Words of the reference; the mean over several references.
    pub reference_length: f64,
}

impl TerCounts {
    /// Adds another segment's counts.
    pub fn add(&mut self, other: &Self) {
        self.edits += other.edits;
        self.reference_length += other.reference_length;
    }

    /// As a row of sufficient statistics: edits, reference length.
    pub fn row(&self) -> [f64; 2] {
        [self.edits as f64, self.reference_length]
    }
}

impl Score for TerOptions {
    fn columns(&self) -> usize {
        2
    }

    fn score(&self, totals: &[f64]) -> f64 {
        score(&TerCounts { edits: totals[0] as u64, reference_length: totals[1] })
    }

    fn score_single(&self, totals: &[f32]) -> f64 {
        if totals[1] > 0.0 {
            f64::from(100.0 * (totals[0] / totals[1]))
        } else {
            Score::score(self, &[f64::from(totals[0]), f64::from(totals[1])])
        }
    }

    fn single_scores(&self) -> bool {
        true
    }

    fn lower_is_better(&self) -> bool {
        true
    }
}

/// A TER score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TerScore {
    /// 0 is perfect; may exceed 100.
    pub score: f64,
    /// The settings, in sacreBLEU's format.
    pub signature: String,
    /// The summed counts.
    pub counts: TerCounts,
}

/// TER of a corpus: `references[i]` are the references of `hypotheses[i]`, at least one each.
///
/// # Errors
/// No segments, lists of different length, a segment without a reference.
pub fn corpus(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &TerOptions,
) -> Result<TerScore, EvalError> {
    let counts = segments(hypotheses, references, options)?;
    let mut sum = TerCounts::default();
    counts.iter().for_each(|segment| sum.add(segment));
    let signature = signature(options, super::reference_count(references));
    Ok(TerScore { score: score(&sum), signature, counts: sum })
}

/// The counts of every segment, in order; the same for any number of threads.
///
/// # Errors
/// As [`corpus`].
pub fn segments(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &TerOptions,
) -> Result<Vec<TerCounts>, EvalError> {
    super::check_parallel("ter", hypotheses.len(), references)?;
    let mut counts = vec![TerCounts::default(); hypotheses.len()];
    counts.par_chunks_mut(CHUNK).enumerate().for_each_init(
        || Counter::new(options),
        |counter, (chunk, counts)| {
            let from = chunk * CHUNK;
            for (at, slot) in counts.iter_mut().enumerate() {
                *slot = counter.count(hypotheses[from + at], &references[from + at]);
            }
        },
    );
    Ok(counts)
}

/// The score of summed counts. Edits against nothing count as 100 %, nothing against nothing as 0.
pub fn score(counts: &TerCounts) -> f64 {
    100.0
        * if counts.reference_length > 0.0 {
            counts.edits as f64 / counts.reference_length
        } else if counts.edits > 0 {
            1.0
        } else {
            0.0
        }
}

/// The signature, such as `nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:…`.
/// `n_references` is `None` where segments differ in it.
pub fn signature(options: &TerOptions, n_references: Option<usize>) -> String {
    let answer = |yes: bool| if yes { "yes" } else { "no" };
    super::signature::format(
        n_references,
        &[
            ("case", if options.case_sensitive { "mixed" } else { "lc" }),
            ("tok", "tercom"),
            ("norm", answer(options.normalized)),
            ("punct", answer(!options.no_punctuation)),
            ("asian", answer(options.asian_support)),
        ],
    )
}

/// Counts segments one after another with the same buffers.
pub struct Counter<'o> {
    options: &'o TerOptions,
    words: super::clipped::Words,
    tokens: Tokens,
    hypothesis: Vec<u32>,
    reference: Vec<u32>,
    search: shift::Search,
}

impl<'o> Counter<'o> {
    /// A counter with these settings.
    pub fn new(options: &'o TerOptions) -> Self {
        Self {
            options,
            words: Default::default(),
            tokens: Tokens::default(),
            hypothesis: Vec::new(),
            reference: Vec::new(),
            search: shift::Search::default(),
        }
    }

    /// The counts of one segment: the least edits to any reference, the mean reference length.
    pub fn count<S: AsRef<str>>(&mut self, hypothesis: &str, references: &[S]) -> TerCounts {
        self.read(hypothesis, 1);
        let (text, spans) = self.tokens.parts();
        self.words.clear(spans.len());
        self.hypothesis.clear();
        let words = &mut self.words;
        self.hypothesis.extend(spans.iter().map(|span| words.number(text, span)));
        let mut least = u64::MAX;
        let mut length = 0;
        for reference in references {
            // The reference program normalises references twice, which cuts `.5` from the period
            // before it only the second time. Kept, because its scores depend on it.
            self.read(reference.as_ref(), 2);
            let (text, spans) = self.tokens.parts();
            self.reference.clear();
            let words = &self.words;
            self.reference.extend(spans.iter().map(|span| words.find(text, span)));
            length += self.reference.len();
            let n_words = self.words.len();
            least = least.min(self.search.edits(&self.hypothesis, &self.reference, n_words));
        }
        TerCounts { edits: least, reference_length: length as f64 / references.len().max(1) as f64 }
    }

    fn read(&mut self, segment: &str, times: usize) {
        let lowercase = !self.options.case_sensitive;
        if self.options.normalized || self.options.no_punctuation {
            let again = |text: String, _| normalise::normalise(&text, self.options);
            let text = (0..times).fold(segment.to_owned(), again);
            Tokenizer::None.tokenize(&text, false, &mut self.tokens);
        } else {
            Tokenizer::None.tokenize(segment, lowercase, &mut self.tokens);
        }
    }
}
