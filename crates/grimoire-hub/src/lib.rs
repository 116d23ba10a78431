//! Fetches models and files of data sets from a Hugging Face hub into the standard cache: the only code that
//! opens a socket.
//!
//! `org/name[@revision]` becomes a folder of the cache that Python's `huggingface_hub` uses too, in the
//! same layout, so what one has fetched the other finds. A file enters the cache only after its size
//! and its hash have been compared with what the hub announced; a broken download is resumed. The
//! token goes to the hub and to nobody whom the hub redirects to.
//!
//! Not here: uploads, spaces, the reading of any fetched file but a shard index.
//!
//! Source: the hub's HTTP routes and cache layout as documented in `huggingface_hub` ("Understand
//! caching", "HF_* environment variables").

#![forbid(unsafe_code)]

mod cache;
mod choose;
mod client;
mod download;
mod error;
mod fetch;
mod reference;
mod settings;

pub use error::HubError;
pub use fetch::{Event, Fetched, Hub};
pub use reference::Reference;
pub use settings::Settings;

/// What every function here returns.
pub type Result<T> = std::result::Result<T, HubError>;
