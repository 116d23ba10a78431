//! Types whose nibbles are indexes into a table of 16 values: IQ4_NL, IQ4_XS and MXFP4.
//!
//! Sources: `block_iq4_nl`, `block_iq4_xs`, `block_mxfp4` and `kvalues_iq4nl` in `ggml-common.h`;
//! OCP Microscaling Formats v1.0 §5.3 (E2M1 elements, E8M0 scale).

use super::float::widen;

/// The non-linear levels of IQ4_NL and IQ4_XS.
pub(crate) const LEVELS: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0,
    89.0, 113.0,
];

/// Twice the values of E2M1: integers, since the scale is halved to match. The code of −0 stands for
/// plain 0, as it does in integers.
const E2M1_DOUBLED: [f32; 16] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0];

/// `d`, 16 bytes of nibbles: `d·level`.
#[inline(always)]
pub(super) fn iq4_nl_decode(block: &[u8; 18], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    for i in 0..16 {
        let byte = block[2 + i];
        out[i] = d * LEVELS[usize::from(byte & 0x0f)];
        out[16 + i] = d * LEVELS[usize::from(byte >> 4)];
    }
}

/// `d`, 16 high pairs of bits of the scales, 8 low nibbles of them, 128 bytes of nibbles:
/// `(d·(scale − 32))·level`.
#[inline(always)]
pub(super) fn iq4_xs_decode(block: &[u8; 136], out: &mut [f32; 256]) {
    let d = widen([block[0], block[1]]);
    let high = u16::from_le_bytes([block[2], block[3]]);
    for group in 0..8 {
        let low = (block[4 + group / 2] >> (4 * (group % 2))) & 0x0f;
        let scale = i32::from(low) | i32::from((high >> (2 * group)) & 3) << 4;
        let scale = d * (scale - 32) as f32;
        for i in 0..16 {
            let byte = block[8 + group * 16 + i];
            out[group * 32 + i] = scale * LEVELS[usize::from(byte & 0x0f)];
            out[group * 32 + 16 + i] = scale * LEVELS[usize::from(byte >> 4)];
        }
    }
}

/// One exponent byte, 16 bytes of nibbles: `2^(e − 128) · (2·element)`.
#[inline(always)]
pub(super) fn mxfp4_decode(block: &[u8; 17], out: &mut [f32; 32]) {
    let exponent = u32::from(block[0]);
    // 2^(e − 128): below the smallest normal exponent the one bit lies in the fraction.
    let normal = exponent.wrapping_sub(1) << 23;
    let subnormal = 0x0020_0000 << (exponent & 1);
    let d = f32::from_bits(if exponent < 2 { subnormal } else { normal });
    for i in 0..16 {
        let byte = block[1 + i];
        out[i] = d * E2M1_DOUBLED[usize::from(byte & 0x0f)];
        out[16 + i] = d * E2M1_DOUBLED[usize::from(byte >> 4)];
    }
}
