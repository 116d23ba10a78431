//! Averages: arithmetic, geometric, harmonic, power means, and moving averages.
//!
//! ```text
//! power mean of order p:  M_p = ( Σ wᵢ xᵢᵖ / Σ wᵢ )^{1/p}
//! p = 1 arithmetic   p → 0 geometric, exp(Σ w ln x / Σ w)   p = −1 harmonic   p = 2 quadratic
//! ```
//!
//! All are one idea: transform, average, transform back; and `M_p` never falls as p grows. They are
//! computed in one pass and constant memory, with sums in twice the precision, and the powers in log
//! space, so a product of a billion factors neither overflows nor loses digits. The interval is Student's
//! on the transformed scale, carried back: for a geometric mean it is the usual one for logs.
//!
//! Domain: finite values of any size, not negative but for the arithmetic mean; weights not negative and not all
//! zero. Accuracy: relative error at most 10⁻¹² against 40 digits (`tests/info_golden.rs`); a geometric mean rounds
//! one logarithm per value and one exponential. Source: G. H. Hardy, J. E. Littlewood and G. Pólya, *Inequalities*
//! (1934), for the means and their order; B. P. Welford, *Note on a method for calculating corrected sums of squares
//! and products* (1962), for the scatter behind the interval. [`ema`] is the average that forgets.

pub mod ema;

use crate::error::{self, Error, Result};
use crate::linear::twofold::Twofold;

/// Which average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `Σ x / n`.
    Arithmetic,
    /// `exp(Σ ln x / n)`; zero if any value is zero; negative values are refused.
    Geometric,
    /// `n / Σ 1/x`; zero if any value is zero; negative values are refused.
    Harmonic,
    /// `(Σ xᵖ / n)^{1/p}` for values that are not negative; p other than zero.
    Power(f64),
}

impl Kind {
    /// In words.
    pub fn name(self) -> String {
        match self {
            Self::Arithmetic => "arithmetic mean".to_owned(),
            Self::Geometric => "geometric mean".to_owned(),
            Self::Harmonic => "harmonic mean".to_owned(),
            Self::Power(p) => format!("power mean of order {p}"),
        }
    }
}

/// A mean in the making: constant memory, one value at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    kind: Kind,
    n: u64,
    zeros: bool,
    /// Σ w in the unit 2^`weight_power`.
    weights: Twofold,
    weight_power: i32,
    /// Σ w·t(x) in the units of weights and of t(x), which is 2^`power`, or of powers `peak`ᵖ.
    sum: Twofold,
    power: i32,
    /// ln of the value whose power is the largest.
    peak: Option<f64>,
    /// Welford's mean and sum of squares of t(x) in its unit, for the interval (unweighted data only).
    centre: f64,
    scatter: f64,
    even: bool,
}

/// Sums change their unit for a number 2 to this power above it, so that they do not overflow.
const ROOM: i32 = 400;

/// The power of two at or below |value|, −1023 for zero and what is subnormal.
fn power_of(value: f64) -> i32 {
    ((value.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// value · 2^power in steps that do not overflow before the product does.
pub(crate) fn times_power(value: f64, power: i32) -> f64 {
    let (mut value, mut left) = (value, power);
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        value *= 2.0_f64.powi(step);
        left -= step;
    }
    value
}

impl Running {
    /// No values yet of a mean M_p = (Σ wᵢ xᵢᵖ / Σ wᵢ)^{1/p}.
    ///
    /// Domain: a finite order p ≠ 0. Method: none. Accuracy: exact. Source: Hardy, Littlewood and
    /// Pólya, *Inequalities* (1934), 2.2.
    ///
    /// # Errors
    /// When the order of a power mean is zero or not finite (its limit is the geometric mean).
    pub fn new(kind: Kind) -> Result<Self> {
        if let Kind::Power(p) = kind {
            error::inside(
                "the order of the power mean",
                p,
                p.is_finite() && p != 0.0,
                "a finite number other than zero (towards zero it is the geometric mean)",
            )?;
        }
        Ok(Self {
            kind,
            n: 0,
            zeros: false,
            weights: Twofold::ZERO,
            weight_power: 0,
            sum: Twofold::ZERO,
            power: 0,
            peak: None,
            centre: 0.0,
            scatter: 0.0,
            even: true,
        })
    }

    /// Takes the next value x into Σ t(x), t the transformation of the mean; its weight is 1.
    ///
    /// Domain: finite values, x ≥ 0 but for the arithmetic mean. Method: that of
    /// [`Running::push_weighted`]. Accuracy: as there. Source: Hardy, Littlewood and Pólya (1934),
    /// 2.2.
    ///
    /// # Errors
    /// When the value is outside the domain of the mean; says which value it was.
    pub fn push(&mut self, value: f64) -> Result<()> {
        self.push_weighted(value, 1.0)
    }

    /// Takes the next value x with its weight w into Σ w t(x) and Σ w: t(x) = x, ln x, 1/x, or xᵖ
    /// relative to the largest so far.
    ///
    /// Domain: finite values, x ≥ 0 but for the arithmetic mean; finite weights w ≥ 0. A zero makes
    /// the geometric, the harmonic and a power mean of negative order zero, unless its weight is.
    /// Method: sums in twice the precision. Accuracy: one rounding of each transformed value.
    /// Source: Hardy, Littlewood and Pólya (1934), 2.2; T. Dekker (1971) for the sums.
    ///
    /// # Errors
    /// When the value or the weight is outside its domain; says which it was.
    pub fn push_weighted(&mut self, value: f64, weight: f64) -> Result<()> {
        let at = |what, value, expected| {
            Err(Error::At { what, index: self.n as usize, value, expected })
        };
        if !value.is_finite() {
            return at("the values", value, "a finite number");
        }
        if self.kind != Kind::Arithmetic && value < 0.0 {
            return at("the values", value, "a number of at least 0 (this mean needs it)");
        }
        if !(weight >= 0.0 && weight.is_finite()) {
            return at("the weights", weight, "a finite number of at least 0");
        }
        self.n += 1;
        self.even &= weight == 1.0;
        let weight = self.weigh(weight);
        if weight == 0.0 {
            return Ok(());
        }
        if value == 0.0 && matches!(self.kind, Kind::Geometric | Kind::Harmonic) {
            self.zeros = true;
            return Ok(());
        }
        match self.kind {
            Kind::Arithmetic => {
                if value != 0.0 {
                    self.make_room(power_of(value));
                }
                self.add(times_power(value, -self.power), weight);
            }
            Kind::Geometric => self.add(value.ln(), weight),
            Kind::Harmonic => {
                self.make_room(-power_of(value));
                let unit = times_power(1.0, -self.power - power_of(value));
                let inverse =
                    Twofold::from(unit) / Twofold::from(times_power(value, -power_of(value)));
                self.sum = self.sum + inverse * Twofold::from(weight);
                self.welford(inverse.hi);
            }
            Kind::Power(p) => self.add_power(p, value, weight),
        }
        Ok(())
    }

    /// Adds a weight to their sum and gives it back in their unit.
    fn weigh(&mut self, weight: f64) -> f64 {
        let power = power_of(weight);
        if power > self.weight_power + ROOM {
            let shrink = times_power(1.0, self.weight_power - power);
            self.weights = self.weights.scaled(shrink);
            self.sum = self.sum.scaled(shrink);
            self.weight_power = power;
        }
        let scaled = times_power(weight, -self.weight_power);
        self.weights = self.weights + Twofold::from(scaled);
        scaled
    }

    /// Takes 2^`power` as the unit of t(x) where the present one is too small for it, or far too large at the start.
    fn make_room(&mut self, power: i32) {
        let begins = self.sum.hi == 0.0 && self.centre == 0.0 && self.scatter == 0.0;
        if power <= self.power + ROOM && !(begins && power < self.power - ROOM) {
            return;
        }
        if !begins {
            self.rescale(times_power(1.0, self.power - power));
        }
        self.power = power;
    }

    fn rescale(&mut self, shrink: f64) {
        self.sum = self.sum * Twofold::from(shrink);
        self.centre *= shrink;
        self.scatter *= shrink * shrink;
    }

    fn add(&mut self, transformed: f64, weight: f64) {
        self.sum = self.sum + Twofold::product(transformed, weight);
        self.welford(transformed);
    }

    fn welford(&mut self, transformed: f64) {
        let before = transformed - self.centre;
        self.centre += before / self.n as f64;
        self.scatter += before * (transformed - self.centre);
    }

    /// Keeps `Σ w (x/peak)ᵖ` with the largest power as peak.
    fn add_power(&mut self, p: f64, value: f64, weight: f64) {
        if value == 0.0 && p < 0.0 {
            self.zeros = true;
            return;
        }
        if value == 0.0 {
            self.welford(0.0);
            return;
        }
        let ln = value.ln();
        let exponent = match self.peak {
            Some(peak) if p * (ln - peak) <= 0.0 => p * (ln - peak),
            before => {
                self.rescale(before.map_or(0.0, |peak| (p * (peak - ln)).exp()));
                self.peak = Some(ln);
                0.0
            }
        };
        self.add(exponent.exp(), weight);
    }

    /// Values so far.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Sum of the weights, Σ w (the number of values, when none were given).
    pub fn weight(&self) -> f64 {
        times_power(self.weights.value(), self.weight_power)
    }

    /// The mean so far, t⁻¹(Σ w t(x) / Σ w), in the unit of the values.
    ///
    /// Domain: one value or more with a weight above 0. Method: the quotient in twice the
    /// precision, then the transformation back. Accuracy: relative error at most 10⁻¹² of mpmath at
    /// 40 digits (`tests/info_golden.rs`). Source: Hardy, Littlewood and Pólya (1934), 2.2.
    ///
    /// # Errors
    /// When there are no values, or all weights are zero.
    pub fn mean(&self) -> Result<f64> {
        if self.n == 0 {
            return Err(Error::Empty { what: "the list of values" });
        }
        let weight = self.weights;
        if weight.value() <= 0.0 {
            return Err(Error::Degenerate { what: "the mean", why: "every weight is zero" });
        }
        if self.zeros {
            return Ok(0.0);
        }
        Ok(match self.kind {
            Kind::Arithmetic => times_power((self.sum / weight).value(), self.power),
            Kind::Geometric => (self.sum / weight).value().exp(),
            Kind::Harmonic => times_power((weight / self.sum).value(), -self.power),
            Kind::Power(p) => self.power_back(p, (self.sum / weight).value()),
        })
    }

    /// `share`^{1/p} in units of the peak.
    fn power_back(&self, p: f64, share: f64) -> f64 {
        match self.peak {
            Some(peak) if share > 0.0 => (peak + share.ln() / p).exp(),
            _ if p > 0.0 => 0.0,
            _ => f64::INFINITY,
        }
    }

    /// Student's interval t⁻¹(m ± q s/√n) on the transformed scale, carried back: m and s are mean
    /// and standard deviation of t(x), q = `quantile`(n − 1) is Student's t for n − 1 degrees of
    /// freedom at the level wanted.
    ///
    /// Domain: `None` for weighted data, for fewer than two values, and where a zero decided the
    /// mean. Where the transformed end is not positive, that of a harmonic mean is infinite and
    /// that of a power mean 0 or infinite, by the sign of p. Method: Welford's sums. Accuracy:
    /// exact coverage where t(x) is normal. Source: Student (1908); B. Welford (1962).
    pub fn ends(&self, quantile: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
        if !self.even || self.zeros || self.n < 2 {
            return None;
        }
        let n = self.n as f64;
        let half = quantile(n - 1.0) * (self.scatter / (n - 1.0) / n).sqrt();
        let (low, high) = (self.centre - half, self.centre + half);
        let back = |value: f64| match self.kind {
            Kind::Arithmetic => times_power(value, self.power),
            Kind::Geometric => value.exp(),
            Kind::Harmonic if value > 0.0 => times_power(1.0 / value, -self.power),
            Kind::Harmonic => f64::INFINITY,
            Kind::Power(p) => self.power_back(p, value),
        };
        let (a, b) = (back(low), back(high));
        Some((a.min(b), a.max(b)))
    }
}

/// The mean of a list, (Σ xᵢᵖ / n)^{1/p} with its limits, in the unit of the values.
///
/// Domain: finite values, not negative but for the arithmetic mean. Method: [`Running`], in one
/// pass. Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits (`tests/info_golden.rs`).
/// Source: Hardy, Littlewood and Pólya, *Inequalities* (1934), 2.2.
///
/// # Errors
/// Those of [`Running::new`], [`Running::push`] and [`Running::mean`].
///
/// ```
/// use grimoire_stats::mean::{Kind, mean};
/// // Out at 30 km/h and back at 50: 37.5 on the whole.
/// assert!((mean(Kind::Harmonic, &[30.0, 50.0]).unwrap() - 37.5).abs() < 1e-13);
/// ```
pub fn mean(kind: Kind, values: &[f64]) -> Result<f64> {
    let mut running = Running::new(kind)?;
    values.iter().try_for_each(|&value| running.push(value))?;
    running.mean()
}

/// The weighted mean of a list, (Σ wᵢ xᵢᵖ / Σ wᵢ)^{1/p} with its limits, in the unit of the values.
///
/// Domain: that of [`mean`]; finite weights that are not negative and not all zero. Method:
/// [`Running`], in one pass. Accuracy: relative error at most 10⁻¹² of mpmath at 40 digits
/// (`tests/info_golden.rs`). Source: Hardy, Littlewood and Pólya (1934), 2.2.
///
/// # Errors
/// Those of [`mean`], or when there are not as many weights as values.
pub fn weighted_mean(kind: Kind, values: &[f64], weights: &[f64]) -> Result<f64> {
    if values.len() != weights.len() {
        return Err(Error::Lengths {
            left: "the values",
            n_left: values.len(),
            right: "the weights",
            n_right: weights.len(),
        });
    }
    let mut running = Running::new(kind)?;
    for (&value, &weight) in values.iter().zip(weights) {
        running.push_weighted(value, weight)?;
    }
    running.mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn the_examples_of_the_glossary() {
        // 10 % up, 10 % down: √(1.1·0.9); 30 km/h out, 50 km/h back.
        close(mean(Kind::Geometric, &[1.1, 0.9]).unwrap(), 0.99_f64.sqrt(), 1e-15, 0.0);
        close(mean(Kind::Harmonic, &[30.0, 50.0]).unwrap(), 37.5, 1e-15, 0.0);
    }

    #[test]
    fn zeros_signs_and_weights_follow_the_rules() {
        assert_eq!(mean(Kind::Geometric, &[0.0, 3.0]).unwrap(), 0.0);
        assert_eq!(mean(Kind::Harmonic, &[0.0, 3.0]).unwrap(), 0.0);
        assert_eq!(mean(Kind::Power(-2.0), &[0.0, 3.0]).unwrap(), 0.0);
        assert!(mean(Kind::Geometric, &[-1.0]).is_err() && mean(Kind::Arithmetic, &[]).is_err());
        assert!(Running::new(Kind::Power(0.0)).is_err());
        close(weighted_mean(Kind::Arithmetic, &[1.0, 4.0], &[2.0, 1.0]).unwrap(), 2.0, 1e-15, 0.0);
        assert!(weighted_mean(Kind::Arithmetic, &[1.0], &[0.0]).is_err());
        let message = mean(Kind::Arithmetic, &[1.0, f64::NAN]).unwrap_err().to_string();
        assert_eq!(message, "value 2 of the values is NaN, expected a finite number");
    }

    #[test]
    fn a_long_product_neither_overflows_nor_drifts() {
        let mut running = Running::new(Kind::Geometric).unwrap();
        let mut power = Running::new(Kind::Power(3.0)).unwrap();
        for i in 0..100_000 {
            let value = if i % 2 == 0 { 1e300 } else { 1e-300 };
            running.push(value).unwrap();
            power.push(value).unwrap();
        }
        close(running.mean().unwrap(), 1.0, 1e-12, 0.0);
        close(power.mean().unwrap(), 1e300 * 0.5_f64.cbrt(), 1e-12, 0.0);
        let cancelling = mean(Kind::Arithmetic, &[1e16, 1.0, -1e16]).unwrap();
        assert_eq!(cancelling, 1.0 / 3.0);
    }

    #[test]
    fn sizes_at_the_edge_of_the_doubles() {
        let of = |kind, values: &[f64]| mean(kind, values).unwrap();
        assert_eq!(of(Kind::Arithmetic, &[1e308; 7]), 1e308);
        close(of(Kind::Arithmetic, &[f64::MAX, -f64::MAX, 3e300]), 1e300, 1e-15, 0.0);
        assert_eq!(of(Kind::Arithmetic, &[1.0, 1e308, 1e308, 1.0]), 5e307);
        close(of(Kind::Harmonic, &[5e-324, 5e-324]), 5e-324, 0.0, 0.0);
        close(of(Kind::Harmonic, &[1e308, 3e307]), 1e308 * (0.6 / 1.3), 1e-15, 0.0);
        let weighted =
            |weights: &[f64]| weighted_mean(Kind::Arithmetic, &[1.0, 4.0, 1.0], weights).unwrap();
        assert_eq!(weighted(&[1e308, 1e308, 1e308]), 2.0);
        assert_eq!(weighted(&[1.0, 1e308, 1.0]), 4.0);
        close(of(Kind::Power(1e308), &[1.0, 2.0, 3.0]), 3.0, 1e-15, 0.0);
        close(of(Kind::Power(-1e308), &[1.0, 2.0, 3.0]), 1.0, 1e-15, 0.0);
    }

    /// An interval does not depend on the unit: mean 2, s = 1, n = 3, half width q/√3.
    #[test]
    fn intervals_at_the_edge_of_the_doubles() {
        for unit in [1e-300, 1.0, 4e307] {
            for kind in [Kind::Arithmetic, Kind::Power(1.0)] {
                let mut running = Running::new(kind).unwrap();
                [unit, 2.0 * unit, 3.0 * unit].iter().for_each(|&x| running.push(x).unwrap());
                let (low, high) = running.ends(|_| 1.5).unwrap();
                close(low / unit, 2.0 - 1.5 / 3_f64.sqrt(), 1e-13, 0.0);
                close(high / unit, 2.0 + 1.5 / 3_f64.sqrt(), 1e-13, 0.0);
            }
        }
        // Order 10³⁰⁰ of 1, 2, 3: transformed 0, 0, 1 in units of 3^p, whose ends are (1 ∓ 4)/3.
        let mut running = Running::new(Kind::Power(1e300)).unwrap();
        [1.0, 2.0, 3.0].iter().for_each(|&x| running.push(x).unwrap());
        let (low, high) = running.ends(|_| 4.0).unwrap();
        assert_eq!(low, 0.0);
        close(high, 3.0, 1e-15, 0.0);
    }

    proptest::proptest! {
        #[test]
        fn means_are_ordered(values in proptest::collection::vec(1e-3..1e3_f64, 1..30)) {
            let of = |kind| mean(kind, &values).unwrap();
            let chain = [Kind::Power(-3.0), Kind::Harmonic, Kind::Geometric, Kind::Arithmetic, Kind::Power(2.5)]
                .map(of);
            for pair in chain.windows(2) {
                proptest::prop_assert!(pair[0] <= pair[1] * (1.0 + 1e-12));
            }
        }
    }
}
