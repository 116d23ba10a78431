//! The header of a GGUF file as a configuration and a tokenizer (the key names are those of the GGUF
//! specification, `docs/gguf.md` of ggml).

use crate::config::{Architecture, Config};
use crate::error::ModelError;
use crate::rotary::{Rotary, Scaling, yarn_attention};
use grimoire_format::gguf::Gguf;
use grimoire_tensor::RopePairs;
use grimoire_text::{GgufVocab, Tokenizer};

/// Reads the configuration.
pub(super) fn config(file: &Gguf) -> Result<Config, ModelError> {
    let metadata = file.metadata();
    let path = file.file().path().to_owned();
    let name = metadata.require::<&str>("general.architecture")?;
    let architecture = Architecture::named(name)
        .ok_or_else(|| ModelError::Architecture { path: path.clone(), found: name.to_owned() })?;
    let size = |key: &str| -> Result<usize, ModelError> {
        let key = format!("{name}.{key}");
        positive(&path, &key, u64::from(metadata.require::<u32>(&key)?))
    };
    let optional = |key: &str| -> Result<Option<usize>, ModelError> {
        Ok(metadata.optional::<u32>(&format!("{name}.{key}"))?.map(|value| value as usize))
    };
    let real = |key: &str| -> Result<Option<f64>, ModelError> {
        Ok(metadata.optional::<f32>(&format!("{name}.{key}"))?.map(f64::from))
    };
    let n_heads = size("attention.head_count")?;
    let width = size("embedding_length")?;
    let embedding = file.tensor("token_embd.weight")?;
    let vocabulary = embedding.shape().first().copied().unwrap_or(0);
    let head_dim = optional("attention.key_length")?.unwrap_or(width / n_heads);
    let gpt2 = architecture == Architecture::Gpt2;
    let epsilon =
        if gpt2 { "attention.layer_norm_epsilon" } else { "attention.layer_norm_rms_epsilon" };
    let epsilon = metadata.require::<f32>(&format!("{name}.{epsilon}"))?;
    let rotary = if gpt2 {
        None
    } else {
        let dims = optional("rope.dimension_count")?.unwrap_or(head_dim);
        Some(Rotary {
            base: real("rope.freq_base")?.unwrap_or(10_000.0),
            dims,
            pairs: match architecture {
                Architecture::Qwen2 | Architecture::Qwen3 => RopePairs::Halves,
                _ => RopePairs::Neighbours,
            },
            scaling: scaling(file, name, dims)?,
        })
    };
    let config = Config {
        architecture,
        vocabulary,
        width,
        n_blocks: size("block_count")?,
        n_heads,
        n_kv_heads: optional("attention.head_count_kv")?.unwrap_or(n_heads),
        head_dim,
        inner: size("feed_forward_length")?,
        epsilon,
        context: size("context_length")?,
        rotary,
        window: optional("attention.sliding_window")?.filter(|window| *window > 0),
        tied: file.get("output.weight").is_none(),
    };
    super::folder::check(&path, &config)?;
    Ok(config)
}

fn scaling(file: &Gguf, name: &str, dims: usize) -> Result<Scaling, ModelError> {
    let path = file.file().path().to_owned();
    if let Some(divisors) = file.get("rope_freqs.weight") {
        let divisors: Vec<f64> = divisors.to_f32()?.into_iter().map(f64::from).collect();
        if divisors.len() != dims / 2 {
            return Err(ModelError::Shape {
                path,
                name: "rope_freqs.weight".to_owned(),
                expected: vec![dims / 2],
                found: vec![divisors.len()],
            });
        }
        return Ok(Scaling::Divisors(divisors));
    }
    let metadata = file.metadata();
    let real = |key: &str| -> Result<Option<f64>, ModelError> {
        Ok(metadata.optional::<f32>(&format!("{name}.rope.scaling.{key}"))?.map(f64::from))
    };
    let kind = metadata.optional::<&str>(&format!("{name}.rope.scaling.type"))?.unwrap_or("none");
    let factor = real("factor")?.unwrap_or(1.0);
    match kind {
        "none" => Ok(Scaling::None),
        "linear" => Ok(Scaling::Linear { factor }),
        "yarn" => {
            let key = format!("{name}.rope.scaling.original_context_length");
            let original = f64::from(metadata.require::<u32>(&key)?);
            Ok(Scaling::Yarn {
                factor,
                original,
                beta_fast: real("yarn_beta_fast")?.unwrap_or(32.0),
                beta_slow: real("yarn_beta_slow")?.unwrap_or(1.0),
                attention: real("attn_factor")?.unwrap_or(1.0) * yarn_attention(factor),
                whole_pairs: true,
            })
        }
        other => Err(ModelError::Setting {
            path,
            key: format!("{name}.rope.scaling.type"),
            expected: "none, linear or yarn".to_owned(),
            found: other.to_owned(),
        }),
    }
}

fn positive(path: &std::path::Path, key: &str, value: u64) -> Result<usize, ModelError> {
    if value == 0 {
        return Err(ModelError::Setting {
            path: path.to_owned(),
            key: key.to_owned(),
            expected: "a positive number".to_owned(),
            found: "0".to_owned(),
        });
    }
    Ok(value as usize)
}

/// Builds the tokenizer inside the file.
pub(super) fn tokenizer(file: &Gguf) -> Result<Tokenizer, ModelError> {
    let metadata = file.metadata();
    let path = file.file().path().to_owned();
    let Some(model) = metadata.optional::<&str>("tokenizer.ggml.model")? else {
        return Err(ModelError::NoTokenizer {
            path,
            expected: "the key tokenizer.ggml.model".to_owned(),
        });
    };
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let id = |name: &str| metadata.optional::<u32>(&key(name));
    let vocab = GgufVocab {
        model: model.to_owned(),
        pre: metadata.optional::<&str>(&key("pre"))?.map(str::to_owned),
        tokens: metadata
            .require::<Vec<&str>>(&key("tokens"))?
            .into_iter()
            .map(str::to_owned)
            .collect(),
        scores: metadata.optional::<Vec<f32>>(&key("scores"))?.unwrap_or_default(),
        token_types: metadata.optional::<Vec<i32>>(&key("token_type"))?.unwrap_or_default(),
        merges: metadata
            .optional::<Vec<&str>>(&key("merges"))?
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        bos: id("bos_token_id")?,
        eos: id("eos_token_id")?,
        unknown: id("unknown_token_id")?,
        pad: id("padding_token_id")?,
        more_ends: [id("eot_token_id")?, id("eom_token_id")?].into_iter().flatten().collect(),
        add_bos: metadata.optional::<bool>(&key("add_bos_token"))?,
        add_eos: metadata.optional::<bool>(&key("add_eos_token"))?,
        add_space_prefix: metadata.optional::<bool>(&key("add_space_prefix"))?,
    };
    Tokenizer::from_gguf(vocab).map_err(|source| ModelError::Text { path, source })
}
