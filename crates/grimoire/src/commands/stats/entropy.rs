//! `grimoire stats entropy`.

use super::information::{From, UnitName, in_unit};
use super::show::{self, Lines, figure};
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::Interval;
use grimoire_stats::info::estimate::{self, Estimator};
use grimoire_stats::info::stream::EntropySum;
use grimoire_stats::info::{Unit, entropy};
use serde::Serialize;
use std::collections::BTreeMap;

/// Entropy: mean surprise, -sum p log p.
///
/// Probabilities and counts are summed as they come, in constant memory.
#[derive(clap::Args)]
pub(crate) struct Entropy {
    /// Numbers, FILE, FILE:COLUMN, or - for standard input.
    #[arg(allow_negative_numbers = true)]
    values: Vec<String>,
    /// What the numbers are.
    #[arg(long, value_enum, default_value = "probabilities")]
    from: From,
    /// Count the different values (labels or numbers) and take those counts.
    #[arg(long)]
    of_values: bool,
    /// The counts are a sample: correct the bias, with an interval.
    #[arg(long)]
    sample: bool,
    /// Unit.
    #[arg(long, value_enum, default_value = "bits")]
    unit: UnitName,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
}

#[derive(Serialize)]
struct Plain {
    method: &'static str,
    estimate: f64,
    unit: Unit,
    n: u64,
    /// Entropy over its largest possible value, log n.
    evenness: f64,
    perplexity: f64,
}

#[derive(Serialize)]
struct Sampled {
    method: &'static str,
    estimate: f64,
    interval: Interval,
    standard_error: f64,
    unit: Unit,
    n: u64,
    seen: usize,
    singletons: usize,
    estimators: BTreeMap<&'static str, f64>,
}

/// Computes and prints.
pub(crate) fn run(arguments: &Entropy, printer: &mut Printer) -> Outcome {
    let unit = arguments.unit.unit();
    let source = Source::parse(&arguments.values, None)?;
    if arguments.of_values {
        let mut tally: BTreeMap<String, f64> = BTreeMap::new();
        source.labels()?.into_iter().for_each(|label| *tally.entry(label).or_default() += 1.0);
        let counts: Vec<f64> = tally.into_values().collect();
        return sampled(&counts, unit, arguments.level, printer);
    }
    if arguments.sample {
        return sampled(&source.collect()?, unit, arguments.level, printer);
    }
    let (nats, n) = match arguments.from {
        From::Logits => {
            let p = From::Logits.distribution(&source.collect()?)?;
            (entropy(&p), p.p().len() as u64)
        }
        from => {
            let mut sum = EntropySum::default();
            source.for_each(|value| Ok(sum.push(value)?))?;
            let nats =
                if from == From::Counts { sum.of_counts()? } else { sum.of_probabilities()? };
            (nats, sum.n())
        }
    };
    let report = Plain {
        method: "entropy",
        estimate: unit.of(nats),
        unit,
        n,
        evenness: if n > 1 { nats / (n as f64).ln() } else { 1.0 },
        perplexity: nats.exp(),
    };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        lines.add("entropy", format!("{} {}", figure(report.estimate), report.unit.name()));
        lines.add("outcomes", report.n.to_string());
        lines.number("part of the largest possible", report.evenness);
        lines.number("perplexity", report.perplexity);
        lines.text()
    })
}

fn sampled(counts: &[f64], unit: Unit, level: f64, printer: &mut Printer) -> Outcome {
    let found = estimate::entropy(counts)?;
    let names = [
        (Estimator::PlugIn, "plug-in"),
        (Estimator::MillerMadow, "Miller-Madow"),
        (Estimator::Grassberger, "Grassberger"),
        (Estimator::Jackknife, "jackknife"),
        (Estimator::ChaoShen, "Chao-Shen"),
    ];
    let report = Sampled {
        method: "entropy of a sample (Grassberger 2003)",
        estimate: unit.of(found.value(Estimator::Grassberger)),
        interval: in_unit(unit, found.interval(level)?),
        standard_error: unit.of(found.error()),
        unit,
        n: found.n as u64,
        seen: found.seen,
        singletons: found.singletons,
        estimators: names
            .iter()
            .map(|(which, name)| (*name, unit.of(found.value(*which))))
            .collect(),
    };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        lines.add("entropy", format!("{} {}", figure(report.estimate), report.unit.name()));
        lines.add("", show::interval(&report.interval));
        lines.add("n", report.n.to_string());
        lines.add("outcomes seen", format!("{}, once: {}", report.seen, report.singletons));
        for (_, name) in names {
            lines.number(name, report.estimators[name]);
        }
        format!("{}\n\n{}", report.method, lines.text())
    })
}
