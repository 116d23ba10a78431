//! How integer products are shared out: panels of sixteen columns of one or several weights, in pieces that threads
//! take. What a panel is and what meets it is the business of [`super::fast_avx2`] and [`super::fast_avx512`]. Where
//! columns are cut shows in no result.

use super::Stored;
use super::activations::BLOCK;
use crate::parallel::{Shared, for_each_piece};
use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
use std::ops::Range;

/// Columns of a panel.
pub(super) const COLS: usize = 16;
/// Fewest panels of a piece.
const PIECE: usize = 2;
/// How many panels ahead memory is asked: sixteen streams at once are more than a processor foresees.
const AHEAD: usize = 4;
/// How many pieces for each thread are enough to share out well.
const ENOUGH: usize = 6;
/// Rows of `C` in a piece, all of which one panel meets.
const ROWS: usize = 256;

/// One of several products with the same left side.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) w: Stored<'a>,
    /// `C` `[m, w.rows]`.
    pub(super) out: Shared,
}

/// A panel and the rows that meet it.
pub(super) struct Task<'t, 'a> {
    pub(super) target: &'t Target<'a>,
    /// The first column.
    pub(super) col: usize,
    pub(super) rows: Range<usize>,
    /// Bytes that will be wanted soon.
    pub(super) ahead: &'t [u8],
}

impl<'t> Task<'t, '_> {
    /// Runs of whole blocks of the sum, at most about `most` of 32 values each: the first, how many, and which of the
    /// bytes `ahead` to ask for meanwhile. Also the length of the longest.
    pub(super) fn steps(
        &self,
        most: usize,
    ) -> (usize, impl Iterator<Item = (usize, usize, &'t [u8])> + use<'t>) {
        let w = &self.target.w;
        let (blocks, whole, ahead) = (w.cols / BLOCK, w.ty.block_len() / BLOCK, self.ahead);
        let step = blocks.div_ceil(blocks.div_ceil(most)).next_multiple_of(whole);
        let steps = (0..blocks).step_by(step).map(move |from| {
            let depth = step.min(blocks - from);
            let part = ahead.len() * from / blocks..ahead.len() * (from + depth) / blocks;
            (from, depth, &ahead[part])
        });
        (step, steps)
    }
}

/// Asks for the `at`-th part of `ahead` into the second level of the cache, as many bytes as a block of `block` bytes
/// takes in each of sixteen columns.
#[inline]
pub(super) fn ask(ahead: &[u8], at: usize, block: usize) {
    let asked = COLS * at * block..(COLS * (at + 1) * block).min(ahead.len());
    for line in ahead.get(asked).unwrap_or_default().chunks(64) {
        // SAFETY: every x86-64 processor has the instruction, which reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
}

/// Calls `each` once for every panel of every target and every run of the `m` rows. Up to `few` rows are bound by
/// memory, which is asked ahead within a piece: then a piece for each thread.
pub(super) fn share_out(
    targets: &[Target<'_>],
    m: usize,
    few: usize,
    each: impl Fn(Task<'_, '_>) + Sync,
) {
    let panels: usize = targets.iter().map(|target| target.w.rows.div_ceil(COLS)).sum();
    let row_pieces = m.div_ceil(ROWS);
    let few = m <= few;
    let threads = rayon::current_num_threads();
    let enough = if few { threads } else { threads * ENOUGH };
    let width = panels.div_ceil(enough).max(PIECE);
    for_each_piece(panels.div_ceil(width) * row_pieces, |piece| {
        let first = piece % row_pieces * ROWS;
        let rows = first..m.min(first + ROWS);
        let from = piece / row_pieces * width;
        let to = panels.min(from + width);
        for at in from..to {
            let (target, col) = locate(targets, at);
            let ahead = at + AHEAD;
            // What lies beyond a long piece is another thread's; of short ones the next may be anybody's.
            let ahead = if ahead < if few { to } else { panels } {
                let (target, col) = locate(targets, ahead);
                rows_from(&target.w, col)
            } else {
                &[]
            };
            each(Task { target, col, rows: rows.clone(), ahead });
        }
    });
}

/// Which target has this panel, and its first column there.
fn locate<'t, 'a>(targets: &'t [Target<'a>], mut panel: usize) -> (&'t Target<'a>, usize) {
    for target in targets {
        let own = target.w.rows.div_ceil(COLS);
        if panel < own {
            return (target, panel * COLS);
        }
        panel -= own;
    }
    unreachable!("panels are counted over the same targets")
}

/// The bytes of the rows of `W` that become the panel of these columns.
fn rows_from<'a>(w: &Stored<'a>, col: usize) -> &'a [u8] {
    let row_bytes = w.bytes.len() / w.rows;
    &w.bytes[col * row_bytes..w.rows.min(col + COLS) * row_bytes]
}
