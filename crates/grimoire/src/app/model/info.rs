//! What a model is, from its header alone: architecture, sizes, parameters by part, storage types, tokenizer, chat
//! template, context, and the memory that it takes to run. No weight but the gains of the norms is read.

use crate::failure::Outcome;
use grimoire_models::{Cache, Checkpoint, Container, Model, ModelError, Precision, Scaling};
use grimoire_tensor::Params;
use grimoire_tune::adapter::{LoraSettings, attach};
use grimoire_tune::{Footprint, Load, answering_program, footprint};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The report.
#[derive(Debug, Serialize)]
pub(crate) struct Info {
    pub(crate) path: PathBuf,
    /// `GGUF v3` or `safetensors`.
    pub(crate) format: String,
    /// The name the model gives itself, where it has one.
    pub(crate) name: Option<String>,
    pub(crate) architecture: &'static str,
    pub(crate) sizes: Sizes,
    pub(crate) parameters: Parameters,
    pub(crate) storage: Vec<Storage>,
    /// `None` with the reason in `tokenizer_error` when it cannot be read.
    pub(crate) tokenizer: Option<Vocabulary>,
    pub(crate) tokenizer_error: Option<String>,
    /// `None` with the reason in `chat_template_error` when it cannot be read.
    pub(crate) chat_template: Option<String>,
    pub(crate) chat_template_error: Option<String>,
    pub(crate) memory: Memory,
}

/// The numbers of the architecture.
#[derive(Debug, Serialize)]
pub(crate) struct Sizes {
    pub(crate) blocks: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) inner: usize,
    pub(crate) vocabulary: usize,
    pub(crate) context: usize,
    /// Tokens that a position sees at most, where fewer than the context.
    pub(crate) window: Option<usize>,
    /// Base of the rotary embedding.
    pub(crate) rope_base: Option<f64>,
    /// How the rotary embedding is stretched, where it is.
    pub(crate) rope_scaling: Option<&'static str>,
    /// Whether the head is the embedding.
    pub(crate) tied: bool,
}

/// Values by the part of the model they belong to.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) total: u64,
    pub(crate) embedding: u64,
    pub(crate) attention: u64,
    pub(crate) feed_forward: u64,
    pub(crate) norms: u64,
    /// 0 when the head is the embedding.
    pub(crate) head: u64,
    /// Tensors of the file that are no weight of the model, such as tables of angles.
    pub(crate) other: u64,
}

/// What lies in one storage type.
#[derive(Debug, Serialize)]
pub(crate) struct Storage {
    #[serde(rename = "type")]
    pub(crate) name: &'static str,
    pub(crate) tensors: usize,
    pub(crate) values: u64,
    pub(crate) bytes: u64,
}

/// The tokenizer.
#[derive(Debug, Serialize)]
pub(crate) struct Vocabulary {
    pub(crate) tokens: usize,
    pub(crate) bos: Option<String>,
    pub(crate) eos: Option<String>,
    /// Every token after which generation stops.
    pub(crate) ends: Vec<String>,
    pub(crate) adds_bos: bool,
    /// What the tokenizer's files say that could not be followed.
    pub(crate) warnings: Vec<String>,
}

/// Bytes that running takes.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    /// The weights, mapped from the file; the system may drop them again.
    pub(crate) weights: u64,
    /// Keys and values of a thousand tokens.
    pub(crate) cache_per_1000: u64,
    /// Keys and values of one full context.
    pub(crate) cache_full: u64,
    /// Generation with one full context, in all.
    pub(crate) generation: u64,
    /// Tuning with an adapter on every linear layer, by what takes it.
    pub(crate) tuning: Footprint,
    /// The rank of that adapter.
    pub(crate) tuning_rank: usize,
    /// The tokens read at a time.
    pub(crate) tuning_tokens: usize,
}

/// Tokens that `grimoire tune` reads at a time unless told otherwise.
const TUNING_TOKENS: usize = 512;

/// Reads the report from a model.
pub(crate) fn info(checkpoint: &Checkpoint) -> Outcome<Info> {
    let config = checkpoint.config();
    let weights = checkpoint.tensors().iter().map(|tensor| tensor.bytes().len() as u64).sum();
    let cache = |tokens| Cache::bytes(config, 1, tokens, Precision::Fast);
    let settings = LoraSettings::default();
    let (mut model, mut params) = (Model::load(checkpoint)?, Params::default());
    attach(&mut model, &mut params, &settings, 0)?;
    let tokens = TUNING_TOKENS.min(config.context);
    let load = Load { tokens, scored: tokens, precision: Precision::Fast, ..Load::default() };
    let tuning = footprint(checkpoint, &model, &params, &load);
    let (tokenizer, tokenizer_error) = or_why(checkpoint.tokenizer());
    let (chat_template, chat_template_error) = or_why(checkpoint.chat_template());
    // The residual stream and the widest layer for the prompt tokens read at once, and one row of logits.
    let read = config.context.min(512);
    let working = 4 * (read * (4 * config.width + 3 * config.inner) + config.vocabulary) as u64;
    let working = working + answering_program(config.vocabulary);
    Ok(Info {
        path: checkpoint.path().to_owned(),
        format: match (checkpoint.container(), checkpoint.gguf()) {
            (Container::Gguf, Some(file)) => format!("GGUF v{}", file.version()),
            _ => "safetensors".to_owned(),
        },
        name: match checkpoint.gguf() {
            Some(file) => file.metadata().optional::<&str>("general.name")?.map(str::to_owned),
            None => None,
        },
        architecture: config.architecture.name(),
        sizes: Sizes {
            blocks: config.n_blocks,
            width: config.width,
            heads: config.n_heads,
            kv_heads: config.n_kv_heads,
            head_dim: config.head_dim,
            inner: config.inner,
            vocabulary: config.vocabulary,
            context: config.context,
            window: config.window,
            rope_base: config.rotary.as_ref().map(|rotary| rotary.base),
            rope_scaling: config.rotary.as_ref().and_then(|rotary| scaling(&rotary.scaling)),
            tied: config.tied,
        },
        parameters: parameters(checkpoint),
        storage: storage(checkpoint),
        tokenizer: tokenizer.as_ref().map(vocabulary),
        tokenizer_error,
        chat_template: chat_template.flatten(),
        chat_template_error,
        memory: Memory {
            weights,
            cache_per_1000: cache(1000),
            cache_full: cache(config.context),
            generation: weights + cache(config.context) + working,
            tuning,
            tuning_rank: settings.rank,
            tuning_tokens: tokens,
        },
    })
}

/// What was read, or why it could not be.
fn or_why<T>(read: Result<T, ModelError>) -> (Option<T>, Option<String>) {
    match read {
        Ok(read) => (Some(read), None),
        Err(error) => (None, Some(error.to_string())),
    }
}

fn scaling(scaling: &Scaling) -> Option<&'static str> {
    match scaling {
        Scaling::None => None,
        Scaling::Linear { .. } => Some("linear"),
        Scaling::Divisors(_) => Some("by the file's own divisors"),
        Scaling::Llama3 { .. } => Some("llama3"),
        Scaling::Yarn { .. } => Some("yarn"),
    }
}

fn parameters(checkpoint: &Checkpoint) -> Parameters {
    let mut by = Parameters::default();
    for tensor in checkpoint.tensors() {
        let name = tensor.name();
        let module = name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias"));
        let path = module.and_then(|module| checkpoint.naming().path(module)).unwrap_or_default();
        let part = path.rsplit('.').next().unwrap_or_default();
        let slot = match part {
            _ if part.starts_with("norm") => &mut by.norms,
            "embed" | "positions" => &mut by.embedding,
            // A checkpoint may hold the tied head a second time; it counts once.
            "head" if checkpoint.config().tied => &mut by.other,
            "head" => &mut by.head,
            "q" | "k" | "v" | "o" | "qkv" => &mut by.attention,
            "gate" | "up" | "down" => &mut by.feed_forward,
            _ => &mut by.other,
        };
        *slot += tensor.len() as u64;
    }
    by.total = by.embedding + by.attention + by.feed_forward + by.norms + by.head;
    by
}

fn storage(checkpoint: &Checkpoint) -> Vec<Storage> {
    let mut by = BTreeMap::new();
    for tensor in checkpoint.tensors() {
        let slot = by.entry(tensor.dtype()).or_insert_with(|| Storage {
            name: tensor.dtype().name(),
            tensors: 0,
            values: 0,
            bytes: 0,
        });
        slot.tensors += 1;
        slot.values += tensor.len() as u64;
        slot.bytes += tensor.bytes().len() as u64;
    }
    let mut all: Vec<Storage> = by.into_values().collect();
    all.sort_by_key(|storage| std::cmp::Reverse(storage.bytes));
    all
}

fn vocabulary(tokenizer: &grimoire_text::Tokenizer) -> Vocabulary {
    let special = tokenizer.special();
    let text = |id: u32| tokenizer.token_text(id).map_or_else(|| id.to_string(), str::to_owned);
    Vocabulary {
        tokens: tokenizer.vocab_size(),
        bos: special.bos.map(text),
        eos: special.eos.map(text),
        ends: special.end_of_generation.iter().map(|id| text(*id)).collect(),
        adds_bos: special.add_bos,
        warnings: tokenizer.warnings().to_vec(),
    }
}
