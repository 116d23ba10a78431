//! Unpacks sixteen rows of a quantised weight into a panel for [`super::fast_avx512`]: for each block of 32 along `k`
//! eight registers of four neighbours of each column, then scales and minimums in f32.
//!
//! Packed bits are transposed first, so that sixteen columns are unpacked at once. For layouts see `storage`.

use super::Stored;
use super::activations::BLOCK;
use super::fast_avx512::QUADS;
use super::fast_share::{COLS, ask};
use crate::storage::StorageType;
use std::arch::x86_64::*;

/// What follows the integers of a block in a panel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    /// A scale and a minimum.
    Whole,
    /// The scales of both sixteens, then their minimums.
    Halves,
}

impl Panel {
    /// The panel of a type that has an integer kernel.
    pub(super) fn of(ty: StorageType) -> Self {
        if ty == StorageType::Q6K { Self::Halves } else { Self::Whole }
    }

    /// Registers of a block.
    pub(super) const fn registers(self) -> usize {
        match self {
            Self::Whole => QUADS + 2,
            Self::Halves => QUADS + 4,
        }
    }
}

/// Packs columns `col..col + 16` (the last one again for those past the end), blocks `from..from + blocks` of 32, and
/// asks for the bytes `ahead` meanwhile.
///
/// # Safety
/// AVX-512 F and BW must be there; `col` lies in the matrix, so do the blocks, which are whole blocks of the type.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn pack(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    ahead: &[u8],
    panel: &mut [__m512i],
) {
    // SAFETY: the caller's promise; a type without a kernel never comes here.
    unsafe {
        match w.ty {
            StorageType::Q4_0 => each::<18, 1>(w, col, from, blocks, ahead, panel, q4_0),
            StorageType::Q4_1 => each::<20, 1>(w, col, from, blocks, ahead, panel, q4_1),
            StorageType::Q5_0 => each::<22, 1>(w, col, from, blocks, ahead, panel, q5_0),
            StorageType::Q5_1 => each::<24, 1>(w, col, from, blocks, ahead, panel, q5_1),
            StorageType::Q8_0 => each::<34, 1>(w, col, from, blocks, ahead, panel, q8_0),
            StorageType::Q4K => each::<144, 8>(w, col, from, blocks, ahead, panel, q4_k),
            StorageType::Q5K => each::<176, 8>(w, col, from, blocks, ahead, panel, q5_k),
            StorageType::Q6K => each::<210, 8>(w, col, from, blocks, ahead, panel, q6_k),
            _ => unreachable!("{} has no integer kernel", w.ty),
        }
    }
}

/// Where a block begins in each of sixteen rows of `W`.
type Blocks = [*const u8; COLS];

/// Calls `unpack(blocks, out)` for each block of `B` bytes (`GROUPS` times 32 values).
#[inline]
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn each<const B: usize, const GROUPS: usize>(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    ahead: &[u8],
    panel: &mut [__m512i],
    unpack: unsafe fn(&Blocks, *mut __m512i),
) {
    let row_bytes = w.cols / BLOCK / GROUPS * B;
    let registers = Panel::of(w.ty).registers();
    assert!(
        panel.len() >= blocks * registers && from + blocks <= w.cols / BLOCK,
        "a panel is too short"
    );
    assert!(w.bytes.len() == w.rows * row_bytes && col < w.rows, "no such column");
    let mut rows: Blocks = [w.bytes.as_ptr(); COLS];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = row.wrapping_add((col + i).min(w.rows - 1) * row_bytes + from / GROUPS * B);
    }
    for group in 0..blocks / GROUPS {
        ask(ahead, group, B);
        let out = panel.as_mut_ptr().wrapping_add(group * GROUPS * registers);
        // SAFETY: the blocks and the registers are within bounds, as checked above.
        unsafe { unpack(&rows, out) };
        for row in &mut rows {
            *row = row.wrapping_add(B);
        }
    }
}

/// The sixteen bytes at `offset` of rows `i`, `i + 4`, `i + 8` and `i + 12`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn every_fourth(blocks: &Blocks, i: usize, offset: usize) -> __m512i {
    // SAFETY: the caller has sixteen bytes there.
    unsafe {
        let low = _mm512_castsi128_si512(_mm_loadu_si128(blocks[i].add(offset).cast()));
        let low = _mm512_inserti32x4::<1>(low, _mm_loadu_si128(blocks[i + 4].add(offset).cast()));
        let low = _mm512_inserti32x4::<2>(low, _mm_loadu_si128(blocks[i + 8].add(offset).cast()));
        _mm512_inserti32x4::<3>(low, _mm_loadu_si128(blocks[i + 12].add(offset).cast()))
    }
}

/// Sixteen bytes at `offset` of each block, as four registers of four bytes of each column.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn four_by_sixteen(blocks: &Blocks, offset: usize) -> [__m512i; 4] {
    // Quarters transposed side by side lie in order.
    // SAFETY: the caller's promise.
    let (a, b, c, d) = unsafe {
        (
            every_fourth(blocks, 0, offset),
            every_fourth(blocks, 1, offset),
            every_fourth(blocks, 2, offset),
            every_fourth(blocks, 3, offset),
        )
    };
    let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(ab_low, cd_low),
        _mm512_unpackhi_epi64(ab_low, cd_low),
        _mm512_unpacklo_epi64(ab_high, cd_high),
        _mm512_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// The four bytes at `offset` of each block, which has sixteen there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn words(blocks: &Blocks, offset: usize) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let ab =
            _mm512_unpacklo_epi32(every_fourth(blocks, 0, offset), every_fourth(blocks, 1, offset));
        let cd =
            _mm512_unpacklo_epi32(every_fourth(blocks, 2, offset), every_fourth(blocks, 3, offset));
        _mm512_unpacklo_epi64(ab, cd)
    }
}

/// The low nibbles of `bytes` into `low`, the high ones into `high`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn split(bytes: __m512i, low: *mut __m512i, high: *mut __m512i) {
    let mask = _mm512_set1_epi8(0x0f);
    // SAFETY: the caller owns both places.
    unsafe {
        *low = _mm512_and_si512(bytes, mask);
        *high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), mask);
    }
}

/// The f16 in the low halves of all lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn low_f16(words: __m512i) -> __m512 {
    _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words))
}

/// The f16 in the high halves of all lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn high_f16(words: __m512i) -> __m512 {
    low_f16(_mm512_srli_epi32::<16>(words))
}

/// Stores scale and minimum after the integers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn scales(out: *mut __m512i, d: __m512, min: __m512) {
    // SAFETY: the caller owns two registers there.
    unsafe {
        *out.add(QUADS) = _mm512_castps_si512(d);
        *out.add(QUADS + 1) = _mm512_castps_si512(min);
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q4_0(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: a scale and sixteen bytes of nibbles; the caller owns the registers.
    unsafe {
        for (quad, bytes) in four_by_sixteen(blocks, 2).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let d = low_f16(words(blocks, 0));
        scales(out, d, _mm512_mul_ps(d, _mm512_set1_ps(-8.0)));
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q4_1(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: a scale, a minimum, and sixteen bytes of nibbles; the caller owns the registers.
    unsafe {
        for (quad, bytes) in four_by_sixteen(blocks, 4).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let both = words(blocks, 0);
        scales(out, low_f16(both), high_f16(both));
    }
}

/// Sixteen bytes of nibbles at `nibbles`, and the fifth bit of each value in order.
#[inline]
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn five_bits(blocks: &Blocks, fifth: __m512i, nibbles: usize, out: *mut __m512i) {
    // SAFETY: the caller has the bytes and owns eight registers.
    unsafe {
        for (quad, bytes) in four_by_sixteen(blocks, nibbles).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let lanes = _mm512_broadcast_i32x4(_mm_set_epi32(0x0c0c_0c0c, 0x0808_0808, 0x0404_0404, 0));
        for quad in 0..QUADS {
            // The byte that holds the four bits of this quad, four times; then one bit of each.
            let byte = _mm512_set1_epi32(0x0101_0101 * (quad as i32 / 2));
            let four = _mm512_shuffle_epi8(fifth, _mm512_add_epi8(lanes, byte));
            let single = if quad % 2 == 0 { 0x0804_0201 } else { 0x8040_2010_u32.cast_signed() };
            let place = out.add(quad);
            *place = sixteen_more(*place, four, _mm512_set1_epi32(single));
        }
    }
}

/// Adds sixteen to each byte of `low` where `bytes` has the bit of `single`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn sixteen_more(low: __m512i, bytes: __m512i, single: __m512i) -> __m512i {
    let set = _mm512_test_epi8_mask(bytes, single);
    _mm512_mask_add_epi8(low, set, low, _mm512_set1_epi8(16))
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q5_0(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: a scale, four bytes of fifth bits, sixteen of nibbles; the caller owns the registers.
    unsafe {
        five_bits(blocks, words(blocks, 2), 6, out);
        let d = low_f16(words(blocks, 0));
        scales(out, d, _mm512_mul_ps(d, _mm512_set1_ps(-16.0)));
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q5_1(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: a scale, a minimum, four bytes of fifth bits, sixteen of nibbles.
    unsafe {
        five_bits(blocks, words(blocks, 4), 8, out);
        let both = words(blocks, 0);
        scales(out, low_f16(both), high_f16(both));
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q8_0(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: a scale and 32 bytes; the caller owns the registers.
    unsafe {
        for part in 0..2 {
            for (quad, bytes) in four_by_sixteen(blocks, 2 + 16 * part).into_iter().enumerate() {
                *out.add(4 * part + quad) = _mm512_xor_si512(bytes, _mm512_set1_epi8(-128));
            }
        }
        let d = low_f16(words(blocks, 0));
        scales(out, d, _mm512_mul_ps(d, _mm512_set1_ps(-128.0)));
    }
}

/// Scale and minimum of a group, six bits each, out of the twelve bytes that Q4_K and Q5_K pack those of eight groups
/// into.
#[inline]
#[target_feature(enable = "avx512f")]
fn small_scales(packed: [__m512i; 4], group: usize) -> (__m512, __m512) {
    let bits = |x: __m512i, from: usize, mask: i32| {
        let shifted = _mm512_srlv_epi32(x, _mm512_set1_epi32(from as i32));
        _mm512_and_si512(shifted, _mm512_set1_epi32(mask))
    };
    let [scales, mins, both, _] = packed;
    let at = 8 * (group % 4);
    let (scale, min) = if group < 4 {
        (bits(scales, at, 63), bits(mins, at, 63))
    } else {
        let high = |x| _mm512_slli_epi32::<4>(bits(x, at + 6, 3));
        (
            _mm512_or_si512(bits(both, at, 15), high(scales)),
            _mm512_or_si512(bits(both, at + 4, 15), high(mins)),
        )
    };
    (_mm512_cvtepi32_ps(scale), _mm512_cvtepi32_ps(min))
}

/// Scales and minimums of all eight groups.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn group_scales(blocks: &Blocks, out: *mut __m512i) {
    // SAFETY: the caller has sixteen bytes of scales and owns the registers of eight groups.
    unsafe {
        let both = words(blocks, 0);
        let (d, d_min) = (low_f16(both), _mm512_sub_ps(_mm512_setzero_ps(), high_f16(both)));
        let packed = four_by_sixteen(blocks, 4);
        for group in 0..8 {
            let (scale, min) = small_scales(packed, group);
            let out = out.add(group * Panel::Whole.registers());
            scales(out, _mm512_mul_ps(d, scale), _mm512_mul_ps(d_min, min));
        }
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q4_k(blocks: &Blocks, out: *mut __m512i) {
    const NEXT: usize = Panel::Whole.registers();
    // SAFETY: `d`, `dmin`, twelve bytes of small scales, and 128 of the nibbles of four pairs of groups.
    unsafe {
        for pair in 0..4 {
            let (low, high) = (out.add(2 * pair * NEXT), out.add((2 * pair + 1) * NEXT));
            for part in 0..2 {
                let bytes = four_by_sixteen(blocks, 16 + 32 * pair + 16 * part);
                for (quad, bytes) in bytes.into_iter().enumerate() {
                    split(bytes, low.add(4 * part + quad), high.add(4 * part + quad));
                }
            }
        }
        group_scales(blocks, out);
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q5_k(blocks: &Blocks, out: *mut __m512i) {
    const NEXT: usize = Panel::Whole.registers();
    // SAFETY: as Q4_K, with 32 bytes of fifth bits before the nibbles; the caller owns the registers.
    unsafe {
        let fifth = [four_by_sixteen(blocks, 16), four_by_sixteen(blocks, 32)];
        for pair in 0..4 {
            let (low, high) = (out.add(2 * pair * NEXT), out.add((2 * pair + 1) * NEXT));
            for (part, fifth) in fifth.iter().enumerate() {
                let bytes = four_by_sixteen(blocks, 48 + 32 * pair + 16 * part);
                for (quad, (bytes, fifth)) in bytes.into_iter().zip(fifth).enumerate() {
                    let (low, high) = (low.add(4 * part + quad), high.add(4 * part + quad));
                    split(bytes, low, high);
                    for (group, place) in [(2 * pair, low), (2 * pair + 1, high)] {
                        let bit = _mm512_set1_epi8((1u8 << group).cast_signed());
                        *place = sixteen_more(*place, *fifth, bit);
                    }
                }
            }
        }
        group_scales(blocks, out);
    }
}

#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn q6_k(blocks: &Blocks, out: *mut __m512i) {
    const NEXT: usize = Panel::Halves.registers();
    // SAFETY: 128 bytes of nibbles, 64 of pairs of bits, 16 scales, `d`; the caller owns the registers.
    unsafe {
        for part in 0..4 {
            // Sixteen bytes at a time: of each half of the block, the first or the second sixteen.
            let (half, upper) = (part / 2, part % 2);
            let pairs = four_by_sixteen(blocks, 128 + 32 * half + 16 * upper);
            for column in 0..2 {
                let nibbles = four_by_sixteen(blocks, 64 * half + 32 * column + 16 * upper);
                for (quad, (nibbles, pairs)) in nibbles.into_iter().zip(pairs).enumerate() {
                    let place =
                        |quarter: usize| out.add((4 * half + quarter) * NEXT + 4 * upper + quad);
                    let (low, high) = (place(column), place(2 + column));
                    split(nibbles, low, high);
                    let [first, second] = if column == 0 {
                        [_mm512_slli_epi16::<4>(pairs), pairs]
                    } else {
                        [_mm512_slli_epi16::<2>(pairs), _mm512_srli_epi16::<2>(pairs)]
                    };
                    let mask = _mm512_set1_epi8(0x30);
                    *low = _mm512_or_si512(*low, _mm512_and_si512(first, mask));
                    *high = _mm512_or_si512(*high, _mm512_and_si512(second, mask));
                }
            }
        }
        // The last sixteen bytes of a block end in `d`.
        let [.., last] = four_by_sixteen(blocks, 194);
        let (d, small) = (high_f16(last), four_by_sixteen(blocks, 192));
        for run in 0..8 {
            for sixteen in 0..2 {
                let at = run % 2 * 2 + sixteen;
                // The signed byte of this sixteen, brought to the top and back.
                let up = _mm512_sllv_epi32(small[run / 2], _mm512_set1_epi32(24 - 8 * at as i32));
                let scale = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_srai_epi32::<24>(up)));
                let out = out.add(run * NEXT + QUADS + sixteen);
                *out = _mm512_castps_si512(scale);
                *out.add(2) = _mm512_castps_si512(_mm512_mul_ps(scale, _mm512_set1_ps(-32.0)));
            }
        }
    }
}
