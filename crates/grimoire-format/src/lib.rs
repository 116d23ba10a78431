//! GGUF, safetensors and adapter files: the boundary to hostile bytes.
//!
//! Every file read here may have been truncated, mutated or made by an enemy. A header is checked
//! against the length of the file before anything is allocated from it, and what is wrong is an
//! error that names the file, the place in it and what was expected there. Tensor data are not
//! copied: a [`StoredTensor`] is a name, a type, a shape and a range of a read-only [`Mapped`] file.
//! What is written is written beside, synced and renamed ([`AtomicFile`]), so a file that was there
//! before stays whole whatever happens.
//!
//! Not here: decoding of block types (the kernels do it), the names that architectures give to their
//! tensors (the models do it), tokenizers.

#![deny(unsafe_code)]

pub mod adapter;
mod atomic;
mod cursor;
mod dtype;
mod error;
pub mod gguf;
mod mapped;
mod presence;
pub mod safetensors;
mod tensor;

pub use atomic::{AtomicFile, write_atomic};
pub use dtype::Dtype;
pub use error::FormatError;
pub use mapped::Mapped;
pub use presence::{exists, is_file};
pub use tensor::{StoredTensor, TensorSpec};

/// What every function here returns.
pub type Result<T> = std::result::Result<T, FormatError>;
