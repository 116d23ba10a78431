//! `tokenizer.json` and `tokenizer_config.json` of a Hugging Face folder. The library builds the
//! tokenizer; this file checks first what the library would take on trust, and finds out how
//! tokens are spelt and which of them are special.

use super::library::Library;
use super::special::SpecialTokens;
use super::vocabulary::{Kind, Spelling, Vocabulary, byte_of};
use super::{Engine, Tokenizer};
use crate::error::TextError;
use serde_json::Value;
use std::panic::AssertUnwindSafe;

/// Ids beyond this would make the table of tokens larger than any model's.
const MOST_TOKENS: usize = 1 << 24;

impl Tokenizer {
    /// Builds the tokenizer that the bytes of a `tokenizer.json` describe.
    ///
    /// # Errors
    /// Bytes that are not JSON, a tokenizer that the library cannot build, merges of pieces that
    /// are not tokens, ids beyond 2²⁴.
    pub fn from_tokenizer_json(bytes: &[u8]) -> Result<Self, TextError> {
        let value: Value = serde_json::from_slice(bytes).map_err(bad)?;
        check_merges(&value)?;
        // The library trusts its files; whatever is left that makes it panic is an error here.
        let built =
            std::panic::catch_unwind(AssertUnwindSafe(|| tokenizers::Tokenizer::from_bytes(bytes)))
                .map_err(|_| bad("the library failed on it"))?;
        let mut library = built.map_err(bad)?;
        // Padding and truncation are settings of a training run that the file happens to keep.
        library.with_padding(None);
        library.with_truncation(None).map_err(bad)?;

        let vocabulary = vocabulary(&library, spelling(&value))?;
        let unknown = value.pointer("/model/unk_token").and_then(Value::as_str);
        let mut special = SpecialTokens {
            unknown: unknown.and_then(|text| vocabulary.id(text)),
            ..SpecialTokens::default()
        };
        special.find_ends(&vocabulary, &[]);
        let cuts_freely = vocabulary.spelling == Spelling::ByteLevel && !puts_space_first(&value);
        let library = Library::new(library, false, cuts_freely);
        let (before, after) = library.added()?;
        let engine = Engine::Library(Box::new(library));
        Ok(Self { engine, vocabulary, special, before, after, warnings: Vec::new() })
    }

    /// Takes the names of the special tokens from the bytes of a `tokenizer_config.json`.
    ///
    /// # Errors
    /// Bytes that are not a JSON object; a named token that the vocabulary lacks is only warned
    /// about, for such files are common.
    pub fn with_config(mut self, bytes: &[u8]) -> Result<Self, TextError> {
        let bad = |reason: String| TextError::TokenizerConfig { reason };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let object = value.as_object().ok_or_else(|| bad("expected an object".into()))?;
        let mut named = |key: &str| {
            let entry = object.get(key)?;
            let text = entry.as_str().or_else(|| entry.get("content")?.as_str())?;
            let id = self.vocabulary.id(text);
            if id.is_none() {
                self.warnings.push(format!("{key} is `{text}`, which is not in the vocabulary"));
            }
            id
        };
        let (bos, eos) = (named("bos_token"), named("eos_token"));
        let (unknown, pad) = (named("unk_token"), named("pad_token"));
        self.special.bos = bos.or(self.special.bos);
        self.special.eos = eos.or(self.special.eos);
        self.special.unknown = unknown.or(self.special.unknown);
        self.special.pad = pad.or(self.special.pad);
        self.special.find_ends(&self.vocabulary, &[]);
        self.name_added();
        Ok(self)
    }

    /// Adds tokens that end an answer, as `generation_config.json` lists them; ids beyond the
    /// vocabulary are left out.
    #[must_use]
    pub fn with_ends(mut self, ids: &[u32]) -> Self {
        let known: Vec<u32> =
            ids.iter().copied().filter(|id| self.token_text(*id).is_some()).collect();
        self.special.find_ends(&self.vocabulary, &known);
        self
    }

    /// What the post-processor adds, in the words of [`SpecialTokens`].
    fn name_added(&mut self) {
        self.special.add_bos = self.special.bos.is_some_and(|bos| self.before.contains(&bos));
        self.special.add_eos = self.special.eos.is_some_and(|eos| self.after.contains(&eos));
    }
}

fn bad(reason: impl ToString) -> TextError {
    TextError::TokenizerJson { reason: reason.to_string() }
}

/// The library copies merged pieces into a buffer as long as the longest token and does not look
/// first whether the piece is one.
fn check_merges(value: &Value) -> Result<(), TextError> {
    let Some(model) = value.get("model").and_then(Value::as_object) else {
        return Err(bad("no `model` object"));
    };
    let (Some(vocab), Some(merges)) = (
        model.get("vocab").and_then(Value::as_object),
        model.get("merges").and_then(Value::as_array),
    ) else {
        return Ok(());
    };
    let prefix = model.get("continuing_subword_prefix").and_then(Value::as_str).unwrap_or("");
    for (index, merge) in merges.iter().enumerate() {
        let pieces = match merge {
            Value::String(text) => text.split_once(' '),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(left), Value::String(right)] => {
                    Some((left.as_str(), right.as_str()))
                }
                _ => None,
            },
            _ => None,
        };
        let joined =
            pieces.and_then(|(left, right)| Some(format!("{left}{}", right.strip_prefix(prefix)?)));
        let known = pieces.zip(joined).is_some_and(|((left, right), joined)| {
            [left, right, &joined].iter().all(|piece| vocab.contains_key(*piece))
        });
        if !known {
            return Err(bad(format!("model.merges[{index}]: {merge} is not made of tokens")));
        }
    }
    Ok(())
}

/// How tokens are spelt, by the decoder that the file names.
fn spelling(value: &Value) -> Spelling {
    let kind = |decoder: &Value| decoder.get("type").and_then(Value::as_str).map(str::to_string);
    let decoder = value.get("decoder").unwrap_or(&Value::Null);
    match kind(decoder).as_deref() {
        Some("ByteLevel") => Spelling::ByteLevel,
        Some("Metaspace") if is_mark(decoder.get("replacement")) => Spelling::Metaspace {
            strip: match decoder.get("prepend_scheme").and_then(Value::as_str) {
                Some(scheme) => scheme != "never",
                None => decoder.get("add_prefix_space").and_then(Value::as_bool).unwrap_or(true),
            },
        },
        Some("Sequence") => {
            let steps = decoder.get("decoders").and_then(Value::as_array);
            let steps = steps.map(Vec::as_slice).unwrap_or_default();
            let names: Vec<String> = steps.iter().filter_map(kind).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let marks = steps.first().is_some_and(|step| {
                is_mark(step.pointer("/pattern/String"))
                    && step.get("content").and_then(Value::as_str) == Some(" ")
            });
            let strips = steps.last().is_some_and(|step| {
                step.get("content").and_then(Value::as_str) == Some(" ")
                    && step.get("start").and_then(Value::as_u64) == Some(1)
                    && step.get("stop").and_then(Value::as_u64) == Some(0)
            });
            match names.as_slice() {
                ["ByteLevel"] => Spelling::ByteLevel,
                ["Replace", "ByteFallback", "Fuse"] if marks => {
                    Spelling::Metaspace { strip: false }
                }
                ["Replace", "ByteFallback", "Fuse", "Strip"] if marks && strips => {
                    Spelling::Metaspace { strip: true }
                }
                _ => Spelling::Opaque,
            }
        }
        _ => Spelling::Opaque,
    }
}

/// Whether a normaliser or pre-tokenizer puts a space before a text.
fn puts_space_first(value: &Value) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(map) => {
                map.get("add_prefix_space").and_then(Value::as_bool) == Some(true)
                    || map.get("type").and_then(Value::as_str) == Some("Prepend")
                    || map.values().any(any)
            }
            Value::Array(items) => items.iter().any(any),
            _ => false,
        }
    }
    ["normalizer", "pre_tokenizer"].iter().filter_map(|key| value.get(key)).any(any)
}

fn is_mark(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str) == Some("▁")
}

/// The library's tokens by id; ids that no token has are empty and unused.
fn vocabulary(
    library: &tokenizers::Tokenizer,
    spelling: Spelling,
) -> Result<Vocabulary, TextError> {
    let tokens = library.get_vocab(true);
    let count = tokens.values().max().map_or(0, |id| *id as usize + 1);
    if count > MOST_TOKENS {
        return Err(bad(format!("token id {} is beyond {MOST_TOKENS}", count - 1)));
    }
    let mut texts = vec![String::new(); count];
    let mut kinds = vec![Kind::Unused; count];
    for (text, id) in tokens {
        let byte = matches!(spelling, Spelling::Metaspace { .. }).then(|| byte_of(&text)).flatten();
        kinds[id as usize] = byte.map_or(Kind::Normal, Kind::Byte);
        texts[id as usize] = text;
    }
    for (id, token) in library.get_added_tokens_decoder() {
        kinds[id as usize] = if token.special { Kind::Control } else { Kind::UserDefined };
    }
    Ok(Vocabulary::new(texts, kinds, spelling))
}
