//! A tokenizer as a GGUF file states it: the way back from `tokenizer.json`. What the keys of GGUF
//! cannot say (another kind of model, a cut without a name) is refused: a file whose readers would
//! cut words otherwise gives ids that look right and are not.
//!
//! The scores that SentencePiece's BPE goes by are not in a `tokenizer.json`; the order of its
//! merges is the order of the scores, so a piece gets the negative place of its first merge.

use super::gguf::GgufVocab;
use super::pre_tokenizer::named_for;
use super::to_json::first_mark;
use super::vocabulary::{Kind, Spelling, Vocabulary};
use super::{Engine, Tokenizer};
use crate::error::TextError;
use serde_json::Value;
use std::collections::HashMap;

impl Tokenizer {
    /// The values of the keys `tokenizer.ggml.*`. The model has `rows` rows of embedding; those
    /// beyond the last token get names that no text spells.
    ///
    /// # Errors
    /// [`TextError::NotInGguf`]: a tokenizer that the keys cannot state.
    pub fn to_gguf(&self, rows: usize) -> Result<GgufVocab, TextError> {
        let mut vocab = match &self.engine {
            Engine::Library(library) => {
                let json = library.to_json()?;
                match self.vocabulary.spelling {
                    Spelling::ByteLevel => byte_level(&json)?,
                    Spelling::Metaspace { .. } => self.sentence_piece(&json)?,
                    Spelling::Opaque => {
                        return Err(refused(
                            "only byte-level BPE and SentencePiece's BPE have keys",
                        ));
                    }
                }
            }
            Engine::Score(score) => GgufVocab {
                model: "llama".into(),
                scores: score.scores().to_vec(),
                add_space_prefix: Some(score.add_space_prefix),
                ..GgufVocab::default()
            },
        };
        self.state_tokens(&mut vocab, rows)?;
        self.state_specials(&mut vocab)?;
        Ok(vocab)
    }

    fn state_tokens(&self, vocab: &mut GgufVocab, rows: usize) -> Result<(), TextError> {
        if self.vocabulary.len() > rows {
            let tokens = self.vocabulary.len();
            return Err(refused(format!("it has {tokens} tokens, the model {rows} rows for them")));
        }
        // Only SentencePiece has a type for the unknown token; elsewhere it is one of the special
        // tokens, and may end a text too, as `<|endoftext|>` does.
        let sentence_piece = matches!(self.vocabulary.spelling, Spelling::Metaspace { .. });
        for (id, text, kind) in self.vocabulary.iter() {
            let empty = text.is_empty();
            vocab.tokens.push(if empty { format!("[PAD{id}]") } else { text.to_owned() });
            vocab.token_types.push(match kind {
                Kind::Normal => 1,
                Kind::Unknown => 2,
                Kind::Control if sentence_piece && self.special.unknown == Some(id) => 2,
                Kind::Control => 3,
                Kind::UserDefined => 4,
                Kind::Unused => 5,
                Kind::Byte(_) => 6,
            });
        }
        for id in vocab.tokens.len()..rows {
            vocab.tokens.push(format!("[PAD{id}]"));
            vocab.token_types.push(5);
        }
        if !vocab.scores.is_empty() {
            let lowest = vocab.scores.iter().copied().fold(0.0, f32::min);
            vocab.scores.resize(rows, lowest - 1.0);
        }
        Ok(())
    }

    fn state_specials(&self, vocab: &mut GgufVocab) -> Result<(), TextError> {
        let special = &self.special;
        let expected = |wanted: bool, id: Option<u32>| match id.filter(|_| wanted) {
            Some(id) => vec![id],
            None => Vec::new(),
        };
        if self.before != expected(special.add_bos, special.bos)
            || self.after != expected(special.add_eos, special.eos)
        {
            return Err(refused("it adds other tokens to a text than its bos and eos"));
        }
        (vocab.bos, vocab.eos) = (special.bos, special.eos);
        (vocab.unknown, vocab.pad) = (special.unknown, special.pad);
        (vocab.add_bos, vocab.add_eos) = (Some(special.add_bos), Some(special.add_eos));
        // Readers find the ends of the known families by name, where the file marks them as control
        // tokens; the rest must be told, and there are two keys to tell them with.
        let mut named = super::SpecialTokens::default();
        named.find_ends(&self.vocabulary, &[]);
        let found = |id: &u32| {
            special.eos == Some(*id)
                || (named.end_of_generation.contains(id) && vocab.token_types[*id as usize] == 3)
        };
        let told = |id: &&u32| !found(id);
        vocab.more_ends = special.end_of_generation.iter().filter(told).copied().collect();
        if vocab.more_ends.len() > 2 {
            return Err(refused(format!(
                "it has {} more ends of an answer",
                vocab.more_ends.len()
            )));
        }
        Ok(())
    }

    /// SentencePiece's BPE, spelt as the library does.
    fn sentence_piece(&self, json: &Value) -> Result<GgufVocab, TextError> {
        let mut scores = vec![f32::NAN; self.vocabulary.len()];
        let ranks: HashMap<String, usize> = merges(json)?
            .into_iter()
            .enumerate()
            .rev()
            .map(|(rank, (left, right))| (left + &right, rank))
            .collect();
        let single = -(ranks.len() as f32);
        for (id, text, kind) in self.vocabulary.iter() {
            scores[id as usize] = match (kind, ranks.get(text)) {
                (Kind::Normal | Kind::UserDefined, Some(rank)) => -(*rank as f32),
                (Kind::Normal, None) => single - 1.0,
                _ => 0.0,
            };
        }
        Ok(GgufVocab {
            model: "llama".into(),
            scores,
            add_space_prefix: Some(puts_mark_first(json, &self.vocabulary)?),
            ..GgufVocab::default()
        })
    }
}

/// Byte-level BPE with the name of its cut.
fn byte_level(json: &Value) -> Result<GgufVocab, TextError> {
    let ignore_merges = json.pointer("/model/ignore_merges").and_then(Value::as_bool);
    let ignore_merges = ignore_merges.unwrap_or(false);
    let pre = named_for(&json["normalizer"], &json["pre_tokenizer"], ignore_merges)?;
    let pre = pre.ok_or_else(|| {
        refused("the way it cuts words has no name that GGUF readers know (tokenizer.ggml.pre)")
    })?;
    let merges = merges(json)?.into_iter().map(|(left, right)| format!("{left} {right}"));
    Ok(GgufVocab {
        model: "gpt2".into(),
        pre: Some(pre.to_owned()),
        merges: merges.collect(),
        ..GgufVocab::default()
    })
}

/// The merge rules of a BPE model.
fn merges(json: &Value) -> Result<Vec<(String, String)>, TextError> {
    let model = &json["model"];
    let plain = ["continuing_subword_prefix", "end_of_word_suffix"]
        .iter()
        .all(|key| model[key].as_str().is_none_or(str::is_empty));
    let rules = model["merges"].as_array().filter(|_| model["type"] == "BPE" && plain);
    let rules =
        rules.ok_or_else(|| refused(format!("its model is {}, not plain BPE", model["type"])))?;
    let pair = |rule: &Value| match rule {
        Value::String(text) => text.split_once(' ').map(|(l, r)| (l.to_owned(), r.to_owned())),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(left), Value::String(right)] => Some((left.clone(), right.clone())),
            _ => None,
        },
        _ => None,
    };
    rules.iter().map(|rule| pair(rule).ok_or_else(|| refused("a merge of it is no pair"))).collect()
}

/// Whether a text begins with `▁`, where the files say it in one of the two ways in use.
fn puts_mark_first(json: &Value, vocabulary: &Vocabulary) -> Result<bool, TextError> {
    let (normalizer, pre) = (&json["normalizer"], &json["pre_tokenizer"]);
    let replaces = |step: &Value| {
        step["type"] == "Replace" && step["pattern"]["String"] == " " && step["content"] == "▁"
    };
    // `Prepend` also puts one after each user-defined piece, which no reader of GGUF is told to do.
    let mark = first_mark(vocabulary);
    let prepends = |step: &Value| Some(step) == mark.as_ref();
    let steps: Vec<&Value> = match normalizer["normalizers"].as_array() {
        Some(steps) => steps.iter().collect(),
        None if normalizer.is_null() => Vec::new(),
        None => vec![normalizer],
    };
    match (steps.as_slice(), pre["type"].as_str()) {
        ([first, second], None) if prepends(first) && replaces(second) => Ok(true),
        ([only], None) if replaces(only) => Ok(false),
        ([], Some("Metaspace")) if pre["replacement"] == "▁" && pre["split"] == false => {
            Ok(pre["prepend_scheme"] != "never")
        }
        _ => Err(refused("it normalises text in a way that GGUF has no key for")),
    }
}

fn refused(reason: impl Into<String>) -> TextError {
    TextError::NotInGguf { reason: reason.into() }
}
