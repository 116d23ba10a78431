//! How the intervals and p-values of a report were made, as a record and in words. Makes none of them.

use grimoire_eval::significance::Plan;
use grimoire_stats::Interval;
use grimoire_stats::multiple::Adjustment;
use serde::Serialize;

/// How intervals and p-values were made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Made {
    /// How intervals are read from the resamples.
    pub(crate) interval: &'static str,
    pub(crate) resamples: usize,
    pub(crate) test: &'static str,
    pub(crate) trials: usize,
    pub(crate) seed: u64,
    /// How many systems are compared with the first.
    pub(crate) compared: usize,
    /// How p-values are corrected for the number of systems; none with a single one.
    pub(crate) correction: Option<Adjustment>,
}

impl Made {
    /// By this plan, for so many systems, the first included.
    pub(crate) fn new(plan: &Plan, systems: usize) -> Self {
        let compared = systems.saturating_sub(1);
        Self {
            interval: plan.method.name(),
            resamples: plan.resamples,
            test: "approximate randomisation",
            trials: plan.trials,
            seed: plan.seed,
            compared,
            correction: (compared > 1).then_some(plan.correction),
        }
    }

    /// How these intervals were made: by resampling, but for those of scores that no unit varies.
    pub(crate) fn intervals<'i>(
        &self,
        intervals: impl Iterator<Item = &'i Interval>,
        units: Option<&str>,
    ) -> Option<String> {
        let intervals: Vec<&Interval> = intervals.collect();
        let level = 100.0 * intervals.first()?.level;
        let find = |bootstrap: bool| {
            intervals.iter().find(|i| i.method.starts_with("bootstrap") == bootstrap)
        };
        let resampled = find(true).map(|interval| {
            let of = units.map_or_else(String::new, |units| format!(" of {units}"));
            format!("{}, {} resamples{of}", interval.method, self.resamples)
        });
        let unvaried = find(false).map(|interval| {
            let units = units.map_or_else(String::new, |units| format!(" {units}"));
            format!("{} where all{units} agree", interval.method)
        });
        let methods: Vec<String> = resampled.into_iter().chain(unvaried).collect();
        Some(format!("{level} % interval: {}", methods.join("; ")))
    }

    /// How p-values were made, where systems are compared.
    pub(crate) fn p_values(&self) -> Option<String> {
        let Self { test, trials, seed, compared, .. } = self;
        let corrected = match self.correction {
            Some(correction) => format!(
                "; corrected by {} for the {compared} systems of each metric; intervals are not corrected",
                name(correction)
            ),
            None => String::new(),
        };
        (*compared > 0).then(|| format!("p: {test}, {trials} trials, seed {seed}{corrected}"))
    }
}

fn name(correction: Adjustment) -> &'static str {
    match correction {
        Adjustment::Bonferroni => "Bonferroni's method",
        Adjustment::Holm => "Holm's method",
        Adjustment::Hochberg => "Hochberg's method",
        Adjustment::BenjaminiHochberg => "the method of Benjamini and Hochberg",
        Adjustment::BenjaminiYekutieli => "the method of Benjamini and Yekutieli",
    }
}
