//! Probability distributions: density, cumulative, survival, quantile, moments, sampling, each also
//! on the logarithmic scale, stable in both tails and for counts up to 10¹⁵.
//!
//! A distribution is a small value whose constructor checks its parameters; every question is a
//! method of the trait [`Distribution`]. Counts are `f64` that hold whole numbers (exact to 2⁵³), so
//! that one trait serves both kinds; a density at a fraction is then zero.
//!
//! Method: every density is a few Stirling errors and deviances, every tail an incomplete gamma or beta function or
//! the normal's, and always the smaller tail is the one computed, so that neither it nor its logarithm loses digits.
//! Quantiles invert the logarithm of a tail: by Newton's steps in a bracket, or by bisection between whole numbers.
//! Accuracy: relative error of densities and tails at most 10⁻¹² over the recorded grids (`tests/special.rs`,
//! `tests/against_r.rs`), and 10⁻¹³ of their logarithms where they underflow (`tests/against_mpmath.rs`). What is not here: fitting a distribution to data.

pub mod beta;
pub mod binomial;
pub mod gamma;
pub mod hypergeometric;
pub mod kolmogorov;
pub mod noncentral;
pub mod normal;
pub mod poisson;
pub mod ranks;
pub mod student;
pub mod waiting;

pub use beta::{Beta, Uniform};
pub use binomial::Binomial;
pub use gamma::{ChiSquare, Exponential, Gamma};
pub use hypergeometric::Hypergeometric;
pub use normal::Normal;
pub use poisson::Poisson;
pub use student::{FisherF, Student};
pub use waiting::{Geometric, NegativeBinomial};

use crate::random::Draws;
use crate::special::incomplete::Tails;

/// The largest count that a discrete distribution takes: above it `f64` no longer tells neighbours
/// apart with room to spare.
pub const MOST: f64 = 1e15;

/// Mean, variance, skewness and excess kurtosis, the mean in the unit of X and the last two without
/// one; NaN or infinite where they do not exist.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Moments {
    /// E X.
    pub mean: f64,
    /// E (X − mean)².
    pub variance: f64,
    /// E (X − mean)³ / variance^(3/2).
    pub skewness: f64,
    /// E (X − mean)⁴ / variance² − 3.
    pub excess_kurtosis: f64,
}

/// What can be asked of a distribution. `x` is in the unit of its values, a whole number if it is
/// discrete; no question fails, since the constructor has checked the parameters.
pub trait Distribution {
    /// Whether the values are whole numbers.
    fn is_discrete(&self) -> bool;

    /// The smallest and the largest possible value, or the bound they approach; ±∞ where there is
    /// none.
    fn support(&self) -> (f64, f64);

    /// ln f(x), the logarithm of the density, or of the probability P(X = x) if discrete; by the
    /// equation at each distribution.
    ///
    /// Domain: any x; −∞ where x is not possible (outside the support, a fraction of a discrete
    /// one), ∞ at an end where a density grows without bound. Method: Stirling errors and
    /// deviances. Accuracy: relative error at most 10⁻¹² of R's `d…(log = TRUE)`
    /// (`tests/against_r.rs`). Source: named at each distribution; C. Loader (2000) for those that
    /// count.
    fn ln_density(&self, x: f64) -> f64;

    /// Both tails at `x`, P(X ≤ x) and P(X > x), with their logarithms.
    ///
    /// Domain: any x, beyond the support too (0 and 1); a discrete distribution takes ⌊x⌋. Method:
    /// the smaller tail by an incomplete gamma or beta function or Φ (by summing, if
    /// hypergeometric), the other as 1 − it. Accuracy: relative error of both at most 10⁻¹² of
    /// mpmath and R (`tests/special.rs`, `tests/against_r.rs`), and 10⁻¹³ of a logarithm whose tail
    /// underflows (`tests/against_mpmath.rs`). Source: named at each distribution.
    fn tails(&self, x: f64) -> Tails;

    /// Mean E X, variance E (X − mean)², skewness, excess kurtosis, in closed form.
    ///
    /// Domain: NaN or infinite where one does not exist. Method: the textbook's formulas. Accuracy:
    /// a few roundings. Source: Abramowitz and Stegun 26.1 for what they are, and the chapters
    /// named at each distribution.
    fn moments(&self) -> Moments;

    /// f(x) = e^([`ln_density`](Self::ln_density)): the density, or the probability P(X = x) if
    /// discrete; 0 where x is not possible.
    ///
    /// Domain, method and source are those of the logarithm. Accuracy: relative error at most 10⁻¹²
    /// times the size of the logarithm.
    fn density(&self, x: f64) -> f64 {
        self.ln_density(x).exp()
    }

    /// P(X ≤ x), the lower of the [`tails`](Self::tails), with its domain, method, accuracy and
    /// source.
    fn cdf(&self, x: f64) -> f64 {
        self.tails(x).lower
    }

    /// P(X > x), the upper of the [`tails`](Self::tails), without cancellation; with its domain,
    /// method, accuracy and source.
    fn survival(&self, x: f64) -> f64 {
        self.tails(x).upper
    }

    /// P(X ≥ x): for a discrete distribution this includes `x` itself, P(X > ⌈x⌉ − 1). Otherwise as
    /// [`survival`](Self::survival).
    fn at_least(&self, x: f64) -> f64 {
        if self.is_discrete() { self.survival(x.ceil() - 1.0) } else { self.survival(x) }
    }

    /// ln P(X ≥ x), finite where P(X ≥ x) underflows; otherwise as [`at_least`](Self::at_least).
    fn ln_at_least(&self, x: f64) -> f64 {
        self.tails(if self.is_discrete() { x.ceil() - 1.0 } else { x }).ln_upper
    }

    /// The smallest x with P(X ≤ x) ≥ p.
    ///
    /// Domain: 0 ≤ p ≤ 1, NaN outside; the ends of the support at 0 and 1. If discrete, p counts as
    /// reached within 64 units of the last place of its logarithm, as in R, so that
    /// `quantile(cdf(k))` is k. Method: [`inverse`](Self::inverse) of the logarithm of the smaller
    /// tail. Accuracy: counts equal to R's; of the others the tail at x is within 10⁻¹² of p
    /// (`tests/against_r.rs`). Source: R. Hyndman and Y. Fan, *Sample quantiles in statistical
    /// packages* (1996), for the definition.
    fn quantile(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        if p > 0.5 && !self.is_discrete() {
            return self.inverse((-p).ln_1p(), false);
        }
        self.inverse(p.ln(), true)
    }

    /// The smallest x with P(X > x) ≤ p; keeps the digits of a small p that `quantile(1 − p)`
    /// loses. NaN unless 0 ≤ p ≤ 1; otherwise as [`quantile`](Self::quantile).
    fn upper_quantile(&self, p: f64) -> f64 {
        if !(0.0..=1.0).contains(&p) {
            return f64::NAN;
        }
        if p > 0.5 && !self.is_discrete() {
            return self.inverse((-p).ln_1p(), true);
        }
        self.inverse(p.ln(), false)
    }

    /// The quantile for the tail e^`ln_p`: the x with P(X ≤ x) = e^`ln_p` if `lower`, else with P(X
    /// > x) = e^`ln_p`; so that the tail may underflow.
    ///
    /// Domain: `ln_p` ≤ 0, and what lies above is taken for 0 or gives NaN. Method: Newton's steps
    /// on the logarithm of the tail, or, if discrete, steps that double and then bisection between
    /// whole numbers. Accuracy: as [`quantile`](Self::quantile). Source: that of the tails.
    fn inverse(&self, ln_p: f64, lower: bool) -> f64;

    /// One draw. By default the quantile of a uniform number, F⁻¹(u); where another method is used,
    /// it is named there.
    ///
    /// Domain: any cursor, which moves on by as many words as the method takes. Accuracy: that of
    /// the quantile, and the 53 bits of u; of gamma, beta, t and the counts held to their
    /// distributions by tests of fit (`tests/resampling.rs`). Source: L. Devroye, *Non-Uniform
    /// Random Variate Generation* (1986), II.2.
    fn sample(&self, draws: &mut Draws) -> f64 {
        let p = draws.uniform();
        self.quantile(p)
    }
}

/// The smallest whole x of the support with P(X ≤ x) ≥ e^`ln_p` (`lower`), or P(X > x) ≤ e^`ln_p`:
/// steps that double away from a normal guess, then bisection; a few dozen tails for any n.
///
/// As in R, a probability within 64 units of the last place counts as reached, so that
/// `quantile(cdf(k))` is k.
pub(crate) fn whole_inverse<D: Distribution>(d: &D, ln_p: f64, lower: bool) -> f64 {
    let (least, most) = d.support();
    if ln_p.is_nan() {
        return f64::NAN;
    }
    let slack = 64.0 * f64::EPSILON;
    let reached = |x: f64| {
        let tails = d.tails(x);
        if lower { tails.ln_lower >= ln_p - slack } else { tails.ln_upper <= ln_p + slack }
    };
    if most.is_infinite() && (if lower { ln_p >= 0.0 } else { ln_p == f64::NEG_INFINITY }) {
        return most;
    }
    if reached(least) {
        return least;
    }
    let moments = d.moments();
    let z = if lower {
        crate::special::erf::normal_quantile(ln_p.exp())
    } else {
        -crate::special::erf::normal_quantile(ln_p.exp())
    };
    let spread = moments.variance.sqrt().max(1.0);
    let guess = moments.mean + z.clamp(-40.0, 40.0) * spread;
    let mut high = guess.round().clamp(least, most);
    let mut low = high;
    let mut step = (spread * 0.01).ceil();
    while !reached(high) && high < most {
        low = high;
        high = (high + step).min(most);
        step *= 2.0;
    }
    step = (spread * 0.01).ceil();
    while low > least && reached(low) {
        high = low;
        low = (low - step).max(least);
        step *= 2.0;
    }
    while high - low > 1.0 {
        let middle = (0.5 * (low + high)).floor();
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
