//! `grimoire stats adjust`: many p-values at once.

use super::show::Lines;
use crate::app::numbers::Source;
use crate::failure::Outcome;
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_stats::error::open_unit;
use grimoire_stats::multiple::{Adjustment, adjust};
use serde::Serialize;

/// Adjusts p-values for the number of comparisons.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The p-values: numbers, FILE, FILE:COLUMN, or - for standard input.
    p_values: Vec<String>,
    /// Which error is bounded, and how.
    #[arg(long, value_enum, default_value = "holm")]
    method: Method,
    /// Which adjusted values count as findings.
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Method {
    /// Chance of any false finding; the weakest.
    Bonferroni,
    /// Chance of any false finding, any dependence.
    Holm,
    /// Chance of any false finding, under independence.
    Hochberg,
    /// Share of false findings (Benjamini-Hochberg).
    Bh,
    /// Share of false findings under any dependence (Benjamini-Yekutieli).
    By,
}

#[derive(Serialize)]
struct Report {
    method: Adjustment,
    n: usize,
    p_values: Vec<f64>,
    adjusted: Vec<f64>,
    alpha: f64,
    findings: usize,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    open_unit("--alpha", args.alpha)?;
    let p_values = Source::parse(&args.p_values, None)?.collect()?;
    let method = match args.method {
        Method::Bonferroni => Adjustment::Bonferroni,
        Method::Holm => Adjustment::Holm,
        Method::Hochberg => Adjustment::Hochberg,
        Method::Bh => Adjustment::BenjaminiHochberg,
        Method::By => Adjustment::BenjaminiYekutieli,
    };
    let adjusted = adjust(&p_values, method)?;
    let findings = adjusted.iter().filter(|p| **p <= args.alpha).count();
    let report =
        Report { method, n: p_values.len(), p_values, adjusted, alpha: args.alpha, findings };
    printer.report(&report, |report| {
        let mut lines = Lines::default();
        lines.add("p-value", "adjusted");
        for (p, adjusted) in report.p_values.iter().zip(&report.adjusted) {
            lines.number(super::show::figure(*p), *adjusted);
        }
        format!("{}\n{} of {} at {}\n", lines.text(), report.findings, report.n, report.alpha)
    })
}
