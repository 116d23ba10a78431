//! `grimoire fit predict`.

use super::show;
use crate::app::fit::predict::predict;
use crate::failure::Outcome;
use crate::printer::Printer;
use std::path::PathBuf;

/// Predictions of a saved model for the rows of a file, as CSV.
#[derive(clap::Args)]
pub(crate) struct Predict {
    /// What `--save` wrote.
    model: PathBuf,
    /// CSV file with the columns that the model was fitted on.
    data: PathBuf,
    /// Level of the intervals (least squares).
    #[arg(long, default_value_t = 0.95)]
    level: f64,
}

/// Predicts.
pub(crate) fn run(arguments: &Predict, printer: &mut Printer) -> Outcome {
    let report = predict(&arguments.model, &arguments.data, arguments.level)?;
    if let Some(loss) = report.loss {
        let name = if report.method == "logistic" { "mean deviance" } else { "mean squared error" };
        printer.talk(&format!("{name} over rows with a known {}: {loss:.6}", report.target));
    }
    if report.dropped > 0 {
        printer.talk(&format!("{} rows lack a value and have no prediction", report.dropped));
    }
    printer.report(&report, show::predictions)
}
