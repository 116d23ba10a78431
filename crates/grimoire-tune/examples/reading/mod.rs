//! Tokens that are no text, and one pass of a model over them: what the examples that measure speed have in common.
//! Not an example itself.

use grimoire_models::{Cache, Model};
use grimoire_tensor::ops::select_rows;
use grimoire_tensor::{Params, Precision, Tape};

/// So many tokens, all below 40,100.
pub(crate) fn ids(n: usize) -> Vec<u32> {
    (0..n as u32).map(|i| 100 + i * 7919 % 40_000).collect()
}

/// Reads tokens and computes the logits of the last of each sequence.
pub(crate) fn read(
    model: &Model,
    params: &Params,
    cache: &mut Cache,
    additions: &[(usize, &[u32])],
    precision: Precision,
) {
    let batch = cache.extend(additions);
    let tape = Tape::forward_only(params).with_precision(precision);
    let hidden = model.hidden_cached(&tape, &batch, cache);
    let last: Vec<usize> = batch.segments.iter().map(|s| s.q_start + s.q_len - 1).collect();
    let logits = model.logits(&tape, &select_rows(&tape, &hidden, &last));
    assert!(logits.values().iter().all(|logit| logit.is_finite()), "logits that are not finite");
}
