//! Plain floating-point storage: f32, f16 and bf16. A "block" is one value.
//! Not here: arithmetic in these types; everything is computed in f32.
//!
//! Source: IEEE 754-2019 §3.6 (binary16), and the truncated binary32 known as bfloat16.

use half::f16;

#[inline(always)]
pub(super) fn f32_decode(bytes: &[u8; 4], value: &mut [f32; 1]) {
    value[0] = f32::from_le_bytes(*bytes);
}

pub(super) fn f32_encode(value: &[f32; 1], bytes: &mut [u8; 4]) {
    *bytes = value[0].to_le_bytes();
}

#[inline(always)]
pub(super) fn f16_decode(bytes: &[u8; 2], value: &mut [f32; 1]) {
    value[0] = widen(*bytes);
}

/// Nearest, ties to even; beyond ±65504 infinite.
pub(super) fn f16_encode(value: &[f32; 1], bytes: &mut [u8; 2]) {
    *bytes = narrow(value[0]);
}

#[inline(always)]
pub(super) fn bf16_decode(bytes: &[u8; 2], value: &mut [f32; 1]) {
    value[0] = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
}

/// Nearest, ties to even; a NaN stays one.
pub(super) fn bf16_encode(value: &[f32; 1], bytes: &mut [u8; 2]) {
    let bits = value[0].to_bits();
    let rounded = if value[0].is_nan() {
        (bits >> 16) | 0x40
    } else {
        // Adding half a unit, less one when the kept part is even, carries exactly when it must.
        (bits + 0x7fff + ((bits >> 16) & 1)) >> 16
    };
    *bytes = [rounded as u8, (rounded >> 8) as u8];
}

/// The f16 nearest to `value`, ties to even, as stored.
#[inline]
pub(super) fn narrow(value: f32) -> [u8; 2] {
    f16::from_f32(value).to_bits().to_le_bytes()
}

/// The value of a stored f16, exactly.
///
/// The exponent is re-biased by 112 in integers. A subnormal has no leading one: give it the
/// smallest normal exponent and subtract that power of two again, which is exact. Both results are
/// computed and one is chosen, so a row of these has no branch; and unlike a product with 2^112 this
/// never touches an f32 subnormal, which some processors handle in slow microcode.
#[inline(always)]
pub(super) fn widen(bytes: [u8; 2]) -> f32 {
    const REBIAS: u32 = 112 << 23;
    const SMALLEST: u32 = 113 << 23; // 2^-14
    let half = u32::from(u16::from_le_bytes(bytes));
    let magnitude = half & 0x7fff;
    let sign = (half & 0x8000) << 16;
    let normal = (magnitude << 13) + REBIAS;
    let subnormal =
        (f32::from_bits((magnitude << 13) | SMALLEST) - f32::from_bits(SMALLEST)).to_bits();
    let infinite = normal + REBIAS;
    let finite = if magnitude < 0x0400 { subnormal } else { normal };
    f32::from_bits(sign | if magnitude >= 0x7c00 { infinite } else { finite })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every one of the 65,536 halves against the `half` crate.
    #[test]
    fn widening_is_exact_for_every_half() {
        for bits in 0..=u16::MAX {
            let (actual, expected) = (widen(bits.to_le_bytes()), f16::from_bits(bits).to_f32());
            assert!(
                actual.to_bits() == expected.to_bits() || actual.is_nan() && expected.is_nan(),
                "{bits:#06x}: {actual:?} is not {expected:?}"
            );
        }
    }

    /// Every bf16 survives decoding and encoding.
    #[test]
    fn bf16_round_trips() {
        for bits in 0..=u16::MAX {
            let (mut value, mut bytes) = ([0.0], [0; 2]);
            bf16_decode(&bits.to_le_bytes(), &mut value);
            bf16_encode(&value, &mut bytes);
            let quiet = if value[0].is_nan() { bits | 0x40 } else { bits };
            assert_eq!(u16::from_le_bytes(bytes), quiet);
        }
    }
}
