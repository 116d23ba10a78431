//! Writes a safetensors file: the header is announced first, then the data stream through.

use crate::tensor::TensorSpec;
use crate::{AtomicFile, Dtype, FormatError, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A safetensors file being written: created with all it will hold, filled in that order, finished.
#[derive(Debug)]
pub struct Writer {
    file: AtomicFile,
    tensors: Vec<(String, u64)>,
    /// The tensor being filled, and how many of its bytes are still to come.
    current: usize,
    left: u64,
}

impl Writer {
    /// Writes the header for `tensors` and the `__metadata__` strings.
    ///
    /// # Errors
    /// When the file cannot be written; when a name occurs twice or a tensor is not F32, F16 or BF16.
    pub fn create(
        path: impl Into<PathBuf>,
        metadata: &BTreeMap<String, String>,
        tensors: &[TensorSpec],
    ) -> Result<Self> {
        let path = path.into();
        let mut header = Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".into(), json!(metadata));
        }
        let mut sizes = Vec::new();
        let mut at = 0_u64;
        for tensor in tensors {
            let TensorSpec { name, dtype, shape } = tensor;
            let refuse =
                |reason: &str| FormatError::unwritable(&path, format!("tensor {name:?}"), reason);
            if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(refuse(&format!("safetensors has no type {dtype}")));
            }
            let bytes = tensor.bytes().ok_or_else(|| refuse("its size does not fit 64 bits"))?;
            let end = at.checked_add(bytes).ok_or_else(|| refuse("the file would be too large"))?;
            let entry = json!({ "dtype": dtype.name(), "shape": shape, "data_offsets": [at, end] });
            if name == "__metadata__" || header.insert(name.clone(), entry).is_some() {
                return Err(refuse("the name is taken"));
            }
            at = end;
            sizes.push((name.clone(), bytes));
        }
        let mut text = Value::Object(header).to_string();
        // The data begin at a multiple of 8.
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        let mut file = AtomicFile::create(path)?;
        file.append(&(text.len() as u64).to_le_bytes())?;
        file.append(text.as_bytes())?;
        let left = sizes.first().map_or(0, |first| first.1);
        let mut writer = Self { file, tensors: sizes, current: 0, left };
        writer.pass_complete();
        Ok(writer)
    }

    /// Appends data of the tensor `name`, all of it or a part; tensors come in the announced order.
    ///
    /// # Errors
    /// When it is not this tensor's turn, the data are too long, or they cannot be written.
    pub fn append(&mut self, name: &str, data: &[u8]) -> Result<()> {
        let expected = self.tensors.get(self.current).map(|tensor| tensor.0.as_str());
        if data.is_empty() {
            return Ok(());
        }
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
        self.pass_complete();
        Ok(())
    }

    /// Moves on to the next tensor that still lacks data; an empty one lacks none.
    fn pass_complete(&mut self) {
        while self.left == 0 && self.current < self.tensors.len() {
            self.current += 1;
            self.left = self.tensors.get(self.current).map_or(0, |next| next.1);
        }
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
