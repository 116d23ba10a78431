//! Perplexity from log-probabilities: the figure, its interval clustered by document, and the paired
//! comparison of two models on the same documents.
//!
//! With L_d the negative log-likelihood of document d in nats and u_d its units (tokens, bytes or
//! words): `ℓ = Σ L_d / Σ u_d`, perplexity `exp ℓ`, bits per unit `ℓ / ln 2`. Tokens of one document are
//! not independent, so documents are the sample: ℓ is a ratio of means, and with D documents its
//! standard error is `√( D/(D−1) · Σ (L_d − ℓ u_d)² ) / Σ u_d` (linearisation; Cochran, *Sampling
//! Techniques*, ch. 6), with Student's t on D − 1 degrees of freedom. Figures of tokenizers that
//! differ may be compared per byte or per word only. No model is run here.

use crate::EvalError;
use crate::flip;
use grimoire_stats::dist::{Distribution, Student};
use grimoire_stats::{Alternative, Interval, Record};
use serde::Serialize;
use std::fmt;

/// What one document cost the model, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct DocumentNll {
    /// Sum of −ln p over the scored tokens, in nats.
    pub nll_sum: f64,
    /// Scored tokens.
    pub tokens: u64,
    /// Bytes of the scored text in UTF-8.
    pub bytes: u64,
    /// Words of the scored text (runs without white space).
    pub words: u64,
}

/// What surprise is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Tokens of the model: not comparable between tokenizers.
    Token,
    /// Bytes of UTF-8.
    Byte,
    /// Runs without white space.
    Word,
}

impl Unit {
    /// How many of them the document has.
    pub fn count(self, document: &DocumentNll) -> u64 {
        match self {
            Self::Token => document.tokens,
            Self::Byte => document.bytes,
            Self::Word => document.words,
        }
    }

    /// `token`, `byte` or `word`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Byte => "byte",
            Self::Word => "word",
        }
    }
}

/// When a window begins with the begin-of-sequence token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Begin {
    /// Never: the first token of a document is not scored.
    None,
    /// Once before each document: its first token is scored.
    Document,
    /// Before each window.
    Window,
}

/// How the log-probabilities were made; together they are the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Protocol {
    /// Tokens of context at most.
    pub window: usize,
    /// Tokens scored per window; equal to the window when windows do not overlap.
    pub stride: usize,
    /// The rule for the begin-of-sequence token.
    pub begin: Begin,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begin = match self.begin {
            Begin::None => "none",
            Begin::Document => "document",
            Begin::Window => "window",
        };
        let version = env!("CARGO_PKG_VERSION");
        write!(
            f,
            "window:{}|stride:{}|bos:{begin}|version:grimoire.{version}",
            self.window, self.stride
        )
    }
}

/// Perplexity per one unit, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Perplexity {
    /// What surprise is divided by.
    pub unit: Unit,
    /// `exp nll`.
    pub perplexity: f64,
    /// The interval of `perplexity`; `None` with fewer than two documents or windows.
    pub interval: Option<Interval>,
    /// Nats per unit.
    pub nll: f64,
    /// Bits per unit.
    pub bits: f64,
    /// Documents.
    pub documents: u64,
    /// Windows, where those of a single document are the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<u64>,
    /// Units over all documents.
    pub units: u64,
}

/// Perplexity of the documents per `unit`, with an interval of coverage `level` clustered by document.
///
/// # Errors
/// No unit at all, a value that is not finite, a level outside (0, 1).
pub fn summary(documents: &[DocumentNll], unit: Unit, level: f64) -> Result<Perplexity, EvalError> {
    clustered(documents, unit, level, BY_DOCUMENT)
}

/// The same of one document by its `windows`, which then are the sample.
///
/// # Errors
/// As [`summary`].
pub fn summary_by_window(
    windows: &[DocumentNll],
    unit: Unit,
    level: f64,
) -> Result<Perplexity, EvalError> {
    let found = clustered(windows, unit, level, "clustered by window, t")?;
    Ok(Perplexity { documents: 1, windows: Some(found.documents), ..found })
}

const BY_DOCUMENT: &str = "clustered by document, t";

fn clustered(
    documents: &[DocumentNll],
    unit: Unit,
    level: f64,
    method: &'static str,
) -> Result<Perplexity, EvalError> {
    let sample = Sample::new(documents.iter().map(|d| (d.nll_sum, unit.count(d))), level)?;
    let nll = sample.ratio;
    let interval = sample
        .margin(level)
        .map(|margin| Interval::new((nll - margin).exp(), (nll + margin).exp(), level, method));
    Ok(Perplexity {
        unit,
        perplexity: nll.exp(),
        interval,
        nll,
        bits: nll / std::f64::consts::LN_2,
        documents: documents.len() as u64,
        windows: None,
        units: documents.iter().map(|document| unit.count(document)).sum(),
    })
}

/// The difference of two models on the same documents, in nats per `unit` (second minus first: negative
/// when the second is better), with its interval and the p-value of a sign-flip test by document:
/// if the models were alike, each document's difference would as likely have the other sign.
///
/// # Errors
/// As [`summary`]; lists of different length; a document of different length in units.
pub fn compare(
    first: &[DocumentNll],
    second: &[DocumentNll],
    unit: Unit,
    level: f64,
    seed: u64,
) -> Result<Record, EvalError> {
    if first.len() != second.len() {
        return Err(EvalError::Lengths {
            metric: "perplexity",
            left_name: "the first model".to_owned(),
            left: first.len(),
            right_name: "the second model".to_owned(),
            right: second.len(),
        });
    }
    let odd = |(a, b): (&DocumentNll, &DocumentNll)| unit.count(a) != unit.count(b);
    if let Some(index) = first.iter().zip(second).position(odd) {
        return Err(EvalError::Lengths {
            metric: "perplexity",
            left_name: format!("document {} of the first model, in {}s,", index + 1, unit.name()),
            left: unit.count(&first[index]) as usize,
            right_name: "the same document of the second model".to_owned(),
            right: unit.count(&second[index]) as usize,
        });
    }
    let pairs = first.iter().zip(second);
    let sample = Sample::new(pairs.map(|(a, b)| (b.nll_sum - a.nll_sum, unit.count(a))), level)?;
    let test = flip::mean_is_zero(&sample.values, seed);
    let mut record = Record::new(test.method(), first.len() as u64)
        .with_estimate(format!("difference in nats per {}", unit.name()), sample.ratio)
        .with_effect("ratio of perplexities", sample.ratio.exp(), None)
        .assuming("documents are independent of each other")
        .with("flips", test.flips as f64);
    if first.len() > 1 {
        let null = "the sign of each document's difference is a fair coin";
        record = record.with_test(null, Alternative::TwoSided, test.p_value);
    }
    if let Some(margin) = sample.margin(level) {
        let (low, high) = (sample.ratio - margin, sample.ratio + margin);
        let method = BY_DOCUMENT;
        record = record.with_interval(Interval::new(low, high, level, method)).with_effect(
            "ratio of perplexities",
            sample.ratio.exp(),
            Some(Interval::new(low.exp(), high.exp(), level, method)),
        );
    }
    Ok(record)
}

/// A ratio of sums over documents.
struct Sample {
    values: Vec<f64>,
    ratio: f64,
    /// `None` with fewer than two documents.
    error: Option<f64>,
}

impl Sample {
    fn new(items: impl Iterator<Item = (f64, u64)>, level: f64) -> Result<Self, EvalError> {
        if !(level > 0.0 && level < 1.0) {
            return Err(EvalError::Setting {
                metric: "perplexity",
                setting: "level",
                found: level.to_string(),
                expected: "a probability between 0 and 1",
            });
        }
        let (values, units): (Vec<f64>, Vec<u64>) = items.unzip();
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(EvalError::Setting {
                metric: "perplexity",
                setting: "log-likelihood",
                found: format!("{} in document {}", values[index], index + 1),
                expected: "a finite number",
            });
        }
        let total = units.iter().sum::<u64>() as f64;
        if total == 0.0 {
            return Err(EvalError::Empty { metric: "perplexity" });
        }
        let ratio = values.iter().sum::<f64>() / total;
        let n = values.len() as f64;
        let squares: f64 = values
            .iter()
            .zip(&units)
            .map(|(value, units)| (value - ratio * *units as f64).powi(2))
            .sum();
        let error = (values.len() > 1).then(|| (n / (n - 1.0) * squares).sqrt() / total);
        Ok(Self { values, ratio, error })
    }

    fn margin(&self, level: f64) -> Option<f64> {
        let freedom = self.values.len() as f64 - 1.0;
        Some(student_quantile(level, freedom)? * self.error?)
    }
}

/// The t that holds `level` of Student's distribution between −t and t.
fn student_quantile(level: f64, freedom: f64) -> Option<f64> {
    Some(Student::new(freedom).ok()?.quantile(0.5 + level / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn quantiles_of_student_are_the_table() {
        // scipy 1.17.1: stats.t.ppf(0.975, ν).
        let table = [(1.0, 12.706_204_736_174_694), (4.0, 2.776_445_105_197_798_4)];
        for (freedom, expected) in table {
            close(student_quantile(0.95, freedom).unwrap(), expected, 1e-12, 0.0);
        }
        close(student_quantile(0.95, 1e6).unwrap(), 1.959_966_356_814_107, 1e-12, 0.0);
    }

    #[test]
    fn a_uniform_model_has_the_size_of_its_vocabulary() {
        let document = |tokens: u64| DocumentNll {
            nll_sum: tokens as f64 * 50_257f64.ln(),
            tokens,
            bytes: 4 * tokens,
            words: tokens,
        };
        let documents = [document(10), document(500), document(3)];
        let per_token = summary(&documents, Unit::Token, 0.95).unwrap();
        close(per_token.perplexity, 50_257.0, 1e-12, 0.0);
        let per_byte = summary(&documents, Unit::Byte, 0.95).unwrap();
        close(per_byte.perplexity, 50_257f64.powf(0.25), 1e-12, 0.0);
        let interval = per_token.interval.unwrap();
        close(interval.width(), 0.0, 0.0, 1e-8);
    }

    #[test]
    fn with_equal_documents_the_interval_is_that_of_the_mean() {
        // scipy 1.17.1: exp of stats.t.interval(0.95, 3, loc=mean, scale=sem) of [2.0, 2.5, 3.5, 4.0].
        let documents: Vec<DocumentNll> = [2.0, 2.5, 3.5, 4.0]
            .map(|nll_sum| DocumentNll { nll_sum, tokens: 1, bytes: 1, words: 1 })
            .to_vec();
        let found = summary(&documents, Unit::Token, 0.95).unwrap();
        let interval = found.interval.unwrap();
        close(interval.lower, 4.699_323_875_648_061, 1e-12, 0.0);
        close(interval.upper, 85.848_263_317_901_26, 1e-12, 0.0);
    }

    #[test]
    fn windows_of_one_document_are_no_documents() {
        let windows: Vec<DocumentNll> = [2.0, 2.5, 3.5]
            .map(|nll_sum| DocumentNll { nll_sum, tokens: 1, bytes: 1, words: 1 })
            .to_vec();
        let by_document = summary(&windows, Unit::Token, 0.95).unwrap();
        let by_window = summary_by_window(&windows, Unit::Token, 0.95).unwrap();
        assert_eq!((by_document.documents, by_document.windows), (3, None));
        assert_eq!((by_window.documents, by_window.windows), (1, Some(3)));
        let (by_document, by_window) = (by_document.interval.unwrap(), by_window.interval.unwrap());
        assert_eq!(by_document.method, "clustered by document, t");
        assert_eq!(by_window.method, "clustered by window, t");
        close(by_window.lower, by_document.lower, 0.0, 0.0);
        close(by_window.upper, by_document.upper, 0.0, 0.0);
    }

    #[test]
    fn a_consistent_gain_is_found_exactly() {
        let make = |shift: f64| -> Vec<DocumentNll> {
            (1..=6)
                .map(|d| DocumentNll {
                    nll_sum: f64::from(d) * (3.0 - shift),
                    tokens: d as u64,
                    bytes: 4,
                    words: 1,
                })
                .collect()
        };
        let record = compare(&make(0.0), &make(0.1), Unit::Token, 0.95, 1).unwrap();
        close(record.estimate.unwrap(), -0.1, 1e-12, 0.0);
        // All six signs agree: 2 of 2⁶ flips are as extreme.
        close(record.p_value.unwrap(), 2.0 / 64.0, 1e-15, 0.0);
        assert!(compare(&make(0.0)[..5], &make(0.0), Unit::Token, 0.95, 1).is_err());
    }
}
