//! Work sharing. A kernel cuts its work into pieces of fixed size, numbered from zero; which thread takes
//! which piece does not matter, since each piece writes its own part of the output.
//! The number of threads is that of the rayon pool the caller runs in.

use rayon::prelude::*;

/// Runs `piece(0) … piece(count − 1)`, each once, in no particular order.
pub fn for_each_piece(count: usize, piece: impl Fn(usize) + Sync + Send) {
    if count <= 1 || rayon::current_num_threads() == 1 {
        (0..count).for_each(piece);
    } else {
        (0..count).into_par_iter().with_max_len(1).for_each(piece);
    }
}

/// Cuts `out` into rows of `width` and runs `piece(first_row, rows)` on runs of `rows_per_piece` rows.
///
/// # Panics
/// When `width` or `rows_per_piece` is zero.
pub fn for_each_rows(
    out: &mut [f32],
    width: usize,
    rows_per_piece: usize,
    piece: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    let step = width * rows_per_piece;
    if out.len() <= step || rayon::current_num_threads() == 1 {
        for (index, rows) in out.chunks_mut(step).enumerate() {
            piece(index * rows_per_piece, rows);
        }
    } else {
        out.par_chunks_mut(step)
            .with_max_len(1)
            .enumerate()
            .for_each(|(index, rows)| piece(index * rows_per_piece, rows));
    }
}

/// [`for_each_rows`] over two outputs of one shape at once.
///
/// # Panics
/// When they differ in size.
pub fn for_each_row_pairs(
    one: &mut [f32],
    other: &mut [f32],
    width: usize,
    rows_per_piece: usize,
    piece: impl Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
) {
    assert_eq!(one.len(), other.len(), "row pairs: sizes differ");
    let step = width * rows_per_piece;
    one.par_chunks_mut(step)
        .zip(other.par_chunks_mut(step))
        .enumerate()
        .for_each(|(index, (one, other))| piece(index * rows_per_piece, one, other));
}

/// A pointer that pieces may share because each writes a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub(crate) *mut f32);

// SAFETY: users of `Shared` write disjoint parts, as each use argues.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The pointer itself (a method, so that closures capture the whole wrapper).
    pub(crate) fn pointer(self) -> *mut f32 {
        self.0
    }
}
