//! Tokenizers, chat templates, normalisation and n-grams.
//!
//! Text in, numbers out, and back: [`Tokenizer`] turns text into the ids that a model was trained
//! with, and [`ChatTemplate`] turns a conversation into the text that the model expects. Both read
//! bytes that others made, so both check before they trust. This crate knows nothing of tensors
//! and opens no file.
#![forbid(unsafe_code)]

pub mod error;
pub mod sentencepiece;
pub mod template;
pub mod tokenizer;

pub use error::TextError;
pub use sentencepiece::SentencePiece;
pub use template::{ChatTemplate, Message, Moment, RenderRequest, Rendered, SpanSource};
pub use tokenizer::{EncodeOptions, GgufVocab, SpecialTokens, StreamDecoder, Tokenizer};
