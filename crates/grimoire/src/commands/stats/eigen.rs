//! `grimoire stats eigen`.

use super::matrix;
use super::show::{Lines, digits, figure};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::eigen::Complex;
use grimoire_stats::eigen::dense::{General, general, general_complex, symmetric};
use grimoire_stats::eigen::hermitian::hermitian;
use grimoire_stats::eigen::lanczos::{Options, Wanted, lanczos};
use grimoire_stats::eigen::plane::{Kind, Story, story};
use serde::Serialize;
use std::fmt::Write;

/// Which end of the spectrum.
#[derive(Clone, Copy, clap::ValueEnum)]
enum WantedName {
    Largest,
    Smallest,
    Magnitude,
}

/// Eigenvalues and eigenvectors of a matrix; for 2x2, which directions it keeps.
#[derive(clap::Args)]
pub(crate) struct Eigen {
    /// Matrix: rows separated by semicolons, as "2,1;1,2"; or a file with one row a line. Entries may be
    /// complex, as 1-2i.
    #[arg(allow_hyphen_values = true)]
    matrix: String,
    /// Only this many pairs, by products with the matrix alone (symmetric matrices).
    #[arg(long)]
    leading: Option<usize>,
    /// Which end, with --leading.
    #[arg(long, value_enum, default_value = "largest")]
    wanted: WantedName,
}

#[derive(Serialize)]
struct Pair {
    value: Complex,
    vector: Vec<Complex>,
    /// |Av - value v|
    residual: f64,
    /// How much the value can move for a unit change of the matrix; absent for iterative methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<f64>,
}

#[derive(Serialize)]
struct Report {
    method: &'static str,
    n: usize,
    symmetric: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    products: Option<usize>,
    pairs: Vec<Pair>,
    /// For 2x2 real matrices.
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<Story>,
}

fn real_pairs(
    values: Vec<f64>,
    vectors: Vec<Vec<f64>>,
    residuals: Vec<f64>,
    condition: Option<f64>,
) -> Vec<Pair> {
    let wide = |v: Vec<f64>| v.into_iter().map(|x| Complex::new(x, 0.0)).collect();
    let rows = values.into_iter().zip(vectors).zip(residuals);
    rows.map(|((value, vector), residual)| Pair {
        value: Complex::new(value, 0.0),
        vector: wide(vector),
        residual,
        condition,
    })
    .collect()
}

fn general_pairs(found: General) -> Vec<Pair> {
    let rows = found.values.into_iter().zip(found.vectors).zip(found.residuals);
    rows.zip(found.conditions)
        .map(|(((value, vector), residual), condition)| Pair {
            value,
            vector,
            residual,
            condition: Some(condition),
        })
        .collect()
}

fn compute(arguments: &Eigen) -> Outcome<Report> {
    let wide = matrix::parse_complex(&arguments.matrix)?;
    let n = wide.len();
    if let Some(row) = wide.iter().find(|row| row.len() != n) {
        return Err(Failure::usage(format_args!(
            "the matrix has {n} rows and a row of {} numbers, expected as many",
            row.len()
        )));
    }
    let real = wide.iter().flatten().all(|z| z.im == 0.0);
    let mirrored = (0..n).all(|i| {
        (0..i).all(|j| wide[i][j].re == wide[j][i].re && wide[i][j].im == -wide[j][i].im)
            && wide[i][i].im == 0.0
    });
    if !real {
        let found = if mirrored { hermitian(&wide)? } else { general_complex(&wide)? };
        let method = if mirrored { "hermitian" } else { "general complex" };
        return Ok(Report {
            method,
            n,
            symmetric: mirrored,
            products: None,
            pairs: general_pairs(found),
            story: None,
        });
    }
    let rows: Vec<Vec<f64>> = wide.iter().map(|row| row.iter().map(|z| z.re).collect()).collect();
    if let Some(pairs) = arguments.leading {
        if !mirrored {
            return Err(Failure::usage("--leading needs a symmetric matrix"));
        }
        return leading(&rows, pairs, arguments.wanted);
    }
    let story =
        if n == 2 { Some(story(rows[0][0], rows[0][1], rows[1][0], rows[1][1])?) } else { None };
    let pairs = if mirrored {
        let found = symmetric(&rows)?;
        real_pairs(found.values, found.vectors, found.residuals, Some(1.0))
    } else {
        general_pairs(general(&rows)?)
    };
    let method = if mirrored { "symmetric" } else { "general real" };
    Ok(Report { method, n, symmetric: mirrored, products: None, pairs, story })
}

/// Leading pairs by products with the matrix alone.
fn leading(rows: &[Vec<f64>], pairs: usize, wanted: WantedName) -> Outcome<Report> {
    let wanted = match wanted {
        WantedName::Largest => Wanted::Largest,
        WantedName::Smallest => Wanted::Smallest,
        WantedName::Magnitude => Wanted::Magnitude,
    };
    let product = |v: &[f64], out: &mut [f64]| {
        for (out, row) in out.iter_mut().zip(rows) {
            *out = row.iter().zip(v).map(|(a, x)| a * x).sum();
        }
    };
    let found = lanczos(rows.len(), product, &Options { pairs, wanted, ..Options::default() })?;
    Ok(Report {
        method: "thick-restart Lanczos",
        n: rows.len(),
        symmetric: true,
        products: Some(found.products),
        pairs: real_pairs(found.values, found.vectors, found.residuals, None),
        story: None,
    })
}

/// Computes and prints.
pub(crate) fn run(arguments: &Eigen, printer: &mut Printer) -> Outcome {
    printer.report(&compute(arguments)?, text)
}

fn number(z: Complex) -> String {
    let part = |value: f64| if value.abs() < 5e-16 { "0".to_owned() } else { figure(value) };
    if z.im == 0.0 {
        return part(z.re);
    }
    let sign = if z.im < 0.0 { "-" } else { "+" };
    format!("{}{sign}{}i", part(z.re), part(z.im.abs()))
}

fn text(report: &Report) -> String {
    if let Some(story) = &report.story {
        return tell(story);
    }
    let mut out = format!("{} matrix of order {}\n\n", report.method, report.n);
    for pair in &report.pairs {
        let vector: Vec<String> = pair.vector.iter().take(8).map(|z| number(*z)).collect();
        let more = if pair.vector.len() > 8 { ", ..." } else { "" };
        let _ = writeln!(out, "{}  at ({}{more})", number(pair.value), vector.join(", "));
    }
    let worst = report.pairs.iter().map(|pair| pair.residual).fold(0.0, f64::max);
    let _ = writeln!(out, "\nlargest residual {}", digits(worst, 2));
    let condition = report.pairs.iter().filter_map(|pair| pair.condition).reduce(f64::max);
    if let Some(condition) = condition.filter(|condition| *condition > 1.0 + 1e-9) {
        let _ = writeln!(out, "largest condition {}", digits(condition, 3));
    }
    out
}

fn tell(story: &Story) -> String {
    let sentence = match story.kind {
        Kind::None => "no real direction stays: the map turns every vector",
        Kind::One => "one real direction stays: the map shears along it",
        Kind::Two => "two real directions stay",
        Kind::All => "every direction stays: the map is a number times the identity",
    };
    let mut out = format!("{sentence}\n\n");
    let mut lines = Lines::default();
    for (factor, v) in &story.directions {
        lines.add(
            format!("({}, {})", figure(v[0]), figure(v[1])),
            format!("times {}", figure(*factor)),
        );
    }
    if story.kind == Kind::All {
        lines.add("any vector", format!("times {}", figure(story.values[0].re)));
    }
    if let Some(turn) = story.turn {
        lines.add(
            "eigenvalues",
            format!("{} and {}", number(story.values[0]), number(story.values[1])),
        );
        lines.add(
            "turn",
            format!("{} degrees, stretched by {}", figure(turn), figure(story.values[0].abs())),
        );
    }
    lines.number("trace", story.trace).number("determinant", story.determinant);
    lines.number("discriminant", story.discriminant).add("rank", story.rank.to_string());
    out.push_str(&lines.text());
    out
}
