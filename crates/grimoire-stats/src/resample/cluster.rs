//! A mean of observations that come in groups (questions about one passage, sentences of one
//! document): its standard error when the groups, and not the observations, are independent.
//!
//! Source: Liang and Zeger (1986); with the factor G/(G − 1) and Student's t with G − 1 degrees of
//! freedom (Cameron and Miller, *A practitioner's guide to cluster-robust inference*, 2015).
//!
//! Equation: se² = G/(G − 1) Σ_g (Σ_{i in g} (xᵢ − x̄))²/n². Method: one pass for the mean, one for the sums of
//! residuals. Domain: two clusters or more. Accuracy: rounding alone; coverage on clustered data is measured in
//! `tests/coverage.rs`.

use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, open_unit, sample};
use crate::record::{Interval, Record};
use crate::test::mean::Summary;

/// The mean of `values` with its cluster-robust interval x̄ ± t se, t of G − 1 degrees of freedom;
/// `labels` numbers the clusters from 0, and numbers without a value do not count.
///
/// se² = G/(G − 1) Σ_g (Σ_{i∈g} (xᵢ − x̄))² / n². The naive error is in `more`, with the ratio of
/// the two variances (the design effect).
///
/// Domain: finite values with a label each, two clusters or more, a level between 0 and 1. Method:
/// one pass for the mean, one for the sums of residuals. Accuracy: rounding; coverage on clustered
/// data in `tests/coverage.rs`. Source: K.-Y. Liang and S. Zeger (1986); A. C. Cameron and D.
/// Miller, *A practitioner's guide to cluster-robust inference* (2015).
///
/// # Errors
/// When lengths differ, a value is not finite, there are fewer than two values or clusters, or the
/// level is not in (0, 1).
pub fn clustered_mean(values: &[f64], labels: &[u32], level: f64) -> Result<Record> {
    sample("the sample", values, 2)?;
    open_unit("the level", level)?;
    if values.len() != labels.len() {
        return Err(Error::Lengths {
            left: "the sample",
            n_left: values.len(),
            right: "the labels",
            n_right: labels.len(),
        });
    }
    let s = Summary::of(values);
    let numbered = labels.iter().max().map_or(0, |&most| most as usize + 1);
    let mut sums = vec![(0.0, 0_u64); numbered];
    for (value, &label) in values.iter().zip(labels) {
        sums[label as usize].0 += value - s.mean;
        sums[label as usize].1 += 1;
    }
    sums.retain(|(_, members)| *members > 0);
    let groups = sums.len();
    if groups < 2 {
        return Err(Error::TooFew { what: "the clusters", needed: 2, found: groups });
    }
    let g = groups as f64;
    let squares: f64 = sums.iter().map(|(sum, _)| sum * sum).sum();
    let variance = g / (g - 1.0) * squares / (s.n * s.n);
    let naive = s.variance / s.n;
    let half = Student::new(g - 1.0)?.upper_quantile(0.5 * (1.0 - level)) * variance.sqrt();
    Ok(Record::new("mean with cluster-robust standard error", values.len() as u64)
        .with_estimate("mean", s.mean)
        .with_interval(Interval::new(s.mean - half, s.mean + half, level, "cluster-robust"))
        .with("standard_error", variance.sqrt())
        .with("naive_standard_error", naive.sqrt())
        .with("design_effect", variance / naive)
        .with("clusters", g)
        .with("degrees_of_freedom", g - 1.0)
        .assuming("clusters are independent; values within one need not be"))
}
