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
//! rounds: each has a standard error of 6 %). The
//! intervals take `d·Σ/c` as Gamma(m/c) with c = 1.5 and 1.65. Of 200 points on spheres of 1, 2 and 3 dimensions a
//! nominal 95 % holds the truth 94 to 95 times in 100; with ten neighbours in 3 dimensions 93, since so wide a
//! neighbourhood is curved. Taken as independent it was 89 and 85 on the circle.
//!
//! The interval of the correlation dimension is a jackknife over twenty groups of points, with Student's t. Where all
//! points are alike, as on a sphere, only pairs vary, a jackknife counts them twice, and a nominal 95 % covers 99.
//! All assume that density hardly varies within a neighbourhood; in high dimension all are too low for any affordable
//! n, by a known tendency that no interval shows.

use super::{Points, square_distance};
use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, open_unit};
use crate::record::Interval;
use crate::special::incomplete;

/// An estimate of the dimension.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Intrinsic {
    /// `MLE (Levina-Bickel)`, `TwoNN`, `correlation dimension`.
    pub method: &'static str,
    /// The estimate.
    pub dimension: f64,
    /// Its interval.
    pub interval: Interval,
    /// Points used.
    pub n: usize,
}

/// How much larger the variance is than that of independent terms: TwoNN's ratios.
const SHARED_RATIOS: f64 = 1.5;
/// The same for the MLE's groups of neighbours.
const SHARED_GROUPS: f64 = 1.65;

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

/// Levina and Bickel's maximum likelihood from the `k` nearest neighbours.
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
    for list in points.neighbours(k) {
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
    Ok(Intrinsic {
        method: "MLE (Levina-Bickel)",
        dimension: (terms - 1.0) / sum,
        interval: rate_interval(terms, sum, SHARED_GROUPS, level),
        n,
    })
}

/// The TwoNN estimator, from the ratio of the second to the first distance; the largest tenth of the
/// ratios is treated as censored, as its authors advise against their noise.
///
/// # Errors
/// When the level is wrong or all points coincide.
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
        interval: rate_interval(m, sum, SHARED_RATIOS, level),
        n: logs.len(),
    })
}

/// The correlation dimension: slope between the radii within which one pair in a thousand (at least ten
/// pairs) and one pair in twenty lie.
///
/// # Errors
/// When the level is wrong, there are fewer than forty points, or distances do not vary.
pub fn correlation(points: &Points, level: f64) -> Result<Intrinsic> {
    const GROUPS: usize = 20;
    open_unit("the level", level)?;
    let n = points.n();
    if n < 2 * GROUPS {
        return Err(Error::TooFew { what: "the list of points", needed: 2 * GROUPS, found: n });
    }
    // Sorted once; without a group they are still in order.
    let mut pairs: Vec<(f64, [usize; 2])> = Vec::with_capacity(n * (n - 1) / 2);
    for i in 0..n {
        for j in 0..i {
            let square = square_distance(points.point(i), points.point(j));
            if square > 0.0 {
                pairs.push((square, [i % GROUPS, j % GROUPS]));
            }
        }
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let squares: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let whole = slope(&squares).ok_or_else(no_distance)?;
    let without = |group: usize| {
        let kept = pairs.iter().filter(|pair| !pair.1.contains(&group));
        slope(&kept.map(|pair| pair.0).collect::<Vec<f64>>())
    };
    let parts: Vec<f64> = (0..GROUPS).filter_map(without).collect();
    if parts.len() < GROUPS {
        return Err(no_distance());
    }
    let mean = parts.iter().sum::<f64>() / GROUPS as f64;
    let scatter: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
    let error = (scatter * (GROUPS - 1) as f64 / GROUPS as f64).sqrt();
    let half = Student::new((GROUPS - 1) as f64)?.upper_quantile(0.5 - 0.5 * level) * error;
    Ok(Intrinsic {
        method: "correlation dimension",
        dimension: whole,
        interval: Interval::new(whole - half, whole + half, level, "jackknife over twenty groups"),
        n,
    })
}

/// Maximum-likelihood slope of the pair distances between the two radii (F. Takens, 1985):
/// for r₀ < r < r₁ with C(r) ∝ r^d, solved for d from the mean of ln(r/r₁). Takes squares in order.
fn slope(squares: &[f64]) -> Option<f64> {
    let count = squares.len();
    let (low, high) = ((count / 1000).max(10), (count / 20).max(20));
    if high >= count {
        return None;
    }
    let (inner, outer) = (0.5 * squares[low].ln(), 0.5 * squares[high].ln());
    let width = outer - inner;
    if width.is_nan() || width <= 0.0 {
        return None;
    }
    let m = (high - low) as f64;
    let mean = squares[low..high].iter().map(|square| outer - 0.5 * square.ln()).sum::<f64>() / m;
    // Truncated exponential on (0, width): mean = 1/d − width/(e^{d·width} − 1).
    let expected = |d: f64| 1.0 / d - width / (d * width).exp_m1();
    let (mut small, mut large) = (1e-3, 1e4);
    for _ in 0..80 {
        let middle = 0.5 * (small + large);
        if expected(middle) > mean { small = middle } else { large = middle }
    }
    Some(0.5 * (small + large))
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
