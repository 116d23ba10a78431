//! A checkpoint: one safetensors file, or a folder with one or with shards and their index.

use super::{SafeTensors, unreadable};
use crate::error::quoted;
use crate::{FormatError, Mapped, Result, StoredTensor, exists};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// The largest index that is read: a name and a file for each of some hundred thousand tensors.
const LARGEST_INDEX: usize = 64 << 20;

/// All tensors of a model, wherever they lie.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    files: Vec<Mapped>,
    tensors: Vec<StoredTensor>,
    by_name: HashMap<String, usize>,
    others: BTreeMap<String, String>,
}

/// The part of the index that is used: which file holds which tensor.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens a `.safetensors` file, or a folder: `model.safetensors`, else the shards of
    /// `model.safetensors.index.json`.
    ///
    /// # Errors
    /// When there is neither, an index names a file outside of the folder or a tensor that its file
    /// lacks, or a file is not well formed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !path.is_dir() {
            return Ok(Self::single(path, SafeTensors::open(path)?));
        }
        if exists(&path.join(SINGLE))? {
            return Ok(Self::single(path, SafeTensors::open(path.join(SINGLE))?));
        }
        if exists(&path.join(INDEX))? {
            return Self::sharded(path);
        }
        let expected = if path.join("pytorch_model.bin").exists()
            || path.join("pytorch_model.bin.index.json").exists()
        {
            "safetensors weights; pickled PyTorch files run code when they are read, so convert them"
        } else {
            "it, or model.safetensors.index.json with its shards"
        };
        Err(FormatError::missing(path, "file", SINGLE, expected))
    }

    fn single(path: &Path, file: SafeTensors) -> Self {
        let SafeTensors { file, tensors, by_name, others, .. } = file;
        Self { path: path.to_owned(), files: vec![file], tensors, by_name, others }
    }

    fn sharded(folder: &Path) -> Result<Self> {
        let index = read_index(&Mapped::open(folder.join(INDEX))?)?;
        let names: BTreeSet<&String> = index.values().collect();
        let mut shards = BTreeMap::new();
        for name in names {
            shards.insert(name.as_str(), SafeTensors::open(folder.join(name))?);
        }
        let mut all = Self {
            path: folder.to_owned(),
            files: shards.values().map(|shard| shard.file.clone()).collect(),
            tensors: Vec::new(),
            by_name: HashMap::new(),
            others: BTreeMap::new(),
        };
        for (name, file) in &index {
            let shard = &shards[file.as_str()];
            if let Some(tensor) = shard.get(name) {
                all.by_name.insert(name.clone(), all.tensors.len());
                all.tensors.push(tensor.clone());
            } else if let Some(dtype) = shard.others.get(name) {
                all.others.insert(name.clone(), dtype.clone());
            } else {
                let expected = format!("it in this file because {INDEX} says so");
                return Err(FormatError::missing(shard.file.path(), "tensor", name, expected));
            }
        }
        Ok(all)
    }

    /// The file or folder that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The safetensors files.
    #[must_use]
    pub fn files(&self) -> &[Mapped] {
        &self.files
    }

    /// Every tensor of a type that is read here.
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
            Some(dtype) => unreadable(&self.path, name, dtype),
            None => {
                let expected =
                    format!("one of the {} tensors of the checkpoint", self.tensors.len());
                FormatError::missing(&self.path, "tensor", name, expected)
            }
        })
    }
}

/// Which tensor lies in which file, from the bytes of an index; file names are checked.
fn read_index(file: &Mapped) -> Result<BTreeMap<String, String>> {
    let bytes = file.bytes();
    let wrong = |place: &str, expected: &str, found: String| {
        Err(FormatError::malformed(file.path(), place, expected, found))
    };
    if bytes.len() > LARGEST_INDEX {
        return wrong("size", "at most 64 MiB", format!("{} bytes", bytes.len()));
    }
    let index: Index = match serde_json::from_slice(bytes) {
        Ok(index) => index,
        Err(e) => return wrong("index", "a weight_map of tensor names to files", e.to_string()),
    };
    if index.weight_map.is_empty() {
        return wrong("weight_map", "at least one tensor", "none".into());
    }
    for (name, shard) in &index.weight_map {
        let plain = shard.ends_with(".safetensors")
            && !shard.starts_with('.')
            && !shard.contains(['/', '\\', ':', '\0']);
        if !plain {
            let place = format!("weight_map, tensor {}", quoted(name));
            return wrong(&place, "the plain name of a .safetensors file", quoted(shard));
        }
    }
    Ok(index.weight_map)
}

/// Reads an index as [`Checkpoint::open`] does and says how many tensors it names. For fuzzing.
///
/// # Errors
/// When it is not a well-formed index.
#[doc(hidden)]
pub fn check_index(bytes: Vec<u8>) -> Result<usize> {
    read_index(&Mapped::from_bytes(INDEX, bytes)).map(|index| index.len())
}
