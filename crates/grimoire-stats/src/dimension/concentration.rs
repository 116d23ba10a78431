//! Distances become alike, and a few points become everybody's neighbour.
//!
//! ```text
//! variation  sd(D)/mean(D)            falls like 1/√d for independent coordinates
//! contrast   (D_max − D_min)/D_min    of a query to all points (Beyer et al., 1999)
//! hubness    skewness of N_k, how often a point is among the k nearest of others
//!            (Radovanović, Nanopoulos, Ivanović, 2010): 0 is even, large means hubs
//! ```
//!
//! The interval of the contrast is over query points; these share one cloud, so it is a little narrow.

use super::{Cloud, Points, draw, square_distance};
use crate::error::{Error, Result, open_unit};
use crate::record::Interval;
use crate::special::erf::normal_quantile;
use rayon::prelude::*;

/// What was measured at one dimension.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Concentration {
    /// The dimension.
    pub dimension: usize,
    /// Number of points.
    pub n: usize,
    /// Mean distance of two points.
    pub mean: f64,
    /// Standard deviation over mean of the distances.
    pub variation: f64,
    /// Mean over points of (farthest − nearest)/nearest.
    pub contrast: f64,
    /// Interval of that mean.
    pub interval: Interval,
    /// Skewness of the number of times a point is among the k nearest of others.
    pub hubness: f64,
    /// The most often named neighbour: how often, with n·k namings in all.
    pub largest_hub: usize,
    /// Points that are nobody's neighbour, as a part.
    pub orphans: f64,
}

/// Measures a cloud of `n` points in `d` dimensions.
///
/// # Errors
/// When there are fewer than three points, no dimension, or a wrong level.
pub fn measure(
    cloud: Cloud,
    n: usize,
    d: usize,
    k: usize,
    level: f64,
    seed: u64,
) -> Result<Concentration> {
    if n < 3 {
        return Err(Error::TooFew { what: "the cloud", needed: 3, found: n });
    }
    of_points(&Points::new(d, draw(cloud, n, d.max(1), seed))?, k, level)
}

/// Measures given points.
///
/// # Errors
/// When k is not from 1 to n − 1, the level is wrong, or all points coincide.
pub fn of_points(points: &Points, k: usize, level: f64) -> Result<Concentration> {
    open_unit("the level", level)?;
    let n = points.n();
    if k == 0 || k >= n {
        return Err(Error::Domain {
            what: "the number of neighbours",
            value: k as f64,
            expected: "at least 1 and fewer than the points",
        });
    }
    // Per point: sum and sum of squares of distances, nearest, farthest.
    let rows: Vec<[f64; 4]> = (0..n).into_par_iter().map(|i| distances_from(points, i)).collect();
    let pairs = (n * (n - 1)) as f64;
    let mean = rows.iter().map(|row| row[0]).sum::<f64>() / pairs;
    if mean == 0.0 {
        return Err(Error::Degenerate { what: "distances", why: "all points coincide" });
    }
    let variance = rows.iter().map(|row| row[1]).sum::<f64>() / pairs - mean * mean;
    // A point with a twin has no finite contrast and is left out of the mean.
    let contrasts: Vec<f64> =
        rows.iter().filter(|row| row[2] > 0.0).map(|row| (row[3] - row[2]) / row[2]).collect();
    let m = contrasts.len().max(1) as f64;
    let contrast = contrasts.iter().sum::<f64>() / m;
    let scatter: f64 = contrasts.iter().map(|value| (value - contrast).powi(2)).sum();
    let half = normal_quantile(0.5 + 0.5 * level) * (scatter / (m - 1.0).max(1.0) / m).sqrt();
    let mut named = vec![0_usize; n];
    for list in points.neighbours(k) {
        list.iter().for_each(|(_, j)| named[*j] += 1);
    }
    let deviation = |power: i32| -> f64 {
        named.iter().map(|&count| (count as f64 - k as f64).powi(power)).sum::<f64>() / n as f64
    };
    let spread = deviation(2).sqrt();
    Ok(Concentration {
        dimension: points.d(),
        n,
        mean,
        variation: variance.max(0.0).sqrt() / mean,
        contrast,
        interval: Interval::new(contrast - half, contrast + half, level, "normal, over points"),
        hubness: if spread > 0.0 { deviation(3) / spread.powi(3) } else { 0.0 },
        largest_hub: named.iter().copied().max().unwrap_or(0),
        orphans: named.iter().filter(|count| **count == 0).count() as f64 / n as f64,
    })
}

fn distances_from(points: &Points, i: usize) -> [f64; 4] {
    let mut row = [0.0, 0.0, f64::INFINITY, 0.0];
    for j in (0..points.n()).filter(|&j| j != i) {
        let square = square_distance(points.point(i), points.point(j));
        let distance = square.sqrt();
        row = [row[0] + distance, row[1] + square, row[2].min(distance), row[3].max(distance)];
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn the_cube_concentrates_as_theory_has_it() {
        // E D² = d/6 and Var D² = 7d/180 for two points of the unit cube; D ≈ √(d/6), sd ≈ √(7/120).
        let far = measure(Cloud::Cube, 400, 200, 5, 0.95, 1).unwrap();
        close(far.mean, (200.0_f64 / 6.0).sqrt(), 0.01, 0.0);
        close(far.variation * far.mean, (7.0_f64 / 120.0).sqrt(), 0.05, 0.0);
        let near = measure(Cloud::Cube, 400, 2, 5, 0.95, 1).unwrap();
        assert!(near.contrast > 10.0 * far.contrast && near.interval.contains(near.contrast));
        assert!(far.hubness > 1.0 && far.hubness > 3.0 * near.hubness.abs());
        assert!(measure(Cloud::Cube, 2, 2, 1, 0.95, 1).is_err());
    }
}
