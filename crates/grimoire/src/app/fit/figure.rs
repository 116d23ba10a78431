//! Figures of fits: the path of the coefficients, the held-out loss, residuals against fitted values.

use super::OlsReport;
use super::penalised::PathReport;
use crate::failure::Outcome;
use grimoire_plot::{Axis, Figure, Line, Points, Rule};

/// More lines than this and only the largest are drawn.
const MOST_LINES: usize = 12;
/// Up to this many penalties each is marked; a lone one has no line.
const MOST_MARKERS: usize = 12;

/// Coefficients against the penalty.
pub(crate) fn path(report: &PathReport) -> Outcome<String> {
    let positive: Vec<_> = report.path.iter().filter(|row| row.lambda > 0.0).collect();
    let mut order: Vec<usize> = (0..report.terms.len()).collect();
    let reach =
        |j: usize| positive.iter().map(|row| row.coefficients[j].abs()).fold(0.0_f64, f64::max);
    order.sort_by(|&a, &b| reach(b).total_cmp(&reach(a)).then(a.cmp(&b)));
    let left_out = order.len().saturating_sub(MOST_LINES);
    order.truncate(MOST_LINES);
    let lines = order.iter().map(|&j| {
        let points = positive.iter().map(|row| (row.lambda, row.coefficients[j])).collect();
        let line = Line::new(report.terms[j].clone(), points).end_label();
        if positive.len() <= MOST_MARKERS { line.markers() } else { line }
    });
    let mut figure =
        Figure::new(format!("Coefficients of {} as the penalty falls", report.source.target))
            .subtitle(format!("{}: {}", report.method, report.objective))
            .x(Axis::log("penalty lambda").reversed())
            .y(Axis::linear("coefficient"))
            .add_all(lines);
    for (index, label) in
        [(report.least, "least loss"), (report.one_standard_error, "one standard error")]
    {
        if let Some(row) = index.map(|at| &report.path[at]).filter(|row| row.lambda > 0.0) {
            figure = figure.add(Rule::x(row.lambda, label));
        }
    }
    if left_out > 0 {
        figure = figure.footnote(format!("{left_out} smaller coefficients are not drawn"));
    }
    Ok(figure.svg()?)
}

/// Held-out loss against the penalty, with one standard error on either side.
pub(crate) fn loss(report: &PathReport) -> Outcome<Option<String>> {
    let rows: Option<Vec<(f64, f64, f64)>> = report
        .path
        .iter()
        .filter(|row| row.lambda > 0.0)
        .map(|row| Some((row.lambda, row.loss?, row.standard_error?)))
        .collect();
    let Some(rows) = rows else { return Ok(None) };
    let line = Line::new("held-out loss", rows.iter().map(|row| (row.0, row.1)).collect()).band(
        "one standard error",
        rows.iter().map(|row| (row.1 - row.2, row.1 + row.2)).collect(),
    );
    let mut figure = Figure::new(format!("Held-out loss of {}", report.source.target))
        .subtitle(report.validation.clone())
        .x(Axis::log("penalty lambda").reversed())
        .y(Axis::linear("loss"))
        .add(line);
    for (index, label) in
        [(report.least, "least"), (report.one_standard_error, "one standard error")]
    {
        if let Some(row) = index.map(|at| &report.path[at]).filter(|row| row.lambda > 0.0) {
            figure = figure.add(Rule::x(row.lambda, label));
        }
    }
    Ok(Some(figure.svg()?))
}

/// Residuals against fitted values.
pub(crate) fn residuals(report: &OlsReport) -> Outcome<String> {
    let points =
        report.fitted.iter().copied().zip(report.fit.rows.residuals.iter().copied()).collect();
    let figure = Figure::new(format!("What least squares leaves of {}", report.source.target))
        .subtitle(format!(
            "{} rows, {} terms, residual standard deviation {:.4}",
            report.fit.n, report.fit.rank, report.fit.residual_sd
        ))
        .x(Axis::linear("fitted value"))
        .y(Axis::linear("residual"))
        .add(Rule::y(0.0, ""))
        .add(Points::new("rows", points));
    Ok(figure.svg()?)
}
