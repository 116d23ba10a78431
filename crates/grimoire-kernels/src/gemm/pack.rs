//! Brings a part of a stored matrix into panels of 16 columns, decoding on the way: what the tile kernel
//! reads as `B`. A panel is `[k, 16]`, row-major, padded with zeros past the last column.

use super::Stored;
use super::micro::{MR, NR};
use crate::isa::{Isa, multiversion};
use crate::parallel::for_each_rows;
use crate::storage::{self, StorageType};
use std::ops::Range;

/// Groups of rows in a piece of [`columns`].
const GROUPS: usize = 8;
/// How many rows of `W` ahead of the decoder memory is asked.
pub(super) const AHEAD: usize = 12;

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
    row_scratch: &mut Vec<f32>,
    panels: &mut [f32],
) {
    // Blocks of a row are decoded whole: widen the range to block borders.
    let block = w.ty.block_len();
    let low = first / block * block;
    let high = ((first + cols).div_ceil(block) * block).min(w.cols);
    row_scratch.resize(high - low, 0.0);
    let row_bytes = w.cols / block * w.ty.block_bytes();
    let bytes = &w.bytes[from * row_bytes + low / block * w.ty.block_bytes()..];
    let wanted = first - low..first - low + cols;
    decode_to_panels(w.ty, bytes, row_bytes, k, row_scratch, wanted, panels);
}

multiversion! {
    /// Decodes `row.len()` values from each of `k` rows of blocks, and deals out `wanted` of them to panels.
    fn decode_to_panels(
        ty: StorageType,
        bytes: &[u8],
        row_bytes: usize,
        k: usize,
        row: &mut [f32],
        wanted: Range<usize>,
        panels: &mut [f32],
    ) {
        let used = row.len() / ty.block_len() * ty.block_bytes();
        for p in 0..k {
            // Rows of W lie far apart, so that no processor foresees the next.
            let ahead = (p + AHEAD) * row_bytes;
            prefetch(bytes.get(ahead..bytes.len().min(ahead + used)).unwrap_or_default());
            storage::decode_here(ty, &bytes[p * row_bytes..p * row_bytes + used], row);
            let row = &row[wanted.clone()];
            let (whole, rest) = row.as_chunks::<NR>();
            let mut lines = panels.chunks_exact_mut(k * NR).map(|panel| &mut panel[p * NR..p * NR + NR]);
            for (values, line) in whole.iter().zip(&mut lines) {
                line.copy_from_slice(values);
            }
            if let (false, Some(line)) = (rest.is_empty(), lines.next()) {
                line[..rest.len()].copy_from_slice(rest);
                line[rest.len()..].fill(0.0);
            }
        }
        let _ = FMA;
    }
}

/// Asks for these bytes in the first-level cache.
#[inline(always)]
pub(super) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has this instruction, and it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// `A = sourceᵀ` (`source[k, rows]`) in groups of [`MR`] rows, each group `[k, MR]`, the last one padded: what
/// the tile kernel reads as `A` with neighbouring rows side by side.
pub(super) fn columns(source: &[f32], k: usize, rows: usize) -> Vec<f32> {
    let mut groups = vec![0.0; rows.div_ceil(MR) * MR * k];
    for_each_rows(&mut groups, MR * k, GROUPS, |first, groups| {
        for p in 0..k {
            let line = &source[p * rows + first * MR..(p + 1) * rows];
            for (group, line) in groups.chunks_exact_mut(MR * k).zip(line.chunks(MR)) {
                let out = &mut group[p * MR..p * MR + MR];
                match line.as_array::<MR>() {
                    Some(line) => out.copy_from_slice(line),
                    None => out[..line.len()].copy_from_slice(line),
                }
            }
        }
    });
    groups
}

/// `panel[p][j] = rows[j][p]` for 16 rows of length `k`.
pub(crate) fn transpose(rows: &[f32], k: usize, panel: &mut [f32]) {
    assert!(rows.len() == NR * k && panel.len() == NR * k, "a panel of {k} has {}", panel.len());
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        // SAFETY: the instruction set in force never exceeds what was detected; the sizes were checked.
        return unsafe { transpose_avx2(rows, k, panel) };
    }
    transpose_plain(rows, k, 0, panel);
}

/// The definition, from column `from` on.
#[inline(always)]
fn transpose_plain(rows: &[f32], k: usize, from: usize, panel: &mut [f32]) {
    for (p, out) in panel.chunks_exact_mut(NR).enumerate().skip(from) {
        for (j, out) in out.iter_mut().enumerate() {
            *out = rows[j * k + p];
        }
    }
}

/// Squares of eight by eight in registers.
///
/// # Safety
/// Both slices hold `16 · k` values.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose_avx2(rows: &[f32], k: usize, panel: &mut [f32]) {
    use std::arch::x86_64::{
        __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_setzero_ps, _mm256_shuffle_ps,
        _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    };
    for p in (0..k / 8 * 8).step_by(8) {
        for half in [0, 8] {
            let mut r: [__m256; 8] = [_mm256_setzero_ps(); 8];
            for (j, r) in r.iter_mut().enumerate() {
                // SAFETY: row `half + j` is below 16, and `p + 8 <= k`.
                *r = unsafe { _mm256_loadu_ps(rows.as_ptr().add((half + j) * k + p)) };
            }
            let mut s = r;
            for i in [0, 2, 4, 6] {
                // Pairs of rows: columns (0 1 4 5) and (2 3 6 7) interleaved.
                s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
                s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
            }
            for i in [0, 4] {
                // Four rows: column i of the lower half beside column i + 4.
                r[i] = _mm256_shuffle_ps::<0x44>(s[i], s[i + 2]);
                r[i + 1] = _mm256_shuffle_ps::<0xee>(s[i], s[i + 2]);
                r[i + 2] = _mm256_shuffle_ps::<0x44>(s[i + 1], s[i + 3]);
                r[i + 3] = _mm256_shuffle_ps::<0xee>(s[i + 1], s[i + 3]);
            }
            for i in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(r[i], r[i + 4]);
                let high = _mm256_permute2f128_ps::<0x31>(r[i], r[i + 4]);
                // SAFETY: columns `p + i` and `p + i + 4` are below `k`.
                unsafe {
                    _mm256_storeu_ps(panel.as_mut_ptr().add((p + i) * NR + half), low);
                    _mm256_storeu_ps(panel.as_mut_ptr().add((p + i + 4) * NR + half), high);
                }
            }
        }
    }
    transpose_plain(rows, k, k / 8 * 8, panel);
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
