//! Unpacks sixteen rows of a quantised weight into a panel for [`super::fast_avx2`]: for each block of 32 along
//! `k` and each half of eight columns, the integers in registers of four neighbours for each column, then eight
//! scales and eight minimums in f32. What a register holds is said in `fast_avx2`.
//!
//! Types with small scales inside a block of 256: nibbles leave them to the f32 scale of each 32; words take
//! them in (`q · scale` stays below 4,096), and the f32 scale is that of the whole block.

use super::Stored;
use super::activations::BLOCK;
use super::fast_avx2::COLS;
use crate::storage::{StorageType, scales_and_mins};
use std::arch::x86_64::*;

/// Columns of a half.
const HALF: usize = COLS / 2;

/// Registers of a block of one half.
pub(super) fn registers(wide: bool) -> usize {
    BLOCK / 4 * if wide { 2 } else { 1 } + 2
}

/// Packs columns `col..col + 16` (the last one again for those past the end), blocks `from..from + blocks` of 32.
///
/// # Safety
/// AVX2 and F16C must be there; `col` lies in the matrix, so do the blocks, which are whole blocks of the type.
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn pack(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    panel: &mut [__m256i],
) {
    // SAFETY: the caller's promise; a type without a width never comes here.
    unsafe {
        match w.ty {
            StorageType::Q4_0 => each::<18, 1>(w, col, from, blocks, panel, 10, q4_0),
            StorageType::Q4_1 => each::<20, 1>(w, col, from, blocks, panel, 10, q4_1),
            StorageType::Q4K => each::<144, 8>(w, col, from, blocks, panel, 10, q4_k),
            StorageType::Q5_0 => each::<22, 1>(w, col, from, blocks, panel, 18, q5_0),
            StorageType::Q5_1 => each::<24, 1>(w, col, from, blocks, panel, 18, q5_1),
            StorageType::Q8_0 => each::<34, 1>(w, col, from, blocks, panel, 18, q8_0),
            StorageType::Q5K => each::<176, 8>(w, col, from, blocks, panel, 18, q5_k),
            StorageType::Q6K => each::<210, 8>(w, col, from, blocks, panel, 18, q6_k),
            _ => unreachable!("{} has no integer kernel", w.ty),
        }
    }
}

/// Blocks of one half: where they begin in each of eight rows of `W`.
type Blocks<const B: usize> = [*const [u8; B]; HALF];

/// Calls `unpack(blocks, out, next)` for each block of `B` bytes (`GROUPS` times 32 values) of each half; `out` is
/// where its registers go, and `next` lies between one group of 32 and the next.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn each<const B: usize, const GROUPS: usize>(
    w: &Stored<'_>,
    col: usize,
    from: usize,
    blocks: usize,
    panel: &mut [__m256i],
    half_size: usize,
    unpack: unsafe fn(Blocks<B>, *mut __m256i, usize),
) {
    let row_bytes = w.cols / BLOCK / GROUPS * B;
    let next = 2 * half_size;
    assert!(
        panel.len() >= blocks * next && from + blocks <= w.cols / BLOCK,
        "a panel is too short"
    );
    assert!(w.bytes.len() == w.rows * row_bytes && col < w.rows, "no such column");
    let ahead = w.bytes.as_ptr().wrapping_add((col + COLS) * row_bytes);
    for group in 0..blocks / GROUPS {
        let at = (from / GROUPS + group) * B;
        // The next panel: as many bytes as this block of sixteen columns takes.
        for line in (0..COLS * B).step_by(64) {
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(COLS * at + line).cast());
        }
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
unsafe fn four_by_eight<const B: usize>(blocks: Blocks<B>, offset: usize) -> [__m256i; 4] {
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
unsafe fn halves<const B: usize>(blocks: Blocks<B>, offset: usize) -> __m256 {
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
        let [a, b, c, d, e, f, g, h] = blocks.map(|block| block.cast::<i32>().read_unaligned());
        let both = _mm256_set_epi32(h, g, f, e, d, c, b, a);
        let d = _mm256_and_si256(both, _mm256_set1_epi32(0xffff));
        let both = _mm256_packus_epi32(d, _mm256_srli_epi32::<16>(both));
        let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(both);
        let d = _mm256_cvtph_ps(_mm256_castsi256_si128(both));
        scales(out, 8, d, _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(both)));
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q4_k(blocks: Blocks<144>, out: *mut __m256i, next: usize) {
    // SAFETY: the last 128 bytes are the nibbles of four pairs of groups.
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
        for (i, block) in blocks.iter().enumerate() {
            let (d, min) = scales_and_mins(&**block);
            for group in 0..8 {
                let place = out.add(group * next + 8).cast::<f32>().add(i);
                *place = d[group];
                *place.add(HALF) = -min[group];
            }
        }
    }
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

/// Sixteen bytes of nibbles: the low ones in the lower lane, the high ones in the upper.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn nibbles(bytes: *const u8) -> __m256i {
    // SAFETY: the caller has sixteen bytes there.
    let both = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.cast()) });
    let shifted = _mm256_srlv_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, 4, 4, 4, 4));
    _mm256_and_si256(shifted, _mm256_set1_epi8(0x0f))
}

/// Sixteen in each byte whose bit of the 32 at `bits` is set.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn fifth_bits(bits: *const u8) -> __m256i {
    // SAFETY: the caller has four bytes there.
    let bits = _mm256_set1_epi32(unsafe { bits.cast::<i32>().read_unaligned() });
    let spread =
        _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let single = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let set = _mm256_and_si256(_mm256_shuffle_epi8(bits, spread), single);
    _mm256_and_si256(_mm256_cmpeq_epi8(set, single), _mm256_set1_epi8(16))
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_0(blocks: Blocks<22>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale, four bytes of fifth bits, sixteen of nibbles; the caller owns the registers.
    unsafe {
        let words = blocks.map(|block| {
            let block = block.cast::<u8>();
            widen(_mm256_or_si256(nibbles(block.add(6)), fifth_bits(block.add(2))))
        });
        store_words(words, out);
        let d = halves(blocks, 0);
        scales(out, 16, d, _mm256_mul_ps(d, _mm256_set1_ps(-16.0)));
    }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_1(blocks: Blocks<24>, out: *mut __m256i, _: usize) {
    // SAFETY: a scale, a minimum, four bytes of fifth bits, sixteen of nibbles.
    unsafe {
        let words = blocks.map(|block| {
            let block = block.cast::<u8>();
            widen(_mm256_or_si256(nibbles(block.add(8)), fifth_bits(block.add(4))))
        });
        store_words(words, out);
        scales(out, 16, halves(blocks, 0), halves(blocks, 2));
    }
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

#[target_feature(enable = "avx2,f16c")]
unsafe fn q5_k(blocks: Blocks<176>, out: *mut __m256i, next: usize) {
    // SAFETY: 16 bytes of scales, 32 of fifth bits, 128 of nibbles; the caller owns the registers.
    unsafe {
        let (d, d_min) = (halves(blocks, 0), halves(blocks, 2));
        let small = blocks.map(|block| small_scales(&*block.cast::<u8>().add(4).cast()));
        for group in 0..8 {
            let bit = _mm256_set1_epi8((1u8 << group).cast_signed());
            let words = std::array::from_fn(|i| {
                let block = blocks[i].cast::<u8>();
                let pair = _mm256_loadu_si256(block.add(48 + group / 2 * 32).cast());
                let pair = if group % 2 == 0 { pair } else { _mm256_srli_epi16::<4>(pair) };
                let set = _mm256_and_si256(_mm256_loadu_si256(block.add(16).cast()), bit);
                let high = _mm256_and_si256(_mm256_cmpeq_epi8(set, bit), _mm256_set1_epi8(16));
                let low = _mm256_and_si256(pair, _mm256_set1_epi8(0x0f));
                let scale = _mm256_set1_epi16(i16::from(small[i].0[group]));
                widen(_mm256_or_si256(low, high)).map(|q| _mm256_mullo_epi16(q, scale))
            });
            let out = out.add(group * next);
            store_words(words, out);
            let [a, b, c, e, f, g, h, i] = small.map(|(_, min)| -f32::from(min[group]));
            let min = _mm256_setr_ps(a, b, c, e, f, g, h, i);
            scales(out, 16, d, _mm256_mul_ps(d_min, min));
        }
    }
}

/// The scales and minimums of eight groups, six bits each, from twelve bytes (see `storage::superblock`).
#[inline(always)]
fn small_scales(bytes: &[u8; 12]) -> ([u8; 8], [u8; 8]) {
    let (mut scales, mut mins) = ([0; 8], [0; 8]);
    for i in 0..4 {
        let (s, m, both) = (bytes[i], bytes[4 + i], bytes[8 + i]);
        (scales[i], mins[i]) = (s & 0x3f, m & 0x3f);
        scales[4 + i] = (both & 0x0f) | (s >> 2) & 0x30;
        mins[4 + i] = (both >> 4) | (m >> 2) & 0x30;
    }
    (scales, mins)
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn q6_k(blocks: Blocks<210>, out: *mut __m256i, next: usize) {
    // SAFETY: 128 bytes of nibbles, 64 of pairs of bits, 16 scales, `d`; the caller owns the registers.
    unsafe {
        let d = halves(blocks, 208);
        for run in 0..8 {
            let (half, quarter) = (run / 4, run % 4);
            let words = blocks.map(|block| {
                let block = block.cast::<u8>();
                let low = _mm256_loadu_si256(block.add(half * 64 + quarter % 2 * 32).cast());
                let low = if quarter < 2 { low } else { _mm256_srli_epi16::<4>(low) };
                let high = _mm256_loadu_si256(block.add(128 + half * 32).cast());
                let high = match quarter {
                    0 => _mm256_slli_epi16::<4>(high),
                    1 => _mm256_slli_epi16::<2>(high),
                    2 => high,
                    _ => _mm256_srli_epi16::<2>(high),
                };
                let q = _mm256_or_si256(
                    _mm256_and_si256(low, _mm256_set1_epi8(0x0f)),
                    _mm256_and_si256(high, _mm256_set1_epi8(0x30)),
                );
                let [first, second] = widen(_mm256_sub_epi8(q, _mm256_set1_epi8(32)));
                let scale = |part: usize| {
                    _mm256_set1_epi16(i16::from((*block.add(192 + 2 * run + part)).cast_signed()))
                };
                [_mm256_mullo_epi16(first, scale(0)), _mm256_mullo_epi16(second, scale(1))]
            });
            let out = out.add(run * next);
            store_words(words, out);
            scales(out, 16, d, _mm256_setzero_ps());
        }
    }
}
