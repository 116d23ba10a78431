//! Unpacks sixteen rows of a quantised weight into a panel for [`super::fast_avx2`]: for each block of 32 along
//! `k` and each half of eight columns, registers of four neighbours for each column, then (six bits) the small scales
//! of both sixteens and their product with the offset, then eight scales and eight minimums in f32.
//!
//! Packed bits are transposed first, so that eight columns are unpacked at once. For layouts see `storage`.

use super::Stored;
use super::activations::BLOCK;
use super::fast::{Width, width};
use super::fast_share::{COLS, ask};
use crate::storage::StorageType;
use std::arch::x86_64::*;

/// Columns of a half.
pub(super) const HALF: usize = COLS / 2;

/// Registers of a block of one half.
pub(super) fn registers(width: Width) -> usize {
    match width {
        Width::Four => FOUR,
        Width::Six => SIX,
        Width::Eight => EIGHT,
    }
}

const FOUR: usize = 8 + 2;
const SIX: usize = 8 + 5;
const EIGHT: usize = 16 + 2;

/// Packs columns `col..col + 16` (the last one again for those past the end), blocks `from..from + blocks` of 32;
/// meanwhile the bytes `ahead` are asked for.
///
/// # Safety
/// AVX2 and F16C must be there; `col` lies in the matrix, so do the blocks, which are whole blocks of the type.
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn pack(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    ahead: &[u8],
    panel: &mut [__m256i],
) {
    // SAFETY: the caller's promise; a type without a width never comes here.
    unsafe {
        match w.ty {
            StorageType::Q4_0 => each::<18, 1>(w, col, from, blocks, ahead, panel, q4_0),
            StorageType::Q4_1 => each::<20, 1>(w, col, from, blocks, ahead, panel, q4_1),
            StorageType::Q4K => each::<144, 8>(w, col, from, blocks, ahead, panel, q4_k),
            StorageType::Q5_0 => each::<22, 1>(w, col, from, blocks, ahead, panel, q5_0),
            StorageType::Q5_1 => each::<24, 1>(w, col, from, blocks, ahead, panel, q5_1),
            StorageType::Q8_0 => each::<34, 1>(w, col, from, blocks, ahead, panel, q8_0),
            StorageType::Q5K => each::<176, 8>(w, col, from, blocks, ahead, panel, q5_k),
            StorageType::Q6K => each::<210, 8>(w, col, from, blocks, ahead, panel, q6_k),
            _ => unreachable!("{} has no integer kernel", w.ty),
        }
    }
}

/// Blocks of one half: where they begin in each of eight rows of `W`.
pub(super) type Blocks<const B: usize> = [*const [u8; B]; HALF];

/// Calls `unpack(blocks, out, next)` for each block of `B` bytes (`GROUPS` times 32 values) of each half; `out` is
/// where its registers go, and `next` lies between one group of 32 and the next.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn each<const B: usize, const GROUPS: usize>(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    ahead: &[u8],
    panel: &mut [__m256i],
    unpack: unsafe fn(Blocks<B>, *mut __m256i, usize),
) {
    let row_bytes = w.cols / BLOCK / GROUPS * B;
    let half_size = registers(width(w.ty).expect("a type with a kernel"));
    let next = 2 * half_size;
    assert!(
        panel.len() >= blocks * next && from + blocks <= w.cols / BLOCK,
        "a panel is too short"
    );
    assert!(w.bytes.len() == w.rows * row_bytes && col < w.rows, "no such column");
    for group in 0..blocks / GROUPS {
        let at = (from / GROUPS + group) * B;
        ask(ahead, group, B);
        for half in 0..2 {
            let block = |i: usize| {
                let row = (col + half * HALF + i).min(w.rows - 1);
                w.bytes.as_ptr().wrapping_add(row * row_bytes + at).cast()
            };
            let out = panel.as_mut_ptr().wrapping_add(group * GROUPS * next + half * half_size);
            // SAFETY: the blocks and the registers are within bounds, as checked above.
            unsafe { unpack(std::array::from_fn(block), out, next) };
        }
    }
}

/// Sixteen bytes at `offset` of each block, as four registers of four bytes of each column.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn four_by_eight<const B: usize>(
    blocks: Blocks<B>,
    offset: usize,
) -> [__m256i; 4] {
    // SAFETY: the caller has sixteen bytes there.
    let [a, b, c, d] = std::array::from_fn(|i| unsafe {
        let load = |i: usize| _mm_loadu_si128(blocks[i].cast::<u8>().add(offset).cast());
        _mm256_set_m128i(load(i + 4), load(i))
    });
    let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// The low nibbles of `bytes` into `low`, the high ones into `high`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn split(bytes: __m256i, low: *mut __m256i, high: *mut __m256i) {
    let mask = _mm256_set1_epi8(0x0f);
    // SAFETY: the caller owns both places.
    unsafe {
        *low = _mm256_and_si256(bytes, mask);
        *high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask);
    }
}

/// The f16 at `offset` of each block.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn halves<const B: usize>(blocks: Blocks<B>, offset: usize) -> __m256 {
    // SAFETY: the caller has two bytes there.
    let [a, b, c, d, e, f, g, h] = blocks
        .map(|block| unsafe { block.cast::<u8>().add(offset).cast::<i16>().read_unaligned() });
    _mm256_cvtph_ps(_mm_set_epi16(h, g, f, e, d, c, b, a))
}

/// Stores scales and minimums after `n` registers of integers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn scales(out: *mut __m256i, n: usize, d: __m256, min: __m256) {
    // SAFETY: the caller owns two registers there.
    unsafe {
        *out.add(n) = _mm256_castps_si256(d);
        *out.add(n + 1) = _mm256_castps_si256(min);
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q4_0(blocks: Blocks<18>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale and sixteen bytes of nibbles; the caller owns the registers.
    unsafe {
        for (quad, bytes) in four_by_eight(blocks, 2).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let d = halves(blocks, 0);
        scales(out, 8, d, _mm256_mul_ps(d, _mm256_set1_ps(-8.0)));
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q4_1(blocks: Blocks<20>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale, a minimum, and sixteen bytes of nibbles; the caller owns the registers.
    unsafe {
        for (quad, bytes) in four_by_eight(blocks, 4).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let (d, min) = q4_1_scales(blocks);
        scales(out, 8, d, min);
    }
}

/// Scale and minimum at the head of each block.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn q4_1_scales(blocks: Blocks<20>) -> (__m256, __m256) {
    // SAFETY: the caller has the blocks.
    let [a, b, c, d, e, f, g, h] =
        blocks.map(|block| unsafe { block.cast::<i32>().read_unaligned() });
    let both = _mm256_set_epi32(h, g, f, e, d, c, b, a);
    let d = _mm256_and_si256(both, _mm256_set1_epi32(0xffff));
    let both = _mm256_packus_epi32(d, _mm256_srli_epi32::<16>(both));
    let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(both);
    let d = _mm256_cvtph_ps(_mm256_castsi256_si128(both));
    (d, _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(both)))
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q4_k(blocks: Blocks<144>, out: *mut __m256i, next: usize) {
    // SAFETY: `d`, `dmin`, twelve bytes of small scales, and 128 of the nibbles of four pairs of groups.
    unsafe {
        for pair in 0..4 {
            let (low, high) = (out.add(2 * pair * next), out.add((2 * pair + 1) * next));
            for part in 0..2 {
                let bytes = four_by_eight(blocks, 16 + 32 * pair + 16 * part);
                for (quad, bytes) in bytes.into_iter().enumerate() {
                    split(bytes, low.add(4 * part + quad), high.add(4 * part + quad));
                }
            }
        }
        let (d, d_min) = (halves(blocks, 0), negative(halves(blocks, 2)));
        let packed = four_by_eight(blocks, 4);
        for group in 0..8 {
            let (scale, min) = small_scales(packed, group);
            let d = _mm256_mul_ps(d, _mm256_cvtepi32_ps(scale));
            scales(out.add(group * next), 8, d, _mm256_mul_ps(d_min, _mm256_cvtepi32_ps(min)));
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn negative(x: __m256) -> __m256 {
    _mm256_sub_ps(_mm256_setzero_ps(), x)
}

/// Scale and minimum of a group, six bits each, out of the twelve bytes that Q4_K and Q5_K pack those of eight groups
/// into.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn small_scales(packed: [__m256i; 4], group: usize) -> (__m256i, __m256i) {
    let bits = |x: __m256i, from: usize, mask: i32| {
        let shifted = _mm256_srlv_epi32(x, _mm256_set1_epi32(from as i32));
        _mm256_and_si256(shifted, _mm256_set1_epi32(mask))
    };
    let [scales, mins, both, _] = packed;
    let at = 8 * (group % 4);
    if group < 4 {
        return (bits(scales, at, 63), bits(mins, at, 63));
    }
    let high = |x| _mm256_slli_epi32::<4>(bits(x, at + 6, 3));
    (
        _mm256_or_si256(bits(both, at, 15), high(scales)),
        _mm256_or_si256(bits(both, at + 4, 15), high(mins)),
    )
}

/// A small integer of each column in both words of its lane.
#[inline]
#[target_feature(enable = "avx2")]
fn both_words(x: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_and_si256(x, _mm256_set1_epi32(0xffff)), _mm256_slli_epi32::<16>(x))
}

/// Sixteen registers from the 32 words of each column: columns 0 1 4 5 in the even, 2 3 6 7 in the odd ones.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_words(words: [[__m256i; 2]; HALF], out: *mut __m256i) {
    for (part, columns) in [[0, 1, 4, 5], [2, 3, 6, 7]].into_iter().enumerate() {
        for upper in 0..2 {
            let [a, b, c, d] = columns.map(|column| words[column][upper]);
            let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
            let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
            let quads = [
                _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
                _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
                _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
                _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
            ];
            for (quad, words) in quads.into_iter().enumerate() {
                // SAFETY: the caller owns sixteen registers.
                unsafe { *out.add(2 * (4 * upper + quad) + part) = words };
            }
        }
    }
}

/// Signed bytes as words.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(bytes: __m256i) -> [__m256i; 2] {
    [
        _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)),
        _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(bytes)),
    ]
}

/// Registers after the integers of six bits: no small scales, no offset, `d` and the minimum.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn plain_scales(out: *mut __m256i, d: __m256, min: __m256) {
    // SAFETY: the caller owns five registers there.
    unsafe {
        *out.add(8) = _mm256_set1_epi16(1);
        *out.add(9) = _mm256_set1_epi16(1);
        *out.add(10) = _mm256_setzero_si256();
        scales(out, 11, d, min);
    }
}

/// Sixteen bytes of nibbles and, at `bits`, the fifth bit of each value in order.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn five_bits<const B: usize>(
    blocks: Blocks<B>,
    bits: usize,
    nibbles: usize,
    out: *mut __m256i,
) {
    // SAFETY: the caller has the bytes and owns eight registers.
    unsafe {
        for (quad, bytes) in four_by_eight(blocks, nibbles).into_iter().enumerate() {
            split(bytes, out.add(quad), out.add(4 + quad));
        }
        let [a, b, c, d, e, f, g, h] =
            blocks.map(|block| block.cast::<u8>().add(bits).cast::<i32>().read_unaligned());
        let fifth = _mm256_set_epi32(h, g, f, e, d, c, b, a);
        for quad in 0..8 {
            // The byte that holds the four bits of this quad, four times; then one bit of each.
            let byte = _mm256_set1_epi32(0x0101_0101 * (quad as i32 / 2));
            let lanes = _mm256_set_epi32(
                0x0c0c_0c0c,
                0x0808_0808,
                0x0404_0404,
                0,
                0x0c0c_0c0c,
                0x0808_0808,
                0x0404_0404,
                0,
            );
            let four = _mm256_shuffle_epi8(fifth, _mm256_add_epi8(lanes, byte));
            let single = if quad % 2 == 0 { 0x0804_0201 } else { 0x8040_2010_u32.cast_signed() };
            let place = out.add(quad);
            *place = _mm256_or_si256(*place, sixteen_where(four, _mm256_set1_epi32(single)));
        }
    }
}

/// Sixteen in each byte that has the bit of `single`.
#[inline]
#[target_feature(enable = "avx2")]
fn sixteen_where(bytes: __m256i, single: __m256i) -> __m256i {
    let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, single), single);
    _mm256_and_si256(set, _mm256_set1_epi8(16))
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_0(blocks: Blocks<22>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale, four bytes of fifth bits, sixteen of nibbles; the caller owns the registers.
    unsafe {
        five_bits(blocks, 2, 6, out);
        let d = halves(blocks, 0);
        plain_scales(out, d, _mm256_mul_ps(d, _mm256_set1_ps(-16.0)));
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_1(blocks: Blocks<24>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale, a minimum, four bytes of fifth bits, sixteen of nibbles.
    unsafe {
        five_bits(blocks, 4, 8, out);
        plain_scales(out, halves(blocks, 0), halves(blocks, 2));
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_k(blocks: Blocks<176>, out: *mut __m256i, next: usize) {
    // SAFETY: as Q4_K, with 32 bytes of fifth bits before the nibbles; the caller owns the registers.
    unsafe {
        let fifth = [four_by_eight(blocks, 16), four_by_eight(blocks, 32)];
        for pair in 0..4 {
            let (low, high) = (out.add(2 * pair * next), out.add((2 * pair + 1) * next));
            for (part, fifth) in fifth.iter().enumerate() {
                let bytes = four_by_eight(blocks, 48 + 32 * pair + 16 * part);
                for (quad, (bytes, fifth)) in bytes.into_iter().zip(fifth).enumerate() {
                    let (low, high) = (low.add(4 * part + quad), high.add(4 * part + quad));
                    split(bytes, low, high);
                    for (group, place) in [(2 * pair, low), (2 * pair + 1, high)] {
                        let bit = _mm256_set1_epi8((1u8 << group).cast_signed());
                        *place = _mm256_or_si256(*place, sixteen_where(*fifth, bit));
                    }
                }
            }
        }
        let (d, d_min) = (halves(blocks, 0), negative(halves(blocks, 2)));
        let packed = four_by_eight(blocks, 4);
        for group in 0..8 {
            let (scale, min) = small_scales(packed, group);
            let out = out.add(group * next);
            plain_scales(out, d, _mm256_mul_ps(d_min, _mm256_cvtepi32_ps(min)));
            *out.add(8) = both_words(scale);
            *out.add(9) = both_words(scale);
        }
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q6_k(blocks: Blocks<210>, out: *mut __m256i, next: usize) {
    // SAFETY: 128 bytes of nibbles, 64 of pairs of bits, 16 scales, `d`; the caller owns the registers.
    unsafe {
        for part in 0..4 {
            // Sixteen bytes at a time: of each half of the block, the first or the second sixteen.
            let (half, upper) = (part / 2, part % 2);
            let pairs = four_by_eight(blocks, 128 + 32 * half + 16 * upper);
            for column in 0..2 {
                let nibbles = four_by_eight(blocks, 64 * half + 32 * column + 16 * upper);
                for (quad, (nibbles, pairs)) in nibbles.into_iter().zip(pairs).enumerate() {
                    let place =
                        |quarter: usize| out.add((4 * half + quarter) * next + 4 * upper + quad);
                    let (low, high) = (place(column), place(2 + column));
                    split(nibbles, low, high);
                    let [first, second] = if column == 0 {
                        [_mm256_slli_epi16::<4>(pairs), pairs]
                    } else {
                        [_mm256_slli_epi16::<2>(pairs), _mm256_srli_epi16::<2>(pairs)]
                    };
                    let mask = _mm256_set1_epi8(0x30);
                    *low = _mm256_or_si256(*low, _mm256_and_si256(first, mask));
                    *high = _mm256_or_si256(*high, _mm256_and_si256(second, mask));
                }
            }
        }
        let (d, small) = (halves(blocks, 208), four_by_eight(blocks, 192));
        for run in 0..8 {
            let out = out.add(run * next);
            let [first, second, offset] = q6_k_scales(small, run);
            *out.add(8) = first;
            *out.add(9) = second;
            *out.add(10) = offset;
            scales(out, 11, d, _mm256_setzero_ps());
        }
    }
}

/// Of 32 values of Q6_K: the scales of both sixteens in both words of each lane, and their products with the offset
/// in one.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn q6_k_scales(small: [__m256i; 4], run: usize) -> [__m256i; 3] {
    let shift = _mm256_set1_epi32(8 * (run as i32 % 2 * 2));
    // Both scales of this run in the low word, then each with its sign.
    let both = _mm256_srlv_epi32(small[run / 2], shift);
    let first = _mm256_srai_epi32::<24>(_mm256_slli_epi32::<24>(both));
    let second = _mm256_srai_epi32::<24>(_mm256_slli_epi32::<16>(both));
    let pair = _mm256_or_si256(
        _mm256_and_si256(first, _mm256_set1_epi32(0xffff)),
        _mm256_slli_epi32::<16>(second),
    );
    let offset = _mm256_mullo_epi16(pair, _mm256_set1_epi16(-32));
    [both_words(first), both_words(second), offset]
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q8_0(blocks: Blocks<34>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale and 32 bytes; the caller owns the registers.
    unsafe {
        let words = blocks.map(|block| widen(_mm256_loadu_si256(block.cast::<u8>().add(2).cast())));
        store_words(words, out);
        scales(out, 16, halves(blocks, 0), _mm256_setzero_ps());
    }
}
