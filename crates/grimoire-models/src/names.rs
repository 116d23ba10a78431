//! What a part of a model is called: by us (`blocks.3.attn.q`), in Hugging Face checkpoints and adapters
//! (`model.layers.3.self_attn.q_proj`), and in GGUF files (`blk.3.attn_q`). One table serves reading and
//! writing of all of them.

/// A convention of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Hugging Face's names for the Llama family.
    HfLlama,
    /// Hugging Face's names for GPT-2, with or without `transformer.` before them.
    HfGpt2 {
        /// Whether the prefix is there.
        prefixed: bool,
    },
    /// GGUF's names, for every architecture.
    Gguf,
}

/// A part by all its names.
type Names = (&'static str, &'static str, &'static str, &'static str);

/// Parts of a block: our name, Hugging Face's for Llama, Hugging Face's for GPT-2, GGUF's.
const PARTS: [Names; 13] = [
    ("norm_1", "input_layernorm", "ln_1", "attn_norm"),
    ("attn.q", "self_attn.q_proj", "", "attn_q"),
    ("attn.k", "self_attn.k_proj", "", "attn_k"),
    ("attn.v", "self_attn.v_proj", "", "attn_v"),
    ("attn.qkv", "", "attn.c_attn", "attn_qkv"),
    ("attn.norm_q", "self_attn.q_norm", "", "attn_q_norm"),
    ("attn.norm_k", "self_attn.k_norm", "", "attn_k_norm"),
    ("attn.o", "self_attn.o_proj", "attn.c_proj", "attn_output"),
    ("norm_2", "post_attention_layernorm", "ln_2", "ffn_norm"),
    ("mlp.gate", "mlp.gate_proj", "", "ffn_gate"),
    ("mlp.up", "mlp.up_proj", "mlp.c_fc", "ffn_up"),
    ("mlp.down", "mlp.down_proj", "mlp.c_proj", "ffn_down"),
    ("attn.rotary", "self_attn.rotary_emb", "attn.rotary", "attn_rot_embd"),
];

/// Parts outside the blocks, in the same order.
const TOPS: [Names; 4] = [
    ("embed", "model.embed_tokens", "wte", "token_embd"),
    ("positions", "", "wpe", "position_embd"),
    ("norm", "model.norm", "ln_f", "output_norm"),
    ("head", "lm_head", "lm_head", "output"),
];

impl Naming {
    /// The name in this convention of the module that we call `path`.
    pub fn of(self, path: &str) -> Option<String> {
        if let Some((block, part)) =
            path.strip_prefix("blocks.").and_then(|rest| rest.split_once('.'))
        {
            let row = PARTS.iter().find(|row| row.0 == part)?;
            return match self {
                Self::HfLlama => join("model.layers.", block, row.1),
                Self::HfGpt2 { prefixed: true } => join("transformer.h.", block, row.2),
                Self::HfGpt2 { prefixed: false } => join("h.", block, row.2),
                Self::Gguf => join("blk.", block, row.3),
            };
        }
        let row = TOPS.iter().find(|row| row.0 == path)?;
        let name = match self {
            Self::HfLlama => row.1,
            Self::HfGpt2 { prefixed: true } if path != "head" => {
                return (!row.2.is_empty()).then(|| format!("transformer.{}", row.2));
            }
            Self::HfGpt2 { .. } => row.2,
            Self::Gguf => row.3,
        };
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Our path of the module that this convention calls `name`.
    pub fn path(self, name: &str) -> Option<String> {
        let (prefix, column): (&str, fn(&Names) -> &'static str) = match self {
            Self::HfLlama => ("model.layers.", |row| row.1),
            Self::HfGpt2 { prefixed: true } => ("transformer.h.", |row| row.2),
            Self::HfGpt2 { prefixed: false } => ("h.", |row| row.2),
            Self::Gguf => ("blk.", |row| row.3),
        };
        if let Some((block, part)) = name.strip_prefix(prefix).and_then(|rest| rest.split_once('.'))
        {
            let row = PARTS.iter().find(|row| column(row) == part && !part.is_empty())?;
            return block.parse::<usize>().ok().map(|_| format!("blocks.{block}.{}", row.0));
        }
        TOPS.iter()
            .map(|row| row.0)
            .find(|path| self.of(path).as_deref() == Some(name))
            .map(str::to_owned)
    }
}

fn join(prefix: &str, block: &str, part: &str) -> Option<String> {
    (!part.is_empty()).then(|| format!("{prefix}{block}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_goes_there_and_back() {
        let all = [
            Naming::HfLlama,
            Naming::HfGpt2 { prefixed: true },
            Naming::HfGpt2 { prefixed: false },
            Naming::Gguf,
        ];
        for naming in all {
            let paths = PARTS
                .iter()
                .map(|row| format!("blocks.17.{}", row.0))
                .chain(TOPS.iter().map(|row| row.0.to_owned()));
            for path in paths {
                if let Some(name) = naming.of(&path) {
                    assert_eq!(naming.path(&name).as_deref(), Some(path.as_str()), "{name}");
                }
            }
            assert_eq!(naming.path("nothing.of.ours"), None);
        }
        assert_eq!(
            Naming::HfLlama.of("blocks.3.attn.q").as_deref(),
            Some("model.layers.3.self_attn.q_proj")
        );
        assert_eq!(Naming::Gguf.of("blocks.3.mlp.down").as_deref(), Some("blk.3.ffn_down"));
    }
}
