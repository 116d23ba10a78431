//! Two sets of outputs for the same prompts, before a change and after it: every score of a metric with
//! intervals, and the paired difference with its p-value. For texts in memory, such as a tuning run's
//! answers; files are streamed by whoever reads them.

use crate::EvalError;
use crate::measure::Metric;
use crate::significance::{self, Plan, SystemReport};
use serde::Serialize;

/// One score before and after, in the units that people read (0 to 100).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeforeAfter {
    /// Such as `BLEU` or `rougeL`.
    pub name: String,
    /// How the score was made.
    pub signature: String,
    /// Segments.
    pub n: usize,
    /// The first outputs.
    pub before: SystemReport,
    /// The second outputs; `versus` holds the difference to the first, its interval and p-value.
    pub after: SystemReport,
}

/// Scores both sets of outputs against `references[i]`, the references of segment i.
///
/// # Errors
/// No segments, lists of different length, a segment without a reference, a plan outside its domain.
pub fn compare(
    metric: &Metric,
    before: &[&str],
    after: &[&str],
    references: &[Vec<&str>],
    plan: &Plan,
) -> Result<Vec<BeforeAfter>, EvalError> {
    let mut tables = [metric.tables(), metric.tables()];
    metric.count(before, references, &mut tables[0])?;
    metric.count(after, references, &mut tables[1])?;
    let signature = metric.signature(crate::text::reference_count(references));
    let mut found = Vec::new();
    for (index, measure) in metric.measures().into_iter().enumerate() {
        let systems = [&tables[0][index], &tables[1][index]];
        let reports = significance::report(&systems, &*measure.score, plan)?;
        let mut reports = reports.into_iter().map(|report| report.scaled(measure.scale));
        if let (Some(before), Some(after)) = (reports.next(), reports.next()) {
            let (name, signature) = (measure.name, signature.clone());
            found.push(BeforeAfter { name, signature, n: references.len(), before, after });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::bleu::{self, BleuOptions};

    #[test]
    fn scores_are_those_of_the_metric_and_equal_outputs_do_not_differ() {
        let outputs = ["the cat sat on the mat", "a dog ran away", "it rained all day long"];
        let better = ["the cat is on the mat", "the dog ran away", "it rained the whole day"];
        let references: Vec<Vec<&str>> = better.iter().map(|text| vec![*text]).collect();
        let metric = Metric::Bleu(BleuOptions::default());
        let plan = Plan { resamples: 200, trials: 200, ..Plan::default() };
        let found = compare(&metric, &outputs, &better, &references, &plan).unwrap();
        let alone = bleu::corpus(&outputs, &references, &BleuOptions::default()).unwrap();
        assert_eq!(found[0].before.score, alone.score);
        assert_eq!(found[0].signature, alone.signature);
        grimoire_testkit::close(found[0].after.score, 100.0, 1e-13, 0.0);
        let versus = found[0].after.versus.as_ref().unwrap();
        assert_eq!(versus.difference, found[0].after.score - found[0].before.score);
        let same = compare(&metric, &outputs, &outputs, &references, &plan).unwrap();
        let versus = same[0].after.versus.as_ref().unwrap();
        assert_eq!((versus.difference, versus.z), (0.0, None));
    }
}
