//! Blocks of 32 integers with one scale, and in the `_1` types one minimum, in f16.
//! Low nibbles of the bytes are values 0 to 15, high nibbles values 16 to 31.
//!
//! Source: the structs `block_q4_0` to `block_q8_0` in `ggml-common.h` give the layouts.
//!
//! Decoding: `d·(q − 8)`, `d·q + m`, `d·(q − 16)`, `d·q + m`, `d·q` for Q4_0, Q4_1, Q5_0, Q5_1 and
//! Q8_0, a product and then a sum, each rounded to f32.

use super::float::{narrow, widen};

#[inline(always)]
pub(super) fn q4_0_decode(block: &[u8; 18], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    for i in 0..16 {
        let byte = block[2 + i];
        out[i] = d * (i32::from(byte & 0x0f) - 8) as f32;
        out[16 + i] = d * (i32::from(byte >> 4) - 8) as f32;
    }
}

#[inline(always)]
pub(super) fn q4_1_decode(block: &[u8; 20], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    let m = widen([block[2], block[3]]);
    for i in 0..16 {
        let byte = block[4 + i];
        out[i] = d * f32::from(byte & 0x0f) + m;
        out[16 + i] = d * f32::from(byte >> 4) + m;
    }
}

#[inline(always)]
pub(super) fn q5_0_decode(block: &[u8; 22], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    let high = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for i in 0..16 {
        let byte = u32::from(block[6 + i]);
        let low = (byte & 0x0f) | ((high >> i) & 1) << 4;
        let upper = (byte >> 4) | ((high >> (16 + i)) & 1) << 4;
        out[i] = d * (low as i32 - 16) as f32;
        out[16 + i] = d * (upper as i32 - 16) as f32;
    }
}

#[inline(always)]
pub(super) fn q5_1_decode(block: &[u8; 24], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    let m = widen([block[2], block[3]]);
    let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for i in 0..16 {
        let byte = u32::from(block[8 + i]);
        let low = (byte & 0x0f) | ((high >> i) & 1) << 4;
        let upper = (byte >> 4) | ((high >> (16 + i)) & 1) << 4;
        out[i] = d * (low as i32) as f32 + m;
        out[16 + i] = d * (upper as i32) as f32 + m;
    }
}

#[inline(always)]
pub(super) fn q8_0_decode(block: &[u8; 34], out: &mut [f32; 32]) {
    let d = widen([block[0], block[1]]);
    for i in 0..32 {
        out[i] = d * f32::from(block[2 + i].cast_signed());
    }
}

/// The value of largest magnitude (the first such) maps to −8; the rest to the nearest of 0 to 15
/// after adding 8, halves upwards.
pub(super) fn q4_0_encode(values: &[f32; 32], block: &mut [u8; 18]) {
    let d = extreme(values) / -8.0;
    let inverse = reciprocal(d);
    [block[0], block[1]] = narrow(d);
    let nibble = |value: f32| ((value * inverse + 8.5) as u8).min(15);
    for i in 0..16 {
        block[2 + i] = nibble(values[i]) | nibble(values[16 + i]) << 4;
    }
}

/// The range from smallest to largest value in 15 steps, each value to the nearest, halves upwards.
pub(super) fn q4_1_encode(values: &[f32; 32], block: &mut [u8; 20]) {
    let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let d = (largest - smallest) / 15.0;
    let inverse = reciprocal(d);
    [block[0], block[1]] = narrow(d);
    [block[2], block[3]] = narrow(smallest);
    let nibble = |value: f32| (((value - smallest) * inverse + 0.5) as u8).min(15);
    for i in 0..16 {
        block[4 + i] = nibble(values[i]) | nibble(values[16 + i]) << 4;
    }
}

/// As Q4_0 with the value of largest magnitude at −16, and the fifth bits in a word of their own.
pub(super) fn q5_0_encode(values: &[f32; 32], block: &mut [u8; 22]) {
    let d = extreme(values) / -16.0;
    let inverse = reciprocal(d);
    [block[0], block[1]] = narrow(d);
    let level = |value: f32| ((value * inverse + 16.5) as u8).min(31);
    five_bits(&values.map(level), &mut block[2..]);
}

/// As Q4_1 with 31 steps.
pub(super) fn q5_1_encode(values: &[f32; 32], block: &mut [u8; 24]) {
    let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let d = (largest - smallest) / 31.0;
    let inverse = reciprocal(d);
    [block[0], block[1]] = narrow(d);
    [block[2], block[3]] = narrow(smallest);
    let level = |value: f32| (((value - smallest) * inverse + 0.5) as u8).min(31);
    five_bits(&values.map(level), &mut block[4..]);
}

/// Four bytes of fifth bits, sixteen of nibbles.
fn five_bits(levels: &[u8; 32], bytes: &mut [u8]) {
    let high = (0..32).fold(0, |high, i| high | u32::from(levels[i] >> 4) << i);
    bytes[..4].copy_from_slice(&high.to_le_bytes());
    for i in 0..16 {
        bytes[4 + i] = levels[i] & 0x0f | levels[16 + i] << 4;
    }
}

/// The value of largest magnitude, the first of several.
fn extreme(values: &[f32; 32]) -> f32 {
    values.iter().copied().fold(
        values[0],
        |most, value| {
            if value.abs() > most.abs() { value } else { most }
        },
    )
}

/// The largest magnitude maps to 127, each value to the nearest, halves away from zero.
pub(super) fn q8_0_encode(values: &[f32; 32], block: &mut [u8; 34]) {
    let d = values.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
    let inverse = reciprocal(d);
    [block[0], block[1]] = narrow(d);
    for i in 0..32 {
        block[2 + i] = ((values[i] * inverse).round() as i8).cast_unsigned();
    }
}

/// `1 / d`, and 0 for 0: a block of zeros stays one.
fn reciprocal(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}
