//! Writes GGUF version 3: everything but the data is announced first, then the data stream through.

use super::{ALIGNMENT_KEY, DEFAULT_ALIGNMENT, MAGIC, Metadata, ValueType};
use crate::tensor::TensorSpec;
use crate::{AtomicFile, FormatError, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Gathers key-value pairs for a file that is to be written.
#[derive(Clone, Debug, Default)]
pub struct MetadataWriter {
    keys: Vec<String>,
    bytes: Vec<u8>,
}

impl MetadataWriter {
    /// No pairs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `key` has been set.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.keys.iter().any(|other| other == key)
    }

    fn pair(&mut self, key: &str, ty: ValueType) -> &mut Vec<u8> {
        self.keys.push(key.to_owned());
        push_text(&mut self.bytes, key);
        self.bytes.extend((ty as u32).to_le_bytes());
        &mut self.bytes
    }

    fn array(&mut self, key: &str, ty: ValueType, len: usize) -> &mut Vec<u8> {
        let bytes = self.pair(key, ValueType::Array);
        bytes.extend((ty as u32).to_le_bytes());
        bytes.extend((len as u64).to_le_bytes());
        bytes
    }

    /// Adds a u32.
    pub fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.pair(key, ValueType::U32).extend(value.to_le_bytes());
        self
    }

    /// Adds a u64.
    pub fn u64(&mut self, key: &str, value: u64) -> &mut Self {
        self.pair(key, ValueType::U64).extend(value.to_le_bytes());
        self
    }

    /// Adds an f32.
    pub fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.pair(key, ValueType::F32).extend(value.to_le_bytes());
        self
    }

    /// Adds a bool.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.pair(key, ValueType::Bool).push(value.into());
        self
    }

    /// Adds a string.
    pub fn str(&mut self, key: &str, value: &str) -> &mut Self {
        push_text(self.pair(key, ValueType::String), value);
        self
    }

    /// Adds an array of strings.
    pub fn strings<S: AsRef<str>>(&mut self, key: &str, values: &[S]) -> &mut Self {
        let bytes = self.array(key, ValueType::String, values.len());
        values.iter().for_each(|value| push_text(bytes, value.as_ref()));
        self
    }

    /// Adds an array of i32.
    pub fn i32s(&mut self, key: &str, values: &[i32]) -> &mut Self {
        let bytes = self.array(key, ValueType::I32, values.len());
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        self
    }

    /// Adds an array of f32.
    pub fn f32s(&mut self, key: &str, values: &[f32]) -> &mut Self {
        let bytes = self.array(key, ValueType::F32, values.len());
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        self
    }

    /// Copies the pair `key` of another file as it is. False when that file has none.
    pub fn copy(&mut self, from: &Metadata, key: &str) -> bool {
        let Some((ty, value)) = from.raw(key) else { return false };
        self.pair(key, ty).extend(value);
        true
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// A GGUF file being written: created with all it will hold, filled in that order, then finished.
#[derive(Debug)]
pub struct Writer {
    file: AtomicFile,
    tensors: Vec<(String, u64)>,
    /// The tensor being filled, and how many of its bytes are still to come.
    current: usize,
    left: u64,
}

impl Writer {
    /// Writes the header: pairs, and the table of `tensors` with its offsets.
    ///
    /// # Errors
    /// When the file cannot be written; when a key or name occurs twice, is too long, or a tensor
    /// cannot be stored in its type.
    pub fn create(
        path: impl Into<PathBuf>,
        metadata: &MetadataWriter,
        tensors: &[TensorSpec],
    ) -> Result<Self> {
        let path = path.into();
        let alignment = DEFAULT_ALIGNMENT as u64;
        check(&path, metadata, tensors)?;
        let mut header = Vec::new();
        header.extend(MAGIC);
        header.extend(3_u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.keys.len() as u64).to_le_bytes());
        header.extend(&metadata.bytes);
        let mut sizes = Vec::new();
        let mut offset = 0_u64;
        for tensor in tensors {
            let too_big = || unstorable(&path, tensor);
            let bytes = tensor.bytes().ok_or_else(too_big)?;
            push_text(&mut header, &tensor.name);
            header.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().rev().for_each(|d| header.extend((*d as u64).to_le_bytes()));
            header.extend(tensor.dtype.ggml_code().to_le_bytes());
            header.extend(offset.to_le_bytes());
            offset = bytes
                .checked_next_multiple_of(alignment)
                .and_then(|padded| padded.checked_add(offset))
                .ok_or_else(too_big)?;
            sizes.push((tensor.name.clone(), bytes));
        }
        header.resize(header.len().next_multiple_of(DEFAULT_ALIGNMENT), 0);
        let mut file = AtomicFile::create(path)?;
        file.append(&header)?;
        let left = sizes.first().map_or(0, |first| first.1);
        Ok(Self { file, tensors: sizes, current: 0, left })
    }

    /// Appends data of the tensor `name`, all of it or a part; tensors come in the announced order.
    ///
    /// # Errors
    /// When it is not this tensor's turn, the data are too long, or they cannot be written.
    pub fn append(&mut self, name: &str, data: &[u8]) -> Result<()> {
        let expected = self.tensors.get(self.current).map(|tensor| tensor.0.as_str());
        if expected != Some(name) || data.len() as u64 > self.left {
            let turn = match expected {
                Some(expected) => format!("{} bytes of tensor {expected:?} come next", self.left),
                None => "all tensors are complete".to_owned(),
            };
            let what = format!("{} bytes of tensor {name:?}", data.len());
            return Err(FormatError::unwritable(self.file.target(), what, turn));
        }
        self.file.append(data)?;
        self.left -= data.len() as u64;
        if self.left == 0 {
            let bytes = self.tensors[self.current].1;
            let padding = bytes.next_multiple_of(DEFAULT_ALIGNMENT as u64) - bytes;
            self.file.append(&[0; DEFAULT_ALIGNMENT][..padding as usize])?;
            self.current += 1;
            self.left = self.tensors.get(self.current).map_or(0, |next| next.1);
        }
        Ok(())
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// When data are missing, or the file cannot be synced or renamed.
    pub fn finish(self) -> Result<()> {
        if let Some((name, _)) = self.tensors.get(self.current) {
            let reason = format!("{} bytes of tensor {name:?} are missing", self.left);
            return Err(FormatError::unwritable(self.file.target(), "the file", reason));
        }
        self.file.commit()
    }
}

/// What the reader would refuse is not written.
fn check(path: &Path, metadata: &MetadataWriter, tensors: &[TensorSpec]) -> Result<()> {
    let mut keys = HashSet::new();
    for key in &metadata.keys {
        if !keys.insert(key) {
            return Err(FormatError::unwritable(path, format!("key {key:?}"), "it is set twice"));
        }
        if key == ALIGNMENT_KEY {
            let reason = format!("the writer aligns to {DEFAULT_ALIGNMENT}");
            return Err(FormatError::unwritable(path, format!("key {key:?}"), reason));
        }
    }
    let mut names = HashSet::new();
    for tensor in tensors {
        if !names.insert(&tensor.name) {
            let what = format!("tensor {:?}", tensor.name);
            return Err(FormatError::unwritable(path, what, "it is announced twice"));
        }
        if tensor.shape.len() > 4 || tensor.shape.contains(&0) || tensor.name.len() > 63 {
            return Err(unstorable(path, tensor));
        }
    }
    Ok(())
}

fn unstorable(path: &Path, tensor: &TensorSpec) -> FormatError {
    let TensorSpec { name, dtype, shape } = tensor;
    FormatError::unwritable(
        path,
        format!("tensor {name:?} of shape {shape:?} as {dtype}"),
        format!(
            "a name of at most 63 bytes, 1 to 4 dimensions above 0 and rows of whole blocks of {} are needed",
            dtype.block_len()
        ),
    )
}
