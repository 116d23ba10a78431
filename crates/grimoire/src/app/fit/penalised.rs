//! Penalised regressions from a table: the whole path, cross-validation, the chosen point as a model.

use super::encode::{self, Wishes};
use super::model::{Model, Penalty};
use super::{Ready, Source, ready};
use crate::failure::{Failure, Outcome};
use grimoire_stats::linear::path::{
    Convention, Family, Options, Path as Fitted, Updates, deal, validate,
};
use grimoire_stats::linear::{Columns, Design, ridge};
use serde::Serialize;
use std::path::Path;

/// Which point of the path becomes the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Choice {
    /// The least held-out loss.
    Least,
    /// The largest penalty within one standard error of it.
    OneSe,
}

/// What to fit.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) family: Family,
    pub(crate) alpha: f64,
    pub(crate) convention: Convention,
    pub(crate) standardize: Option<bool>,
    pub(crate) intercept: bool,
    pub(crate) lambdas: Option<Vec<f64>>,
    pub(crate) choice: Choice,
    /// Unread by ridge, which has a closed form.
    pub(crate) descent: Descent,
}

/// How the path of a lasso is descended and held out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Descent {
    pub(crate) n_lambdas: usize,
    pub(crate) ratio: Option<f64>,
    pub(crate) tolerance: f64,
    pub(crate) updates: Updates,
    pub(crate) folds: usize,
    pub(crate) seed: u64,
}

/// One penalty.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) lambda: f64,
    /// Coefficients other than zero.
    pub(crate) nonzero: usize,
    /// Effective degrees of freedom (ridge).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) degrees_of_freedom: Option<f64>,
    /// Part of the deviance explained.
    pub(crate) explained: f64,
    /// Held-out loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loss: Option<f64>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standard_error: Option<f64>,
    /// Duality gap as a part of the objective without predictors (closed form: absent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gap: Option<f64>,
    pub(crate) intercept: f64,
    /// One per term.
    pub(crate) coefficients: Vec<f64>,
}

/// The path of a penalised regression.
#[derive(Debug, Serialize)]
pub(crate) struct PathReport {
    pub(crate) method: &'static str,
    /// The objective that λ belongs to, in words.
    pub(crate) objective: String,
    pub(crate) convention: Convention,
    pub(crate) alpha: f64,
    pub(crate) standardized: bool,
    pub(crate) source: Source,
    pub(crate) terms: Vec<String>,
    /// Classes that 0 and 1 stand for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) classes: Option<[String; 2]>,
    /// How loss was held out, in words.
    pub(crate) validation: String,
    /// Index of the penalty of least held-out loss.
    pub(crate) least: Option<usize>,
    /// Index of the largest penalty within one standard error of it.
    pub(crate) one_standard_error: Option<usize>,
    /// Index of the point that is the model.
    pub(crate) chosen: usize,
    pub(crate) path: Vec<Row>,
}

/// Fits the path and chooses a point.
pub(crate) fn fit(path: &Path, wishes: &Wishes, request: &Request) -> Outcome<(PathReport, Model)> {
    let ready = ready(path, wishes)?;
    let (y, classes) = match request.family {
        Family::Gaussian => (encode::numbers(&ready.table, &wishes.target, &ready.rows)?.hi, None),
        Family::Logistic => {
            let classes = encode::classes(&ready.table, &wishes.target, &ready.rows)?;
            let y = encode::outcomes(&ready.table, &wishes.target, &ready.rows, &classes)?;
            (y, Some(classes))
        }
    };
    if ready.columns.is_empty() {
        return Err(Failure::usage("there is nothing to predict from: every column is left out"));
    }
    let values: Vec<Vec<f64>> = ready.columns.iter().map(|column| column.hi.clone()).collect();
    let design = Columns::from_columns(&values)?;
    let (rows, least, one_se, validation) = if request.method == "ridge" {
        closed_form(&design, &y, request)?
    } else {
        descended(design, &y, request)?
    };
    let chosen = match request.choice {
        Choice::Least => least,
        Choice::OneSe => one_se,
    }
    .unwrap_or(rows.len() - 1);
    let report = PathReport {
        method: request.method,
        objective: objective(request),
        convention: request.convention,
        alpha: request.alpha,
        standardized: request.standardize.unwrap_or(request.convention == Convention::Glmnet),
        source: ready.source(&wishes.target),
        terms: ready.names.clone(),
        classes: classes.clone(),
        validation,
        least,
        one_standard_error: one_se,
        chosen,
        path: rows,
    };
    let model = model(&report, ready, wishes, request, classes);
    Ok((report, model))
}

type Points = (Vec<Row>, Option<usize>, Option<usize>, String);

fn closed_form(design: &Columns, y: &[f64], request: &Request) -> Outcome<Points> {
    let options = ridge::Options {
        convention: request.convention,
        intercept: request.intercept,
        standardize: request.standardize,
        lambdas: request.lambdas.clone(),
    };
    let path = ridge::ridge(design, y, &options)?;
    let centre = if request.intercept { y.iter().sum::<f64>() / y.len() as f64 } else { 0.0 };
    let total: f64 = y.iter().map(|y| (y - centre).powi(2)).sum();
    if total == 0.0 {
        return Err(Failure::work("ridge regression: y does not vary"));
    }
    let rows = path
        .points
        .into_iter()
        .map(|point| Row {
            lambda: point.lambda,
            nonzero: point.coefficients.iter().filter(|b| **b != 0.0).count(),
            degrees_of_freedom: Some(point.degrees_of_freedom),
            explained: 1.0 - point.rss / total,
            loss: Some(point.leave_one_out),
            standard_error: Some(point.leave_one_out_error),
            gap: None,
            intercept: point.intercept,
            coefficients: point.coefficients,
        })
        .collect();
    Ok((
        rows,
        Some(path.least),
        Some(path.one_standard_error),
        "leave one out, exact; loss is the mean squared error".to_owned(),
    ))
}

fn descended(design: Columns, y: &[f64], request: &Request) -> Outcome<Points> {
    let descent = &request.descent;
    let options = Options {
        convention: request.convention,
        alpha: request.alpha,
        intercept: request.intercept,
        standardize: request.standardize,
        lambdas: request.lambdas.clone(),
        n_lambdas: descent.n_lambdas,
        ratio: descent.ratio,
        tolerance: descent.tolerance,
        updates: descent.updates,
        ..Options::default()
    };
    let p = design.n_cols();
    let design = Design::Dense(design);
    let row = |path: &Fitted, at: usize, held: Option<(f64, f64)>| {
        let point = &path.points[at];
        Row {
            lambda: point.lambda,
            nonzero: point.coefficients.len(),
            degrees_of_freedom: None,
            explained: point.explained,
            loss: held.map(|held| held.0),
            standard_error: held.map(|held| held.1),
            gap: Some(point.gap),
            intercept: point.intercept,
            coefficients: point.dense(p),
        }
    };
    if descent.folds == 0 {
        let path = request.family.fit(&design, y, &options)?;
        let rows = (0..path.points.len()).map(|at| row(&path, at, None)).collect();
        return Ok((rows, None, None, "none; the smallest penalty is the model".to_owned()));
    }
    if y.len() < 3 {
        let found = format_args!("{} rows, cross-validation needs three", y.len());
        return Err(Failure::work(found).hint("--folds 0 fits without it"));
    }
    let folds = descent.folds.min(y.len());
    let found =
        validate(request.family, &design, y, &options, &deal(y.len(), folds, descent.seed))?;
    let rows = (0..found.path.points.len())
        .map(|at| row(&found.path, at, Some((found.loss[at], found.standard_error[at]))))
        .collect();
    let loss = match request.family {
        Family::Gaussian => "mean squared error",
        Family::Logistic => "mean deviance",
    };
    let text = format!("{folds} folds, seed {}; loss is the {loss}", descent.seed);
    Ok((rows, Some(found.least), Some(found.one_standard_error), text))
}

/// The objective that λ belongs to.
fn objective(request: &Request) -> String {
    let residual = if request.intercept { "|y - b0 - Xb|" } else { "|y - Xb|" };
    let loss = match (request.family, request.method, request.convention) {
        (Family::Logistic, ..) => "-log-likelihood/n".to_owned(),
        (_, "ridge", Convention::Sklearn) => format!("{residual}^2"),
        _ => format!("{residual}^2/(2n)"),
    };
    let square = match (request.family, request.convention) {
        (Family::Gaussian, Convention::Glmnet) => "|b|_2^2/(2s)",
        (Family::Gaussian, Convention::Sklearn) if request.method == "ridge" => "|b|_2^2",
        _ => "|b|_2^2/2",
    };
    let penalty = match request.alpha {
        1.0 => "|b|_1".to_owned(),
        0.0 => square.to_owned(),
        alpha => format!("({alpha} |b|_1 + {} {square})", 1.0 - alpha),
    };
    let scale = match request.convention {
        Convention::Glmnet if request.family == Family::Gaussian && request.alpha < 1.0 => {
            if request.intercept {
                ", s = sd(y)"
            } else {
                ", s = sqrt(mean(y^2))"
            }
        }
        _ => "",
    };
    format!("{loss} + lambda {penalty}{scale}")
}

fn model(
    report: &PathReport,
    ready: Ready,
    wishes: &Wishes,
    request: &Request,
    classes: Option<[String; 2]>,
) -> Model {
    let row = &report.path[report.chosen];
    let mut terms = ready.names;
    let mut coefficients: Vec<Option<f64>> = row.coefficients.iter().copied().map(Some).collect();
    if request.intercept {
        terms.insert(0, "(Intercept)".to_owned());
        coefficients.insert(0, Some(row.intercept));
    }
    let mut model = Model::new(
        request.method,
        &wishes.target,
        ready.encoding,
        terms,
        coefficients,
        request.intercept,
        report.source.n,
    );
    model.classes = classes;
    model.penalty =
        Some(Penalty { convention: request.convention, lambda: row.lambda, alpha: request.alpha });
    model
}
