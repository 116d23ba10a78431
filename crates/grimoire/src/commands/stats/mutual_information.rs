//! `grimoire stats mutual-information`.

use super::information::{UnitName, in_unit};
use super::matrix;
use super::show::{self, Lines, figure};
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::info::mutual::{self, Mutual};
use grimoire_stats::info::{Unit, mutual_information};
use grimoire_stats::{Error, Interval};
use serde::Serialize;
use std::collections::BTreeMap;

/// Mutual information of two variables, from a table of counts or two columns of labels.
#[derive(clap::Args)]
pub(crate) struct MutualInformation {
    /// Table of counts or probabilities: rows separated by semicolons, as "10,2;3,15".
    table: Option<String>,
    /// Labels of the first variable: FILE:COLUMN.
    #[arg(long, requires = "y", conflicts_with = "table")]
    x: Option<String>,
    /// Labels of the second, row by row beside the first.
    #[arg(long, requires = "x")]
    y: Option<String>,
    /// Unit.
    #[arg(long, value_enum, default_value = "bits")]
    unit: UnitName,
    /// Level of the interval.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    estimate: f64,
    /// Miller and Madow's first-order correction of the bias upwards, which a sample of counts has;
    /// absent, as the interval is, when the table holds no whole counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<f64>,
    /// Of the information in the population, of which the counts are a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    unit: Unit,
    n: f64,
    rows: f64,
    columns: f64,
    joint: f64,
    normalized: f64,
}

/// Computes and prints.
pub(crate) fn run(arguments: &MutualInformation, printer: &mut Printer) -> Outcome {
    let unit = arguments.unit.unit();
    let table = match (&arguments.table, &arguments.x, &arguments.y) {
        (Some(text), ..) => matrix::parse(text)?,
        (None, Some(x), Some(y)) => tally(x, y)?,
        _ => return Err(Failure::usage("give a table, or both --x and --y")),
    };
    let Mutual { information, rows, columns, joint, normalized } = mutual_information(&table)?;
    let n: f64 = table.iter().flatten().sum();
    let sample = match mutual::sampled(&table, arguments.level) {
        Ok(sample) => Some(sample),
        // Probabilities, or a margin that does not vary: no sample to speak of.
        Err(Error::At { .. } | Error::TooFew { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let report = Report {
        method: "mutual information",
        estimate: unit.of(information),
        corrected: sample.as_ref().map(|sample| unit.of(sample.corrected)),
        interval: sample.map(|sample| in_unit(unit, sample.interval)),
        unit,
        n,
        rows: unit.of(rows),
        columns: unit.of(columns),
        joint: unit.of(joint),
        normalized,
    };
    printer.report(&report, |report| {
        let amount = |value: f64| format!("{} {}", figure(value), report.unit.name());
        let mut lines = Lines::default();
        lines.add("mutual information", amount(report.estimate));
        if let (Some(corrected), Some(made)) = (report.corrected, &report.interval) {
            lines.add("corrected for bias", amount(corrected));
            lines.add("", show::interval(made));
        }
        lines.add("entropy of rows", amount(report.rows));
        lines.add("entropy of columns", amount(report.columns));
        lines.add("joint entropy", amount(report.joint));
        lines.number("part of the geometric mean", report.normalized).number("n", report.n);
        lines.text()
    })
}

fn tally(x: &str, y: &str) -> Outcome<Vec<Vec<f64>>> {
    let (x, y) = (Source::parse_one(x)?.labels()?, Source::parse_one(y)?.labels()?);
    if x.len() != y.len() {
        return Err(Failure::usage(format_args!(
            "{} labels in --x and {} in --y",
            x.len(),
            y.len()
        )));
    }
    let place = |labels: &[String]| -> BTreeMap<String, usize> {
        let mut sorted = labels.to_vec();
        sorted.sort();
        sorted.dedup();
        sorted.into_iter().enumerate().map(|(i, label)| (label, i)).collect()
    };
    let (rows, columns) = (place(&x), place(&y));
    let mut table = vec![vec![0.0; columns.len()]; rows.len()];
    for (x, y) in x.iter().zip(&y) {
        table[rows[x]][columns[y]] += 1.0;
    }
    Ok(table)
}
