//! The files of a Hugging Face folder beside the weights: `config.json`, `generation_config.json`, the
//! tokenizer's. Those of a model that is such a folder are copied; for a GGUF model they are written from its
//! metadata, in the spelling that every version of `transformers` reads.

use crate::checkpoint::{Checkpoint, Container};
use crate::config::{Architecture, Config};
use crate::error::ModelError;
use crate::rotary::{Rotary, Scaling};
use grimoire_format::{Dtype, FormatError, TensorSpec};
use grimoire_text::{SpecialTokens, Tokenizer};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Files of a folder that belong to a model besides its weights and `config.json`.
const COMPANIONS: [&str; 11] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
];

/// Names and contents, `config.json` last: with it the folder is a model.
pub(super) fn files(
    checkpoint: &Checkpoint,
    specs: &[TensorSpec],
    notes: &mut Vec<String>,
) -> Result<Vec<(&'static str, Vec<u8>)>, ModelError> {
    let dtype = float_of(specs);
    match checkpoint.container() {
        Container::Folder => copied(checkpoint.path(), dtype),
        Container::Gguf => stated(checkpoint, specs, dtype, notes),
    }
}

/// The type of most values, as PyTorch calls it.
fn float_of(specs: &[TensorSpec]) -> &'static str {
    let values = |dtype: Dtype| -> usize {
        let of_type = specs.iter().filter(|spec| spec.dtype == dtype);
        of_type.map(|spec| spec.shape.iter().product::<usize>()).sum()
    };
    let all = [(Dtype::F32, "float32"), (Dtype::F16, "float16"), (Dtype::BF16, "bfloat16")];
    all.into_iter().max_by_key(|(dtype, _)| values(*dtype)).map_or("float32", |(_, name)| name)
}

/// The files of the folder, `config.json` with the new type in it.
fn copied(from: &Path, dtype: &str) -> Result<Vec<(&'static str, Vec<u8>)>, ModelError> {
    let read = |name: &str| {
        let path = from.join(name);
        std::fs::read(&path)
            .map_err(|source| ModelError::from(FormatError::Io { path, action: "read", source }))
    };
    let mut files = Vec::new();
    for name in COMPANIONS.into_iter().filter(|name| from.join(name).is_file()) {
        files.push((name, read(name)?));
    }
    let mut config = read("config.json")?;
    if let Ok(Value::Object(mut map)) = serde_json::from_slice(&config) {
        let stale = ["torch_dtype", "dtype"]
            .into_iter()
            .filter(|key| map.get(*key).is_some_and(|value| value != dtype));
        let stale: Vec<&str> = stale.collect();
        for key in &stale {
            map.insert((*key).to_owned(), dtype.into());
        }
        if !stale.is_empty() {
            config = pretty(&Value::Object(map));
        }
    }
    files.push(("config.json", config));
    Ok(files)
}

/// The files of a model that was a GGUF file.
fn stated(
    checkpoint: &Checkpoint,
    specs: &[TensorSpec],
    dtype: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<(&'static str, Vec<u8>)>, ModelError> {
    let mut config = config(checkpoint, specs)?;
    config.insert("torch_dtype".into(), dtype.into());
    let mut files = Vec::new();
    match checkpoint.tokenizer() {
        Ok(tokenizer) => {
            let ids = ids(tokenizer.special());
            config.extend(ids.clone());
            let mut generation = ids;
            generation.insert("eos_token_id".into(), json!(tokenizer.special().end_of_generation));
            files.push(("generation_config.json", pretty(&Value::Object(generation))));
            files.extend(tokenizer_files(checkpoint, &tokenizer)?);
        }
        Err(ModelError::NoTokenizer { .. }) => {
            notes.push("the model has no tokenizer, so the folder has none".to_owned());
        }
        Err(error) => return Err(error),
    }
    files.push(("config.json", pretty(&Value::Object(config))));
    Ok(files)
}

fn ids(special: &SpecialTokens) -> Map<String, Value> {
    [("bos_token_id", special.bos), ("eos_token_id", special.eos), ("pad_token_id", special.pad)]
        .into_iter()
        .filter_map(|(key, id)| Some((key.to_owned(), id?.into())))
        .collect()
}

fn tokenizer_files(
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<[(&'static str, Vec<u8>); 2], ModelError> {
    let json = tokenizer
        .to_tokenizer_json()
        .map_err(|source| ModelError::Text { path: checkpoint.path().to_owned(), source })?;
    let mut config = tokenizer.to_tokenizer_config();
    config.insert("model_max_length".into(), checkpoint.config().context.into());
    if let Some(template) = checkpoint.chat_template()? {
        config.insert("chat_template".into(), template.into());
    }
    let config = pretty(&Value::Object(config));
    Ok([("tokenizer.json", pretty(&json)), ("tokenizer_config.json", config)])
}

/// `config.json` without the type and the special tokens.
fn config(checkpoint: &Checkpoint, specs: &[TensorSpec]) -> Result<Map<String, Value>, ModelError> {
    let config = checkpoint.config();
    let value = match &config.rotary {
        None => json!({
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "vocab_size": config.vocabulary,
            "n_positions": config.context,
            "n_embd": config.width,
            "n_layer": config.n_blocks,
            "n_head": config.n_heads,
            "n_inner": config.inner,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": shortest(config.epsilon),
            "tie_word_embeddings": config.tied,
        }),
        Some(rotary) => llama(checkpoint, config, rotary, specs)?,
    };
    let Value::Object(map) = value else { return Ok(Map::new()) };
    Ok(map)
}

fn llama(
    checkpoint: &Checkpoint,
    config: &Config,
    rotary: &Rotary,
    specs: &[TensorSpec],
) -> Result<Value, ModelError> {
    // A window makes a llama of GGUF a Mistral.
    let (model_type, class) = match (config.architecture, config.window) {
        (Architecture::Qwen2, _) => ("qwen2", "Qwen2ForCausalLM"),
        (Architecture::Qwen3, _) => ("qwen3", "Qwen3ForCausalLM"),
        (Architecture::Mistral, _) | (_, Some(_)) => ("mistral", "MistralForCausalLM"),
        _ => ("llama", "LlamaForCausalLM"),
    };
    let mut value = json!({
        "architectures": [class],
        "model_type": model_type,
        "vocab_size": config.vocabulary,
        "max_position_embeddings": config.context,
        "hidden_size": config.width,
        "num_hidden_layers": config.n_blocks,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.inner,
        "hidden_act": "silu",
        "rms_norm_eps": shortest(config.epsilon),
        "rope_theta": shortest(rotary.base as f32),
        "tie_word_embeddings": config.tied,
    });
    if rotary.dims != config.head_dim {
        value["partial_rotary_factor"] = json!(rotary.dims as f64 / config.head_dim as f64);
    }
    if let Some(scaling) = scaling(checkpoint, rotary)? {
        value["rope_scaling"] = scaling;
    }
    match model_type {
        "mistral" => value["sliding_window"] = json!(config.window),
        "qwen2" => value["use_sliding_window"] = false.into(),
        "qwen3" => {
            value["use_sliding_window"] = false.into();
            value["attention_bias"] = false.into();
        }
        _ => {
            value["attention_bias"] = biases(checkpoint, specs, "self_attn", 4)?.into();
            value["mlp_bias"] = biases(checkpoint, specs, "mlp", 3)?.into();
        }
    }
    Ok(value)
}

/// Whether the linear layers of a part of each block have biases: `config.json` can say all or none.
fn biases(
    checkpoint: &Checkpoint,
    specs: &[TensorSpec],
    part: &str,
    layers: usize,
) -> Result<bool, ModelError> {
    let of_part = |spec: &&TensorSpec| {
        spec.name.contains(&format!(".{part}.")) && spec.name.ends_with("_proj.bias")
    };
    match specs.iter().filter(of_part).count() {
        0 => Ok(false),
        count if count == layers * checkpoint.config().n_blocks => Ok(true),
        _ => Err(refuse(checkpoint, "bias", "config.json says that all or none have one")),
    }
}

fn scaling(checkpoint: &Checkpoint, rotary: &Rotary) -> Result<Option<Value>, ModelError> {
    let divisors = match &rotary.scaling {
        Scaling::Divisors(divisors) => divisors,
        Scaling::None => return Ok(None),
        Scaling::Linear { factor } => {
            return Ok(Some(json!({"rope_type": "linear", "factor": factor})));
        }
        Scaling::Yarn { factor, original, beta_fast, beta_slow, attention, whole_pairs } => {
            return Ok(Some(json!({
                "rope_type": "yarn",
                "factor": factor,
                "original_max_position_embeddings": *original as u64,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "attention_factor": attention,
                "truncate": whole_pairs,
            })));
        }
        Scaling::Llama3 { factor, low, high, original } => {
            return Ok(Some(llama3(*factor, *low, *high, *original)));
        }
    };
    match rotary.llama3_of(divisors, checkpoint.config().context) {
        Some([factor, low, high, original]) => Ok(Some(llama3(factor, low, high, original))),
        None => {
            let reason = "its divisors are not those of Llama 3's formula, which is all that config.json can say";
            Err(refuse(checkpoint, "rope_freqs.weight", reason))
        }
    }
}

fn llama3(factor: f64, low: f64, high: f64, original: f64) -> Value {
    json!({
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": low,
        "high_freq_factor": high,
        "original_max_position_embeddings": original.round() as u64,
    })
}

/// An f32 as the shortest decimal number that is read back to it: 1e-5 and not 9.999999747378752e-6.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn refuse(checkpoint: &Checkpoint, key: &str, reason: &str) -> ModelError {
    ModelError::Unstatable {
        path: checkpoint.path().to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}
