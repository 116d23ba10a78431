//! The bootstrap: intervals from resamples of the data (Efron 1979), for any statistic that is a
//! function of sums over units.
//!
//! A mean is (Σx)/(Σ1); a ratio (Σx)/(Σy); corpus BLEU a function of sums of n-gram counts; a paired
//! difference of two of them a function of both systems' sums side by side. Hand over one row of sums
//! per unit and the function. Intervals: percentile; BCa (Efron 1987), whose bias and acceleration
//! come from the resamples and the jackknife; studentised (bootstrap-t), whose function also returns
//! its standard error. Order statistics are not sums: see [`quantile_interval`].
//!
//! Resamples of n units are too narrow by √((n−1)/n), and the normal tails that percentile and BCa imply by
//! the step from z to Student's t: of 30 clusters a nominal 95 % covers 93. Both are therefore *expanded*:
//! instead of the share α/2 they read `Φ(−√(n/(n−1)) t_{n−1}(1 − α/2))`, which undoes both (T. Hesterberg,
//! "What teachers should know about the bootstrap", 2015, section 3). The studentised interval needs no such help.
//!
//! Where that share is below 1/(B + 1), B resamples hold no such quantile, and the interval is open: two units at
//! 95 %, or eight at 99.9999 %, say nothing of where the mean cannot be.

use super::strata::StratumRows;
use super::units::{Plan, Units};
use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, inside, open_unit, sample};
use crate::random::Random;
use crate::record::{Interval, Record};
use crate::special::erf::{normal_cdf, normal_quantile};
use crate::test::mean::sum;
use rayon::prelude::*;

/// Resamples made in one pass over the data; fixed, so that threads do not matter.
const TOGETHER: usize = 16;

/// How the interval is read from the resamples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The quantiles of the resampled statistics, expanded. Simple, first-order accurate.
    Percentile,
    /// Percentile corrected for bias and skewness, expanded; second-order accurate.
    Bca,
    /// Quantiles of (statistic − estimate)/standard error; second-order accurate, needs errors.
    Studentised,
}

impl Kind {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Percentile => "bootstrap percentile, expanded",
            Self::Bca => "bootstrap BCa, expanded",
            Self::Studentised => "bootstrap studentised",
        }
    }
}

/// A statistic and, where it knows it, its standard error, both in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The statistic.
    pub estimate: f64,
    /// Its standard error; NaN when unknown.
    pub error: f64,
}

impl From<f64> for Value {
    fn from(estimate: f64) -> Self {
        Self { estimate, error: f64::NAN }
    }
}

/// The request: how many resamples of what, from which seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap<'a> {
    /// What is drawn with replacement.
    pub plan: Plan<'a>,
    /// Number of resamples.
    pub resamples: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Nominal coverage.
    pub level: f64,
}

impl Default for Bootstrap<'_> {
    fn default() -> Self {
        Self { plan: Plan::Rows, resamples: 10_000, seed: 0, level: 0.95 }
    }
}

/// What the resamples say, in the unit of the statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// The statistic on the data.
    pub estimate: f64,
    /// Standard deviation of the resampled statistics.
    pub error: f64,
    /// Mean of the resampled statistics minus the estimate.
    pub bias: f64,
    /// The intervals asked for, in that order.
    pub intervals: Vec<Interval>,
    /// The resampled statistics, sorted: as many as `resamples`.
    pub sorted: Vec<f64>,
    /// Number of units that were resampled.
    pub units: usize,
}

impl Bootstrap<'_> {
    /// Resamples the rows of `sums` (row-major, `width` numbers per row) and reads off intervals:
    ///
    /// ```text
    /// percentile   quantiles p and 1 − p of θ*,  p = Φ(−√(n/(n−1)) t_{n−1}(1 − α/2))
    /// BCa          quantiles Φ(z₀ + z/(1 − a z)) of θ*,  z = z₀ + Φ⁻¹(p) or z₀ + Φ⁻¹(1 − p)
    /// studentised  θ̂ − q se with q the quantiles 1 − α/2 and α/2 of (θ* − θ̂)/se*
    /// ```
    ///
    /// `statistic` gets `width` sums and must be a pure function. With [`Kind::Studentised`] it
    /// must return its standard error too. With clusters the rows of a cluster are summed first.
    ///
    /// An interval whose share p (of the studentised one, α/2) is below 1/(B + 1) of B resamples is
    /// open on both sides; a BCa end beyond 1/a is the outermost resample; resamples without
    /// spread make a studentised end infinite.
    ///
    /// Domain: finite sums, two units or more, from 20 resamples, a level between 0 and 1; labels
    /// from 0 without gaps. Method: each resample from the stream of its own number; many rows by
    /// their counts. Accuracy: the same bytes for any number of threads, spread and bias as theory
    /// gives them within the noise of 20,000 resamples (`tests/resampling.rs`); coverage in
    /// `tests/coverage.rs`. Source: B. Efron (1979, 1987); T. Hesterberg, *What teachers should
    /// know about the bootstrap* (2015), section 3.
    ///
    /// # Errors
    /// When the sample is empty or not finite, labels do not fit, there are fewer than two units or
    /// twenty resamples, the level is not in (0, 1), the statistic is not finite, or an error is
    /// missing; BCa also when every resample lies on one side of the estimate.
    pub fn run<V: Into<Value>>(
        &self,
        sums: &[f64],
        width: usize,
        statistic: impl Fn(&[f64]) -> V + Sync,
        kinds: &[Kind],
    ) -> Result<Resampled> {
        open_unit("the level", self.level)?;
        let resamples = f64::from(self.resamples);
        inside("the number of resamples", resamples, self.resamples >= 20, "at least 20")?;
        let units = Units::new(sums, width, self.plan)?;
        let whole: Value = statistic(&units.total()).into();
        if !whole.estimate.is_finite() {
            let why = "it is not a finite number on the data";
            return Err(Error::Degenerate { what: "the statistic", why });
        }
        let streams: Vec<Random> =
            (0..self.resamples).map(|stream| Random::new(self.seed, stream.into())).collect();
        let values: Vec<Value> = streams
            .par_chunks(TOGETHER)
            .flat_map_iter(|streams| units.resample(streams))
            .map(|sums| statistic(&sums).into())
            .collect();
        let mut sorted: Vec<f64> = values.iter().map(|v| v.estimate).collect();
        if sorted.iter().any(|v| !v.is_finite()) {
            let why = "it is not a finite number on some resample";
            return Err(Error::Degenerate { what: "the statistic", why });
        }
        let mean = sum(sorted.iter().copied()) / resamples;
        let spread = sum(sorted.iter().map(|v| (v - mean).powi(2))) / (resamples - 1.0);
        sorted.sort_by(f64::total_cmp);
        let intervals = kinds
            .iter()
            .map(|kind| match kind {
                Kind::Percentile => {
                    let tail = self.expanded_tail(&units)?;
                    Ok(self.percentile(&sorted, tail, Kind::Percentile.name()))
                }
                Kind::Bca => self.bca(&sorted, &units, whole.estimate, &statistic),
                Kind::Studentised => self.studentised(&values, whole),
            })
            .collect::<Result<_>>()?;
        Ok(Resampled {
            estimate: whole.estimate,
            error: spread.sqrt(),
            bias: mean - whole.estimate,
            intervals,
            sorted,
            units: units.len(),
        })
    }

    /// The share of resamples to leave out on each side; with strata n/(n−1) becomes n/(n−s).
    fn expanded_tail(&self, units: &Units) -> Result<f64> {
        let tail = 0.5 * (1.0 - self.level);
        let (n, degrees) = (units.len() as f64, units.len() as f64 - units.strata() as f64);
        if degrees < 1.0 {
            return Ok(tail);
        }
        let t = Student::new(degrees)?.upper_quantile(tail);
        Ok(normal_cdf(-(n / degrees).sqrt() * t))
    }

    fn percentile(&self, sorted: &[f64], tail: f64, method: &'static str) -> Interval {
        if beyond(sorted, tail) {
            return self.open(method);
        }
        let (lower, upper) = (quantile(sorted, tail), quantile(sorted, 1.0 - tail));
        Interval::new(lower, upper, self.level, method)
    }

    /// From −∞ to ∞.
    fn open(&self, method: &'static str) -> Interval {
        Interval::new(f64::NEG_INFINITY, f64::INFINITY, self.level, method)
    }

    /// Efron (1987): z₀ from the share of resamples below the estimate (ties count half), a from the
    /// skewness of the jackknife.
    fn bca<V: Into<Value>>(
        &self,
        sorted: &[f64],
        units: &Units,
        estimate: f64,
        statistic: impl Fn(&[f64]) -> V,
    ) -> Result<Interval> {
        let below = sorted.partition_point(|v| *v < estimate);
        let equal = sorted.partition_point(|v| *v <= estimate) - below;
        let share = (below as f64 + 0.5 * equal as f64) / sorted.len() as f64;
        let tail = self.expanded_tail(units)?;
        if share <= 0.0 || share >= 1.0 {
            let why = "every resample lies on one side of the estimate";
            return Err(Error::Degenerate { what: "the BCa interval", why });
        }
        if beyond(sorted, tail) {
            return Ok(self.open(Kind::Bca.name()));
        }
        let z0 = normal_quantile(share);
        let mut influence = vec![Vec::new(); units.strata()];
        units.each_left_out(|stratum, sums| {
            let value: Value = statistic(sums).into();
            influence[stratum].push(value.estimate);
        });
        let (mut cubes, mut squares) = (0.0, 0.0);
        for values in &influence {
            let n = values.len() as f64;
            let mean = sum(values.iter().copied()) / n;
            cubes += sum(values.iter().map(|v| (mean - v).powi(3)));
            squares += sum(values.iter().map(|v| (mean - v).powi(2)));
        }
        let a = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
        let end = |score: f64| {
            let z = z0 + score;
            // Beyond its pole at z = 1/a the correction has gone all the way to that side.
            let moved = if a * z < 1.0 { z / (1.0 - a * z) } else { z * f64::INFINITY };
            quantile(sorted, normal_cdf(z0 + moved))
        };
        let score = normal_quantile(tail);
        Ok(Interval::new(end(score), end(-score), self.level, Kind::Bca.name()))
    }

    fn studentised(&self, values: &[Value], whole: Value) -> Result<Interval> {
        if whole.error.is_nan() || whole.error < 0.0 {
            let why = "the statistic does not say its standard error";
            return Err(Error::Degenerate { what: "the studentised interval", why });
        }
        if whole.error == 0.0 {
            let same = whole.estimate;
            return Ok(Interval::new(same, same, self.level, Kind::Studentised.name()));
        }
        // A resample without spread says nothing of the scale: it counts as infinitely far out.
        let mut t: Vec<f64> = values
            .iter()
            .map(|v| {
                let gap = v.estimate - whole.estimate;
                match gap {
                    0.0 => 0.0,
                    _ if v.error > 0.0 => gap / v.error,
                    _ => gap.signum() * f64::INFINITY,
                }
            })
            .collect();
        t.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.level);
        if beyond(&t, tail) {
            return Ok(self.open(Kind::Studentised.name()));
        }
        let lower = whole.estimate - quantile(&t, 1.0 - tail) * whole.error;
        let upper = whole.estimate - quantile(&t, tail) * whole.error;
        Ok(Interval::new(lower, upper, self.level, Kind::Studentised.name()))
    }

    /// The mean x̄ = Σx/n of `values`, with intervals of every kind; BCa is the record's main
    /// interval, in the unit of the values.
    ///
    /// Domain: finite values, two units or more. With more than 16 strata there is no studentised
    /// interval. Method: [`Bootstrap::run`] of Σx/Σ1 over rows, clusters or strata, with a standard
    /// error for each. Accuracy: estimate to rounding; standard error of Efron and Tibshirani's
    /// mice within 1 % (`tests/resampling.rs`); coverage in `tests/coverage.rs`. Source: B. Efron
    /// and R. Tibshirani, *An Introduction to the Bootstrap* (1993); W. Cochran, *Sampling
    /// Techniques* (1977), chapter 5, for strata.
    ///
    /// # Errors
    /// As [`Bootstrap::run`].
    pub fn mean(&self, values: &[f64]) -> Result<Record> {
        let kinds = [Kind::Bca, Kind::Percentile, Kind::Studentised];
        sample("the sample", values, 1)?;
        let n = values.len() as f64;
        let resampled = match self.plan {
            // Per unit: sum and number of rows; per row also the square, for the standard error.
            Plan::Rows => {
                let rows: Vec<f64> = values.iter().flat_map(|x| [*x, x * x]).collect();
                let center = sum(values.iter().copied()) / n;
                let rows = recentred(rows, center);
                let mean = move |s: &[f64]| {
                    let variance = (s[1] - s[0] * s[0] / n) / (n - 1.0);
                    let error = (variance.max(0.0) / n).sqrt();
                    Value { estimate: center + s[0] / n, error }
                };
                self.run(&rows, 2, mean, &kinds)?
            }
            Plan::Clusters(labels) => {
                // Ratio of sums Σx/Σ1; its error by the usual linearisation needs Σ(cluster sums)²,
                // which is a sum over units only after clustering: done here.
                let rows = cluster_rows(values, labels)?;
                let groups = (rows.len() / 5) as f64;
                let ratio = move |s: &[f64]| {
                    let mean = s[0] / s[1];
                    let squares = s[2] - 2.0 * mean * s[3] + mean * mean * s[4];
                    let error = (squares.max(0.0) * groups / (groups - 1.0)).sqrt() / s[1];
                    Value { estimate: mean, error }
                };
                Bootstrap { plan: Plan::Rows, ..*self }.run(&rows, 5, ratio, &kinds)?
            }
            Plan::Strata(labels) => match StratumRows::new(values, labels) {
                Some(made) => self.run(&made.rows, made.width, |s: &[f64]| made.mean(s), &kinds)?,
                None => self.run(values, 1, |s: &[f64]| s[0] / n, &kinds[..2])?,
            },
        };
        Ok(self.record("mean", values.len() as u64, resampled))
    }

    /// A record of what the resamples say, the first interval in front.
    pub fn record(&self, name: &'static str, n: u64, resampled: Resampled) -> Record {
        let mut intervals = resampled.intervals.into_iter();
        let mut record = Record::new("bootstrap", n)
            .with_estimate(name, resampled.estimate)
            .with("standard_error", resampled.error)
            .with("bias", resampled.bias)
            .with("resamples", f64::from(self.resamples))
            .with("seed", self.seed as f64)
            .with("units", resampled.units as f64);
        record.interval = intervals.next();
        record.intervals = intervals.collect();
        record.assuming(match self.plan {
            Plan::Rows => "rows are independent draws from one population",
            Plan::Clusters(_) => "clusters are independent; rows within one need not be",
            Plan::Strata(_) => "rows are independent; the sizes of the strata are fixed",
        })
    }
}

/// (x − c, (x − c)²) from (x, x²): keeps the digits of a small variance beside a large mean.
fn recentred(mut rows: Vec<f64>, center: f64) -> Vec<f64> {
    for row in rows.chunks_exact_mut(2) {
        row[0] -= center;
        row[1] = row[0] * row[0];
    }
    rows
}

/// Per cluster: Σx, m, (Σx)², m·Σx, m².
fn cluster_rows(values: &[f64], labels: &[u32]) -> Result<Vec<f64>> {
    if values.len() != labels.len() {
        return Err(Error::Lengths {
            left: "the sample",
            n_left: values.len(),
            right: "the labels",
            n_right: labels.len(),
        });
    }
    let groups = labels.iter().max().map_or(0, |&most| most as usize + 1);
    let mut sums = vec![(0.0, 0.0); groups];
    for (value, &label) in values.iter().zip(labels) {
        sums[label as usize].0 += value;
        sums[label as usize].1 += 1.0;
    }
    Ok(sums.into_iter().flat_map(|(x, m)| [x, m, x * x, m * x, m * m]).collect())
}

/// Whether so many resamples hold no quantile of so small a share.
fn beyond(sorted: &[f64], tail: f64) -> bool {
    tail * (sorted.len() as f64 + 1.0) < 1.0
}

/// The quantile of sorted numbers by linear interpolation: x₍ₖ₎ + (h − k)(x₍ₖ₊₁₎ − x₍ₖ₎), h = p (n
/// − 1) and k = ⌊h⌋ from 0. NaN when there are none.
///
/// Domain: ascending numbers, infinite ones too, which is not checked; p from 0 to 1, and beyond it
/// the first or the last. Method: as written. Accuracy: relative error at most 10⁻¹⁵ of numpy's
/// (`tests/resampling.rs`). Source: R. Hyndman and Y. Fan, *Sample quantiles in statistical
/// packages* (1996), type 7, the default of R and numpy.
///
/// ```
/// // numpy: np.quantile([1, 2, 4, 8], 0.1).
/// let found = grimoire_stats::resample::bootstrap::quantile(&[1.0, 2.0, 4.0, 8.0], 0.1);
/// assert!((found - 1.3).abs() < 1e-15);
/// ```
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = (p * last as f64).clamp(0.0, last as f64);
    let low = at.floor() as usize;
    let part = at - low as f64;
    let high = sorted[(low + 1).min(last)];
    match sorted[low] {
        low if part == 0.0 || low == high || low.is_infinite() => low,
        low => low + part * (high - low),
    }
}

/// The p-quantile of `values` with the percentile interval from resamples, quantiles α/2 and 1 −
/// α/2 of them, not expanded.
///
/// An order statistic of a resample has a known distribution: the number of draws at or below the
/// i-th value is binomial, so each resample needs one beta draw and no pass over the data (the k-th
/// order statistic of n uniforms is Beta(k, n + 1 − k)).
///
/// Domain: two finite values or more, 0 < p < 1, a level between 0 and 1, rows as the plan, two
/// resamples or more. Method: two neighbouring
/// uniform order statistics from gamma draws, in the stream of each resample. Accuracy: the same
/// bytes for any number of threads (`tests/resampling.rs`); coverage in `tests/coverage.rs`.
/// Source: B. Efron (1979); H. David and H. Nagaraja, *Order Statistics* (2003).
///
/// # Errors
/// When there are fewer than two values, one is not finite, `p` or the level is not in (0, 1), the
/// plan has clusters or strata, or there are fewer than two resamples.
pub fn quantile_interval(values: &[f64], p: f64, request: &Bootstrap<'_>) -> Result<Record> {
    open_unit("the share", p)?;
    open_unit("the level", request.level)?;
    sample("the sample", values, 2)?;
    if request.plan != Plan::Rows {
        let why = "order statistics are drawn from single rows, not from clusters or strata";
        return Err(Error::Degenerate { what: "the interval of a quantile", why });
    }
    let resamples = request.resamples as usize;
    if resamples < 2 {
        return Err(Error::TooFew { what: "the resamples", needed: 2, found: resamples });
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let at = p * (n - 1) as f64;
    let (k, part) = (at.floor() as usize, at - at.floor());
    let draw = |stream: u32| {
        let mut draws = Random::new(request.seed, u64::from(stream)).draws(0);
        // Uniform order statistics k+1 and k+2 of n, the second given the first.
        let gamma = |draws: &mut crate::random::Draws, shape: usize| {
            crate::dist::gamma::sample(draws, shape as f64)
        };
        let low = gamma(&mut draws, k + 1);
        let step = draws.exponential();
        let rest = if n > k + 2 { gamma(&mut draws, n - k - 1) } else { draws.exponential() };
        let total = low + step + rest;
        let pick = |u: f64| sorted[((u * n as f64) as usize).min(n - 1)];
        let (a, b) = (pick(low / total), pick((low + step) / total));
        if k + 1 < n { a + part * (b - a) } else { a }
    };
    let mut resampled: Vec<f64> = (0..request.resamples).into_par_iter().map(draw).collect();
    resampled.sort_by(f64::total_cmp);
    let mean = sum(resampled.iter().copied()) / f64::from(request.resamples);
    let spread = sum(resampled.iter().map(|v| (v - mean).powi(2)));
    let estimate = quantile(&sorted, p);
    let outcome = Resampled {
        estimate,
        error: (spread / f64::from(request.resamples - 1)).sqrt(),
        bias: mean - estimate,
        intervals: vec![request.percentile(
            &resampled,
            0.5 * (1.0 - request.level),
            "bootstrap percentile",
        )],
        sorted: resampled,
        units: n,
    };
    Ok(request.record(if p == 0.5 { "median" } else { "quantile" }, n as u64, outcome))
}
