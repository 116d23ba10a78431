//! How much memory a run will take, by counting what it holds at its peak: the mapped file, trainable values
//! with gradients and moments, what the tape saves for a micro-batch, and the logits of a few positions.

use grimoire_models::{Architecture, Checkpoint, Config, Model};
use grimoire_tensor::Params;
use serde::Serialize;

/// Most logits that exist at once (`grimoire_tensor::ops::cross_entropy`).
const LOGITS: u64 = 12_582_912;
/// The program itself: code, tokenizer, buffers of threads, measured on an empty run.
const PROGRAM: u64 = 24 << 20;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// Weights in the mapped file.
    pub weights: u64,
    /// Trainable values, gradients, moments and average.
    pub trained: u64,
    /// What the tape saves for the backward pass, and the gradients under way.
    pub activations: u64,
    /// Logits of the positions in hand.
    pub logits: u64,
    /// The program, its tokenizer and buffers.
    pub program: u64,
}

impl Footprint {
    /// The sum.
    pub fn total(&self) -> u64 {
        self.weights + self.trained + self.activations + self.logits + self.program
    }
}

/// Predicts the peak of a run whose largest micro-batch has `tokens` tokens, of which `scored` are scored.
pub fn footprint(
    checkpoint: &Checkpoint,
    model: &Model,
    params: &Params,
    tokens: usize,
    scored: usize,
    averaged: bool,
) -> Footprint {
    let config = model.config();
    let weights = checkpoint.tensors().iter().map(|tensor| tensor.bytes().len() as u64).sum();
    let copies = if averaged { 5 } else { 4 };
    let saved = saved_per_token(config, model, params) * tokens as u64;
    // On the way back: the gradients of the widest layer's inputs and outputs, and of the stream.
    let moving = (4 * config.inner + 4 * config.width) as u64 * tokens as u64;
    let hidden = 3 * scored as u64 * config.width as u64;
    let vocabulary = config.vocabulary as u64;
    let rows = (LOGITS / vocabulary.max(1)).clamp(16, 256).min(scored as u64);
    // Decoded vocabularies, merges and their tables take some hundred bytes an entry.
    let tokenizer = 420 * vocabulary;
    Footprint {
        weights,
        trained: 4 * copies * params.n_values() as u64,
        activations: 4 * (saved + moving + hidden),
        logits: 4 * rows * vocabulary,
        program: PROGRAM + tokenizer,
    }
}

/// Values that the tape holds for each token.
fn saved_per_token(config: &Config, model: &Model, params: &Params) -> u64 {
    let (d, q) = (config.width, config.n_heads * config.head_dim);
    let kv = config.n_kv_heads * config.head_dim;
    // Stream and its norm, twice; queries, keys, values; the mix and its log-sum-exp; the gated part.
    let block = match config.architecture {
        Architecture::Gpt2 => 4 * d + 2 * q + 2 * kv + config.n_heads + config.inner,
        Architecture::Qwen3 => 4 * d + 3 * q + 3 * kv + config.n_heads + 2 * config.inner,
        _ => 4 * d + 2 * q + 2 * kv + config.n_heads + 2 * config.inner,
    };
    let low: usize = model
        .linears()
        .iter()
        .filter_map(|linear| linear.adapter.as_ref())
        .map(|adapter| params.shape(adapter.a)[0])
        .sum();
    (block * config.n_blocks + low + 3 * d) as u64
}
