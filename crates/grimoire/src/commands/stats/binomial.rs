//! `grimoire stats binomial`: successes in n independent trials of one probability.

use super::distribution::{Asked, describe};
use crate::failure::Outcome;
use crate::printer::Printer;
use grimoire_stats::dist::Binomial;

/// The binomial distribution: successes in N independent trials of probability P.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of trials.
    n: u64,
    /// Probability of success of each.
    p: f64,
    #[command(flatten)]
    asked: Asked,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let d = Binomial::new(args.n, args.p)?;
    describe(&format!("binomial({}, {})", args.n, args.p), &d, &args.asked, printer)
}
