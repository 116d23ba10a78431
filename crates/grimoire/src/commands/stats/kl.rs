//! `grimoire stats kl` and `grimoire stats cross-entropy`: the same numbers seen from two sides.

use super::information::{From, UnitName};
use super::show::{Lines, figure};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::info::{self, Unit};
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
}

fn report(arguments: &Kl, method: &'static str) -> Outcome<Report> {
    let unit = arguments.unit.unit();
    let (p, q) = (arguments.from.read(&arguments.p)?, arguments.from.read(&arguments.q)?);
    Ok(Report {
        method,
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
    printer.report(&report(arguments, "KL divergence")?, |report| {
        let mut lines = Lines::default();
        lines.add("KL(P||Q)", amount(report, report.forward));
        lines.add("KL(Q||P)", amount(report, report.reverse));
        lines.add("Jensen-Shannon", amount(report, report.jensen_shannon));
        forbidden(report, &mut lines);
        lines.text()
    })
}

/// Computes the cross entropy and prints.
pub(crate) fn run_cross_entropy(arguments: &Kl, printer: &mut Printer) -> Outcome {
    printer.report(&report(arguments, "cross entropy")?, |report| {
        let mut lines = Lines::default();
        lines.add("cross entropy H(P, Q)", amount(report, report.cross_entropy));
        lines.add("entropy H(P)", amount(report, report.entropy_p));
        lines.add("their difference, KL(P||Q)", amount(report, report.forward));
        forbidden(report, &mut lines);
        lines.text()
    })
}
