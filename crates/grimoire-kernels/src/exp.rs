//! The exponential, branch-free, so that loops over it become vector code on every instruction set.
//!
//! `eˣ = 2ⁿ · eʳ` with `n = round(x / ln 2)` and `|r| ≤ ln 2 / 2`; `ln 2` is split in two so that `r` is
//! exact to the last bit, and `eʳ` is its Taylor polynomial of degree 7 (its first neglected term is
//! below 5e-9 relative). Measured over a dense grid: at most 2 units in the last place (see the tests).

use crate::isa::fma;

/// `eˣ`; zero below −87.3 (where f32 leaves its normal range), infinity above 88.7.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-87.3, 88.7);
    let shifted = fma::<FMA>(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FMA>(n, -LN2_LOW, fma::<FMA>(n, -LN2_HIGH, clamped));
    let mut y = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        y = fma::<FMA>(y, r, c);
    }
    // Two factors, since n may be 128, one more than an exponent holds.
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    let value = y * power(half) * power(n - half);
    let value = if x < -87.3 { 0.0 } else { value };
    if x > 88.7 { f32::INFINITY } else { value }
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

/// `tanh x = 2 · sigmoid(2x) − 1`.
#[inline(always)]
pub(crate) fn tanh<const FMA: bool>(x: f32) -> f32 {
    2.0 * sigmoid::<FMA>(2.0 * x) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the f64 exponential of the standard library, in units in the last place.
    #[test]
    fn within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        let mut x = -87.2f32;
        while x < 88.7 {
            let exact = f64::from(x).exp();
            let ulp =
                f64::from(f32::from_bits((exact as f32).to_bits() + 1)) - f64::from(exact as f32);
            for value in [exp::<true>(x), exp::<false>(x)] {
                worst = worst.max(((f64::from(value) - exact) / ulp).abs());
            }
            x += 0.000_37;
        }
        assert!(worst <= 2.0, "off by {worst} units in the last place");
    }

    #[test]
    fn the_ends_are_zero_and_infinity_and_nan_stays() {
        assert_eq!(exp::<false>(-1000.0), 0.0);
        assert_eq!(exp::<false>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<false>(1000.0), f32::INFINITY);
        assert_eq!(exp::<false>(0.0), 1.0);
        assert!(exp::<false>(f32::NAN).is_nan());
    }
}
