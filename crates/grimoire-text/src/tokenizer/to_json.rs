//! A tokenizer as the files of a Hugging Face folder hold it: `tokenizer.json`, and the entries of
//! `tokenizer_config.json` that belong to it. The way back from a GGUF file.
//!
//! SentencePiece's BPE has scores and no merges; every cut of a piece into two pieces becomes a
//! merge, in the order of the scores of what they make.

use super::score_bpe::ScoreBpe;
use super::vocabulary::{Kind, Spelling, Vocabulary};
use super::{Engine, Tokenizer};
use crate::error::TextError;
use serde_json::{Map, Value, json};

impl Tokenizer {
    /// The contents of `tokenizer.json`.
    ///
    /// # Errors
    /// What the file has no way to say: a space before every text of byte-level BPE, or of
    /// SentencePiece's BPE with spaces in its user-defined pieces.
    pub fn to_tokenizer_json(&self) -> Result<Value, TextError> {
        match &self.engine {
            Engine::Library(library) => {
                let mut json = library.to_json()?;
                // A tokenizer that was read from such a file has its own; one from a GGUF has none.
                if json["post_processor"].is_null() {
                    json["post_processor"] = self.post_processor();
                }
                Ok(json)
            }
            Engine::Score(score) => self.scored(score),
        }
    }

    /// The entries of `tokenizer_config.json`: the class that takes `tokenizer.json` as it is, and
    /// the names of the special tokens.
    pub fn to_tokenizer_config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
        config.insert("clean_up_tokenization_spaces".into(), false.into());
        let special = &self.special;
        for (key, id) in [
            ("bos_token", special.bos),
            ("eos_token", special.eos),
            ("unk_token", special.unknown),
            ("pad_token", special.pad),
        ] {
            if let Some(text) = id.and_then(|id| self.vocabulary.text(id)) {
                config.insert(key.into(), text.into());
            }
        }
        config
    }

    /// What puts the tokens around a text.
    fn post_processor(&self) -> Value {
        let text = |id: &u32| self.vocabulary.text(*id).unwrap_or_default().to_owned();
        let piece = |id: &u32| json!({"SpecialToken": {"id": text(id), "type_id": 0}});
        let around = |sequence: &str| -> Vec<Value> {
            let body = json!({"Sequence": {"id": sequence, "type_id": 0}});
            let before = self.before.iter().map(piece);
            before.chain([body]).chain(self.after.iter().map(piece)).collect()
        };
        if self.before.is_empty() && self.after.is_empty() {
            return Value::Null;
        }
        let tokens: Map<String, Value> = (self.before.iter().chain(&self.after))
            .map(|id| (text(id), json!({"id": text(id), "ids": [id], "tokens": [text(id)]})))
            .collect();
        let (single, second) = (around("A"), around("B"));
        let pair: Vec<&Value> = single.iter().chain(&second).collect();
        json!({
            "type": "TemplateProcessing",
            "single": single,
            "pair": pair,
            "special_tokens": tokens,
        })
    }

    /// SentencePiece's BPE in the library's terms.
    fn scored(&self, score: &ScoreBpe) -> Result<Value, TextError> {
        let added: Vec<Value> = (self.vocabulary.iter())
            .filter_map(|(id, text, kind)| {
                let special = match kind {
                    Kind::Control | Kind::Unknown => true,
                    Kind::UserDefined => false,
                    _ => return None,
                };
                // A text begins anew after a control token and goes on after a user-defined piece:
                // the first is cut out before the normaliser sees the text, the second after.
                Some(json!({
                    "id": id, "content": text, "special": special, "normalized": !special,
                    "single_word": false, "lstrip": false, "rstrip": false,
                }))
            })
            .collect();
        let vocab: Map<String, Value> =
            self.vocabulary.iter().map(|(id, text, _)| (text.to_owned(), id.into())).collect();
        let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        let normalizer = if score.add_space_prefix {
            let mark = first_mark(&self.vocabulary).ok_or_else(|| TextError::TokenizerJson {
                reason: "a space before every text cannot be said in it beside user-defined \
                         pieces with spaces"
                    .into(),
            })?;
            json!({"type": "Sequence", "normalizers": [mark, replace]})
        } else {
            replace
        };
        let mut decoders = vec![
            json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if self.vocabulary.spelling == (Spelling::Metaspace { strip: true }) {
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        let unknown = self.special.unknown.and_then(|id| self.vocabulary.text(id));
        Ok(json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": added,
            "normalizer": normalizer,
            "pre_tokenizer": null,
            "post_processor": self.post_processor(),
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {
                "type": "BPE", "dropout": null, "unk_token": unknown,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": true, "byte_fallback": score.has_bytes(), "ignore_merges": false,
                "vocab": vocab, "merges": self.merges_of(score),
            },
        }))
    }

    /// Every cut of a piece into two pieces, the best scored piece first.
    fn merges_of(&self, score: &ScoreBpe) -> Vec<[&str; 2]> {
        let piece = |text: &str| {
            let id = self.vocabulary.id(text)?;
            let kind = self.vocabulary.kind(id)?;
            matches!(kind, Kind::Normal | Kind::UserDefined | Kind::Unused).then_some(id)
        };
        let mut all = Vec::new();
        for (id, text, kind) in self.vocabulary.iter() {
            if !matches!(kind, Kind::Normal | Kind::UserDefined) {
                continue;
            }
            for (at, _) in text.char_indices().skip(1) {
                let (left, right) = text.split_at(at);
                if let (Some(l), Some(r)) = (piece(left), piece(right)) {
                    all.push((score.scores()[id as usize], l, r, [left, right]));
                }
            }
        }
        all.sort_by(|x, y| y.0.total_cmp(&x.0).then_with(|| (x.1, x.2).cmp(&(y.1, y.2))));
        all.into_iter().map(|merge| merge.3).collect()
    }
}

/// The step of the normaliser that puts `▁` before a text.
///
/// The library runs it also over the user-defined pieces that it is to look for, and `Prepend`
/// would have it look for them behind a `▁`. Where there are such pieces, a pattern leaves alone
/// what begins with one. `None` when one has a space in it: the step after this one rewrites that.
pub(super) fn first_mark(vocabulary: &Vocabulary) -> Option<Value> {
    let pieces: Vec<&str> = (vocabulary.iter())
        .filter(|(_, text, kind)| *kind == Kind::UserDefined && !text.is_empty())
        .map(|(_, text, _)| text)
        .collect();
    if pieces.is_empty() {
        return Some(json!({"type": "Prepend", "prepend": "▁"}));
    }
    if pieces.iter().any(|piece| piece.contains([' ', '▁'])) {
        return None;
    }
    let pieces: Vec<String> = pieces.into_iter().map(literally).collect();
    let pattern = format!(r"\A(?!\z|{})", pieces.join("|"));
    Some(json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": "▁"}))
}

/// A pattern that matches the text itself.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
