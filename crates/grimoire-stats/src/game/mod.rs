//! A balance of power as a game: equilibria, their stability, the flow between them.
//!
//! The claim that several strong agents would hold each other in check can be put as a question that has
//! an answer: *given* what each behaviour earns against each other, is there a mixture of behaviours from
//! which nobody gains by moving, and does the mixture come back when disturbed? [`equilibria`] finds all
//! Nash equilibria by enumerating supports; [`stability`] says which are evolutionarily stable and what
//! the eigenvalues of the flow are; [`flow`] follows the replicator dynamics; [`agents`] treats n agents
//! who choose between two behaviours at once.
//!
//! ```text
//! replicator:  ẋᵢ = xᵢ [ (Ax)ᵢ − xᵀAx ]      Nash:  xᵢ > 0 ⇒ (Ax)ᵢ = maxⱼ (Ax)ⱼ
//! ```
//!
//! What this cannot do is supply the payoffs. It shows what follows from numbers that somebody believed.
//! Sources: J. Hofbauer, K. Sigmund, *Evolutionary Games and Population Dynamics* (1998), chapters 6-7;
//! J. Maynard Smith, *Evolution and the Theory of Games* (1982).
//!
//! Accuracy: each module says its own; an earning (Ax)ᵢ is a plain sum in doubles.

pub mod agents;
pub mod equilibria;
pub mod flow;
pub mod stability;

use crate::error::{Error, Result, sample};

/// Largest number of behaviours for which supports are enumerated (2ⁿ of them).
pub const MOST_STRATEGIES: usize = 14;

/// Payoffs of a symmetric game, n × n: row i, column j is what behaviour i earns against behaviour
/// j, in any unit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Payoffs {
    rows: Vec<Vec<f64>>,
}

impl Payoffs {
    /// From rows: aᵢⱼ = `rows[i][j]`.
    ///
    /// Domain: n × n finite numbers, n from 2 to [`MOST_STRATEGIES`]. Method: none, they are kept.
    /// Accuracy: exact. Source: J. Maynard Smith, *Evolution and the Theory of Games* (1982).
    ///
    /// # Errors
    /// When the matrix is not square, smaller than 2x2, larger than [`MOST_STRATEGIES`] or not
    /// finite.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self> {
        let n = rows.len();
        if !(2..=MOST_STRATEGIES).contains(&n) {
            return Err(Error::Domain {
                what: "the number of behaviours",
                value: n as f64,
                expected: "from 2 to 14",
            });
        }
        for row in &rows {
            sample("a row of the payoffs", row, 1)?;
            if row.len() != n {
                return Err(Error::Lengths {
                    left: "the column of rows",
                    n_left: n,
                    right: "a row of the payoffs",
                    n_right: row.len(),
                });
            }
        }
        Ok(Self { rows })
    }

    /// Number of behaviours, the order of the matrix.
    pub fn n(&self) -> usize {
        self.rows.len()
    }

    /// The payoffs by rows, n lists of n.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// `(Ax)ᵢ = Σⱼ aᵢⱼ xⱼ`: what each behaviour earns in the mixture x.
    ///
    /// Domain: as many shares as behaviours, which is not checked (what is beyond is left out).
    /// Method: plain sums in doubles. Accuracy: n roundings of the largest payoff. Source: J.
    /// Maynard Smith (1982).
    pub fn earnings(&self, x: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
    }

    /// Largest absolute payoff, the unit of tolerances.
    pub(crate) fn size(&self) -> f64 {
        self.rows.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs())).max(1e-300)
    }
}

/// What a square system has.
pub(crate) enum Solved {
    /// One solution.
    One(Vec<f64>),
    /// None: the equations contradict each other.
    None,
    /// A continuum.
    Many,
}

/// Solves the square system `Mx = r` by elimination with full pivoting.
pub(crate) fn solve(mut m: Vec<Vec<f64>>, mut r: Vec<f64>) -> Solved {
    let n = r.len();
    let size = m.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut order: Vec<usize> = (0..n).collect();
    for k in 0..n {
        let rest = (k..n).flat_map(|i| (k..n).map(move |j| (i, j)));
        let largest = rest.max_by(|a, b| m[a.0][a.1].abs().total_cmp(&m[b.0][b.1].abs()));
        let (row, column) = largest.unwrap_or((k, k));
        if m[row][column].abs() <= 1e-12 * size {
            let agree = r[k..].iter().all(|rest| rest.abs() <= 1e-12 * size.max(1.0));
            return if agree { Solved::Many } else { Solved::None };
        }
        m.swap(k, row);
        r.swap(k, row);
        m.iter_mut().for_each(|row| row.swap(k, column));
        order.swap(k, column);
        for i in k + 1..n {
            let factor = m[i][k] / m[k][k];
            if factor != 0.0 {
                let lead = m[k].clone();
                m[i].iter_mut().zip(&lead).skip(k).for_each(|(a, b)| *a -= factor * b);
                r[i] -= factor * r[k];
            }
        }
    }
    let mut x = vec![0.0; n];
    for k in (0..n).rev() {
        let sum: f64 = (k + 1..n).map(|j| m[k][j] * x[order[j]]).sum();
        x[order[k]] = (r[k] - sum) / m[k][k];
    }
    Solved::One(x)
}
