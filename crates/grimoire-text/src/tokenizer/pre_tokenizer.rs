//! How byte-level BPE cuts a text into words before merging, by the name that a GGUF file gives
//! in `tokenizer.ggml.pre`. Each entry restates the normaliser and the pattern of the model's own
//! `tokenizer.json`. A name that is not in the table is an error: a wrong cut gives ids that look
//! right and are not.

use crate::error::TextError;
use serde_json::Value;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

/// The names understood.
const KNOWN: [&str; 12] = [
    "codeshell",
    "default",
    "gpt-2",
    "llama-bpe",
    "llama-v3",
    "llama3",
    "phi-2",
    "qwen2",
    "refact",
    "smollm",
    "starcoder",
    "tekken",
];

/// Llama 3: contractions in any case, a letter run with at most one sign before it, at most three
/// digits, signs with the line breaks after them, line breaks, white space.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Qwen 2: as Llama 3, but each digit alone.
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Mistral's Tekken: words break where lower case turns to upper, each digit alone.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What is done to a text before BPE.
pub(crate) struct Recipe {
    /// Unicode normalisation, where the model has one.
    pub(crate) normalizer: Option<NormalizerWrapper>,
    /// The cut into words, and bytes to characters.
    pub(crate) pre_tokenizer: PreTokenizerWrapper,
    /// A word that is itself a token is taken whole, whatever the merges say.
    pub(crate) ignore_merges: bool,
    /// Whether texts begin with the BOS token when the file does not say.
    pub(crate) add_bos: bool,
    /// What the reader should know.
    pub(crate) warning: Option<String>,
}

impl Recipe {
    /// The recipe of the name in `tokenizer.ggml.pre`.
    pub(crate) fn named(pre: Option<&str>) -> Result<Self, TextError> {
        let plain = |pre_tokenizer| Self {
            normalizer: None,
            pre_tokenizer,
            ignore_merges: false,
            add_bos: false,
            warning: None,
        };
        let gpt_2 = || PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true));
        Ok(match pre {
            None | Some("default") => Self {
                warning: Some(
                    "the file does not name its pre-tokenizer (tokenizer.ggml.pre); GPT-2's is used"
                        .into(),
                ),
                ..plain(gpt_2())
            },
            Some("gpt-2" | "phi-2") => plain(gpt_2()),
            Some("smollm" | "starcoder" | "refact" | "codeshell") => {
                plain(PreTokenizerWrapper::Sequence(Sequence::new(vec![
                    PreTokenizerWrapper::Digits(Digits::new(true)),
                    gpt_2(),
                ])))
            }
            Some("llama-bpe" | "llama3" | "llama-v3") => {
                Self { ignore_merges: true, add_bos: true, ..plain(split(LLAMA_3)?) }
            }
            Some("qwen2") => {
                Self { normalizer: Some(NormalizerWrapper::NFC(NFC)), ..plain(split(QWEN_2)?) }
            }
            Some("tekken") => {
                Self { ignore_merges: true, add_bos: true, ..plain(split(TEKKEN)?) }
            }
            Some(found) => {
                return Err(TextError::UnknownPreTokenizer {
                    found: found.into(),
                    known: KNOWN.join(", "),
                });
            }
        })
    }
}

/// The name of the recipe that normalises and cuts as these parts of a `tokenizer.json` do, where
/// there is one.
pub(crate) fn named_for(
    normalizer: &Value,
    pre_tokenizer: &Value,
    ignore_merges: bool,
) -> Result<Option<&'static str>, TextError> {
    let refuse = |error: serde_json::Error| TextError::Encode { reason: error.to_string() };
    for name in ["gpt-2", "smollm", "llama-bpe", "qwen2", "tekken"] {
        let recipe = Recipe::named(Some(name))?;
        let ours = serde_json::to_value(&recipe.normalizer).map_err(refuse)?;
        let cut = serde_json::to_value(&recipe.pre_tokenizer).map_err(refuse)?;
        if plain(&ours) == plain(normalizer)
            && plain(&cut) == plain(pre_tokenizer)
            && recipe.ignore_merges == ignore_merges
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// A step without what does not change ids (where the offsets of a token begin), and a sequence of
/// one step as that step.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            for key in ["normalizers", "pretokenizers"] {
                if let Some([only]) = map.get(key).and_then(Value::as_array).map(Vec::as_slice) {
                    return plain(only);
                }
            }
            let kept = map.iter().filter(|(key, _)| *key != "trim_offsets");
            kept.map(|(key, value)| (key.clone(), plain(value))).collect()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// Words by a pattern, then bytes to characters.
fn split(pattern: &str) -> Result<PreTokenizerWrapper, TextError> {
    let split =
        Split::new(SplitPattern::Regex(pattern.into()), SplitDelimiterBehavior::Isolated, false)
            .map_err(|error| TextError::Encode { reason: error.to_string() })?;
    Ok(PreTokenizerWrapper::Sequence(Sequence::new(vec![
        PreTokenizerWrapper::Split(split),
        PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, false)),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_has_a_recipe_and_no_other() {
        for name in KNOWN {
            assert!(Recipe::named(Some(name)).is_ok(), "{name}");
        }
        let error = Recipe::named(Some("qwen-9")).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.contains("`qwen-9`") && error.contains("qwen2"), "{error}");
    }
}
