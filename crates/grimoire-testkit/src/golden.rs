//! Reads the recorded values under `golden/`, plain or gzip-compressed JSON.
//! The program and the versions that made each file lie beside it.

use crate::material::repository_root;
use serde::de::DeserializeOwned;
use std::io::Read;

/// Reads `golden/<path>` (JSON, or gzip of JSON when the name ends in `.gz`).
///
/// # Panics
/// When the file is missing or not of the expected shape: golden files are part of the repository.
#[track_caller]
pub fn read<T: DeserializeOwned>(path: &str) -> T {
    let file = repository_root().join("golden").join(path);
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let bytes = if path.ends_with(".gz") { gunzip(&bytes) } else { bytes };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Decompresses gzip bytes.
///
/// # Panics
/// When they are not gzip.
#[track_caller]
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut out)
        .unwrap_or_else(|error| panic!("gzip: {error}"));
    out
}
