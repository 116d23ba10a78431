//! A Hugging Face folder: `config.json` as a configuration, `tokenizer.json`, the chat template.
//! Settings that would change what the model computes and are not supported are errors.

use crate::config::{Architecture, Config};
use crate::error::ModelError;
use crate::names::Naming;
use crate::rotary::{Rotary, Scaling, yarn_attention};
use grimoire_format::is_file;
use grimoire_format::safetensors::Checkpoint as Weights;
use grimoire_tensor::RopePairs;
use grimoire_text::Tokenizer;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Largest JSON file of a model that is read, in bytes.
const JSON_LIMIT: u64 = 256 << 20;
/// Where a chat template is by itself.
const TEMPLATE: &str = "chat_template.jinja";
/// Where special tokens are, and the chat template where it has no file of its own.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// The settings of `config.json`, with errors that name the key.
struct Settings {
    path: PathBuf,
    values: Map<String, Value>,
}

impl Settings {
    fn wrong(&self, key: &str, expected: &str, found: &Value) -> ModelError {
        ModelError::Setting {
            path: self.path.clone(),
            key: key.to_owned(),
            expected: expected.to_owned(),
            found: found.to_string(),
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    fn size(&self, key: &str) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_u64() {
            Some(size) if size > 0 && size < 1 << 31 => Ok(Some(size as usize)),
            _ => Err(self.wrong(key, "a positive whole number", value)),
        }
    }

    fn required(&self, key: &str) -> Result<usize, ModelError> {
        self.size(key)?.ok_or_else(|| self.wrong(key, "a positive whole number", &Value::Null))
    }

    fn real(&self, key: &str) -> Result<Option<f64>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong(key, "a number", value))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(key, "true or false", value))
    }

    fn text(&self, key: &str) -> Result<Option<&str>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(key, "a string", value))
    }

    /// Errs unless the setting is absent or one of `accepted`.
    fn only(&self, key: &str, accepted: &[&str]) -> Result<(), ModelError> {
        match self.text(key)? {
            Some(value) if !accepted.contains(&value) => {
                Err(self.wrong(key, &accepted.join(" or "), &Value::from(value)))
            }
            _ => Ok(()),
        }
    }
}

fn read_json(path: PathBuf) -> Result<Settings, ModelError> {
    let wrong = |expected: &str, found: String| ModelError::Setting {
        path: path.clone(),
        key: "the file".to_owned(),
        expected: expected.to_owned(),
        found,
    };
    let bytes = read(&path)?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(values)) => Ok(Settings { path, values }),
        Ok(_) => Err(wrong("a JSON object", "another JSON value".to_owned())),
        Err(error) => Err(wrong("JSON", error.to_string())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    let io = |source| {
        ModelError::Format(grimoire_format::FormatError::Io {
            path: path.to_owned(),
            action: "read",
            source,
        })
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > JSON_LIMIT {
        return Err(ModelError::Setting {
            path: path.to_owned(),
            key: "the file".to_owned(),
            expected: format!("at most {JSON_LIMIT} bytes"),
            found: format!("{size} bytes"),
        });
    }
    std::fs::read(path).map_err(io)
}

/// Reads the configuration and finds how the tensors are named.
pub(super) fn config(folder: &Path, weights: &Weights) -> Result<(Config, Naming), ModelError> {
    let settings = read_json(folder.join("config.json"))?;
    let name = settings.text("model_type")?.unwrap_or_default();
    let architecture = Architecture::named(name).ok_or_else(|| ModelError::Architecture {
        path: settings.path.clone(),
        found: name.to_owned(),
    })?;
    let (config, naming) = match architecture {
        Architecture::Gpt2 => {
            let prefixed = weights.get("transformer.wte.weight").is_some();
            (gpt2(&settings)?, Naming::HfGpt2 { prefixed })
        }
        _ => (llama(&settings, architecture)?, Naming::HfLlama),
    };
    check(&settings.path, &config)?;
    Ok((config, naming))
}

fn llama(settings: &Settings, architecture: Architecture) -> Result<Config, ModelError> {
    settings.only("hidden_act", &["silu", "swish"])?;
    let (width, n_heads) =
        (settings.required("hidden_size")?, settings.required("num_attention_heads")?);
    let head_dim = settings.size("head_dim")?.unwrap_or(match architecture {
        Architecture::Qwen3 => 128,
        _ => width / n_heads,
    });
    let context = settings.size("max_position_embeddings")?.unwrap_or(2048);
    let window = match architecture {
        Architecture::Mistral => settings.size("sliding_window")?,
        Architecture::Qwen2 | Architecture::Qwen3 => {
            if settings.flag("use_sliding_window")?.unwrap_or(false) {
                let found = Value::from(true);
                return Err(settings.wrong(
                    "use_sliding_window",
                    "false (windows in some layers alone are not supported)",
                    &found,
                ));
            }
            None
        }
        _ => None,
    };
    let kv = settings.size("num_key_value_heads")?;
    Ok(Config {
        architecture,
        vocabulary: settings.required("vocab_size")?,
        width,
        n_blocks: settings.required("num_hidden_layers")?,
        n_heads,
        n_kv_heads: kv.unwrap_or(n_heads),
        head_dim,
        inner: settings.required("intermediate_size")?,
        epsilon: settings.real("rms_norm_eps")?.unwrap_or(1e-6) as f32,
        context,
        rotary: Some(rotary(settings, head_dim, context)?),
        window,
        tied: settings.flag("tie_word_embeddings")?.unwrap_or(false),
    })
}

fn gpt2(settings: &Settings) -> Result<Config, ModelError> {
    settings.only("activation_function", &["gelu_new", "gelu_pytorch_tanh"])?;
    for key in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] {
        if settings.flag(key)?.unwrap_or(false) {
            return Err(settings.wrong(key, "false", &Value::from(true)));
        }
    }
    if settings.flag("scale_attn_weights")? == Some(false) {
        return Err(settings.wrong("scale_attn_weights", "true", &Value::from(false)));
    }
    let (width, n_heads) = (settings.required("n_embd")?, settings.required("n_head")?);
    Ok(Config {
        architecture: Architecture::Gpt2,
        vocabulary: settings.required("vocab_size")?,
        width,
        n_blocks: settings.required("n_layer")?,
        n_heads,
        n_kv_heads: n_heads,
        head_dim: width / n_heads,
        inner: settings.size("n_inner")?.unwrap_or(4 * width),
        epsilon: settings.real("layer_norm_epsilon")?.unwrap_or(1e-5) as f32,
        context: settings.required("n_positions")?,
        rotary: None,
        window: None,
        tied: settings.flag("tie_word_embeddings")?.unwrap_or(true),
    })
}

fn rotary(settings: &Settings, head_dim: usize, context: usize) -> Result<Rotary, ModelError> {
    // transformers 5 writes one object, earlier versions a base and a scaling object.
    let nested = |key: &str| -> Result<Settings, ModelError> {
        let values = match settings.get(key) {
            Some(Value::Object(values)) => values.clone(),
            None => Map::new(),
            Some(other) => return Err(settings.wrong(key, "an object", other)),
        };
        Ok(Settings { path: settings.path.clone(), values })
    };
    let mut scale = nested("rope_parameters")?;
    if scale.values.is_empty() {
        scale = nested("rope_scaling")?;
    }
    let base = match scale.real("rope_theta")? {
        Some(base) => base,
        None => settings.real("rope_theta")?.unwrap_or(10_000.0),
    };
    let part = match scale.real("partial_rotary_factor")? {
        Some(part) => part,
        None => settings.real("partial_rotary_factor")?.unwrap_or(1.0),
    };
    let dims = (head_dim as f64 * part) as usize;
    let scaling = scaling(&scale, context)?;
    Ok(Rotary { base, dims, pairs: RopePairs::Halves, scaling })
}

/// How the frequencies are stretched, as the settings of the rotary embedding say.
fn scaling(scale: &Settings, context: usize) -> Result<Scaling, ModelError> {
    let kind = match scale.text("rope_type")? {
        Some(kind) => kind,
        None => scale.text("type")?.unwrap_or("default"),
    };
    let required = |key: &str| -> Result<f64, ModelError> {
        scale.real(key)?.ok_or_else(|| scale.wrong(key, "a number", &Value::Null))
    };
    let original = match scale.real("original_max_position_embeddings")? {
        Some(original) => original,
        None => context as f64,
    };
    Ok(match kind {
        "default" => Scaling::None,
        "linear" => Scaling::Linear { factor: required("factor")? },
        "llama3" => Scaling::Llama3 {
            factor: required("factor")?,
            low: required("low_freq_factor")?,
            high: required("high_freq_factor")?,
            original,
        },
        "yarn" => {
            for key in ["mscale", "mscale_all_dim"] {
                if let Some(found) = scale.get(key) {
                    return Err(scale.wrong(key, "no such setting", found));
                }
            }
            let factor = required("factor")?;
            Scaling::Yarn {
                factor,
                original,
                beta_fast: scale.real("beta_fast")?.unwrap_or(32.0),
                beta_slow: scale.real("beta_slow")?.unwrap_or(1.0),
                attention: match scale.real("attention_factor")? {
                    Some(attention) => attention,
                    None => yarn_attention(factor),
                },
                whole_pairs: scale.flag("truncate")?.unwrap_or(true),
            }
        }
        other => {
            let expected = "default, linear, llama3 or yarn";
            return Err(scale.wrong("rope_type", expected, &Value::from(other)));
        }
    })
}

/// What must hold of sizes before weights are looked at.
pub(super) fn check(path: &Path, config: &Config) -> Result<(), ModelError> {
    let wrong = |key: &str, expected: &str, found: String| {
        Err(ModelError::Setting {
            path: path.to_owned(),
            key: key.to_owned(),
            expected: expected.to_owned(),
            found,
        })
    };
    if config.n_kv_heads == 0 || !config.n_heads.is_multiple_of(config.n_kv_heads) {
        let found = format!("{} over {}", config.n_heads, config.n_kv_heads);
        return wrong("attention heads", "a multiple of the key and value heads", found);
    }
    if config.head_dim == 0 || config.vocabulary == 0 {
        return wrong("sizes", "positive head size and vocabulary", "zero".to_owned());
    }
    if config.n_blocks > 10_000 {
        return wrong("blocks", "at most 10000", config.n_blocks.to_string());
    }
    if let Some(rotary) = &config.rotary {
        if rotary.dims == 0 || rotary.dims % 2 != 0 || rotary.dims > config.head_dim {
            let expected = "an even number of rotated values, at most a head's";
            return wrong("rotary dimensions", expected, rotary.dims.to_string());
        }
        if !(rotary.base > 1.0 && rotary.base.is_finite()) {
            return wrong("rotary base", "a number above one", rotary.base.to_string());
        }
    }
    Ok(())
}

/// Reads `tokenizer.json`, and `tokenizer_config.json` and `generation_config.json` for its special tokens.
pub(super) fn tokenizer(folder: &Path) -> Result<Tokenizer, ModelError> {
    let path = folder.join("tokenizer.json");
    if !is_file(&path)? {
        let expected = "tokenizer.json in the folder".to_owned();
        return Err(ModelError::NoTokenizer { path: folder.to_owned(), expected });
    }
    let text = |path: &Path| {
        let path = path.to_owned();
        move |source| ModelError::Text { path, source }
    };
    let mut tokenizer = Tokenizer::from_tokenizer_json(&read(&path)?).map_err(text(&path))?;
    let config = folder.join(TOKENIZER_CONFIG);
    if is_file(&config)? {
        tokenizer = tokenizer.with_config(&read(&config)?).map_err(text(&config))?;
    }
    for name in ["config.json", "generation_config.json"] {
        let path = folder.join(name);
        if is_file(&path)? {
            let settings = read_json(path)?;
            let ends: Vec<u32> = match settings.get("eos_token_id") {
                Some(Value::Array(ids)) => {
                    ids.iter().filter_map(Value::as_u64).map(|id| id as u32).collect()
                }
                Some(id) => id.as_u64().map(|id| id as u32).into_iter().collect(),
                None => Vec::new(),
            };
            tokenizer = tokenizer.with_ends(&ends);
        }
    }
    Ok(tokenizer)
}

/// The file of the chat template: `chat_template.jinja`, else `tokenizer_config.json`.
pub(super) fn chat_template_file(folder: &Path) -> PathBuf {
    let own = folder.join(TEMPLATE);
    if own.is_file() { own } else { folder.join(TOKENIZER_CONFIG) }
}

/// The chat template: `chat_template.jinja`, or the entry of `tokenizer_config.json`.
pub(super) fn chat_template(folder: &Path) -> Result<Option<String>, ModelError> {
    let own = folder.join(TEMPLATE);
    if is_file(&own)? {
        return Ok(Some(String::from_utf8_lossy(&read(&own)?).into_owned()));
    }
    let config = folder.join(TOKENIZER_CONFIG);
    if !is_file(&config)? {
        return Ok(None);
    }
    let settings = read_json(config)?;
    let key = "chat_template";
    let Some(found) = settings.get(key) else { return Ok(None) };
    let wrong =
        || settings.wrong(key, "a string, or a list of objects with name and template", found);
    match found {
        Value::String(template) => Ok(Some(template.clone())),
        Value::Array(entries) => {
            let mut default = None;
            for entry in entries {
                let text = |key: &str| entry[key].as_str().ok_or_else(wrong);
                let (name, template) = (text("name")?, text("template")?);
                if name == "default" {
                    default = default.or(Some(template.to_owned()));
                }
            }
            Ok(default)
        }
        _ => Err(wrong()),
    }
}
