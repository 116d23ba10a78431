//! How fits look as text.

use crate::app::fit::penalised::PathReport;
use crate::app::fit::predict::PredictReport;
use crate::app::fit::{OlsReport, Source};
use crate::commands::stats::show::{Lines, between, digits, figure, figures_for};
use grimoire_stats::linear::path::Convention;
use std::fmt::Write;

/// Rows of a path that are printed; `--json` has them all.
const PATH_ROWS: usize = 20;

/// Columns of text under their names, the first to the left, the others to the right.
fn columns(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |j: usize| {
        let cells = rows.iter().map(|row| row[j].chars().count());
        cells.chain([header[j].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    for row in std::iter::once(&names).chain(rows) {
        let mut line = String::new();
        for (j, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[j] - cell.chars().count());
            let gap = if j == 0 { "" } else { "  " };
            let _ =
                if j == 0 { write!(line, "{cell}{pad}") } else { write!(line, "{gap}{pad}{cell}") };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// How many rows, and what the terms of categories are against.
fn rows_used(source: &Source) -> String {
    let n = source.n;
    let mut text = match source.dropped {
        0 => format!("{n} rows"),
        dropped => format!("{n} rows, {dropped} left out for a missing value"),
    };
    let bases: Vec<String> =
        source.categories.iter().map(|c| format!("{}={}", c.column, c.base)).collect();
    if !bases.is_empty() {
        let _ = write!(text, "\nbase of the categories: {}", bases.join(", "));
    }
    text
}

/// Least squares.
pub(crate) fn ols(report: &OlsReport) -> String {
    let fit = &report.fit;
    let mut out = format!(
        "least squares of {} on {} terms, {}\n\n",
        report.source.target,
        fit.terms.len(),
        rows_used(&report.source)
    );
    let level = fit.terms.iter().find_map(|term| term.interval.as_ref()).map(|i| i.level);
    let interval_name =
        level.map_or("interval".to_owned(), |l| format!("{} % interval", figure(l * 100.0)));
    let rows: Vec<Vec<String>> = fit
        .terms
        .iter()
        .map(|term| {
            let number = |value: f64| if value.is_nan() { "-".to_owned() } else { figure(value) };
            let interval = term.interval.as_ref().map_or("-".to_owned(), between);
            vec![
                term.name.clone(),
                term.coefficient.map_or("aliased".to_owned(), |coefficient| {
                    digits(coefficient, figures_for(term.interval.iter()))
                }),
                number(term.standard_error),
                number(term.robust_error),
                number(term.t),
                if term.p_value.is_nan() { "-".to_owned() } else { digits(term.p_value, 3) },
                interval,
            ]
        })
        .collect();
    out.push_str(&columns(
        &["", "coefficient", "error", "robust", "t", "p-value", &interval_name],
        &rows,
    ));
    let mut lines = Lines::default();
    lines
        .number("residual standard deviation", fit.residual_sd)
        .add("degrees of freedom", fit.degrees_of_freedom.to_string())
        .number("sum of squared residuals", fit.rss)
        .number("R squared", fit.r_squared)
        .number("adjusted", fit.adjusted_r_squared);
    if !fit.f_p_value.is_nan() {
        lines.add("F", format!("{}, p-value {}", figure(fit.f), digits(fit.f_p_value, 3)));
    }
    lines.number("AIC", fit.aic).number("BIC", fit.bic).number("condition", fit.condition);
    let most = fit.rows.cook.iter().enumerate().filter(|(_, cook)| cook.is_finite());
    if let Some((row, cook)) = most.max_by(|a, b| a.1.total_cmp(b.1)) {
        lines.add(
            "largest Cook distance",
            format!("{} (row {} of those used)", figure(*cook), row + 1),
        );
    }
    let _ = write!(out, "\n{}", lines.text());
    let _ = writeln!(
        out,
        "\nassumes: rows are independent; errors have equal variance and are near normal (the robust errors do not need the first)"
    );
    out
}

/// A path, thinned, and the chosen point.
pub(crate) fn path(report: &PathReport) -> String {
    let mut out = format!(
        "{} of {} on {} terms, {}\nobjective: {}\n",
        report.method,
        report.source.target,
        report.terms.len(),
        rows_used(&report.source),
        report.objective,
    );
    let convention = match report.convention {
        Convention::Glmnet => "glmnet",
        Convention::Sklearn => "scikit-learn",
    };
    let scaled = if report.standardized { "scaled to variance one" } else { "as they come" };
    let _ = writeln!(out, "convention: {convention}, predictors {scaled}");
    let _ = writeln!(out, "held out: {}", report.validation);
    if let Some([zero, one]) = &report.classes {
        let _ = writeln!(out, "classes: the probability of {one}, against {zero}");
    }
    let _ = write!(out, "\n{}", path_table(report));
    let row = &report.path[report.chosen];
    let _ = writeln!(out, "\nthe model, at lambda {}:", figure(row.lambda));
    let mut lines = Lines::default();
    lines.number("(Intercept)", row.intercept);
    let zero = row.coefficients.iter().filter(|b| **b == 0.0).count();
    for (term, b) in report.terms.iter().zip(&row.coefficients).filter(|(_, b)| **b != 0.0) {
        lines.number(term.clone(), *b);
    }
    out.push_str(&lines.text());
    if zero > 0 {
        let _ = writeln!(out, "and {zero} of {} at zero", report.terms.len());
    }
    out
}

/// Every so many penalties, and those that are marked.
fn path_table(report: &PathReport) -> String {
    let n = report.path.len();
    let step = n.div_ceil(PATH_ROWS).max(1);
    let marked = [report.least, report.one_standard_error, Some(report.chosen)];
    let shown = |at: usize| at.is_multiple_of(step) || at + 1 == n || marked.contains(&Some(at));
    let ridge = report.path.iter().any(|row| row.degrees_of_freedom.is_some());
    let held = report.path.iter().any(|row| row.loss.is_some());
    let mut header = vec!["lambda", if ridge { "df" } else { "terms" }, "explained"];
    if held {
        header.extend(["loss", "error"]);
    }
    if !ridge {
        header.push("gap");
    }
    header.push("");
    let rows: Vec<Vec<String>> = (0..n)
        .filter(|&at| shown(at))
        .map(|at| {
            let row = &report.path[at];
            let mut cells = vec![
                figure(row.lambda),
                row.degrees_of_freedom.map_or(row.nonzero.to_string(), |df| digits(df, 4)),
                digits(row.explained, 5),
            ];
            if held {
                cells.extend(
                    [row.loss, row.standard_error].map(|v| v.map_or(String::new(), figure)),
                );
            }
            if !ridge {
                cells.push(row.gap.map_or(String::new(), gap));
            }
            let mark = match (report.least == Some(at), report.one_standard_error == Some(at)) {
                (true, true) => "least, one-se",
                (true, false) => "least",
                (false, true) => "one-se",
                (false, false) => "",
            };
            cells.push(mark.to_owned());
            cells
        })
        .collect();
    columns(&header, &rows)
}

/// A duality gap; what is rounding is not worth its digits.
fn gap(gap: f64) -> String {
    if gap < 1e-12 { "<1e-12".to_owned() } else { digits(gap, 2) }
}

/// Predictions as CSV.
pub(crate) fn predictions(report: &PredictReport) -> String {
    let first = report.rows.first();
    let mut out = "line,prediction".to_owned();
    if first.is_some_and(|row| row.interval.is_some()) {
        out.push_str(",lower,upper");
    }
    if first.is_some_and(|row| row.class.is_some()) {
        out.push_str(",class");
    }
    out.push('\n');
    for row in &report.rows {
        let _ = write!(out, "{},{}", row.line, row.prediction);
        if let Some([lower, upper]) = row.interval {
            let _ = write!(out, ",{lower},{upper}");
        }
        if let Some(class) = &row.class {
            let _ = write!(out, ",{class}");
        }
        out.push('\n');
    }
    out
}
