//! Data schemas, adapters, the training loop and checkpoints.
//!
//! A run is: [`data`] turned into [`Sequence`]s, an [`Adapter`](adapter) or all weights made trainable, a
//! [`Trainer`] that takes steps, and a [`Snapshot`] of it that can be resumed to the same bytes. Nothing here
//! measures text or draws a page; the losses it returns are by document.

#![forbid(unsafe_code)]

pub mod adapter;
pub mod data;
mod error;
mod evaluate;
mod fingerprint;
mod memory;
mod order;
mod sequence;
mod snapshot;
mod trainer;

pub use error::TuneError;
pub use evaluate::{DocumentLoss, evaluate};
pub use fingerprint::fingerprint;
pub use memory::{Footprint, Load, answering_program, footprint};
pub use order::rows_of_step;
pub use sequence::{MicroBatch, Sequence, micro_batches};
pub use snapshot::Snapshot;
pub use trainer::{Plan, StepReport, Trainer};
