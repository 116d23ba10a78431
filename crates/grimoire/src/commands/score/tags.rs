//! What `grimoire score entities` and `grimoire score accuracy` share: the files, and systems against
//! the first. Tags are columns of a file, one token a line, sentences apart by an empty line.

use super::input::Resampling;
use crate::app::score::{MeasureReport, NamedSystem};
use crate::app::tags::{self, Tagged};
use crate::failure::Outcome;
use clap::Args;
use grimoire_eval::significance;
use grimoire_eval::statistics::{Score, Statistics};
use std::path::PathBuf;

/// Files and resampling.
#[derive(Args)]
pub(crate) struct TagInput {
    /// The predicted tags: the last column of each line; .gz and `-` too.
    #[arg(long, value_name = "FILE")]
    hyp: PathBuf,
    /// The true tags, in the same form.
    #[arg(long = "ref", value_name = "FILE")]
    reference: PathBuf,
    /// Further predictions to test against the first.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    paired: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) resampling: Resampling,
}

impl TagInput {
    /// Reads the truth and every system.
    pub(crate) fn read(&self) -> Outcome<Vec<Tagged>> {
        let systems: Vec<PathBuf> =
            std::iter::once(self.hyp.clone()).chain(self.paired.clone()).collect();
        tags::read(&self.reference, &systems)
    }

    /// One line a system: score, interval, difference to the first.
    pub(crate) fn compare(
        &self,
        name: &str,
        systems: &[Tagged],
        tables: Vec<Statistics>,
        score: &dyn Score,
    ) -> Outcome<MeasureReport> {
        let tables = match self.resampling.clusters() {
            None => tables,
            Some(source) => {
                let labels = crate::app::score::labels(&source)?;
                tables.iter().map(|t| Ok(t.clustered(&labels)?)).collect::<Outcome<Vec<_>>>()?
            }
        };
        let borrowed: Vec<&Statistics> = tables.iter().collect();
        let reports = significance::report(&borrowed, score, &self.resampling.plan()?)?;
        let systems = systems.iter().zip(reports).map(|(system, report)| NamedSystem {
            name: system.name.clone(),
            report: report.scaled(100.0),
            sacrebleu: None,
        });
        Ok(MeasureReport {
            name: name.to_owned(),
            lower_is_better: false,
            systems: systems.collect(),
            detail: serde_json::Value::Null,
        })
    }
}
