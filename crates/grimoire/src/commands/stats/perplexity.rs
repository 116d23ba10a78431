//! `grimoire stats perplexity`.

use super::information::From;
use super::show::Lines;
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::info::{entropy, sequence_perplexity, surprise};
use serde::Serialize;

/// What the numbers are.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Given {
    /// Probability of each step of a sequence.
    Steps,
    /// Natural logarithm of the probability of each step.
    LogSteps,
    /// A distribution, as probabilities.
    Probabilities,
    /// A distribution, as counts.
    Counts,
    /// A distribution, as raw scores.
    Logits,
}

/// Perplexity: how many equally likely choices would be as uncertain.
#[derive(clap::Args)]
pub(crate) struct Perplexity {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// What the numbers are.
    #[arg(long, value_enum, default_value = "steps")]
    from: Given,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    estimate: f64,
    n: usize,
    bits: f64,
    nats: f64,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Perplexity, printer: &mut Printer) -> Outcome {
    let values = Source::parse(&arguments.values, None)?.collect()?;
    let estimate = match arguments.from {
        Given::Steps => {
            let logs: Vec<f64> =
                values.iter().map(|&p| surprise(p).map(|s| -s)).collect::<Result<_, _>>()?;
            sequence_perplexity(&logs)?
        }
        Given::LogSteps => sequence_perplexity(&values)?,
        Given::Probabilities => entropy(&From::Probabilities.distribution(&values)?).exp(),
        Given::Counts => entropy(&From::Counts.distribution(&values)?).exp(),
        Given::Logits => entropy(&From::Logits.distribution(&values)?).exp(),
    };
    let nats = estimate.ln();
    let report = Report {
        method: "perplexity",
        estimate,
        n: values.len(),
        bits: nats / std::f64::consts::LN_2,
        nats,
    };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        lines.number("perplexity", report.estimate).number("bits per step", report.bits);
        lines.number("nats per step", report.nats).add("n", report.n.to_string());
        lines.text()
    })
}
