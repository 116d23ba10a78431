//! Matrix products with both sides rounded to bf16 and summed in f32, on processors that multiply pairs of bf16
//! (AVX-512 BF16) at twice the rate of f32. Elsewhere there is no such product, and the caller takes f32.
//!
//! A lane of 32 bits holds two neighbours along `k`. In such lanes a product of half the length has the shape of one
//! in f32: the same pieces, steps and panels of sixteen columns as in [`super`], with a tile of two panels.
//! Each factor moves by at most 1/512 of itself (one part in 2⁹, round to nearest even); a sum of `k` products is then
//! off by some `√k / 360` of a typical product, and never by more than 1/256 of `Σ |a·b|` plus the rounding of f32.

use super::{Cut, Lhs, Part, Rhs, Step, Stored, half_pack};
use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece, for_each_rows};
use crate::rows::axpy;
use crate::storage;
use std::arch::x86_64::*;
use std::cell::RefCell;
use std::ops::Range;

/// Columns of a panel.
const NR: usize = super::NR;
/// Rows of a tile.
const MR: usize = 8;
/// Values that one piece of work rounds.
const PIECE: usize = 32_768;
/// Most of the length of a step of the sum, before rounding up: two panels of it (40 KiB) stay in a first-level cache
/// or come from the second without holding up the tile, and `C` is read and written half as often as with steps of f32.
const DEPTH: usize = 640;
/// Most columns whose panels of a step fit a second-level cache: 640 KiB.
const MOST_COLS: usize = 1024;
/// Rows of `C` in a piece of adding up bands.
const ROWS_OF_SUM: usize = 8;
/// Fewest rows, columns and steps for which rounding pays.
const FEWEST: usize = 16;

thread_local! {
    static BANDS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static LEFT: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<(Vec<f32>, Vec<u32>, Vec<u32>)> = const { RefCell::new((Vec::new(), Vec::new(), Vec::new())) };
}

/// Whether this product is one for bf16: by its shape and the processor alone.
pub(super) fn suits(lhs: &Lhs<'_>, rhs: Rhs<'_>) -> bool {
    let (k, n) = rhs.sizes();
    Isa::current() >= Isa::Avx512Bf16 && lhs.rows >= FEWEST && n >= FEWEST && k >= FEWEST
}

/// The left-hand side in pairs: element `(i, pair)` at `i · row + pair · pair_stride`, groups of [`MR`] rows
/// `group` apart.
#[derive(Clone, Copy)]
struct Left<'a> {
    pairs: &'a [u32],
    group: usize,
    row: usize,
    pair: usize,
}

/// `C (+)= A · B`, and then `C += A' · B'` in f32 piece by piece where there is an `addition`.
///
/// None of them is empty, and the processor has AVX-512 BF16.
pub(super) fn product(
    lhs: Lhs<'_>,
    rhs: Rhs<'_>,
    addition: Option<(Lhs<'_>, Rhs<'_>)>,
    out: &mut [f32],
    accumulate: bool,
) {
    let (m, k, n) = (lhs.rows, lhs.cols, rhs.sizes().1);
    if let (Rhs::Plain(w), None) = (rhs, addition)
        && lhs.col_stride == 1
        && Bands::suit(m, k, n)
    {
        Bands::of(w).product(lhs, w, out, accumulate);
        return;
    }
    let pairs = k.div_ceil(2);
    LEFT.with_borrow_mut(|held| {
        let in_rows = lhs.col_stride == 1;
        let stride = spread(pairs);
        held.resize(if in_rows { m * stride } else { m.div_ceil(MR) * MR * pairs }, 0);
        if in_rows {
            round_rows(lhs.values, k, stride, held);
        } else {
            round_columns(lhs.values, k, m, held);
        }
        let left = if in_rows {
            Left { pairs: held, group: MR * stride, row: stride, pair: 1 }
        } else {
            Left { pairs: held, group: MR * pairs, row: 1, pair: MR }
        };
        let target = Shared(out.as_mut_ptr());
        let cut = Cut::of_half(m, n, rhs);
        let row_pieces = m.div_ceil(cut.rows);
        for_each_piece(n.div_ceil(cut.cols) * row_pieces, |piece| {
            let (col, row) = (piece / row_pieces * cut.cols, piece % row_pieces * cut.rows);
            let part = Part { row, rows: cut.rows.min(m - row), col, cols: cut.cols.min(n - col) };
            for_part(left, k, rhs, part, accumulate, target, n);
            if let Some((lhs, rhs)) = addition {
                super::SCRATCH.with_borrow_mut(|scratch| {
                    super::product(
                        Isa::current(),
                        lhs,
                        rhs,
                        part,
                        (true, usize::MAX),
                        scratch,
                        target,
                        n,
                    );
                });
            }
        });
    });
}

/// A product whose sum is much longer than its rows, as the gradient of what goes into a vocabulary's head: cut along the
/// sum into bands, each with a `C` of its own, which are added in order. A band reads whole rows of `W`, and each once.
struct Bands {
    /// Length of a step of the sum.
    depth: usize,
    /// Length of the sum of a band: whole steps.
    length: usize,
}

impl Bands {
    /// By the shape alone: adding up costs little beside the product, and the panels of a step fit a second-level cache.
    fn suit(m: usize, k: usize, n: usize) -> bool {
        k >= 32 * n && n <= MOST_COLS && m <= super::ROWS
    }

    /// As many as are enough to share out well.
    fn of(w: Stored<'_>) -> Self {
        let depth = Rhs::Plain(w).depth(w.rows, super::DEPTH);
        Self { depth, length: w.rows.div_ceil(depth).div_ceil(super::ENOUGH) * depth }
    }

    fn product(&self, lhs: Lhs<'_>, w: Stored<'_>, out: &mut [f32], accumulate: bool) {
        let (m, k, n) = (lhs.rows, w.rows, w.cols);
        let bands = k.div_ceil(self.length);
        BANDS.with_borrow_mut(|sums| {
            sums.resize(bands * m * n, 0.0);
            let target = Shared(sums.as_mut_ptr());
            for_each_piece(bands, |band| {
                let from = band * self.length;
                let own = Shared(target.pointer().wrapping_add(band * m * n));
                self.band(lhs, w, from..k.min(from + self.length), own);
            });
            for_each_rows(out, n, ROWS_OF_SUM, |first, out| {
                for (band, sum) in sums.chunks_exact(m * n).enumerate() {
                    let sum = &sum[first * n..][..out.len()];
                    if band == 0 && !accumulate {
                        out.copy_from_slice(sum);
                    } else {
                        axpy(1.0, sum, out);
                    }
                }
            });
        });
    }

    /// One band. What a step needs of `A` is rounded when it is needed, and never leaves the second-level cache.
    fn band(&self, lhs: Lhs<'_>, w: Stored<'_>, along: Range<usize>, target: Shared) {
        let (m, n) = (lhs.rows, w.cols);
        let part = Part { row: 0, rows: m, col: 0, cols: n };
        SCRATCH.with_borrow_mut(|(rows, left, panels)| {
            for from in along.clone().step_by(self.depth) {
                let depth = self.depth.min(along.end - from);
                let step = Step { from, depth, run: depth, accumulate: from > along.start };
                let pairs = depth.div_ceil(2);
                let stride = spread(pairs);
                left.resize(m * stride, 0);
                let lines = lhs.values.chunks_exact(lhs.row_stride);
                for (line, out) in lines.zip(left.chunks_exact_mut(stride)) {
                    // SAFETY: the processor has AVX-512 BF16.
                    unsafe { round(&line[from..from + depth], &mut out[..pairs]) };
                }
                panels.resize(n.div_ceil(NR) * NR * pairs, 0);
                // SAFETY: as above.
                unsafe { pack_plain(&w, part, step, rows, panels) };
                let left = Left { pairs: left, group: MR * stride, row: stride, pair: 1 };
                let whole = Step { from: 0, ..step };
                multiply(left, Soon::NOTHING, part, whole, panels, target, n);
            }
        });
    }
}

/// One part of `C`, in steps along the sum.
fn for_part(
    left: Left<'_>,
    k: usize,
    rhs: Rhs<'_>,
    part: Part,
    accumulate: bool,
    target: Shared,
    n: usize,
) {
    let most = rhs.depth(k, DEPTH);
    SCRATCH.with_borrow_mut(|(rows, lines, panels)| {
        for from in (0..k).step_by(most) {
            let depth = most.min(k - from);
            let step = Step { from, depth, run: depth, accumulate: accumulate || from > 0 };
            panels.resize(part.cols.div_ceil(NR) * NR * depth.div_ceil(2), 0);
            match rhs {
                Rhs::Transposed(w) => pack_transposed(&w, part, step, rows, lines, panels),
                // SAFETY: the processor has AVX-512 BF16.
                Rhs::Plain(w) => unsafe { pack_plain(&w, part, step, rows, panels) },
            }
            let next = from + depth..k.min(from + depth + most);
            multiply(left, Soon::of(rhs, part, next), part, step, panels, target, n);
        }
    });
}

/// The rows of `A` by the panels of a step.
fn multiply(
    left: Left<'_>,
    mut soon: Soon<'_>,
    part: Part,
    step: Step,
    panels: &[u32],
    target: Shared,
    n: usize,
) {
    let pairs = step.depth.div_ceil(2);
    for first in (0..part.cols).step_by(2 * NR) {
        let panel = &panels[first * pairs..];
        let live = (2 * NR).min(part.cols - first);
        let mask = u32::MAX >> (2 * NR - live);
        for row in (0..part.rows).step_by(MR) {
            let at = part.row + row;
            let a = &left.pairs[at / MR * left.group + step.from / 2 * left.pair..];
            let tile = Tile {
                pairs,
                a: a.as_ptr(),
                a_row: left.row,
                a_pair: left.pair,
                b: panel.as_ptr(),
                // A second panel that is not there is read as the first, and masked away.
                b_next: if live > NR { pairs * NR } else { 0 },
                c: target.pointer().wrapping_add(at * n + part.col + first),
                c_row: n,
                mask,
                accumulate: step.accumulate,
            };
            // SAFETY: A and the panels hold these rows, columns and pairs; the tile of C belongs to this part alone.
            unsafe { of_rows(tile, MR.min(part.rows - row)) };
            soon.ask();
        }
    }
}

/// Rows of `W` that the next step packs, asked for while this one multiplies: they lie far apart, no processor foresees
/// them, and packing alone is too short to wait for them.
struct Soon<'a> {
    bytes: &'a [u8],
    /// Distance of neighbouring rows, and how much of each is wanted.
    row: usize,
    used: usize,
    /// Rows for a tile.
    at_once: usize,
}

impl<'a> Soon<'a> {
    const NOTHING: Self = Self { bytes: &[], row: 1, used: 0, at_once: 0 };

    fn of(rhs: Rhs<'a>, part: Part, rows: Range<usize>) -> Self {
        let Rhs::Plain(w) = rhs else { return Self::NOTHING };
        // Whole rows lie side by side, and need no asking.
        if rows.is_empty() || part.cols == w.cols {
            return Self::NOTHING;
        }
        let (block, bytes) = (w.ty.block_len(), w.ty.block_bytes());
        let row = w.cols / block * bytes;
        let first = part.col / block * bytes;
        let used = (part.col + part.cols).div_ceil(block) * bytes - first;
        let tiles = part.rows.div_ceil(MR) * part.cols.div_ceil(2 * NR);
        let wanted = &w.bytes[rows.start * row + first..rows.end * row];
        Self { bytes: wanted, row, used, at_once: rows.len().div_ceil(tiles) }
    }

    /// The next few rows.
    fn ask(&mut self) {
        for _ in 0..self.at_once {
            let (used, row) = (self.used.min(self.bytes.len()), self.row.min(self.bytes.len()));
            for line in (0..used).step_by(64) {
                // SAFETY: every x86-64 processor has this instruction, and it reads nothing.
                unsafe {
                    _mm_prefetch::<_MM_HINT_T1>(self.bytes.as_ptr().wrapping_add(line).cast())
                };
            }
            self.bytes = &self.bytes[row..];
        }
    }
}

/// One tile: where its operands begin and how they are laid out, in pairs.
#[derive(Clone, Copy)]
struct Tile {
    /// Pairs of the sum.
    pairs: usize,
    a: *const u32,
    a_row: usize,
    a_pair: usize,
    b: *const u32,
    b_next: usize,
    c: *mut f32,
    c_row: usize,
    /// Which of the 32 columns exist.
    mask: u32,
    accumulate: bool,
}

/// # Safety
/// `A[rows, pairs]` and both panels `[pairs, 16]` must be readable, `C[rows, 32]` writable where the mask has a bit.
unsafe fn of_rows(tile: Tile, rows: usize) {
    // SAFETY: the caller's promise; this module is not reached without AVX-512 BF16.
    unsafe {
        match rows {
            8 => compute::<8>(tile),
            7 => compute::<7>(tile),
            6 => compute::<6>(tile),
            5 => compute::<5>(tile),
            4 => compute::<4>(tile),
            3 => compute::<3>(tile),
            2 => compute::<2>(tile),
            _ => compute::<1>(tile),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn compute<const ROWS: usize>(t: Tile) {
    for i in 0..ROWS {
        let c = t.c.wrapping_add(i * t.c_row).cast::<i8>();
        _mm_prefetch::<_MM_HINT_T0>(c);
        _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(64));
    }
    // SAFETY: the caller's promise.
    let sums = unsafe {
        match t.a_pair {
            1 => sum::<ROWS, 1>(t),
            _ => sum::<ROWS, MR>(t),
        }
    };
    let (low, high) = (t.mask as u16, (t.mask >> 16) as u16);
    for (i, [first, second]) in sums.into_iter().enumerate() {
        // SAFETY: what the mask leaves of `C[rows, 32]` is writable, and nothing else is touched.
        unsafe {
            let c = t.c.add(i * t.c_row);
            let (mut first, mut second) = (first, second);
            if t.accumulate {
                first = _mm512_add_ps(first, _mm512_maskz_loadu_ps(low, c));
                second = _mm512_add_ps(second, _mm512_maskz_loadu_ps(high, c.wrapping_add(NR)));
            }
            _mm512_mask_storeu_ps(c, low, first);
            _mm512_mask_storeu_ps(c.wrapping_add(NR), high, second);
        }
    }
}

/// The sums of a tile. `PAIR` is the distance of neighbouring pairs of `A`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
unsafe fn sum<const ROWS: usize, const PAIR: usize>(t: Tile) -> [[__m512; 2]; ROWS] {
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    // Three pointers three rows apart reach eight rows with the scaled offsets of an x86 address.
    let mut a: [*const u32; 3] = std::array::from_fn(|i| t.a.wrapping_add(3 * i * t.a_row));
    let mut b = t.b;
    let mut step = |a: &[*const u32; 3], ahead: usize, b: *const u32| {
        // SAFETY: the pointers stay among the pairs of A and of both panels.
        unsafe {
            let b_0: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.cast()));
            let b_1: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.add(t.b_next).cast()));
            for (i, sum) in sums.iter_mut().enumerate() {
                let pair = *a[i / 3].wrapping_add(i % 3 * t.a_row + ahead);
                let pair: __m512bh = std::mem::transmute(_mm512_set1_epi32(pair.cast_signed()));
                sum[0] = _mm512_dpbf16_ps(sum[0], pair, b_0);
                sum[1] = _mm512_dpbf16_ps(sum[1], pair, b_1);
            }
        }
    };
    for _ in 0..t.pairs / 4 {
        for i in 0..4 {
            step(&a, i * PAIR, b.wrapping_add(i * NR));
        }
        a = a.map(|a| a.wrapping_add(4 * PAIR));
        b = b.wrapping_add(4 * NR);
    }
    for i in 0..t.pairs % 4 {
        step(&a, i * PAIR, b.wrapping_add(i * NR));
    }
    sums
}

/// Distance of neighbouring rows of pairs: an odd number of lines of a cache, so that the same place of many rows does
/// not fall into one set of it. (A vocabulary of 49,152 would put every row 24 pages after the last.)
fn spread(pairs: usize) -> usize {
    (pairs.div_ceil(NR) | 1) * NR
}

/// Rows of `k` values as rows of pairs, `stride` apart, a lonely last one beside a zero.
fn round_rows(values: &[f32], k: usize, stride: usize, out: &mut [u32]) {
    let (pairs, rows) = (k.div_ceil(2), values.len() / k);
    let at_once = (PIECE / k).max(1);
    let target = Shared(out.as_mut_ptr());
    for_each_piece(rows.div_ceil(at_once), |piece| {
        let first = piece * at_once;
        let count = at_once.min(rows - first);
        // SAFETY: a piece owns its rows.
        let out = unsafe { target.part(first * stride, count * stride) };
        for (line, out) in values[first * k..].chunks_exact(k).zip(out.chunks_exact_mut(stride)) {
            // SAFETY: the processor has AVX-512 BF16.
            unsafe { round(line, &mut out[..pairs]) };
        }
    });
}

/// Neighbours in pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn round(values: &[f32], pairs: &mut [u32]) {
    assert_eq!(values.len().div_ceil(2), pairs.len(), "round: lengths differ");
    let (whole, rest) = values.as_chunks::<32>();
    let (lines, last) = pairs.as_chunks_mut::<16>();
    let (lines, more) = lines.split_at_mut(whole.len());
    for (values, out) in whole.iter().zip(lines) {
        // SAFETY: 32 values, and sixteen pairs.
        unsafe {
            let low = _mm512_loadu_ps(values.as_ptr());
            let high = _mm512_loadu_ps(values.as_ptr().add(16));
            let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(out.as_mut_ptr().cast(), both);
        }
    }
    let tail = more.as_flattened_mut().iter_mut().chain(last);
    for (out, pair) in tail.zip(rest.chunks(2)) {
        *out = one_pair(pair[0], pair.get(1).copied().unwrap_or(0.0));
    }
}

/// One pair, the first value in the low half.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn one_pair(low: f32, high: f32) -> u32 {
    // SAFETY: both are sixteen bytes.
    let pair: __m128i =
        unsafe { std::mem::transmute(_mm_cvtneps_pbh(_mm_set_ps(0.0, 0.0, high, low))) };
    _mm_cvtsi128_si32(pair).cast_unsigned()
}

/// `A = sourceᵀ` (`source[k, rows]`) in groups of [`MR`] rows, each group `[pairs, MR]`, the last one padded with
/// zeros.
fn round_columns(source: &[f32], k: usize, rows: usize, out: &mut [u32]) {
    /// Groups of a piece.
    const GROUPS: usize = 8;
    let pairs = k.div_ceil(2);
    let target = Shared(out.as_mut_ptr());
    let groups = rows.div_ceil(MR);
    for_each_piece(groups.div_ceil(GROUPS), |piece| {
        let first = piece * GROUPS;
        let count = GROUPS.min(groups - first);
        // SAFETY: a piece owns its groups.
        let out = unsafe { target.part(first * MR * pairs, count * MR * pairs) };
        let width = (count * MR).min(rows - first * MR);
        for pair in 0..pairs {
            let line = |row: usize| &source[row * rows + first * MR..][..width];
            let low = line(2 * pair);
            let high = if 2 * pair + 1 < k { line(2 * pair + 1) } else { &[] };
            // SAFETY: the processor has AVX-512 BF16.
            unsafe { interleave(low, high, &mut out[pair * MR..], MR, MR * pairs) };
        }
    });
}

/// Pairs of `low[i]` and `high[i]` (zero where there is none), dealt out to runs of `run` that lie `next` apart; the
/// last run is filled up with zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn interleave(low: &[f32], high: &[f32], out: &mut [u32], run: usize, next: usize) {
    debug_assert!(run == MR || run == NR, "runs of 8 or 16");
    let mut from = 0;
    while from < low.len() {
        let live = run.min(low.len() - from);
        let at = from / run * next;
        assert!(at + run <= out.len(), "interleave: no room");
        let mask = u16::MAX >> (NR - live);
        // SAFETY: the mask keeps loads within both slices, and the run within `out`.
        unsafe {
            let low = _mm512_maskz_loadu_ps(mask, low.as_ptr().add(from));
            let high = if high.is_empty() {
                _mm512_setzero_ps()
            } else {
                _mm512_maskz_loadu_ps(mask, high.as_ptr().add(from))
            };
            let kept = u16::MAX >> (NR - run);
            _mm512_mask_storeu_epi32(out.as_mut_ptr().add(at).cast(), kept, pairs(low, high));
        }
        from += run;
    }
}

/// Sixteen pairs of a value of `low` and one of `high`, rounded.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) fn pairs(low: __m512, high: __m512) -> __m512i {
    let words = |x| {
        // SAFETY: both are 32 bytes.
        let half: __m256i = unsafe { std::mem::transmute(_mm512_cvtneps_pbh(x)) };
        _mm512_cvtepu16_epi32(half)
    };
    _mm512_or_si512(words(low), _mm512_slli_epi32::<16>(words(high)))
}

/// Packs rows `part.col..` of `W` over the columns of a step: panels `[pairs, 16]`.
fn pack_transposed(
    w: &Stored<'_>,
    part: Part,
    step: Step,
    row: &mut Vec<f32>,
    lines: &mut Vec<u32>,
    panels: &mut [u32],
) {
    let pairs = step.depth.div_ceil(2);
    row.resize(step.depth, 0.0);
    lines.resize(NR * pairs, 0);
    for (idx, panel) in panels.chunks_exact_mut(NR * pairs).enumerate() {
        let live = NR.min(part.cols - idx * NR);
        if half_pack::knows(w.ty) {
            let (block, blocks) = (step.from / w.ty.block_len(), step.depth / w.ty.block_len());
            // SAFETY: the processor has AVX-512 BF16; a step is whole blocks.
            unsafe { half_pack::transposed(w, part.col + idx * NR, live, block, blocks, panel) };
            continue;
        }
        for (j, line) in lines.chunks_exact_mut(pairs).enumerate().take(live) {
            let at = part.col + idx * NR + j;
            let values = match w.values() {
                Some(values) => &values[at * w.cols + step.from..][..step.depth],
                None => {
                    w.decode_row(at, step.from, row);
                    &row[..]
                }
            };
            // SAFETY: the processor has AVX-512 BF16.
            unsafe { round(values, line) };
        }
        lines[live * pairs..].fill(0);
        super::transpose(bytemuck::cast_slice(lines), pairs, bytemuck::cast_slice_mut(panel));
    }
}

/// Packs rows of a step of `W` over the columns of a part: panels `[pairs, 16]`.
///
/// # Safety
/// The processor has AVX-512 BF16.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
unsafe fn pack_plain(
    w: &Stored<'_>,
    part: Part,
    step: Step,
    scratch: &mut Vec<f32>,
    panels: &mut [u32],
) {
    // Blocks of a row are decoded whole: widen the range to block borders.
    let (block, bytes) = (w.ty.block_len(), w.ty.block_bytes());
    let low = part.col / block * block;
    let high = ((part.col + part.cols).div_ceil(block) * block).min(w.cols);
    let width = high - low;
    let row_bytes = w.cols / block * bytes;
    let used = width / block * bytes;
    let pairs = step.depth.div_ceil(2);
    if half_pack::knows(w.ty) && width == part.cols {
        for pair in 0..pairs {
            let line = |row: usize| {
                let at = (step.from + row) * row_bytes + low / block * bytes;
                &w.bytes[at..at + used]
            };
            let ahead =
                (step.from + 2 * (pair + super::pack::AHEAD)) * row_bytes + low / block * bytes;
            for row in [ahead, ahead + row_bytes] {
                super::pack::prefetch(w.bytes.get(row..row + used).unwrap_or_default());
            }
            let second = (2 * pair + 1 < step.depth).then(|| line(2 * pair + 1));
            let out = &mut panels[pair * NR..];
            // SAFETY: the processor has AVX-512 BF16, and both rows are whole blocks.
            unsafe { half_pack::plain_pair(w.ty, line(2 * pair), second, out, NR * pairs) };
        }
        return;
    }
    if let Some(values) = w.values() {
        for pair in 0..pairs {
            let line = |row: usize| &values[(step.from + row) * w.cols + part.col..][..part.cols];
            let ahead = (step.from + 2 * (pair + super::pack::AHEAD)) * row_bytes + 4 * part.col;
            for row in [ahead, ahead + row_bytes] {
                super::pack::prefetch(w.bytes.get(row..row + 4 * part.cols).unwrap_or_default());
            }
            let second = if 2 * pair + 1 < step.depth { line(2 * pair + 1) } else { &[] };
            interleave(line(2 * pair), second, &mut panels[pair * NR..], NR, NR * pairs);
        }
        return;
    }
    scratch.resize(2 * width, 0.0);
    let wanted = part.col - low..part.col - low + part.cols;
    for pair in 0..pairs {
        let (first, second) = scratch.split_at_mut(width);
        let two = 2 * pair + 1 < step.depth;
        for (p, line) in [first, second].into_iter().enumerate().take(1 + usize::from(two)) {
            let at = (step.from + 2 * pair + p) * row_bytes + low / block * bytes;
            // Rows of W lie far apart, so that no processor foresees the next.
            let ahead = at + 2 * super::pack::AHEAD * row_bytes;
            super::pack::prefetch(w.bytes.get(ahead..ahead + used).unwrap_or_default());
            storage::decode_here(w.ty, &w.bytes[at..at + used], line);
        }
        let (first, second) = scratch.split_at(width);
        let second = if two { &second[wanted.clone()] } else { &[] };
        let out = &mut panels[pair * NR..];
        interleave(&first[wanted.clone()], second, out, NR, NR * pairs);
    }
}
