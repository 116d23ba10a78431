//! Model architectures, checkpoint name maps, the key-value cache and generation.
//!
//! A [`Checkpoint`] is a model on disk, a [`Model`] its layers in memory. One file an architecture; what
//! they share is the cache, the batch, the rotary embedding and the reading of weights. No training loop.

#![forbid(unsafe_code)]

mod batch;
mod cache;
mod checkpoint;
mod config;
mod error;
mod export;
mod generate;
mod gpt2;
mod llama;
mod model;
mod names;
mod order;
mod rotary;
mod sample;
mod weights;

pub use batch::Batch;
pub use cache::Cache;
pub use checkpoint::{Checkpoint, Container};
pub use config::{Architecture, Config};
pub use error::ModelError;
pub use export::{Target, Types, Written, export};
pub use generate::{Answer, Ending, Generation, generate};
pub use grimoire_tensor::Precision;
pub use model::{Model, Part};
pub use names::Naming;
pub use order::{RowOrder, is_rotated, permuted_in_gguf};
pub use rotary::{Rotary, Scaling};
pub use sample::Sampling;
pub use weights::storage;
