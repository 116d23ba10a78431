//! `grimoire stats perplexity`.

use super::information::From;
use super::show::{self, Lines};
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::info::estimate::{self, Estimator};
use grimoire_stats::info::{entropy, sequence_perplexity, surprise};
use grimoire_stats::test::mean::Summary;
use grimoire_stats::{Interval, error, interval};
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
    /// The steps (taken as independent of each other), or the counts, are a sample: an interval, and for counts the
    /// bias corrected.
    #[arg(long)]
    sample: bool,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.95, requires = "sample")]
    level: f64,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    estimate: f64,
    n: usize,
    bits: f64,
    nats: f64,
    /// Of the population; around the perplexity corrected for bias, where counts were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    /// With the bias of counting corrected (Grassberger 2003).
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<f64>,
}

/// The interval, and the corrected perplexity where there is one.
fn sample(arguments: &Perplexity, values: &[f64]) -> Outcome<(Interval, Option<f64>)> {
    let level = arguments.level;
    let of = |made: Interval| Interval { lower: made.lower.exp(), upper: made.upper.exp(), ..made };
    let steps = |surprises: Vec<f64>| -> Outcome<Interval> {
        error::sample("the surprises of the steps", &surprises, 2)?;
        let Summary { n, mean, variance } = Summary::of(&surprises);
        if variance == 0.0 {
            return Err(Failure::work("all steps are equal, which says nothing of their spread")
                .hint("leave out --sample"));
        }
        let made = interval::mean(n as u64, mean, variance.sqrt(), level)?;
        // No step has less than no surprise.
        Ok(Interval { lower: made.lower.max(0.0), ..made })
    };
    match arguments.from {
        Given::Steps => {
            let surprises: Result<Vec<f64>, _> = values.iter().map(|&p| surprise(p)).collect();
            Ok((of(steps(surprises?)?), None))
        }
        Given::LogSteps => Ok((of(steps(values.iter().map(|log| -log).collect())?), None)),
        Given::Counts => {
            let found = estimate::entropy(values)?;
            Ok((of(found.interval(level)?), Some(found.value(Estimator::Grassberger).exp())))
        }
        Given::Probabilities | Given::Logits => {
            Err(Failure::usage("--sample is for steps and counts: probabilities are no sample"))
        }
    }
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
    let sample = if arguments.sample { Some(sample(arguments, &values)?) } else { None };
    let (interval, corrected) = sample.map_or((None, None), |(made, point)| (Some(made), point));
    let report = Report {
        method: "perplexity",
        estimate,
        n: values.len(),
        bits: nats / std::f64::consts::LN_2,
        nats,
        interval,
        corrected,
    };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        lines.number("perplexity", report.estimate);
        if let Some(corrected) = report.corrected {
            lines.number("corrected for bias", corrected);
        }
        if let Some(made) = &report.interval {
            lines.add("", show::interval(made));
        }
        lines.number("bits per step", report.bits);
        lines.number("nats per step", report.nats).add("n", report.n.to_string());
        lines.text()
    })
}
