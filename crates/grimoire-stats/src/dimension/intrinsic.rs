//! The dimension that data fill, whatever space they are written in.
//!
//! ```text
//! MLE      d⁻¹ = mean over points and j < k of ln(T_k/T_j)   (Levina, Bickel 2004; averaged as MacKay and
//!                Ghahramani advise: inverses, not estimates), T_j the distance to the j-th neighbour,
//!                m terms in all:  d = (m − 1)/Σ ln(T_k/T_j)
//! TwoNN    μ = T₂/T₁ is Pareto(d):  d = (m − 1)/Σ ln μ        (Facco et al. 2017)
//! correlation  slope of ln C(r) against ln r, C the part of pairs closer than r (Grassberger, Procaccia)
//! ```
//!
//! `Σ ln` of Pareto variables is Gamma, so `d·Σ` would have a Gamma(m) law if the terms were independent. They
//! are not: neighbours are often mutual, and what they share makes the variance of Σ larger by a factor c that hardly
//! depends on the dimension or on k. Measured on 1,000 uniform points of a torus of 1, 2, 3, 4 and 6 dimensions it was
//! 1.43 to 1.50 for TwoNN, and 1.51 to 1.79 for the MLE with 2 to 20 neighbours (`golden/stats/dimension.py`, 600
//! rounds: each has a standard error of 6 %). The intervals take `d·Σ/c` as Gamma(m/c) with c = 1.5 and 1.65; taken as
//! independent they would cover 89 and 85 on the circle.
//!
//! Density and curvature change within a neighbourhood, and pull the MLE down in proportion to the square of its
//! radius: on a sphere of three dimensions ten of 200 neighbours cost 1.2 %, and two points of coverage. Its interval
//! is therefore that of the value *extrapolated* to distance zero. With `Eᵢ = i ln(T_{i+1}/T_i)`, of which d⁻¹ is the
//! mean over i < k, and Rᵢ the mean of `T_i²`, a line is laid through (Rᵢ, Eᵢ), i < 4k, and the mean over i < k goes
//! down its slope to R = 0: a sum `Σ wᵢ Eᵢ`, of m = n/Σ wᵢ² terms' worth. c is 1.56 to 1.74 for that sum
//! (`golden/stats/dimension_far.py`, 1,500 rounds), so it is left at 1.65. The interval is wider for it, by 2 % in
//! one dimension and 37 % in three; the estimate stays the authors'. To estimate with one formula and to judge the
//! error with a less biased one is the way of S. Calonico, M. Cattaneo, R. Titiunik (2014). An edge pulls in
//! proportion to the radius itself, and is not allowed for.
//!
//! The pairs of the correlation dimension share points. With s_ij = ln(r₁/r_ij) less its mean, the variance of their
//! sum is that of pairs that have a point in common, each counted once (M. Fafchamps, F. Gubert 2007):
//!
//! ```text
//! Var Σ s = n/(n − 1) [Σᵢ (Σⱼ s_ij)² − Σ_{i<j} s_ij²],   over (m I)², I the information of one pair
//! ```
//!
//! The interval is `d exp(± t s/d)`, t Student's with the degrees of freedom that the scatter of the terms over i
//! leaves (F. Satterthwaite 1946). A jackknife over points counts the second sum twice, and covered 99 where 95 % was
//! asked. The outer radius holds five neighbours of a point on average (one pair in twenty at most), so that it
//! shrinks as n grows: the bias, of the order n^(−2/d), then falls faster than the error of n^(−1/2) up to three
//! dimensions. A fixed part of the pairs would leave a bias that no number of points takes away. Nominal 95 % covers
//! 94 to 96 on spheres of 1, 2 and 3 dimensions with 200 points and with 800, for all three
//! (`tests/coverage_models.rs`).
//!
//! All assume that density hardly varies within a neighbourhood; in high dimension all are too low for any affordable
//! n, by a known tendency that no interval shows.

use super::{Points, square_distance};
use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, open_unit};
use crate::record::Interval;
use crate::special::incomplete;

/// An estimate of the dimension, a number without unit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Intrinsic {
    /// `MLE (Levina-Bickel)`, `TwoNN`, `correlation dimension`.
    pub method: &'static str,
    /// The estimate.
    pub dimension: f64,
    /// The same carried to distance zero, where density and curvature no longer pull it down; the MLE's alone differs.
    pub extrapolated: f64,
    /// Interval of the dimension, around the extrapolated value.
    pub interval: Interval,
    /// Points used.
    pub n: usize,
}

/// How much larger the variance is than that of independent terms: TwoNN's ratios.
const SHARED_RATIOS: f64 = 1.5;
/// The same for the MLE's groups of neighbours.
const SHARED_GROUPS: f64 = 1.65;
/// How many times further than the MLE itself its slope against distance looks.
const PILOT: usize = 4;

/// `lower` and `upper` for a rate of which `m` exponential variables sum to `sum`, with a variance `shared` times that
/// of independent ones.
fn rate_interval(m: f64, sum: f64, shared: f64, level: f64) -> Interval {
    let tail = (0.5 - 0.5 * level).ln();
    let low = shared * incomplete::gamma_inverse(m / shared, tail, true);
    let high = shared * incomplete::gamma_inverse(m / shared, tail, false);
    Interval::new(low / sum, high / sum, level, "gamma, for shared neighbours")
}

fn no_distance() -> Error {
    Error::Degenerate {
        what: "the intrinsic dimension",
        why: "points coincide or are equally spaced",
    }
}

/// Levina and Bickel's maximum likelihood from the `k` nearest neighbours: d = (m − 1)/Σ
/// ln(T_k/T_j) over points and j < k, m terms in all, T_j the distance to the j-th neighbour.
///
/// The interval is that of the value extrapolated to distance zero, which looks at 4k neighbours.
///
/// Domain: 2 ≤ k < n, a level between 0 and 1; points with a twin count with the distances that are
/// not zero. Method: all n² distances; the interval by the gamma distribution with a variance 1.65
/// times that of independent terms. Accuracy: within 0.4 of 3 for a cube rolled into ten
/// dimensions, as tested; nominal 95 % covers 94 to 96 on spheres of 1, 2 and 3 dimensions
/// (`tests/coverage_models.rs`). Source: E. Levina and P. Bickel, *Maximum likelihood estimation of
/// intrinsic dimension* (2004); D. MacKay and Z. Ghahramani (2005) for the average.
///
/// # Errors
/// When k is not from 2 to n − 1, the level is wrong, or all points coincide.
pub fn likelihood(points: &Points, k: usize, level: f64) -> Result<Intrinsic> {
    open_unit("the level", level)?;
    if k < 2 || k >= points.n() {
        return Err(Error::Domain {
            what: "the number of neighbours",
            value: k as f64,
            expected: "at least 2 and fewer than the points",
        });
    }
    let (mut sum, mut terms, mut n) = (0.0, 0.0, 0);
    let lists = points.neighbours((PILOT * k).min(points.n() - 1));
    for list in &lists {
        let far = list[k - 1].0;
        let near = list[..k - 1].iter().filter(|(distance, _)| *distance > 0.0);
        let part: Vec<f64> = near.map(|(distance, _)| (far / distance).ln()).collect();
        n += usize::from(!part.is_empty());
        terms += part.len() as f64;
        sum += part.iter().sum::<f64>();
    }
    if sum <= 0.0 {
        return Err(no_distance());
    }
    let plain = (terms - 1.0) / sum;
    let (extrapolated, independent) = Steps::of(&lists).limit(k).unwrap_or((plain, 1.0 / terms));
    // The sum of m = 1/independent terms.
    let m = 1.0 / independent;
    Ok(Intrinsic {
        method: "MLE (Levina-Bickel)",
        dimension: plain,
        extrapolated,
        interval: rate_interval(m, (m - 1.0) / extrapolated, SHARED_GROUPS, level),
        n,
    })
}

/// `Eᵢ = i ln(T_{i+1}/T_i)` and the square of `T_i`, each a mean over points.
struct Steps {
    steps: Vec<f64>,
    squares: Vec<f64>,
    n: f64,
}

impl Steps {
    /// Of lists of neighbours; a point with a twin is left out.
    fn of(lists: &[Vec<(f64, usize)>]) -> Self {
        let length = lists.first().map_or(0, |list| list.len() - 1);
        let (mut steps, mut squares) = (vec![0.0; length], vec![0.0; length]);
        let apart = || lists.iter().filter(|list| list[0].0 > 0.0);
        let n = apart().count() as f64;
        for list in apart() {
            for (i, pair) in list.windows(2).enumerate() {
                steps[i] += (i + 1) as f64 * (pair[1].0 / pair[0].0).ln() / n;
                squares[i] += pair[0].0 * pair[0].0 / n;
            }
        }
        Self { steps, squares, n }
    }

    /// The dimension at distance zero, seen from `k` neighbours, and the variance of its inverse relative to the
    /// square, were all steps independent; `None` without enough of them.
    fn limit(&self, k: usize) -> Option<(f64, f64)> {
        let (length, near) = (self.steps.len() as f64, (k - 1) as f64);
        let middle = self.squares.iter().sum::<f64>() / length;
        let scatter: f64 = self.squares.iter().map(|square| (square - middle).powi(2)).sum();
        let reach = self.squares[..k - 1].iter().sum::<f64>() / near;
        if length < near + 2.0 || self.n < 2.0 || scatter <= 0.0 {
            return None;
        }
        let (mut inverse, mut variance) = (0.0, 0.0);
        for (i, (step, square)) in self.steps.iter().zip(&self.squares).enumerate() {
            let mean = if i + 1 < k { 1.0 / near } else { 0.0 };
            let weight = mean - reach * (square - middle) / scatter;
            inverse += weight * step;
            variance += weight * weight / self.n;
        }
        // As (m − 1)/Σ is to m/Σ.
        (inverse > 0.0).then(|| ((1.0 - variance) / inverse, variance))
    }
}

/// The TwoNN estimator, d = (m − 1)/Σ ln(T₂/T₁), from the ratio of the second to the first
/// distance; the largest tenth of the ratios is treated as censored, as its authors advise against
/// their noise.
///
/// Domain: a level between 0 and 1; points with a twin are left out. Method: all n² distances; the
/// interval by the gamma distribution with a variance 1.5 times that of independent terms.
/// Accuracy: within 0.4 of 3 for a cube rolled into ten dimensions, as tested; nominal 95 % covers
/// 94 to 96 on spheres of 1, 2 and 3 dimensions (`tests/coverage_models.rs`). Source: E. Facco, M.
/// d'Errico, A. Rodriguez and A. Laio, *Estimating the intrinsic dimension of datasets by a minimal
/// neighborhood information* (2017).
///
/// # Errors
/// When the level is wrong, all points coincide, or all are equally spaced.
pub fn two_nearest(points: &Points, level: f64) -> Result<Intrinsic> {
    open_unit("the level", level)?;
    let mut logs: Vec<f64> = points
        .neighbours(2)
        .iter()
        .filter(|list| list[0].0 > 0.0)
        .map(|list| (list[1].0 / list[0].0).ln())
        .collect();
    logs.sort_by(f64::total_cmp);
    let kept = logs.len() - logs.len() / 10;
    if kept < 2 {
        return Err(no_distance());
    }
    // Type II censoring: Σ of the kept plus the largest kept for each left out is still Gamma(kept).
    let sum = logs[..kept].iter().sum::<f64>() + (logs.len() - kept) as f64 * logs[kept - 1];
    if sum <= 0.0 {
        return Err(no_distance());
    }
    let m = kept as f64;
    Ok(Intrinsic {
        method: "TwoNN",
        dimension: (m - 1.0) / sum,
        extrapolated: (m - 1.0) / sum,
        interval: rate_interval(m, sum, SHARED_RATIOS, level),
        n: logs.len(),
    })
}

/// The correlation dimension, slope of ln C(r) against ln r, C the part of pairs closer than r: the
/// d with mean of ln(r₁/r) = 1/d − w/(e^{dw} − 1), w = ln(r₁/r₀), over pairs between two radii. The
/// outer holds five neighbours of a point on average (at most one pair in twenty), the inner one in
/// fifty of these pairs, at least ten.
///
/// Domain: forty points or more, a level between 0 and 1; pairs that coincide are left out. Method:
/// bisection for d from 10⁻³ to 10⁴; the interval is d exp(± t s/d), as the [module](self) says.
/// Accuracy: within 0.4 of 3 for a cube rolled into ten dimensions, as tested; nominal 95 % covers
/// 94 to 96 on spheres of 1, 2 and 3 dimensions (`tests/coverage_models.rs`). Source: P.
/// Grassberger and I. Procaccia, *Measuring the strangeness of strange attractors* (1983); F.
/// Takens, *On the numerical determination of the dimension of an attractor* (1985); M. Fafchamps
/// and F. Gubert (2007) for the interval.
///
/// # Errors
/// When the level is wrong, there are fewer than forty points, or distances do not vary.
pub fn correlation(points: &Points, level: f64) -> Result<Intrinsic> {
    const NEEDED: usize = 40;
    /// Of a point within the outer radius, on average.
    const NEIGHBOURS: usize = 5;
    open_unit("the level", level)?;
    let n = points.n();
    if n < NEEDED {
        return Err(Error::TooFew { what: "the list of points", needed: NEEDED, found: n });
    }
    let mut pairs: Vec<Pair> = Vec::with_capacity(n * (n - 1) / 2);
    for i in 0..n {
        for j in 0..i {
            let square = square_distance(points.point(i), points.point(j));
            if square > 0.0 {
                pairs.push(Pair { square, ends: [i as u32, j as u32] });
            }
        }
    }
    let high = (pairs.len() / 20).max(20).min(n * NEIGHBOURS / 2);
    let low = (high / 50).max(10);
    if high >= pairs.len() {
        return Err(no_distance());
    }
    let order = |a: &Pair, b: &Pair| a.square.total_cmp(&b.square).then(a.ends.cmp(&b.ends));
    pairs.select_nth_unstable_by(high, order);
    pairs.truncate(high + 1);
    pairs.sort_unstable_by(order);
    let slope = Slope::of(&pairs[low..]).ok_or_else(no_distance)?;
    let (error, freedom) = slope.spread(&pairs[low..high], n);
    let t = Student::new(freedom)?.upper_quantile(0.5 - 0.5 * level);
    let factor = (t * error / slope.dimension).exp();
    let (lower, upper) = (slope.dimension / factor, slope.dimension * factor);
    Ok(Intrinsic {
        method: "correlation dimension",
        dimension: slope.dimension,
        extrapolated: slope.dimension,
        interval: Interval::new(
            lower,
            upper,
            level,
            "Student's t of the logarithm, for shared points",
        ),
        n,
    })
}

/// Two points and the square of their distance.
struct Pair {
    square: f64,
    ends: [u32; 2],
}

/// Maximum-likelihood slope of the pair distances between two radii (F. Takens, 1985):
/// for r₀ < r < r₁ with C(r) ∝ r^d, solved for d from the mean of ln(r₁/r).
struct Slope {
    dimension: f64,
    /// ln r₁.
    outer: f64,
    /// Mean of ln(r₁/r).
    mean: f64,
    /// What one pair tells about d: 1/d² − w² e^{dw}/(e^{dw} − 1)², w = ln(r₁/r₀).
    information: f64,
}

impl Slope {
    /// Of pairs in order; the first is at r₀, the last at r₁ and is not counted.
    fn of(pairs: &[Pair]) -> Option<Self> {
        let m = pairs.len() - 1;
        let (inner, outer) = (0.5 * pairs[0].square.ln(), 0.5 * pairs[m].square.ln());
        let width = outer - inner;
        if width.is_nan() || width <= 0.0 {
            return None;
        }
        let logs = pairs[..m].iter().map(|pair| outer - 0.5 * pair.square.ln());
        let mean = logs.sum::<f64>() / m as f64;
        // Truncated exponential on (0, width): mean = 1/d − width/(e^{d·width} − 1).
        let expected = |d: f64| 1.0 / d - width / (d * width).exp_m1();
        let (mut small, mut large) = (1e-3, 1e4);
        for _ in 0..80 {
            let middle = 0.5 * (small + large);
            if expected(middle) > mean { small = middle } else { large = middle }
        }
        let d = 0.5 * (small + large);
        let lost = width / (2.0 * (0.5 * d * width).sinh());
        Some(Self { dimension: d, outer, mean, information: 1.0 / (d * d) - lost * lost })
    }

    /// Standard error of d and its degrees of freedom, from the pairs that were counted among `n` points.
    fn spread(&self, pairs: &[Pair], n: usize) -> (f64, f64) {
        let (mut sums, mut squares) = (vec![0.0; n], vec![0.0; n]);
        for pair in pairs {
            let score = self.outer - 0.5 * pair.square.ln() - self.mean;
            for end in pair.ends {
                sums[end as usize] += score;
                squares[end as usize] += score * score;
            }
        }
        let parts: Vec<f64> = sums.iter().zip(&squares).map(|(s, q)| s * s - 0.5 * q).collect();
        let count = n as f64;
        let total = parts.iter().sum::<f64>() * count / (count - 1.0);
        let own = 0.5 * squares.iter().sum::<f64>();
        let middle = total / count;
        let scatter: f64 = parts.iter().map(|part| (part - middle).powi(2)).sum();
        let told = pairs.len() as f64 * self.information;
        if total <= 0.0 || scatter <= 0.0 {
            return (own.sqrt() / told, count - 1.0);
        }
        (total.sqrt() / told, 2.0 * total * total / scatter)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cloud, draw};
    use super::*;

    /// Three dimensions rolled into ten: (x, y, z, and seven smooth functions of them).
    fn rolled(n: usize) -> Points {
        let flat = draw(Cloud::Cube, n, 3, 9);
        let values = flat
            .chunks(3)
            .flat_map(|p| {
                let (x, y, z) = (p[0], p[1], p[2]);
                [x, y, z, x.sin(), y.cos(), x + y, 0.5 * z, (x + z).sin(), y - z, 0.3 * x]
            })
            .collect();
        Points::new(10, values).unwrap()
    }

    /// The constants against `golden/stats/dimension.py`, which measures them with scipy on tori.
    #[test]
    fn shared_neighbours_widen_by_what_was_measured() {
        let data: serde_json::Value = grimoire_testkit::golden::read("stats/dimension.json");
        let rounds = data["rounds"].as_f64().unwrap();
        let rows = data["factors"].as_array().unwrap();
        assert!(rows.len() == 5 && rounds >= 600.0);
        for (constant, keys) in [
            (SHARED_RATIOS, vec!["twonn"]),
            (SHARED_GROUPS, vec!["mle_2", "mle_5", "mle_10", "mle_20"]),
        ] {
            let found = |suffix: &str| -> Vec<f64> {
                let names: Vec<String> = keys.iter().map(|key| format!("{key}{suffix}")).collect();
                let of = |row: &serde_json::Value| {
                    names.iter().map(|name| row[name].as_f64().unwrap()).collect::<Vec<_>>()
                };
                rows.iter().flat_map(of).collect()
            };
            // A variance from so many rounds has a standard error of √(2/rounds); three of them for the largest of all.
            let error = (2.0 / rounds).sqrt();
            let factors = found("");
            for factor in &factors {
                assert!((factor / constant - 1.0).abs() < 3.0 * error, "{factor} {constant}");
            }
            let mean = factors.iter().sum::<f64>() / factors.len() as f64;
            assert!((mean / constant - 1.0).abs() < error, "{mean} {constant}");
            assert!(found("_mean").iter().all(|mean| (mean - 1.0).abs() < 0.02));
        }
    }

    /// The same for the extrapolated value, measured by `golden/stats/dimension_far.py`.
    #[test]
    fn shared_neighbours_widen_the_extrapolated_value_alike() {
        let data: serde_json::Value = grimoire_testkit::golden::read("stats/dimension_far.json");
        let error = (2.0 / data["rounds"].as_f64().unwrap()).sqrt();
        let rows = data["factors"].as_array().unwrap();
        assert!(rows.len() == 5 && error < 0.04);
        let (mut sum, mut count) = (0.0, 0.0);
        for key in ["mle_2", "mle_5", "mle_10"] {
            for row in rows {
                let factor = row[key].as_f64().unwrap() / SHARED_GROUPS;
                assert!((factor - 1.0).abs() < 3.0 * error, "{key}: {factor}");
                assert!((row[format!("{key}_mean")].as_f64().unwrap() - 1.0).abs() < 0.01);
                (sum, count) = (sum + factor, count + 1.0);
            }
        }
        assert!((sum / count - 1.0).abs() < error);
    }

    #[test]
    fn three_dimensions_are_found_in_ten() {
        let points = rolled(1500);
        for found in [
            likelihood(&points, 10, 0.95).unwrap(),
            two_nearest(&points, 0.95).unwrap(),
            correlation(&points, 0.95).unwrap(),
        ] {
            // Edges of the cube pull the estimates down by some percent: within 0.4 of 3.
            assert!((found.dimension - 3.0).abs() < 0.4, "{found:?}");
            assert!(found.interval.contains(found.dimension), "{found:?}");
        }
        let line = Points::new(1, (0..100).map(f64::from).collect()).unwrap();
        assert!(two_nearest(&line, 0.95).is_err());
        assert!(likelihood(&Points::new(2, vec![1.0; 20]).unwrap(), 3, 0.95).is_err());
    }
}
