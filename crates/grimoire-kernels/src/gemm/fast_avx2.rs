//! The tile of [`super::fast`] for AVX2: a panel of 16 columns meets one to four rows of activations.
//!
//! A 32-bit lane (nibbles) or a 64-bit lane (words) of a panel holds four neighbours along `k` of one column, and
//! four values of a row are broadcast to all lanes, so that no sum ever runs across lanes. Nibbles: `maddubs`
//! multiplies unsigned by signed bytes and adds neighbours in 16 bits; a block of 32 puts eight such sums of
//! at most 2 · 15 · 127 into a lane, 30,480 in all, which fits. Words: `madd` adds neighbours in 32 bits, at
//! most 32 · 4,096 · 127 < 2²⁴, so that the change to f32 is exact. Once a block, the sum meets the scales.

use super::activations::{Activations, BLOCK};
use std::arch::x86_64::*;

/// Columns of a panel: two halves of eight.
pub(super) const COLS: usize = 16;
/// Most rows of `A` in a tile.
pub(super) const TOGETHER: usize = 4;
/// Groups of four values in a block.
const QUADS: usize = BLOCK / 4;

/// Where rows of activations begin, at some block.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    q: *const i8,
    wide: *const i16,
    d: *const f32,
    totals: *const f32,
    /// Values of a row.
    width: usize,
}

impl Rows {
    /// From row `row` and block `block` on.
    pub(super) fn of(a: &Activations, row: usize, block: usize) -> Self {
        let at = row * (a.width / BLOCK) + block;
        Self {
            q: a.q[at * BLOCK..].as_ptr(),
            wide: a.wide.get(at * BLOCK..).unwrap_or_default().as_ptr(),
            d: a.d[at..].as_ptr(),
            totals: a.totals[at..].as_ptr(),
            width: a.width,
        }
    }
}

/// `C[rows, 16] (+)= A · panel` for `rows` of 1 to 4 and `blocks` blocks; of `C` the first `live` columns exist.
///
/// # Safety
/// AVX2 and FMA must be there; the panel holds `blocks` blocks, `A` the rows and blocks, and `C[rows, live]` is
/// writable with rows `c_row` apart.
#[expect(clippy::too_many_arguments, reason = "a tile of a matrix product has as many")]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply(
    wide: bool,
    panel: &[__m256i],
    blocks: usize,
    a: Rows,
    rows: usize,
    c: *mut f32,
    c_row: usize,
    live: usize,
    accumulate: bool,
) {
    let mut edge = [0.0f32; TOGETHER * COLS];
    let full = live >= COLS;
    let (target, row) = if full { (c, c_row) } else { (edge.as_mut_ptr(), COLS) };
    // SAFETY: the caller's promise; the edge holds four rows of sixteen.
    unsafe {
        if !full && accumulate {
            for i in 0..rows {
                c.add(i * c_row).copy_to_nonoverlapping(edge.as_mut_ptr().add(i * COLS), live);
            }
        }
        let panel = panel.as_ptr();
        match (wide, rows) {
            (false, 1) => nibbles::<1>(panel, blocks, a, target, row, accumulate),
            (false, 2) => nibbles::<2>(panel, blocks, a, target, row, accumulate),
            (false, 3) => nibbles::<3>(panel, blocks, a, target, row, accumulate),
            (false, _) => nibbles::<4>(panel, blocks, a, target, row, accumulate),
            (true, 1) => words::<1>(panel, blocks, a, target, row, accumulate),
            (true, 2) => words::<2>(panel, blocks, a, target, row, accumulate),
            (true, 3) => words::<3>(panel, blocks, a, target, row, accumulate),
            (true, _) => words::<4>(panel, blocks, a, target, row, accumulate),
        }
        if !full {
            for i in 0..rows {
                c.add(i * c_row).copy_from_nonoverlapping(edge.as_ptr().add(i * COLS), live);
            }
        }
    }
}

/// Nothing, but the compiler cannot see that: left alone, it adds a whole block as a tree, holds all of its
/// broadcasts for that, and has no registers for them.
#[inline]
#[target_feature(enable = "avx2")]
fn keep(mut x: __m256i) -> __m256i {
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("/* {0} */", inout(ymm_reg) x, options(pure, nomem, nostack, preserves_flags));
    }
    x
}

/// `sum + d_x (d_w · dot + min · t)`: what a block adds to eight columns.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_block(
    a: &Rows,
    row: usize,
    block: usize,
    dot: __m256i,
    d: __m256,
    min: __m256,
    sum: __m256,
) -> __m256 {
    // SAFETY: the caller stays within the rows.
    let (d_x, t) = unsafe {
        let at = row * (a.width / BLOCK) + block;
        (_mm256_broadcast_ss(&*a.d.add(at)), _mm256_broadcast_ss(&*a.totals.add(at)))
    };
    let whole = _mm256_fmadd_ps(d, _mm256_cvtepi32_ps(dot), _mm256_mul_ps(min, t));
    _mm256_fmadd_ps(whole, d_x, sum)
}

/// Both halves at once.
#[target_feature(enable = "avx2,fma")]
unsafe fn nibbles<const M: usize>(
    panel: *const __m256i,
    blocks: usize,
    a: Rows,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
) {
    const HALF: usize = QUADS + 2;
    let ones = _mm256_set1_epi16(1);
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[_mm256_setzero_ps(); 2]; M];
        if accumulate {
            sums = std::array::from_fn(|row| {
                [_mm256_loadu_ps(c.add(row * c_row)), _mm256_loadu_ps(c.add(row * c_row + 8))]
            });
        }
        for block in 0..blocks {
            let w = panel.add(block * 2 * HALF);
            let x = a.q.add(block * BLOCK);
            let mut dots = [[_mm256_setzero_si256(); 2]; M];
            for quad in 0..QUADS {
                let (w_0, w_1) = (*w.add(quad), *w.add(HALF + quad));
                for (row, dots) in dots.iter_mut().enumerate() {
                    let x = x.add(row * a.width + 4 * quad).cast::<i32>().read_unaligned();
                    let x = _mm256_set1_epi32(x);
                    dots[0] = keep(_mm256_add_epi16(dots[0], _mm256_maddubs_epi16(w_0, x)));
                    dots[1] = keep(_mm256_add_epi16(dots[1], _mm256_maddubs_epi16(w_1, x)));
                }
            }
            for half in 0..2 {
                let d = _mm256_castsi256_ps(*w.add(half * HALF + QUADS));
                let min = _mm256_castsi256_ps(*w.add(half * HALF + QUADS + 1));
                for row in 0..M {
                    let dot = _mm256_madd_epi16(dots[row][half], ones);
                    sums[row][half] = add_block(&a, row, block, dot, d, min, sums[row][half]);
                }
            }
        }
        for (row, sum) in sums.iter().enumerate() {
            _mm256_storeu_ps(c.add(row * c_row), sum[0]);
            _mm256_storeu_ps(c.add(row * c_row + 8), sum[1]);
        }
    }
}

/// One half after the other.
#[target_feature(enable = "avx2,fma")]
unsafe fn words<const M: usize>(
    panel: *const __m256i,
    blocks: usize,
    a: Rows,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
) {
    const HALF: usize = 2 * QUADS + 2;
    // SAFETY: the caller's promise.
    unsafe {
        for half in 0..2 {
            let (panel, c) = (panel.add(half * HALF), c.add(8 * half));
            let mut sums = [_mm256_setzero_ps(); M];
            if accumulate {
                sums = std::array::from_fn(|row| _mm256_loadu_ps(c.add(row * c_row)));
            }
            for block in 0..blocks {
                let w = panel.add(block * 2 * HALF);
                let x = a.wide.add(block * BLOCK);
                let mut dots = [[_mm256_setzero_si256(); 2]; M];
                for quad in 0..QUADS {
                    let (w_0, w_1) = (*w.add(2 * quad), *w.add(2 * quad + 1));
                    for (row, dots) in dots.iter_mut().enumerate() {
                        let x = x.add(row * a.width + 4 * quad).cast::<i64>().read_unaligned();
                        let x = _mm256_set1_epi64x(x);
                        dots[0] = keep(_mm256_add_epi32(dots[0], _mm256_madd_epi16(w_0, x)));
                        dots[1] = keep(_mm256_add_epi32(dots[1], _mm256_madd_epi16(w_1, x)));
                    }
                }
                let d = _mm256_castsi256_ps(*w.add(2 * QUADS));
                let min = _mm256_castsi256_ps(*w.add(2 * QUADS + 1));
                for row in 0..M {
                    // Lanes of columns 0 1 4 5 and 2 3 6 7 in pairs: added, they lie in order.
                    let dot = _mm256_hadd_epi32(dots[row][0], dots[row][1]);
                    sums[row] = add_block(&a, row, block, dot, d, min, sums[row]);
                }
            }
            for (row, sum) in sums.iter().enumerate() {
                _mm256_storeu_ps(c.add(row * c_row), *sum);
            }
        }
    }
}
