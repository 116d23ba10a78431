//! The left-hand side of a fast product: rows of activations in 8-bit blocks of 32, quantised on arrival.
//!
//! ```text
//! d = max |x| / 127     q = round(x / d)     t = Σ q          x ≈ d · q
//! ```
//!
//! Each value moves by at most `d/2`, 0.4 % of the largest of its block. The layout is that of Q8_0 with
//! the scales in f32 and apart (the method of llama.cpp: `block_q8_1` in `ggml-common.h`).

use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece};

/// Values of a block.
pub(super) const BLOCK: usize = 32;
/// Values that one piece of work quantises.
const PIECE: usize = 16_384;

/// Quantised rows.
#[derive(Default)]
pub(super) struct Activations {
    /// Values of a row, a multiple of [`BLOCK`].
    pub(super) width: usize,
    /// `q`, row by row.
    pub(super) q: Vec<i8>,
    /// `q` again in 16 bits, where a kernel wants them so.
    pub(super) wide: Vec<i16>,
    /// `d` of every block.
    pub(super) d: Vec<f32>,
    /// `t` of every block.
    pub(super) totals: Vec<f32>,
    /// `t` of its two halves.
    pub(super) halves: Vec<[i16; 2]>,
}

impl Activations {
    /// Takes over `rows`, `width` values each.
    pub(super) fn quantise(&mut self, rows: &[f32], width: usize, wide: bool) {
        let blocks = rows.len() / BLOCK;
        self.width = width;
        self.q.resize(rows.len(), 0);
        self.wide.resize(if wide { rows.len() } else { 0 }, 0);
        self.d.resize(blocks, 0.0);
        self.totals.resize(blocks, 0.0);
        self.halves.resize(blocks, [0; 2]);
        let halves = Shared(self.halves.as_mut_ptr());
        let (q, d) = (Shared(self.q.as_mut_ptr()), Shared(self.d.as_mut_ptr()));
        let (t, w) = (Shared(self.totals.as_mut_ptr()), Shared(self.wide.as_mut_ptr()));
        for_each_piece(rows.len().div_ceil(PIECE), |piece| {
            let from = piece * PIECE;
            let len = PIECE.min(rows.len() - from);
            let (block, n) = (from / BLOCK, len / BLOCK);
            // SAFETY: a piece owns the blocks of its values, and they lie within the vectors.
            let (q, d, t, halves) = unsafe {
                (q.part(from, len), d.part(block, n), t.part(block, n), halves.part(block, n))
            };
            quantise(&rows[from..from + len], q, d, halves);
            t.iter_mut().zip(halves).for_each(|(t, [a, b])| *t = f32::from(*a + *b));
            if wide {
                // SAFETY: as above.
                let w = unsafe { w.part(from, len) };
                w.iter_mut().zip(q).for_each(|(w, q)| *w = i16::from(*q));
            }
        });
    }

    /// The values that the blocks stand for.
    pub(super) fn values(&self) -> Vec<f32> {
        let blocks = self.q.chunks_exact(BLOCK).zip(&self.d);
        blocks.flat_map(|(q, d)| q.iter().map(move |q| f32::from(*q) * d)).collect()
    }
}

/// Where rows of activations begin, at some block.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) q: *const i8,
    pub(super) wide: *const i16,
    pub(super) d: *const f32,
    pub(super) totals: *const f32,
    pub(super) halves: *const [i16; 2],
    /// Values of a row.
    pub(super) width: usize,
}

#[cfg(target_arch = "x86_64")]
impl Rows {
    /// From row `row` and block `block` on.
    pub(super) fn of(a: &Activations, row: usize, block: usize) -> Self {
        let at = row * (a.width / BLOCK) + block;
        Self {
            q: a.q[at * BLOCK..].as_ptr(),
            wide: a.wide.get(at * BLOCK..).unwrap_or_default().as_ptr(),
            d: a.d[at..].as_ptr(),
            totals: a.totals[at..].as_ptr(),
            halves: a.halves[at..].as_ptr(),
            width: a.width,
        }
    }
}

/// Quantises whole blocks, on the instruction set in force.
fn quantise(values: &[f32], q: &mut [i8], d: &mut [f32], halves: &mut [[i16; 2]]) {
    let scales = d.iter_mut().zip(halves);
    let blocks = values.as_chunks::<BLOCK>().0.iter().zip(q.as_chunks_mut::<BLOCK>().0);
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        for ((x, q), (d, halves)) in blocks.zip(scales) {
            // SAFETY: the instruction set in force never exceeds what was detected.
            (*d, *halves) = unsafe { block_avx2(x, q) };
        }
        return;
    }
    for ((x, q), (d, halves)) in blocks.zip(scales) {
        (*d, *halves) = block_plain(x, q);
    }
}

/// The definition: writes `q`, and returns `d` and `t` of both halves.
fn block_plain(x: &[f32; BLOCK], q: &mut [i8; BLOCK]) -> (f32, [i16; 2]) {
    // As integers, magnitudes keep their order, with infinity and then NaN at the top.
    let top = x.iter().fold(0, |top, x| (x.to_bits() & 0x7fff_ffff).max(top));
    let (d, inverse) = scale(f32::from_bits(top));
    for (q, x) in q.iter_mut().zip(x) {
        // At most 127 in magnitude (or, where the top is not finite, anything: d says so).
        *q = (x * inverse).round_ties_even() as i8;
    }
    let sum = |q: &[i8]| q.iter().map(|q| i16::from(*q)).sum();
    (d, [sum(&q[..BLOCK / 2]), sum(&q[BLOCK / 2..])])
}

/// `d` and its inverse for a block of this largest magnitude. NaN and infinity must not be lost: they make the
/// whole product NaN.
#[inline(always)]
fn scale(top: f32) -> (f32, f32) {
    let d = if top.is_finite() { top / 127.0 } else { f32::NAN };
    (d, if top > 0.0 { 127.0 / top } else { 0.0 })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn block_avx2(x: &[f32; BLOCK], q: &mut [i8; BLOCK]) -> (f32, [i16; 2]) {
    use std::arch::x86_64::*;
    // SAFETY: four registers of eight make up the block.
    let x: [__m256; 4] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(x.as_ptr().add(8 * i)) });
    let magnitude =
        x.map(|x| _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fff_ffff)));
    let top = _mm256_max_epu32(
        _mm256_max_epu32(magnitude[0], magnitude[1]),
        _mm256_max_epu32(magnitude[2], magnitude[3]),
    );
    let top = _mm_max_epu32(_mm256_castsi256_si128(top), _mm256_extracti128_si256::<1>(top));
    let top = _mm_max_epu32(top, _mm_shuffle_epi32::<0b01_00_11_10>(top));
    let top = _mm_max_epu32(top, _mm_shuffle_epi32::<0b10_11_00_01>(top));
    let (d, inverse) = scale(_mm_cvtss_f32(_mm_castsi128_ps(top)));
    let inverse = _mm256_set1_ps(inverse);
    let rounded = x.map(|x| _mm256_cvtps_epi32(_mm256_mul_ps(x, inverse)));
    // The sums of both halves side by side: words, then lanes, then the rest of each lane.
    let words =
        [_mm256_packs_epi32(rounded[0], rounded[1]), _mm256_packs_epi32(rounded[2], rounded[3])];
    let ones = _mm256_set1_epi16(1);
    let sums =
        _mm256_hadd_epi32(_mm256_madd_epi16(words[0], ones), _mm256_madd_epi16(words[1], ones));
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sums = _mm_hadd_epi32(sums, sums);
    let halves = [_mm_extract_epi32::<0>(sums) as i16, _mm_extract_epi32::<1>(sums) as i16];
    let bytes = _mm256_packs_epi16(words[0], words[1]);
    // Packing interleaves the lanes in fours.
    let bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    // SAFETY: 32 bytes.
    unsafe { _mm256_storeu_si256(q.as_mut_ptr().cast(), bytes) };
    (d, halves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_half_a_step_and_the_same_on_every_instruction_set() {
        let rows: Vec<f32> =
            (0..40_960).map(|i| ((i * i) as f32 * 0.37).sin() * i as f32).collect();
        let mut seen: Vec<Vec<i8>> = Vec::new();
        Isa::for_each_available(|_| {
            let mut held = Activations::default();
            held.quantise(&rows, 160, true);
            for (block, (x, actual)) in
                rows.chunks(BLOCK).zip(held.values().chunks(BLOCK)).enumerate()
            {
                let top = x.iter().fold(0.0f32, |top, x| top.max(x.abs()));
                for (x, actual) in x.iter().zip(actual) {
                    assert!((x - actual).abs() <= top / 127.0 * 0.500_01, "{x} became {actual}");
                }
                let sums = [0, 16].map(|half| {
                    held.q[block * BLOCK + half..][..16].iter().map(|q| i16::from(*q)).sum::<i16>()
                });
                assert_eq!(sums, held.halves[block]);
                assert_eq!(f32::from(sums[0] + sums[1]), held.totals[block]);
            }
            assert!(held.q.iter().zip(&held.wide).all(|(q, wide)| i16::from(*q) == *wide));
            seen.push(held.q);
        });
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn zeros_stay_and_what_is_not_finite_shows() {
        let mut rows = [0.0f32; 96];
        rows[40] = f32::NAN;
        rows[70] = f32::NEG_INFINITY;
        Isa::for_each_available(|_| {
            let mut held = Activations::default();
            held.quantise(&rows, 96, false);
            let values = held.values();
            assert!(values[..32].iter().all(|x| *x == 0.0));
            assert!(values[32..].iter().all(|x| x.is_nan()));
        });
    }
}
