//! `grimoire stats kl` and `grimoire stats cross-entropy`: the same numbers seen from two sides.

use super::information::{From, UnitName, in_unit};
use super::show::{self, Lines, figure};
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::Interval;
use grimoire_stats::info::{self, Distribution, Unit, sampled};
use serde::Serialize;

/// KL divergence in both directions, and the Jensen-Shannon divergence.
#[derive(clap::Args)]
pub(crate) struct Kl {
    /// What happens: numbers with commas, FILE, FILE:COLUMN.
    #[arg(long, allow_hyphen_values = true)]
    p: String,
    /// What was expected, likewise.
    #[arg(long, allow_hyphen_values = true)]
    q: String,
    /// What the numbers are.
    #[arg(long, value_enum, default_value = "probabilities")]
    from: From,
    /// The counts of P are a sample, Q is known: correct the bias, with an interval.
    #[arg(long)]
    sample: bool,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.95, requires = "sample")]
    level: f64,
    /// Unit.
    #[arg(long, value_enum, default_value = "bits")]
    unit: UnitName,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    unit: Unit,
    n: usize,
    /// KL(P||Q); `null` stands for infinity.
    forward: f64,
    /// KL(Q||P).
    reverse: f64,
    jensen_shannon: f64,
    entropy_p: f64,
    entropy_q: f64,
    /// H(P, Q).
    cross_entropy: f64,
    /// H(Q, P).
    reverse_cross_entropy: f64,
    /// First outcome (from 0) that P has and Q forbids.
    #[serde(skip_serializing_if = "Option::is_none")]
    forbidden: Option<usize>,
    /// Of the population of which the counts of P are a sample.
    #[serde(flatten)]
    sample: Option<Sample>,
}

/// Of a sample: what was asked for, and the other of the two beside it.
#[derive(Serialize)]
#[serde(untagged)]
enum Sample {
    Divergence {
        observations: u64,
        /// KL(P||Q) less its bias upwards, about one less than the outcomes over twice the observations.
        corrected: f64,
        interval: Interval,
        cross_entropy_interval: Interval,
    },
    CrossEntropy {
        observations: u64,
        interval: Interval,
    },
}

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Divergence,
    CrossEntropy,
}

fn sample(arguments: &Kl, p: &[f64], q: &Distribution, of: Of) -> Outcome<Option<Sample>> {
    if !arguments.sample {
        return Ok(None);
    }
    let unit = arguments.unit.unit();
    let observations = p.iter().sum::<f64>() as u64;
    let cross_entropy = in_unit(unit, sampled::cross_entropy_interval(p, q, arguments.level)?);
    if of == Of::CrossEntropy {
        return Ok(Some(Sample::CrossEntropy { observations, interval: cross_entropy }));
    }
    let found = sampled::divergence(p, q, arguments.level)?;
    Ok(Some(Sample::Divergence {
        observations,
        corrected: unit.of(found.corrected),
        interval: in_unit(unit, found.interval),
        cross_entropy_interval: cross_entropy,
    }))
}

fn report(arguments: &Kl, of: Of) -> Outcome<Report> {
    if arguments.sample && arguments.from != From::Counts {
        return Err(Failure::usage("--sample is for counts: give --from counts too"));
    }
    let unit = arguments.unit.unit();
    let numbers = Source::parse_one(&arguments.p)?.collect()?;
    let (p, q) = (arguments.from.distribution(&numbers)?, arguments.from.read(&arguments.q)?);
    Ok(Report {
        method: match of {
            Of::Divergence => "KL divergence",
            Of::CrossEntropy => "cross entropy",
        },
        unit,
        n: p.p().len(),
        forward: unit.of(info::kl(&p, &q)?),
        reverse: unit.of(info::kl(&q, &p)?),
        jensen_shannon: unit.of(info::jensen_shannon(&p, &q)?),
        entropy_p: unit.of(info::entropy(&p)),
        entropy_q: unit.of(info::entropy(&q)),
        cross_entropy: unit.of(info::cross_entropy(&p, &q)?),
        reverse_cross_entropy: unit.of(info::cross_entropy(&q, &p)?),
        forbidden: info::impossible(&p, &q),
        sample: sample(arguments, &numbers, &q, of)?,
    })
}

fn amount(report: &Report, value: f64) -> String {
    format!("{} {}", figure(value), report.unit.name())
}

fn forbidden(report: &Report, lines: &mut Lines) {
    if let Some(at) = report.forbidden {
        lines.add("why infinite", format!("outcome {} happens under P and cannot under Q", at + 1));
    }
}

/// Computes the divergences and prints.
pub(crate) fn run(arguments: &Kl, printer: &mut Printer) -> Outcome {
    printer.report(&report(arguments, Of::Divergence)?, |report| {
        let mut lines = Lines::default();
        lines.add("KL(P||Q)", amount(report, report.forward));
        if let Some(Sample::Divergence { observations, corrected, interval, .. }) = &report.sample {
            lines.add("corrected for bias", amount(report, *corrected));
            lines.add("", show::interval(interval));
            lines.add("observations", observations.to_string());
        }
        lines.add("KL(Q||P)", amount(report, report.reverse));
        lines.add("Jensen-Shannon", amount(report, report.jensen_shannon));
        forbidden(report, &mut lines);
        lines.text()
    })
}

/// Computes the cross entropy and prints.
pub(crate) fn run_cross_entropy(arguments: &Kl, printer: &mut Printer) -> Outcome {
    printer.report(&report(arguments, Of::CrossEntropy)?, |report| {
        let mut lines = Lines::default();
        lines.add("cross entropy H(P, Q)", amount(report, report.cross_entropy));
        if let Some(Sample::CrossEntropy { observations, interval }) = &report.sample {
            lines.add("", show::interval(interval));
            lines.add("observations", observations.to_string());
        }
        lines.add("entropy H(P)", amount(report, report.entropy_p));
        lines.add("their difference, KL(P||Q)", amount(report, report.forward));
        forbidden(report, &mut lines);
        lines.text()
    })
}
