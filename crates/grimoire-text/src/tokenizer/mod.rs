//! Text to token ids and back, with the ids that the model was trained with.
//!
//! One type over two engines: the `tokenizers` library (a `tokenizer.json`, and the byte-level BPE
//! of a GGUF file) and our own SentencePiece-style BPE (GGUF files of Llama's first generations).
//! Whether a text may name special tokens is asked at every call, because a user's text that
//! spells `<|im_end|>` must not end a turn. No file is read here and no tokenizer is trained.

mod gguf;
mod json;
mod library;
mod pre_tokenizer;
mod score_bpe;
mod special;
mod stream;
mod to_gguf;
mod to_json;
mod vocabulary;

pub use gguf::GgufVocab;
pub use special::SpecialTokens;
pub use stream::StreamDecoder;

use crate::error::TextError;
use library::Library;
use score_bpe::ScoreBpe;
use vocabulary::{Spelling, Vocabulary};

/// What encoding adds and what it reads as special.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Add the tokens that begin and end a text, as the model's own tokenizer does.
    pub add_special: bool,
    /// Read the names of special tokens in the text as those tokens; otherwise as plain text.
    pub parse_special: bool,
}

impl EncodeOptions {
    /// A user's text by itself: nothing added, nothing special. The default.
    pub const PLAIN: Self = Self { add_special: false, parse_special: false };
    /// A text that a chat template made: it holds its special tokens already.
    pub const TEMPLATED: Self = Self { add_special: false, parse_special: true };
    /// A document: begun and ended as the model expects, its content plain.
    pub const DOCUMENT: Self = Self { add_special: true, parse_special: false };
}

/// A tokenizer: shared freely between threads.
#[derive(Debug)]
pub struct Tokenizer {
    engine: Engine,
    vocabulary: Vocabulary,
    special: SpecialTokens,
    /// What encoding with special tokens puts before and after a text.
    before: Vec<u32>,
    after: Vec<u32>,
    warnings: Vec<String>,
}

#[derive(Debug)]
enum Engine {
    Library(Box<Library>),
    Score(Box<ScoreBpe>),
}

impl Tokenizer {
    /// The ids of a text.
    ///
    /// # Errors
    /// A text that the library's pattern gives up on, or with no token for a part of it.
    pub fn encode(&self, text: &str, options: EncodeOptions) -> Result<Vec<u32>, TextError> {
        let mut segments = self.encode_segments(&[text], options)?;
        Ok(segments.pop().unwrap_or_default())
    }

    /// The ids of each of several stretches of one text, in order. No token reaches over an edge,
    /// and those of the first are the ids that it has by itself, as at inference the prompt is
    /// encoded before its answer exists. Special tokens are added before the first and after the
    /// last. A tokenizer of a `tokenizer.json` that puts a space before every text encodes all at
    /// once instead, and a token belongs to the stretch in which it begins.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_segments(
        &self,
        segments: &[&str],
        options: EncodeOptions,
    ) -> Result<Vec<Vec<u32>>, TextError> {
        let parse = options.parse_special;
        let mut out: Vec<Vec<u32>> = Vec::with_capacity(segments.len());
        let mut text_before = false;
        match &self.engine {
            Engine::Library(library) if segments.len() > 1 && !library.cuts_freely() => {
                out = library.encode_at_once(segments, parse)?;
            }
            engine => {
                for segment in segments {
                    out.push(match engine {
                        Engine::Library(library) => library.encode(segment, parse, text_before)?,
                        Engine::Score(score) => {
                            score.encode(&self.vocabulary, segment, parse, text_before)
                        }
                    });
                    text_before |= !segment.is_empty();
                }
            }
        }
        if options.add_special {
            if let Some(first) = out.first_mut() {
                first.splice(0..0, self.before.iter().copied());
            }
            if let Some(last) = out.last_mut() {
                last.extend_from_slice(&self.after);
            }
        }
        Ok(out)
    }

    /// The text of ids; bytes that are no UTF-8 become U+FFFD, an id beyond the vocabulary nothing
    /// (some models have more rows than their tokenizer has tokens).
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        if let (Spelling::Opaque, Engine::Library(library)) =
            (self.vocabulary.spelling, &self.engine)
        {
            return library.decode(ids, skip_special);
        }
        let mut decoder = self.stream(skip_special);
        let mut text: String = ids.iter().map(|id| decoder.push(*id)).collect();
        text.push_str(&decoder.finish());
        text
    }

    /// A decoder that takes one token at a time.
    pub fn stream(&self, skip_special: bool) -> StreamDecoder<'_> {
        StreamDecoder::new(self, skip_special)
    }

    /// The bytes that a token stands for inside a text; `None` for an id beyond the vocabulary.
    pub fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        self.vocabulary.text(id)?;
        let mut bytes = Vec::new();
        if self.vocabulary.push_bytes(id, &mut bytes).is_none() {
            bytes = self.decode(&[id], false).into_bytes();
        }
        Some(bytes)
    }

    /// The token as the vocabulary writes it (`Ġthe`, `▁the`, `<0x0A>`).
    pub fn token_text(&self, id: u32) -> Option<&str> {
        self.vocabulary.text(id)
    }

    /// The id of the token that the vocabulary writes so.
    pub fn id_of(&self, text: &str) -> Option<u32> {
        self.vocabulary.id(text)
    }

    /// One more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// The tokens with a part of their own.
    pub fn special(&self) -> &SpecialTokens {
        &self.special
    }

    /// Whether the vocabulary marks the token as special.
    pub fn is_special(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// Whether generation stops after the token.
    pub fn ends_generation(&self, id: u32) -> bool {
        self.special.end_of_generation.binary_search(&id).is_ok()
    }

    /// What a reader should know: a pre-tokenizer that was assumed, a special token that the
    /// vocabulary lacks.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
