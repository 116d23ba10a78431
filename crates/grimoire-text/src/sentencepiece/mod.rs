//! A SentencePiece model file (`.model`): text to the pieces that the package of that name cuts it into,
//! unigram or BPE, with the model's own normalisation, user-defined symbols and byte fallback.
//!
//! It yields pieces as text, which is what metrics on pieces count; ids for a language model come from
//! [`crate::Tokenizer`]. It does not train, does not sample, and knows no word or character models.
//! Source: Kudo and Richardson, EMNLP 2018; Kudo, ACL 2018 (unigram); the message layout is that of
//! `sentencepiece_model.proto`.

mod merge;
mod normalise;
mod proto;
mod unigram;

use crate::error::TextError;
use normalise::Normaliser;
use proto::{Model, Piece, Type};
use std::collections::HashMap;
use std::ops::Range;

/// A model, shared freely between threads.
#[derive(Debug)]
pub struct SentencePiece {
    normaliser: Normaliser,
    algorithm: Algorithm,
    byte_fallback: bool,
}

#[derive(Debug)]
enum Algorithm {
    Unigram(unigram::Unigram),
    Bpe(merge::Bpe),
}

/// A stretch of the normalised text, and whether the vocabulary has it.
struct Cut {
    range: Range<usize>,
    known: bool,
}

impl SentencePiece {
    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    /// Bytes that are no such model, and models of words or characters.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TextError> {
        let model = Model::read(bytes)?;
        let literals = Literals::new(&model.pieces);
        let algorithm = match model.algorithm {
            proto::UNIGRAM => Algorithm::Unigram(unigram::Unigram::new(&model.pieces)?),
            proto::BPE => Algorithm::Bpe(merge::Bpe::new(&model.pieces, literals.clone())),
            other => {
                return Err(broken(format!(
                    "algorithm {other} is not supported, expected unigram (1) or BPE (2)"
                )));
            }
        };
        let byte_fallback = model.byte_fallback;
        if byte_fallback
            && model.pieces.iter().filter(|piece| piece.kind == Type::Byte).count() != 256
        {
            return Err(broken("it falls back to bytes and has not 256 of them"));
        }
        Ok(Self {
            normaliser: Normaliser::new(model.normaliser, literals)?,
            algorithm,
            byte_fallback,
        })
    }

    /// The pieces of a text. What the vocabulary lacks is a piece of its own, neighbours of the kind
    /// joined, or is spelt in bytes `<0xNN>` where the model has them.
    pub fn pieces(&self, text: &str) -> Vec<String> {
        let text = self.normaliser.normalise(text);
        let cuts = match &self.algorithm {
            Algorithm::Unigram(model) => model.cut(&text),
            Algorithm::Bpe(model) => model.cut(&text),
        };
        let mut pieces: Vec<String> = Vec::with_capacity(cuts.len());
        let mut joins = false;
        for Cut { range, known } in cuts {
            let piece = &text[range];
            if known {
                pieces.push(piece.to_owned());
            } else if self.byte_fallback {
                pieces.extend(piece.bytes().map(|byte| format!("<0x{byte:02X}>")));
            } else if let Some(last) = pieces.last_mut().filter(|_| joins) {
                last.push_str(piece);
            } else {
                pieces.push(piece.to_owned());
            }
            joins = !known;
        }
        pieces
    }
}

/// User-defined symbols, which stand in any text as they are: the longest at a place wins.
#[derive(Debug, Clone, Default)]
struct Literals {
    by_first: HashMap<u8, Vec<String>>,
}

impl Literals {
    fn new(pieces: &[Piece]) -> Self {
        let mut by_first: HashMap<u8, Vec<String>> = HashMap::new();
        for piece in pieces.iter().filter(|piece| piece.kind == Type::UserDefined) {
            if let Some(first) = piece.text.bytes().next() {
                by_first.entry(first).or_default().push(piece.text.clone());
            }
        }
        for symbols in by_first.values_mut() {
            symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.len()));
        }
        Self { by_first }
    }

    /// The length of the symbol at the start of `text`.
    fn at(&self, text: &str) -> Option<usize> {
        let symbols = self.by_first.get(text.as_bytes().first()?)?;
        symbols.iter().find(|symbol| text.starts_with(symbol.as_str())).map(String::len)
    }
}

fn broken(reason: impl Into<String>) -> TextError {
    TextError::SentencePiece { reason: reason.into() }
}
