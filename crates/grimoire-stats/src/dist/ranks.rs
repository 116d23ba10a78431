//! Exact null distributions of rank statistics: the signed-rank sum and the rank sum, with ties.
//!
//! Ranks enter as whole numbers (twice the midrank), so tied samples have the exact distribution given
//! their ties, which tables and most programs lack. Probabilities are built by adding positive
//! numbers only: the relative error of a tail is below n·10⁻¹⁶.
//!
//! Equations: the signed-rank sum is Σ wᵢ bᵢ with fair bits bᵢ; the rank sum is Σ wᵢ over a random subset of fixed
//! size. Domain: whole weights that are not negative; time and memory grow with their sum ([`rank_sum_cost`]).
//! Method: one convolution per item, in probabilities and not in counts, so that nothing overflows. Accuracy: within
//! 10⁻¹² of R's pwilcox and psignrank (`tests/against_r.rs`). Source: F. Wilcoxon, *Individual comparisons by ranking
//! methods* (1945); H. B. Mann and D. R. Whitney, *On a test of whether one of two random variables is stochastically
//! larger than the other* (1947).

use crate::special::root;
use std::f64::consts::LN_2;

/// A distribution on 0, 1, …, m, kept as its m + 1 probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    probabilities: Vec<f64>,
}

impl Lattice {
    /// P(X ≤ x) = Σ_{k ≤ x} P(X = k), at most 1.
    ///
    /// Domain: any x; 0 below zero and 1 above m. Method: the probabilities added up from 0.
    /// Accuracy: relative error of at most 10⁻¹² of R's pwilcox and psignrank
    /// (`tests/against_r.rs`). Source: Wilcoxon (1945).
    pub fn cdf(&self, x: i64) -> f64 {
        let kept = usize::try_from(x + 1).unwrap_or(0).min(self.probabilities.len());
        self.probabilities[..kept].iter().sum::<f64>().min(1.0)
    }

    /// P(X ≥ x) = Σ_{k ≥ x} P(X = k), at most 1.
    ///
    /// Domain: any x; 1 below zero and 0 above m. Method: the probabilities added up from m.
    /// Accuracy: as [`Lattice::cdf`], also of a small tail. Source: Wilcoxon (1945).
    pub fn at_least(&self, x: i64) -> f64 {
        let skipped = usize::try_from(x).unwrap_or(0).min(self.probabilities.len());
        self.probabilities[skipped..].iter().rev().sum::<f64>().min(1.0)
    }

    /// min(1, 2 P(X ≤ x), 2 P(X ≥ x)): twice the smaller tail at x.
    ///
    /// Domain: any x. Method: both tails. Accuracy: as [`Lattice::cdf`]. Source: R. A. Fisher's
    /// rule, as R's `wilcox.test` has it.
    pub fn two_sided(&self, x: i64) -> f64 {
        (2.0 * self.cdf(x).min(self.at_least(x))).min(1.0)
    }

    /// The largest x with P(X < x) ≤ p: the critical value of an interval with the error p on a
    /// side.
    ///
    /// Domain: p ≥ 0; from 1 on it is m + 1, and so it may be by rounding just below. Method: the probabilities added
    /// up from 0; a sum within 10⁻¹² of p counts as p, so that 1/20 is no more than half of 1 − 0.9. Accuracy: exact
    /// where no other sum is that near; intervals from it are R's within 10⁻¹² (`tests/against_r.rs`). Source: J.
    /// Hodges and E. Lehmann (1963).
    pub fn critical(&self, p: f64) -> i64 {
        let mut below = 0.0;
        for (x, probability) in self.probabilities.iter().enumerate() {
            below += probability;
            if below > p * (1.0 + 1e-12) {
                return x as i64;
            }
        }
        self.probabilities.len() as i64
    }
}

/// The distribution of Σ wᵢ bᵢ with fair bits bᵢ: the sum of those `weights` whose coin shows heads
/// (Wilcoxon's signed ranks, doubled).
///
/// Domain: weights ≥ 0; time is their number times their sum, memory their sum. Method: one
/// convolution per weight, in place. Accuracy: relative error of at most 10⁻¹² of R's psignrank, n
/// to 100 (`tests/against_r.rs`). Source: F. Wilcoxon (1945).
///
/// ```
/// // Ranks 1, 2, 3: of eight patterns two reach 5, namely 5 and 6.
/// let lattice = grimoire_stats::dist::ranks::signed_rank(&[1, 2, 3]);
/// assert_eq!(lattice.at_least(5), 0.25);
/// ```
pub fn signed_rank(weights: &[u32]) -> Lattice {
    let total: usize = weights.iter().map(|&w| w as usize).sum();
    let mut probabilities = vec![0.0; total + 1];
    probabilities[0] = 1.0;
    let mut reach = 0;
    for &weight in weights {
        let weight = weight as usize;
        for x in (0..=reach).rev() {
            let half = 0.5 * probabilities[x];
            probabilities[x] = half;
            probabilities[x + weight] += half;
        }
        reach += weight;
    }
    Lattice { probabilities }
}

/// ln P(Σ wᵢ bᵢ ≤ x) of [`signed_rank`], finite where that underflows; −∞ below zero.
///
/// Domain: as `signed_rank`; x below the mean, where the tail is small. Method: fair bits are exchanged for bits that
/// show heads with probability 1/(1 + e^(λwᵢ)), λ such that the mean is x, and P(X ≤ x) = Π (1 + e^(−λwᵢ))/2 · Σ_{k ≤
/// x} e^(λk) P_λ(k): the same convolution once more. Accuracy: 10⁻¹³ of the logarithm beside counted patterns of
/// 1,100 ranks, as tested. Source: F. Esscher, *On the probability function in the collective theory of risk* (1932),
/// for the exchange.
pub fn ln_signed_rank_cdf(weights: &[u32], x: i64) -> f64 {
    if x < 0 {
        return f64::NEG_INFINITY;
    }
    let heads = |lambda: f64, w: u32| 1.0 / (1.0 + (lambda * f64::from(w)).exp());
    let gap = |lambda: f64| {
        x as f64 - weights.iter().map(|&w| f64::from(w) * heads(lambda, w)).sum::<f64>()
    };
    // λ = 700 leaves no weight above zero: enough for x = 0.
    let lambda =
        root::bracketed(0.0, 700.0, gap).unwrap_or(if gap(0.0) < 0.0 { 700.0 } else { 0.0 });
    let total: usize = weights.iter().map(|&w| w as usize).sum();
    let last = usize::try_from(x).unwrap_or(total).min(total);
    // Only sums to x matter, and no sum falls.
    let mut tilted = vec![0.0; last + 1];
    tilted[0] = 1.0;
    let mut ln_scale = 0.0;
    for &weight in weights {
        let (p, size) = (heads(lambda, weight), weight as usize);
        for at in (0..=last).rev() {
            let came = if at >= size { p * tilted[at - size] } else { 0.0 };
            tilted[at] = (1.0 - p) * tilted[at] + came;
        }
        ln_scale += (-lambda * f64::from(weight)).exp().ln_1p() - LN_2;
    }
    let sum: f64 = tilted
        .iter()
        .enumerate()
        .map(|(at, share)| share * (lambda * (at as f64 - last as f64)).exp())
        .sum();
    ln_scale + lambda * last as f64 + sum.ln()
}

/// The distribution of Σ wᵢ over a random subset of `chosen` of the `weights`, all subsets of that
/// size equally likely (Wilcoxon's rank sum, doubled).
///
/// Domain: weights ≥ 0, chosen ≤ their number; time as [`rank_sum_cost`] says. Method: the weights
/// are offered one by one and taken with probability (still to choose)/(still to come), in one
/// table of sums for each number taken. Accuracy: relative error of at most 10⁻¹² of R's pwilcox,
/// 200 and 30 (`tests/against_r.rs`). Source: F. Wilcoxon (1945); H. Mann and D. Whitney (1947).
///
/// ```
/// // Two of 1, 2, 3, 4: sums 3, 4, 5, 5, 6, 7.
/// let lattice = grimoire_stats::dist::ranks::rank_sum(&[1, 2, 3, 4], 2);
/// assert!((lattice.cdf(4) - 2.0 / 6.0).abs() < 1e-15);
/// ```
pub fn rank_sum(weights: &[u32], chosen: usize) -> Lattice {
    let mut heaviest: Vec<u32> = weights.to_vec();
    heaviest.sort_unstable_by(|a, b| b.cmp(a));
    let most: usize = heaviest.iter().take(chosen).map(|&w| w as usize).sum();
    // table[j][s]: probability that a random subset drawn item by item holds j items of sum s so far,
    // each item taken with probability (chosen − j) / (items left).
    let mut table = vec![vec![0.0; most + 1]; chosen + 1];
    table[0][0] = 1.0;
    for (done, &weight) in weights.iter().enumerate() {
        let left = (weights.len() - done) as f64;
        for j in (0..=chosen.min(done)).rev() {
            let take = (chosen - j) as f64 / left;
            if take <= 0.0 {
                continue;
            }
            let (lower, upper) = table.split_at_mut(j + 1);
            let row = &mut lower[j];
            if let Some(next) = upper.first_mut() {
                for (to, from) in next[weight as usize..].iter_mut().zip(row.iter()) {
                    *to += take * from;
                }
            }
            row.iter_mut().for_each(|value| *value *= 1.0 - take);
        }
    }
    Lattice { probabilities: table.pop().unwrap_or_default() }
}

/// Additions that [`rank_sum`] would need of doubled ranks, at most 2 n² m² with n = `total` and m
/// = `chosen`.
///
/// Domain: any numbers. Method: n weights, m tables, sums to 2 m n. Accuracy: a bound, in doubles.
/// Source: none beyond the count.
pub fn rank_sum_cost(total: usize, chosen: usize) -> f64 {
    let (n, m) = (total as f64, chosen as f64);
    n * m * 2.0 * m * n
}

/// Midranks of `values`, 2 rᵢ so that they are whole, and Σ (t³ − t) over the groups of t ties.
/// Ranks count from 1 and stand in the order of `values`.
///
/// Domain: numbers without NaN, at most 2³¹ of them; equal ones share the mean of their ranks.
/// Method: one sort. Accuracy: exact; the sum of ties in doubles. Source: M. Kendall, *Rank
/// Correlation Methods* (1948), for the correction.
///
/// ```
/// let (ranks, ties) = grimoire_stats::dist::ranks::doubled_midranks(&[5.0, 1.0, 5.0, 9.0]);
/// assert_eq!((ranks, ties), (vec![5, 2, 5, 8], 6.0));
/// ```
pub fn doubled_midranks(values: &[f64]) -> (Vec<u32>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let (mut start, mut ties) = (0, 0.0);
    while start < order.len() {
        let mut end = start;
        while end + 1 < order.len() && values[order[end + 1]] == values[order[start]] {
            end += 1;
        }
        // Mean of the ranks start+1 … end+1, doubled.
        let doubled = (start + end + 2) as u32;
        order[start..=end].iter().for_each(|&item| ranks[item] = doubled);
        let t = (end - start + 1) as f64;
        ties += t * t * t - t;
        start = end + 1;
    }
    (ranks, ties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    /// Of 2ⁿ patterns of signs 1, 2, 3, 5, 7, 10 have sums of at most 0, 1, 2, 3, 4, 5 (partitions into distinct
    /// parts).
    #[test]
    fn far_tails_by_counting() {
        for (n, bound) in [(1100, 1e-13), (12, 1e-13)] {
            let ranks: Vec<u32> = (1..=n).collect();
            for (x, patterns) in [(0, 1.0), (1, 2.0), (2, 3.0), (3, 5.0), (4, 7.0), (5, 10.0)] {
                let expected = f64::ln(patterns) - f64::from(n) * LN_2;
                close(ln_signed_rank_cdf(&ranks, x), expected, bound, 0.0);
            }
            assert_eq!(ln_signed_rank_cdf(&ranks, -1), f64::NEG_INFINITY);
        }
        // Where nothing underflows, the plain sum.
        let ranks: Vec<u32> = (1..=60).collect();
        let plain = signed_rank(&ranks).cdf(400).ln();
        close(ln_signed_rank_cdf(&ranks, 400), plain, 1e-13, 0.0);
    }

    #[test]
    fn small_cases_by_counting() {
        // n = 3: sums 0, 1, 2, 3, 3, 4, 5, 6 of eight sign patterns.
        let lattice = signed_rank(&[1, 2, 3]);
        close(lattice.at_least(5), 0.25, 0.0, 0.0);
        close(lattice.cdf(3), 5.0 / 8.0, 0.0, 0.0);
        // Two of {1, 2, 3, 4}: sums 3, 4, 5, 5, 6, 7.
        let lattice = rank_sum(&[1, 2, 3, 4], 2);
        close(lattice.cdf(4), 2.0 / 6.0, 1e-15, 0.0);
        close(lattice.at_least(7), 1.0 / 6.0, 1e-15, 0.0);
        assert_eq!(doubled_midranks(&[5.0, 1.0, 5.0, 9.0]), (vec![5, 2, 5, 8], 6.0));
    }
}
