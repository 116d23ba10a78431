//! Predictions of a saved model for the rows of a table.

use super::encode;
use super::model::Model;
use super::table::Table;
use crate::failure::Outcome;
use grimoire_stats::linear::ols;
use grimoire_stats::linear::path::Family;
use grimoire_stats::link::sigmoid;
use serde::Serialize;
use std::path::Path;

/// The prediction for one row.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Line of the file, the header being line 1.
    pub(crate) line: u64,
    /// The value, or the probability of the second class.
    pub(crate) prediction: f64,
    /// Interval of one new response (least squares).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<[f64; 2]>,
    /// The likelier class (logistic regression).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<String>,
}

/// Predictions, and how good they were where the answers are known.
#[derive(Debug, Serialize)]
pub(crate) struct PredictReport {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) n: usize,
    pub(crate) dropped: usize,
    /// Mean squared error, or mean deviance, when the file has the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loss: Option<f64>,
    pub(crate) rows: Vec<Row>,
}

/// Predicts every row that has what the model needs.
pub(crate) fn predict(model: &Path, data: &Path, level: f64) -> Outcome<PredictReport> {
    let model = Model::load(model)?;
    let table = Table::read(data)?;
    let encoded = model.encoding.apply(&table, None)?;
    let offset = usize::from(model.has_intercept);
    let value_of = |row: usize| -> Vec<f64> {
        let mut x = vec![1.0; offset];
        x.extend(encoded.columns.iter().map(|column| column.hi[row]));
        x
    };
    let mut rows = Vec::with_capacity(encoded.rows.len());
    let mut scores = Vec::with_capacity(encoded.rows.len());
    for (at, &row) in encoded.rows.iter().enumerate() {
        let x = value_of(at);
        let score: f64 = x.iter().zip(&model.coefficients).map(|(x, b)| x * b.unwrap_or(0.0)).sum();
        let mut made =
            Row { line: table.line(row), prediction: score, interval: None, class: None };
        if let Some(precision) = &model.precision
            && precision.degrees_of_freedom > 0
        {
            let found = ols::predict(
                &x,
                &model.coefficients,
                &precision.inverse_gram,
                precision.residual_sd,
                precision.degrees_of_freedom,
                level,
            )?;
            made.prediction = found.value;
            made.interval = Some([found.new.lower, found.new.upper]);
        }
        if let Some(classes) = &model.classes {
            made.prediction = sigmoid(score);
            made.class = Some(classes[usize::from(score > 0.0)].clone());
        }
        scores.push(if model.classes.is_some() { score } else { made.prediction });
        rows.push(made);
    }
    let loss = known_loss(&model, &table, &encoded.rows, &scores)?;
    Ok(PredictReport {
        method: model.method,
        target: model.target,
        n: rows.len(),
        dropped: table.n_rows() - rows.len(),
        loss,
        rows,
    })
}

/// The loss over the rows whose answer the file has.
fn known_loss(
    model: &Model,
    table: &Table,
    rows: &[usize],
    scores: &[f64],
) -> Outcome<Option<f64>> {
    if !table.has(&model.target) {
        return Ok(None);
    }
    let cells = table.column(&model.target)?;
    let known: Vec<(usize, f64)> = rows
        .iter()
        .zip(scores)
        .filter(|(row, _)| cells[**row].is_some())
        .map(|(&row, &score)| (row, score))
        .collect();
    if known.is_empty() {
        return Ok(None);
    }
    let (rows, scores): (Vec<usize>, Vec<f64>) = known.into_iter().unzip();
    Ok(Some(match &model.classes {
        Some(classes) => {
            let y = encode::outcomes(table, &model.target, &rows, classes)?;
            Family::Logistic.loss(&y, &scores)
        }
        None => {
            let y = encode::numbers(table, &model.target, &rows)?.hi;
            Family::Gaussian.loss(&y, &scores)
        }
    }))
}
