//! n agents at once, two behaviours: how many must hold back for holding back to pay?
//!
//! Each of n alike agents chooses A or B; what one earns depends on how many of the other n − 1 chose A.
//!
//! ```text
//! advantage of A when a share x plays A:  g(x) = Σₖ C(n−1, k) xᵏ(1−x)ⁿ⁻¹⁻ᵏ (aₖ − bₖ)
//! rest points: 0, 1, and the roots of g;  ẋ = x(1−x) g(x)
//! ```
//!
//! A root where g falls is a balance that comes back; where g rises, a tipping point. g is a polynomial in
//! Bernstein form, so it has at most as many roots as `aₖ − bₖ` has changes of sign (Peña, Lehmann,
//! Nöldeke, "Gains from switching and evolutionary stability in multi-player matrix games", 2014). Roots
//! are found by subdividing (de Casteljau), which misses none that the signs betray.
//!
//! Accuracy: rest points to 10⁻¹² where they are simple roots, as tested on games solved by hand.

use crate::error::{Error, Result, sample};

/// Payoffs of one agent, by how many of the n − 1 others play A: `a` when it plays A, `b` when B; n
/// entries each, in whatever unit the payoffs have.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Agents {
    a: Vec<f64>,
    b: Vec<f64>,
}

/// A mixture at rest.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Rest {
    /// Share that plays A.
    pub share: f64,
    /// Whether small disturbances die out.
    pub stable: bool,
    /// `d(ẋ)/dx`: the rate at which they do (negative) or grow.
    pub rate: f64,
    /// What everybody earns there.
    pub payoff: f64,
}

impl Agents {
    /// From payoffs aₖ and bₖ against k = 0, 1, … n − 1 others who play A.
    ///
    /// Domain: finite payoffs, from 2 to 1000 of each. Method: none, they are kept. Accuracy:
    /// exact. Source: Peña, Lehmann and Nöldeke (2014).
    ///
    /// # Errors
    /// When the lists differ in length, have fewer than two or more than 1000 entries, or are not
    /// finite.
    pub fn new(a: Vec<f64>, b: Vec<f64>) -> Result<Self> {
        sample("the payoffs of A", &a, 2)?;
        sample("the payoffs of B", &b, 2)?;
        if a.len() != b.len() {
            return Err(Error::Lengths {
                left: "the payoffs of A",
                n_left: a.len(),
                right: "the payoffs of B",
                n_right: b.len(),
            });
        }
        if a.len() > 1000 {
            return Err(Error::Domain {
                what: "the number of agents",
                value: a.len() as f64,
                expected: "at most 1000",
            });
        }
        Ok(Self { a, b })
    }

    /// Number of agents.
    pub fn n(&self) -> usize {
        self.a.len()
    }

    /// The advantage of A, `g(x) = Σₖ C(n−1, k) xᵏ(1−x)ⁿ⁻¹⁻ᵏ (aₖ − bₖ)`, in the unit of the
    /// payoffs.
    ///
    /// Domain: the share x from 0 to 1, not checked (outside, the same polynomial, less exactly).
    /// Method: de Casteljau's, n²/2 steps. Accuracy: for shares, n roundings of the largest |aₖ −
    /// bₖ|, since only means are taken. Source: G. Farin, *Curves and Surfaces for CAGD* (2002),
    /// chapter 4; Peña, Lehmann and Nöldeke (2014).
    pub fn advantage(&self, x: f64) -> f64 {
        casteljau(&self.gains(), x)
    }

    fn gains(&self) -> Vec<f64> {
        self.a.iter().zip(&self.b).map(|(a, b)| a - b).collect()
    }

    fn payoff(&self, x: f64) -> f64 {
        x * casteljau(&self.a, x) + (1.0 - x) * casteljau(&self.b, x)
    }

    /// All rest points of ẋ = x(1−x) g(x), from none playing A to all: 0, the roots of g, 1.
    ///
    /// Domain: whatever [`Agents::new`] took; a g that is zero throughout has 0 and 1 only. Method:
    /// the interval is halved where the Bernstein coefficients change sign (de Casteljau), down to
    /// 10⁻¹⁵; roots closer than 10⁻¹² count once, and one of even order may be missed. Accuracy:
    /// shares of simple roots and their rates within 10⁻¹² of games solved by hand, as tested.
    /// Source: Peña, Lehmann and Nöldeke, *Gains from switching and evolutionary stability in
    /// multi-player matrix games* (2014).
    ///
    /// ```
    /// use grimoire_stats::game::agents::Agents;
    /// // Hawk and dove: the hawk gains 1 against doves, loses 1 against hawks.
    /// let game = Agents::new(vec![2.0, -1.0], vec![1.0, 0.0]).unwrap();
    /// let rest = game.rests()[1];
    /// assert!((rest.share - 0.5).abs() < 1e-13 && rest.stable);
    /// ```
    pub fn rests(&self) -> Vec<Rest> {
        let gains = self.gains();
        let n = gains.len();
        let mut shares = vec![0.0];
        shares.extend(roots(&gains));
        shares.push(1.0);
        shares
            .into_iter()
            .map(|share| {
                // d/dx [x(1−x)g] at rest: g(0), −g(1), or x(1−x)g′.
                let rate = if share == 0.0 {
                    gains[0]
                } else if share == 1.0 {
                    -gains[n - 1]
                } else {
                    let slopes: Vec<f64> =
                        gains.windows(2).map(|pair| (n - 1) as f64 * (pair[1] - pair[0])).collect();
                    share * (1.0 - share) * casteljau(&slopes, share)
                };
                Rest { share, stable: rate < 0.0, rate, payoff: self.payoff(share) }
            })
            .collect()
    }
}

/// The polynomial with Bernstein coefficients `c` at `x`.
fn casteljau(c: &[f64], x: f64) -> f64 {
    let mut c = c.to_vec();
    for length in (1..c.len()).rev() {
        for i in 0..length {
            c[i] = (1.0 - x) * c[i] + x * c[i + 1];
        }
    }
    c[0]
}

/// Roots strictly between 0 and 1, ascending.
fn roots(c: &[f64]) -> Vec<f64> {
    let size = c.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if size == 0.0 {
        return vec![];
    }
    let mut found: Vec<f64> = Vec::new();
    let mut stack = vec![(0.0_f64, 1.0_f64, c.to_vec())];
    while let Some((low, high, c)) = stack.pop() {
        let signs: Vec<f64> =
            c.iter().copied().filter(|value| value.abs() > 1e-14 * size).map(f64::signum).collect();
        let changes = signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
        if changes == 0 {
            continue;
        }
        if high - low < 1e-15 {
            let middle = 0.5 * (low + high);
            if middle > 1e-14
                && middle < 1.0 - 1e-14
                && found.last().is_none_or(|x| (x - middle).abs() > 1e-12)
            {
                found.push(middle);
            }
            continue;
        }
        let (left, right) = split(&c);
        let middle = 0.5 * (low + high);
        stack.push((middle, high, right.clone()));
        stack.push((low, middle, left));
        // A root exactly at the middle shows in neither half.
        if right[0].abs() <= 1e-14 * size && found.last().is_none_or(|x| (x - middle).abs() > 1e-12)
        {
            found.push(middle);
        }
    }
    found.sort_by(f64::total_cmp);
    found.dedup_by(|a, b| (*a - *b).abs() <= 1e-12);
    found
}

/// Bernstein coefficients of both halves.
fn split(c: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut work = c.to_vec();
    let (mut left, mut right) = (vec![work[0]], vec![work[work.len() - 1]]);
    for length in (1..c.len()).rev() {
        for i in 0..length {
            work[i] = 0.5 * (work[i] + work[i + 1]);
        }
        left.push(work[0]);
        right.push(work[length - 1]);
    }
    right.reverse();
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn two_agents_are_the_matrix_game() {
        // Hawk-dove: A = hawk earns 2 against a dove, −1 against a hawk; dove 1 and 0. Balance at ½.
        let game = Agents::new(vec![2.0, -1.0], vec![1.0, 0.0]).unwrap();
        let rests = game.rests();
        assert_eq!(rests.len(), 3);
        close(rests[1].share, 0.5, 1e-13, 0.0);
        assert!(rests[1].stable && !rests[0].stable && !rests[2].stable);
        close(rests[1].rate, -0.5, 1e-12, 0.0);
    }

    #[test]
    fn a_threshold_game_has_a_tipping_point_and_a_balance() {
        // Five agents; the public good of 3 is made when two or more give (cost 1):
        // the gain is −1 but for exactly one other giver, 3 − 1: g(x) = 3·4x(1−x)³ − 1.
        let a = vec![-1.0, 2.0, 2.0, 2.0, 2.0];
        let b = vec![0.0, 0.0, 3.0, 3.0, 3.0];
        let rests = Agents::new(a, b).unwrap().rests();
        assert_eq!(rests.iter().map(|r| r.stable).collect::<Vec<_>>(), [true, false, true, false]);
        for rest in &rests[1..3] {
            let x = rest.share;
            close(12.0 * x * (1.0 - x).powi(3), 1.0, 1e-12, 0.0);
        }
        assert!(Agents::new(vec![1.0], vec![2.0]).is_err());
    }
}
