//! What can be wrong with a model: each variant names the file and the part.

use std::path::PathBuf;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file of the model could not be read.
    #[error(transparent)]
    Format(#[from] grimoire_format::FormatError),
    /// The tokenizer or the template could not be read.
    #[error("{}: {source}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: grimoire_text::TextError,
    },
    /// The architecture is not one of ours.
    #[error("{}: architecture {found:?} is not supported; supported are llama, mistral, qwen2, qwen3 and gpt2", path.display())]
    Architecture {
        /// The file that names it.
        path: PathBuf,
        /// The name.
        found: String,
    },
    /// A setting is missing, of the wrong kind or out of range.
    #[error("{}: {key}: expected {expected}, found {found}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A tensor is not there.
    #[error("{}: no tensor {name:?}, which {what} needs", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The part of the model.
        what: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{}: tensor {name:?} has shape {found:?}, expected {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that the configuration implies.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor that an adapter cannot be merged into, or that cannot be written again.
    #[error("{}: cannot write tensor {name:?}: {reason}", path.display())]
    Unmergeable {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A setting that the other format has no way to state.
    #[error("{}: {key}: cannot be written in the other format: {reason}", path.display())]
    Unstatable {
        /// The model.
        path: PathBuf,
        /// The setting or tensor.
        key: String,
        /// Why not.
        reason: String,
    },
    /// There is no model at that path.
    #[error("{}: not a model: expected a .gguf file, or a folder with config.json and safetensors", path.display())]
    NotAModel {
        /// The path.
        path: PathBuf,
    },
    /// The model has no tokenizer.
    #[error("{}: no tokenizer: expected {expected}", path.display())]
    NoTokenizer {
        /// The model.
        path: PathBuf,
        /// Where one was looked for.
        expected: String,
    },
    /// A token that the model does not have.
    #[error(
        "token {token} is not among the {vocabulary} of the model: the tokenizer belongs to another model"
    )]
    Token {
        /// The token.
        token: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// A prompt that is empty.
    #[error("a prompt without a token: there is nothing to go on from")]
    EmptyPrompt,
    /// A sequence that does not fit.
    #[error("{tokens} tokens do not fit in the context of {context}")]
    TooLong {
        /// Tokens wanted.
        tokens: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The model computes something that is no number.
    #[error("{activation} holds {value} at token {row}: the weights before it are broken")]
    NotFinite {
        /// The first activation that is not finite.
        activation: String,
        /// NaN or an infinity.
        value: f32,
        /// Which row of the batch.
        row: usize,
    },
}
