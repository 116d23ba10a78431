//! Special functions, accurate in both tails and on the logarithmic scale: ln Γ and Stirling's error
//! ([`gamma`]), the error function and the normal tails ([`erf`]), the incomplete gamma and beta
//! functions with their inverses ([`incomplete`]), quadrature and root finding ([`quadrature`],
//! [`root`]).
//!
//! The one idea: a probability is assembled from quantities that are themselves small and known to
//! full precision (Stirling errors, deviances, distances from the mean carried in two doubles), so
//! that n = 10¹² costs no more digits than n = 10.

pub mod erf;
pub mod gamma;
pub mod incomplete;
pub mod quadrature;
pub mod root;

/// Σ cₖ Tₖ(t) by Clenshaw's recurrence, |t| ≤ 1.
pub(crate) fn chebyshev(coefficients: &[f64], t: f64) -> f64 {
    let (mut one, mut two) = (0.0, 0.0);
    for &c in coefficients.iter().skip(1).rev() {
        (one, two) = (2.0 * t * one - two + c, one);
    }
    t * one - two + coefficients.first().copied().unwrap_or(0.0)
}

/// a + b as a rounded sum and its exact rounding error (Knuth).
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let from_b = sum - a;
    (sum, (a - (sum - from_b)) + (b - from_b))
}

/// a − n·p, with the rounding errors of product and difference carried along.
pub(crate) fn minus_product(a: f64, n: f64, p: f64) -> f64 {
    let product = n * p;
    let lost = n.mul_add(p, -product);
    let (difference, rounding) = two_sum(a, -product);
    difference + (rounding - lost)
}
