//! What can go wrong while tuning.

use std::path::PathBuf;

/// Why a run cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A file could not be read or written.
    #[error(transparent)]
    Format(#[from] grimoire_format::FormatError),
    /// The model refused.
    #[error(transparent)]
    Model(#[from] grimoire_models::ModelError),
    /// No layer of the model is named by the patterns.
    #[error("no linear layer matches {patterns:?}; the layers are {layers}")]
    NoTarget {
        /// The patterns.
        patterns: Vec<String>,
        /// What there is.
        layers: String,
    },
    /// An adapter does not fit the model.
    #[error("{}: {module}: {reason}: the adapter belongs to another model", path.display())]
    Misfit {
        /// The adapter.
        path: PathBuf,
        /// The module in it.
        module: String,
        /// What does not fit.
        reason: String,
    },
    /// The loss or the gradient is no number.
    #[error("step {step}: the {what} is {value}")]
    NotFinite {
        /// The step, counted from one.
        step: u64,
        /// Loss or gradient norm.
        what: &'static str,
        /// NaN or an infinity.
        value: f64,
    },
    /// A snapshot is of another run.
    #[error("{}: {reason}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Nothing to train on.
    #[error("no row has a token to be trained on")]
    Empty,
}
