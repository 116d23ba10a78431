//! safetensors: one file, or a folder of shards with an index.
//!
//! A file is: the length of the header in 8 bytes, the header as JSON, the data. The header maps
//! names to type, shape and offsets. Here it must be exactly right: no duplicate keys, no overlap,
//! no hole, sizes that agree, nothing after the last tensor.
//!
//! Not here: other checkpoint formats. A folder that has only pickled PyTorch files is refused.
//!
//! Source: the safetensors README ("Format", "Notes").

mod folder;
mod header;
mod writer;

pub use folder::{Checkpoint, check_index};
pub use writer::Writer;

use crate::{FormatError, Mapped, Result, StoredTensor};
use header::Header;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// An opened safetensors file.
#[derive(Clone, Debug)]
pub struct SafeTensors {
    file: Mapped,
    metadata: BTreeMap<String, String>,
    tensors: Vec<StoredTensor>,
    by_name: HashMap<String, usize>,
    /// Tensors of types that are not read here (integers, f64, 8-bit floats), with the type's name.
    others: BTreeMap<String, String>,
}

impl SafeTensors {
    /// Maps the file and checks its header.
    ///
    /// # Errors
    /// When it cannot be read or the header is not exactly right.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(Mapped::open(path)?)
    }

    /// As [`SafeTensors::open`], of bytes that are mapped or in memory already.
    ///
    /// # Errors
    /// As [`SafeTensors::open`].
    pub fn parse(file: Mapped) -> Result<Self> {
        let Header { metadata, entries } = Header::read(&file)?;
        let mut tensors = Vec::new();
        let mut others = BTreeMap::new();
        for entry in entries {
            match entry.dtype.stored() {
                Some(dtype) => tensors.push(StoredTensor::new(
                    entry.name,
                    dtype,
                    entry.shape,
                    file.clone(),
                    entry.range,
                )),
                None => {
                    others.insert(entry.name, entry.dtype.name().to_owned());
                }
            }
        }
        let by_name =
            tensors.iter().enumerate().map(|(at, tensor)| (tensor.name().to_owned(), at)).collect();
        Ok(Self { file, metadata, tensors, by_name, others })
    }

    /// The mapped file.
    #[must_use]
    pub fn file(&self) -> &Mapped {
        &self.file
    }

    /// The `__metadata__` strings.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The tensors of F32, F16 and BF16 in the order of their data.
    #[must_use]
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// Names and types of the tensors that cannot be read here.
    #[must_use]
    pub fn others(&self) -> &BTreeMap<String, String> {
        &self.others
    }

    /// The tensor of this name, where there is one of a type that is read here.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.by_name.get(name).map(|&at| &self.tensors[at])
    }

    /// The tensor of this name.
    ///
    /// # Errors
    /// When there is none, or it has a type that is not read here.
    pub fn tensor(&self, name: &str) -> Result<&StoredTensor> {
        self.get(name).ok_or_else(|| match self.others.get(name) {
            Some(dtype) => unreadable(self.file.path(), name, dtype),
            None => FormatError::missing(
                self.file.path(),
                "tensor",
                name,
                format!("one of the {} tensors of the file", self.tensors.len()),
            ),
        })
    }
}

pub(crate) fn unreadable(path: &Path, name: &str, dtype: &str) -> FormatError {
    FormatError::unsupported(
        path,
        format!("type {dtype} of tensor {name:?}"),
        "weights are read as F32, F16 or BF16",
    )
}
