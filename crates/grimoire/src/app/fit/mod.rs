//! Linear models from a table to a report: least squares, ridge, lasso, elastic net, logistic regression,
//! and predictions from what was fitted before.

pub(crate) mod encode;
pub(crate) mod figure;
pub(crate) mod model;
pub(crate) mod penalised;
pub(crate) mod predict;
pub(crate) mod table;

use crate::failure::Outcome;
use encode::{Decided, Encoding, Wishes};
use grimoire_stats::linear::least_squares::WideColumn;
use grimoire_stats::linear::ols::{Fit, ols};
use model::{Model, Precision};
use serde::Serialize;
use std::path::Path;
use table::Table;

/// Where the rows came from and how many were used.
#[derive(Debug, Serialize)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) target: String,
    /// Rows used.
    pub(crate) n: usize,
    /// Rows left out because a value was missing.
    pub(crate) dropped: usize,
    /// Whether an unnamed first column that counts the rows was left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) row_numbers_left_out: bool,
    /// The columns that are categories, each with the level that its terms are against.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) categories: Vec<Coded>,
    #[serde(skip)]
    notes: Vec<String>,
}

/// A category: its terms are 0 or 1, each level against the base.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Coded {
    pub(crate) column: String,
    pub(crate) base: String,
}

impl Source {
    /// What was done without being told to, and how to have it otherwise.
    pub(crate) fn notes(&self) -> Vec<String> {
        let row_numbers = self.row_numbers_left_out.then(|| {
            format!(
                "{}: the first column has no name and only counts the rows; it is left out \
                 (--keep-row-numbers keeps it)",
                self.file
            )
        });
        row_numbers.into_iter().chain(self.notes.iter().cloned()).collect()
    }
}

/// A least squares fit and its source.
#[derive(Debug, Serialize)]
pub(crate) struct OlsReport {
    pub(crate) method: &'static str,
    pub(crate) source: Source,
    #[serde(flatten)]
    pub(crate) fit: Fit,
    /// Fitted values, in the order of the rows used.
    pub(crate) fitted: Vec<f64>,
}

/// A table made ready: encoding, terms, target cells kept.
pub(crate) struct Ready {
    pub(crate) table: Table,
    pub(crate) encoding: Encoding,
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<WideColumn>,
    pub(crate) rows: Vec<usize>,
    row_numbers_left_out: bool,
    notes: Vec<String>,
}

impl Ready {
    pub(crate) fn source(&self, target: &str) -> Source {
        Source {
            file: self.table.name.clone(),
            target: target.to_owned(),
            n: self.rows.len(),
            dropped: self.table.n_rows() - self.rows.len(),
            row_numbers_left_out: self.row_numbers_left_out,
            categories: self.encoding.categories(),
            notes: self.notes.clone(),
        }
    }
}

/// Reads and encodes a table.
pub(crate) fn ready(path: &Path, wishes: &Wishes) -> Outcome<Ready> {
    let table = Table::read(path)?;
    let Decided { encoding, notes } = Encoding::decide(&table, wishes)?;
    let encoded = encoding.apply(&table, Some(&wishes.target))?;
    Ok(Ready {
        row_numbers_left_out: wishes.leaves_out_row_numbers(&table),
        table,
        encoding,
        names: encoded.names,
        columns: encoded.columns,
        rows: encoded.rows,
        notes,
    })
}

/// Least squares with diagnostics.
pub(crate) fn least_squares(
    path: &Path,
    wishes: &Wishes,
    intercept: bool,
    level: f64,
) -> Outcome<(OlsReport, Model)> {
    let mut ready = ready(path, wishes)?;
    let y = encode::numbers(&ready.table, &wishes.target, &ready.rows)?;
    let mut names = std::mem::take(&mut ready.names);
    let mut columns = std::mem::take(&mut ready.columns);
    if intercept {
        names.insert(0, "(Intercept)".to_owned());
        columns.insert(0, WideColumn::plain(&vec![1.0; y.hi.len()]));
    }
    let fit = ols(&columns, &names, &y, intercept, level)?;
    let coefficients = fit.terms.iter().map(|term| term.coefficient).collect();
    let mut model = Model::new(
        "ols",
        &wishes.target,
        ready.encoding.clone(),
        names,
        coefficients,
        intercept,
        fit.n,
    );
    model.precision = Some(Precision {
        inverse_gram: fit.inverse_gram.clone(),
        residual_sd: fit.residual_sd,
        degrees_of_freedom: fit.degrees_of_freedom,
    });
    let fitted = y.hi.iter().zip(&fit.rows.residuals).map(|(y, e)| y - e).collect();
    let report =
        OlsReport { method: "least squares", source: ready.source(&wishes.target), fit, fitted };
    Ok((report, model))
}
