//! The settings of a model as the keys of a GGUF file, named as llama.cpp's converter names them. For a model
//! that comes from a Hugging Face folder.
//!
//! Source: the GGUF specification, `docs/gguf.md` of ggml.

use crate::checkpoint::Checkpoint;
use crate::config::{Architecture, Config};
use crate::error::ModelError;
use crate::order::permuted_in_gguf;
use crate::rotary::{Rotary, Scaling};
use grimoire_format::gguf::MetadataWriter;
use grimoire_text::GgufVocab;

/// The architecture under which GGUF readers know a model: Mistral is a llama there.
fn architecture(config: &Config) -> &'static str {
    match config.architecture {
        Architecture::Mistral => Architecture::Llama.name(),
        other => other.name(),
    }
}

/// Adds everything but the type of the file.
pub(super) fn state(
    checkpoint: &Checkpoint,
    metadata: &mut MetadataWriter,
    notes: &mut Vec<String>,
) -> Result<(), ModelError> {
    let config = checkpoint.config();
    let name = architecture(config);
    metadata.str("general.architecture", name).str("general.type", "model");
    if let Some(folder) = checkpoint.path().file_name().and_then(|folder| folder.to_str()) {
        metadata.str("general.name", folder);
    }
    sizes(config, name, metadata);
    if let Some(rotary) = &config.rotary {
        if permuted_in_gguf(config) && rotary.dims != config.head_dim {
            let reason = "heads that are rotated in part have no order of rows in GGUF";
            return Err(refuse(checkpoint, "partial_rotary_factor", reason));
        }
        scaling(checkpoint, rotary, name, metadata)?;
    }
    if let Some(window) = config.window {
        metadata.u32(&format!("{name}.attention.sliding_window"), window as u32);
        if name == Architecture::Llama.name() {
            notes.push(format!(
                "the window of {window} tokens is stated, but llama.cpp reads it for other architectures alone: its answers differ beyond {window} tokens"
            ));
        }
    }
    match checkpoint.tokenizer() {
        Ok(tokenizer) => {
            let vocab = tokenizer.to_gguf(config.vocabulary).map_err(|source| {
                ModelError::Text { path: checkpoint.path().to_owned(), source }
            })?;
            vocabulary(&vocab, metadata);
        }
        Err(ModelError::NoTokenizer { .. }) => {
            notes.push("the model has no tokenizer, so the file has none".to_owned());
        }
        Err(error) => return Err(error),
    }
    if let Some(template) = checkpoint.chat_template()? {
        metadata.str("tokenizer.chat_template", &template);
    }
    Ok(())
}

fn sizes(config: &Config, name: &str, metadata: &mut MetadataWriter) {
    let key = |key: &str| format!("{name}.{key}");
    for (what, size) in [
        ("context_length", config.context),
        ("embedding_length", config.width),
        ("block_count", config.n_blocks),
        ("feed_forward_length", config.inner),
        ("attention.head_count", config.n_heads),
    ] {
        metadata.u32(&key(what), size as u32);
    }
    metadata.u32(&key("vocab_size"), config.vocabulary as u32);
    let Some(rotary) = &config.rotary else {
        metadata.f32(&key("attention.layer_norm_epsilon"), config.epsilon);
        return;
    };
    metadata.u32(&key("attention.head_count_kv"), config.n_kv_heads as u32);
    metadata.f32(&key("attention.layer_norm_rms_epsilon"), config.epsilon);
    metadata.u32(&key("attention.key_length"), config.head_dim as u32);
    metadata.u32(&key("attention.value_length"), config.head_dim as u32);
    metadata.u32(&key("rope.dimension_count"), rotary.dims as u32);
    metadata.f32(&key("rope.freq_base"), rotary.base as f32);
}

/// How the rotary embedding is stretched. Llama 3's way is a tensor and no key.
fn scaling(
    checkpoint: &Checkpoint,
    rotary: &Rotary,
    name: &str,
    metadata: &mut MetadataWriter,
) -> Result<(), ModelError> {
    let key = |key: &str| format!("{name}.rope.scaling.{key}");
    match &rotary.scaling {
        Scaling::None | Scaling::Llama3 { .. } | Scaling::Divisors(_) => {}
        Scaling::Linear { factor } => {
            metadata.str(&key("type"), "linear").f32(&key("factor"), *factor as f32);
        }
        Scaling::Yarn { factor, original, beta_fast, beta_slow, attention, whole_pairs } => {
            if !whole_pairs {
                let reason =
                    "GGUF readers round the pairs at the edges of the ramp (truncate: false)";
                return Err(refuse(checkpoint, "truncate", reason));
            }
            metadata.str(&key("type"), "yarn").f32(&key("factor"), *factor as f32);
            metadata.u32(&key("original_context_length"), *original as u32);
            let usual = crate::rotary::yarn_attention(*factor);
            if *attention != usual {
                metadata.f32(&key("attn_factor"), (attention / usual) as f32);
            }
            if (*beta_fast, *beta_slow) != (32.0, 1.0) {
                metadata.f32(&key("yarn_beta_fast"), *beta_fast as f32);
                metadata.f32(&key("yarn_beta_slow"), *beta_slow as f32);
            }
        }
    }
    Ok(())
}

fn vocabulary(vocab: &GgufVocab, metadata: &mut MetadataWriter) {
    let key = |key: &str| format!("tokenizer.ggml.{key}");
    metadata.str(&key("model"), &vocab.model);
    metadata.str(&key("pre"), vocab.pre.as_deref().unwrap_or("default"));
    metadata.strings(&key("tokens"), &vocab.tokens);
    if !vocab.scores.is_empty() {
        metadata.f32s(&key("scores"), &vocab.scores);
    }
    metadata.i32s(&key("token_type"), &vocab.token_types);
    if !vocab.merges.is_empty() {
        metadata.strings(&key("merges"), &vocab.merges);
    }
    let more = |at: usize| vocab.more_ends.get(at).copied();
    for (name, id) in [
        ("bos_token_id", vocab.bos),
        ("eos_token_id", vocab.eos),
        ("unknown_token_id", vocab.unknown),
        ("padding_token_id", vocab.pad),
        ("eot_token_id", more(0)),
        ("eom_token_id", more(1)),
    ] {
        if let Some(id) = id {
            metadata.u32(&key(name), id);
        }
    }
    for (name, flag) in [
        ("add_bos_token", vocab.add_bos),
        ("add_eos_token", vocab.add_eos),
        ("add_space_prefix", vocab.add_space_prefix),
    ] {
        if let Some(flag) = flag {
            metadata.bool(&key(name), flag);
        }
    }
}

fn refuse(checkpoint: &Checkpoint, key: &str, reason: &str) -> ModelError {
    ModelError::Unstatable {
        path: checkpoint.path().to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}
