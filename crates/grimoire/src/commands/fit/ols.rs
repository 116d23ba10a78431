//! `grimoire fit ols`.

use super::data::Data;
use super::show;
use crate::app::figures;
use crate::app::fit::{figure, least_squares};
use crate::failure::Outcome;
use crate::printer::Printer;

/// Least squares, with standard errors, tests, intervals and what each row did.
///
/// Computed so that badly conditioned data cost no digits; `--json` prints all of them.
#[derive(clap::Args)]
pub(crate) struct Ols {
    #[command(flatten)]
    data: Data,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
}

/// Fits and reports.
pub(crate) fn run(arguments: &Ols, printer: &mut Printer) -> Outcome {
    let Ols { data, level } = arguments;
    let (report, model) = least_squares(&data.data, &data.wishes()?, !data.no_intercept, *level)?;
    report.source.notes().iter().for_each(|note| printer.talk(note));
    if let Some(path) = &data.plot {
        figures::write(path, &figure::residuals(&report)?)?;
    }
    if let Some(path) = &data.save {
        model.save(path)?;
    }
    printer.report(&report, show::ols)
}
