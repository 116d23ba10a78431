//! The arguments that penalised methods share, and what they do with them.

use super::data::Data;
use super::show;
use crate::app::figures;
use crate::app::fit::figure;
use crate::app::fit::penalised::{Choice, Descent, Request, fit};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::linear::path::{Convention, Family, Updates};
use std::path::PathBuf;

/// Whose λ.
#[derive(Clone, Copy, clap::ValueEnum)]
enum ConventionName {
    /// R's glmnet: predictors standardised, loss over 2n.
    Glmnet,
    /// scikit-learn: predictors as they come.
    Sklearn,
}

/// How the gradient is kept.
#[derive(Clone, Copy, clap::ValueEnum)]
enum UpdatesName {
    Auto,
    Covariance,
    Naive,
}

/// The penalty and how to choose it.
#[derive(clap::Args, Clone)]
pub(crate) struct PenaltyArguments {
    /// Whose meaning of lambda.
    ///
    /// glmnet: |y - b0 - Xb|^2/(2n) + lambda (alpha |b|_1 + (1 - alpha) |b|^2/(2s)), predictors scaled to variance
    /// one, s the standard deviation of y (about zero without an intercept). sklearn: the same without s and without
    /// scaling (`Lasso`, `ElasticNet`; for `Ridge`, |y - b0 - Xb|^2 + lambda |b|^2; for `LogisticRegression`, lambda
    /// = 1/(n C)).
    #[arg(long, value_enum, default_value = "glmnet")]
    convention: ConventionName,
    /// Scale the predictors to variance one first [default: as the convention has it].
    #[arg(long, value_name = "true|false")]
    standardize: Option<bool>,
    /// Penalties to fit [default: a grid from the smallest that leaves nothing in].
    #[arg(long, value_delimiter = ',')]
    lambda: Option<Vec<f64>>,
    /// Which point of the path is the model.
    #[arg(long, value_enum, default_value = "one-se")]
    choose: Choice,
    /// Draw the held-out loss to this SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot_loss: Option<PathBuf>,
}

/// How the path is descended; ridge has a closed form instead, and leaves one row out exactly.
#[derive(clap::Args, Clone)]
pub(crate) struct DescentArguments {
    /// Length of the grid.
    #[arg(long, default_value_t = 100)]
    lambdas: usize,
    /// Last penalty of the grid as a part of the first.
    #[arg(long)]
    ratio: Option<f64>,
    /// Folds of cross-validation; 0 for none.
    #[arg(long, default_value_t = 10)]
    folds: usize,
    /// Deals the rows into folds.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Largest duality gap, as a part of the objective without predictors.
    #[arg(long, default_value_t = 1e-12)]
    tolerance: f64,
    /// How coordinate descent keeps its gradient.
    #[arg(long, value_enum, default_value = "auto")]
    updates: UpdatesName,
}

impl DescentArguments {
    fn request(&self) -> Descent {
        Descent {
            n_lambdas: self.lambdas,
            ratio: self.ratio,
            tolerance: self.tolerance,
            updates: match self.updates {
                UpdatesName::Auto => Updates::Auto,
                UpdatesName::Covariance => Updates::Covariance,
                UpdatesName::Naive => Updates::Naive,
            },
            folds: self.folds,
            seed: self.seed,
        }
    }
}

/// Fits, reports, draws, saves.
pub(crate) fn run(
    method: &'static str,
    family: Family,
    alpha: f64,
    data: &Data,
    penalty: &PenaltyArguments,
    descent: Option<&DescentArguments>,
    printer: &mut Printer,
) -> Outcome {
    let request = Request {
        method,
        family,
        alpha,
        convention: match penalty.convention {
            ConventionName::Glmnet => Convention::Glmnet,
            ConventionName::Sklearn => Convention::Sklearn,
        },
        standardize: penalty.standardize,
        intercept: !data.no_intercept,
        lambdas: penalty.lambda.clone(),
        choice: penalty.choose,
        descent: descent.map(DescentArguments::request).unwrap_or_default(),
    };
    let (report, model) = fit(&data.data, &data.wishes()?, &request)?;
    report.source.notes().iter().for_each(|note| printer.talk(note));
    if let Some(path) = &data.plot {
        figures::write(path, &figure::path(&report)?)?;
    }
    if let Some(path) = &penalty.plot_loss
        && let Some(svg) = figure::loss(&report)?
    {
        figures::write(path, &svg)?;
    }
    if let Some(path) = &data.save {
        model.save(path)?;
    }
    printer.report(&report, show::path)
}
