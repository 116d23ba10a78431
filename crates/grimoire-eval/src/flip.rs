//! The sign-flip test of paired differences: if two systems were alike, each difference would as
//! likely have had the other sign (Fisher's randomisation test; Edgington, *Randomization Tests*).
//! Exact over all 2^n signs for few pairs, else by seeded random signs. Not for unpaired samples.

use grimoire_stats::random::Random;
use rayon::prelude::*;

/// Up to this many pairs all sign patterns are tried.
pub const EXACT: usize = 20;

/// Random sign patterns for more pairs than [`EXACT`].
pub const FLIPS: u64 = 99_999;

/// Patterns per piece of parallel work.
const CHUNK: u64 = 1024;

/// The outcome of a sign-flip test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flip {
    /// Two-sided; never 0.
    pub p_value: f64,
    /// Sign patterns tried.
    pub flips: u64,
    /// Whether these were all of them.
    pub exact: bool,
}

impl Flip {
    /// What the test is called in a report.
    pub fn method(&self) -> &'static str {
        if self.exact { "exact sign-flip test" } else { "sign-flip test by random signs" }
    }
}

/// Tests whether differences are symmetric about zero, with |Σ d| as statistic.
pub fn mean_is_zero(differences: &[f64], seed: u64) -> Flip {
    let observed = differences.iter().sum::<f64>().abs();
    let scale: f64 = differences.iter().map(|value| value.abs()).sum();
    // Sums that differ by rounding only count as equal.
    let bar = observed - 1e-12 * scale;
    if differences.len() <= EXACT {
        let n = 1u64 << differences.len();
        let hits = exact(differences, bar);
        return Flip { p_value: hits as f64 / n as f64, flips: n, exact: true };
    }
    let hits: u64 = (0..FLIPS.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let last = ((chunk + 1) * CHUNK).min(FLIPS);
            let extreme = |flip: &u64| signed_sum(differences, seed, *flip).abs() >= bar;
            (chunk * CHUNK..last).filter(extreme).count() as u64
        })
        .sum();
    Flip { p_value: (hits + 1) as f64 / (FLIPS + 1) as f64, flips: FLIPS, exact: false }
}

/// Walks all sign patterns in Gray-code order, so that each step changes one sign.
fn exact(differences: &[f64], bar: f64) -> u64 {
    let mut signs = vec![1.0; differences.len()];
    let mut hits = 0;
    for pattern in 0..1u64 << differences.len() {
        if pattern > 0 {
            signs[pattern.trailing_zeros() as usize] *= -1.0;
        }
        let sum: f64 = differences.iter().zip(&signs).map(|(value, sign)| value * sign).sum();
        hits += u64::from(sum.abs() >= bar);
    }
    hits
}

fn signed_sum(differences: &[f64], seed: u64, flip: u64) -> f64 {
    let random = Random::new(seed, flip);
    differences
        .chunks(256)
        .enumerate()
        .map(|(block, values)| {
            let bits = random.block(block as u64);
            values
                .iter()
                .enumerate()
                .map(
                    |(at, value)| if bits[at / 64] >> (at % 64) & 1 == 1 { *value } else { -value },
                )
                .sum::<f64>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn exact_and_random_agree_with_known_values() {
        // scipy 1.17.1: stats.permutation_test((d,), np.mean, permutation_type='samples',
        // n_resamples=np.inf) of these differences, two-sided.
        let differences = [0.3, -0.1, 0.4, 0.2, 0.7, -0.2, 0.5];
        let test = mean_is_zero(&differences, 1);
        assert!(test.exact);
        close(test.p_value, 0.109_375, 1e-12, 0.0);
        // Many pairs: the normal limit, within five standard errors of the random patterns.
        let many: Vec<f64> = (0..400).map(|i| f64::from(i % 21) - 9.0).collect();
        let sum: f64 = many.iter().sum();
        let spread = many.iter().map(|d| d * d).sum::<f64>().sqrt();
        assert!(sum / spread > 2.0 && sum / spread < 5.0);
        let p = mean_is_zero(&many, 7).p_value;
        assert!(p < 0.05 && p > 0.0);
        close(p, mean_is_zero(&many, 7).p_value, 0.0, 0.0);
    }
}
