//! Numbers of twice the precision: an unevaluated sum of two f64, about 32 significant digits.
//!
//! Least squares on badly conditioned data needs more digits than f64 has; this is the cheapest
//! arithmetic that has them. Sources: T. J. Dekker, "A floating-point technique for extending the
//! available precision" (1971); D. Knuth, TAOCP 2, 4.2.2; M. Joldes, J.-M. Muller, V. Popescu, "Tight
//! and rigorous error bounds for basic building blocks of double-word arithmetic" (2017).
//! It has no fused multiply-add in it, so the same bits come out on every processor. It does not handle
//! values beyond 1e290: the callers scale their columns to about one first.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `hi + lo` with `|lo| ≤ ulp(hi)/2`: about 32 significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Twofold {
    /// The value rounded to f64.
    pub hi: f64,
    /// What the rounding left.
    pub lo: f64,
}

/// 2^27 + 1: splits a 53-bit significand into two halves whose products are exact (Dekker).
const SPLITTER: f64 = 134_217_729.0;

/// `a + b` and its rounding error (Knuth), 6 operations.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// `a + b` and its rounding error when `|a| ≥ |b|` (Dekker), 3 operations.
#[inline(always)]
pub(crate) fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// `a · b` and its rounding error (Dekker), 17 operations.
#[inline(always)]
pub(crate) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let (wide_a, wide_b) = (SPLITTER * a, SPLITTER * b);
    let (a_hi, b_hi) = (wide_a - (wide_a - a), wide_b - (wide_b - b));
    let (a_lo, b_lo) = (a - a_hi, b - b_hi);
    (product, ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo)
}

impl Twofold {
    /// Zero, 0 + 0.
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };

    /// `a · b = hi + lo` without error.
    ///
    /// Domain: |a|, |b| and their product below 10²⁹⁰ and above 10⁻²⁷⁰, or zero: outside it over-
    /// or underflows, which is not seen. Method: both split into halves whose products are exact,
    /// 17 operations. Accuracy: exact. Source: T. Dekker (1971).
    #[inline(always)]
    pub fn product(a: f64, b: f64) -> Self {
        let (hi, lo) = two_product(a, b);
        Self { hi, lo }
    }

    /// The decimal number in `text` (digits, a point, an exponent): m·10ᵉ. Data printed in decimals
    /// are then exact, where f64 would already have moved them by a part in 10¹⁶.
    ///
    /// Domain: what f64 reads, else `None`; more than 30 digits, exponents beyond ±28 once the
    /// point is moved to the end, and words such as `inf` are read as f64. Method: the digits as a
    /// whole number of 128 bits, then powers of ten to 10²², which are exact. Accuracy: about 31
    /// digits. Source: W. Clinger, *How to read floating point numbers accurately* (1990), for the
    /// problem; T. Dekker (1971) for the arithmetic.
    pub fn decimal(text: &str) -> Option<Self> {
        let text = text.trim();
        let rounded: f64 = text.parse().ok()?;
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.len() + part.len();
        let exponent = exponent - part.len() as i32;
        let plain = whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
        if !plain || digits > 30 || !(-28..=28).contains(&exponent) {
            return Some(Self::from(rounded));
        }
        let units: u128 = format!("{whole}{part}").parse().ok()?;
        let high = (units >> 52) as f64 * 4_503_599_627_370_496.0; // 2^52
        let (hi, lo) = two_sum(high, (units & ((1 << 52) - 1)) as f64);
        let mut value = Self { hi, lo };
        // Powers of ten to 10²² are exact in f64.
        let mut left = exponent.unsigned_abs() as i32;
        while left > 0 {
            let power = Self::from(10.0_f64.powi(left.min(22)));
            value = if exponent < 0 { value / power } else { value * power };
            left -= left.min(22);
        }
        Some(value.scaled(sign))
    }

    /// Rounded to f64: hi + lo.
    ///
    /// Domain: any. Method: one sum. Accuracy: one rounding. Source: T. Dekker (1971).
    #[inline(always)]
    pub fn value(self) -> f64 {
        self.hi + self.lo
    }

    /// The square root √(hi + lo).
    ///
    /// Domain: values that are not negative; zero for those below. Method: one Newton step from the
    /// f64 root. Accuracy: relative error below 2⁻¹⁰⁰; (√2)² is 2 within 10⁻²⁹, as tested. Source:
    /// A. Karp and P. Markstein, *High-precision division and square root* (1997).
    pub fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        let root = self.hi.sqrt();
        let rest = self - Self::product(root, root);
        let (hi, lo) = quick_two_sum(root, rest.hi / (2.0 * root));
        Self { hi, lo }
    }

    /// 2ᵏ (hi + lo), exactly, with `power_of_two` = 2ᵏ.
    ///
    /// Domain: a power of two that neither over- nor underflows a part; another factor rounds both
    /// parts on their own. Method: two products. Accuracy: exact. Source: T. Dekker (1971).
    #[inline(always)]
    pub fn scaled(self, power_of_two: f64) -> Self {
        Self { hi: self.hi * power_of_two, lo: self.lo * power_of_two }
    }
}

impl From<f64> for Twofold {
    #[inline(always)]
    fn from(value: f64) -> Self {
        Self { hi: value, lo: 0.0 }
    }
}

impl Add for Twofold {
    type Output = Self;
    /// Relative error at most 3·2^-106 (Joldes et al., algorithm 6).
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let (sum, sum_error) = two_sum(self.hi, other.hi);
        let (low, low_error) = two_sum(self.lo, other.lo);
        let (sum, rest) = quick_two_sum(sum, sum_error + low);
        let (hi, lo) = quick_two_sum(sum, low_error + rest);
        Self { hi, lo }
    }
}

impl Neg for Twofold {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}

impl Sub for Twofold {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Twofold {
    type Output = Self;
    /// Relative error at most 7·2^-106 (Joldes et al., algorithm 10).
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let (product, error) = two_product(self.hi, other.hi);
        let (hi, lo) = quick_two_sum(product, error + (self.hi * other.lo + self.lo * other.hi));
        Self { hi, lo }
    }
}

impl Div for Twofold {
    type Output = Self;
    /// Two steps of long division; relative error below 2^-100.
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self - other * Self::from(first);
        let second = rest.hi / other.hi;
        let rest = rest - other * Self::from(second);
        let (sum, error) = quick_two_sum(first, second);
        let (hi, lo) = quick_two_sum(sum, error + rest.hi / other.hi);
        Self { hi, lo }
    }
}

/// `Σ xᵢ` with one rounding at the end (for up to about 2^50 terms of like size); 0 for none.
///
/// Domain: finite numbers whose sums are below 10²⁹⁰. Method: [`Twofold`] additions in the order
/// given. Accuracy: relative error at most 3·2⁻¹⁰⁶ of Σ |xᵢ| with each addition, then one rounding.
/// Source: M. Joldes, J.-M. Muller and V. Popescu (2017), algorithm 6.
///
/// ```
/// // What cancels in doubles stays.
/// assert_eq!(grimoire_stats::linear::twofold::sum([1e16, 1.0, -1e16]), 1.0);
/// ```
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    total(values).value()
}

/// [`sum`] before that rounding.
pub(crate) fn total(values: impl IntoIterator<Item = f64>) -> Twofold {
    values.into_iter().fold(Twofold::ZERO, |total, value| total + Twofold::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_thirty_digits() {
        // 1/3 + 1/7 = 10/21, and (√2)² = 2, to 2^-100.
        let third = Twofold::from(1.0) / Twofold::from(3.0);
        let seventh = Twofold::from(1.0) / Twofold::from(7.0);
        let rest = (third + seventh) * Twofold::from(21.0) - Twofold::from(10.0);
        assert!(rest.value().abs() < 1e-29, "{rest:?}");
        let root = Twofold::from(2.0).sqrt();
        assert!((root * root - Twofold::from(2.0)).value().abs() < 1e-29);
        let product = Twofold::product(1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        assert_eq!(product.lo, -f64::EPSILON * f64::EPSILON);
    }

    #[test]
    fn reads_decimals_beyond_f64() {
        // 0.1 differs from its f64 by −5.551115123125783e-18 (the expansion of 2⁻⁵⁵·…).
        let tenth = Twofold::decimal("0.1").unwrap();
        assert_eq!((tenth.hi, tenth.lo), (0.1, -5.551115123125783e-18));
        let value = Twofold::decimal("-6.860120914").unwrap() * Twofold::from(1e9);
        assert_eq!(value.value(), -6860120914.0);
        assert_eq!(Twofold::decimal("2.5e3").unwrap().value(), 2500.0);
        assert_eq!(Twofold::decimal("1e300").unwrap().hi, 1e300);
        assert!(Twofold::decimal("x1").is_none() && Twofold::decimal("").is_none());
    }

    #[test]
    fn sums_what_cancels() {
        assert_eq!(sum([1e16, 1.0, -1e16]), 1.0);
    }
}
