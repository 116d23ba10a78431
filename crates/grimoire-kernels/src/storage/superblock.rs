//! The K types: 256 values in groups of 16 or 32, each group with a small integer scale (and minimum)
//! that a scale in f16 turns into a number.
//!
//! Source: the structs `block_q2_K` to `block_q6_K` in `ggml-common.h` give the layouts.
//!
//! Decoding, with `s`, `m` the integers of the group: `(d·s)·q − (dmin·m)` for Q2_K, Q4_K and Q5_K;
//! `(d·s)·q` for Q3_K and Q6_K. Each product and difference is rounded to f32 in that order.

use super::float::widen;

/// 16 bytes of scales (low nibble) and minimums (high), 64 bytes of values, `d`, `dmin`.
///
/// The 2-bit values of group pair `4·half + shift` are bits `2·shift` of the 32 bytes of that half.
#[inline(always)]
pub(super) fn q2_k_decode(block: &[u8; 84], out: &mut [f32; 256]) {
    let d = widen([block[80], block[81]]);
    let d_min = widen([block[82], block[83]]);
    for half in 0..2 {
        for shift in 0..4 {
            for part in 0..2 {
                let group = half * 8 + shift * 2 + part;
                let scale = d * f32::from(block[group] & 0x0f);
                let min = d_min * f32::from(block[group] >> 4);
                for i in 0..16 {
                    let q = (block[16 + half * 32 + part * 16 + i] >> (2 * shift)) & 3;
                    out[group * 16 + i] = scale * f32::from(q) - min;
                }
            }
        }
    }
}

/// 32 bytes of high bits, 64 of low pairs of bits, 12 of scales, `d`. A clear high bit means −4.
#[inline(always)]
pub(super) fn q3_k_decode(block: &[u8; 110], out: &mut [f32; 256]) {
    let d = widen([block[108], block[109]]);
    let scales = q3_k_scales(block);
    for half in 0..2 {
        for shift in 0..4 {
            let bit = half * 4 + shift;
            for part in 0..2 {
                let group = bit * 2 + part;
                let scale = d * scales[group] as f32;
                for i in 0..16 {
                    let low = (block[32 + half * 32 + part * 16 + i] >> (2 * shift)) & 3;
                    let high = (block[part * 16 + i] >> bit) & 1;
                    let q = i32::from(low) + 4 * i32::from(high) - 4;
                    out[group * 16 + i] = scale * q as f32;
                }
            }
        }
    }
}

/// The 16 signed scales of a Q3_K block: four low bits from the nibbles of bytes 96 to 103, two high
/// bits from bytes 104 to 107, less 32.
#[inline(always)]
fn q3_k_scales(block: &[u8; 110]) -> [i32; 16] {
    let mut scales = [0; 16];
    for (group, scale) in scales.iter_mut().enumerate() {
        let low = (block[96 + group % 8] >> (4 * (group / 8))) & 0x0f;
        let high = (block[104 + group % 4] >> (2 * (group / 4))) & 3;
        *scale = i32::from(low | high << 4) - 32;
    }
    scales
}

/// `d`, `dmin`, 12 bytes of 6-bit scales and minimums, 128 bytes of nibbles.
#[inline(always)]
pub(super) fn q4_k_decode(block: &[u8; 144], out: &mut [f32; 256]) {
    let (scales, mins) = scales_and_mins(block);
    for pair in 0..4 {
        for nibble in 0..2 {
            let group = pair * 2 + nibble;
            for i in 0..32 {
                let q = (block[16 + pair * 32 + i] >> (4 * nibble)) & 0x0f;
                out[group * 32 + i] = scales[group] * f32::from(q) - mins[group];
            }
        }
    }
}

/// As Q4_K with 32 bytes of fifth bits before the nibbles: bit `group` of byte `i`.
#[inline(always)]
pub(super) fn q5_k_decode(block: &[u8; 176], out: &mut [f32; 256]) {
    let (scales, mins) = scales_and_mins(block);
    for pair in 0..4 {
        for nibble in 0..2 {
            let group = pair * 2 + nibble;
            for i in 0..32 {
                let low = (block[48 + pair * 32 + i] >> (4 * nibble)) & 0x0f;
                let high = (block[16 + i] >> group) & 1;
                out[group * 32 + i] = scales[group] * f32::from(low | high << 4) - mins[group];
            }
        }
    }
}

/// `d·scale` and `dmin·minimum` of the 8 groups of a Q4_K or Q5_K block.
///
/// Groups 0 to 3 have their six bits in bytes 4 to 7 (scales) and 8 to 11 (minimums); groups 4 to 7
/// have four bits in the nibbles of bytes 12 to 15 and two in the top of those earlier bytes.
#[inline(always)]
fn scales_and_mins<const B: usize>(block: &[u8; B]) -> ([f32; 8], [f32; 8]) {
    let d = widen([block[0], block[1]]);
    let d_min = widen([block[2], block[3]]);
    let (mut scales, mut mins) = ([0.0; 8], [0.0; 8]);
    for i in 0..4 {
        let (s, m, both) = (block[4 + i], block[8 + i], block[12 + i]);
        scales[i] = d * f32::from(s & 0x3f);
        mins[i] = d_min * f32::from(m & 0x3f);
        scales[4 + i] = d * f32::from((both & 0x0f) | (s >> 2) & 0x30);
        mins[4 + i] = d_min * f32::from((both >> 4) | (m >> 2) & 0x30);
    }
    (scales, mins)
}

/// 128 bytes of nibbles, 64 of high pairs of bits, 16 signed scales, `d`. Values less 32.
#[inline(always)]
pub(super) fn q6_k_decode(block: &[u8; 210], out: &mut [f32; 256]) {
    let d = widen([block[208], block[209]]);
    for half in 0..2 {
        for quarter in 0..4 {
            let (nibble, column) = (quarter / 2, quarter % 2);
            for part in 0..2 {
                let group = half * 8 + quarter * 2 + part;
                let scale = d * f32::from(block[192 + group].cast_signed());
                for i in 0..16 {
                    let at = part * 16 + i;
                    let low = (block[half * 64 + column * 32 + at] >> (4 * nibble)) & 0x0f;
                    let high = (block[128 + half * 32 + at] >> (2 * quarter)) & 3;
                    out[group * 16 + i] = scale * (i32::from(low | high << 4) - 32) as f32;
                }
            }
        }
    }
}
