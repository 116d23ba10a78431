//! `grimoire stats pca`.

use super::show::{Lines, between, digits, figure};
use crate::app::{figures, numbers};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_plot::{Axis, Figure, Points};
use grimoire_stats::eigen::pca::{Components, pca};
use grimoire_stats::linear::Columns;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// Principal components of columns of a file: the directions of most variation.
#[derive(clap::Args)]
pub(crate) struct Pca {
    /// CSV, TSV or JSON Lines file.
    file: PathBuf,
    /// Columns to take.
    #[arg(long, value_delimiter = ',', required = true)]
    columns: Vec<String>,
    /// Divide the columns by their standard deviations first.
    #[arg(long)]
    scale: bool,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Draw the first two scores of every row to this SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    columns: Vec<String>,
    #[serde(flatten)]
    found: Components,
}

/// Computes, draws and prints.
pub(crate) fn run(arguments: &Pca, printer: &mut Printer) -> Outcome {
    let names: Vec<&str> = arguments.columns.iter().map(String::as_str).collect();
    let columns = numbers::columns(&arguments.file, &names)?;
    let found = pca(&Columns::from_columns(&columns)?, arguments.scale, arguments.level)?;
    if let Some(path) = &arguments.plot {
        if found.scores.len() < 2 {
            return Err(Failure::usage("--plot needs at least two columns"));
        }
        let points = found.scores[0].iter().copied().zip(found.scores[1].iter().copied()).collect();
        let axis = |k: usize| {
            Axis::linear(format!(
                "component {} ({} %)",
                k + 1,
                digits(found.components[k].share * 100.0, 3)
            ))
        };
        let svg = Figure::new("The rows along the first two components")
            .x(axis(0))
            .y(axis(1))
            .equal()
            .add(Points::new("rows", points))
            .svg()?;
        figures::write(path, &svg)?;
    }
    let report =
        Report { method: "principal components", columns: arguments.columns.clone(), found };
    printer.report(&report, text)
}

fn text(report: &Report) -> String {
    let mut out = format!("principal components of {} rows\n", report.found.n);
    for (k, component) in report.found.components.iter().enumerate() {
        let _ = writeln!(
            out,
            "\n{}: variance {} ({}), {} % of the whole, {} % so far",
            k + 1,
            figure(component.variance),
            between(&component.interval),
            digits(component.share * 100.0, 4),
            digits(component.cumulative * 100.0, 4),
        );
        let mut lines = Lines::default();
        for (name, weight) in report.columns.iter().zip(&component.loadings) {
            lines.number(format!("   {name}"), *weight);
        }
        out.push_str(&lines.text());
    }
    out
}
