//! Roots of increasing functions: Newton's steps held inside a bracket that bisection shrinks, so that
//! a bad start costs steps and never the answer. Not for functions that turn. Accuracy: to the last places of the
//! argument, as far as the function is computed that well there.
//!
//! Equation: f(x) = 0. Source: W. Press and others, *Numerical Recipes* (2007), 9.4, for the bracket that holds the
//! steps.

/// The root f(x) = 0 in [low, high] of the increasing function `f`, which returns value and
/// derivative.
///
/// Domain: low ≤ high, both finite, and f rising from below zero to above it in between: if it does
/// not, what comes back lies at an end of the bracket. `start` is the first guess. Method: Newton's
/// step x − f/f′ where it stays inside the bracket, else its middle; it stops when a step is below
/// the last place of the guess or at most `enough`, or after 200 steps. Accuracy: √2 to 10⁻¹⁵, as
/// tested; in general the last places of x, as far as f is computed that well there. Source:
/// *Numerical Recipes* (2007), 9.4.
pub fn increasing(
    mut low: f64,
    mut high: f64,
    start: f64,
    enough: f64,
    mut f: impl FnMut(f64) -> (f64, f64),
) -> f64 {
    let mut x = start.clamp(low, high);
    let mut best = (f64::INFINITY, x);
    for _ in 0..200 {
        let (value, slope) = f(x);
        if value == 0.0 {
            return x;
        }
        if value.abs() < best.0 {
            best = (value.abs(), x);
        }
        if value < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - value / slope;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let step = (next - x).abs();
        if step <= 2e-16 * x.abs() || step <= enough || next <= low && next >= high {
            return if value.is_nan() { x } else { next };
        }
        x = next;
    }
    best.1
}

/// The root f(x) = 0 in [low, high] of a monotone function without a derivative. `None` when the
/// ends have the same sign or one is NaN.
///
/// Domain: finite ends and a continuous f with one root between them; of several, one is found.
/// Method: Brent's, inverse quadratic interpolation that falls back to bisection, at most 300
/// steps. Accuracy: within 10⁻¹⁵ of √2 from a bracket of 10⁶, as tested; in general within 4·10⁻¹⁶
/// of x, as far as f is computed that well there. Source: R. Brent, *Algorithms for minimization
/// without derivatives* (1973), chapter 4.
///
/// ```
/// // x³ = 2.
/// let root = grimoire_stats::special::root::bracketed(0.0, 2.0, |x| x.powi(3) - 2.0).unwrap();
/// assert!((root - 2_f64.cbrt()).abs() < 1e-15);
/// ```
pub fn bracketed(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> Option<f64> {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 || fb == 0.0 {
        return Some(if fa == 0.0 { a } else { b });
    }
    if fa.signum() == fb.signum() || fa.is_nan() || fb.is_nan() {
        return None;
    }
    let (mut c, mut fc) = (a, fa);
    let (mut step, mut previous) = (b - a, b - a);
    for _ in 0..300 {
        if fb.signum() == fc.signum() {
            (c, fc) = (a, fa);
            step = b - a;
            previous = step;
        }
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let tolerance = 2.0 * f64::EPSILON * b.abs();
        let half = 0.5 * (c - b);
        if half.abs() <= tolerance || fb == 0.0 {
            return Some(b);
        }
        let mut bisect = true;
        if previous.abs() >= tolerance && fa.abs() > fb.abs() {
            let s = fb / fa;
            let (mut p, mut q) = if a == c {
                (2.0 * half * s, 1.0 - s)
            } else {
                let (q, r) = (fa / fc, fb / fc);
                (
                    s * (2.0 * half * q * (q - r) - (b - a) * (r - 1.0)),
                    (q - 1.0) * (r - 1.0) * (s - 1.0),
                )
            };
            if p > 0.0 {
                q = -q;
            }
            p = p.abs();
            if 2.0 * p < (3.0 * half * q - (tolerance * q).abs()).min((previous * q).abs()) {
                previous = step;
                step = p / q;
                bisect = false;
            }
        }
        if bisect {
            step = half;
            previous = half;
        }
        (a, fa) = (b, fb);
        b += if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        fb = f(b);
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn finds_the_square_root_of_two_from_a_bad_start() {
        let root = increasing(0.0, 1e6, 1e-9, 0.0, |x| (x * x - 2.0, 2.0 * x));
        close(root, 2_f64.sqrt(), 1e-15, 0.0);
        close(bracketed(0.0, 1e6, |x| x * x - 2.0).unwrap(), 2_f64.sqrt(), 1e-15, 0.0);
        assert!(bracketed(2.0, 3.0, |x| x * x - 2.0).is_none());
    }
}
