//! Layers, optimisers, schedules and named activations.
//!
//! A layer is a few weights and a `forward` that calls one operation; what is trainable about it lives in
//! [`grimoire_tensor::Params`]. Nothing here knows an architecture by name or reads a file.

#![forbid(unsafe_code)]

mod ema;
mod linear;
mod norm;
mod observe;
mod optim;
mod schedule;

pub use ema::WeightAverage;
pub use linear::Linear;
pub use norm::Norm;
pub use observe::{Observer, Unobserved};
pub use optim::{AdamW, AdamWState, clip_factor};
pub use schedule::{Decay, Schedule};
