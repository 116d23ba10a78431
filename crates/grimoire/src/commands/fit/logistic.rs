//! `grimoire fit logistic`.

use super::data::Data;
use super::penalised::{self, DescentArguments, PenaltyArguments};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::linear::path::Family;

/// Logistic regression of a column with two values, with either penalty or a mixture.
///
/// The second of the two values, in sorted order, is the one whose probability is fitted.
/// `--lambda 0` fits without a penalty.
#[derive(clap::Args)]
pub(crate) struct Logistic {
    #[command(flatten)]
    data: Data,
    /// Share of the absolute penalty, from 0 (ridge) to 1 (lasso).
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
    #[command(flatten)]
    penalty: PenaltyArguments,
    #[command(flatten)]
    descent: DescentArguments,
}

/// Fits the path.
pub(crate) fn run(arguments: &Logistic, printer: &mut Printer) -> Outcome {
    let Logistic { data, alpha, penalty, descent } = arguments;
    penalised::run("logistic", Family::Logistic, *alpha, data, penalty, Some(descent), printer)
}
