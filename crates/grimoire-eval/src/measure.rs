//! The text metrics under one roof: settings that count texts into sufficient statistics, block by
//! block, and know their score. What reads files and what prints is elsewhere.

use crate::EvalError;
use crate::statistics::{Mean, Score, Statistics};
use crate::text::bleu::{self, BleuOptions};
use crate::text::chrf::{self, ChrfOptions};
use crate::text::rouge::{self, Kind, Loss, Rouge, RougeOptions};
use crate::text::squad;
use crate::text::ter::{self, TerOptions};

/// A metric and its settings.
#[derive(Debug, Clone)]
pub enum Metric {
    /// BLEU.
    Bleu(BleuOptions),
    /// chrF or chrF++.
    Chrf(ChrfOptions),
    /// Translation edit rate.
    Ter(TerOptions),
    /// ROUGE of several kinds.
    Rouge(Vec<Kind>, RougeOptions),
    /// Exact match and token F1 of answers.
    Squad,
}

/// What ROUGE knows of a block besides its F1.
#[derive(Debug, Clone, Default)]
pub struct Aside {
    /// What the tokenizer lost.
    pub loss: Loss,
    /// The sums of precision and recall over the segments, for each kind.
    pub sides: Vec<[f64; 2]>,
}

impl Aside {
    /// Adds what is known of another block.
    pub fn add(&mut self, other: &Self) {
        self.loss.add(&other.loss);
        self.sides.resize(self.sides.len().max(other.sides.len()), [0.0; 2]);
        for (sums, more) in self.sides.iter_mut().zip(&other.sides) {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }
}

fn sides(segments: &[Vec<Rouge>], kind: usize) -> [f64; 2] {
    let sum = |of: fn(&Rouge) -> f64| segments.iter().map(|segment| of(&segment[kind])).sum();
    [sum(|rouge| rouge.precision), sum(|rouge| rouge.recall)]
}

/// One score of a metric: ROUGE has one for each kind, SQuAD two, the others one.
pub struct Measure {
    /// Such as `BLEU` or `rougeL`.
    pub name: String,
    /// From sums to score.
    pub score: Box<dyn Score>,
    /// What scores are multiplied with for people: 100 for those between 0 and 1.
    pub scale: f64,
}

impl std::fmt::Debug for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Measure({})", self.name)
    }
}

impl Metric {
    /// The scores of this metric, in order.
    pub fn measures(&self) -> Vec<Measure> {
        let one = |name: String, score: Box<dyn Score>| vec![Measure { name, score, scale: 1.0 }];
        let mean = |name: String| Measure { name, score: Box::new(Mean), scale: 100.0 };
        match self {
            Self::Bleu(options) => one("BLEU".to_owned(), Box::new(options.clone())),
            Self::Chrf(options) => one(options.name(), Box::new(*options)),
            Self::Ter(options) => one("TER".to_owned(), Box::new(*options)),
            Self::Rouge(kinds, _) => kinds.iter().map(|kind| mean(kind.to_string())).collect(),
            Self::Squad => vec![mean("exact match".to_owned()), mean("F1".to_owned())],
        }
    }

    /// The metric for single segments: the same, but for BLEU, where orders that a segment is too short for
    /// are left out.
    pub fn by_segment(&self) -> Self {
        match self {
            Self::Bleu(options) => {
                Self::Bleu(BleuOptions { effective_order: true, ..options.clone() })
            }
            other => other.clone(),
        }
    }

    /// The signature; `n_references` is `None` where segments differ in it.
    pub fn signature(&self, n_references: Option<usize>) -> String {
        match self {
            Self::Bleu(options) => bleu::signature(options, n_references),
            Self::Chrf(options) => chrf::signature(options, n_references),
            Self::Ter(options) => ter::signature(options, n_references),
            Self::Rouge(_, options) => rouge::signature(options, n_references),
            Self::Squad => {
                let n = n_references.map_or_else(|| "var".to_owned(), |n| n.to_string());
                format!("nrefs:{n}|norm:squad-1.1|version:grimoire.{}", env!("CARGO_PKG_VERSION"))
            }
        }
    }

    /// Counts a block of segments, adding their rows to `rows`, one table for each measure.
    /// Returns what ROUGE knows besides; of the others there is nothing.
    ///
    /// # Errors
    /// As the metric's `corpus`.
    pub fn count(
        &self,
        hypotheses: &[&str],
        references: &[Vec<&str>],
        rows: &mut [Statistics],
    ) -> Result<Aside, EvalError> {
        match self {
            Self::Bleu(options) => {
                let counts = bleu::segments(hypotheses, references, options)?;
                counts.iter().for_each(|counts| rows[0].push(counts.row()));
            }
            Self::Chrf(options) => {
                let counts = chrf::segments(hypotheses, references, options)?;
                counts.iter().for_each(|counts| rows[0].push(counts.row()));
            }
            Self::Ter(options) => {
                let counts = ter::segments(hypotheses, references, options)?;
                counts.iter().for_each(|counts| rows[0].push(counts.row()));
            }
            Self::Rouge(kinds, options) => {
                let score = rouge::corpus(hypotheses, references, kinds, options)?;
                for segment in &score.segments {
                    for (rows, rouge) in rows.iter_mut().zip(segment) {
                        rows.push([rouge.f1, 1.0]);
                    }
                }
                let sides = (0..kinds.len()).map(|kind| sides(&score.segments, kind)).collect();
                return Ok(Aside { loss: score.loss, sides });
            }
            Self::Squad => {
                for (hypothesis, references) in hypotheses.iter().zip(references) {
                    let answer = squad::score(hypothesis, references);
                    rows[0].push([answer.exact_match, 1.0]);
                    rows[1].push([answer.f1, 1.0]);
                }
            }
        }
        Ok(Aside::default())
    }

    /// Empty tables, one for each measure.
    pub fn tables(&self) -> Vec<Statistics> {
        self.measures().iter().map(|measure| Statistics::new(measure.score.columns())).collect()
    }
}
