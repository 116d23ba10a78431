//! Brings quantised weights into panels of pairs of bf16 for [`super::half`]: what `storage::decode` gives, rounded,
//! without the detour through f32 in memory. Types without a way of their own here go that detour in [`super::half`].
//!
//! A block of four bits has only sixteen values: they are computed and rounded once, and each weight looks its own up,
//! 32 at a time.

use super::Stored;
use crate::storage::{StorageType, lookup::LEVELS};
use std::arch::x86_64::*;

/// Values of a block of all types here.
const BLOCK: usize = 32;
/// Columns of a panel.
const NR: usize = super::NR;

/// Whether this type has a way of its own.
pub(super) fn knows(ty: StorageType) -> bool {
    matches!(ty, StorageType::Q4_0 | StorageType::Q4_1 | StorageType::IQ4NL | StorageType::Q8_0)
}

/// Packs rows `first..first + live` (at most 16; the last again for those past it) over `blocks` blocks from block
/// `from` on: a panel `[16 · blocks, 16]` of neighbours along the row.
///
/// # Safety
/// The processor has AVX-512 BF16 and F16C; rows and blocks lie in the matrix, whose type is one that [`knows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn transposed(
    w: &Stored<'_>,
    first: usize,
    live: usize,
    from: usize,
    blocks: usize,
    panel: &mut [u32],
) {
    let bytes = w.ty.block_bytes();
    let row_bytes = w.cols / BLOCK * bytes;
    assert!(first + live <= w.rows && from + blocks <= w.cols / BLOCK, "half: no such block");
    assert!(live > 0 && panel.len() >= blocks * NR * NR, "half: a panel is too short");
    for block in 0..blocks {
        let start = w.bytes.as_ptr().wrapping_add((from + block) * bytes);
        // SAFETY: the rows and the block exist, and the panel has room for sixteen registers a block.
        unsafe {
            let mut rows = [_mm512_setzero_si512(); NR];
            for (row, values) in rows.iter_mut().enumerate() {
                let block = start.wrapping_add((first + row.min(live - 1)) * row_bytes);
                *values = along(w.ty, block);
            }
            let out = panel.as_mut_ptr().add(block * NR * NR);
            for (i, line) in transpose(rows).into_iter().enumerate() {
                _mm512_storeu_si512(out.add(i * NR).cast(), line);
            }
        }
    }
}

/// Packs one pair of rows of blocks: for block `b` of `first` and `second` (zero where there is none), its 32 columns
/// into the two lines of sixteen at `out[2 · b · next]` and `out[(2 · b + 1) · next]`.
///
/// # Safety
/// As [`transposed`]; both are whole blocks.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn plain_pair(
    ty: StorageType,
    first: &[u8],
    second: Option<&[u8]>,
    out: &mut [u32],
    next: usize,
) {
    let bytes = ty.block_bytes();
    let blocks = first.len() / bytes;
    assert!(second.is_none_or(|second| second.len() == first.len()), "half: rows differ");
    assert!(blocks > 0 && out.len() >= (2 * blocks - 1) * next + NR, "half: no room");
    for block in 0..blocks {
        // SAFETY: the blocks exist, and both lines of sixteen lie in `out`.
        unsafe {
            let low = first.as_ptr().add(block * bytes);
            let high = second.map(|second| second.as_ptr().add(block * bytes));
            let lines = across(ty, low, high);
            for (half, line) in lines.into_iter().enumerate() {
                _mm512_storeu_si512(out.as_mut_ptr().add((2 * block + half) * next).cast(), line);
            }
        }
    }
}

/// The 32 values of a block as pairs of neighbours.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn along(ty: StorageType, block: *const u8) -> __m512i {
    // SAFETY: the caller has a whole block there.
    unsafe {
        if ty == StorageType::Q8_0 {
            let [low, high] = q8_0(block);
            return std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
        }
        let table = nibble_values(ty, block);
        let table: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(table, table));
        let bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(nibbles(ty, block).cast()));
        let both =
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(bytes), _mm256_srli_epi16::<4>(bytes));
        _mm512_permutexvar_epi16(_mm512_and_si512(both, _mm512_set1_epi16(15)), table)
    }
}

/// The 32 columns of a block beside those of the block below it.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn across(ty: StorageType, low: *const u8, high: Option<*const u8>) -> [__m512i; 2] {
    // SAFETY: the caller has whole blocks there.
    unsafe {
        if ty == StorageType::Q8_0 {
            let none = [_mm512_setzero_ps(); 2];
            let (low, high) = (q8_0(low), if let Some(high) = high { q8_0(high) } else { none });
            return [super::half::pairs(low[0], high[0]), super::half::pairs(low[1], high[1])];
        }
        let values = nibble_values(ty, low);
        let below = match high {
            Some(high) => nibble_values(ty, high),
            None => _mm512_setzero_ps(),
        };
        // Words 0 to 15 are the values of the first row, 16 to 31 those of the second.
        let table: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(below, values));
        let bytes =
            |block: *const u8| _mm512_cvtepu8_epi32(_mm_loadu_si128(nibbles(ty, block).cast()));
        let second = _mm512_slli_epi32::<16>(bytes(high.unwrap_or(low)));
        let both = _mm512_or_si512(bytes(low), second);
        let (mask, offset) = (_mm512_set1_epi16(15), _mm512_set1_epi32(16 << 16));
        let look = |nibbles: __m512i| {
            let place = _mm512_or_si512(_mm512_and_si512(nibbles, mask), offset);
            _mm512_permutexvar_epi16(place, table)
        };
        [look(both), look(_mm512_srli_epi16::<4>(both))]
    }
}

/// Where the sixteen bytes of nibbles of a block begin.
#[inline]
fn nibbles(ty: StorageType, block: *const u8) -> *const u8 {
    block.wrapping_add(if ty == StorageType::Q4_1 { 4 } else { 2 })
}

/// The sixteen values that a block of nibbles has.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn nibble_values(ty: StorageType, block: *const u8) -> __m512 {
    let counting = _mm512_setr_ps(
        0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0,
    );
    // SAFETY: the caller has a block of this type there.
    unsafe {
        let d = f16_at(block);
        match ty {
            StorageType::Q4_1 => _mm512_add_ps(_mm512_mul_ps(d, counting), f16_at(block.add(2))),
            StorageType::Q4_0 => _mm512_mul_ps(d, _mm512_sub_ps(counting, _mm512_set1_ps(8.0))),
            _ => _mm512_mul_ps(d, _mm512_loadu_ps(LEVELS.as_ptr())),
        }
    }
}

/// The f16 at a place, in all lanes.
#[inline]
#[target_feature(enable = "f16c,avx512f")]
unsafe fn f16_at(place: *const u8) -> __m512 {
    // SAFETY: the caller has two bytes there.
    let bits = unsafe { place.cast::<u16>().read_unaligned() };
    _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(bits))))
}

/// A block of Q8_0.
#[inline]
#[target_feature(enable = "f16c,avx512f")]
unsafe fn q8_0(block: *const u8) -> [__m512; 2] {
    // SAFETY: a scale and 32 bytes.
    unsafe {
        let d = f16_at(block);
        let sixteen = |at: usize| {
            let bytes = _mm_loadu_si128(block.add(at).cast());
            _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)))
        };
        [sixteen(2), sixteen(18)]
    }
}

/// `out[i]` has lane `i` of all sixteen rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    let r = &rows;
    let mut pairs = rows;
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    let mut fours = rows;
    for i in (0..16).step_by(4) {
        fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    // Quarter `q` of `fours[4 i + c]` has lane `4 q + c` of rows `4 i` to `4 i + 3`.
    let mut out = rows;
    for c in 0..4 {
        let even = [
            _mm512_shuffle_i32x4::<0x88>(fours[c], fours[4 + c]),
            _mm512_shuffle_i32x4::<0x88>(fours[8 + c], fours[12 + c]),
        ];
        let odd = [
            _mm512_shuffle_i32x4::<0xdd>(fours[c], fours[4 + c]),
            _mm512_shuffle_i32x4::<0xdd>(fours[8 + c], fours[12 + c]),
        ];
        out[c] = _mm512_shuffle_i32x4::<0x88>(even[0], even[1]);
        out[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1]);
        out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even[0], even[1]);
        out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd[0], odd[1]);
    }
    out
}
