//! The left-hand side of a fast product: rows of activations in 8-bit blocks of 32, quantised on arrival.
//!
//! ```text
//! d = max |x| / 127     q = round(x / d)     t = Σ q          x ≈ d · q
//! ```
//!
//! Each value moves by at most `d/2`, 0.4 % of the largest of its block. The layout is that of Q8_0 with
//! the scales in f32 and apart (the method of llama.cpp: `block_q8_1` in `ggml-common.h`).

use crate::isa::multiversion;
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
        let (q, d) = (Shared(self.q.as_mut_ptr()), Shared(self.d.as_mut_ptr()));
        let (t, w) = (Shared(self.totals.as_mut_ptr()), Shared(self.wide.as_mut_ptr()));
        for_each_piece(rows.len().div_ceil(PIECE), |piece| {
            let from = piece * PIECE;
            let len = PIECE.min(rows.len() - from);
            let (block, n) = (from / BLOCK, len / BLOCK);
            // SAFETY: a piece owns the blocks of its values, and they lie within the vectors.
            let (q, d, t) = unsafe { (q.part(from, len), d.part(block, n), t.part(block, n)) };
            quantise(&rows[from..from + len], q, d, t);
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

multiversion! {
    fn quantise(values: &[f32], q: &mut [i8], d: &mut [f32], totals: &mut [f32]) {
        let scales = d.iter_mut().zip(totals);
        let (values, q) = (values.as_chunks::<BLOCK>().0, q.as_chunks_mut::<BLOCK>().0);
        for ((x, q), (d, total)) in values.iter().zip(q).zip(scales) {
            // As integers, magnitudes keep their order, with infinity and then NaN at the top.
            let top = x.iter().fold(0, |top, x| (x.to_bits() & 0x7fff_ffff).max(top));
            let top = f32::from_bits(top);
            *d = top / 127.0;
            let inverse = if top > 0.0 { 127.0 / top } else { 0.0 };
            let mut sum = 0i32;
            for (q, x) in q.iter_mut().zip(x) {
                // At most 127 in magnitude (or, where the top is not finite, anything: d says so).
                let rounded = (x * inverse).round_ties_even() as i32;
                sum += i32::from(rounded as i8);
                *q = rounded as i8;
            }
            // NaN and infinity must not be lost: they make the whole product NaN.
            *d = if top.is_finite() { *d } else { f32::NAN };
            *total = sum as f32;
        }
        let _ = FMA;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

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
                let sum: f32 = held.q[block * BLOCK..][..BLOCK].iter().map(|q| f32::from(*q)).sum();
                assert_eq!(sum, held.totals[block]);
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
