//! Kolmogorov–Smirnov tests: one sample against a distribution, and two samples.
//!
//! D = sup |Fₙ − F|; one-sided: *greater* is sup (Fₙ − F), which says that the sample lies to the left.
//! Exact p-values ([`crate::dist::kolmogorov`]) up to n = 20,000 (one sample, two-sided) or m·n = 10⁸ (two);
//! the limit beyond. The effect of a two-sided test is D with a 95 % interval that covers at least as often, by the
//! inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (1990).
//!
//! Equation: Fₙ(x) = #{xᵢ ≤ x}/n; D = max over the sorted sample of i/n − F(x₍ᵢ₎) and F(x₍ᵢ₎) − (i − 1)/n, or the
//! largest
//! |Fₘ − Gₙ|. Domain: finite values; a continuous F that was not fitted to them. Method: one walk over the sorted values.
//! Accuracy: the null distributions of one sample are within 10⁻¹² of 40 digits (`tests/against_mpmath.rs`), the limit
//! within 10⁻¹³ and p of both tests within 10⁻¹² of scipy's (`tests/against_scipy.rs`). Source: A. Kolmogorov,
//! *Sulla determinazione empirica di una legge di distribuzione* (1933); N. Smirnov, *Table for estimating the goodness
//! of fit of empirical distributions* (1948).

use crate::dist::kolmogorov;
use crate::error::{Error, Result, sample};
use crate::record::{Alternative, Interval, Record};

const MOST_CELLS: f64 = 1e8;

/// The level of the interval of the distance, since the tests take none.
const EFFECT_LEVEL: f64 = 0.95;

/// The ε that sup |Fₙ − F| exceeds with a probability of at most `alpha` (Massart 1990).
fn massart(n: f64, alpha: f64) -> f64 {
    ((2.0 / alpha).ln() / (2.0 * n)).sqrt()
}

/// Adds the distance D with D ± `reach`, which holds the distance of the distributions at least as often as it says.
fn with_distance(record: Record, d: f64, reach: f64) -> Record {
    let (low, high) = ((d - reach).max(0.0), (d + reach).min(1.0));
    let made = Interval::new(low, high, EFFECT_LEVEL, "Dvoretzky-Kiefer-Wolfowitz");
    record.with_effect("largest distance of the distributions", d, Some(made))
}

/// One sample against the cumulative distribution function `cdf` = F: D = max over the sorted
/// sample of i/n − F(x₍ᵢ₎) ([`Alternative::Greater`]), F(x₍ᵢ₎) − (i − 1)/n ([`Alternative::Less`]),
/// or the larger of both.
///
/// Domain: finite values; a continuous F that was not fitted to them. Method: one walk over the
/// sorted values; the null distribution of [`crate::dist::kolmogorov`], exact to n = 20,000 (of one
/// side always), a corrected limit beyond. Accuracy: D within 10⁻¹⁴ and p within 10⁻¹² relative of
/// scipy (`tests/against_scipy.rs`). Source: A. Kolmogorov (1933); Z. Birnbaum and F. Tingey
/// (1951).
///
/// # Errors
/// When the sample is empty, a value is not finite, or `cdf` leaves [0, 1].
pub fn one_sample(
    values: &[f64],
    cdf: impl Fn(f64) -> f64,
    alternative: Alternative,
) -> Result<Record> {
    sample("the sample", values, 1)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let (mut above, mut below, mut tied) = (0.0_f64, 0.0_f64, false);
    for (index, &x) in sorted.iter().enumerate() {
        let f = cdf(x);
        if !(0.0..=1.0).contains(&f) {
            let expected = "a cumulative probability from 0 to 1";
            return Err(Error::Domain { what: "the distribution function", value: f, expected });
        }
        above = above.max((index as f64 + 1.0) / n - f);
        below = below.max(f - index as f64 / n);
        tied |= index > 0 && sorted[index - 1] == x;
    }
    let count = values.len() as u64;
    let d = match alternative {
        Alternative::Greater => above,
        Alternative::Less => below,
        Alternative::TwoSided => above.max(below),
    };
    let (p_value, ln_p) = if alternative == Alternative::TwoSided {
        (kolmogorov::two_sided(count, d), kolmogorov::ln_two_sided(count, d))
    } else {
        (kolmogorov::one_sided(count, d), kolmogorov::ln_one_sided(count, d))
    };
    let mut record = Record::new("Kolmogorov-Smirnov test of one sample", count)
        .with_test("the values come from the given distribution", alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("D", d)
        .with("largest_excess", above)
        .with("largest_deficit", below)
        .assuming("values are independent")
        .assuming("the distribution is continuous and was not fitted to these values");
    if alternative == Alternative::TwoSided {
        record = with_distance(record, d, massart(n, 1.0 - EFFECT_LEVEL));
    }
    Ok(if tied { record.assuming("ties were broken by rounding only") } else { record })
}

/// Two samples: D = sup (Fₘ − Gₙ), sup (Gₙ − Fₘ) or sup |Fₘ − Gₙ|, Fₘ that of `x`. With ties the
/// p-value is that of untied samples, which is conservative.
///
/// Domain: finite values. Method: one walk over both sorted samples; lattice paths while m·n ≤ 10⁸
/// ([`kolmogorov::two_samples`]), else the limit at z = D √(mn/(m + n)), e^(−2z²) of one side.
/// Accuracy: D within 10⁻¹⁴ and p within 10⁻¹² relative of scipy (`tests/against_scipy.rs`); the
/// limit is an approximation. Source: N. Smirnov (1948); J. Hodges (1957).
///
/// # Errors
/// When a sample is empty or a value is not finite.
pub fn two_samples(x: &[f64], y: &[f64], alternative: Alternative) -> Result<Record> {
    sample("the first sample", x, 1)?;
    sample("the second sample", y, 1)?;
    let (mut a, mut b) = (x.to_vec(), y.to_vec());
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (m, n) = (a.len(), b.len());
    let (mut i, mut j, mut above, mut below) = (0, 0, 0.0_f64, 0.0_f64);
    while i < m && j < n {
        let at = a[i].min(b[j]);
        while i < m && a[i] <= at {
            i += 1;
        }
        while j < n && b[j] <= at {
            j += 1;
        }
        // In whole numbers until the last moment: i/m − j/n.
        let gap = (i * n) as f64 - (j * m) as f64;
        above = above.max(gap / (m as f64 * n as f64));
        below = below.max(-gap / (m as f64 * n as f64));
    }
    let (m, n) = (m as u64, n as u64);
    let cells = m as f64 * n as f64;
    let one = alternative != Alternative::TwoSided;
    let d = match alternative {
        Alternative::Greater => above,
        Alternative::Less => below,
        Alternative::TwoSided => above.max(below),
    };
    let exact = cells <= MOST_CELLS;
    let z = d * (cells / (m as f64 + n as f64)).sqrt();
    let (p_value, ln_p) = match (exact, one) {
        (true, _) => {
            (kolmogorov::two_samples(m, n, d, one), kolmogorov::ln_two_samples(m, n, d, one))
        }
        (false, true) => ((-2.0 * z * z).exp(), -2.0 * z * z),
        (false, false) => (kolmogorov::limit(z), kolmogorov::ln_limit(z)),
    };
    let method = if exact {
        "exact Kolmogorov-Smirnov test of two samples"
    } else {
        "asymptotic Kolmogorov-Smirnov test of two samples"
    };
    let mut record = Record::new(method, m + n)
        .with_test("both samples come from one distribution", alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("D", d)
        .assuming("values are independent")
        .assuming("the distributions are continuous");
    if !one {
        let part = 0.5 * (1.0 - EFFECT_LEVEL);
        record = with_distance(record, d, massart(m as f64, part) + massart(n as f64, part));
    }
    Ok(record)
}
