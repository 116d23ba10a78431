//! The regularised incomplete gamma and beta functions, both tails at once, and their inverses.
//!
//! Equations: P(a, x) = ∫₀ˣ t^(a−1) e^(−t) dt / Γ(a), Q = 1 − P; Iₓ(a, b) = ∫₀ˣ t^(a−1) (1−t)^(b−1) dt / B(a, b).
//! Method: the factor in front by Stirling errors and deviances ([`super::gamma`]); then, for small parameters, the
//! power series or the continued fraction (Abramowitz and Stegun 6.5.29, 6.5.31, 26.5.8 by Lentz's algorithm), and
//! for large ones (from 200) quadrature of the tail from x outwards, where the integrand is exp(linear +
//! well-conditioned rest), so that the cost does not grow with n. At a shape below 1 a small tail on the side away
//! from 0 is 1 less a power series, put together so that nothing cancels (Gautschi 1979). The smaller tail is the one
//! computed, or the other where it leaves a tenth at least. Accuracy: relative error of each tail near 10⁻¹⁴, growing
//! like 10⁻¹⁶·|ln tail| far out; checked to 10⁻¹² against mpmath up to a + b = 10¹², down to tails of 10⁻³⁰⁰.
//!
//! Sources: M. Abramowitz, I. Stegun, *Handbook of Mathematical Functions* (1964), as numbered above; W. Lentz
//! (1976); W. Gautschi, *A computational procedure for incomplete gamma functions* (1979); C. Loader, *Fast and
//! accurate computation of binomial probabilities* (2000), for the factor in front.

use super::erf::normal_quantile_of_ln;
use super::gamma::{deviance, digamma, ln_1p_minus, ln_gamma_1p, stirling_error};
use super::{quadrature, root, two_sum};
use std::f64::consts::{LN_2, TAU};

/// From here on, the tail is integrated instead of expanded.
const LARGE: f64 = 200.0;

/// A step in the logarithm of a root that no longer changes the root.
const IN_LOGARITHMS: f64 = 1e-16;

/// The standard normal quantile of e^`ln_p`: where to begin.
fn normal_score(ln_p: f64) -> f64 {
    if ln_p <= -LN_2 {
        normal_quantile_of_ln(ln_p)
    } else {
        -normal_quantile_of_ln((-ln_p.exp_m1()).ln())
    }
}

/// Both tails of a distribution at a point, and their natural logarithms; `lower` + `upper` = 1 but
/// for rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// Probability at or below the point.
    pub lower: f64,
    /// Probability above the point.
    pub upper: f64,
    /// Logarithm of `lower`, finite where `lower` underflows.
    pub ln_lower: f64,
    /// Logarithm of `upper`, finite where `upper` underflows.
    pub ln_upper: f64,
}

impl Tails {
    /// All of the probability below (at the right end of the support).
    pub const FULL: Self =
        Self { lower: 1.0, upper: 0.0, ln_lower: 0.0, ln_upper: f64::NEG_INFINITY };
    /// All of the probability above.
    pub const NONE: Self =
        Self { lower: 0.0, upper: 1.0, ln_lower: f64::NEG_INFINITY, ln_upper: 0.0 };

    /// From the lower tail L = e^`ln` · `ratio`; the upper one is 1 − L.
    ///
    /// Domain: `ratio` ≥ 0, L ≤ 1; what rounding adds above 1 is cut off. Method: the logarithm of
    /// L by adding, so that it does not underflow with L; that of 1 − L by log1p. Accuracy:
    /// rounding, plus the rounding of `ln` times L; the upper tail is good where it is not the
    /// smaller. Source: none beyond the definition.
    pub fn from_lower(ln: f64, ratio: f64) -> Self {
        let lower = (ln.exp() * ratio).min(1.0);
        Self { lower, upper: 1.0 - lower, ln_lower: ln + ratio.ln(), ln_upper: (-lower).ln_1p() }
    }

    /// From the upper tail U = e^`ln` · `ratio`; the lower one is 1 − U.
    ///
    /// Domain, method and accuracy are those of [`Tails::from_lower`], the sides exchanged. Domain:
    /// `ratio` ≥ 0, U ≤ 1. Method: `from_lower`, swapped. Accuracy: rounding. Source: none beyond
    /// the definition.
    pub fn from_upper(ln: f64, ratio: f64) -> Self {
        Self::from_lower(ln, ratio).swapped()
    }

    /// Lower and upper tail exchanged, as for −X in the place of X.
    pub fn swapped(self) -> Self {
        Self {
            lower: self.upper,
            upper: self.lower,
            ln_lower: self.ln_upper,
            ln_upper: self.ln_lower,
        }
    }
}

/// ln of x^a e^(−x) / Γ(a): the density of the gamma distribution on the scale of ln x.
///
/// Domain: a, x > 0; not checked. Method: ½ ln(a/2π) − δ(a) − D(a, x), Stirling's error and the
/// deviance, which are small where their terms are large. Accuracy: absolute error of the logarithm
/// near 10⁻¹⁴, and 10⁻¹⁶ of its size far out (no test of its own: logarithms of densities are
/// within 10⁻¹² of R's, `tests/against_r.rs`). Source: C. Loader (2000).
pub fn ln_gamma_kernel(a: f64, x: f64) -> f64 {
    0.5 * (a / TAU).ln() - stirling_error(a) - deviance(a, x, a - x)
}

/// P(a, x) = ∫₀ˣ t^(a−1) e^(−t) dt / Γ(a) as the lower tail, Q = 1 − P as the upper.
///
/// Domain: a > 0, else NaN; P = 0 for x ≤ 0 and 1 for x = ∞; NaN for NaN. Method: below a = 200 the
/// power series (x < a + 1) or the continued fraction by Lentz's algorithm; from 200 quadrature of
/// the tail outwards from x; below a = 1 the continued fraction from x = 1 on, and before it a small
/// Q by its own series. Accuracy: relative error of each tail at most 10⁻¹² of mpmath at 60 digits,
/// a from 10⁻¹² to 10¹², to 30 standard deviations and tails of 10⁻³⁰⁰ (`tests/special.rs`).
/// Source: Abramowitz and Stegun 6.5.1, 6.5.29 and 6.5.31; W. Gautschi (1979) for small a.
///
/// ```
/// // Q(1, x) = e^(−x).
/// let tails = grimoire_stats::special::incomplete::gamma(1.0, 3.0);
/// assert!((tails.upper - (-3_f64).exp()).abs() < 1e-15);
/// ```
pub fn gamma(a: f64, x: f64) -> Tails {
    if x.is_nan() || a.is_nan() || a <= 0.0 {
        return Tails { lower: f64::NAN, upper: f64::NAN, ln_lower: f64::NAN, ln_upper: f64::NAN };
    }
    if x <= 0.0 {
        return Tails::NONE;
    }
    if x == f64::INFINITY {
        return Tails::FULL;
    }
    let kernel = ln_gamma_kernel(a, x);
    if a >= LARGE {
        // Integrand relative to its value at x, at distance d: a·[ln(1 ± d/x) ∓ d/x] ∓ d·(x − a)/x.
        let slope = (a - x) / x;
        if x <= a {
            let g = |d: f64| a * ln_1p_minus(-d / x) - d * slope;
            return Tails::from_lower(kernel, tail(g, slope, x / a.sqrt(), x, |d| 1.0 / (x - d)));
        }
        let g = |d: f64| a * ln_1p_minus(d / x) + d * slope;
        let ratio = tail(g, -slope, x / a.sqrt(), f64::INFINITY, |d| 1.0 / (x + d));
        return Tails::from_upper(kernel, ratio);
    }
    if x < if a < 1.0 { 1.0 } else { a + 1.0 } {
        let (mut term, mut sum, mut k) = (1.0, 1.0, a);
        while term > 1e-17 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        let tails = Tails::from_lower(kernel, sum / a);
        if a < 1.0 && tails.lower > 0.5 {
            return small_upper(a * x.ln() - ln_gamma_1p(a), a, |k| -x / k);
        }
        return tails;
    }
    let step = |i: f64| (-i * (i - a), x + 2.0 * i + 1.0 - a);
    Tails::from_upper(kernel, 1.0 / lentz(x + 1.0 - a, step))
}

/// Both tails where P = e^`ln` (1 + a Σ tₖ/(a + k)) with t₀ = 1 and tₖ = tₖ₋₁ `ratio(k)`, k from 1, is
/// close to 1: the upper is (1 − e^ln) − e^ln a Σ tₖ/(a + k).
fn small_upper(ln: f64, a: f64, ratio: impl Fn(f64) -> f64) -> Tails {
    let (mut term, mut sum, mut k) = (1.0_f64, 0.0_f64, 0.0);
    while k < 2000.0 {
        k += 1.0;
        term *= ratio(k);
        sum += term / (a + k);
        if term.abs() <= 1e-18 * sum.abs() {
            break;
        }
    }
    let upper = (-ln.exp_m1() - ln.exp() * a * sum).max(0.0);
    Tails { lower: 1.0 - upper, upper, ln_lower: (-upper).ln_1p(), ln_upper: upper.ln() }
}

/// ln of x^a y^b / B(a, b) where y = 1 − x: the density of the beta distribution on the logit
/// scale.
///
/// Domain: a, b > 0, 0 < x < 1, y = 1 − x as exactly as the caller has it; not checked. Method: δ(a + b)
/// less δ(a), δ(b) and two deviances, a − (a + b)x carried in two doubles. Accuracy: absolute
/// error of the logarithm near 10⁻¹⁴, and 10⁻¹⁶ of its size far out (no test of its own: logarithms
/// of densities are within 10⁻¹² of R's, `tests/against_r.rs`). Source: C. Loader (2000).
pub fn ln_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let d = beta_distance(a, b, x, y);
    let n = a + b;
    0.5 * (a / n * b / TAU).ln() + stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x, d)
        - deviance(b, n * y, -d)
}

/// a·y − b·x = a − (a + b)·x with rounding errors carried along; uses the smaller of x and y, which
/// is the one that determines the other.
fn beta_distance(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let one = |a: f64, b: f64, x: f64| {
        let (ax, bx) = (a * x, b * x);
        let lost = a.mul_add(x, -ax) + b.mul_add(x, -bx);
        let (first, e1) = two_sum(a, -ax);
        let (second, e2) = two_sum(first, -bx);
        second + (e1 + e2 - lost)
    };
    if x <= y { one(a, b, x) } else { -one(b, a, y) }
}

/// Iₓ(a, b) = ∫₀ˣ t^(a−1) (1−t)^(b−1) dt / B(a, b) as the lower tail, 1 − Iₓ as the upper.
///
/// Domain: a, b > 0, else NaN; x from 0 to 1 and `y` = 1 − x, given separately because one of the
/// two may be too small for the other to tell. Iₓ = 0 for x ≤ 0, 1 for y ≤ 0; NaN for NaN. Method:
/// the smaller tail by the continued fraction (parameter below 200) or by quadrature outwards from
/// x; below a parameter of 1 a small tail away from its end by the power series of the other.
/// Accuracy: relative error of each tail at most 10⁻¹² of mpmath at 60 digits, parameters from
/// 10⁻¹² to 10¹², to 35 standard deviations and tails of 10⁻³⁰⁰ (`tests/special.rs`). Source:
/// Abramowitz and Stegun 26.5.1, 26.5.4 and 26.5.8; W. Lentz (1976); W. Gautschi (1979).
///
/// ```
/// // I_½(a, a) = ½ by symmetry.
/// let tails = grimoire_stats::special::incomplete::beta(7.5, 7.5, 0.5, 0.5);
/// assert!((tails.lower - 0.5).abs() < 1e-15);
/// ```
pub fn beta(a: f64, b: f64, x: f64, y: f64) -> Tails {
    if x.is_nan() || y.is_nan() || a.is_nan() || b.is_nan() || a <= 0.0 || b <= 0.0 {
        return Tails { lower: f64::NAN, upper: f64::NAN, ln_lower: f64::NAN, ln_upper: f64::NAN };
    }
    if x <= 0.0 {
        return Tails::NONE;
    }
    if y <= 0.0 {
        return Tails::FULL;
    }
    if a > b {
        return beta(b, a, y, x).swapped();
    }
    let kernel = ln_beta_kernel(a, b, x, y);
    let distance = beta_distance(a, b, x, y);
    if a >= LARGE && distance >= 0.0 {
        return Tails::from_lower(kernel, beta_tail(a, b, x, y, distance));
    }
    if a < LARGE && x <= (a + 1.0) / (a + b + 2.0) {
        let tails = Tails::from_lower(kernel, beta_fraction(a, b, x) / a);
        if a < 1.0 && tails.lower > 0.5 {
            let ln_power = a * x.ln() - ln_gamma_1p(a) + ln_gamma_step(a, b);
            return small_upper(ln_power, a, |k| (k - b) * x / k);
        }
        return tails;
    }
    if b >= LARGE && distance <= 0.0 {
        return Tails::from_upper(kernel, beta_tail(b, a, y, x, -distance));
    }
    Tails::from_upper(kernel, beta_fraction(b, a, y) / b)
}

/// ln Γ(a + b) − ln Γ(b) as ∫ ψ, which keeps the digits of an a that is small beside b; for a ≤ b.
fn ln_gamma_step(a: f64, b: f64) -> f64 {
    quadrature::integrate(0.0, a, |t| digamma(b + t))
}

/// Lower tail divided by the kernel, `distance` = a − (a+b)·x ≥ 0; over s = d/x, so that no x is too small.
fn beta_tail(a: f64, b: f64, x: f64, y: f64, distance: f64) -> f64 {
    let (slope, odds) = (distance / y, x / y);
    let g = |s: f64| a * ln_1p_minus(-s) + b * ln_1p_minus(s * odds) - s * slope;
    let spread = (1.0 / odds / (a + b)).sqrt();
    tail(g, slope, spread, 1.0, |s| 1.0 / ((1.0 - s) * (y + s * x)))
}

/// ∫₀^end exp(g(d)) w(d) dd, where g is concave with g(0) = 0, g'(0) = −`slope` ≤ 0: cut off where
/// g = −40, well under the last digit.
fn tail(
    g: impl Fn(f64) -> f64,
    slope: f64,
    spread: f64,
    end: f64,
    weight: impl Fn(f64) -> f64,
) -> f64 {
    let mut cut = (40.0 / slope).min(9.0 * spread).min(end);
    for _ in 0..40 {
        if cut >= end || g(cut) < -38.0 {
            break;
        }
        cut = (cut * 1.25).min(end);
    }
    quadrature::integrate(0.0, cut, |d| g(d).exp() * weight(d))
}

/// The continued fraction of Abramowitz and Stegun 26.5.8.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let coefficient = |i: f64| {
        let m = (0.5 * i).floor();
        let up = if i % 2.0 == 0.0 { m * (b - m) } else { -(a + m) * (a + b + m) };
        (up * x / ((a + i - 1.0) * (a + i)), 1.0)
    };
    1.0 / lentz(1.0, coefficient)
}

/// b₀ + a₁/(b₁ + a₂/(b₂ + …)) by the modified algorithm of Lentz; `terms(i)` gives (aᵢ, bᵢ).
fn lentz(first: f64, terms: impl Fn(f64) -> (f64, f64)) -> f64 {
    const TINY: f64 = 1e-300;
    let held = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut value = held(first);
    let (mut c, mut d) = (value, 0.0);
    for i in 1..200_000 {
        let (up, down) = terms(f64::from(i));
        d = 1.0 / held(down + up * d);
        c = held(down + up / c);
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 2e-16 {
            break;
        }
    }
    value
}

/// The x with P(a, x) = e^`ln_p` when `lower`, else with Q(a, x) = e^`ln_p`.
///
/// Domain: a > 0 and `ln_p` < 0; 0 or ∞, whichever end of the support it is, for `ln_p` = −∞ and
/// for `ln_p` ≥ 0. Method: Newton's steps in u = ln(x/a) on the logarithm of the named tail, held
/// in a bracket. Accuracy: the tail at x is within 10⁻¹² of e^`ln_p`, or within what the last place
/// of x leaves of it, a from ½ to 10¹² and tails to 10⁻²⁵⁰ (10⁻⁹⁰ at ½; `tests/special.rs`).
/// Source: Abramowitz and Stegun 6.5.1; *Numerical Recipes* (2007), 9.4, for the bracket.
pub fn gamma_inverse(a: f64, ln_p: f64, lower: bool) -> f64 {
    if ln_p == f64::NEG_INFINITY {
        return if lower { 0.0 } else { f64::INFINITY };
    }
    if ln_p >= 0.0 {
        return if lower { f64::INFINITY } else { 0.0 };
    }
    let solve = |u: f64| {
        let x = a * u.exp();
        let tails = gamma(a, x);
        let kernel = ln_gamma_kernel(a, x);
        if lower {
            (tails.ln_lower - ln_p, (kernel - tails.ln_lower).exp())
        } else {
            (ln_p - tails.ln_upper, (kernel - tails.ln_upper).exp())
        }
    };
    let (low, high) = (-745.0 - a.ln().min(0.0), 709.0 - a.ln().max(0.0));
    let start = if lower { 1.0 } else { -1.0 } * normal_score(ln_p) / a.sqrt();
    a * root::increasing(low, high, start, IN_LOGARITHMS, solve).exp()
}

/// The pair (x, 1 − x) with Iₓ(a, b) = e^`ln_p` when `lower`, else with 1 − Iₓ(a, b) = e^`ln_p`.
///
/// Domain: a, b > 0 and `ln_p` < 0; an end of [0, 1] for `ln_p` = −∞ and for `ln_p` ≥ 0. Method:
/// Newton's steps in u = ln(b x / (a (1 − x))) on the logarithm of the named tail, held in a
/// bracket, so that both x and 1 − x keep their digits. Accuracy: the tail at the pair is within
/// 10⁻¹² of e^`ln_p`, or within what the last place of x leaves of it, parameters to 10¹² and tails
/// to 10⁻²⁵⁰ (`tests/special.rs`). Source: Abramowitz and Stegun 26.5.1; *Numerical Recipes*
/// (2007), 9.4, for the bracket.
pub fn beta_inverse(a: f64, b: f64, ln_p: f64, lower: bool) -> (f64, f64) {
    if ln_p == f64::NEG_INFINITY {
        return if lower { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    if ln_p >= 0.0 {
        return if lower { (1.0, 0.0) } else { (0.0, 1.0) };
    }
    let point = |u: f64| {
        // x : y = a·eᵘ : b, with the larger share divided down so that nothing overflows.
        let shrink = (-u.abs()).exp();
        let (left, right) = if u < 0.0 { (a * shrink, b) } else { (a, b * shrink) };
        (left / (left + right), right / (left + right))
    };
    let solve = |u: f64| {
        let (x, y) = point(u);
        let tails = beta(a, b, x, y);
        let kernel = ln_beta_kernel(a, b, x, y);
        if lower {
            (tails.ln_lower - ln_p, (kernel - tails.ln_lower).exp())
        } else {
            (ln_p - tails.ln_upper, (kernel - tails.ln_upper).exp())
        }
    };
    let center = (a / b).ln();
    let (low, high) = (-740.0 - center.min(0.0), 740.0 - center.max(0.0));
    let start = if lower { 1.0 } else { -1.0 } * normal_score(ln_p) * (1.0 / a + 1.0 / b).sqrt();
    point(root::increasing(low, high, start, IN_LOGARITHMS, solve))
}
