//! ln Γ, Stirling's error, deviance and their kin: the pieces from which every probability of this
//! crate is assembled without losing digits.
//!
//! Source: C. Loader, *Fast and accurate computation of binomial probabilities* (2000), for writing a
//! probability as Stirling errors and deviances; Abramowitz and Stegun chapter 6 for the series.
//! Coefficients and the table were computed with 45 digits in mpmath 1.3.

use super::chebyshev;
use super::erf::LN_SQRT_TAU;

/// ln Γ(x), Γ(x) = ∫₀^∞ t^(x−1) e^(−t) dt.
///
/// Domain: x > 0; +∞ at 0, NaN below. Method: x ≥ 15 by Stirling's series; ½ to 3 by a Chebyshev
/// series of ln Γ(x) / ((x−1)(x−2)), which keeps the digits at the zeros 1 and 2; the rest by the
/// recurrence Γ(x + 1) = x Γ(x). Accuracy: relative error at most 5·10⁻¹⁵ of mpmath at 60 digits,
/// from 10⁻³⁰⁰ to 10¹⁵ (`tests/special.rs`). Source: Abramowitz and Stegun, *Handbook of
/// Mathematical Functions* (1964), 6.1.15 and 6.1.41.
///
/// ```
/// // Γ(½) = √π.
/// let found = grimoire_stats::special::gamma::ln_gamma(0.5);
/// assert!((found - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-15);
/// ```
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return if x == 0.0 { f64::INFINITY } else { f64::NAN };
    }
    if x >= 15.0 {
        return (x - 0.5) * x.ln() - x + LN_SQRT_TAU + stirling_error(x);
    }
    if x < 0.5 {
        return ln_gamma_near_two(x + 1.0) - x.ln();
    }
    let (mut product, mut x) = (1.0, x);
    while x > 3.0 {
        x -= 1.0;
        product *= x;
    }
    if product == 1.0 { ln_gamma_near_two(x) } else { product.ln() + ln_gamma_near_two(x) }
}

/// ln Γ(1 + a), with the digits of a small a that 1 + a would lose.
///
/// Domain: −½ ≤ a ≤ 2; not checked. Method: the Chebyshev series of [`ln_gamma`], which has a as a
/// factor. Accuracy: relative error of a few units of rounding near 0 (no test of its own: tails at small shapes made
/// of it are held to 10⁻¹², `tests/special.rs`). Source: Abramowitz and Stegun 6.1.15.
pub fn ln_gamma_1p(a: f64) -> f64 {
    a * (a - 1.0) * chebyshev(&LN_GAMMA, (a - 0.75) / 1.25)
}

fn ln_gamma_near_two(x: f64) -> f64 {
    (x - 1.0) * (x - 2.0) * chebyshev(&LN_GAMMA, (x - 1.75) / 1.25)
}

/// δ(x) = ln Γ(x) − [(x − ½) ln x − x + ln √(2π)], what Stirling's formula leaves.
///
/// Domain: x > 0; not checked, NaN elsewhere. Method: from 15 on the asymptotic series 1/(12x) −
/// 1/(360x³) + …, at multiples of ½ below a table of 45 digits, between them the difference itself.
/// Accuracy: rounding of δ for the series and the table; of the difference about 10⁻¹⁴ absolute
/// just below 15 and less for smaller x, which is what a probability needs of an exponent (no test
/// of its own: the tails made of it are held to 10⁻¹²). Source: C. Loader (2000); Abramowitz and
/// Stegun 6.1.40.
pub fn stirling_error(x: f64) -> f64 {
    if x >= 15.0 {
        let r = 1.0 / (x * x);
        let tail = 1.0 / 1188.0 - r * (691.0 / 360_360.0 - r / 156.0);
        return (1.0 / 12.0
            - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r * tail))))
            / x;
    }
    let twice = 2.0 * x;
    if twice >= 1.0 && twice.fract() == 0.0 {
        return STIRLING[twice as usize - 1];
    }
    ln_gamma(x) - ((x - 0.5) * x.ln() - x + LN_SQRT_TAU)
}

/// ln(1 + x) − x, without cancellation near 0.
///
/// Domain: x > −1; −∞ at −1, NaN below. Method: from −0.6 to 1, with r = x / (2 + x), it is r (2 r²
/// Σ r^(2k)/(2k+3) − x) to at most 22 terms; outside the plain difference, which does not cancel
/// there. Accuracy: a few units of rounding (no test of its own: the tails made of it are held to
/// 10⁻¹²). Source: Abramowitz and Stegun 4.1.27 for the series.
pub fn ln_1p_minus(x: f64) -> f64 {
    if !(-0.6..=1.0).contains(&x) {
        return x.ln_1p() - x;
    }
    let r = x / (2.0 + x);
    let s = r * r;
    let mut sum = 0.0;
    // The remainder after K terms is s^K / (2K + 3): 20 terms for s ≤ 0.1837, fewer when s is small.
    let terms = if s < 1e-4 {
        4
    } else if s < 1e-2 {
        8
    } else {
        22
    };
    for k in (0..terms).rev() {
        sum = sum * s + 1.0 / f64::from(2 * k + 3);
    }
    r * (2.0 * s * sum - x)
}

/// Deviance D = x ln(x/m) + m − x ≥ 0 of a count x from a mean m, half of what statistics calls by
/// that name.
///
/// Domain: x ≥ 0, m > 0, and `d` = x − m handed in by a caller who knows it to full precision (x −
/// m in floating point may not be); not checked. m at x = 0. Method: m (r² + (1 + r)(ln(1 + r) −
/// r)) with r = d/m from −0.6 to 1 by [`ln_1p_minus`], else as written. Accuracy: a few units of
/// rounding of D, as far as `d` is exact (no test of its own: tails and the logarithms of densities
/// made of it are held to 10⁻¹²). Source: C. Loader, *Fast and accurate computation of binomial
/// probabilities* (2000).
pub fn deviance(x: f64, m: f64, d: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    let ratio = d / m;
    if (-0.6..=1.0).contains(&ratio) {
        m * (ratio * ratio + (1.0 + ratio) * ln_1p_minus(ratio))
    } else {
        x * (x / m).ln() - d
    }
}

/// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b), without cancellation for large a, b.
///
/// Domain: a, b > 0; not checked, infinite or NaN elsewhere. Method: below 15 as written; else
/// Γ(large)/Γ(a + b) by Stirling's formula on both, combined so that the large parts cancel by
/// hand. Accuracy: absolute error near 10⁻¹⁴ times the larger of 1 and |ln Γ| of the smaller
/// parameter (no test of its own: tails and the logarithms of densities made of it are held to
/// 10⁻¹²). Source: Abramowitz and Stegun 6.2.2 and 6.1.41.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let n = small + large;
    if large < 15.0 {
        return ln_gamma(small) + ln_gamma(large) - ln_gamma(n);
    }
    // Γ(large)/Γ(n) by Stirling's formula on both, combined so that the large parts cancel by hand.
    let shift = (large - 0.5) * (-small / n).ln_1p() - small * n.ln() + small;
    ln_gamma(small) + shift + stirling_error(large) - stirling_error(n)
}

/// ln C(n, k) = −ln(n + 1) − ln B(k + 1, n − k + 1); fractions are allowed.
///
/// Domain: 0 ≤ k ≤ n; not checked, infinite or NaN elsewhere. Method: [`ln_beta`]; exactly 0 at k =
/// 0 and k = n. Accuracy: that of [`ln_beta`]. Source: Abramowitz and Stegun 6.1.21 and 6.2.2.
///
/// ```
/// // C(10, 5) = 252.
/// let found = grimoire_stats::special::gamma::ln_choose(10.0, 5.0);
/// assert!((found - 252_f64.ln()).abs() < 1e-14);
/// ```
pub fn ln_choose(n: f64, k: f64) -> f64 {
    if k == 0.0 || k == n {
        return 0.0;
    }
    -(n + 1.0).ln() - ln_beta(k + 1.0, n - k + 1.0)
}

/// ψ(x) = d/dx ln Γ(x).
///
/// Domain: any x; −∞ at 0, as from the right, NaN at the other poles −1, −2, …, at −∞ and for NaN.
/// Method: ψ(x) = ψ(x + 1) − 1/x until x ≥ 15, then ln x − 1/(2x) − 1/(12x²) + …; below zero ψ(1 −
/// x) − π cot πx. Accuracy: relative error at most 5·10⁻¹⁴ or absolute 10⁻¹⁴ of mpmath at 60
/// digits, from 10⁻³ to 10⁶ and from −10⁻³ to −10⁶ (`tests/special.rs`).
/// Source: Abramowitz and Stegun 6.3.5, 6.3.7 and 6.3.18.
///
/// ```
/// // ψ(1) = −γ.
/// let found = grimoire_stats::special::gamma::digamma(1.0);
/// assert!((found + 0.577_215_664_901_532_9).abs() < 1e-14);
/// ```
pub fn digamma(mut x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x < 0.0 {
        // From −2⁵² on every double is whole.
        let part = x - x.round();
        let at_pole = part == 0.0 || x == f64::NEG_INFINITY;
        let cotangent = 1.0 / (std::f64::consts::PI * part).tan();
        let mirrored = digamma(1.0 - x) - std::f64::consts::PI * cotangent;
        return if at_pole { f64::NAN } else { mirrored };
    }
    let mut sum = 0.0;
    while x < 15.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = r
        * (1.0 / 12.0
            - r * (1.0 / 120.0 - r * (1.0 / 252.0 - r * (1.0 / 240.0 - r * (1.0 / 132.0)))));
    sum + x.ln() - 0.5 / x - series
}

const LN_GAMMA: [f64; 44] = [
    0.4969196496241282,
    -0.18983770295364127,
    0.051642363278249136,
    -0.01620888582719529,
    0.005480868756901195,
    -0.0019373470781938534,
    0.0007048910082035581,
    -0.00026169697337740814,
    9.861130565519249e-05,
    -3.7584856908988406e-05,
    1.4455839828556131e-05,
    -5.6014342781194404e-06,
    2.1839963102639326e-06,
    -8.560510993494189e-07,
    3.3707703487176757e-07,
    -1.3325698991082197e-07,
    5.286623421759879e-08,
    -2.1039026610571943e-08,
    8.396346115994458e-09,
    -3.3593279703588836e-09,
    1.347128417758247e-09,
    -5.413413585081661e-10,
    2.179523895564128e-10,
    -8.790476934031152e-11,
    3.551107466208523e-11,
    -1.4366889879916915e-11,
    5.820523962016641e-12,
    -2.361128116146316e-12,
    9.589528652171644e-13,
    -3.8990699504056754e-13,
    1.5870109734168948e-13,
    -6.465854220933822e-14,
    2.6367771020705008e-14,
    -1.0762152407586304e-14,
    4.396243296659399e-15,
    -1.797221357503132e-15,
    7.352595459272878e-16,
    -3.010110271283285e-16,
    1.2331372609685956e-16,
    -5.054910883766592e-17,
    2.073363598084663e-17,
    -8.509128175401906e-18,
    3.494064241874015e-18,
    -1.4354970125753624e-18,
];

/// δ(½), δ(1), δ(3/2), … δ(15).
const STIRLING: [f64; 30] = [
    0.15342640972002736,
    0.08106146679532726,
    0.05481412105191765,
    0.0413406959554093,
    0.03316287351993629,
    0.02767792568499834,
    0.023746163656297496,
    0.020790672103765093,
    0.018488450532673187,
    0.016644691189821193,
    0.015134973221917378,
    0.013876128823070748,
    0.012810465242920227,
    0.01189670994589177,
    0.011104559758206917,
    0.010411265261972096,
    0.009799416126158804,
    0.009255462182712733,
    0.008768700134139386,
    0.00833056343336287,
    0.00793411456431402,
    0.007573675487951841,
    0.007244554301320383,
    0.00694284010720953,
    0.006665247032707682,
    0.006408994188004207,
    0.006171712263039458,
    0.0059513701127588475,
    0.0057462165130101155,
    0.005554733551962801,
];
