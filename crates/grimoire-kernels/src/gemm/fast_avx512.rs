//! Integer products on AVX-512 VNNI: sixteen rows of `W` are unpacked into a panel of bytes, which meets up to eight
//! rows of activations at a time. The arithmetic is that of [`super::fast`].
//!
//! A lane of a panel holds four neighbours along `k` of one column as unsigned bytes; `dpbusd` multiplies them by four
//! signed bytes of a row and adds all four products to 32 bits, exactly. Signed weights are moved up by 128, and the
//! minimum of the block takes that away again.

use super::activations::{Activations, BLOCK, Rows};
use super::fast_pack512::{Panel, pack};
use super::fast_share::{COLS, Target, Task, share_out};
use std::arch::x86_64::*;
use std::cell::RefCell;

/// Most blocks in a step of the sum: the panel stays in the first-level cache.
const STEP: usize = 24;
/// Most rows of `A` in a tile.
const TOGETHER: usize = 8;
/// Groups of four values in a block.
pub(super) const QUADS: usize = BLOCK / 4;

thread_local! {
    static PANEL: RefCell<Vec<__m512i>> = const { RefCell::new(Vec::new()) };
}

/// `C[m, n] (+)= A[m, k] · Wᵀ` for each target; the instruction set in force is at least AVX-512 with VNNI.
pub(super) fn product(a: &Activations, m: usize, targets: &[Target<'_>], accumulate: bool) {
    share_out(targets, m, TOGETHER, |task| {
        PANEL.with_borrow_mut(|panel| one_panel(a, &task, accumulate, panel));
    });
}

/// All rows of a task with its panel.
fn one_panel(a: &Activations, task: &Task<'_, '_>, accumulate: bool, panel: &mut Vec<__m512i>) {
    let Task { target, col, ref rows, .. } = *task;
    let (w, n) = (&target.w, target.w.rows);
    let (kind, (longest, steps)) = (Panel::of(w.ty), task.steps(STEP));
    // SAFETY: zero is a value of every register.
    panel.resize(kind.registers() * longest, unsafe { _mm512_setzero_si512() });
    for (from, depth, ahead) in steps {
        // SAFETY: the instructions are there; blocks and columns exist.
        unsafe { pack(w, col, from, depth, ahead, panel) };
        for row in rows.clone().step_by(TOGETHER) {
            let tile = Tile {
                panel: panel.as_ptr(),
                blocks: depth,
                a: Rows::of(a, row, from),
                c: target.out.pointer().wrapping_add(row * n + col),
                c_row: n,
                mask: u16::MAX >> (COLS - COLS.min(n - col)),
                accumulate: accumulate || from > 0,
            };
            // SAFETY: panel and rows hold these blocks, and the tile of C belongs to this piece alone.
            unsafe { of_rows(kind, tile, TOGETHER.min(rows.end - row)) };
        }
    }
}

#[derive(Clone, Copy)]
struct Tile {
    panel: *const __m512i,
    blocks: usize,
    a: Rows,
    c: *mut f32,
    c_row: usize,
    /// Which of the sixteen columns exist.
    mask: u16,
    accumulate: bool,
}

/// # Safety
/// As [`tile`].
unsafe fn of_rows(kind: Panel, t: Tile, rows: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match (kind, rows) {
            (Panel::Whole, 1) => tile::<1, false>(t),
            (Panel::Whole, 2) => tile::<2, false>(t),
            (Panel::Whole, 3) => tile::<3, false>(t),
            (Panel::Whole, 4) => tile::<4, false>(t),
            (Panel::Whole, 5) => tile::<5, false>(t),
            (Panel::Whole, 6) => tile::<6, false>(t),
            (Panel::Whole, 7) => tile::<7, false>(t),
            (Panel::Whole, _) => tile::<8, false>(t),
            (Panel::Halves, 1) => tile::<1, true>(t),
            (Panel::Halves, 2) => tile::<2, true>(t),
            (Panel::Halves, 3) => tile::<3, true>(t),
            (Panel::Halves, 4) => tile::<4, true>(t),
            (Panel::Halves, 5) => tile::<5, true>(t),
            (Panel::Halves, 6) => tile::<6, true>(t),
            (Panel::Halves, 7) => tile::<7, true>(t),
            (Panel::Halves, _) => tile::<8, true>(t),
        }
    }
}

/// `C[ROWS, 16] (+)= A · panel`.
///
/// # Safety
/// AVX-512 F and VNNI must be there; the panel holds the blocks, `A` the rows and blocks, and `C` is writable where the
/// mask has a bit.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn tile<const ROWS: usize, const HALVES: bool>(t: Tile) {
    let a = t.a;
    let registers = if HALVES { Panel::Halves } else { Panel::Whole }.registers();
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [_mm512_setzero_ps(); ROWS];
        if t.accumulate {
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_maskz_loadu_ps(t.mask, t.c.add(row * t.c_row));
            }
        }
        for block in 0..t.blocks {
            let w = t.panel.add(block * registers);
            let x = a.q.add(block * BLOCK);
            // The first and the second sixteen of a block, apart: two chains of additions for each row.
            let mut dots = [[_mm512_setzero_si512(); 2]; ROWS];
            for quad in 0..QUADS / 2 {
                for half in 0..2 {
                    let quad = half * QUADS / 2 + quad;
                    let w = *w.add(quad);
                    for (row, dots) in dots.iter_mut().enumerate() {
                        let x = x.add(row * a.width + 4 * quad).cast::<i32>().read_unaligned();
                        dots[half] = _mm512_dpbusd_epi32(dots[half], w, _mm512_set1_epi32(x));
                    }
                }
            }
            let scale = |register: usize| *w.add(QUADS + register).cast::<__m512>();
            for (row, sum) in sums.iter_mut().enumerate() {
                let at = row * (a.width / BLOCK) + block;
                let d_x = _mm512_set1_ps(*a.d.add(at));
                let whole = if HALVES {
                    let [t_0, t_1] = *a.halves.add(at);
                    let offset = _mm512_mul_ps(scale(2), _mm512_set1_ps(f32::from(t_0)));
                    let offset = _mm512_fmadd_ps(scale(3), _mm512_set1_ps(f32::from(t_1)), offset);
                    let [first, second] = dots[row];
                    let first = _mm512_fmadd_ps(scale(0), _mm512_cvtepi32_ps(first), offset);
                    _mm512_fmadd_ps(scale(1), _mm512_cvtepi32_ps(second), first)
                } else {
                    let dot = _mm512_cvtepi32_ps(_mm512_add_epi32(dots[row][0], dots[row][1]));
                    let total = _mm512_set1_ps(*a.totals.add(at));
                    _mm512_fmadd_ps(scale(0), dot, _mm512_mul_ps(scale(1), total))
                };
                *sum = _mm512_fmadd_ps(whole, d_x, *sum);
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            _mm512_mask_storeu_ps(t.c.add(row * t.c_row), t.mask, sum);
        }
    }
}
