//! The tokenizer inside a GGUF file, from its metadata: byte-level BPE (`gpt2`) on the library's
//! engine, SentencePiece-style BPE (`llama`) on [`ScoreBpe`]. This file takes the metadata as
//! values; reading them from the file is the business of the format crate.
//!
//! Source: the GGUF specification, keys `tokenizer.ggml.*`; each length and id is checked before
//! it is used.

use super::library::Library;
use super::pre_tokenizer::Recipe;
use super::score_bpe::ScoreBpe;
use super::special::SpecialTokens;
use super::vocabulary::{Kind, Spelling, Vocabulary, byte_of};
use super::{Engine, Tokenizer};
use crate::error::TextError;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, DecoderWrapper};

/// The values of the keys `tokenizer.ggml.*`, each named as its key.
#[derive(Debug, Clone, Default)]
pub struct GgufVocab {
    /// `model`: `gpt2` or `llama`.
    pub model: String,
    /// `pre`: how `gpt2` cuts words; unused by `llama`.
    pub pre: Option<String>,
    /// `tokens`, in the order of their ids.
    pub tokens: Vec<String>,
    /// `scores`, as many as tokens; `llama` needs them.
    pub scores: Vec<f32>,
    /// `token_type`, as many as tokens or none: 1 normal, 2 unknown, 3 control, 4 user defined,
    /// 5 unused, 6 byte.
    pub token_types: Vec<i32>,
    /// `merges`, two pieces parted by a space; `gpt2` needs them.
    pub merges: Vec<String>,
    /// `bos_token_id`.
    pub bos: Option<u32>,
    /// `eos_token_id`.
    pub eos: Option<u32>,
    /// `unknown_token_id`.
    pub unknown: Option<u32>,
    /// `padding_token_id`.
    pub pad: Option<u32>,
    /// `eot_token_id`, `eom_token_id` and whatever else the file says ends an answer.
    pub more_ends: Vec<u32>,
    /// `add_bos_token`; when absent, as the family does.
    pub add_bos: Option<bool>,
    /// `add_eos_token`; when absent, no.
    pub add_eos: Option<bool>,
    /// `add_space_prefix`; when absent, `llama` adds one and `gpt2` does not.
    pub add_space_prefix: Option<bool>,
}

impl Tokenizer {
    /// Builds the tokenizer that a GGUF file describes.
    ///
    /// # Errors
    /// A kind or pre-tokenizer that is not known, arrays of unequal length, an id beyond the
    /// vocabulary, a merge whose pieces are not tokens.
    pub fn from_gguf(vocab: GgufVocab) -> Result<Self, TextError> {
        check(&vocab)?;
        match vocab.model.as_str() {
            "gpt2" => byte_level(vocab),
            "llama" => sentence_piece(vocab),
            found => Err(TextError::UnknownModel { found: found.into() }),
        }
    }
}

fn check(vocab: &GgufVocab) -> Result<(), TextError> {
    let count = vocab.tokens.len();
    if count == 0 || u32::try_from(count).is_err() {
        return Err(TextError::Vocabulary {
            field: "tokenizer.ggml.tokens",
            expected: "between 1 and 4294967295 tokens".into(),
            found: count.to_string(),
        });
    }
    let arrays = [
        ("tokenizer.ggml.scores", vocab.scores.len()),
        ("tokenizer.ggml.token_type", vocab.token_types.len()),
    ];
    for (field, length) in arrays {
        if length != 0 && length != count {
            return Err(TextError::Vocabulary {
                field,
                expected: format!("as many as tokens, {count}"),
                found: length.to_string(),
            });
        }
    }
    let ids = [
        ("tokenizer.ggml.bos_token_id", vocab.bos),
        ("tokenizer.ggml.eos_token_id", vocab.eos),
        ("tokenizer.ggml.unknown_token_id", vocab.unknown),
        ("tokenizer.ggml.padding_token_id", vocab.pad),
    ];
    let more = vocab.more_ends.iter().map(|id| ("tokenizer.ggml.eot_token_id", Some(*id)));
    for (field, id) in ids.into_iter().chain(more) {
        if let Some(id) = id.filter(|id| *id as usize >= count) {
            return Err(TextError::Vocabulary {
                field,
                expected: format!("an id below {count}"),
                found: id.to_string(),
            });
        }
    }
    Ok(())
}

/// The kinds of the tokens, from `token_type` where the file has it.
fn kinds(vocab: &GgufVocab) -> Result<Vec<Kind>, TextError> {
    if vocab.token_types.is_empty() {
        return Ok(vec![Kind::Normal; vocab.tokens.len()]);
    }
    let bad = |expected: &str, found: String| TextError::Vocabulary {
        field: "tokenizer.ggml.token_type",
        expected: expected.into(),
        found,
    };
    let kind = |(index, (text, kind)): (usize, (&String, &i32))| match kind {
        // 0 is "undefined" in the specification; converters write it for padding.
        0 | 5 => Ok(Kind::Unused),
        1 => Ok(Kind::Normal),
        2 => Ok(Kind::Unknown),
        3 => Ok(Kind::Control),
        4 => Ok(Kind::UserDefined),
        6 => byte_of(text)
            .map(Kind::Byte)
            .ok_or_else(|| bad("a byte token written <0xNN>", format!("`{text}` at {index}"))),
        other => Err(bad("a type from 0 to 6", format!("{other} at {index}"))),
    };
    vocab.tokens.iter().zip(&vocab.token_types).enumerate().map(kind).collect()
}

fn specials(vocab: &GgufVocab, vocabulary: &Vocabulary, add_bos: bool) -> SpecialTokens {
    let mut special = SpecialTokens {
        bos: vocab.bos,
        eos: vocab.eos,
        unknown: vocab.unknown,
        pad: vocab.pad,
        end_of_generation: Vec::new(),
        add_bos: vocab.add_bos.unwrap_or(add_bos) && vocab.bos.is_some(),
        add_eos: vocab.add_eos.unwrap_or(false) && vocab.eos.is_some(),
    };
    special.find_ends(vocabulary, &vocab.more_ends);
    special
}

/// Byte-level BPE. The BOS and EOS tokens are the business of [`Tokenizer`].
fn byte_level(mut vocab: GgufVocab) -> Result<Tokenizer, TextError> {
    let kinds = kinds(&vocab)?;
    let recipe = Recipe::named(vocab.pre.as_deref())?;
    let vocabulary = Vocabulary::new(std::mem::take(&mut vocab.tokens), kinds, Spelling::ByteLevel);
    let merges = merges(std::mem::take(&mut vocab.merges), &vocabulary)?;
    let library_error = |error: tokenizers::Error| TextError::Encode { reason: error.to_string() };

    let ids =
        vocabulary.iter().filter_map(|(_, text, _)| Some((text.to_string(), vocabulary.id(text)?)));
    let model = BPE::builder()
        .vocab_and_merges(ids.collect::<Vocab>(), merges)
        .ignore_merges(recipe.ignore_merges)
        .build()
        .map_err(library_error)?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_normalizer(recipe.normalizer).map_err(library_error)?;
    tokenizer.with_pre_tokenizer(Some(recipe.pre_tokenizer));
    tokenizer.with_decoder(Some(DecoderWrapper::ByteLevel(ByteLevel::default())));
    let mut added = Vec::new();
    for (_, text, kind) in vocabulary.iter().filter(|(_, text, _)| !text.is_empty()) {
        match kind {
            Kind::Control | Kind::Unknown => added.push(AddedToken::from(text, true)),
            Kind::UserDefined => added.push(AddedToken::from(text, false).normalized(false)),
            _ => {}
        }
    }
    tokenizer.add_tokens(added).map_err(library_error)?;

    let special = specials(&vocab, &vocabulary, recipe.add_bos);
    let library = Library::new(tokenizer, vocab.add_space_prefix == Some(true), true);
    let warnings = recipe.warning.into_iter().collect();
    Ok(assemble(Engine::Library(Box::new(library)), vocabulary, special, warnings))
}

/// Splits the merge rules and checks that both pieces and what they make are tokens.
fn merges(rules: Vec<String>, vocabulary: &Vocabulary) -> Result<Vec<(String, String)>, TextError> {
    let rule = |(index, mut rule): (usize, String)| {
        let refuse = |merge: &str, reason: String| TextError::Merge {
            index,
            merge: merge.to_owned(),
            reason,
        };
        let at = rule.find(' ').filter(|at| {
            let right = &rule[at + 1..];
            *at > 0 && !right.is_empty() && !right.contains(' ')
        });
        let Some(at) = at else {
            return Err(refuse(&rule, "expected two pieces parted by one space".into()));
        };
        let (left, right) = (&rule[..at], &rule[at + 1..]);
        for piece in [left, right, &format!("{left}{right}")] {
            if vocabulary.id(piece).is_none() {
                return Err(refuse(&rule, format!("`{piece}` is not a token")));
            }
        }
        let right = rule.split_off(at + 1);
        rule.truncate(at);
        Ok((rule, right))
    };
    rules.into_iter().enumerate().map(rule).collect()
}

fn sentence_piece(mut vocab: GgufVocab) -> Result<Tokenizer, TextError> {
    if vocab.scores.is_empty() {
        return Err(TextError::Vocabulary {
            field: "tokenizer.ggml.scores",
            expected: format!("as many as tokens, {}", vocab.tokens.len()),
            found: "none".into(),
        });
    }
    let mut kinds = kinds(&vocab)?;
    if let Some(unknown) = vocab.unknown {
        kinds[unknown as usize] = Kind::Unknown;
    }
    let add_space_prefix = vocab.add_space_prefix.unwrap_or(true);
    let spelling = Spelling::Metaspace { strip: add_space_prefix };
    let vocabulary = Vocabulary::new(std::mem::take(&mut vocab.tokens), kinds, spelling);
    let unknown = vocab.unknown.or_else(|| {
        vocabulary.iter().find(|(_, _, kind)| *kind == Kind::Unknown).map(|(id, _, _)| id)
    });
    let special = specials(&vocab, &vocabulary, true);
    let engine = ScoreBpe::new(&vocabulary, vocab.scores, unknown, add_space_prefix)?;
    Ok(assemble(Engine::Score(Box::new(engine)), vocabulary, special, Vec::new()))
}

fn assemble(
    engine: Engine,
    vocabulary: Vocabulary,
    special: SpecialTokens,
    warnings: Vec<String>,
) -> Tokenizer {
    let before = special.bos.filter(|_| special.add_bos).into_iter().collect();
    let after = special.eos.filter(|_| special.add_eos).into_iter().collect();
    Tokenizer { engine, vocabulary, special, before, after, warnings }
}
