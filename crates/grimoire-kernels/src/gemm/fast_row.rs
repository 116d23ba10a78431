//! One row of activations and a quantised weight on AVX2, as in generation: what [`super::fast_pack`] would unpack
//! into a panel is multiplied where it is unpacked. The bits are those of [`super::fast_avx2`]: integers are exact in
//! any order, and blocks are added in the same one.
//!
//! Nibbles are transposed as for a panel, so that sums stay in their lanes. Eight-bit weights are multiplied column by
//! column, `|w| · ±x` in pairs, which is at most 2 · 128 · 127 and fits in 16 bits, and eight columns are added across
//! lanes together.

use super::Stored;
use super::activations::{BLOCK, Rows};
use super::fast_avx2::add_block;
use super::fast_pack::{
    Blocks, HALF, four_by_eight, halves, negative, q4_1_scales, q6_k_scales, small_scales,
};
use super::fast_share::{COLS, ask};
use crate::storage::StorageType;
use std::arch::x86_64::*;

/// Whether there is such a kernel.
pub(super) fn suits(ty: StorageType) -> bool {
    matches!(
        ty,
        StorageType::Q4_0
            | StorageType::Q4_1
            | StorageType::Q4K
            | StorageType::Q6K
            | StorageType::Q8_0
    )
}

/// What one row gives: columns `col..` of `C`, of which `live` exist.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) c: *mut f32,
    pub(super) live: usize,
    pub(super) accumulate: bool,
}

/// `C[1, 16] (+)= A · Wᵀ` for columns `col..col + 16`; meanwhile the bytes `ahead` are asked for.
///
/// # Safety
/// AVX2, FMA and F16C must be there; the type [`suits`], `col` lies in the matrix, `a` has a row of its width, and the
/// place is writable.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn multiply(w: &Stored<'_>, col: usize, a: Rows, ahead: &[u8], place: Place) {
    // SAFETY: the caller's promise.
    unsafe {
        match w.ty {
            StorageType::Q4_0 => each::<18, 1>(w, col, a, ahead, place, q4_0),
            StorageType::Q4_1 => each::<20, 1>(w, col, a, ahead, place, q4_1),
            StorageType::Q4K => each::<144, 8>(w, col, a, ahead, place, q4_k),
            StorageType::Q6K => each::<210, 8>(w, col, a, ahead, place, q6_k),
            StorageType::Q8_0 => each::<34, 1>(w, col, a, ahead, place, q8_0),
            _ => unreachable!("{} has no kernel for one row", w.ty),
        }
    }
}

/// Calls `add(blocks, x, sum)` for each block of `B` bytes (`GROUPS` times 32 values) of each half; `x` begins there.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn each<const B: usize, const GROUPS: usize>(
    w: &Stored<'_>,
    col: usize,
    a: Rows,
    ahead: &[u8],
    place: Place,
    add: unsafe fn(Blocks<B>, Row, __m256) -> __m256,
) {
    let blocks = w.cols / BLOCK / GROUPS;
    let row_bytes = blocks * B;
    assert!(w.bytes.len() == w.rows * row_bytes && col < w.rows, "no such column");
    let mut edge = [0.0f32; COLS];
    let target = if place.live >= COLS { place.c } else { edge.as_mut_ptr() };
    let live = place.live.min(COLS);
    // SAFETY: sixteen values at `target`; blocks lie within the bytes, as checked above.
    unsafe {
        if place.accumulate && place.live < COLS {
            place.c.copy_to_nonoverlapping(target, live);
        }
        let mut sums = [_mm256_setzero_ps(); 2];
        if place.accumulate {
            sums = [_mm256_loadu_ps(target), _mm256_loadu_ps(target.add(HALF))];
        }
        let mut rows = [[w.bytes.as_ptr(); HALF]; 2];
        for (i, row) in rows.as_flattened_mut().iter_mut().enumerate() {
            *row = row.add((col + i).min(w.rows - 1) * row_bytes);
        }
        for block in 0..blocks {
            ask(ahead, block, B);
            for (rows, sum) in rows.iter_mut().zip(&mut sums) {
                let x = Row { a, block: block * GROUPS };
                *sum = add(rows.map(<*const u8>::cast), x, *sum);
                for row in rows {
                    *row = row.add(B);
                }
            }
        }
        _mm256_storeu_ps(target, sums[0]);
        _mm256_storeu_ps(target.add(HALF), sums[1]);
        if place.live < COLS {
            place.c.copy_from_nonoverlapping(target, live);
        }
    }
}

/// The row of activations, from some block on.
#[derive(Clone, Copy)]
struct Row {
    a: Rows,
    block: usize,
}

impl Row {
    /// The integers of the block `ahead` of this one.
    ///
    /// # Safety
    /// It exists.
    #[inline(always)]
    unsafe fn integers(self, ahead: usize) -> *const i8 {
        // SAFETY: the caller's promise.
        unsafe { self.a.q.add((self.block + ahead) * BLOCK) }
    }

    /// What the block `ahead` of this one adds, with the arithmetic of the panels.
    ///
    /// # Safety
    /// The block exists.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn add(self, ahead: usize, dot: __m256i, d: __m256, min: __m256, sum: __m256) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { add_block(&self.a, 0, self.block + ahead, dot, d, min, sum) }
    }
}

/// Four bytes of each column by four values of the row, in 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products(nibbles: __m256i, x: *const i8) -> __m256i {
    // SAFETY: the caller has four values there.
    _mm256_maddubs_epi16(nibbles, _mm256_set1_epi32(unsafe { x.cast::<i32>().read_unaligned() }))
}

/// Sums of products of the low and of the high nibbles of sixteen bytes of each column, in 16 bits, with the values at
/// `low` and at `high`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn nibbles(bytes: [__m256i; 4], low: *const i8, high: *const i8) -> [__m256i; 2] {
    let mask = _mm256_set1_epi8(0x0f);
    let mut sums = [_mm256_setzero_si256(); 2];
    for (quad, bytes) in bytes.into_iter().enumerate() {
        // SAFETY: the caller has sixteen values on either side.
        let (first, second) = unsafe {
            (
                products(_mm256_and_si256(bytes, mask), low.add(4 * quad)),
                products(_mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask), high.add(4 * quad)),
            )
        };
        sums[0] = _mm256_add_epi16(sums[0], first);
        sums[1] = _mm256_add_epi16(sums[1], second);
    }
    sums
}

/// Neighbours of 16 bits, added.
#[inline]
#[target_feature(enable = "avx2")]
fn in_32_bits(x: __m256i) -> __m256i {
    _mm256_madd_epi16(x, _mm256_set1_epi16(1))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_0(blocks: Blocks<18>, x: Row, sum: __m256) -> __m256 {
    // SAFETY: a scale and sixteen bytes of nibbles; the caller has a block of the row.
    unsafe {
        let q = x.integers(0);
        let [low, high] = nibbles(four_by_eight(blocks, 2), q, q.add(16));
        let d = halves(blocks, 0);
        let min = _mm256_mul_ps(d, _mm256_set1_ps(-8.0));
        x.add(0, in_32_bits(_mm256_add_epi16(low, high)), d, min, sum)
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_1(blocks: Blocks<20>, x: Row, sum: __m256) -> __m256 {
    // SAFETY: a scale, a minimum, and sixteen bytes of nibbles; the caller has a block of the row.
    unsafe {
        let q = x.integers(0);
        let [low, high] = nibbles(four_by_eight(blocks, 4), q, q.add(16));
        let (d, min) = q4_1_scales(blocks);
        x.add(0, in_32_bits(_mm256_add_epi16(low, high)), d, min, sum)
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_k(blocks: Blocks<144>, x: Row, mut sum: __m256) -> __m256 {
    // SAFETY: `d`, `dmin`, twelve bytes of small scales, and 128 of the nibbles of four pairs of groups; the caller has
    // eight blocks of the row.
    unsafe {
        let (d, d_min) = (halves(blocks, 0), negative(halves(blocks, 2)));
        let packed = four_by_eight(blocks, 4);
        for pair in 0..4 {
            let (low, high) = (x.integers(2 * pair), x.integers(2 * pair + 1));
            let at = 16 + 32 * pair;
            let first = nibbles(four_by_eight(blocks, at), low, high);
            let second = nibbles(four_by_eight(blocks, at + 16), low.add(16), high.add(16));
            for (i, (first, second)) in first.into_iter().zip(second).enumerate() {
                let group = 2 * pair + i;
                let (scale, min) = small_scales(packed, group);
                let d = _mm256_mul_ps(d, _mm256_cvtepi32_ps(scale));
                let min = _mm256_mul_ps(d_min, _mm256_cvtepi32_ps(min));
                sum = x.add(group, in_32_bits(_mm256_add_epi16(first, second)), d, min, sum);
            }
        }
        sum
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q6_k(blocks: Blocks<210>, x: Row, mut sum: __m256) -> __m256 {
    let mask = _mm256_set1_epi8(0x30);
    // SAFETY: 128 bytes of nibbles, 64 of pairs of bits, 16 scales, `d`; the caller has eight blocks of the row.
    unsafe {
        let (d, small) = (halves(blocks, 208), four_by_eight(blocks, 192));
        for half in 0..2 {
            // Of four runs of 32 values.
            let mut dots = [_mm256_setzero_si256(); 4];
            for upper in 0..2 {
                let pairs = four_by_eight(blocks, 128 + 32 * half + 16 * upper);
                for column in 0..2 {
                    let nibbles = four_by_eight(blocks, 64 * half + 32 * column + 16 * upper);
                    let [mut low, mut high] = [nibbles; 2];
                    for (quad, nibbles) in nibbles.into_iter().enumerate() {
                        let [first, second] = if column == 0 {
                            [_mm256_slli_epi16::<4>(pairs[quad]), pairs[quad]]
                        } else {
                            [
                                _mm256_slli_epi16::<2>(pairs[quad]),
                                _mm256_srli_epi16::<2>(pairs[quad]),
                            ]
                        };
                        let [first, second] =
                            [first, second].map(|bits| _mm256_and_si256(bits, mask));
                        let lower = _mm256_set1_epi8(0x0f);
                        low[quad] = _mm256_or_si256(_mm256_and_si256(nibbles, lower), first);
                        let nibbles = _mm256_srli_epi16::<4>(nibbles);
                        high[quad] = _mm256_or_si256(_mm256_and_si256(nibbles, lower), second);
                    }
                    for (run, bytes) in [(column, low), (2 + column, high)] {
                        let q = x.integers(4 * half + run).add(16 * upper);
                        let scale = q6_k_scales(small, 4 * half + run)[upper];
                        // Two products of a lane fit in 16 bits, four do not.
                        for two in 0..2 {
                            let at = 2 * two;
                            let pair = _mm256_add_epi16(
                                products(bytes[at], q.add(4 * at)),
                                products(bytes[at + 1], q.add(4 * at + 4)),
                            );
                            let pair = _mm256_madd_epi16(pair, scale);
                            dots[run] = _mm256_add_epi32(dots[run], pair);
                        }
                    }
                }
            }
            for (run, dot) in dots.into_iter().enumerate() {
                let run = 4 * half + run;
                let [.., offset] = q6_k_scales(small, run);
                let totals = x.a.halves.add(x.block + run).cast::<i32>().read_unaligned();
                let offset = _mm256_madd_epi16(offset, _mm256_set1_epi32(totals));
                sum = x.add(run, _mm256_add_epi32(dot, offset), d, _mm256_setzero_ps(), sum);
            }
        }
        sum
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q8_0(blocks: Blocks<34>, x: Row, sum: __m256) -> __m256 {
    // SAFETY: a scale and 32 bytes; the caller has a block of the row.
    unsafe {
        let q = _mm256_loadu_si256(x.integers(0).cast());
        let mut dots = [_mm256_setzero_si256(); HALF];
        for (dot, block) in dots.iter_mut().zip(blocks) {
            let w = _mm256_loadu_si256(block.cast::<u8>().add(2).cast());
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q, w));
            *dot = in_32_bits(pairs);
        }
        let [a, b, c, d, e, f, g, h] = dots;
        // Each half of `low` has a part of the sums of `a` to `d`, of `high` of `e` to `h`.
        let low = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        let high = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
        let crossed = _mm256_permute2x128_si256::<0x21>(low, high);
        let dot = _mm256_add_epi32(_mm256_blend_epi32::<0xf0>(low, high), crossed);
        x.add(0, dot, halves(blocks, 0), _mm256_setzero_ps(), sum)
    }
}
