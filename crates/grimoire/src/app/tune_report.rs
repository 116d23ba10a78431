//! What a tuning run found out, as one typed record: the JSON of the command and the source of
//! `report.html`. Losses are mean negative log-likelihoods in nats per scored token.

use serde::{Deserialize, Serialize};

/// The report of one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TuneReport {
    /// The base model as it was asked for.
    pub(crate) model: String,
    /// The data as they were asked for.
    pub(crate) data: String,
    /// The folder of the run.
    pub(crate) out: String,
    /// How it was trained, in a line: `LoRA, rank 16, alpha 32, all linear layers`.
    pub(crate) method: String,
    /// Settings, in the order in which they are shown.
    pub(crate) settings: Vec<Fact>,
    /// Versions and the machine.
    pub(crate) versions: Vec<Fact>,
    /// What was read: rows by schema, documents, tokens, truncation.
    pub(crate) data_facts: Vec<Fact>,
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    /// Of training alone, without evaluation.
    pub(crate) train_seconds: f64,
    pub(crate) tokens_per_second: f64,
    /// Measured peak of resident memory, in bytes, where the system tells.
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) predicted_peak_bytes: Option<u64>,
    /// `None` when nothing was held out.
    pub(crate) held_out: Option<HeldOut>,
    /// BLEU and ROUGE of generated answers, when the data have answers.
    pub(crate) scores: Vec<Score>,
    pub(crate) metrics: Vec<StepMetric>,
    pub(crate) evaluations: Vec<Evaluation>,
    /// The step whose weights were kept.
    pub(crate) best_step: Option<u64>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) warnings: Vec<String>,
    pub(crate) next: Vec<NextCommand>,
}

/// A name and a value, both ready to be shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// The held-out part, before and after.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HeldOut {
    /// Confidence of every interval here, as a share: 0.95.
    pub(crate) level: f64,
    pub(crate) tokens: u64,
    pub(crate) loss_before: Estimate,
    pub(crate) loss_after: Estimate,
    pub(crate) perplexity_before: Estimate,
    pub(crate) perplexity_after: Estimate,
    /// After minus before, in nats per token: below zero is better.
    pub(crate) difference: Estimate,
    pub(crate) p_value: f64,
    /// How interval and p-value were computed.
    pub(crate) method: String,
    pub(crate) documents: Vec<DocumentChange>,
}

/// One held-out document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DocumentChange {
    /// Where it is in the data: `rows.jsonl:17`.
    pub(crate) name: String,
    pub(crate) tokens: u64,
    /// Nats per token.
    pub(crate) before: f64,
    pub(crate) after: f64,
}

/// A text metric before and after, on the same prompts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Score {
    pub(crate) metric: String,
    pub(crate) signature: String,
    pub(crate) before: Estimate,
    pub(crate) after: Estimate,
    /// After minus before, with the interval of paired resamples; `None` for a single prompt.
    pub(crate) difference: Option<Estimate>,
    /// Two-sided, of exchanging the two answers to each prompt at random.
    pub(crate) p_value: Option<f64>,
    /// Prompts, which are the units that are resampled.
    pub(crate) n: usize,
}

/// One optimiser step. A value that was not finite is NaN here.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct StepMetric {
    pub(crate) step: u64,
    pub(crate) loss: f64,
    pub(crate) learning_rate: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) grad_norm: f64,
}

/// One evaluation on the held-out part during the run.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) step: u64,
    pub(crate) loss: Estimate,
}

/// An answer before and after, with the one in the data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) prompt: String,
    pub(crate) expected: Option<String>,
    /// Every answer that the data have to this prompt; `expected` is one of them.
    #[serde(default)]
    pub(crate) references: Vec<String>,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A command to try next, and what it does.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NextCommand {
    pub(crate) what: String,
    pub(crate) command: String,
}

/// What may be concluded about the held-out loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Better,
    Worse,
    NoEvidence,
}

impl HeldOut {
    /// Better or worse only when the interval leaves out zero and the p-value is below one minus the
    /// level; everything else is no evidence.
    pub(crate) fn verdict(&self) -> Verdict {
        let sure = self.p_value < 1.0 - self.level;
        match self.difference {
            Estimate { upper, .. } if sure && upper < 0.0 => Verdict::Better,
            Estimate { lower, .. } if sure && lower > 0.0 => Verdict::Worse,
            _ => Verdict::NoEvidence,
        }
    }
}

impl TuneReport {
    /// How the kept step was chosen, where there was a choice.
    pub(crate) fn kept(&self) -> Option<String> {
        let (step, n) = (self.best_step?, self.evaluations.len());
        (n > 1).then(|| {
            format!(
                "Step {step} was kept, the best of {n} by the loss on these same documents, which flatters it a \
                 little."
            )
        })
    }

    /// The result in a sentence or two, for the terminal and the head of the page.
    pub(crate) fn headline(&self) -> String {
        let Some(held) = &self.held_out else {
            return "Not measured: nothing was held out, so there is no honest figure.".to_owned();
        };
        let Estimate { value, lower: low, upper: high } = held.difference;
        let level = held.level * 100.0;
        let n = held.documents.len();
        let documents = if n == 1 { "document" } else { "documents" };
        let p = p_value(held.p_value);
        let interval = |low: f64, high: f64| {
            format!("{level:.0} % interval {} to {}", number(low, 3), number(high, 3))
        };
        match held.verdict() {
            Verdict::Better => format!(
                "Better: on {n} {documents} it did not train on, the loss fell by {} nats per token \
                 ({}, {p}).",
                number(-value, 3),
                interval(-high, -low)
            ),
            Verdict::Worse => format!(
                "Worse: on {n} {documents} it did not train on, the loss rose by {} nats per token \
                 ({}, {p}).",
                number(value, 3),
                interval(low, high)
            ),
            Verdict::NoEvidence => format!(
                "No evidence of a difference: on {n} {documents} it did not train on, the loss changed \
                 by {} nats per token ({}, {p}).",
                number(value, 3),
                interval(low, high)
            ),
        }
    }
}

/// A number with fixed decimals and a true minus sign.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// A p-value with as many digits as it deserves.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.0001 {
        "p < 0.0001".to_owned()
    } else if p < 0.01 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.2}")
    }
}
