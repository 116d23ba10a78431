//! The sizes and choices of a model, checked: what a `config.json` or the header of a GGUF file says, in one
//! form. Reading them is the business of `checkpoint`.

use crate::rotary::Rotary;
use serde::Serialize;
use std::fmt;

/// A supported architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Llama 1 to 3, SmolLM2 and what else shares their shape.
    Llama,
    /// Mistral: Llama with a sliding window.
    Mistral,
    /// Qwen 2 and 2.5: Llama with biases on q, k and v.
    Qwen2,
    /// Qwen 3: Llama with norms on q and k.
    Qwen3,
    /// GPT-2.
    Gpt2,
}

impl Architecture {
    /// Its name, as `model_type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gpt2 => "gpt2",
        }
    }

    /// The architecture of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3, Self::Gpt2]
            .into_iter()
            .find(|architecture| architecture.name() == name)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Sizes and choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which architecture.
    pub architecture: Architecture,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Number of blocks.
    pub n_blocks: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Values per head.
    pub head_dim: usize,
    /// Width inside the feed-forward part.
    pub inner: usize,
    /// Added under the root in norms.
    pub epsilon: f32,
    /// Longest sequence the model was made for.
    pub context: usize,
    /// The rotary embedding; none where positions are learned.
    pub rotary: Option<Rotary>,
    /// How many tokens, its own included, a position sees at most.
    pub window: Option<usize>,
    /// Whether the head is the embedding.
    pub tied: bool,
}
