//! Cross entropy of the next token straight from hidden states: the logits of a whole batch never exist,
//! only those of some positions at a time ([`rows_at_once`]).
//!
//! ```text
//! z = W h      nll = logsumexp(z) − z[target]      L = Σ weight · nll
//! d_z = weight · (softmax(z) − onehot(target))     d_h = Wᵀ d_z     d_W = d_z hᵀ
//! ```
//!
//! Gradients are found in the forward pass, while the logits are there; that of a trained head waits in an array of its
//! own until the way back.

use super::Weight;
use crate::buffer::Buffer;
use crate::tape::Tape;
use crate::tensor::Tensor;
use grimoire_kernels::parallel::{for_each_rows, for_each_rows_of_two};
use grimoire_kernels::{Lhs, Precision, Rhs, Stored, gemm_with, rows};

/// Rows of a head in a piece of element-wise work.
const ROWS: usize = 64;
/// Most logits that exist at once: 25 MB of them, which stay in a large last-level cache.
const LOGITS: usize = 6_291_456;

/// Positions whose logits exist at once: as many as the head is worth reading for, as memory allows. A trained head is
/// twice as much to read, and has a gradient as large as itself, beside which more logits hardly count.
pub fn rows_at_once(vocabulary: usize, trained: bool) -> usize {
    let most = if trained { 2 * LOGITS } else { LOGITS };
    (most / vocabulary.max(1)).clamp(16, 256)
}

/// The loss, in total and by position.
#[derive(Clone, Debug)]
pub struct TokenLoss {
    /// `Σ weight · nll`, a scalar tensor.
    pub total: Tensor,
    /// Negative log-likelihood of each position in nats, unweighted.
    pub nll: Vec<f32>,
}

/// Weighted cross entropy of `targets` under `softmax(W h)`.
///
/// # Shapes
/// `h` `[n, d]`, `W` `[vocabulary, d]`, `targets` and `weights` `[n]`.
///
/// # Numerics
/// The log-sum-exp is taken relative to the largest logit; sums over positions run in f64 in order.
///
/// # Panics
/// When the lengths differ or a target is not in the vocabulary.
pub fn cross_entropy(
    tape: &Tape<'_>,
    h: &Tensor,
    head: &Weight,
    targets: &[u32],
    weights: &[f32],
) -> TokenLoss {
    let n = h.rows();
    assert!(
        targets.len() == n && weights.len() == n,
        "cross_entropy: h {:?}, {} targets, {} weights",
        h.shape(),
        targets.len(),
        weights.len()
    );
    let stored = head.stored(tape.params());
    let wanted = tape.wants(head.param().is_some(), &[h]);
    let mut d_h = Buffer::stale(if wanted { h.values().len() } else { 0 });
    let trained = head.param().filter(|_| wanted);
    let mut d_w = if trained.is_some() {
        Buffer::zeros(stored.rows * stored.cols)
    } else {
        Buffer::default()
    };
    let mut nll = Vec::with_capacity(n);
    let mut logits = Buffer::default();
    let at_once = rows_at_once(stored.rows, trained.is_some());
    let precision = tape.gradient_precision();
    for first in (0..n).step_by(at_once) {
        let chunk = first..n.min(first + at_once);
        let weights = wanted.then(|| &weights[chunk.clone()]);
        let expected = &targets[chunk.clone()];
        nll.extend(logits_of(precision, h, stored, &chunk, expected, weights, &mut logits));
        if wanted {
            let at = chunk.start * stored.cols..chunk.end * stored.cols;
            let d_z = Lhs::new(&logits, chunk.len(), stored.rows);
            gemm_with(precision, d_z, Rhs::Plain(stored), &mut d_h[at.clone()], false);
            if trained.is_some() {
                let x = Stored::f32(&h.values()[at], chunk.len(), stored.cols);
                let d_z = Lhs::transposed(&logits, chunk.len(), stored.rows);
                gemm_with(precision, d_z, Rhs::Plain(x), &mut d_w, true);
            }
        }
    }
    let total: f64 = nll.iter().zip(weights).map(|(l, w)| f64::from(*l) * f64::from(*w)).sum();
    let total = vec![total as f32];
    let width = stored.cols;
    if !wanted {
        return TokenLoss { total: tape.constant(&[1], total), nll };
    }
    let to_h = h.target();
    let total = tape.record(&[1], total, move |seed, flow| {
        d_h.iter_mut().for_each(|d| *d *= seed[0]);
        if let Some(param) = trained {
            let sums = flow.gradients().of_mut(param);
            for_each_rows(sums, width, ROWS, |first, sums| {
                let at = first * width..first * width + sums.len();
                rows::axpy(seed[0], &d_w[at], sums);
            });
        }
        flow.send(to_h, d_h);
    });
    TokenLoss { total, nll }
}

/// Negative log-likelihood in nats of each target under `softmax(W h)`; no gradient.
///
/// # Panics
/// As [`cross_entropy`].
pub fn token_log_probs(tape: &Tape<'_>, h: &Tensor, head: &Weight, targets: &[u32]) -> Vec<f32> {
    assert_eq!(targets.len(), h.rows(), "token_log_probs: h {:?}", h.shape());
    let stored = head.stored(tape.params());
    let mut logits = Buffer::default();
    let mut nll = Vec::with_capacity(targets.len());
    let at_once = rows_at_once(stored.rows, false);
    for first in (0..targets.len()).step_by(at_once) {
        let chunk = first..targets.len().min(first + at_once);
        let wanted = &targets[chunk.clone()];
        let precision = tape.gradient_precision();
        nll.extend(logits_of(precision, h, stored, &chunk, wanted, None, &mut logits));
    }
    nll
}

/// Computes the logits of some rows and returns the negative log-likelihoods; with weights, leaves their
/// gradient `weight · (softmax − onehot)` in `logits`.
fn logits_of(
    precision: Precision,
    h: &Tensor,
    head: Stored<'_>,
    rows: &std::ops::Range<usize>,
    targets: &[u32],
    weights: Option<&[f32]>,
    logits: &mut Buffer,
) -> Vec<f32> {
    let (n, vocabulary, width) = (rows.len(), head.rows, head.cols);
    if logits.len() != n * vocabulary {
        *logits = Buffer::default();
        *logits = Buffer::once(n * vocabulary);
    }
    let x = Lhs::new(&h.values()[rows.start * width..rows.end * width], n, width);
    gemm_with(precision, x, Rhs::Transposed(head), logits, false);
    let mut nll = vec![0.0; n];
    // A line of logits beside its one result.
    for_each_rows_of_two(logits, vocabulary, &mut nll, 1, 1, |row, line, nll| {
        let target = targets[row] as usize;
        assert!(target < vocabulary, "cross_entropy: target {target} of {vocabulary}");
        let top = rows::max_of(line);
        let chosen = line[target];
        let sum = rows::exp_minus(line, 1.0, top);
        nll[0] = top - chosen + sum.ln();
        if let Some(weights) = weights {
            let factor = weights[row] / sum;
            line.iter_mut().for_each(|p| *p *= factor);
            line[target] -= weights[row];
        }
    });
    nll
}
