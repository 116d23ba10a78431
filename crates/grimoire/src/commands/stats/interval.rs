//! `grimoire stats interval`: intervals without a test.

use super::counted::{Count, Counted, counted, successes};
use super::options::{groups, sample};
use super::show::{self, Lines};
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;
use grimoire_stats::interval::{Difference, Proportion, Rate, mean};
use grimoire_stats::resample::clustered_mean;
use grimoire_stats::test::mean::Summary;
use grimoire_stats::{Alternative, Record};

/// Intervals of a proportion, a rate, a mean, a difference of proportions, by every method.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    of: Of,
    /// Coverage.
    #[arg(long, default_value_t = 0.95, global = true)]
    level: f64,
}

#[derive(Debug, Subcommand)]
enum Of {
    /// SUCCESSES of N trials.
    Proportion {
        /// Successes; or FILE:COLUMN of 0 and 1, without N.
        successes: Count,
        /// Trials.
        n: Option<Count>,
    },
    /// COUNT events in EXPOSURE units of time or space.
    Rate {
        /// Events.
        count: u64,
        /// Units observed.
        #[arg(default_value_t = 1.0)]
        exposure: f64,
    },
    /// The mean of a sample, Student's or cluster-robust.
    Mean {
        /// Numbers, FILE, FILE:COLUMN or -.
        #[arg(allow_negative_numbers = true)]
        sample: String,
        /// Labels of the clusters, one per value: FILE:COLUMN or numbers.
        #[arg(long)]
        clusters: Option<String>,
    },
    /// Difference of two proportions.
    Difference {
        /// Successes in the first sample.
        successes_1: u64,
        /// Trials in the first sample.
        n_1: u64,
        /// Successes in the second sample.
        successes_2: u64,
        /// Trials in the second sample.
        n_2: u64,
    },
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let (level, both) = (args.level, Alternative::TwoSided);
    let record = match &args.of {
        Of::Proportion { successes: first, n } => {
            let (x, n) = match counted([("SUCCESSES", Some(first)), ("N", n.as_ref())])? {
                Counted::Counts([x, n]) => (x, n),
                Counted::Columns([column]) => successes(column)?,
            };
            let mut made = Vec::new();
            for method in Proportion::ALL {
                made.push(method.interval(x, n, level, both)?);
            }
            several("interval of a proportion", n, "probability", x as f64 / n as f64, made)
        }
        Of::Rate { count, exposure } => {
            let mut made = Vec::new();
            for method in Rate::ALL {
                made.push(method.interval(*count, *exposure, level, both)?);
            }
            several("interval of a rate", *count, "rate", *count as f64 / exposure, made)
        }
        Of::Difference { successes_1, n_1, successes_2, n_2 } => {
            let (one, two) = ((*successes_1, *n_1), (*successes_2, *n_2));
            let mut made = Vec::new();
            for method in [Difference::Newcombe, Difference::AgrestiCaffo, Difference::Wald] {
                made.push(method.interval(one, two, level, both)?);
            }
            let gap = one.0 as f64 / one.1 as f64 - two.0 as f64 / two.1 as f64;
            several("interval of a difference of proportions", n_1 + n_2, "difference", gap, made)
        }
        Of::Mean { sample: word, clusters: Some(labels) } => {
            clustered_mean(&sample(word)?, &groups(labels)?, level)?
        }
        Of::Mean { sample: word, clusters: None } => {
            let values = sample(word)?;
            grimoire_stats::error::sample("the sample", &values, 2)?;
            let s = Summary::of(&values);
            let sd = s.variance.sqrt();
            let n = values.len() as u64;
            Record::new("interval of a mean", n)
                .with_estimate("mean", s.mean)
                .with_interval(mean(n, s.mean, sd, level)?)
                .with("standard_deviation", sd)
                .assuming("values are independent")
                .assuming("the mean is about normal")
        }
    };
    printer.report(&record, text)
}

fn text(record: &Record) -> String {
    let mut lines = Lines::default();
    lines.add("n", record.n.to_string());
    let made = || record.interval.iter().chain(&record.intervals);
    let level = made().next().map_or(f64::NAN, |interval| interval.level);
    if let Some(estimate) = record.estimate {
        let digits = show::digits(estimate, show::figures_for(made()));
        lines.add(record.estimate_name.as_ref(), digits);
    }
    for (name, value) in &record.more.0 {
        lines.number(name.replace('_', " "), *value);
    }
    let level = show::figure(level * 100.0);
    let mut text = format!("{}, {level} %\n\n{}\n", record.method, lines.text());
    let mut table = Lines::default();
    for made in made() {
        table.add(show::method(made), show::between(made));
    }
    text.push_str(&table.text());
    text
}

fn several(
    method: &'static str,
    n: u64,
    name: &'static str,
    estimate: f64,
    made: Vec<grimoire_stats::Interval>,
) -> Record {
    let mut made = made.into_iter();
    let mut record = Record::new(method, n).with_estimate(name, estimate);
    record.interval = made.next();
    record.intervals = made.collect();
    record
}
