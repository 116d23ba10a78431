//! `grimoire fit elastic-net`.

use super::data::Data;
use super::penalised::{self, DescentArguments, PenaltyArguments};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::linear::path::Family;

/// Elastic net: squared residuals, and a mixture of both penalties.
#[derive(clap::Args)]
pub(crate) struct ElasticNet {
    #[command(flatten)]
    data: Data,
    /// Share of the absolute penalty, from 0 (ridge) to 1 (lasso); scikit-learn calls it l1_ratio.
    #[arg(long, default_value_t = 0.5)]
    alpha: f64,
    #[command(flatten)]
    penalty: PenaltyArguments,
    #[command(flatten)]
    descent: DescentArguments,
}

/// Fits the path.
pub(crate) fn run(arguments: &ElasticNet, printer: &mut Printer) -> Outcome {
    let ElasticNet { data, alpha, penalty, descent } = arguments;
    penalised::run("elastic-net", Family::Gaussian, *alpha, data, penalty, Some(descent), printer)
}
