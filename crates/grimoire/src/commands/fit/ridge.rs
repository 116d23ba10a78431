//! `grimoire fit ridge`.

use super::data::Data;
use super::penalised::{self, PenaltyArguments};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::linear::path::Family;

/// Ridge: squared residuals, and a penalty on the squared coefficients (L2) that shrinks them; closed form.
#[derive(clap::Args)]
pub(crate) struct Ridge {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    penalty: PenaltyArguments,
}

/// Fits the path.
pub(crate) fn run(arguments: &Ridge, printer: &mut Printer) -> Outcome {
    let Ridge { data, penalty } = arguments;
    penalised::run("ridge", Family::Gaussian, 0.0, data, penalty, None, printer)
}
