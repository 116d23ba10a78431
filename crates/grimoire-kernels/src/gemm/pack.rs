//! Brings a part of a stored matrix into panels of 16 columns, decoding on the way: what the tile kernel
//! reads as `B`. A panel is `[k, 16]`, row-major, padded with zeros past the last column.

use super::Stored;
use super::micro::NR;
use crate::isa::multiversion;
use crate::storage;

/// Packs `B[k, cols] = Wᵀ` for rows `first..first + cols` and columns `from..from + k` of `W`.
pub(super) fn transposed(
    w: &Stored<'_>,
    first: usize,
    cols: usize,
    from: usize,
    k: usize,
    rows_scratch: &mut Vec<f32>,
    panels: &mut [f32],
) {
    rows_scratch.resize(NR * k, 0.0);
    for (panel_idx, panel) in panels.chunks_exact_mut(k * NR).enumerate().take(cols.div_ceil(NR)) {
        let start = panel_idx * NR;
        let live = NR.min(cols - start);
        for j in 0..live {
            w.decode_row(first + start + j, from, &mut rows_scratch[j * k..(j + 1) * k]);
        }
        rows_scratch[live * k..].fill(0.0);
        transpose(rows_scratch, k, panel);
    }
}

/// Packs `B[k, cols] = W` for rows `from..from + k` and columns `first..first + cols` of `W`.
pub(super) fn plain(
    w: &Stored<'_>,
    first: usize,
    cols: usize,
    from: usize,
    k: usize,
    rows_scratch: &mut Vec<f32>,
    panels: &mut [f32],
) {
    // Blocks of a row are decoded whole: widen the range to block borders.
    let block = w.ty.block_len();
    let low = first / block * block;
    let high = ((first + cols).div_ceil(block) * block).min(w.cols);
    rows_scratch.resize(high - low, 0.0);
    let n_panels = cols.div_ceil(NR);
    for p in 0..k {
        w.decode_row(from + p, low, rows_scratch);
        let row = &rows_scratch[first - low..first - low + cols];
        for panel_idx in 0..n_panels {
            let start = panel_idx * NR;
            let live = NR.min(cols - start);
            let at = panel_idx * k * NR + p * NR;
            panels[at..at + live].copy_from_slice(&row[start..start + live]);
            panels[at + live..at + NR].fill(0.0);
        }
    }
}

multiversion! {
    /// `panel[p][j] = rows[j][p]` for 16 rows of length `k`.
    pub(crate) fn transpose(rows: &[f32], k: usize, panel: &mut [f32]) {
        // Eight columns at a time: the loads run along the rows, the stores along the panel.
        let mut chunks = panel.chunks_exact_mut(8 * NR);
        let mut p = 0;
        for chunk in &mut chunks {
            let mut square = [[0.0f32; 8]; NR];
            for (j, line) in square.iter_mut().enumerate() {
                line.copy_from_slice(&rows[j * k + p..j * k + p + 8]);
            }
            for (q, out) in chunk.chunks_exact_mut(NR).enumerate() {
                for (j, out) in out.iter_mut().enumerate() {
                    *out = square[j][q];
                }
            }
            p += 8;
        }
        for (q, out) in chunks.into_remainder().chunks_exact_mut(NR).enumerate() {
            for (j, out) in out.iter_mut().enumerate() {
                *out = rows[j * k + p + q];
            }
        }
        let _ = FMA;
    }
}

impl Stored<'_> {
    /// Decodes `out.len()` values of row `row` from column `from` on.
    pub(crate) fn decode_row(&self, row: usize, from: usize, out: &mut [f32]) {
        let (len, bytes) = (self.ty.block_len(), self.ty.block_bytes());
        let row_bytes = self.cols / len * bytes;
        let start = row * row_bytes + from / len * bytes;
        storage::decode(self.ty, &self.bytes[start..start + out.len() / len * bytes], out);
    }
}
