//! `grimoire stats bootstrap`: intervals from resamples of the data.

use super::options::{groups, sample};
use super::show;
use crate::app::figures;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_stats::Record;
use grimoire_stats::resample::bootstrap::quantile_interval;
use grimoire_stats::resample::{Bootstrap, Kind, Plan};
use std::path::PathBuf;

/// Bootstrap intervals of a mean, a median, a quantile, or a paired difference of means.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sample: numbers, FILE, FILE:COLUMN or -.
    #[arg(allow_negative_numbers = true)]
    sample: String,
    /// A second sample of as many values: the mean of the differences, pair by pair.
    #[arg(long, allow_negative_numbers = true)]
    minus: Option<String>,
    /// What is estimated.
    #[arg(long, value_enum, default_value = "mean")]
    statistic: Statistic,
    /// The share below the quantile, with --statistic quantile [default: 0.5].
    #[arg(long)]
    share: Option<f64>,
    /// Labels of the clusters, one per value; whole clusters are drawn.
    #[arg(long, conflicts_with = "strata")]
    clusters: Option<String>,
    /// Labels of the strata, one per value; every stratum keeps its size.
    #[arg(long)]
    strata: Option<String>,
    /// Number of resamples.
    #[arg(long, default_value_t = 10_000)]
    resamples: u32,
    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Coverage.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Draws the resampled means to an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Statistic {
    Mean,
    Median,
    Quantile,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let mut values = sample(&args.sample)?;
    if let Some(other) = &args.minus {
        let other = sample(other)?;
        if other.len() != values.len() {
            return Err(Failure::usage(format_args!(
                "the first sample has {} values, the second {}",
                values.len(),
                other.len()
            )));
        }
        values.iter_mut().zip(other).for_each(|(value, other)| *value -= other);
    }
    let labels = match (&args.clusters, &args.strata) {
        (Some(word), _) | (_, Some(word)) => groups(word)?,
        _ => Vec::new(),
    };
    let plan = match (&args.clusters, &args.strata) {
        (Some(_), _) => Plan::Clusters(&labels),
        (_, Some(_)) => Plan::Strata(&labels),
        _ => Plan::Rows,
    };
    let request = Bootstrap { plan, resamples: args.resamples, seed: args.seed, level: args.level };
    if args.statistic != Statistic::Quantile && args.share.is_some() {
        return Err(Failure::usage("--share goes with --statistic quantile"));
    }
    let mut record: Record = match args.statistic {
        Statistic::Mean => request.mean(&values)?,
        _ if plan != Plan::Rows => {
            return Err(Failure::usage("clusters and strata are for the mean"));
        }
        Statistic::Median => quantile_interval(&values, 0.5, &request)?,
        Statistic::Quantile => quantile_interval(&values, args.share.unwrap_or(0.5), &request)?,
    };
    if args.minus.is_some() {
        let name = format!("{} difference", record.estimate_name);
        record.estimate_name = name.into();
    }
    if let Some(path) = &args.plot {
        let n = values.len() as f64;
        if args.statistic != Statistic::Mean || matches!(plan, Plan::Clusters(_)) {
            return Err(Failure::usage("--plot draws the plain mean"));
        }
        let resampled = request.run(&values, 1, |s: &[f64]| s[0] / n, &[Kind::Percentile])?;
        let interval = record.interval.clone().unwrap_or_else(|| resampled.intervals[0].clone());
        let title = "Means of the resamples";
        let figure =
            figures::histogram(title, "mean", &resampled.sorted, resampled.estimate, &interval);
        figures::save(&figure, path)?;
    }
    printer.report(&record, show::record)
}
