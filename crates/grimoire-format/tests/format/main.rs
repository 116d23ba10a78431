//! Files made by the packages that define the formats, read here; files written here, read back;
//! and every way of breaking them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod adapter; // PEFT and GGUF-LoRA adapters
mod gguf; // reading and writing GGUF
mod hostile; // truncated, mutated and crafted files
mod safetensors; // reading and writing safetensors

use std::path::PathBuf;

/// A file of `golden/format`, made by its `make.py`.
fn golden(name: &str) -> PathBuf {
    grimoire_testkit::repository_root().join("golden/format").join(name)
}

/// The bytes of a recorded tensor.
fn hex(value: &serde_json::Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
