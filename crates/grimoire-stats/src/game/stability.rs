//! Does a balance come back when disturbed?
//!
//! Two answers, which can differ. *Evolutionarily stable*: no small group of deviants does as well
//! (Maynard Smith); tested exactly, by negative definiteness on the support and strict copositivity on
//! the other best replies (J. Haigh, 1975; P. Abakuks, 1980). *Asymptotically stable* under the replicator
//! dynamics: all eigenvalues of the flow's Jacobian on the simplex have negative real parts. The first
//! implies the second, not the other way; eigenvalues on the imaginary axis decide nothing, and then that
//! is what is said.

use super::Payoffs;
use super::equilibria::{Equilibrium, subsets};
use crate::eigen::Complex;
use crate::eigen::dense::general;
use crate::error::Result;

/// What a small disturbance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It dies out.
    Stable,
    /// Some of it grows.
    Unstable,
    /// To first order it neither grows nor dies.
    Undecided,
}

/// Stability of an equilibrium.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Stability {
    /// Whether it is evolutionarily stable.
    pub evolutionarily_stable: bool,
    /// What the linearised replicator dynamics do to a small disturbance.
    pub fate: Fate,
    /// Eigenvalues of the Jacobian within the simplex, largest real part first.
    pub eigenvalues: Vec<Complex>,
    /// Time for a disturbance to shrink (or grow) by the factor e: 1/|largest real part|.
    pub time_scale: f64,
}

/// Examines an equilibrium x of a symmetric game: eigenvalues of the Jacobian `∂ẋᵢ/∂xⱼ = δᵢⱼ((Ax)ᵢ
/// − xᵀAx) + xᵢ(aᵢⱼ − (Ax)ⱼ − (Aᵀx)ⱼ)` on Σx = 1, and whether (x − y)ᵀAy > 0 for all y near x
/// (evolutionarily stable).
///
/// Domain: an equilibrium of this game. Method: the eigenvalues of the n − 1 free coordinates;
/// evolutionary stability by elimination on the support and strict copositivity on the other best
/// replies. A real part within 10⁻⁹ of the largest payoff decides nothing. Accuracy: eigenvalues
/// within 10⁻¹² relative of games solved by hand, as tested. Source: J. Hofbauer and K. Sigmund,
/// *Evolutionary Games and Population Dynamics* (1998), chapters 6 and 7; J. Haigh (1975) and P.
/// Abakuks (1980) for the test of evolutionary stability.
///
/// # Errors
/// When the eigenvalue iteration fails.
pub fn stability(game: &Payoffs, at: &Equilibrium) -> Result<Stability> {
    let mut eigenvalues = jacobian_eigenvalues(game, at)?;
    eigenvalues.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    let lead = eigenvalues.first().map_or(0.0, |value| value.re);
    let rounding = 1e-9 * game.size();
    let fate = if lead > rounding {
        Fate::Unstable
    } else if lead < -rounding {
        Fate::Stable
    } else {
        Fate::Undecided
    };
    Ok(Stability {
        evolutionarily_stable: is_evolutionarily_stable(game, at),
        fate,
        eigenvalues,
        time_scale: 1.0 / lead.abs(),
    })
}

/// Eigenvalues of `∂ẋᵢ/∂xⱼ = δᵢⱼ((Ax)ᵢ − xᵀAx) + xᵢ(aᵢⱼ − (Ax)ⱼ − (Aᵀx)ⱼ)` on the plane Σx = 1, in
/// coordinates that leave the largest component out.
fn jacobian_eigenvalues(game: &Payoffs, at: &Equilibrium) -> Result<Vec<Complex>> {
    let (n, x) = (game.n(), &at.mix);
    let earned = game.earnings(x);
    let mean: f64 = earned.iter().zip(x).map(|(e, x)| e * x).sum();
    let against: Vec<f64> =
        (0..n).map(|j| (0..n).map(|i| x[i] * game.rows()[i][j]).sum()).collect();
    let entry = |i: usize, j: usize| {
        let own = if i == j { earned[i] - mean } else { 0.0 };
        own + x[i] * (game.rows()[i][j] - earned[j] - against[j])
    };
    let out = (0..n).fold(0, |best, i| if x[i] > x[best] { i } else { best });
    let kept: Vec<usize> = (0..n).filter(|&i| i != out).collect();
    let rows: Vec<Vec<f64>> =
        kept.iter().map(|&i| kept.iter().map(|&j| entry(i, j) - entry(i, out)).collect()).collect();
    Ok(general(&rows)?.values)
}

/// With m in the support and R the other best replies plus the support, the matrix
/// `cᵢⱼ = a_mj + a_im − a_ij − a_mm` over R∖{m} must be strictly copositive where the coordinates of the
/// support may have either sign.
fn is_evolutionarily_stable(game: &Payoffs, at: &Equilibrium) -> bool {
    let Some((&m, rest)) = at.support.split_first() else { return false };
    let a = game.rows();
    let outside: Vec<usize> =
        at.best_replies.iter().copied().filter(|i| !at.support.contains(i)).collect();
    let entry = |i: usize, j: usize| a[m][j] + a[i][m] - a[i][j] - a[m][m];
    let q = |i: usize, j: usize| 0.5 * (entry(i, j) + entry(j, i));
    let order: Vec<usize> = rest.iter().chain(&outside).copied().collect();
    let matrix: Vec<Vec<f64>> =
        order.iter().map(|&i| order.iter().map(|&j| q(i, j)).collect()).collect();
    let tolerance = 1e-10 * game.size();
    let Some(left) = eliminate(matrix, rest.len(), tolerance) else { return false };
    copositive(&left, tolerance)
}

/// Eliminates the first `free` coordinates, which may have either sign: each pivot must be positive, and
/// the Schur complement is what remains for the others.
fn eliminate(mut q: Vec<Vec<f64>>, free: usize, tolerance: f64) -> Option<Vec<Vec<f64>>> {
    for _ in 0..free {
        let pivot = q[0][0];
        if pivot <= tolerance {
            return None;
        }
        let n = q.len();
        q = (1..n).map(|i| (1..n).map(|j| q[i][j] - q[i][0] * q[0][j] / pivot).collect()).collect();
    }
    Some(q)
}

/// `xᵀQx > 0` for all x ≥ 0 other than zero: no principal submatrix has a positive eigenvector with an
/// eigenvalue that is not positive (W. Kaplan, 2000).
fn copositive(q: &[Vec<f64>], tolerance: f64) -> bool {
    subsets(q.len()).into_iter().all(|set| {
        let part: Vec<Vec<f64>> =
            set.iter().map(|&i| set.iter().map(|&j| q[i][j]).collect()).collect();
        let Ok(found) = crate::eigen::dense::symmetric(&part) else { return false };
        !found.values.iter().zip(&found.vectors).any(|(value, v)| {
            *value <= tolerance && (v.iter().all(|x| *x > 0.0) || v.iter().all(|x| *x < 0.0))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::equilibria::symmetric;
    use super::*;
    use grimoire_testkit::close;

    fn game(rows: &[&[f64]]) -> Payoffs {
        Payoffs::new(rows.iter().map(|row| row.to_vec()).collect()).unwrap()
    }

    #[test]
    fn hawk_and_dove_balance_and_stag_hunt_does_not() {
        let hawks = game(&[&[-1.0, 2.0], &[0.0, 1.0]]);
        let found = symmetric(&hawks);
        let stable = stability(&hawks, &found.equilibria[0]).unwrap();
        assert!(stable.evolutionarily_stable && stable.fate == Fate::Stable);
        // ẋ = x(1−x)(1−2x): slope −½ at ½.
        close(stable.eigenvalues[0].re, -0.5, 1e-13, 0.0);
        let stag = game(&[&[4.0, 0.0], &[3.0, 3.0]]);
        let fates: Vec<Fate> = symmetric(&stag)
            .equilibria
            .iter()
            .map(|at| stability(&stag, at).unwrap().fate)
            .collect();
        assert_eq!(fates, [Fate::Stable, Fate::Stable, Fate::Unstable]);
    }

    #[test]
    fn rock_paper_scissors_turns_on_its_prize() {
        // Win w, lose −1: eigenvalues ((1 − w) ± i√3(w + 1))/6, so stable, centre, unstable as w is above, at, below one.
        // (Zeeman, 1980: stable spiral when winning pays more than losing costs.)
        for (win, fate, evolutionary) in
            [(2.0, Fate::Stable, true), (1.0, Fate::Undecided, false), (0.5, Fate::Unstable, false)]
        {
            let rps = game(&[&[0.0, -1.0, win], &[win, 0.0, -1.0], &[-1.0, win, 0.0]]);
            let found = symmetric(&rps);
            assert_eq!(found.equilibria.len(), 1);
            let stable = stability(&rps, &found.equilibria[0]).unwrap();
            assert_eq!((stable.fate, stable.evolutionarily_stable), (fate, evolutionary), "{win}");
            close(stable.eigenvalues[0].re, -(win - 1.0) / 6.0, 1e-12, 1e-12);
            close(stable.eigenvalues[0].im, 3.0_f64.sqrt() * (win + 1.0) / 6.0, 1e-12, 0.0);
        }
    }

    #[test]
    fn a_game_of_ties_decides_nothing() {
        // A Nash equilibrium with an alternative best reply that ties for ever.
        let tie = game(&[&[1.0, 1.0], &[1.0, 1.0]]);
        let found = symmetric(&tie);
        let first = stability(&tie, &found.equilibria[0]).unwrap();
        assert!(!first.evolutionarily_stable && first.fate == Fate::Undecided);
    }
}
