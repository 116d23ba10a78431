//! The innermost tile of every matrix product in f32: `C[MR, 16] (+)= A[MR, k] · B[k, 16]`.
//! `A` is read in place by broadcast at any strides; `B` is a run of 16 columns with a row stride.
//! One version per instruction set; the plain one is the definition.
//!
//! On AVX2 a tile is two halves of 6 x 16, whose accumulators fill twelve of the sixteen 256-bit registers;
//! two hold the row of `B`, one the broadcast. Per step of `k` that is 12 multiply-adds for 8 loads, which
//! keeps both multiply-add units busy (the first idea of Goto and van de Geijn, 2008, section 4). On AVX-512
//! it is 12 x 16 in twelve of 32 registers, 12 multiply-adds that broadcast as they load, and one load more.

use crate::isa::Isa;

/// Columns of a tile.
pub(crate) const NR: usize = 16;
/// Most rows of a tile.
pub(crate) const MR: usize = 12;
/// Rows of half a tile, all that sixteen registers have room for.
const HALF: usize = MR / 2;
/// How many rows of `B` ahead memory is asked, where they lie far apart.
const AHEAD: usize = 12;

/// One tile: where its operands begin and how they are laid out.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// Length of the sum.
    pub(crate) k: usize,
    /// First element of `A`; element `(i, p)` lies at `a + i·a_row + p·a_col`.
    pub(crate) a: *const f32,
    /// Distance of neighbouring rows of `A`.
    pub(crate) a_row: usize,
    /// Distance of neighbouring columns of `A`.
    pub(crate) a_col: usize,
    /// First element of `B`; element `(p, j)` lies at `b + p·b_row + j`.
    pub(crate) b: *const f32,
    /// Distance of neighbouring rows of `B`.
    pub(crate) b_row: usize,
    /// First element of `C`; element `(i, j)` lies at `c + i·c_row + j`.
    pub(crate) c: *mut f32,
    /// Distance of neighbouring rows of `C`.
    pub(crate) c_row: usize,
    /// Whether the product is added to `C` or replaces it.
    pub(crate) accumulate: bool,
}

/// Computes a tile of `rows` (1 to [`MR`]) by `cols` (1 to 16).
///
/// # Safety
/// All of `A[rows, k]`, `B[k, 16]` (sixteen columns even when `cols` is less) must be readable,
/// `C[rows, cols]` writable and not aliased; `isa` must be available.
pub(crate) unsafe fn tile(isa: Isa, tile: Tile, rows: usize, cols: usize) {
    if cols == NR {
        // SAFETY: the caller's promise.
        unsafe { full(isa, tile, rows) };
        return;
    }
    let mut scratch = [0.0f32; MR * NR];
    let spill = Tile { c: scratch.as_mut_ptr(), c_row: NR, accumulate: false, ..tile };
    // SAFETY: as above, with `C` a local array of MR x NR.
    unsafe { full(isa, spill, rows) };
    for i in 0..rows {
        for j in 0..cols {
            // SAFETY: within `C[rows, cols]`.
            unsafe {
                let c = tile.c.add(i * tile.c_row + j);
                let value = scratch[i * NR + j];
                *c = if tile.accumulate { *c + value } else { value };
            }
        }
    }
}

unsafe fn full(isa: Isa, tile: Tile, rows: usize) {
    // SAFETY: `isa` is available and the operands are as `tile` requires, all of the tile or half of it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if isa >= Isa::Avx512 {
            avx512_rows(tile, rows);
            return;
        }
        for from in (0..rows).step_by(HALF) {
            let half = Tile {
                a: tile.a.wrapping_add(from * tile.a_row),
                c: tile.c.wrapping_add(from * tile.c_row),
                ..tile
            };
            self::half(isa, half, HALF.min(rows - from));
        }
    }
}

unsafe fn half(isa: Isa, tile: Tile, rows: usize) {
    // SAFETY: as in `full`.
    unsafe {
        match (isa, rows) {
            (Isa::Portable, 6) => plain::<6>(tile),
            (Isa::Portable, 5) => plain::<5>(tile),
            (Isa::Portable, 4) => plain::<4>(tile),
            (Isa::Portable, 3) => plain::<3>(tile),
            (Isa::Portable, 2) => plain::<2>(tile),
            (Isa::Portable, _) => plain::<1>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, 6) => avx2::<6>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, 5) => avx2::<5>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, 4) => avx2::<4>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, 3) => avx2::<3>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, 2) => avx2::<2>(tile),
            #[cfg(target_arch = "x86_64")]
            (_, _) => avx2::<1>(tile),
            #[cfg(not(target_arch = "x86_64"))]
            _ => unreachable!("{isa:?} is not on this processor"),
        }
    }
}

unsafe fn plain<const ROWS: usize>(t: Tile) {
    let mut sums = [[0.0f32; NR]; ROWS];
    for p in 0..t.k {
        // SAFETY: `B[k, 16]` and `A[rows, k]` are readable.
        unsafe {
            let b = &*(t.b.add(p * t.b_row).cast::<[f32; NR]>());
            for (i, row) in sums.iter_mut().enumerate() {
                let a = *t.a.add(i * t.a_row + p * t.a_col);
                for (sum, b) in row.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
    }
    for (i, row) in sums.iter().enumerate() {
        // SAFETY: `C[rows, 16]` is writable.
        let c = unsafe { &mut *(t.c.add(i * t.c_row).cast::<[f32; NR]>()) };
        for (c, sum) in c.iter_mut().zip(row) {
            *c = if t.accumulate { *c + sum } else { *sum };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const ROWS: usize>(t: Tile) {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm256_add_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    };
    for i in 0..ROWS {
        // The rows of C lie far apart: ask for them now, so that they are there after the sum.
        let c = t.c.wrapping_add(i * t.c_row).cast::<i8>();
        _mm_prefetch::<_MM_HINT_T0>(c);
        _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(60));
    }
    // SAFETY: the caller's promise.
    let sums = unsafe {
        match t.a_col {
            1 => avx2_sum::<ROWS, 1>(t),
            MR => avx2_sum::<ROWS, MR>(t),
            _ => avx2_sum::<ROWS, 0>(t),
        }
    };
    for (i, sum) in sums.iter().enumerate() {
        // SAFETY: `C[rows, 16]` is writable.
        unsafe {
            let c = t.c.add(i * t.c_row);
            let (mut low, mut high) = (sum[0], sum[1]);
            if t.accumulate {
                low = _mm256_add_ps(_mm256_loadu_ps(c), low);
                high = _mm256_add_ps(_mm256_loadu_ps(c.add(8)), high);
            }
            _mm256_storeu_ps(c, low);
            _mm256_storeu_ps(c.add(8), high);
        }
    }
}

/// The sums of a tile. `COL` is the distance of neighbouring columns of `A` where it is known when this is
/// compiled, so that four steps share their addresses; 0 elsewhere.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn avx2_sum<const ROWS: usize, const COL: usize>(
    t: Tile,
) -> [[std::arch::x86_64::__m256; 2]; ROWS] {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_setzero_ps,
    };
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let a_col = if COL == 0 { t.a_col } else { COL };
    // Two pointers three rows apart reach six rows with the scaled offsets of an x86 address.
    let (mut upper, mut lower) = (t.a, t.a.wrapping_add(3 * t.a_row));
    let mut b = t.b;
    let far = t.b_row != NR;
    let mut step = |upper: *const f32, lower: *const f32, b: *const f32| {
        if far {
            // Rows of B that lie far apart: no processor foresees the next.
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * t.b_row).cast());
        }
        // SAFETY: `B[k, 16]` and `A[rows, k]` are readable; the pointers stay among their `k` columns.
        unsafe {
            let b0 = _mm256_loadu_ps(b);
            let b1 = _mm256_loadu_ps(b.add(8));
            for (i, sum) in sums.iter_mut().enumerate() {
                let row = if i < 3 { upper.add(i * t.a_row) } else { lower.add((i - 3) * t.a_row) };
                let a = _mm256_broadcast_ss(&*row);
                sum[0] = _mm256_fmadd_ps(a, b0, sum[0]);
                sum[1] = _mm256_fmadd_ps(a, b1, sum[1]);
            }
        }
    };
    for _ in 0..t.k / 4 {
        for i in 0..4 {
            let (a, b) = (i * a_col, b.wrapping_add(i * t.b_row));
            step(upper.wrapping_add(a), lower.wrapping_add(a), b);
        }
        upper = upper.wrapping_add(4 * a_col);
        lower = lower.wrapping_add(4 * a_col);
        b = b.wrapping_add(4 * t.b_row);
    }
    for i in 0..t.k % 4 {
        let (a, b) = (i * a_col, b.wrapping_add(i * t.b_row));
        step(upper.wrapping_add(a), lower.wrapping_add(a), b);
    }
    sums
}

#[cfg(target_arch = "x86_64")]
unsafe fn avx512_rows(tile: Tile, rows: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            12 => avx512::<12>(tile),
            11 => avx512::<11>(tile),
            10 => avx512::<10>(tile),
            9 => avx512::<9>(tile),
            8 => avx512::<8>(tile),
            7 => avx512::<7>(tile),
            6 => avx512::<6>(tile),
            5 => avx512::<5>(tile),
            4 => avx512::<4>(tile),
            3 => avx512::<3>(tile),
            2 => avx512::<2>(tile),
            _ => avx512::<1>(tile),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const ROWS: usize>(t: Tile) {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    };
    for i in 0..ROWS {
        let c = t.c.wrapping_add(i * t.c_row).cast::<i8>();
        _mm_prefetch::<_MM_HINT_T0>(c);
        _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(60));
    }
    // SAFETY: the caller's promise.
    let sums = unsafe {
        match t.a_col {
            1 => avx512_sum::<ROWS, 1>(t),
            MR => avx512_sum::<ROWS, MR>(t),
            _ => avx512_sum::<ROWS, 0>(t),
        }
    };
    for (i, sum) in sums.into_iter().enumerate() {
        // SAFETY: `C[rows, 16]` is writable.
        unsafe {
            let c = t.c.add(i * t.c_row);
            let sum = if t.accumulate { _mm512_add_ps(_mm512_loadu_ps(c), sum) } else { sum };
            _mm512_storeu_ps(c, sum);
        }
    }
}

/// The sums of a tile, as [`avx2_sum`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn avx512_sum<const ROWS: usize, const COL: usize>(
    t: Tile,
) -> [std::arch::x86_64::__m512; ROWS] {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
        _mm512_setzero_ps,
    };
    let mut sums = [_mm512_setzero_ps(); ROWS];
    let a_col = if COL == 0 { t.a_col } else { COL };
    // Four pointers three rows apart reach twelve rows with the scaled offsets of an x86 address.
    let mut a: [*const f32; MR / 3] = std::array::from_fn(|i| t.a.wrapping_add(3 * i * t.a_row));
    let mut b = t.b;
    let far = t.b_row != NR;
    let mut step = |a: &[*const f32; MR / 3], ahead: usize, b: *const f32| {
        if far {
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(AHEAD * t.b_row).cast());
        }
        // SAFETY: `B[k, 16]` and `A[rows, k]` are readable; the pointers stay among their `k` columns.
        unsafe {
            let b = _mm512_loadu_ps(b);
            for (i, sum) in sums.iter_mut().enumerate() {
                let value = *a[i / 3].wrapping_add(i % 3 * t.a_row + ahead);
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(value), b, *sum);
            }
        }
    };
    for _ in 0..t.k / 4 {
        for i in 0..4 {
            step(&a, i * a_col, b.wrapping_add(i * t.b_row));
        }
        a = a.map(|a| a.wrapping_add(4 * a_col));
        b = b.wrapping_add(4 * t.b_row);
    }
    for i in 0..t.k % 4 {
        step(&a, i * a_col, b.wrapping_add(i * t.b_row));
    }
    sums
}
