//! BLEU, the geometric mean of clipped n-gram precisions times a penalty for brevity (Papineni et al.,
//! ACL 2002), with the tokenizers, smoothings and signature of sacreBLEU 2.6 (Post, WMT 2018).
//!
//! With c the hypothesis length, r the closest reference length, and for n = 1..4 the clipped matches
//! m_n among t_n n-grams, all summed over the corpus:
//! `BLEU = 100 · min(1, exp(1 − r/c)) · exp( (1/4) Σ ln(m_n / t_n) )`.
//!
//! Counts are integers; the score repeats the reference program's floating-point operations in its
//! order, so it agrees to the last digit. This file knows nothing of intervals.

use super::clipped::Matcher;
use super::tokenize::{Tokenizer, Tokens};
use crate::EvalError;
use crate::statistics::Score;
use rayon::prelude::*;
use serde::Serialize;

/// The longest n-gram.
pub const MAX_ORDER: usize = 4;

/// Segments per piece of parallel work.
const CHUNK: usize = 256;

/// What to do about orders without a match (Chen and Cherry, WMT 2014).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Smoothing {
    /// Nothing: one order without a match makes the score 0.
    None,
    /// A match count of zero becomes this much (method 1; usually 0.1).
    Floor(f64),
    /// This much is added to matches and totals of every order above 1 (method 2; usually 1).
    AddK(f64),
    /// The k-th order without a match counts as 2^−k matches (method 3, NIST; the default).
    #[default]
    Exponential,
}

/// The settings of BLEU; together they are the signature.
#[derive(Debug, Clone, Default)]
pub struct BleuOptions {
    /// How segments are cut.
    pub tokenizer: Tokenizer,
    /// Whether case is ignored.
    pub lowercase: bool,
    /// What to do about orders without a match.
    pub smoothing: Smoothing,
    /// Whether orders longer than the hypothesis are left out; wanted for single sentences.
    pub effective_order: bool,
}

/// The sufficient statistics of one segment, or their sum over a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BleuCounts {
    /// Tokens of the hypothesis.
    pub hypothesis_length: u64,
    /// Tokens of the closest reference.
    pub reference_length: u64,
    /// Clipped matches by order.
    pub matches: [u64; MAX_ORDER],
    /// N-grams of the hypothesis by order.
    pub totals: [u64; MAX_ORDER],
}

impl BleuCounts {
    /// Adds another segment's counts.
    pub fn add(&mut self, other: &Self) {
        self.hypothesis_length += other.hypothesis_length;
        self.reference_length += other.reference_length;
        for order in 0..MAX_ORDER {
            self.matches[order] += other.matches[order];
            self.totals[order] += other.totals[order];
        }
    }

    /// As a row of sufficient statistics: lengths, matches, totals.
    pub fn row(&self) -> impl Iterator<Item = f64> {
        let lengths = [self.hypothesis_length, self.reference_length];
        lengths.into_iter().chain(self.matches).chain(self.totals).map(|count| count as f64)
    }

    fn from_row(row: &[f64]) -> Self {
        let count = |at: usize| row[at] as u64;
        Self {
            hypothesis_length: count(0),
            reference_length: count(1),
            matches: std::array::from_fn(|order| count(2 + order)),
            totals: std::array::from_fn(|order| count(2 + MAX_ORDER + order)),
        }
    }
}

impl Score for BleuOptions {
    fn columns(&self) -> usize {
        2 + 2 * MAX_ORDER
    }

    fn score(&self, totals: &[f64]) -> f64 {
        score(&BleuCounts::from_row(totals), self, String::new()).score
    }

    /// Orders that the segment is too short for are left out.
    fn score_alone(&self, row: &[f64]) -> f64 {
        Self { effective_order: true, ..self.clone() }.score(row)
    }

    /// Precisions in 32 bits, lengths and logarithms in 64.
    fn score_single(&self, totals: &[f32]) -> f64 {
        let row: Vec<f64> = totals.iter().map(|total| f64::from(*total)).collect();
        let counts = BleuCounts::from_row(&row);
        if counts.matches.iter().all(|matches| *matches == 0) {
            return 0.0;
        }
        let (precisions, order) = precisions_single(&counts, self);
        let sum = precisions[..order].iter().fold(0.0, |sum, p| sum + logarithm(f64::from(*p)));
        brevity_penalty(&counts) * (sum / order as f64).exp()
    }
}

/// A BLEU score and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BleuScore {
    /// 0 to 100.
    pub score: f64,
    /// The settings, in sacreBLEU's format.
    pub signature: String,
    /// The summed counts.
    pub counts: BleuCounts,
    /// Smoothed precisions by order, in percent.
    pub precisions: [f64; MAX_ORDER],
    /// The penalty for brevity, 0 to 1.
    pub brevity_penalty: f64,
    /// Hypothesis length over reference length; 0 without a reference token.
    pub length_ratio: f64,
}

/// BLEU of a corpus: `references[i]` are the references of `hypotheses[i]`, at least one each.
///
/// # Errors
/// No segments, lists of different length, a segment without a reference.
pub fn corpus(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &BleuOptions,
) -> Result<BleuScore, EvalError> {
    let counts = segments(hypotheses, references, options)?;
    let mut sum = BleuCounts::default();
    counts.iter().for_each(|segment| sum.add(segment));
    let signature = signature(options, super::reference_count(references));
    Ok(score(&sum, options, signature))
}

/// BLEU of one sentence. [`BleuOptions::effective_order`] is usually wanted here.
///
/// # Errors
/// No reference.
pub fn sentence(
    hypothesis: &str,
    references: &[&str],
    options: &BleuOptions,
) -> Result<BleuScore, EvalError> {
    corpus(&[hypothesis], &[references.to_vec()], options)
}

/// The counts of every segment, in order; the same for any number of threads.
///
/// # Errors
/// As [`corpus`].
pub fn segments(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &BleuOptions,
) -> Result<Vec<BleuCounts>, EvalError> {
    super::check_parallel("bleu", hypotheses.len(), references)?;
    let mut counts = vec![BleuCounts::default(); hypotheses.len()];
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

/// Counts segments one after another with the same buffers.
pub struct Counter<'o> {
    options: &'o BleuOptions,
    matcher: Matcher,
    hypothesis: Tokens,
    reference: Tokens,
}

impl<'o> Counter<'o> {
    /// A counter with these settings.
    pub fn new(options: &'o BleuOptions) -> Self {
        Self {
            options,
            matcher: Matcher::default(),
            hypothesis: Tokens::default(),
            reference: Tokens::default(),
        }
    }

    /// The counts of one segment against its references.
    pub fn count<S: AsRef<str>>(&mut self, hypothesis: &str, references: &[S]) -> BleuCounts {
        let BleuOptions { tokenizer, lowercase, .. } = self.options;
        tokenizer.tokenize(hypothesis, *lowercase, &mut self.hypothesis);
        let (text, words) = self.hypothesis.parts();
        self.matcher.hypothesis(text, words);
        let length = words.len();
        let mut closest: Option<usize> = None;
        for reference in references {
            tokenizer.tokenize(reference.as_ref(), *lowercase, &mut self.reference);
            let (text, words) = self.reference.parts();
            self.matcher.reference(text, words);
            let distance = |other: usize| (length.abs_diff(other), other);
            if closest.is_none_or(|best| distance(words.len()) < distance(best)) {
                closest = Some(words.len());
            }
        }
        let mut matches = [0; MAX_ORDER];
        self.matcher.matches(&mut matches);
        BleuCounts {
            hypothesis_length: length as u64,
            reference_length: closest.unwrap_or(0) as u64,
            matches: matches.map(u64::from),
            totals: std::array::from_fn(|order| length.saturating_sub(order) as u64),
        }
    }
}

/// The score of summed counts.
pub fn score(counts: &BleuCounts, options: &BleuOptions, signature: String) -> BleuScore {
    let (hypothesis, reference) = (counts.hypothesis_length, counts.reference_length);
    let brevity_penalty = brevity_penalty(counts);
    let (precisions, order) = precisions(counts, options);
    let score = if counts.matches.iter().all(|matches| *matches == 0) {
        0.0
    } else {
        let sum = precisions[..order].iter().fold(0.0, |sum, p| sum + logarithm(*p));
        brevity_penalty * (sum / order as f64).exp()
    };
    let length_ratio = if reference == 0 { 0.0 } else { hypothesis as f64 / reference as f64 };
    BleuScore { score, signature, counts: *counts, precisions, brevity_penalty, length_ratio }
}

fn brevity_penalty(counts: &BleuCounts) -> f64 {
    let (hypothesis, reference) = (counts.hypothesis_length, counts.reference_length);
    if hypothesis >= reference {
        1.0
    } else if hypothesis == 0 {
        0.0
    } else {
        (1.0 - reference as f64 / hypothesis as f64).exp()
    }
}

/// Smoothed precisions in percent, and the number of orders that count.
fn precisions(counts: &BleuCounts, options: &BleuOptions) -> ([f64; MAX_ORDER], usize) {
    let mut precisions = [0.0; MAX_ORDER];
    let mut order = MAX_ORDER;
    if counts.matches.iter().all(|matches| *matches == 0) {
        return (precisions, order);
    }
    let mut halving = 1.0;
    for (index, precision) in precisions.iter_mut().enumerate() {
        let mut matches = counts.matches[index] as f64;
        let mut total = counts.totals[index] as f64;
        if let Smoothing::AddK(k) = options.smoothing
            && index > 0
        {
            matches += k;
            total += k;
        }
        if total == 0.0 {
            break;
        }
        if options.effective_order {
            order = index + 1;
        }
        *precision = if matches > 0.0 {
            100.0 * matches / total
        } else {
            match options.smoothing {
                Smoothing::Exponential => {
                    halving *= 2.0;
                    100.0 / (halving * total)
                }
                Smoothing::Floor(floor) => 100.0 * floor / total,
                Smoothing::None | Smoothing::AddK(_) => 0.0,
            }
        };
    }
    (precisions, order)
}

/// [`precisions`] in the 32-bit arithmetic of sacreBLEU's resamples.
fn precisions_single(counts: &BleuCounts, options: &BleuOptions) -> ([f32; MAX_ORDER], usize) {
    let mut precisions = [0f32; MAX_ORDER];
    let mut order = MAX_ORDER;
    let mut halving = 1f32;
    for (index, precision) in precisions.iter_mut().enumerate() {
        let (mut matches, mut total) = (counts.matches[index] as f32, counts.totals[index] as f32);
        if let Smoothing::AddK(k) = options.smoothing
            && index > 0
        {
            matches += k as f32;
            total += k as f32;
        }
        if total == 0.0 {
            break;
        }
        if options.effective_order {
            order = index + 1;
        }
        *precision = if matches > 0.0 {
            100.0 * matches / total
        } else {
            match options.smoothing {
                Smoothing::Exponential => {
                    halving *= 2.0;
                    100.0 / (halving * total)
                }
                Smoothing::Floor(floor) => (100.0 * floor) as f32 / total,
                Smoothing::None | Smoothing::AddK(_) => 0.0,
            }
        };
    }
    (precisions, order)
}

/// The natural logarithm, with the reference program's stand-in for −∞.
fn logarithm(value: f64) -> f64 {
    if value == 0.0 { -9_999_999_999.0 } else { value.ln() }
}

/// The signature, such as `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:…`.
/// `n_references` is `None` where segments differ in it.
pub fn signature(options: &BleuOptions, n_references: Option<usize>) -> String {
    let smoothing = match options.smoothing {
        Smoothing::None => "none".to_owned(),
        Smoothing::Floor(value) => format!("floor[{value:.2}]"),
        Smoothing::AddK(value) => format!("add-k[{value:.2}]"),
        Smoothing::Exponential => "exp".to_owned(),
    };
    super::signature::format(
        n_references,
        &[
            ("case", if options.lowercase { "lc" } else { "mixed" }),
            ("eff", if options.effective_order { "yes" } else { "no" }),
            ("tok", options.tokenizer.name()),
            ("smooth", &smoothing),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn matches_published_examples() {
        // sacreBLEU 2.6.0: sentence_bleu("the cat sat on the mat", ["the cat is on the mat"]), and the
        // README's two references, recomputed with corpus_bleu.
        let options = BleuOptions { effective_order: true, ..Default::default() };
        let one = sentence("the cat sat on the mat", &["the cat is on the mat"], &options).unwrap();
        assert_eq!(one.counts.matches, [5, 3, 1, 0]);
        let hypotheses =
            ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."];
        let references = vec![
            vec!["The dog bit the man.", "The dog had bit the man."],
            vec!["It was not unexpected.", "No one was surprised."],
            vec!["The man bit him first.", "The man had bitten the dog."],
        ];
        let score = corpus(&hypotheses, &references, &BleuOptions::default()).unwrap();
        close(score.score, 48.530_827_009_929_865, 1e-12, 0.0);
        assert!(
            score.signature.starts_with("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:")
        );
    }
}
