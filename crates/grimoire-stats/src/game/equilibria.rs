//! Nash equilibria by enumerating supports.
//!
//! For a support S of a symmetric game: `(Ax)ᵢ = v` for i in S, `Σx = 1`, `x > 0` on S, and nobody outside
//! earns more than v. For two different players with payoffs A and B: the same for every pair of supports of
//! equal size. Complete for nondegenerate games; a degenerate game has continua of equilibria, of which
//! the ends that have supports of equal size are found, and it is reported as degenerate. Source: B. von
//! Stengel, "Equilibrium computation for two-player games" (2007), algorithm 3.4.
//!
//! Accuracy: mixtures within 10⁻⁹ of nashpy's on recorded games (`tests/shapes_golden.rs`), and 10⁻¹⁴ of those by
//! hand.

use super::{MOST_STRATEGIES, Payoffs, Solved, solve};
use crate::error::{Error, Result};

/// A symmetric equilibrium of n behaviours, which count from 0.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Equilibrium {
    /// Share of each behaviour.
    pub mix: Vec<f64>,
    /// What everybody in it earns.
    pub payoff: f64,
    /// Behaviours present.
    pub support: Vec<usize>,
    /// Behaviours that would earn as much (at least the support).
    pub best_replies: Vec<usize>,
}

/// Equilibria and whether the list is known to be whole.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Found<T> {
    /// By size of support, then by first behaviour.
    pub equilibria: Vec<T>,
    /// A tie that may hide a continuum of further equilibria.
    pub degenerate: bool,
}

/// All symmetric equilibria of a symmetric game: mixtures x with (Ax)ᵢ = v for i in the support S,
/// Σx = 1, x > 0 on S, and (Ax)ᵢ ≤ v elsewhere.
///
/// Domain: any [`Payoffs`]; complete where no tie makes it degenerate, which is reported. Method:
/// for each of the 2ⁿ − 1 supports the linear system by elimination with full pivoting. Accuracy:
/// mixtures within 10⁻¹⁴ of games solved by hand, as tested; ties are judged at 10⁻¹⁰ of the
/// largest payoff. Source: B. von Stengel, *Equilibrium computation for two-player games* (2007),
/// algorithm 3.4.
///
/// ```
/// use grimoire_stats::game::{Payoffs, equilibria::symmetric};
/// // Rock, paper, scissors: a third each, worth nothing.
/// let rows = vec![vec![0.0, -1.0, 1.0], vec![1.0, 0.0, -1.0], vec![-1.0, 1.0, 0.0]];
/// let found = symmetric(&Payoffs::new(rows).unwrap());
/// assert_eq!(found.equilibria.len(), 1);
/// assert!((found.equilibria[0].mix[0] - 1.0 / 3.0).abs() < 1e-15);
/// ```
pub fn symmetric(game: &Payoffs) -> Found<Equilibrium> {
    let n = game.n();
    let tolerance = 1e-10 * game.size();
    let (mut equilibria, mut degenerate) = (Vec::new(), false);
    for set in subsets(n) {
        let k = set.len();
        let mut m: Vec<Vec<f64>> = set
            .iter()
            .map(|&i| {
                let mut row: Vec<f64> = set.iter().map(|&j| game.rows()[i][j]).collect();
                row.push(-1.0);
                row
            })
            .collect();
        m.push((0..=k).map(|j| if j < k { 1.0 } else { 0.0 }).collect());
        let mut right = vec![0.0; k + 1];
        right[k] = 1.0;
        let solved = match solve(m, right) {
            Solved::One(solved) => solved,
            Solved::None => continue,
            Solved::Many => {
                degenerate = true;
                continue;
            }
        };
        if solved[..k].iter().any(|&x| x <= 1e-12) {
            continue;
        }
        let mut mix = vec![0.0; n];
        set.iter().zip(&solved).for_each(|(&i, &x)| mix[i] = x);
        let earned = game.earnings(&mix);
        let payoff = solved[k];
        if earned.iter().any(|&value| value > payoff + tolerance) {
            continue;
        }
        let best_replies: Vec<usize> =
            (0..n).filter(|&i| earned[i] >= payoff - tolerance).collect();
        degenerate |= best_replies.len() > k;
        equilibria.push(Equilibrium { mix, payoff, support: set, best_replies });
    }
    Found { equilibria, degenerate }
}

/// An equilibrium of two different players: a share for each row, a share for each column.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Pair {
    /// The row player's mixture.
    pub row: Vec<f64>,
    /// The column player's mixture.
    pub column: Vec<f64>,
    /// What the row player earns.
    pub row_payoff: f64,
    /// What the column player earns.
    pub column_payoff: f64,
}

/// Equilibria (x, y) of a two-player game: `a[i][j]` = A and `b[i][j]` = B are what row and column
/// earn at (i, j), xᵢ > 0 ⇒ (Ay)ᵢ = max, yⱼ > 0 ⇒ (Bᵀx)ⱼ = max.
///
/// Domain: matrices of one shape, from 1 to [`MOST_STRATEGIES`] rows and columns, finite; complete
/// where no tie makes it degenerate, which is reported. Method: for every pair of supports of equal
/// size two linear systems by elimination with full pivoting. Accuracy: mixtures within 10⁻⁹
/// absolute of nashpy's (`tests/shapes_golden.rs`), and 10⁻¹⁴ of those by hand. Source: B. von
/// Stengel (2007), algorithm 3.4.
///
/// # Errors
/// When the matrices differ in shape, are empty, too large, or not finite.
pub fn bimatrix(a: &[Vec<f64>], b: &[Vec<f64>]) -> Result<Found<Pair>> {
    let (m, n) = (a.len(), a.first().map_or(0, Vec::len));
    if m == 0 || n == 0 {
        return Err(Error::Empty { what: "the payoffs" });
    }
    if m > MOST_STRATEGIES || n > MOST_STRATEGIES {
        return Err(Error::Domain {
            what: "the number of behaviours",
            value: m.max(n) as f64,
            expected: "at most 14",
        });
    }
    for row in a.iter().chain(b) {
        crate::error::sample("a row of the payoffs", row, 1)?;
        if row.len() != n || b.len() != m {
            return Err(Error::Lengths {
                left: "the first row of payoffs",
                n_left: n,
                right: "another row, or the other player's payoffs",
                n_right: if row.len() == n { b.len() } else { row.len() },
            });
        }
    }
    let size = a.iter().chain(b).flatten().fold(1e-300_f64, |most, v| most.max(v.abs()));
    let tolerance = 1e-10 * size;
    let transposed: Vec<Vec<f64>> = (0..n).map(|j| b.iter().map(|row| row[j]).collect()).collect();
    let (mut equilibria, mut degenerate) = (Vec::new(), false);
    for rows in subsets(m) {
        for columns in subsets(n).into_iter().filter(|columns| columns.len() == rows.len()) {
            // The column mixture makes the rows earn alike, and the other way round.
            let sides = (level(a, &rows, &columns), level(&transposed, &columns, &rows));
            let (Level::One(y, v), Level::One(x, w)) = sides else {
                degenerate |= matches!(sides, (Level::Many, _) | (_, Level::Many));
                continue;
            };
            let (x, y) = (spread(&rows, &x, m), spread(&columns, &y, n));
            let earned = |matrix: &[Vec<f64>], mix: &[f64]| -> Vec<f64> {
                matrix.iter().map(|row| row.iter().zip(mix).map(|(p, q)| p * q).sum()).collect()
            };
            let (row_earned, column_earned) = (earned(a, &y), earned(&transposed, &x));
            if row_earned.iter().any(|&value| value > v + tolerance)
                || column_earned.iter().any(|&value| value > w + tolerance)
            {
                continue;
            }
            let ties = |earned: &[f64], best: f64| {
                earned.iter().filter(|&&value| value >= best - tolerance).count()
            };
            degenerate |=
                ties(&row_earned, v) > rows.len() || ties(&column_earned, w) > columns.len();
            equilibria.push(Pair { row: x, column: y, row_payoff: v, column_payoff: w });
        }
    }
    Ok(Found { equilibria, degenerate })
}

/// The mixture that makes all behaviours of a set earn the same, and that payoff.
enum Level {
    One(Vec<f64>, f64),
    None,
    Many,
}

/// The mixture over `columns` that makes all `rows` of the matrix earn the same.
fn level(matrix: &[Vec<f64>], rows: &[usize], columns: &[usize]) -> Level {
    let k = rows.len();
    let mut m: Vec<Vec<f64>> = rows
        .iter()
        .map(|&i| columns.iter().map(|&j| matrix[i][j]).chain([-1.0]).collect())
        .collect();
    m.push((0..=k).map(|j| if j < k { 1.0 } else { 0.0 }).collect());
    let mut right = vec![0.0; k + 1];
    right[k] = 1.0;
    match solve(m, right) {
        Solved::One(mut solved) => {
            let payoff = solved.pop().unwrap_or(f64::NAN);
            if solved.iter().all(|&x| x > 1e-12) { Level::One(solved, payoff) } else { Level::None }
        }
        Solved::None => Level::None,
        Solved::Many => Level::Many,
    }
}

fn spread(set: &[usize], values: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n];
    set.iter().zip(values).for_each(|(&i, &value)| out[i] = value);
    out
}

/// Subsets of `0..n` other than the empty one, small ones first.
pub(super) fn subsets(n: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> =
        (1_u32..1 << n).map(|bits| (0..n).filter(|&i| bits >> i & 1 == 1).collect()).collect();
    all.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::all_close;

    #[test]
    fn known_games() {
        // Hawk-dove with value 2, cost 4: hawks v/c = ½.
        let game = Payoffs::new(vec![vec![-1.0, 2.0], vec![0.0, 1.0]]).unwrap();
        let found = symmetric(&game);
        assert_eq!(found.equilibria.len(), 1);
        all_close(&found.equilibria[0].mix, &[0.5, 0.5], 1e-14, 0.0);
        // Prisoner's dilemma: only defection.
        let game = Payoffs::new(vec![vec![3.0, 0.0], vec![5.0, 1.0]]).unwrap();
        assert_eq!(symmetric(&game).equilibria[0].support, [1]);
        // Battle of the sexes: two pure, one mixed (⅔, ⅓) and (⅓, ⅔).
        let found =
            bimatrix(&[vec![2.0, 0.0], vec![0.0, 1.0]], &[vec![1.0, 0.0], vec![0.0, 2.0]]).unwrap();
        assert_eq!((found.equilibria.len(), found.degenerate), (3, false));
        all_close(&found.equilibria[2].row, &[2.0 / 3.0, 1.0 / 3.0], 1e-14, 0.0);
        all_close(&found.equilibria[2].column, &[1.0 / 3.0, 2.0 / 3.0], 1e-14, 0.0);
        // Rock, paper, scissors: pairs contradict themselves, which is no continuum.
        let circle =
            Payoffs::new(vec![vec![0.0, -1.0, 1.0], vec![1.0, 0.0, -1.0], vec![-1.0, 1.0, 0.0]])
                .unwrap();
        let found = symmetric(&circle);
        assert_eq!((found.equilibria.len(), found.degenerate), (1, false));
        // Indifferent to everything: degenerate, and said so.
        let flat = Payoffs::new(vec![vec![1.0, 1.0], vec![1.0, 1.0]]).unwrap();
        assert!(symmetric(&flat).degenerate);
        assert!(Payoffs::new(vec![vec![1.0]]).is_err());
    }
}
