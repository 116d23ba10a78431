//! Attention over a past that is kept in f16: half the bytes to read for each new token. Keys and values of a
//! sequence lie head by head, `[sequences, n_kv, capacity, dim]`, so that a head reads memory from front to back.
//! Forward only; products and sums are in f32 as everywhere.
//!
//! Rounding to f16 moves a key or value by at most 1/2,048 of itself (IEEE 754, binary16).

use super::{Heads, Segment, few, forward};
use crate::isa::Isa;
use crate::parallel::{Shared, for_each_piece, for_each_rows};
use half::f16;

/// Tokens that are stored or widened in a piece.
const TOKENS: usize = 64;

/// Keys and values in f16 (their bits), each sequence with room for `capacity` tokens.
#[derive(Clone, Copy, Debug)]
pub struct HalfPast<'a> {
    /// Keys `[sequences, n_kv, capacity, dim]`.
    pub keys: &'a [u16],
    /// Values of the same shape.
    pub values: &'a [u16],
    /// Tokens that a sequence has room for.
    pub capacity: usize,
}

/// Rounds the rows of `new` `[n, n_kv · dim]` into their places: row `places[i]` counts from the first token of
/// the first sequence.
///
/// # Panics
/// When a place lies outside.
pub fn store(new: &[f32], places: &[usize], capacity: usize, heads: Heads, past: &mut [u16]) {
    let (dim, width) = (heads.dim, heads.n_kv * heads.dim);
    let room = past.len() / width;
    assert!(places.iter().all(|place| *place < room), "attention: a token outside of {room}");
    assert_eq!(new.len(), places.len() * width, "attention: {} new values", new.len());
    let past = Shared(past.as_mut_ptr());
    for_each_piece(places.len().div_ceil(TOKENS), |piece| {
        let from = piece * TOKENS;
        let places = &places[from..places.len().min(from + TOKENS)];
        for (place, row) in places.iter().zip(new[from * width..].chunks_exact(width)) {
            let (sequence, token) = (place / capacity, place % capacity);
            for (head, values) in row.chunks_exact(dim).enumerate() {
                let at = ((sequence * heads.n_kv + head) * capacity + token) * dim;
                // SAFETY: each row has a place of its own, within `past` as checked above.
                narrow(values, unsafe { past.part(at, dim) });
            }
        }
    });
}

/// [`forward`] over a past in f16, without the log-sum-exp.
///
/// # Panics
/// As [`forward`], and when a segment does not begin where a sequence does.
pub fn forward_half(
    q: &[f32],
    past: HalfPast<'_>,
    segments: &[Segment],
    heads: Heads,
    out: &mut [f32],
) {
    let (dim, width) = (heads.dim, heads.n_kv * heads.dim);
    let rows = past.keys.len() / width;
    assert_eq!(past.keys.len(), past.values.len(), "attention: keys and values differ in size");
    for segment in segments {
        assert!(
            segment.kv_start.is_multiple_of(past.capacity)
                && segment.kv_len <= past.capacity
                && segment.kv_start + past.capacity <= rows,
            "attention: {segment:?} does not lie in sequences of {}",
            past.capacity
        );
    }
    let mut lse = vec![0.0; q.len() / dim];
    if segments.iter().all(|segment| segment.q_len <= few::MOST_QUERIES) {
        few::forward(q, few::Past::Half(past), segments, heads, out, &mut lse);
        return;
    }
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for segment in segments {
        for (half, whole) in [(past.keys, &mut keys), (past.values, &mut values)] {
            whole.resize(segment.kv_len * width, 0.0);
            for_each_rows(whole, width, TOKENS, |first, rows| {
                for (token, row) in rows.chunks_exact_mut(width).enumerate() {
                    for (head, values) in row.chunks_exact_mut(dim).enumerate() {
                        let at =
                            segment.kv_start * width + (head * past.capacity + first + token) * dim;
                        widen(&half[at..at + dim], values);
                    }
                }
            });
        }
        let alone = Segment { kv_start: 0, ..*segment };
        forward(q, &keys, &values, &[alone], heads, out, &mut lse);
    }
}

/// The values of f16 bits, exactly.
pub(super) fn widen(half: &[u16], whole: &mut [f32]) {
    assert_eq!(half.len(), whole.len(), "widen: lengths differ");
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx512 {
        done = half.len() / 16 * 16;
        // SAFETY: the instruction set in force never exceeds what was detected.
        unsafe { widen_avx512(&half[..done], &mut whole[..done]) };
    } else if Isa::current() >= Isa::Avx2 {
        done = half.len() / 8 * 8;
        // SAFETY: the instruction set in force never exceeds what was detected.
        unsafe { widen_avx2(&half[..done], &mut whole[..done]) };
    }
    for (half, whole) in half[done..].iter().zip(&mut whole[done..]) {
        *whole = f16::from_bits(*half).to_f32();
    }
}

/// The nearest f16, ties to even; beyond its range infinite.
fn narrow(whole: &[f32], half: &mut [u16]) {
    assert_eq!(half.len(), whole.len(), "narrow: lengths differ");
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        done = half.len() / 8 * 8;
        // SAFETY: the instruction set in force never exceeds what was detected.
        unsafe { narrow_avx2(&whole[..done], &mut half[..done]) };
    }
    for (whole, half) in whole[done..].iter().zip(&mut half[done..]) {
        *half = f16::from_f32(*whole).to_bits();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn widen_avx512(half: &[u16], whole: &mut [f32]) {
    use std::arch::x86_64::{_mm256_loadu_si256, _mm512_cvtph_ps, _mm512_storeu_ps};
    for (half, whole) in half.as_chunks::<16>().0.iter().zip(whole.as_chunks_mut::<16>().0) {
        // SAFETY: sixteen values on either side.
        unsafe {
            let half = _mm256_loadu_si256(half.as_ptr().cast());
            _mm512_storeu_ps(whole.as_mut_ptr(), _mm512_cvtph_ps(half));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
fn widen_avx2(half: &[u16], whole: &mut [f32]) {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_cvtph_ps, _mm256_storeu_ps,
    };
    /// What is asked for: the next block of a head of 64. The processor does not look beyond a page, and a block is
    /// one.
    const AHEAD: usize = 2048;
    for (half, whole) in half.chunks(32).zip(whole.chunks_mut(32)) {
        _mm_prefetch::<_MM_HINT_T0>(half.as_ptr().wrapping_add(AHEAD).cast());
        for (half, whole) in half.as_chunks::<8>().0.iter().zip(whole.as_chunks_mut::<8>().0) {
            // SAFETY: eight values on either side.
            unsafe {
                let half = _mm_loadu_si128(half.as_ptr().cast());
                _mm256_storeu_ps(whole.as_mut_ptr(), _mm256_cvtph_ps(half));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
fn narrow_avx2(whole: &[f32], half: &mut [u16]) {
    use std::arch::x86_64::{_mm_storeu_si128, _mm256_cvtps_ph, _mm256_loadu_ps};
    for (whole, half) in whole.as_chunks::<8>().0.iter().zip(half.as_chunks_mut::<8>().0) {
        // SAFETY: eight values on either side; 0 rounds to nearest, ties to even.
        unsafe {
            let bits = _mm256_cvtps_ph::<0>(_mm256_loadu_ps(whole.as_ptr()));
            _mm_storeu_si128(half.as_mut_ptr().cast(), bits);
        }
    }
}
