//! Text metrics, tagging metrics, perplexity from log-probabilities, intervals and paired tests.
//! It takes texts, labels and log-probabilities; it never knows a model.

#![forbid(unsafe_code)]

pub mod before_after;
pub mod error;
pub mod flip;
pub mod measure;
pub mod perplexity;
pub mod resample;
pub mod significance;
pub mod statistics;
pub mod tag;
pub mod task;
pub mod text;

pub use error::EvalError;
