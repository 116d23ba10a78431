//! The curse of dimensionality, measured.
//!
//! Four faces of one fact, that volume grows as a power of the dimension: [`volume`] (balls vanish, shells
//! take all, a density costs 10^d points), [`concentration`] (all distances become alike; a few points
//! become everybody's neighbour), [`recall`] (an index that visits a fixed number of candidates finds fewer
//! of the true neighbours), and the way out, [`intrinsic`]: real data seldom fill the space they are
//! written in, and what counts is the dimension that they do fill.
//!
//! Method: all pairs are compared, which is exact and takes n² distances; drawing is a function of seed, dimension
//! and index. Accuracy: distances to a few units of rounding. Sources are named in each module.

pub mod concentration;
pub mod intrinsic;
pub mod recall;
pub mod volume;

use crate::error::{Error, Result, sample};
use crate::linear::vector::dispatch;
use crate::random::Random;
use rayon::prelude::*;

/// Where points are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// Evenly in the unit cube.
    #[default]
    Cube,
    /// From the standard normal distribution.
    Gaussian,
    /// Evenly on the unit sphere.
    Sphere,
}

/// `n` points in `d` dimensions, one after the other: u, z, or z/‖z‖, with u uniform and z normal;
/// a function of the seed alone.
///
/// Domain: any n and d; none gives nothing. On the sphere of one dimension points are ±1. Method: a
/// lane of the generator for each point, so that threads do not matter. Accuracy: that of
/// [`Random`]. Source: M. Muller, *A note on a method for generating points uniformly on
/// n-dimensional spheres* (1959).
pub fn draw(cloud: Cloud, n: usize, d: usize, seed: u64) -> Vec<f64> {
    let random = Random::new(seed, d as u64);
    let mut points = vec![0.0; n * d];
    points.par_chunks_mut(d.max(1)).enumerate().for_each(|(i, point)| {
        let mut draws = random.draws(i as u64);
        for x in point.iter_mut() {
            *x = if cloud == Cloud::Cube { draws.uniform() } else { draws.normal() };
        }
        if cloud == Cloud::Sphere {
            let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
            point.iter_mut().for_each(|x| *x /= length);
        }
    });
    points
}

/// A checked set of n points of d coordinates, point after point, finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    d: usize,
    values: Vec<f64>,
}

impl Points {
    /// From coordinates, point after point: xᵢⱼ = `values[i·d + j]`.
    ///
    /// Domain: three points or more, d ≥ 1, finite coordinates of one unit. Method: none, they are
    /// kept. Accuracy: exact. Source: none beyond the definition.
    ///
    /// # Errors
    /// When there are fewer than three points, the length is no multiple of d, or a value is not
    /// finite.
    pub fn new(d: usize, values: Vec<f64>) -> Result<Self> {
        sample("the coordinates", &values, 1)?;
        if d == 0 || !values.len().is_multiple_of(d) {
            return Err(Error::Domain {
                what: "the dimension of the points",
                value: d as f64,
                expected: "a divisor of the number of coordinates",
            });
        }
        if values.len() / d < 3 {
            return Err(Error::TooFew {
                what: "the list of points",
                needed: 3,
                found: values.len() / d,
            });
        }
        Ok(Self { d, values })
    }

    /// Number of points n.
    pub fn n(&self) -> usize {
        self.values.len() / self.d
    }

    /// Their dimension d, the number of coordinates of each.
    pub fn d(&self) -> usize {
        self.d
    }

    /// Point `i` of n, from 0: d coordinates.
    pub fn point(&self, i: usize) -> &[f64] {
        &self.values[i * self.d..(i + 1) * self.d]
    }

    /// The `k` nearest others of each point, nearest first: (distance ‖x − y‖, index). Of equal
    /// distances the smaller index comes first.
    ///
    /// Domain: any k; at most n − 1 others there are. Method: all n² pairs are compared. Accuracy:
    /// distances to a few units of rounding, order exact but for those. Source: none beyond the
    /// definition.
    pub fn neighbours(&self, k: usize) -> Vec<Vec<(f64, usize)>> {
        (0..self.n())
            .into_par_iter()
            .map(|i| {
                let mut all: Vec<(f64, usize)> = (0..self.n())
                    .filter(|&j| j != i)
                    .map(|j| (square_distance(self.point(i), self.point(j)), j))
                    .collect();
                let order =
                    |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                let k = k.min(all.len());
                if k < all.len() {
                    all.select_nth_unstable_by(k, order);
                    all.truncate(k);
                }
                all.sort_by(order);
                all.into_iter().map(|(square, j)| (square.sqrt(), j)).collect()
            })
            .collect()
    }
}

/// `‖a − b‖²`.
pub(crate) fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    dispatch(
        #[inline(always)]
        || {
            let mut lanes = [0.0; 8];
            let whole = a.len() - a.len() % 8;
            for (a, b) in a[..whole].chunks_exact(8).zip(b[..whole].chunks_exact(8)) {
                for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                    *lane += (a - b) * (a - b);
                }
            }
            for (lane, (a, b)) in lanes.iter_mut().zip(a[whole..].iter().zip(&b[whole..])) {
                *lane += (a - b) * (a - b);
            }
            ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
                + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
        },
    )
}
