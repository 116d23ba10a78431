//! What a fixed amount of search finds as the dimension grows.
//!
//! A k-d tree (J. Bentley, 1975; best-bin-first search, Beis and Lowe, 1997) is asked for the nearest
//! neighbour of fresh queries and may look at a fixed number of points. In few dimensions that is always
//! enough; in many it is hardly better than looking at random points. The recall is the part of queries
//! whose true nearest neighbour was found, with its Wilson interval.
//!
//! Equation: recall = found/queries. Method: every query is answered twice, by the tree and by comparing all
//! points. Accuracy: a share of 200 or more queries, whose interval is exact enough for any share (see
//! [`crate::interval`]).

use super::{Cloud, draw, square_distance};
use crate::error::{Error, Result, open_unit};
use crate::record::Interval;
use crate::special::erf::normal_quantile;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Recall at one dimension; parts are from 0 to 1.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Recall {
    /// The dimension.
    pub dimension: usize,
    /// Points in the index.
    pub n: usize,
    /// Queries asked.
    pub queries: usize,
    /// Points the search may look at.
    pub budget: usize,
    /// Part of the queries whose nearest neighbour was found.
    pub recall: f64,
    /// Its interval.
    pub interval: Interval,
    /// Mean part of the index that an exact search with the same tree must look at.
    pub exact_cost: f64,
}

const LEAF: usize = 8;

/// A k-d tree over points of dimension d.
struct Tree<'a> {
    points: &'a [f64],
    d: usize,
    nodes: Vec<Node>,
    order: Vec<usize>,
}

enum Node {
    Leaf { start: usize, end: usize },
    Split { axis: usize, at: f64, low: usize, high: usize },
}

/// A branch still to visit: its least possible squared distance, and its node.
struct Branch(f64, usize);

impl Ord for Branch {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}
impl PartialOrd for Branch {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Branch {}

impl<'a> Tree<'a> {
    fn new(points: &'a [f64], d: usize) -> Self {
        let mut tree = Self { points, d, nodes: vec![], order: (0..points.len() / d).collect() };
        tree.build(0, points.len() / d);
        tree
    }

    fn build(&mut self, start: usize, end: usize) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf { start, end });
        if end - start <= LEAF {
            return at;
        }
        let value = |point: usize, axis: usize| self.points[point * self.d + axis];
        let spread = |axis: usize| {
            let ends = self.order[start..end]
                .iter()
                .map(|&i| value(i, axis))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                    (low.min(x), high.max(x))
                });
            ends.1 - ends.0
        };
        let axis = (0..self.d).fold((0, f64::NEG_INFINITY), |best, axis| {
            let width = spread(axis);
            if width > best.1 { (axis, width) } else { best }
        });
        if axis.1 <= 0.0 {
            return at;
        }
        let (axis, middle) = (axis.0, (start + end) / 2);
        let (points, d) = (self.points, self.d);
        self.order[start..end].select_nth_unstable_by(middle - start, |&a, &b| {
            points[a * d + axis].total_cmp(&points[b * d + axis]).then(a.cmp(&b))
        });
        let cut = points[self.order[middle] * d + axis];
        let low = self.build(start, middle);
        let high = self.build(middle, end);
        self.nodes[at] = Node::Split { axis, at: cut, low, high };
        at
    }

    /// The nearest point seen within the budget, and how many points were looked at.
    fn search(&self, query: &[f64], budget: usize) -> (usize, usize) {
        let (mut best, mut nearest, mut seen) = (usize::MAX, f64::INFINITY, 0);
        let mut queue = BinaryHeap::from([Branch(0.0, 0)]);
        while let Some(Branch(bound, mut node)) = queue.pop() {
            if bound >= nearest || seen >= budget {
                break;
            }
            while let Node::Split { axis, at, low, high } = self.nodes[node] {
                let beyond = query[axis] - at;
                let (near, far) = if beyond < 0.0 { (low, high) } else { (high, low) };
                queue.push(Branch(bound.max(beyond * beyond), far));
                node = near;
            }
            let Node::Leaf { start, end } = self.nodes[node] else { continue };
            for &i in &self.order[start..end] {
                seen += 1;
                let square = square_distance(query, &self.points[i * self.d..(i + 1) * self.d]);
                if square < nearest {
                    (best, nearest) = (i, square);
                }
            }
        }
        (best, seen)
    }
}

/// Measures recall = found/queries for `queries` fresh points of the cloud against `n`, of which
/// the search may look at `budget`.
///
/// Domain: every number 1 or more, a level between 0 and 1. Method: a k-d tree with leaves of
/// eight, searched best bin first, and again without a bound for the truth; Wilson's interval.
/// Accuracy: the truth is exact, as tested against all pairs; the recall is a share, as good as its
/// interval (see [`crate::interval`]). Source: J. Bentley, *Multidimensional binary search trees
/// used for associative searching* (1975); J. Beis and D. Lowe, *Shape indexing using approximate
/// nearest-neighbour search in high-dimensional spaces* (1997).
///
/// # Errors
/// When a number is zero or the level is wrong.
pub fn measure(
    cloud: Cloud,
    n: usize,
    d: usize,
    queries: usize,
    budget: usize,
    level: f64,
    seed: u64,
) -> Result<Recall> {
    open_unit("the level", level)?;
    for (what, value) in [
        ("the number of points", n),
        ("the dimension", d),
        ("the number of queries", queries),
        ("the number of points to look at", budget),
    ] {
        if value == 0 {
            return Err(Error::Domain { what, value: 0.0, expected: "at least 1" });
        }
    }
    let points = draw(cloud, n, d, seed);
    let asked = draw(cloud, queries, d, seed ^ 0x9E37_79B9_7F4A_7C15);
    let tree = Tree::new(&points, d);
    let outcomes: Vec<(bool, usize)> = asked
        .par_chunks(d)
        .map(|query| {
            let (truth, cost) = tree.search(query, usize::MAX);
            (tree.search(query, budget).0 == truth, cost)
        })
        .collect();
    let total = queries as f64;
    let hits = outcomes.iter().filter(|(hit, _)| *hit).count() as f64;
    let cost: usize = outcomes.iter().map(|(_, cost)| cost).sum();
    let z = normal_quantile(0.5 + 0.5 * level);
    let share = hits / total;
    let centre = (share + z * z / (2.0 * total)) / (1.0 + z * z / total);
    let half = z / (1.0 + z * z / total)
        * (share * (1.0 - share) / total + z * z / (4.0 * total * total)).sqrt();
    Ok(Recall {
        dimension: d,
        n,
        queries,
        budget,
        recall: share,
        interval: Interval::new(
            (centre - half).max(0.0),
            (centre + half).min(1.0),
            level,
            "Wilson",
        ),
        exact_cost: cost as f64 / (total * n as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_exact_without_a_budget_and_worse_in_more_dimensions() {
        let points = draw(Cloud::Cube, 500, 3, 5);
        let tree = Tree::new(&points, 3);
        for query in draw(Cloud::Cube, 50, 3, 6).chunks(3) {
            let plain = (0..500)
                .min_by(|&a, &b| {
                    let to = |i: usize| square_distance(query, &points[i * 3..i * 3 + 3]);
                    to(a).total_cmp(&to(b))
                })
                .unwrap();
            assert_eq!(tree.search(query, usize::MAX).0, plain);
        }
        let at = |d| measure(Cloud::Cube, 2000, d, 200, 50, 0.95, 3).unwrap();
        let (few, many) = (at(2), at(30));
        assert!(few.recall > 0.95 && many.recall < 0.5, "{few:?} {many:?}");
        assert!(many.exact_cost > 0.5 && few.exact_cost < 0.05);
    }
}
