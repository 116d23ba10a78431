//! `grimoire stats ema`.

use super::show::{Lines, figure};
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::mean::ema::{Ema as Running, Rate};
use serde::Serialize;

/// Exponential moving average: discount x value + (1 - discount) x average so far.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("rate").required(true)))]
pub(crate) struct Ema {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// Weight of the new value, above 0 and at most 1.
    #[arg(long, group = "rate")]
    discount: Option<f64>,
    /// Steps (or units of time) after which a value weighs half.
    #[arg(long, group = "rate")]
    half_life: Option<f64>,
    /// Discount 2/(span + 1).
    #[arg(long, group = "rate")]
    span: Option<f64>,
    /// Start from nothing and divide by the weight so far, instead of starting from the first value.
    #[arg(long)]
    bias_corrected: bool,
    /// Times of the values, ascending: numbers with commas, FILE:COLUMN.
    #[arg(long)]
    times: Option<String>,
    /// Print the average after every value.
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    n: u64,
    discount: f64,
    half_life: f64,
    bias_corrected: bool,
    estimate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    averages: Option<Vec<f64>>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Ema, printer: &mut Printer) -> Outcome {
    let rate = match (arguments.discount, arguments.half_life, arguments.span) {
        (Some(discount), ..) => Rate::Discount(discount),
        (_, Some(steps), _) => Rate::HalfLife(steps),
        (_, _, Some(span)) => Rate::Span(span),
        _ => return Err(Failure::usage("one of --discount, --half-life, --span is needed")),
    };
    let mut ema = Running::new(rate, arguments.bias_corrected)?;
    let mut averages = arguments.all.then(Vec::new);
    let source = Source::parse(&arguments.values, None)?;
    match &arguments.times {
        None => {
            source.for_each(|value| {
                let average = ema.push(value)?;
                averages.iter_mut().for_each(|all| all.push(average));
                Ok(())
            })?;
        }
        Some(words) => {
            let (values, times) = (source.collect()?, Source::parse_one(words)?.collect()?);
            if values.len() != times.len() {
                return Err(Failure::usage(format_args!(
                    "{} values and {} times",
                    values.len(),
                    times.len()
                )));
            }
            for (value, time) in values.into_iter().zip(times) {
                let average = ema.push_at(time, value)?;
                averages.iter_mut().for_each(|all| all.push(average));
            }
        }
    }
    let report = Report {
        method: "exponential moving average",
        n: ema.n(),
        discount: ema.discount(),
        half_life: ema.half_life(),
        bias_corrected: arguments.bias_corrected,
        estimate: ema.value()?,
        averages,
    };
    printer.report(&report, |report| {
        if let Some(all) = &report.averages {
            return all.iter().map(|average| format!("{}\n", figure(*average))).collect();
        }
        let mut lines = Lines::default();
        lines.number("average", report.estimate).add("n", report.n.to_string());
        lines.number("discount", report.discount).number("half-life", report.half_life);
        lines.text()
    })
}
