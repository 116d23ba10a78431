//! Noncentral t and chi-square distributions: what power calculations and intervals of standardised
//! effects need.
//!
//! Noncentral t by quadrature over the estimate of the standard deviation (64-point Gauss–Legendre on
//! twelve pieces between its 10⁻²⁰ quantiles): absolute error below 10⁻¹³. Noncentral chi-square as
//! the Poisson mixture of central ones, summed outwards from its largest weight down to weights of 10⁻¹⁸.
//!
//! Domain: ν > 0, δ any finite number, λ ≥ 0. Accuracy: lower tails within 10⁻¹² of 40 digits on the recorded cases
//! (`tests/against_mpmath.rs`); a tail far below 10⁻¹³ is good to the absolute error only. Above 10⁹ degrees of
//! freedom t is taken as normal. Source: N. L. Johnson, S. Kotz and N. Balakrishnan, *Continuous Univariate
//! Distributions*, volume 2 (2nd edition, 1995); J. H. Steiger and R. T. Fouladi, *Noncentrality interval estimation
//! and the evaluation of statistical models* (1997), for the interval.

use super::poisson::Poisson;
use super::{ChiSquare, Distribution};
use crate::special::erf::{normal_cdf, normal_quantile, normal_survival};
use crate::special::{incomplete, quadrature, root};

/// (P(T ≤ t), P(T > t)) of Student's t with `degrees` = ν and noncentrality `shift` = δ: T = (Z +
/// δ) / U with U = √(χ²_ν/ν), so that P(T ≤ t) = ∫ Φ(t·u − δ) f_U(u) du.
///
/// Domain: ν > 0, any finite t and δ; NaN for other ν. Method: Gauss–Legendre quadrature over u
/// between its 10⁻²⁰ quantiles, twelve panels of 64 nodes; above ν = 10⁹ the normal distribution.
/// Accuracy: the lower tail within 10⁻¹² relative of 40 digits (`tests/against_mpmath.rs`);
/// absolute error below 10⁻¹³, which is all that holds of a tail far below that. Source: Johnson,
/// Kotz and Balakrishnan (1995), chapter 31.
pub fn student(t: f64, degrees: f64, shift: f64) -> (f64, f64) {
    if degrees > 1e9 {
        return (normal_cdf(t - shift), normal_survival(t - shift));
    }
    let a = 0.5 * degrees;
    let ln_cut = f64::ln(1e-20);
    let low = (incomplete::gamma_inverse(a, ln_cut, true) / a).sqrt();
    let high = (incomplete::gamma_inverse(a, ln_cut, false) / a).sqrt();
    let density = |u: f64| 2.0 * incomplete::ln_gamma_kernel(a, a * u * u).exp() / u;
    let lower =
        quadrature::integrate_panels(low, high, 12, |u| density(u) * normal_cdf(t * u - shift));
    let upper = quadrature::integrate_panels(low, high, 12, |u| {
        density(u) * normal_survival(t * u - shift)
    });
    (lower.min(1.0), upper.min(1.0))
}

/// The interval of the noncentrality δ for which an observed t is no surprise at `level`: the ends
/// are where P(T ≤ t) = (1 + level)/2 and (1 − level)/2. Used for intervals of Cohen's d.
///
/// Domain: ν > 0, finite t, a level between 0 and 1; nothing is checked, and an end that is not
/// found is NaN. Method: Brent's root finder on [`student`]. Accuracy: that of `student` over the
/// density at the end; no test of its own. Source: J. Steiger and R. Fouladi (1997).
pub fn student_shift_interval(t: f64, degrees: f64, level: f64) -> (f64, f64) {
    let alpha = 0.5 * (1.0 - level);
    let reach = 12.0 + 2.0 * t.abs() * (1.0 + 8.0 / degrees.sqrt());
    let solve = |target: f64| {
        root::bracketed(t - reach, t + reach, |shift| student(t, degrees, shift).0 - target)
            .unwrap_or(f64::NAN)
    };
    (solve(1.0 - alpha), solve(alpha))
}

/// The interval of the noncentrality λ for which an observed χ² of `x` is no surprise at `level`: P(X > x) = (1 −
/// level)/2 at the lower end, 0 where it is more without any λ, and P(X ≤ x) = (1 − level)/2 at the upper, likewise.
/// Used for intervals of Cramér's V and Cohen's w.
///
/// Domain: ν > 0, x ≥ 0 and finite, a level between 0 and 1; nothing is checked, and an end that is not found is NaN.
/// Method: Brent's root finder on [`chi_square`] to x = 10⁴, beyond it on Sankaran's normal approximation. Accuracy:
/// relative error of the ends at most 10⁻⁹ of scipy's to x = 10⁴, 10⁻⁶ beyond (`tests/against_mpmath.rs`). Source: J.
/// Steiger and R. Fouladi (1997); M. Sankaran, *Approximations to the non-central chi-square distribution* (1963).
pub fn chi_square_shift_interval(x: f64, degrees: f64, level: f64) -> (f64, f64) {
    let alpha = 0.5 * (1.0 - level);
    let tails = |shift: f64| {
        if x > 1e4 { sankaran(x, degrees, shift) } else { chi_square(x, degrees, shift) }
    };
    let reach = (x.sqrt() - 2.0 * normal_quantile(alpha) + 3.0).powi(2);
    let solve = |gap: &dyn Fn(f64) -> f64| {
        if gap(0.0) >= 0.0 { 0.0 } else { root::bracketed(0.0, reach, gap).unwrap_or(f64::NAN) }
    };
    let lower = solve(&|shift| tails(shift).1 - alpha);
    (lower, solve(&|shift| alpha - tails(shift).0))
}

/// Both tails of [`chi_square`] by the power of X that is nearly normal.
fn sankaran(x: f64, degrees: f64, shift: f64) -> (f64, f64) {
    let (mean, spread) = (degrees + shift, degrees + 2.0 * shift);
    let h = 1.0 - 2.0 * mean * (degrees + 3.0 * shift) / (3.0 * spread * spread);
    let p = spread / (mean * mean);
    let m = (h - 1.0) * (1.0 - 3.0 * h);
    let centre = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p);
    let z = ((x / mean).powf(h) - centre) / (h * (2.0 * p).sqrt() * (1.0 + 0.5 * m * p));
    (normal_cdf(z), normal_survival(z))
}

/// (P(X ≤ x), P(X > x)) of the chi-square with `degrees` = ν and `noncentrality` = λ: Σⱼ e^(−λ/2)
/// (λ/2)ʲ/j! · P(χ²_(ν+2j) ≤ x).
///
/// Domain: ν > 0, λ ≥ 0, else NaN; any x (0 and 1 below zero). Method: the sum outwards from its
/// largest weight down to weights of 10⁻¹⁸. Accuracy: the lower tail within 10⁻¹² relative of 40
/// digits (`tests/against_mpmath.rs`); of a tail far below 10⁻¹⁸ nothing is left. Source: Johnson,
/// Kotz and Balakrishnan (1995), chapter 29.
pub fn chi_square(x: f64, degrees: f64, noncentrality: f64) -> (f64, f64) {
    let tails = |extra: f64| {
        ChiSquare::new(degrees + 2.0 * extra).map_or((f64::NAN, f64::NAN), |d| {
            let t = d.tails(x);
            (t.lower, t.upper)
        })
    };
    if noncentrality == 0.0 {
        return tails(0.0);
    }
    let Ok(weights) = Poisson::new(0.5 * noncentrality) else { return (f64::NAN, f64::NAN) };
    let mode = (0.5 * noncentrality).floor();
    let (mut lower, mut upper) = (0.0, 0.0);
    for direction in [1.0, -1.0] {
        let mut k = if direction > 0.0 { mode } else { mode - 1.0 };
        while k >= 0.0 {
            let weight = weights.density(k);
            if weight < 1e-18 {
                break;
            }
            let (below, above) = tails(k);
            lower += weight * below;
            upper += weight * above;
            k += direction;
        }
    }
    (lower.min(1.0), upper.min(1.0))
}
