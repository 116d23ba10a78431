//! The loss of a model on documents, each by itself: what perplexity, its interval and paired tests are made
//! of.

use crate::sequence::{Sequence, micro_batches};
use grimoire_models::Model;
use grimoire_tensor::ops::{select_rows, token_log_probs};
use grimoire_tensor::{Buffer, Params, Tape};

/// The loss of one document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DocumentLoss {
    /// Sum of negative log-likelihoods of its scored tokens, in nats.
    pub nll: f64,
    /// Number of scored tokens.
    pub tokens: usize,
}

/// The loss of each document under the model, packed into micro-batches of at most `tokens` tokens. `done` hears
/// how many documents are done, and returns whether to go on; what is returned may then be short.
pub fn evaluate(
    model: &Model,
    params: &Params,
    sequences: &[Sequence],
    tokens: usize,
    done: &mut dyn FnMut(usize) -> bool,
) -> Vec<DocumentLoss> {
    let mut losses = Vec::with_capacity(sequences.len());
    let all: Vec<&Sequence> = sequences.iter().collect();
    for micro in micro_batches(&all, tokens) {
        let tape = Tape::forward_only(params);
        let hidden = model.hidden(&tape, &micro.batch);
        let scored = select_rows(&tape, &hidden, &micro.rows);
        let nll = token_log_probs(&tape, &scored, model.head(), &micro.targets);
        let mut rest = &nll[..];
        for tokens in micro.by_document {
            let (mine, others) = rest.split_at(tokens);
            rest = others;
            let nll = mine.iter().map(|nll| f64::from(*nll)).sum();
            losses.push(DocumentLoss { nll, tokens });
        }
        if !done(losses.len()) {
            break;
        }
    }
    // What follows is answering or training, which take memory of other sizes.
    Buffer::release();
    losses
}
