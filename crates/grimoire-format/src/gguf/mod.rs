//! GGUF version 2 and 3, little-endian: metadata and tensors of a model or an adapter in one file.
//!
//! A file is: magic, version, counts; typed key-value pairs; for each tensor its name, dimensions
//! (innermost first in the file, outermost first here), type and offset; padding; data. Everything
//! before the data is read and checked on opening, against the length of the file and before any
//! memory is taken for it.
//!
//! Not here: version 1 and big-endian files (refused by name), split models (refused with what to
//! do), the meaning of the keys.
//!
//! Source: the GGUF specification, `docs/gguf.md` of the ggml repository.

mod metadata;
mod tensors;
mod writer;

pub use metadata::{Array, FromValue, Metadata, Value, ValueType};
pub use writer::{MetadataWriter, Writer};

use crate::cursor::Cursor;
use crate::{FormatError, Mapped, Result, StoredTensor};
use std::collections::HashMap;
use std::path::Path;

/// The first four bytes of every file.
const MAGIC: &[u8; 4] = b"GGUF";
/// Where data start and how tensors are aligned unless the file says otherwise.
const DEFAULT_ALIGNMENT: usize = 32;
/// The key with which a file says otherwise.
const ALIGNMENT_KEY: &str = "general.alignment";
/// The largest alignment that is believed.
const MAX_ALIGNMENT: usize = 1 << 16;

/// An opened GGUF file.
#[derive(Clone, Debug)]
pub struct Gguf {
    file: Mapped,
    version: u32,
    metadata: Metadata,
    tensors: Vec<StoredTensor>,
    by_name: HashMap<String, usize>,
}

impl Gguf {
    /// Maps the file and reads everything but the tensor data.
    ///
    /// # Errors
    /// When it cannot be read or is not well formed; names the byte, and what was expected there.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(Mapped::open(path)?)
    }

    /// As [`Gguf::open`], of bytes that are mapped or in memory already.
    ///
    /// # Errors
    /// As [`Gguf::open`].
    pub fn parse(file: Mapped) -> Result<Self> {
        let mut cursor = Cursor::new(&file);
        let version = version(&mut cursor)?;
        let n_tensors = cursor.count(tensors::SMALLEST, "number of tensors")?;
        let n_pairs = cursor.count(metadata::SMALLEST, "number of metadata pairs")?;
        let metadata = Metadata::read(&mut cursor, &file, n_pairs)?;
        refuse_split(&file, &metadata)?;
        let alignment = alignment(&file, &metadata)?;
        let tensors = tensors::read(&mut cursor, &file, n_tensors, alignment)?;
        let by_name =
            tensors.iter().enumerate().map(|(at, tensor)| (tensor.name().to_owned(), at)).collect();
        Ok(Self { file, version, metadata, tensors, by_name })
    }

    /// 2 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The mapped file.
    #[must_use]
    pub fn file(&self) -> &Mapped {
        &self.file
    }

    /// The key-value pairs.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All tensors in the order of the file.
    #[must_use]
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// The tensor of this name, where there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.by_name.get(name).map(|&at| &self.tensors[at])
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn tensor(&self, name: &str) -> Result<&StoredTensor> {
        self.get(name).ok_or_else(|| {
            let expected = format!("one of the {} tensors of the file", self.tensors.len());
            FormatError::missing(self.file.path(), "tensor", name, expected)
        })
    }
}

/// Checks the magic and gives the version.
fn version(cursor: &mut Cursor) -> Result<u32> {
    let start = cursor.clone();
    let magic: [u8; 4] = cursor.array("magic")?;
    if &magic != MAGIC {
        return Err(start.malformed("magic", "\"GGUF\"", format!("\"{}\"", magic.escape_ascii())));
    }
    let start = cursor.clone();
    let version = cursor.u32("version")?;
    let path = cursor.path();
    match version {
        2 | 3 => Ok(version),
        1 => Err(FormatError::unsupported(path, "GGUF version 1", "convert it to version 3")),
        // A small number whose significant bytes come first.
        _ if version & 0xffff == 0 && version != 0 => Err(FormatError::unsupported(
            path,
            format!("big-endian GGUF (version {})", version.swap_bytes()),
            "convert it to little-endian",
        )),
        _ => Err(start.malformed("version", "2 or 3", version.to_string())),
    }
}

/// One part of a split model would otherwise look like a model that lacks tensors.
fn refuse_split(file: &Mapped, metadata: &Metadata) -> Result<()> {
    match metadata.optional::<u64>("split.count")? {
        Some(count) if count > 1 => Err(FormatError::unsupported(
            file.path(),
            format!("a model split into {count} GGUF files"),
            "merge them into one file first",
        )),
        _ => Ok(()),
    }
}

fn alignment(file: &Mapped, metadata: &Metadata) -> Result<usize> {
    let alignment = metadata.optional::<usize>(ALIGNMENT_KEY)?.unwrap_or(DEFAULT_ALIGNMENT);
    if alignment.is_power_of_two() && alignment <= MAX_ALIGNMENT {
        return Ok(alignment);
    }
    Err(FormatError::malformed(
        file.path(),
        format!("metadata key {ALIGNMENT_KEY:?}"),
        format!("a power of two up to {MAX_ALIGNMENT}"),
        alignment.to_string(),
    ))
}
