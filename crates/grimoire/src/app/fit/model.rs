//! A fitted linear model on disk: one JSON file that says how to encode a table and what to multiply by.
//!
//! Written beside the target and renamed when whole; read with its version checked.

use super::encode::Encoding;
use crate::failure::{Failure, Outcome};
use grimoire_stats::linear::path::Convention;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "grimoire linear model";
const VERSION: u32 = 1;

/// Everything that a prediction needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Model {
    format: String,
    version: u32,
    /// `ols`, `ridge`, `lasso`, `elastic-net` or `logistic`.
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) encoding: Encoding,
    /// Names of the terms, the intercept first when there is one.
    pub(crate) terms: Vec<String>,
    /// `null` for an aliased term.
    pub(crate) coefficients: Vec<Option<f64>>,
    pub(crate) has_intercept: bool,
    /// Rows that it was fitted on.
    pub(crate) n: usize,
    /// For logistic regression: the classes that 0 and 1 stand for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) classes: Option<[String; 2]>,
    /// For penalised fits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) penalty: Option<Penalty>,
    /// For least squares: what its intervals need.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) precision: Option<Precision>,
}

/// The penalty of the fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Penalty {
    pub(crate) convention: Convention,
    pub(crate) lambda: f64,
    pub(crate) alpha: f64,
}

/// Precision of a least squares fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Precision {
    pub(crate) inverse_gram: Vec<f64>,
    pub(crate) residual_sd: f64,
    pub(crate) degrees_of_freedom: usize,
}

impl Model {
    /// A model without classes, penalty or precision.
    pub(crate) fn new(
        method: &str,
        target: &str,
        encoding: Encoding,
        terms: Vec<String>,
        coefficients: Vec<Option<f64>>,
        has_intercept: bool,
        n: usize,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            method: method.to_owned(),
            target: target.to_owned(),
            encoding,
            terms,
            coefficients,
            has_intercept,
            n,
            classes: None,
            penalty: None,
            precision: None,
        }
    }

    /// Writes the model, whole or not at all.
    pub(crate) fn save(&self, path: &Path) -> Outcome {
        let fail =
            |error: std::io::Error| Failure::work(format_args!("{}: {error}", path.display()));
        let beside = path.with_extension("json.partial");
        std::fs::write(&beside, serde_json::to_vec_pretty(self)?).map_err(fail)?;
        std::fs::rename(&beside, path).map_err(fail)
    }

    /// Reads a model.
    pub(crate) fn load(path: &Path) -> Outcome<Self> {
        let name = path.display();
        let bytes =
            std::fs::read(path).map_err(|error| Failure::work(format_args!("{name}: {error}")))?;
        let model: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::work(format_args!("{name} is not a model of `grimoire fit`: {error}"))
        })?;
        if model.format != FORMAT || model.version != VERSION {
            return Err(Failure::work(format_args!(
                "{name} is `{}` version {}, expected `{FORMAT}` version {VERSION}",
                model.format, model.version
            )));
        }
        if model.terms.len() != model.coefficients.len() {
            return Err(Failure::work(format_args!(
                "{name} has {} terms and {} coefficients",
                model.terms.len(),
                model.coefficients.len()
            )));
        }
        Ok(model)
    }
}
