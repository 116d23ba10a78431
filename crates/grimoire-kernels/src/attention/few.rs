//! Attention of a few new tokens over a long past, as in generation: keys and values are read from memory once,
//! for all heads that share them, in runs of [`KEYS`] that threads share out; each run leaves its largest score,
//! its sum and its weighted values, and the runs are put together in order (the split over keys of
//! "Flash-Decoding", Dao et al., 2023). Bound by reading the past from memory. Forward only.

use super::past::{HalfPast, widen};
use super::{Heads, Segment};
use crate::isa::{fma, multiversion};
use crate::parallel::{Shared, for_each_piece};
use crate::rows::{exp_minus, max_of};
use std::cell::RefCell;

/// Keys of a run.
const KEYS: usize = 512;
/// Keys that stay in the first-level cache while all queries and heads meet them.
const BLOCK: usize = 32;
/// Values of a head that are mixed at once.
const WIDTH: usize = 64;
/// Most queries of a segment that go this way: their products are too thin for the tile kernel.
pub(super) const MOST_QUERIES: usize = 3;

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch { scores: Vec::new(), block: Vec::new() }) };
}

struct Scratch {
    /// Of one run, `[q_len · group, keys]`.
    scores: Vec<f32>,
    /// Widened keys or values, `[BLOCK, dim]`.
    block: Vec<f32>,
}

/// Where keys and values are.
#[derive(Clone, Copy)]
pub(super) enum Past<'a> {
    /// Rows `[kv_rows, n_kv · dim]` in f32.
    Whole { k: &'a [f32], v: &'a [f32] },
    /// In f16.
    Half(HalfPast<'a>),
}

/// One run of keys for all queries of one segment that share one key-value head.
#[derive(Clone, Copy)]
struct Run {
    segment: usize,
    kv_head: usize,
    /// Keys `from..to` of the segment.
    from: usize,
    to: usize,
    /// Where its results begin: for each query and head, `dim` values, the largest score, and the sum.
    at: usize,
}

/// Forward for segments of at most [`MOST_QUERIES`] queries.
pub(super) fn forward(
    q: &[f32],
    past: Past<'_>,
    segments: &[Segment],
    heads: Heads,
    out: &mut [f32],
    lse: &mut [f32],
) {
    let group = heads.n_q / heads.n_kv;
    let (runs, size) = runs(segments, heads, group);
    let mut partial = vec![0.0f32; size];
    let target = Shared(partial.as_mut_ptr());
    for_each_piece(runs.len(), |index| {
        let run = runs[index];
        let segment = segments[run.segment];
        let len = segment.q_len * group * (heads.dim + 2);
        // SAFETY: each run has a place of its own in `partial`.
        let results = unsafe { std::slice::from_raw_parts_mut(target.pointer().add(run.at), len) };
        SCRATCH.with_borrow_mut(|scratch| attend(q, past, &segment, &heads, run, scratch, results));
    });
    gather(&runs, &partial, segments, heads, out, lse);
}

fn runs(segments: &[Segment], heads: Heads, group: usize) -> (Vec<Run>, usize) {
    let (mut runs, mut at) = (Vec::new(), 0);
    for (index, segment) in segments.iter().enumerate() {
        let first = segment.kv_len - segment.q_len;
        let low = heads.window.map_or(0, |window| (first + 1).saturating_sub(window));
        for kv_head in 0..heads.n_kv {
            for from in (low..segment.kv_len).step_by(KEYS) {
                let to = segment.kv_len.min(from + KEYS);
                runs.push(Run { segment: index, kv_head, from, to, at });
                at += segment.q_len * group * (heads.dim + 2);
            }
        }
    }
    (runs, at)
}

/// Keys or values of one run and head.
#[derive(Clone, Copy)]
enum Rows<'a> {
    /// In f32, rows so far apart.
    Whole(&'a [f32], usize),
    /// In f16, one after the other.
    Half(&'a [u16]),
}

impl Past<'_> {
    /// The keys and the values of a run.
    fn of_run(&self, segment: &Segment, heads: &Heads, run: Run) -> [Rows<'_>; 2] {
        let (dim, width, n_keys) = (heads.dim, heads.n_kv * heads.dim, run.to - run.from);
        match self {
            Self::Whole { k, v } => {
                let first = (segment.kv_start + run.from) * width + run.kv_head * dim;
                let last = first + (n_keys - 1) * width + dim;
                [k, v].map(|rows| Rows::Whole(&rows[first..last], width))
            }
            Self::Half(past) => {
                let first =
                    segment.kv_start * width + (run.kv_head * past.capacity + run.from) * dim;
                [past.keys, past.values].map(|rows| Rows::Half(&rows[first..first + n_keys * dim]))
            }
        }
    }
}

impl Rows<'_> {
    /// Rows `from..to` in f32 and their distance: where they lie, or widened into `block`.
    fn block<'b>(
        &'b self,
        from: usize,
        to: usize,
        dim: usize,
        block: &'b mut [f32],
    ) -> (&'b [f32], usize) {
        match self {
            Self::Whole(rows, stride) => (&rows[from * stride..(to - 1) * stride + dim], *stride),
            Self::Half(rows) => {
                let block = &mut block[..(to - from) * dim];
                widen(&rows[from * dim..to * dim], block);
                (block, dim)
            }
        }
    }
}

fn attend(
    q: &[f32],
    past: Past<'_>,
    segment: &Segment,
    heads: &Heads,
    run: Run,
    scratch: &mut Scratch,
    results: &mut [f32],
) {
    let (dim, group, n_keys) = (heads.dim, heads.n_q / heads.n_kv, run.to - run.from);
    let [keys, values] = past.of_run(segment, heads, run);
    let Scratch { scores, block } = scratch;
    scores.resize(segment.q_len * group * n_keys, 0.0);
    block.resize(BLOCK * dim, 0.0);
    for from in (0..n_keys).step_by(BLOCK) {
        let to = n_keys.min(from + BLOCK);
        let (k, stride) = keys.block(from, to, dim, block);
        for (row, scores) in scores.chunks_exact_mut(n_keys).enumerate() {
            let (query, head) = (row / group, run.kv_head * group + row % group);
            let q = &q[((segment.q_start + query) * heads.n_q + head) * dim..][..dim];
            score_rows(q, k, stride, &mut scores[from..to]);
        }
    }
    let rows = scores.chunks_exact_mut(n_keys).zip(results.chunks_exact_mut(dim + 2));
    for (row, (scores, result)) in rows.enumerate() {
        let place = segment.kv_len - segment.q_len + row / group;
        let seen = (place + 1).clamp(run.from, run.to) - run.from;
        let hidden = heads.window.map_or(0, |window| (place + 1).saturating_sub(window));
        let hidden = hidden.clamp(run.from, run.from + seen) - run.from;
        scores[..hidden].fill(0.0);
        scores[seen..].fill(0.0);
        result[dim] = f32::NEG_INFINITY;
        if hidden < seen {
            let scores = &mut scores[hidden..seen];
            let top = max_of(scores) * heads.scale;
            result[dim] = top;
            result[dim + 1] = exp_minus(scores, heads.scale, top);
        }
    }
    for from in (0..n_keys).step_by(BLOCK) {
        let to = n_keys.min(from + BLOCK);
        let (v, stride) = values.block(from, to, dim, block);
        let rows = scores.chunks_exact(n_keys).zip(results.chunks_exact_mut(dim + 2));
        for (weights, result) in rows {
            mix(&weights[from..to], v, stride, &mut result[..dim]);
        }
    }
}

/// `scores[j] = q · k[j]`, rows of `k` `stride` apart.
fn score_rows(q: &[f32], k: &[f32], stride: usize, scores: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if crate::isa::Isa::current() >= crate::isa::Isa::Avx512 && q.len().is_multiple_of(16) {
        // SAFETY: the instruction set in force never exceeds what was detected.
        unsafe { score_avx512(q, k, stride, scores) };
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if crate::isa::Isa::current() == crate::isa::Isa::Avx2 && q.len().is_multiple_of(8) {
        // SAFETY: the instruction set in force never exceeds what was detected.
        unsafe { score_avx2(q, k, stride, scores) };
        return;
    }
    score(q, k, stride, scores);
}

/// Sixteen keys at once: their sums are added across lanes together, at three instructions a key.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn score_avx512(q: &[f32], k: &[f32], stride: usize, scores: &mut [f32]) {
    use std::arch::x86_64::{
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    let n_keys = scores.len();
    assert!(
        n_keys == 0 || k.len() >= (n_keys - 1) * stride + q.len(),
        "attention: keys are cut off"
    );
    let (groups, rest) = scores.as_chunks_mut::<16>();
    for (group, scores) in groups.iter_mut().enumerate() {
        let k = &k[group * 16 * stride..];
        let mut sums = [_mm512_setzero_ps(); 16];
        for lane in (0..q.len()).step_by(16) {
            // SAFETY: sixteen values of the query, and of each of sixteen keys, as checked above.
            unsafe {
                let q = _mm512_loadu_ps(q.as_ptr().add(lane));
                for (key, sum) in sums.iter_mut().enumerate() {
                    let k = _mm512_loadu_ps(k.as_ptr().add(key * stride + lane));
                    *sum = _mm512_fmadd_ps(q, k, *sum);
                }
            }
        }
        // SAFETY: sixteen scores.
        unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), sums_of(&sums)) };
    }
    let done = n_keys - rest.len();
    score(q, &k[(done * stride).min(k.len())..], stride, rest);
}

/// Eight keys at once, for the same reason.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn score_avx2(q: &[f32], k: &[f32], stride: usize, scores: &mut [f32]) {
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };
    let n_keys = scores.len();
    assert!(
        n_keys == 0 || k.len() >= (n_keys - 1) * stride + q.len(),
        "attention: keys are cut off"
    );
    let (groups, rest) = scores.as_chunks_mut::<8>();
    for (group, scores) in groups.iter_mut().enumerate() {
        let k = &k[group * 8 * stride..];
        let mut sums = [_mm256_setzero_ps(); 8];
        for lane in (0..q.len()).step_by(8) {
            // SAFETY: eight values of the query, and of each of eight keys, as checked above.
            unsafe {
                let q = _mm256_loadu_ps(q.as_ptr().add(lane));
                for (key, sum) in sums.iter_mut().enumerate() {
                    let k = _mm256_loadu_ps(k.as_ptr().add(key * stride + lane));
                    *sum = _mm256_fmadd_ps(q, k, *sum);
                }
            }
        }
        // SAFETY: eight scores.
        unsafe { _mm256_storeu_ps(scores.as_mut_ptr(), sums_of_eight(&sums)) };
    }
    let done = n_keys - rest.len();
    score(q, &k[(done * stride).min(k.len())..], stride, rest);
}

/// Lane `i` of the result is the sum of all lanes of `x[i]`.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn sums_of_eight(x: &[std::arch::x86_64::__m256; 8]) -> std::arch::x86_64::__m256 {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_blend_ps, _mm256_hadd_ps, _mm256_permute2f128_ps,
    };
    // Each half of `low` has a part of the sums of `x[0]` to `x[3]`, of `high` of `x[4]` to `x[7]`.
    let low = _mm256_hadd_ps(_mm256_hadd_ps(x[0], x[1]), _mm256_hadd_ps(x[2], x[3]));
    let high = _mm256_hadd_ps(_mm256_hadd_ps(x[4], x[5]), _mm256_hadd_ps(x[6], x[7]));
    let crossed = _mm256_permute2f128_ps::<0x21>(low, high);
    _mm256_add_ps(_mm256_blend_ps::<0xf0>(low, high), crossed)
}

/// Lane `i` of the result is the sum of all lanes of `x[i]`.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn sums_of(x: &[std::arch::x86_64::__m512; 16]) -> std::arch::x86_64::__m512 {
    use std::arch::x86_64::{
        _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd, _mm512_setzero_ps, _mm512_shuffle_f32x4,
        _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
    };
    let mut pairs = [_mm512_setzero_ps(); 8];
    for (i, pair) in pairs.iter_mut().enumerate() {
        let (a, b) = (x[2 * i], x[2 * i + 1]);
        *pair = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    }
    let mut fours = [_mm512_setzero_ps(); 4];
    for (i, four) in fours.iter_mut().enumerate() {
        let (a, b) = (_mm512_castps_pd(pairs[2 * i]), _mm512_castps_pd(pairs[2 * i + 1]));
        let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
        *four = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    }
    // Each quarter of `fours[i]` has a part of the sums of `x[4 i]` to `x[4 i + 3]`.
    let join = |a, b| {
        _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b))
    };
    join(join(fours[0], fours[1]), join(fours[2], fours[3]))
}

multiversion! {
    /// `scores[j] = q · k[j]`, rows of `k` `stride` apart.
    fn score(q: &[f32], k: &[f32], stride: usize, scores: &mut [f32]) {
        for (score, k) in scores.iter_mut().zip(k.chunks(stride)) {
            let mut sums = [0.0f32; 16];
            let (q, q_rest) = q.as_chunks::<16>();
            let (k, k_rest) = k[..q.len() * 16 + q_rest.len()].as_chunks::<16>();
            for (q, k) in q.iter().zip(k) {
                for lane in 0..16 {
                    sums[lane] = fma::<FMA>(q[lane], k[lane], sums[lane]);
                }
            }
            for (lane, (q, k)) in q_rest.iter().zip(k_rest).enumerate() {
                sums[lane] = fma::<FMA>(*q, *k, sums[lane]);
            }
            let mut width = 8;
            while width > 0 {
                for lane in 0..width {
                    sums[lane] += sums[lane + width];
                }
                width /= 2;
            }
            *score = sums[0];
        }
    }
}

multiversion! {
    /// `out += Σ weights[j] · v[j]`, rows of `v` `stride` apart, in order of `j`.
    fn mix(weights: &[f32], v: &[f32], stride: usize, out: &mut [f32]) {
        // As many values at a time as keep several sums going stay in registers while all rows pass by.
        let mut at = 0;
        for out in out.chunks_mut(WIDTH) {
            let mut sums = [0.0f32; WIDTH];
            sums[..out.len()].copy_from_slice(out);
            for (weight, v) in weights.iter().zip(v.chunks(stride)) {
                let v = &v[at..at + out.len()];
                match v.as_array::<WIDTH>() {
                    Some(v) => {
                        for lane in 0..WIDTH {
                            sums[lane] = fma::<FMA>(*weight, v[lane], sums[lane]);
                        }
                    }
                    None => {
                        for (sum, v) in sums.iter_mut().zip(v) {
                            *sum = fma::<FMA>(*weight, *v, *sum);
                        }
                    }
                }
            }
            out.copy_from_slice(&sums[..out.len()]);
            at += out.len();
        }
    }
}

/// Puts the runs of each query and head together, in order of the keys.
fn gather(
    runs: &[Run],
    partial: &[f32],
    segments: &[Segment],
    heads: Heads,
    out: &mut [f32],
    lse: &mut [f32],
) {
    let (dim, group) = (heads.dim, heads.n_q / heads.n_kv);
    for runs in runs.chunk_by(|a, b| (a.segment, a.kv_head) == (b.segment, b.kv_head)) {
        let segment = segments[runs[0].segment];
        for row in 0..segment.q_len * group {
            let part = |run: &Run| &partial[run.at + row * (dim + 2)..][..dim + 2];
            let top = runs.iter().map(|run| part(run)[dim]).fold(f32::NEG_INFINITY, f32::max);
            let place =
                (segment.q_start + row / group) * heads.n_q + runs[0].kv_head * group + row % group;
            let out = &mut out[place * dim..(place + 1) * dim];
            out.fill(0.0);
            let mut total = 0.0;
            // A run that shows this query no key has left a sum of zero.
            for part in runs.iter().map(part).filter(|part| part[dim + 1] != 0.0) {
                let factor = (part[dim] - top).exp();
                total += factor * part[dim + 1];
                crate::rows::axpy(factor, &part[..dim], out);
            }
            let inverse = 1.0 / total;
            out.iter_mut().for_each(|value| *value *= inverse);
            lse[place] = top + total.ln();
        }
    }
}
