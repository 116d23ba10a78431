//! `grimoire fit lasso`.

use super::data::Data;
use super::penalised::{self, DescentArguments, PenaltyArguments};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::linear::path::Family;

/// Lasso: squared residuals, and a penalty on the absolute coefficients (L1) that sets some to zero.
#[derive(clap::Args)]
pub(crate) struct Lasso {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    penalty: PenaltyArguments,
    #[command(flatten)]
    descent: DescentArguments,
}

/// Fits the path.
pub(crate) fn run(arguments: &Lasso, printer: &mut Printer) -> Outcome {
    let Lasso { data, penalty, descent } = arguments;
    penalised::run("lasso", Family::Gaussian, 1.0, data, penalty, Some(descent), printer)
}
