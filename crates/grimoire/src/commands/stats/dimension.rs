//! `grimoire stats dimension`.

use super::show::{self, Lines, digits, figure};
use crate::app::{figures, numbers};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_plot::{Axis, Figure, Line};
use grimoire_stats::dimension::concentration::{self, Concentration};
use grimoire_stats::dimension::intrinsic::{Intrinsic, correlation, likelihood, two_nearest};
use grimoire_stats::dimension::recall::{self, Recall};
use grimoire_stats::dimension::volume::{Volumes, volumes};
use grimoire_stats::dimension::{Cloud, Points};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// Where points are drawn.
#[derive(Clone, Copy, clap::ValueEnum)]
enum CloudName {
    Cube,
    Gaussian,
    Sphere,
}

/// The curse of dimensionality, measured; or the dimension that given data really have.
#[derive(clap::Args)]
pub(crate) struct Dimension {
    /// File of points: estimate the dimension that they fill.
    file: Option<PathBuf>,
    /// Its columns.
    #[arg(long, value_delimiter = ',', requires = "file")]
    columns: Vec<String>,
    /// Dimensions to measure.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,5,10,20,50,100")]
    dimensions: Vec<usize>,
    /// Points drawn.
    #[arg(long, default_value_t = 1000)]
    points: usize,
    /// Where.
    #[arg(long, value_enum, default_value = "cube")]
    cloud: CloudName,
    /// Neighbours, for hubs and for the intrinsic dimension.
    #[arg(long, default_value_t = 10)]
    neighbours: usize,
    /// Points that the search tree may look at for each query.
    #[arg(long, default_value_t = 50)]
    budget: usize,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Of the points.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draw spread, contrast and recall against the dimension to this SVG file (without a FILE of points).
    #[arg(long, value_name = "FILE.svg", conflicts_with = "file")]
    plot: Option<PathBuf>,
}

#[derive(Serialize)]
struct Measured {
    dimension: usize,
    volumes: Volumes,
    distances: Concentration,
    search: Recall,
}

#[derive(Serialize)]
struct Curse {
    method: &'static str,
    n: usize,
    seed: u64,
    measured: Vec<Measured>,
}

#[derive(Serialize)]
struct Filled {
    method: &'static str,
    n: usize,
    written_in: usize,
    estimates: Vec<Intrinsic>,
    distances: Concentration,
}

/// Measures and prints.
pub(crate) fn run(arguments: &Dimension, printer: &mut Printer) -> Outcome {
    match &arguments.file {
        Some(_) => printer.report(&filled(arguments)?, filled_text),
        None => {
            let report = curse(arguments)?;
            if let Some(path) = &arguments.plot {
                figures::write(path, &plot(&report)?)?;
            }
            printer.report(&report, curse_text)
        }
    }
}

fn curse(arguments: &Dimension) -> Outcome<Curse> {
    let cloud = match arguments.cloud {
        CloudName::Cube => Cloud::Cube,
        CloudName::Gaussian => Cloud::Gaussian,
        CloudName::Sphere => Cloud::Sphere,
    };
    let Dimension { points: n, level, seed, budget, neighbours, .. } = *arguments;
    let one = |&d: &usize| -> Outcome<Measured> {
        Ok(Measured {
            dimension: d,
            volumes: volumes(d as f64, 0.05, 0.01, 0.1)?,
            distances: concentration::measure(cloud, n, d, neighbours, level, seed)?,
            search: recall::measure(cloud, n, d, 400, budget, level, seed)?,
        })
    };
    let measured = arguments.dimensions.iter().map(one).collect::<Outcome<Vec<_>>>()?;
    Ok(Curse { method: "curse of dimensionality", n, seed, measured })
}

fn curse_text(report: &Curse) -> String {
    let mut out = format!(
        "{} points; spread = sd/mean of distances; contrast = (farthest - nearest)/nearest;\n\
         shell = outer 5 % of a ball; edge = of the cube with 1 % of the volume; recall of a search tree\n\n",
        report.n
    );
    let header = [
        "d",
        "spread",
        "contrast",
        "hubness",
        "shell",
        "edge",
        "grid points",
        "recall",
        "exact search reads",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for m in &report.measured {
        let percent = |value: f64| format!("{} %", digits(value * 100.0, 3));
        rows.push(vec![
            m.dimension.to_string(),
            digits(m.distances.variation, 3),
            digits(m.distances.contrast, 3),
            digits(m.distances.hubness, 3),
            percent(m.volumes.shell),
            digits(m.volumes.edge, 3),
            format!("10^{}", figure(m.volumes.log10_points)),
            percent(m.search.recall),
            percent(m.search.exact_cost),
        ]);
    }
    let width = |j: usize| rows.iter().map(|row| row[j].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for row in &rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, w)| format!("{cell:>w$}")).collect();
        let _ = writeln!(out, "{}", line.join("  "));
    }
    out
}

fn plot(report: &Curse) -> Outcome<String> {
    let of = |pick: fn(&Measured) -> f64| -> Vec<(f64, f64)> {
        report.measured.iter().map(|m| (m.dimension as f64, pick(m))).collect()
    };
    let contrast: Vec<(f64, f64)> = of(|m| m.distances.contrast.min(10.0) / 10.0);
    Ok(Figure::new("What the dimension does to distances and to search")
        .subtitle(format!("{} points; contrast is cut at ten and divided by ten", report.n))
        .x(Axis::log("dimension"))
        .y(Axis::linear("").from(0.0).to(1.0))
        .add(Line::new("spread of distances", of(|m| m.distances.variation)).markers())
        .add(Line::new("contrast / 10", contrast).markers())
        .add(Line::new("recall of a search tree", of(|m| m.search.recall)).markers())
        .add(Line::new("part that exact search reads", of(|m| m.search.exact_cost)).markers())
        .svg()?)
}

fn filled(arguments: &Dimension) -> Outcome<Filled> {
    let Some(file) = &arguments.file else { return Err(Failure::usage("no file")) };
    let names: Vec<&str> = arguments.columns.iter().map(String::as_str).collect();
    if names.is_empty() {
        return Err(Failure::usage("--columns must name the coordinates"));
    }
    let columns = numbers::columns(file, &names)?;
    let n = columns.first().map_or(0, Vec::len);
    let values = (0..n).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let points = Points::new(names.len(), values)?;
    let k = arguments.neighbours;
    if k >= n {
        return Err(Failure::usage(format_args!(
            "--neighbours {k}: {n} points have at most {} neighbours each",
            n.saturating_sub(1)
        )));
    }
    let level = arguments.level;
    Ok(Filled {
        method: "intrinsic dimension",
        n,
        written_in: names.len(),
        estimates: vec![
            likelihood(&points, k, level)?,
            two_nearest(&points, level)?,
            correlation(&points, level)?,
        ],
        distances: concentration::of_points(&points, k, level)?,
    })
}

fn filled_text(report: &Filled) -> String {
    let mut lines = Lines::default();
    for estimate in &report.estimates {
        let far = match estimate.extrapolated == estimate.dimension {
            true => String::new(),
            false => format!("at distance zero {}, ", digits(estimate.extrapolated, 4)),
        };
        let found = digits(estimate.dimension, 4);
        lines.add(estimate.method, format!("{found}, {far}{}", show::interval(&estimate.interval)));
    }
    lines.number("spread of distances", report.distances.variation);
    let concentration::Concentration { contrast, interval, .. } = &report.distances;
    lines.add("contrast", format!("{}, {}", digits(*contrast, 4), show::interval(interval)));
    lines.number("hubness", report.distances.hubness);
    format!("{} points written in {} numbers each\n\n{}", report.n, report.written_in, lines.text())
}
