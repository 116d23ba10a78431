//! Distributions of the Kolmogorov–Smirnov statistics: one sample (one- and two-sided), two samples,
//! and the limit.
//!
//! One-sided: Birnbaum and Tingey (1951), a sum of positive terms, each written as a binomial
//! probability. Two-sided: the empirical count as a Poisson process held between two barriers
//! (Pomeranz 1974), except that the mass *leaving* the strip is what is added up, so a small
//! survival keeps its digits; beyond n·d² = 5 twice the one-sided value, whose relative error is
//! below e^(−6nd²) = 10⁻¹³ there (Simard and L'Ecuyer 2011). Two samples: lattice paths that touch
//! the barrier, again summed as they touch. Exact up to the sizes named at each function, with
//! relative error near 10⁻¹²; above, the limit with Vrbik's correction (2018), error of order n^(−3/2).

use super::poisson::Poisson;
use super::{Binomial, Distribution};

/// Largest n for which [`two_sided`] is exact.
pub const EXACT_UP_TO: u64 = 20_000;

/// P(D⁺ ≥ d) of one sample of n, d Σ C(n, j) (d + j/n)^(j−1) (1 − d − j/n)^(n−j) over j ≤ n(1 − d).
///
/// Domain: d from 0 to 1 (1 below, 0 above, NaN for NaN); n ≥ 1, to 10⁷ in reasonable time, since n terms are
/// summed. Method: each term as a binomial probability over its p, all of one sign. Accuracy:
/// relative error at most 10⁻¹² of the sum at 60 digits, n to 1,500 (`tests/against_mpmath.rs`).
/// Source: Z. Birnbaum and F. Tingey, *One-sided confidence contours for probability distribution
/// functions* (1951).
///
/// ```
/// // One value: D⁺ = 1 − u for a uniform u.
/// assert!((grimoire_stats::dist::kolmogorov::one_sided(1, 0.3) - 0.7).abs() < 1e-15);
/// ```
pub fn one_sided(n: u64, d: f64) -> f64 {
    if d <= 0.0 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let p = d * one_sided_sum(n, d, 0.0);
    if p > 1.0 { 1.0 } else { p }
}

/// ln of [`one_sided`], finite where that underflows; −∞ from d = 1 on.
///
/// Domain, method and source are those of `one_sided`, its terms over the largest. Accuracy: 10⁻¹³ of the
/// logarithm at 60 digits (`tests/against_mpmath.rs`).
pub fn ln_one_sided(n: u64, d: f64) -> f64 {
    let p = one_sided(n, d);
    if p > SAFE || !(0.0..1.0).contains(&d) {
        return p.ln();
    }
    let count = n as f64;
    let top = (0..=(count * (1.0 - d)) as u64)
        .map(|j| (d + j as f64 / count, j as f64))
        .filter(|(p, _)| *p < 1.0)
        .map(|(p, j)| Binomial::ln_density_within(count, p, j))
        .fold(f64::NEG_INFINITY, f64::max);
    top + (d * one_sided_sum(n, d, top)).ln()
}

/// Below it a probability is computed by its logarithm.
const SAFE: f64 = 1e-280;

/// Σ of the binomial probabilities of Birnbaum and Tingey over their p and e^`top`.
fn one_sided_sum(n: u64, d: f64, top: f64) -> f64 {
    let n = n as f64;
    let last = (n * (1.0 - d)).floor();
    let (mut sum, mut j) = (0.0, 0.0);
    while j <= last {
        let p = d + j / n;
        if p < 1.0 {
            sum += (Binomial::ln_density_within(n, p, j) - top).exp() / p;
        }
        j += 1.0;
    }
    sum
}

/// P(D ≥ d) of one sample of n, D = sup |Fₙ − F|.
///
/// Domain: d from 1/(2n), below which it is 1, to 1, from which it is 0; exact to n =
/// [`EXACT_UP_TO`]. Method: a Poisson process held between two barriers, the mass that leaves added
/// up; from d = ½ and beyond n d² = 5 twice [`one_sided`]; above the size named [`limit`] at a
/// corrected z. Accuracy: relative error at most 10⁻¹² of Marsaglia, Tsang and Wang's matrix at 60
/// digits, n to 1,500 (`tests/against_mpmath.rs`); of the corrected limit an error of the order
/// n^(−3/2). Source: J. Pomeranz (1974); R. Simard and P. L'Ecuyer, *Computing the two-sided
/// Kolmogorov–Smirnov distribution* (2011); J. Vrbik (2018) for the correction.
pub fn two_sided(n: u64, d: f64) -> f64 {
    let count = n as f64;
    if d <= 0.5 / count {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    if d >= 0.5 || count * d * d > 5.0 {
        return (2.0 * one_sided(n, d)).min(1.0);
    }
    if n > EXACT_UP_TO {
        let z = count.sqrt() * d;
        return limit(z + 1.0 / (6.0 * count.sqrt()) + (z - 1.0) / (4.0 * count));
    }
    leaving_the_strip(count, d)
}

/// ln of [`two_sided`], finite where that underflows, as twice the one-sided value; −∞ from d = 1 on.
///
/// Domain and source are those of `two_sided`. Method: [`ln_one_sided`] where the probability is
/// below 10⁻²⁸⁰. Accuracy: 10⁻¹³ of the logarithm (`tests/against_mpmath.rs`).
pub fn ln_two_sided(n: u64, d: f64) -> f64 {
    let p = two_sided(n, d);
    if p > SAFE { p.ln() } else { std::f64::consts::LN_2 + ln_one_sided(n, d) }
}

/// lim P(√n D ≥ z) = 2 Σ_{k ≥ 1} (−1)^(k−1) e^(−2k²z²).
///
/// Domain: any z; 1 for z ≤ 0. Method: the series as written from z = 1 on, below 1 − (√(2π)/z) Σ
/// e^(−(2k−1)²π²/(8z²)), where it converges fast. Accuracy: relative error at most 10⁻¹³ of scipy's
/// (`tests/against_scipy.rs`). Source: A. Kolmogorov (1933); N. Smirnov (1948).
///
/// ```
/// // Smirnov's table (1948): 0.950514 at z = 1.36.
/// let found = grimoire_stats::dist::kolmogorov::limit(1.36);
/// assert!((1.0 - found - 0.950514).abs() < 5e-7);
/// ```
pub fn limit(z: f64) -> f64 {
    if z <= 0.0 {
        return 1.0;
    }
    if z < 1.0 {
        // 1 − (√(2π)/z) Σ e^(−(2k−1)²π²/(8z²)).
        let tau: f64 = std::f64::consts::TAU;
        let base = tau * tau / (32.0 * z * z);
        let sum: f64 = (1..=8).map(|k| (-f64::from((2 * k - 1_i32).pow(2)) * base).exp()).sum();
        return 1.0 - tau.sqrt() / z * sum;
    }
    let mut sum = 0.0;
    for k in (1..=12).rev() {
        let term = (-2.0 * f64::from(k * k) * z * z).exp();
        sum += if k % 2 == 1 { term } else { -term };
    }
    2.0 * sum
}

/// ln of [`limit`], finite where that underflows: then ln 2 − 2z², since what follows is e^(−6z²) of it.
///
/// Domain, method and source are those of `limit`. Accuracy: rounding of the logarithm.
pub fn ln_limit(z: f64) -> f64 {
    let p = limit(z);
    if p > SAFE { p.ln() } else { std::f64::consts::LN_2 - 2.0 * z * z }
}

/// The count N(t) of a Poisson process of rate n, given N(1) = n, leaves n·t − c < N(t) < n·t + c:
/// it may not have reached k before (k − c)/n, and must have passed k by (k + c)/n.
fn leaving_the_strip(n: f64, d: f64) -> f64 {
    let c = n * d;
    // Times scaled by n; `true` marks the upper barrier.
    let mut checks: Vec<(f64, f64, bool)> = Vec::new();
    let mut k = 0.0;
    while k <= n {
        if k - c > 0.0 {
            checks.push((k - c, k, true));
        }
        if k + c < n {
            checks.push((k + c, k, false));
        }
        k += 1.0;
    }
    checks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let finish = |from: f64, count: f64| {
        let left = n - count;
        if left < 0.0 { 0.0 } else { Poisson::new(n - from).map_or(0.0, |rest| rest.density(left)) }
    };
    let (mut first, mut mass, mut now, mut lost) = (0.0_f64, vec![1.0_f64], 0.0, 0.0);
    for (time, barrier, upper) in checks {
        mass = spread(&mass, time - now);
        now = time;
        if upper {
            // Counts at or above the barrier have come too early.
            let keep = ((barrier - first).max(0.0) as usize).min(mass.len());
            for (extra, share) in mass[keep..].iter().enumerate() {
                lost += share * finish(now, first + (keep + extra) as f64);
            }
            mass.truncate(keep);
        } else {
            // Counts at or below it come too late.
            let drop = ((barrier - first + 1.0).max(0.0) as usize).min(mass.len());
            for (index, share) in mass[..drop].iter().enumerate() {
                lost += share * finish(now, first + index as f64);
            }
            mass.drain(..drop);
            first += drop as f64;
        }
        if mass.is_empty() {
            return 1.0;
        }
    }
    let whole = Poisson::new(n).map_or(1.0, |all| all.density(n));
    (lost / whole).min(1.0)
}

/// Convolution with the Poisson distribution of that mean, cut where its terms fall below 10⁻²⁵.
fn spread(mass: &[f64], mean: f64) -> Vec<f64> {
    if mean <= 0.0 {
        return mass.to_vec();
    }
    let (mut steps, mut term, mut k) = (Vec::new(), (-mean).exp(), 0.0);
    while term > 1e-25 || k < mean {
        steps.push(term);
        k += 1.0;
        term *= mean / k;
    }
    let mut out = vec![0.0; mass.len() + steps.len() - 1];
    for (index, share) in mass.iter().enumerate() {
        for (to, step) in out[index..].iter_mut().zip(&steps) {
            *to += share * step;
        }
    }
    out
}

/// P(D ≥ d) for two samples of m and n without ties, D = sup |Fₘ − Gₙ|; `one` asks for P(D⁺ ≥ d)
/// alone.
///
/// Domain: m, n ≥ 1, m·n to about 10⁸, which is also the number of steps; `d` is rounded to the
/// nearest attainable value, a multiple of 1/(m n); 1 for d ≤ 0. Method: every path from (0, 0) to
/// (m, n) is equally likely, and the share that has touched the barrier is carried from step to
/// step. Accuracy: relative error at most 10⁻¹² of scipy's p-values (`tests/against_scipy.rs`).
/// Source: J. Hodges, *The significance probability of the Smirnov two-sample test* (1957).
pub fn two_samples(m: u64, n: u64, d: f64, one: bool) -> f64 {
    touched(m, n, d, one, (0.0, 1.0), |a, p, b, q| (a * p + b * q) / (a + b))
}

/// ln of [`two_samples`], finite where that underflows; −∞ for a d above 1.
///
/// Domain and source are those of `two_samples`. Method: the same walk over logarithms, where the
/// probability is below 10⁻²⁸⁰, about ten times as long. Accuracy: 10⁻¹³ of the logarithm beside the
/// binomial coefficients of samples of one size (`tests/against_mpmath.rs`).
pub fn ln_two_samples(m: u64, n: u64, d: f64, one: bool) -> f64 {
    let p = two_samples(m, n, d, one);
    if p > SAFE {
        return p.ln();
    }
    touched(m, n, d, one, (f64::NEG_INFINITY, 0.0), |a, p, b, q| {
        let top = p.max(q);
        if top == f64::NEG_INFINITY {
            return top;
        }
        top + ((a * (p - top).exp() + b * (q - top).exp()) / (a + b)).ln()
    })
}

/// The walk of [`two_samples`]: `never` and `certain` are 0 and 1, and `mixed(a, p, b, q)` is (a p + b q)/(a + b), on
/// the scale of the probabilities or of their logarithms.
fn touched(
    m: u64,
    n: u64,
    d: f64,
    one: bool,
    (never, certain): (f64, f64),
    mixed: impl Fn(f64, f64, f64, f64) -> f64,
) -> f64 {
    let (mf, nf) = (m as f64, n as f64);
    // Attainable values are multiples of 1/(m n): compare in whole numbers.
    let least = (d * mf * nf - 1e-7).ceil().max(0.0);
    let touches = |i: f64, j: f64| {
        let gap = i * nf - j * mf;
        if one { gap >= least } else { gap.abs() >= least }
    };
    if least <= 0.0 {
        return certain;
    }
    // row[j]: probability that a random path passing (i, j) has touched by then.
    let mut row = vec![never; n as usize + 1];
    for i in 0..=m {
        for j in 0..=n {
            let (fi, fj) = (i as f64, j as f64);
            let at = j as usize;
            row[at] = if touches(fi, fj) {
                certain
            } else if i == 0 && j == 0 {
                never
            } else if i == 0 {
                row[at - 1]
            } else if j == 0 {
                row[at]
            } else {
                mixed(fi, row[at], fj, row[at - 1])
            };
        }
    }
    row[n as usize]
}
