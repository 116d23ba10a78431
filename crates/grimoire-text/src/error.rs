//! What can go wrong with a tokenizer or a chat template: one enum for the crate.
//! Messages name the thing, the place, what was expected and what was found; the file name is
//! added by whoever opened the file.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// `tokenizer.json` is not JSON, or not a tokenizer that the library can build.
    #[error("tokenizer.json: {reason}")]
    TokenizerJson {
        /// What the reader said, with its line and column when it knows them.
        reason: String,
    },
    /// `tokenizer_config.json` or a like file is not what it should be.
    #[error("tokenizer_config.json: {reason}")]
    TokenizerConfig {
        /// What is wrong.
        reason: String,
    },
    /// Bytes that are no SentencePiece model, or one of a kind that is not read.
    #[error("SentencePiece model: {reason}")]
    SentencePiece {
        /// What is wrong.
        reason: String,
    },
    /// `tokenizer.ggml.model` names a kind of tokenizer that is not supported.
    #[error("tokenizer.ggml.model: unsupported kind `{found}`, expected `gpt2` or `llama`")]
    UnknownModel {
        /// The kind found.
        found: String,
    },
    /// `tokenizer.ggml.pre` names a pre-tokenizer that is not known here.
    #[error("tokenizer.ggml.pre: unknown pre-tokenizer `{found}`, expected one of {known}")]
    UnknownPreTokenizer {
        /// The name found.
        found: String,
        /// The names that are known.
        known: String,
    },
    /// An array of the vocabulary has the wrong length or an impossible content.
    #[error("{field}: expected {expected}, found {found}")]
    Vocabulary {
        /// The metadata key.
        field: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A merge rule cannot be applied to the vocabulary.
    #[error("tokenizer.ggml.merges[{index}]: `{merge}`: {reason}")]
    Merge {
        /// Which rule.
        index: usize,
        /// Its text.
        merge: String,
        /// Why it is refused.
        reason: String,
    },
    /// A tokenizer that the keys of a GGUF file cannot state.
    #[error("the tokenizer cannot be written into a GGUF file: {reason}")]
    NotInGguf {
        /// Why not.
        reason: String,
    },
    /// A text cannot be encoded.
    #[error("encode: {reason}")]
    Encode {
        /// What the tokenizer said.
        reason: String,
    },
    /// A chat template that cannot be compiled or run.
    #[error("chat template{}: {reason}", place(*.line))]
    Template {
        /// The line of the template, from 1, when known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// The template itself refused the conversation.
    #[error("chat template{}: refuses the conversation: {message}", place(*.line))]
    TemplateRaised {
        /// The line of the template, from 1, when known.
        line: Option<usize>,
        /// The template's own words.
        message: String,
    },
    /// The template ran longer, or made more, than any conversation needs.
    #[error("chat template{}: stopped after {limit}", place(*.line))]
    TemplateRanAway {
        /// The line of the template, from 1, when known.
        line: Option<usize>,
        /// The limit that was reached.
        limit: String,
    },
    /// It cannot be told which part of the text is the assistant's.
    #[error(
        "chat template: cannot tell which part is the assistant's in message {message}: {reason}"
    )]
    NoSpans {
        /// The index of the message, from 0.
        message: usize,
        /// Why not.
        reason: String,
    },
}

/// `, line 7`, where the line is known.
fn place(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}
