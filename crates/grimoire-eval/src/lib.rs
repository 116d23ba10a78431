//! Text metrics, tagging metrics, perplexity from log-probabilities, intervals and paired tests.
//! It takes texts, labels and log-probabilities; it never knows a model.

#![forbid(unsafe_code)]

pub mod error;
pub mod flip;
pub mod perplexity;
pub mod resample;
pub mod statistics;
pub mod text;

pub use error::EvalError;
