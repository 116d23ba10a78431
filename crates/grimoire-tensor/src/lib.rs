//! Shape, storage, tape and ops: reverse-mode differentiation over coarse operations.
//!
//! A [`Tensor`] is f32, row-major, shared by reference count. A [`Tape`] runs operations and remembers, for
//! those whose inputs lead to a parameter, how to send a gradient back; [`Tape::backward`] walks it once in
//! reverse order of creation and frees what was saved as it goes. Frozen weights are [`Matrix`]es that stay
//! in their storage type; trainable values live in [`Params`] and are referred to by [`ParamId`].
//!
//! No files, no layers, no dtype lattice: compute is f32, other types are storage.

#![forbid(unsafe_code)]

mod buffer;
mod matrix;
pub mod ops;
mod params;
mod tape;
mod tensor;

pub use buffer::Buffer;
pub use grimoire_kernels::attention::{Heads, Segment};
pub use grimoire_kernels::rows::RopePairs;
pub use grimoire_kernels::{Precision, StorageType};
pub use matrix::{Bytes, Matrix};
pub use params::{Gradients, ParamId, ParamView, Params};
pub use tape::{Flow, Tape, Target};
pub use tensor::Tensor;
