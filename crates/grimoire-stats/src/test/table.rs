//! Tables of counts: Fisher's exact test, chi-square of independence and of fit.
//!
//! Sources: Fisher (1935), with the conditional estimate of the odds ratio; Pearson (1900); Yates (1934);
//! Cramér (1946) for V.
//!
//! Equation: X² = Σ (count − expected)²/expected; Fisher's p as [`super::no_likelier`] over tables with these
//! margins. Method: tails of χ² and of the hypergeometric distribution, roots of the noncentral one for the odds
//! ratio. Accuracy: X² and p within 10⁻¹² of R (`tests/against_r.rs`), the odds ratio and its ends within 10⁻¹² of
//! mpmath (`tests/against_mpmath.rs`).

use super::p_of_count;
use crate::dist::hypergeometric::Noncentral;
use crate::dist::noncentral::chi_square_shift_interval;
use crate::dist::{ChiSquare, Distribution, Hypergeometric};
use crate::error::{Error, Result, open_unit};
use crate::record::{Alternative, Interval, Record};
use crate::special::root;

/// Fisher's exact test of the table [[a, b], [c, d]]: given the margins, a is hypergeometric, p = Σ
/// P(k) over the tail of the alternative, or for two sides over all k with P(k) ≤ P(a).
///
/// The estimate is the conditional maximum-likelihood odds ratio, the ω with E(a | ω) = a; its
/// interval inverts the two one-sided exact tests: it covers at least the level by construction,
/// and more, since counts are whole (96.7 where 95 is asked, of 80 and 120;
/// `tests/coverage_models.rs`).
///
/// Domain: whole counts, not all 0, to 10¹⁵ in all; a level between 0 and 1. The estimate is NaN
/// where the margins leave one table only, 0 or ∞ at the ends. Method: tails of the hypergeometric
/// distribution, Brent's root finder on the noncentral one. Accuracy: p within 10⁻¹² relative of R
/// and scipy (`tests/against_r.rs`, `tests/against_scipy.rs`), odds ratio and ends within 10⁻¹² of
/// mpmath at 40 digits (`tests/against_mpmath.rs`). Source: R. A. Fisher, *The logic of inductive
/// inference* (1935).
///
/// # Errors
/// When the table is empty, the level not in (0, 1), or the margins are beyond an exact answer (a
/// spread above 10⁸).
///
/// ```
/// use grimoire_stats::Alternative::Greater;
/// // The lady tasting tea, three of four cups right: (16 + 1)/70.
/// let record = grimoire_stats::test::table::fisher([[3, 1], [1, 3]], Greater, 0.95).unwrap();
/// assert!((record.p_value.unwrap() - 17.0 / 70.0).abs() < 1e-14);
/// ```
pub fn fisher(table: [[u64; 2]; 2], alternative: Alternative, level: f64) -> Result<Record> {
    open_unit("the level", level)?;
    let [[a, b], [c, d]] = table;
    let total = a + b + c + d;
    if total == 0 {
        return Err(Error::Empty { what: "the table" });
    }
    let central = Hypergeometric::new(total, a + b, a + c)?;
    let x = a as f64;
    let (p_value, ln_p) = p_of_count(&central, x, alternative);
    let estimate = odds_where(&central, x, |d| d.mean() - x)?;
    let alpha = alternative.tail(level);
    let (least, most) = central.support();
    let lower = if alternative == Alternative::Less || x == least {
        0.0
    } else {
        odds_where(&central, x, |d| d.at_least(x) - alpha)?
    };
    let upper = if alternative == Alternative::Greater || x == most {
        f64::INFINITY
    } else {
        odds_where(&central, x, |d| alpha - d.cdf(x))?
    };
    Ok(Record::new("Fisher's exact test", total)
        .with_test("the odds ratio is 1", alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("first cell", x)
        .with_estimate("odds ratio", estimate)
        .with_interval(Interval::new(lower, upper, level, "exact conditional"))
        .with("sample_odds_ratio", (a as f64 * d as f64) / (b as f64 * c as f64))
        .assuming("observations are independent")
        .assuming("the margins are taken as given"))
}

/// The odds ratio at which a rising function of the noncentral distribution is zero.
fn odds_where(central: &Hypergeometric, x: f64, f: impl Fn(&Noncentral) -> f64) -> Result<f64> {
    let (least, most) = central.support();
    if least == most {
        return Ok(f64::NAN);
    }
    if x == least && f(&Noncentral::new(central, 1e-300)?) >= -1e-12 {
        return Ok(0.0);
    }
    if x == most && f(&Noncentral::new(central, 1e300)?) <= 1e-12 {
        return Ok(f64::INFINITY);
    }
    // Widen around 1 until the sign changes.
    let at = |u: f64| Noncentral::new(central, u.exp()).map_or(f64::NAN, |d| f(&d));
    let mut reach = 1.0;
    while reach < 600.0 && (at(-reach) > 0.0 || at(reach) < 0.0) {
        reach *= 2.0;
    }
    let root = root::bracketed(-reach, reach, at).ok_or(Error::Degenerate {
        what: "the odds ratio",
        why: "no finite value fits the table",
    })?;
    Ok(root.exp())
}

/// The level of the intervals of Cramér's V and Cohen's w, whose tests take none.
const EFFECT_LEVEL: f64 = 0.95;

/// The interval of √(λ/`unit`), λ the noncentrality of χ², to `most`.
fn effect_interval(statistic: f64, degrees: f64, unit: f64, most: f64) -> Option<Interval> {
    let (low, high) = chi_square_shift_interval(statistic, degrees, EFFECT_LEVEL);
    let end = |shift: f64| (shift / unit).sqrt().min(most);
    let made = Interval::new(end(low), end(high), EFFECT_LEVEL, "noncentral chi-square");
    (low.is_finite() && high.is_finite()).then_some(made)
}

/// Pearson's chi-square test of independence of a table of counts, one vector per row: X² = Σ (nᵢⱼ
/// − e)²/e with e the row sum times the column sum over n, (r − 1)(c − 1) degrees of freedom.
///
/// `corrected` applies Yates' correction, |nᵢⱼ − e| less ½ (or less itself), to a 2×2 table and
/// nothing to others. The effect is Cramér's V = √(X²/(n (min(r, c) − 1))), its 95 % interval that of the
/// noncentrality of X², to 1 at most (covered to a point where V is small, 98 where 95 is asked at V = 0.6;
/// `tests/coverage_models.rs`).
///
/// Domain: two rows and columns or more of one length, no margin zero; expected counts of five or
/// more for the approximation. Method: the upper tail of χ². Accuracy: X² and p within 10⁻¹²
/// relative of R (`tests/against_r.rs`). Source: K. Pearson (1900); F. Yates (1934); H. Cramér
/// (1946).
///
/// # Errors
/// When rows differ in length, there are fewer than two rows or columns, or a margin is zero.
pub fn independence(rows: &[Vec<u64>], corrected: bool) -> Result<Record> {
    let columns = rows.first().map_or(0, Vec::len);
    if rows.len() < 2 {
        return Err(Error::TooFew { what: "the rows of the table", needed: 2, found: rows.len() });
    }
    if columns < 2 {
        return Err(Error::TooFew { what: "the columns of the table", needed: 2, found: columns });
    }
    if let Some(row) = rows.iter().find(|row| row.len() != columns) {
        return Err(Error::Lengths {
            left: "the first row of the table",
            n_left: columns,
            right: "another row",
            n_right: row.len(),
        });
    }
    let down: Vec<f64> = rows.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
    let across: Vec<f64> =
        (0..columns).map(|j| rows.iter().map(|row| row[j]).sum::<u64>() as f64).collect();
    let n: f64 = down.iter().sum();
    if down.iter().chain(&across).any(|&margin| margin == 0.0) {
        return Err(Error::Degenerate {
            what: "the chi-square test",
            why: "a row or a column of the table sums to zero",
        });
    }
    let two_by_two = rows.len() == 2 && columns == 2;
    let (mut statistic, mut smallest) = (0.0, f64::INFINITY);
    for (row, total) in rows.iter().zip(&down) {
        for (&count, share) in row.iter().zip(&across) {
            let expected = total * share / n;
            smallest = f64::min(smallest, expected);
            let mut gap = (count as f64 - expected).abs();
            if corrected && two_by_two {
                gap -= gap.min(0.5);
            }
            statistic += gap * gap / expected;
        }
    }
    let degrees = ((rows.len() - 1) * (columns - 1)) as f64;
    let narrow = (rows.len().min(columns) - 1) as f64;
    let method = if corrected && two_by_two {
        "chi-square test of independence with Yates' correction"
    } else {
        "chi-square test of independence"
    };
    let tails = ChiSquare::new(degrees)?.tails(statistic);
    Ok(Record::new(method, n as u64)
        .with_test("rows and columns are independent", Alternative::TwoSided, tails.upper)
        .with_ln_p_value(tails.ln_upper)
        .with_statistic("chi-square", statistic)
        .with_effect(
            "Cramer's V",
            (statistic / (n * narrow)).sqrt(),
            effect_interval(statistic, degrees, n * narrow, 1.0),
        )
        .with("degrees_of_freedom", degrees)
        .with("smallest_expected_count", smallest)
        .assuming("observations are independent")
        .assuming("expected counts are not small (five or more)"))
}

/// Pearson's chi-square test of counts against given `probabilities` (all equal when `None`): X² =
/// Σ (nᵢ − n pᵢ)²/(n pᵢ), k − 1 degrees of freedom. The effect is Cohen's w = √(X²/n), with a 95 %
/// interval from the noncentrality of X².
///
/// Domain: two counts or more, not all 0; positive probabilities that sum to 1; expected counts of
/// five or more for the approximation. Method: the upper tail of χ². Accuracy: X² within 10⁻¹³ and
/// p within 10⁻¹² relative of R (`tests/against_r.rs`). Source: K. Pearson (1900); J. Cohen (1988)
/// for w.
///
/// # Errors
/// When there are fewer than two counts or all are zero, lengths differ, the probabilities do not
/// sum to 1 within 10⁻⁹, or one is not positive.
///
/// ```
/// // A die of 60 throws, by hand: (16 + 16)/10 = 3.2.
/// let record = grimoire_stats::test::table::fit(&[14, 10, 10, 10, 10, 6], None).unwrap();
/// assert!((record.statistic.unwrap() - 3.2).abs() < 1e-14);
/// ```
pub fn fit(counts: &[u64], probabilities: Option<&[f64]>) -> Result<Record> {
    if counts.len() < 2 {
        return Err(Error::TooFew { what: "the counts", needed: 2, found: counts.len() });
    }
    let even = vec![1.0 / counts.len() as f64; counts.len()];
    let p = probabilities.unwrap_or(&even);
    if p.len() != counts.len() {
        return Err(Error::Lengths {
            left: "the counts",
            n_left: counts.len(),
            right: "the probabilities",
            n_right: p.len(),
        });
    }
    if let Some(index) = p.iter().position(|&v| !(v > 0.0 && v <= 1.0)) {
        let expected = "a positive probability";
        return Err(Error::At { what: "the probabilities", index, value: p[index], expected });
    }
    let sum: f64 = p.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        return Err(Error::Sum { what: "the probabilities", found: sum, expected: 1.0 });
    }
    let n: u64 = counts.iter().sum();
    if n == 0 {
        return Err(Error::Empty { what: "the table" });
    }
    let parts = counts.iter().zip(p).map(|(&count, share)| {
        let expected = n as f64 * share;
        (count as f64 - expected).powi(2) / expected
    });
    let statistic: f64 = parts.sum();
    let degrees = (counts.len() - 1) as f64;
    let smallest = p.iter().copied().fold(f64::INFINITY, f64::min) * n as f64;
    let tails = ChiSquare::new(degrees)?.tails(statistic);
    Ok(Record::new("chi-square test of fit", n)
        .with_test("the counts have the given probabilities", Alternative::TwoSided, tails.upper)
        .with_ln_p_value(tails.ln_upper)
        .with_statistic("chi-square", statistic)
        .with_effect(
            "Cohen's w",
            (statistic / n as f64).sqrt(),
            effect_interval(statistic, degrees, n as f64, f64::INFINITY),
        )
        .with("degrees_of_freedom", degrees)
        .with("smallest_expected_count", smallest)
        .assuming("observations are independent")
        .assuming("expected counts are not small (five or more)"))
}
