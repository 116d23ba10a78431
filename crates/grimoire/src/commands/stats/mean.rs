//! `grimoire stats mean`.

use super::show;
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::dist::{Distribution, Student};
use grimoire_stats::mean::{Kind, Running};
use grimoire_stats::{Interval, Record};

/// Which average.
#[derive(Clone, Copy, clap::ValueEnum)]
enum KindName {
    Arithmetic,
    Geometric,
    Harmonic,
    Power,
}

/// Arithmetic, geometric, harmonic and power means, with an interval; constant memory.
#[derive(clap::Args)]
pub(crate) struct Mean {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// Which average.
    #[arg(long, value_enum, default_value = "arithmetic")]
    kind: KindName,
    /// Order of the power mean (2: quadratic; -1: harmonic) [default: 2].
    #[arg(long, allow_negative_numbers = true)]
    order: Option<f64>,
    /// Weights, as many as values: numbers with commas, FILE:COLUMN.
    #[arg(long)]
    weights: Option<String>,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Mean, printer: &mut Printer) -> Outcome {
    let kind = match arguments.kind {
        KindName::Arithmetic => Kind::Arithmetic,
        KindName::Geometric => Kind::Geometric,
        KindName::Harmonic => Kind::Harmonic,
        KindName::Power => Kind::Power(arguments.order.unwrap_or(2.0)),
    };
    if arguments.order.is_some() && !matches!(kind, Kind::Power(_)) {
        return Err(Failure::usage("--order goes with --kind power"));
    }
    let level = arguments.level;
    if !(level > 0.0 && level < 1.0) {
        return Err(Failure::usage(format_args!("--level is {level}, expected between 0 and 1")));
    }
    let source = Source::parse(&arguments.values, None)?;
    let mut running = Running::new(kind)?;
    match &arguments.weights {
        None => {
            source.for_each(|value| Ok(running.push(value)?))?;
        }
        Some(words) => {
            let (values, weights) = (source.collect()?, Source::parse_one(words)?.collect()?);
            if values.len() != weights.len() {
                return Err(Failure::usage(format_args!(
                    "{} values and {} weights",
                    values.len(),
                    weights.len()
                )));
            }
            for (value, weight) in values.into_iter().zip(weights) {
                running.push_weighted(value, weight)?;
            }
        }
    }
    let mut record = Record::new(kind.name(), running.n()).with_estimate("mean", running.mean()?);
    let quantile = |degrees: f64| {
        Student::new(degrees).map_or(f64::NAN, |t| t.upper_quantile(0.5 - 0.5 * level))
    };
    match running.ends(quantile) {
        Some((low, high)) => {
            let method = match kind {
                Kind::Arithmetic => "Student's t",
                Kind::Geometric => "Student's t of the logarithms",
                Kind::Harmonic => "Student's t of the inverses",
                Kind::Power(_) => "Student's t of the powers",
            };
            record = record
                .with_interval(Interval::new(low, high, level, method))
                .assuming("values are independent draws")
                .assuming("their transformed mean is near normal");
        }
        None if arguments.weights.is_some() => record = record.with("weight", running.weight()),
        None => {}
    }
    printer.report(&record, show::record)
}
