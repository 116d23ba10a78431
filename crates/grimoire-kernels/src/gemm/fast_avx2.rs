//! The tile of [`super::fast`] for AVX2: a panel of 16 columns meets one to four rows of activations.
//!
//! A lane of a panel holds four neighbours along `k` of one column (32 bits, or 64 for eight-bit weights), and four
//! values of a row are broadcast to all lanes, so that no sum ever runs across lanes. `maddubs` multiplies unsigned
//! by signed bytes and adds neighbours in 16 bits. With weights of four bits a lane collects eight such sums of at
//! most 2 · 15 · 127, a block of 32: 30,480, which fits. With six bits it collects two of at most 2 · 63 · 127, and
//! `madd` multiplies what comes of them by the small scale of the group. Eight-bit weights go through `madd` in 16
//! bits. All of it is exact, below 2²⁴ for a block, and meets the scales in f32 once a block.

use super::activations::{Activations, BLOCK, Rows};
use super::fast::{Width, width};
use super::fast_pack::{pack, registers};
use super::fast_row;
use super::fast_share::{COLS, Target, Task, share_out};
use std::arch::x86_64::*;
use std::cell::RefCell;

/// Most rows of `A` in a tile.
const TOGETHER: usize = 4;
/// Groups of four values in a block.
const QUADS: usize = BLOCK / 4;
/// Most blocks in a step of the sum: the panel stays in the first-level cache.
const STEP: usize = 18;

thread_local! {
    static PANEL: RefCell<Vec<__m256i>> = const { RefCell::new(Vec::new()) };
}

/// `C[m, n] (+)= A[m, k] · Wᵀ` for each target; the instruction set in force is at least AVX2.
pub(super) fn product(a: &Activations, m: usize, targets: &[Target<'_>], accumulate: bool) {
    share_out(targets, m, TOGETHER, |task| {
        PANEL.with_borrow_mut(|panel| one_panel(a, &task, accumulate, panel));
    });
}

/// All rows of a task with its panel.
fn one_panel(a: &Activations, task: &Task<'_, '_>, accumulate: bool, panel: &mut Vec<__m256i>) {
    let Task { target, col, ref rows, ahead } = *task;
    let (w, n) = (&target.w, target.w.rows);
    if rows.len() == 1 && fast_row::suits(w.ty) {
        let c = target.out.pointer().wrapping_add(rows.start * n + col);
        let place = fast_row::Place { c, live: n - col, accumulate };
        // SAFETY: AVX2 is in force; columns and row exist, and the tile of C belongs to this piece alone.
        unsafe { fast_row::multiply(w, col, Rows::of(a, rows.start, 0), ahead, place) };
        return;
    }
    let width = width(w.ty).expect("a type with a kernel");
    let (longest, steps) = task.steps(STEP);
    // SAFETY: zero is a value of every register.
    panel.resize(2 * registers(width) * longest, unsafe { _mm256_setzero_si256() });
    for (from, depth, ahead) in steps {
        // SAFETY: AVX2 is in force; block, columns and rows exist, and the tile of C belongs to this piece alone.
        unsafe {
            pack(w, col, from, depth, ahead, panel);
            for row in rows.clone().step_by(TOGETHER) {
                let together = TOGETHER.min(rows.end - row);
                let c = target.out.pointer().add(row * n + col);
                let a = Rows::of(a, row, from);
                let add = accumulate || from > 0;
                multiply(width, panel, depth, a, together, c, n, n - col, add);
            }
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
unsafe fn multiply(
    width: Width,
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
        match (width, rows) {
            (Width::Four, 1) => four::<1>(panel, blocks, a, target, row, accumulate),
            (Width::Four, 2) => four::<2>(panel, blocks, a, target, row, accumulate),
            (Width::Four, 3) => four::<3>(panel, blocks, a, target, row, accumulate),
            (Width::Four, _) => four::<4>(panel, blocks, a, target, row, accumulate),
            (Width::Six, 1) => six::<1>(panel, blocks, a, target, row, accumulate),
            (Width::Six, 2) => six::<2>(panel, blocks, a, target, row, accumulate),
            (Width::Six, 3) => six::<3>(panel, blocks, a, target, row, accumulate),
            (Width::Six, _) => six::<4>(panel, blocks, a, target, row, accumulate),
            (Width::Eight, 1) => eight::<1>(panel, blocks, a, target, row, accumulate),
            (Width::Eight, 2) => eight::<2>(panel, blocks, a, target, row, accumulate),
            (Width::Eight, 3) => eight::<3>(panel, blocks, a, target, row, accumulate),
            (Width::Eight, _) => eight::<4>(panel, blocks, a, target, row, accumulate),
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
pub(super) unsafe fn add_block(
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

/// Both halves at once, four bits.
#[target_feature(enable = "avx2,fma")]
unsafe fn four<const M: usize>(
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

/// One half after the other, five or six bits.
#[target_feature(enable = "avx2,fma")]
unsafe fn six<const M: usize>(
    panel: *const __m256i,
    blocks: usize,
    a: Rows,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
) {
    const HALF: usize = QUADS + 5;
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
                let x = a.q.add(block * BLOCK);
                // What the offset of the weights takes from the sums of sixteen.
                let offset = *w.add(QUADS + 2);
                let mut dots: [__m256i; M] = std::array::from_fn(|row| {
                    let at = row * (a.width / BLOCK) + block;
                    let totals = a.halves.add(at).cast::<i32>().read_unaligned();
                    _mm256_madd_epi16(offset, _mm256_set1_epi32(totals))
                });
                for pair in 0..QUADS / 2 {
                    let (w_0, w_1) = (*w.add(2 * pair), *w.add(2 * pair + 1));
                    let scale = *w.add(QUADS + pair / 2);
                    for (row, dot) in dots.iter_mut().enumerate() {
                        let x = x.add(row * a.width + 8 * pair).cast::<i32>();
                        let x_0 = _mm256_set1_epi32(x.read_unaligned());
                        let x_1 = _mm256_set1_epi32(x.add(1).read_unaligned());
                        let sum = _mm256_add_epi16(
                            _mm256_maddubs_epi16(w_0, x_0),
                            _mm256_maddubs_epi16(w_1, x_1),
                        );
                        *dot = keep(_mm256_add_epi32(*dot, _mm256_madd_epi16(sum, scale)));
                    }
                }
                let d = _mm256_castsi256_ps(*w.add(QUADS + 3));
                let min = _mm256_castsi256_ps(*w.add(QUADS + 4));
                for row in 0..M {
                    sums[row] = add_block(&a, row, block, dots[row], d, min, sums[row]);
                }
            }
            for (row, sum) in sums.iter().enumerate() {
                _mm256_storeu_ps(c.add(row * c_row), *sum);
            }
        }
    }
}

/// One half after the other, eight bits.
#[target_feature(enable = "avx2,fma")]
unsafe fn eight<const M: usize>(
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
