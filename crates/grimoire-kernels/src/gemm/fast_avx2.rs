//! The integer dot products of [`super::fast`] for AVX2, one row of W with one to four rows of activations.
//!
//! 32 weights are unpacked to bytes once; `maddubs` multiplies unsigned by signed bytes and adds neighbours
//! in 16 bits (at most 2 · 127 · 128, which fits), `madd` by ones adds pairs to 32 bits, and one
//! multiply-add in f32 applies the product of the two scales. Minimums meet `s`, the sum of the activations
//! of the block, so they cost nothing per value.

use super::activations::{Activations, BLOCK};
use crate::storage::{StorageType, scales_and_mins};
use std::arch::x86_64::*;

/// The dot products of a row of `W` with `together` (1 to 4) rows of `a` from `first` on; the rest is zero.
///
/// # Safety
/// AVX2, FMA and F16C must be there, `bytes` be a row of `a.width` values of type `ty`, and the rows exist.
#[inline]
pub(super) unsafe fn row(
    ty: StorageType,
    bytes: &[u8],
    a: &Activations,
    first: usize,
    together: usize,
) -> [f32; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        match together {
            1 => of_type::<1>(ty, bytes, a, first),
            2 => of_type::<2>(ty, bytes, a, first),
            3 => of_type::<3>(ty, bytes, a, first),
            _ => of_type::<4>(ty, bytes, a, first),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn of_type<const M: usize>(
    ty: StorageType,
    bytes: &[u8],
    a: &Activations,
    first: usize,
) -> [f32; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        match ty {
            StorageType::Q4_0 => q4_0::<M>(bytes, a, first),
            StorageType::Q4_1 => q4_1::<M>(bytes, a, first),
            StorageType::Q8_0 => q8_0::<M>(bytes, a, first),
            StorageType::Q4K => q4_k::<M>(bytes, a, first),
            StorageType::Q5K => q5_k::<M>(bytes, a, first),
            StorageType::Q6K => q6_k::<M>(bytes, a, first),
            _ => unreachable!("{ty} has no integer kernel"),
        }
    }
}

/// Where the `M` rows of activations begin.
#[derive(Clone, Copy)]
struct Rows<const M: usize> {
    q: [*const i8; M],
    d: [*const f32; M],
    s: [*const f32; M],
    pairs: [*const f32; M],
}

impl<const M: usize> Rows<M> {
    #[inline(always)]
    fn of(a: &Activations, first: usize) -> Self {
        let blocks = a.width / BLOCK;
        assert!((first + M) * blocks <= a.d.len(), "a row of activations that is not there");
        let at = |row: usize| (first + row) * blocks;
        Self {
            q: std::array::from_fn(|row| a.q[at(row) * BLOCK..].as_ptr()),
            d: std::array::from_fn(|row| a.d[at(row)..].as_ptr()),
            s: std::array::from_fn(|row| a.s[at(row)..].as_ptr()),
            pairs: std::array::from_fn(|row| a.pairs[at(row)..].as_ptr().cast()),
        }
    }

    /// The 32 bytes of block `block` of row `row`.
    #[inline(always)]
    unsafe fn bytes(&self, row: usize, block: usize) -> __m256i {
        // SAFETY: the caller stays within the row.
        unsafe { _mm256_loadu_si256(self.q[row].add(block * BLOCK).cast()) }
    }
}

/// `Σ w x` in eight lanes of four neighbours each: unsigned by signed bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn dot_unsigned(w: __m256i, x: __m256i) -> __m256 {
    let pairs = _mm256_maddubs_epi16(w, x);
    _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// `Σ w x` in eight lanes: both signed (the sign of `w` moves to `x`).
#[inline]
#[target_feature(enable = "avx2")]
fn dot_signed(w: __m256i, x: __m256i) -> __m256 {
    dot_unsigned(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
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

/// The sum of eight lanes, in a fixed order.
#[inline]
#[target_feature(enable = "avx2")]
fn sum(x: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// The second lane.
#[inline]
#[target_feature(enable = "avx2")]
fn second(x: __m128) -> f32 {
    _mm_cvtss_f32(_mm_movehdup_ps(x))
}

/// `d` and, with `BOTH`, the minimum after it, in the two lowest lanes; else `d` twice.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn halves<const BOTH: bool>(bytes: *const u8) -> __m128 {
    // SAFETY: the caller has two bytes there, four with `BOTH`.
    unsafe {
        let halves = if BOTH {
            _mm_cvtsi32_si128(bytes.cast::<i32>().read_unaligned())
        } else {
            _mm_set1_epi16(bytes.cast::<i16>().read_unaligned())
        };
        _mm_cvtph_ps(halves)
    }
}

/// One block of 32: adds `d_w d_x · Σ q_w q_x` to `sums`, and `min s` to the second lane of `mins`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_block<const M: usize>(
    rows: &Rows<M>,
    block: usize,
    scale: __m128,
    dot: impl Fn(__m256i) -> __m256,
    sums: &mut [__m256; M],
    mins: &mut [__m128; M],
) {
    let d_w = _mm256_broadcastss_ps(scale);
    for row in 0..M {
        // SAFETY: the caller stays within the row.
        unsafe {
            let pair = _mm_castpd_ps(_mm_load_sd(rows.pairs[row].add(2 * block).cast()));
            mins[row] = _mm_fmadd_ps(scale, pair, mins[row]);
            let scales = _mm256_mul_ps(d_w, _mm256_broadcast_ss(&*rows.d[row].add(block)));
            let x = rows.bytes(row, block);
            sums[row] = _mm256_fmadd_ps(scales, dot(x), sums[row]);
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_0<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    let rows = Rows::<M>::of(a, first);
    let (mut sums, mut mins) = ([_mm256_setzero_ps(); M], [_mm_setzero_ps(); M]);
    for (block, bytes) in bytes.as_chunks::<18>().0.iter().enumerate() {
        // SAFETY: a block of 18 bytes, and as many blocks of activations.
        unsafe {
            let w = nibbles(bytes.as_ptr().add(2));
            let scale = halves::<false>(bytes.as_ptr());
            add_block(&rows, block, scale, |x| dot_unsigned(w, x), &mut sums, &mut mins);
        }
    }
    let mut out = [0.0; 4];
    for row in 0..M {
        out[row] = sum(sums[row]) - 8.0 * second(mins[row]);
    }
    out
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_1<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    let rows = Rows::<M>::of(a, first);
    let (mut sums, mut mins) = ([_mm256_setzero_ps(); M], [_mm_setzero_ps(); M]);
    for (block, bytes) in bytes.as_chunks::<20>().0.iter().enumerate() {
        // SAFETY: a block of 20 bytes, and as many blocks of activations.
        unsafe {
            let w = nibbles(bytes.as_ptr().add(4));
            let scale = halves::<true>(bytes.as_ptr());
            add_block(&rows, block, scale, |x| dot_unsigned(w, x), &mut sums, &mut mins);
        }
    }
    let mut out = [0.0; 4];
    for row in 0..M {
        out[row] = sum(sums[row]) + second(mins[row]);
    }
    out
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q8_0<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    let rows = Rows::<M>::of(a, first);
    let (mut sums, mut mins) = ([_mm256_setzero_ps(); M], [_mm_setzero_ps(); M]);
    for (block, bytes) in bytes.as_chunks::<34>().0.iter().enumerate() {
        // SAFETY: a block of 34 bytes, and as many blocks of activations.
        unsafe {
            let w = _mm256_loadu_si256(bytes.as_ptr().add(2).cast());
            let scale = halves::<false>(bytes.as_ptr());
            add_block(&rows, block, scale, |x| dot_signed(w, x), &mut sums, &mut mins);
        }
    }
    let mut out = [0.0; 4];
    for row in 0..M {
        out[row] = sum(sums[row]);
    }
    out
}

/// Eight groups of 32 with scale and minimum each; `group(bytes, i)` unpacks group `i`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn eight_groups<const M: usize, const B: usize>(
    bytes: &[u8],
    a: &Activations,
    first: usize,
    group: impl Fn(&[u8; B], usize) -> __m256i,
) -> [f32; 4] {
    let rows = Rows::<M>::of(a, first);
    let (mut sums, mut mins) = ([_mm256_setzero_ps(); M], [_mm256_setzero_ps(); M]);
    for (index, block) in bytes.as_chunks::<B>().0.iter().enumerate() {
        let (scales, minimums) = scales_and_mins(block);
        let mut factors = [[0.0f32; 8]; M];
        // SAFETY: eight groups of activations belong to each block.
        unsafe {
            let scales = _mm256_loadu_ps(scales.as_ptr());
            let minimums = _mm256_loadu_ps(minimums.as_ptr());
            for row in 0..M {
                let d = _mm256_loadu_ps(rows.d[row].add(8 * index));
                let s = _mm256_loadu_ps(rows.s[row].add(8 * index));
                _mm256_storeu_ps(factors[row].as_mut_ptr(), _mm256_mul_ps(scales, d));
                mins[row] = _mm256_fmadd_ps(minimums, s, mins[row]);
            }
            for i in 0..8 {
                let w = group(block, i);
                for (row, (sum, factors)) in sums.iter_mut().zip(&factors).enumerate() {
                    let dot = dot_unsigned(w, rows.bytes(row, 8 * index + i));
                    *sum = _mm256_fmadd_ps(_mm256_set1_ps(factors[i]), dot, *sum);
                }
            }
        }
    }
    let mut out = [0.0; 4];
    for row in 0..M {
        out[row] = sum(sums[row]) - sum(mins[row]);
    }
    out
}

/// The nibbles of group `i` of a K block whose 128 bytes of nibbles begin at `bytes`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn group_nibbles(bytes: *const u8, i: usize) -> __m256i {
    // SAFETY: the caller has 128 bytes there, and `i` is below eight.
    let pair = unsafe { _mm256_loadu_si256(bytes.add(i / 2 * 32).cast()) };
    let pair = if i.is_multiple_of(2) { pair } else { _mm256_srli_epi16::<4>(pair) };
    _mm256_and_si256(pair, _mm256_set1_epi8(0x0f))
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q4_k<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    // SAFETY: a block is 144 bytes, its nibbles the last 128.
    unsafe {
        eight_groups::<M, 144>(bytes, a, first, |block, i| group_nibbles(block.as_ptr().add(16), i))
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q5_k<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    // SAFETY: a block is 176 bytes: 16 of scales, 32 of fifth bits, 128 of nibbles.
    unsafe {
        eight_groups::<M, 176>(bytes, a, first, |block, i| {
            let fifth = _mm256_loadu_si256(block.as_ptr().add(16).cast());
            let bit = _mm256_set1_epi8((1u8 << i).cast_signed());
            let set = _mm256_cmpeq_epi8(_mm256_and_si256(fifth, bit), bit);
            let high = _mm256_and_si256(set, _mm256_set1_epi8(16));
            _mm256_or_si256(group_nibbles(block.as_ptr().add(48), i), high)
        })
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn q6_k<const M: usize>(bytes: &[u8], a: &Activations, first: usize) -> [f32; 4] {
    let rows = Rows::<M>::of(a, first);
    let mut sums = [_mm256_setzero_ps(); M];
    for (index, block) in bytes.as_chunks::<210>().0.iter().enumerate() {
        // SAFETY: 128 bytes of nibbles, 64 of pairs of bits, 16 scales, `d`; eight groups of activations.
        unsafe {
            let d = _mm_cvtss_f32(halves::<false>(block.as_ptr().add(208)));
            for run in 0..8 {
                let (half, quarter) = (run / 4, run % 4);
                let low = block.as_ptr().add(half * 64 + quarter % 2 * 32);
                let low = _mm256_loadu_si256(low.cast());
                let low = if quarter < 2 { low } else { _mm256_srli_epi16::<4>(low) };
                let high = _mm256_loadu_si256(block.as_ptr().add(128 + half * 32).cast());
                let high = match quarter {
                    0 => _mm256_slli_epi16::<4>(high),
                    1 => _mm256_slli_epi16::<2>(high),
                    2 => high,
                    _ => _mm256_srli_epi16::<2>(high),
                };
                let w = _mm256_or_si256(
                    _mm256_and_si256(low, _mm256_set1_epi8(0x0f)),
                    _mm256_and_si256(high, _mm256_set1_epi8(0x30)),
                );
                let w = _mm256_sub_epi8(w, _mm256_set1_epi8(32));
                // The lower lane holds sixteen values of one group, the upper those of the next.
                let scale = |part: usize| d * f32::from(block[192 + 2 * run + part].cast_signed());
                let scales = _mm256_set_m128(_mm_set1_ps(scale(1)), _mm_set1_ps(scale(0)));
                for (row, sum) in sums.iter_mut().enumerate() {
                    let d_x = _mm256_set1_ps(*rows.d[row].add(8 * index + run));
                    let dot = dot_signed(w, rows.bytes(row, 8 * index + run));
                    *sum = _mm256_fmadd_ps(_mm256_mul_ps(scales, d_x), dot, *sum);
                }
            }
        }
    }
    let mut out = [0.0; 4];
    for row in 0..M {
        out[row] = sum(sums[row]);
    }
    out
}
