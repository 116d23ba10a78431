//! The error function and its complements, and the tails and quantile of the standard normal.
//!
//! Equations: erf x = (2/√π) ∫₀ˣ e^(−t²) dt, erfc = 1 − erf, erfcx x = e^(x²) erfc x,
//! Φ(x) = ½ erfc(−x/√2).
//! Method: for x ≥ 0, (1 + 2x)·erfcx x is a Chebyshev series in t = (x − 15/4)/(x + 15/4) (the idea is
//! Shepherd and Laframboise's, *Chebyshev approximation of (1 + 2x) exp(x²) erfc x*, 1981; the
//! coefficients were computed with 45 digits in mpmath 1.3); e^(−x²) uses the square with its rounding
//! error, so that the far tail keeps its digits; erf near zero is its positive series.
//! Accuracy: relative error below 2·10⁻¹⁵ everywhere the result is normal; logarithms never underflow.

use super::chebyshev;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// ln √(2π), the logarithm of what divides the standard normal density; rounded to a double.
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// erf x = (2/√π) ∫₀ˣ e^(−t²) dt.
///
/// Domain: any x, ±∞ included (±1); NaN for NaN. Method: up to ¾ in size the series (2/√π) e^(−x²) Σ 2ᵏ
/// x^(2k+1)/(2k+1)!!, all of one sign; beyond, 1 − [`erfc`]. Accuracy: relative error at most 2·10⁻¹⁵ of mpmath at 60
/// digits, from 10⁻²⁰ to 26 (`tests/special.rs`). Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*
/// (1964), 7.1.1 and 7.1.6.
///
/// ```
/// // Abramowitz and Stegun, table 7.1.
/// assert!((grimoire_stats::special::erf::erf(1.0) - 0.8427007929).abs() < 1e-10);
/// ```
pub fn erf(x: f64) -> f64 {
    let size = x.abs();
    if size > 0.75 {
        return (1.0 - erfc(size)).copysign(x);
    }
    // 2/√π · e^(−x²) · Σ 2ᵏ x^(2k+1) / (2k+1)!!, all terms of one sign.
    let (mut term, mut sum, mut k) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() {
        k += 1.0;
        term *= 2.0 * x * x / (2.0 * k + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// erfc x = 1 − erf x = (2/√π) ∫ₓ^∞ e^(−t²) dt, without cancellation for large x.
///
/// Domain: any x, ±∞ included (0 and 2); zero where the value underflows (x above 27); NaN for NaN.
/// Method: e^(−x²) times [`erfcx`], the square taken with its rounding error; below ½ as 1 − erf. Accuracy:
/// relative error at most 2·10⁻¹⁵ of mpmath at 60 digits, from −3 to 26 (`tests/special.rs`).
/// Source: M. Shepherd and J. Laframboise, *Chebyshev approximation of (1 + 2x) exp(x²) erfc x*
/// (1981).
pub fn erfc(x: f64) -> f64 {
    if x < 0.5 {
        return 1.0 - erf(x);
    }
    erfcx(x) * exp_minus_square(x)
}

/// erfcx x = e^(x²) erfc x, which falls like 1/(x√π).
///
/// Domain: any x, ±∞ included; 0 at +∞, infinite below about −26.6, where it overflows; NaN for
/// NaN. Method: for x ≥ 0 a Chebyshev series of 27 terms in t = (x − 15/4)/(x + 15/4), over 1 + 2x,
/// and 1/(x√π) from 10⁹ on; for x < 0 by 2 e^(x²) − erfcx(−x). Accuracy: relative error at most 2·10⁻¹⁵ of mpmath at 60
/// digits, from −20 to 10¹⁰ (`tests/special.rs`). Source: Shepherd and Laframboise
/// (1981), with coefficients from mpmath.
pub fn erfcx(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 / exp_minus_square(x) - erfcx(-x);
    }
    if x >= 1e9 {
        // The next term of the expansion is less by the factor 1/(2x²).
        return 1.0 / (x * PI.sqrt());
    }
    chebyshev(&ERFCX, (x - 3.75) / (x + 3.75)) / (1.0 + 2.0 * x)
}

/// Φ(x) = (1/√(2π)) ∫ e^(−t²/2) dt from −∞ to x, the probability that a standard normal is at most
/// x.
///
/// Domain: any x, ±∞ included (0 and 1); NaN for NaN. Method: [`normal_survival`] on the side of
/// the smaller tail, so that it does not cancel. Accuracy: that of `normal_survival` below zero;
/// above, one subtraction from 1. Source: Abramowitz and Stegun 26.2.2 and 26.2.29.
pub fn normal_cdf(x: f64) -> f64 {
    if x >= 0.0 { 1.0 - normal_survival(x) } else { normal_survival(-x) }
}

/// 1 − Φ(x) = ½ erfc(x/√2), accurate in both tails.
///
/// Domain: any x, ±∞ included; zero above 40, where it is below the smallest double; NaN for NaN.
/// Method: ½ erfcx(x/√2) e^(−x²/2) with the rounding error of x²/2; below zero 1 − the other tail.
/// Accuracy: relative error at most 2·10⁻¹⁵ of mpmath at 60 digits, from −8 to 37
/// (`tests/special.rs`). Source: Abramowitz and Stegun 26.2.29; Shepherd and Laframboise (1981).
///
/// ```
/// // Abramowitz and Stegun, table 26.1: P(3) = 0.99865 01019 68370.
/// let q = grimoire_stats::special::erf::normal_survival(3.0);
/// assert!((q - 0.001349898031630).abs() < 1e-15);
/// ```
pub fn normal_survival(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - normal_survival(-x);
    }
    if x > 40.0 {
        return 0.0;
    }
    let square = 0.5 * x * x;
    let lost = (0.5 * x).mul_add(x, -square);
    0.5 * erfcx(x * FRAC_1_SQRT_2) * (-square).exp() * (1.0 - lost)
}

/// ln Φ(x), finite for every finite x.
///
/// Domain: any x, ±∞ included (−∞ and 0); −∞ where x² overflows; NaN for NaN. Method: above zero log1p of minus the
/// upper tail; else ln(½ erfcx(−x/√2)) − x²/2, which cannot underflow. Accuracy: relative error at most 2·10⁻¹⁵ of
/// mpmath at 60 digits, from −10⁴ to 5 (`tests/special.rs`). Source: Abramowitz and Stegun 26.2.29; Shepherd and
/// Laframboise (1981).
pub fn normal_ln_cdf(x: f64) -> f64 {
    if x > 0.0 {
        return (-normal_survival(x)).ln_1p();
    }
    (0.5 * erfcx(-x * FRAC_1_SQRT_2)).ln() - 0.5 * x * x
}

/// The x with Φ(x) = p.
///
/// Domain: p from 0 to 1; −∞ at 0, +∞ at 1, NaN outside. Method: [`normal_quantile_of_ln`] of the
/// logarithm of the smaller tail. Accuracy: relative error at most 10⁻¹⁴ of mpmath at 60 digits, or
/// absolute 10⁻¹⁵ near the zero at ½ (where it is −4·10⁻¹⁷), for p from 10⁻³⁰⁰ to 0.999999
/// (`tests/special.rs`). Source: Abramowitz and Stegun 26.2.23 (Hastings) for the first guess.
///
/// ```
/// // Abramowitz and Stegun, table 26.5: the quantile of 0.975.
/// let x = grimoire_stats::special::erf::normal_quantile(0.975);
/// assert!((x - 1.95996).abs() < 5e-6);
/// ```
pub fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 { -normal_quantile_of_ln((-p).ln_1p()) } else { normal_quantile_of_ln(p.ln()) }
}

/// The x ≤ 0 with ln Φ(x) = `ln_p`, so that p itself may underflow.
///
/// Domain: `ln_p` ≤ ln ½; −∞ for −∞, NaN above 0 and for NaN. Between ln ½ and 0 digits are lost,
/// for there the other tail should be asked. Method: Hastings' rational guess, then Halley's steps
/// on ln Φ, at most eight. Accuracy: that of [`normal_quantile`], which is made of it. Source:
/// Abramowitz and Stegun 26.2.23; E. Halley (1694) for the steps.
pub fn normal_quantile_of_ln(ln_p: f64) -> f64 {
    if ln_p == f64::NEG_INFINITY || ln_p.is_nan() || ln_p > 0.0 {
        return if ln_p == f64::NEG_INFINITY { ln_p } else { f64::NAN };
    }
    let t = (-2.0 * ln_p).sqrt();
    let mut x = (2.515517 + t * (0.802853 + t * 0.010328))
        / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
        - t;
    for _ in 0..8 {
        // g = ln Φ − ln p, g' = φ/Φ = r, g'' = −r (x + r).
        let error = normal_ln_cdf(x) - ln_p;
        let r = (2.0 / PI).sqrt() / erfcx(-x * FRAC_1_SQRT_2);
        let newton = error / r;
        let step = newton / (1.0 + 0.5 * newton * (x + r));
        x -= step;
        if step.abs() <= 1e-16 * x.abs() {
            break;
        }
    }
    x
}

/// e^(−x²), the square taken with its rounding error; 0 where that underflows.
fn exp_minus_square(x: f64) -> f64 {
    let square = x * x;
    if square > 746.0 {
        return 0.0;
    }
    (-square).exp() * (1.0 - x.mul_add(x, -square))
}

const ERFCX: [f64; 27] = [
    1.1775789345674017,
    -0.004590054580646478,
    -0.08424913336651792,
    0.05920993999819189,
    -0.026658668435305753,
    0.009074997670705265,
    -0.002413163540417608,
    0.0004907758365258086,
    -6.916973302501207e-05,
    4.13902798607301e-06,
    7.74038306619849e-07,
    -2.1886401049234397e-07,
    1.076499946567091e-08,
    4.521959811218287e-09,
    -7.754400208831351e-10,
    -6.318088340886684e-11,
    2.86879501093067e-11,
    1.9455868545777347e-13,
    -9.65469674843344e-13,
    3.25254814814874e-14,
    3.3478119482868056e-14,
    -1.864562880419313e-15,
    -1.2507950530688648e-15,
    7.418235256624044e-17,
    5.068148904796111e-17,
    -2.2370566594359995e-18,
    -2.187342944303018e-18,
];
