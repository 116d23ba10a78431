//! `grimoire stats poisson`: events at a constant rate.

use super::distribution::{Asked, describe};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::dist::Poisson;

/// The Poisson distribution: how many events where MEAN are expected.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Expected number of events.
    mean: f64,
    #[command(flatten)]
    asked: Asked,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let d = Poisson::new(args.mean)?;
    describe(&format!("poisson({})", args.mean), &d, &args.asked, printer)
}
