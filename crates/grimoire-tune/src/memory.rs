//! How much memory a run will take, by counting what it holds at its peak: the mapped file, trainable values
//! with gradients and moments, what the tape saves for a micro-batch, and the logits of a few positions.
//! Training, measuring and answering follow one another and use the same memory, so the largest counts.

use grimoire_kernels::Isa;
use grimoire_models::{Architecture, Cache, Checkpoint, Config, Model};
use grimoire_tensor::ops::rows_at_once;
use grimoire_tensor::{Buffer, Params, Precision};
use serde::Serialize;

/// The program itself while it trains: code, buffers of threads, what the allocator keeps, measured on empty runs.
const PROGRAM: u64 = 16 << 20;
/// The same while it only answers.
const ANSWERING: u64 = 12 << 20;
/// Vocabularies, merges and their tables take some hundred bytes an entry.
const ENTRY: u64 = 290;
/// Prompts that are answered at once.
const AT_ONCE: usize = 16;

/// What a run does at once, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Tokens of a micro-batch that is trained on.
    pub tokens: usize,
    /// How many of them are scored.
    pub scored: usize,
    /// Tokens of a micro-batch that is only measured.
    pub measured: usize,
    /// Prompts that are answered.
    pub prompts: usize,
    /// Tokens of the longest prompt with its answer.
    pub answered: usize,
    /// Whether an average of the weights is kept.
    pub averaged: bool,
    /// Bytes of the data in memory.
    pub data: u64,
    /// Of the gradients.
    pub precision: Precision,
}

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// Weights in the mapped file.
    pub weights: u64,
    /// Trainable values, gradients, moments and average.
    pub trained: u64,
    /// What the tape saves for the backward pass, and the gradients under way; or what measuring and answering
    /// take, where that is more.
    pub activations: u64,
    /// Logits of the positions in hand.
    pub logits: u64,
    /// The program, its tokenizer, its buffers and the data.
    pub program: u64,
}

impl Footprint {
    /// The sum.
    pub fn total(&self) -> u64 {
        self.weights + self.trained + self.activations + self.logits + self.program
    }
}

/// What the program takes beside weights, keys, values and rows in hand when it answers with this vocabulary.
pub fn answering_program(vocabulary: usize) -> u64 {
    ANSWERING + ENTRY * vocabulary as u64
}

/// Predicts the peak of a run.
pub fn footprint(
    checkpoint: &Checkpoint,
    model: &Model,
    params: &Params,
    load: &Load,
) -> Footprint {
    let config = model.config();
    let weights = checkpoint.tensors().iter().map(|tensor| tensor.bytes().len() as u64).sum();
    let copies = if load.averaged { 5 } else { 4 };
    let vocabulary = config.vocabulary as u64;
    let trained_head = model.head().param().is_some();
    let at_once = rows_at_once(config.vocabulary, trained_head).min(load.scored);
    let logits = at_once as u64 * vocabulary;
    // Where the head is trained and products are in bf16, their gradient once more in bf16.
    let halves = load.precision != Precision::F32 && Isa::current() >= Isa::Avx512Bf16;
    let logits = if halves && trained_head { logits * 3 / 2 } else { logits };
    let (width, inner) = (config.width as u64, config.inner as u64);
    let (tokens, scored) = (load.tokens as u64, load.scored as u64);
    // While the logits are there: the scored rows of the stream and their gradient. After that, on the way
    // back: the gated values again, their gradient and that of one part of them, one part restored, and the stream's.
    let head_gradient = if trained_head { vocabulary * width } else { 0 };
    let with_logits = logits + 2 * scored * width + head_gradient;
    let moving = (4 * inner + 3 * width) * tokens;
    let training =
        saved_per_token(config, model, params, load.precision) * tokens + with_logits.max(moving);
    // Forward alone: the stream and its norm, both parts of the gate, their product and its sum; and the weights that
    // are measured, where they are an average.
    let average = if load.averaged { params.n_values() as u64 } else { 0 };
    let measuring = (3 * inner + 3 * width) * load.measured as u64 + logits + average;
    let at_once = load.prompts.min(AT_ONCE);
    let answering = Cache::bytes(config, at_once, load.answered, load.precision) / 4;
    let largest = training.max(measuring).max(answering);
    // Of sizes that are never in use at once, twice what is in use may wait (measured).
    let spare = (Buffer::SPARE as u64).min(2 * 4 * largest);
    let tokenizer = ENTRY * vocabulary;
    Footprint {
        weights,
        trained: 4 * copies * params.n_values() as u64,
        activations: 4 * (largest - logits.min(largest)),
        logits: 4 * logits.min(largest),
        program: PROGRAM + spare + tokenizer + load.data,
    }
}

/// Values that the tape holds for each token. A root-mean-square norm keeps its input alone, since what it
/// gives is computed again.
fn saved_per_token(config: &Config, model: &Model, params: &Params, precision: Precision) -> u64 {
    let (d, q) = (config.width, config.n_heads * config.head_dim);
    let kv = config.n_kv_heads * config.head_dim;
    // The stream twice; queries, keys, values; the mix and its log-sum-exp; the gated part,
    // in halves where speed counts.
    let gated = match precision {
        Precision::F32 => 2 * config.inner,
        Precision::Half | Precision::Fast => config.inner,
    };
    let llama = 2 * d + 2 * q + 2 * kv + config.n_heads + gated;
    let block = match config.architecture {
        // What a layer norm gives is kept; one activation without a gate.
        Architecture::Gpt2 => llama + 2 * d - gated / 2,
        Architecture::Qwen3 => llama + q + kv,
        _ => llama,
    };
    let low: usize = model
        .linears()
        .iter()
        .filter_map(|linear| linear.adapter.as_ref())
        .map(|adapter| params.shape(adapter.a)[0])
        .sum();
    // The stream after the last block; positions and angles.
    (block * config.n_blocks + low + d + config.head_dim) as u64
}
