//! Is it better, or is it noise: intervals of several systems and their differences to the first, from
//! one set of bootstrap resamples, and p-values by approximate randomisation.
//!
//! Intervals: percentile, or BCa (Efron, JASA 1987) with the acceleration from the jackknife over rows; Wilson's
//! where all items have the value 0, or all have 1.
//! The least detectable difference is what a two-sided test at `1 − level` finds with a chance of 0.8,
//! `(z_{1−α/2} + z_{0.8}) · SE` with the bootstrap's standard error of the paired difference.
//! Rows must be independent: cluster them first where they are not ([`Statistics::clustered`]).

use crate::EvalError;
use crate::resample;
use crate::statistics::{Score, Statistics};
use grimoire_stats::interval::Proportion;
use grimoire_stats::multiple::{self, Adjustment};
use grimoire_stats::resample::bootstrap::quantile;
use grimoire_stats::special::erf::{normal_cdf, normal_quantile};
use grimoire_stats::test::binomial;
use grimoire_stats::{Alternative, Interval};
use serde::Serialize;

/// How intervals are read from resamples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Quantiles of the resampled scores.
    #[default]
    Percentile,
    /// Quantiles corrected for bias and skewness.
    Bca,
}

impl Method {
    /// As intervals name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Percentile => "bootstrap percentile",
            Self::Bca => "bootstrap BCa",
        }
    }
}

/// The request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Trials of approximate randomisation.
    pub trials: usize,
    /// Coverage of intervals.
    pub level: f64,
    /// Seed of both.
    pub seed: u64,
    /// How intervals are read.
    pub method: Method,
    /// How p-values of several systems are corrected.
    pub correction: Adjustment,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            resamples: 2000,
            trials: 10_000,
            level: 0.95,
            seed: 1,
            method: Method::default(),
            correction: Adjustment::Holm,
        }
    }
}

/// One system's score, and how it compares with the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SystemReport {
    /// The score of the whole.
    pub score: f64,
    /// Its interval; `None` with fewer than two rows.
    pub interval: Option<Interval>,
    /// Against the first system; `None` for the first.
    pub versus: Option<Versus>,
}

impl SystemReport {
    /// The same report in other units, such as percent.
    pub fn scaled(mut self, scale: f64) -> Self {
        let stretch = |interval: &mut Option<Interval>| {
            if let Some(interval) = interval {
                interval.lower *= scale;
                interval.upper *= scale;
            }
        };
        self.score *= scale;
        stretch(&mut self.interval);
        if let Some(versus) = &mut self.versus {
            versus.difference *= scale;
            versus.least_detectable *= scale;
            stretch(&mut versus.interval);
        }
        self
    }
}

/// A system against the first one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Versus {
    /// Its score minus the first one's.
    pub difference: f64,
    /// The interval of the difference.
    pub interval: Option<Interval>,
    /// Two-sided, by approximate randomisation; never 0.
    pub p_value: f64,
    /// Two-sided, by the paired bootstrap: how often a resampled difference strays from its mean by at least
    /// the observed difference (Koehn, EMNLP 2004, centred as Riezler and Maxwell, 2005, ask); `None` with
    /// fewer than two rows.
    pub p_bootstrap: Option<f64>,
    /// `p_value`, corrected for the number of systems; equal to it when there is one.
    pub p_adjusted: f64,
    /// The difference in its own standard errors, which grows with the number of rows; `None` when they are 0.
    pub z: Option<f64>,
    /// The difference that this many rows would show with a chance of 0.8.
    pub least_detectable: f64,
    /// Item against item, where each row is one item with a value of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
}

/// How many items went up and down, and what chance makes of it: among items that differ, up and down are
/// equally likely if the systems are alike. With values of 0 and 1 this is McNemar's exact test, with
/// others the sign test, which sees no sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Items {
    /// Items with a higher value than with the first system.
    pub higher: u64,
    /// Items with a lower one.
    pub lower: u64,
    /// Exact and two-sided.
    pub p_value: f64,
    /// `McNemar's exact test` or `exact sign test`.
    pub method: &'static str,
}

/// Reports every system; `systems[0]` is the one to compare with.
///
/// # Errors
/// No system, no rows, systems of different length, a level outside (0, 1), no resamples.
pub fn report(
    systems: &[&Statistics],
    score: &dyn Score,
    plan: &Plan,
) -> Result<Vec<SystemReport>, EvalError> {
    check(systems, plan)?;
    let points: Vec<f64> = systems.iter().map(|system| score.score(&system.totals())).collect();
    let several = systems[0].len() > 1;
    let replicates = if several {
        resample::bootstrap(systems, score, plan.resamples, plan.seed)
    } else {
        vec![Vec::new(); systems.len()]
    };
    let jackknifed: Vec<Vec<f64>> = systems
        .iter()
        .map(|system| match plan.method {
            Method::Bca if several => jackknife(system, score),
            _ => Vec::new(),
        })
        .collect();
    let trials = resample::randomise(systems, score, plan.trials, plan.seed);
    let mut reports = Vec::with_capacity(systems.len());
    for index in 0..systems.len() {
        let resampled = || interval(points[index], &replicates[index], &jackknifed[index], plan);
        let own =
            several.then(|| unvaried(systems[index], score, plan.level).unwrap_or_else(resampled));
        let versus = (index > 0).then(|| {
            let differences = minus(&replicates[index], &replicates[0]);
            let jackknifed = minus(&jackknifed[index], &jackknifed[0]);
            let difference = points[index] - points[0];
            let error = deviation(&differences);
            let p_value = resample::randomisation_p_value(&trials[index - 1], difference.abs());
            let quantiles = normal_quantile(0.5 + plan.level / 2.0) + normal_quantile(0.8);
            Versus {
                difference,
                interval: several.then(|| interval(difference, &differences, &jackknifed, plan)),
                p_value,
                p_bootstrap: several.then(|| centred_p_value(&differences, difference)),
                p_adjusted: p_value,
                z: (error > 0.0).then(|| difference / error),
                least_detectable: quantiles * error,
                items: items(systems[0], systems[index], score, plan.level),
            }
        });
        reports.push(SystemReport { score: points[index], interval: own, versus });
    }
    correct(&mut reports, plan.correction);
    Ok(reports)
}

/// The p-value of the paired bootstrap.
fn centred_p_value(differences: &[f64], observed: f64) -> f64 {
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    let strays: Vec<f64> = differences.iter().map(|value| (value - mean).abs()).collect();
    resample::randomisation_p_value(&strays, observed.abs())
}

fn items(first: &Statistics, second: &Statistics, score: &dyn Score, level: f64) -> Option<Items> {
    let rows = || first.rows().zip(second.rows());
    if !score.is_mean() || !rows().all(|(a, b)| a[1] == 1.0 && b[1] == 1.0) {
        return None;
    }
    let higher = rows().filter(|(a, b)| b[0] > a[0]).count() as u64;
    let lower = rows().filter(|(a, b)| b[0] < a[0]).count() as u64;
    let n = first.len() as u64;
    let record = binomial::mcnemar(lower, higher, n, Alternative::TwoSided, level).ok()?;
    let yes_or_no = |value: f64| value == 0.0 || value == 1.0;
    let method = if rows().all(|(a, b)| yes_or_no(a[0]) && yes_or_no(b[0])) {
        "McNemar's exact test"
    } else {
        "exact sign test"
    };
    Some(Items { higher, lower, p_value: record.p_value?, method })
}

fn check(systems: &[&Statistics], plan: &Plan) -> Result<(), EvalError> {
    let Some(first) = systems.first().filter(|first| !first.is_empty()) else {
        return Err(EvalError::Empty { metric: "comparison" });
    };
    if let Some(index) = systems.iter().position(|system| system.len() != first.len()) {
        return Err(EvalError::Lengths {
            metric: "comparison",
            left_name: "the first system".to_owned(),
            left: first.len(),
            right_name: format!("system {}", index + 1),
            right: systems[index].len(),
        });
    }
    let outside = |setting, found: String, expected| {
        Err(EvalError::Setting { metric: "comparison", setting, found, expected })
    };
    if !(plan.level > 0.0 && plan.level < 1.0) {
        return outside("level", plan.level.to_string(), "a probability between 0 and 1");
    }
    if plan.resamples == 0 || plan.trials == 0 {
        return outside("resamples", "0".to_owned(), "at least 1");
    }
    Ok(())
}

fn correct(reports: &mut [SystemReport], correction: Adjustment) {
    let p_values: Vec<f64> =
        reports.iter().filter_map(|report| Some(report.versus.as_ref()?.p_value)).collect();
    if let Ok(adjusted) = multiple::adjust(&p_values, correction) {
        let versus = reports.iter_mut().filter_map(|report| report.versus.as_mut());
        versus.zip(adjusted).for_each(|(versus, adjusted)| versus.p_adjusted = adjusted);
    }
}

/// The score without each row in turn.
fn jackknife(system: &Statistics, score: &dyn Score) -> Vec<f64> {
    let totals = system.totals();
    let mut without = totals.clone();
    system
        .rows()
        .map(|row| {
            for ((without, total), value) in without.iter_mut().zip(&totals).zip(row) {
                *without = total - value;
            }
            score.score(&without)
        })
        .collect()
}

fn interval(point: f64, replicates: &[f64], jackknifed: &[f64], plan: &Plan) -> Interval {
    let mut sorted = replicates.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tail = (1.0 - plan.level) / 2.0;
    let (low, high) = match plan.method {
        Method::Percentile => (tail, 1.0 - tail),
        Method::Bca => corrected(point, &sorted, jackknifed, tail),
    };
    let at = |p| quantile(&sorted, p);
    Interval::new(at(low), at(high), plan.level, plan.method.name())
}

/// Wilson's interval where every item has the least value, 0, or every item the highest, 1: resampling finds no spread
/// there, though other items may well differ. A mean of values in between strays no further than a share of hits.
fn unvaried(system: &Statistics, score: &dyn Score, level: f64) -> Option<Interval> {
    let all = |value: f64| system.rows().all(|row| row == [value, 1.0]);
    if !score.is_mean() || !(all(0.0) || all(1.0)) {
        return None;
    }
    let (hits, n) = (system.totals()[0] as u64, system.len() as u64);
    Proportion::Wilson.interval(hits, n, level, Alternative::TwoSided).ok()
}

/// The two probabilities that BCa reads instead of `tail` and `1 − tail`.
fn corrected(point: f64, sorted: &[f64], jackknifed: &[f64], tail: f64) -> (f64, f64) {
    let below = sorted.partition_point(|value| *value < point);
    let equal = sorted.partition_point(|value| *value <= point) - below;
    let share = (below as f64 + equal as f64 / 2.0) / sorted.len() as f64;
    let n = jackknifed.len() as f64;
    let mean = jackknifed.iter().sum::<f64>() / n;
    let power = |k: i32| jackknifed.iter().map(|value| (mean - value).powi(k)).sum::<f64>();
    let spread = power(2).powf(1.5);
    if share <= 0.0 || share >= 1.0 || spread == 0.0 {
        // Every resample on one side, or no variation: there is nothing to correct with.
        return (tail, 1.0 - tail);
    }
    let (bias, acceleration) = (normal_quantile(share), power(3) / (6.0 * spread));
    let map = |z: f64| {
        let shifted = bias + z;
        normal_cdf(bias + shifted / (1.0 - acceleration * shifted))
    };
    (map(normal_quantile(tail)), map(normal_quantile(1.0 - tail)))
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Mean;

    #[test]
    fn the_bootstrap_of_a_mean_agrees_with_its_normal_test() {
        // Differences of ±1 around 0.05 over 1,000 items: the standard error is 0.0316, z = 1.58, p = 0.114.
        let mut first = Statistics::new(2);
        let mut second = Statistics::new(2);
        for item in 0..1000 {
            first.push([0.0, 1.0]);
            second.push([if item < 525 { 1.0 } else { -1.0 }, 1.0]);
        }
        let plan = Plan { resamples: 10_000, ..Plan::default() };
        let found = report(&[&first, &second], &Mean, &plan).unwrap();
        let versus = found[1].versus.as_ref().unwrap();
        // Three standard errors of 10,000 resamples, and ties of a difference that moves in steps.
        grimoire_testkit::close(versus.p_bootstrap.unwrap(), 0.1138, 0.0, 0.015);
        grimoire_testkit::close(versus.p_value, 0.1138, 0.0, 0.015);
    }

    #[test]
    fn where_items_do_not_vary_the_interval_is_that_of_a_share() {
        let rows = |value: f64, n: usize| {
            let mut rows = Statistics::new(2);
            (0..n).for_each(|_| rows.push([value, 1.0]));
            let found = report(&[&rows], &Mean, &Plan::default()).unwrap().remove(0);
            found.interval.unwrap()
        };
        // statsmodels 0.15.0: proportion_confint(0, 60, method="wilson"), and of 3 out of 3.
        let (none, all) = (rows(0.0, 60), rows(1.0, 3));
        grimoire_testkit::close(none.upper, 0.060_171_852_142_089_886, 1e-12, 0.0);
        grimoire_testkit::close(all.lower, 0.438_502_968_244_954_44, 1e-12, 0.0);
        grimoire_testkit::close(none.lower + 1.0 - all.upper, 0.0, 0.0, 1e-15);
        // Any other value is resampled, and does not vary either.
        assert_eq!((rows(0.5, 3).lower, rows(0.5, 3).upper), (0.5, 0.5));
    }

    #[test]
    fn items_are_counted_where_rows_are_items() {
        let rows = |values: &[f64]| {
            let mut rows = Statistics::new(2);
            values.iter().for_each(|value| rows.push([*value, 1.0]));
            rows
        };
        let first = rows(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let second = rows(&[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let found = items(&first, &second, &Mean, 0.95).unwrap();
        // Five up, one down of six: 2 · (C(6,0) + C(6,1)) / 2⁶ = 14/64.
        let expected = (5, 1, "McNemar's exact test");
        assert_eq!((found.higher, found.lower, found.method), expected);
        grimoire_testkit::close(found.p_value, 14.0 / 64.0, 1e-14, 0.0);
        let graded = items(&first, &rows(&[0.5; 7]), &Mean, 0.95).unwrap();
        assert_eq!((graded.higher, graded.lower, graded.method), (5, 2, "exact sign test"));
        let mut clusters = Statistics::new(2);
        (0..7).for_each(|_| clusters.push([1.0, 2.0]));
        assert_eq!(items(&clusters, &clusters, &Mean, 0.95), None);
    }
}
