//! A model written again with its adapters merged: `W ← W + s·B·A`, each tensor in the storage type asked
//! for, everything else of the file (metadata, tokenizer, template) carried along.
//!
//! A GGUF model becomes a GGUF file, a Hugging Face folder a folder. Matrices take the type asked for;
//! vectors stay f32 in GGUF, as every reader of it expects, and embedding and head are not put below
//! 8 bits. Without a type each tensor keeps its own; one that is adapted and of a type that can only be
//! read becomes Q8_0. No tensor is held decoded as a whole.

use crate::checkpoint::{Checkpoint, Container};
use crate::error::ModelError;
use crate::model::Model;
use crate::weights::storage;
use grimoire_format::gguf::{self, MetadataWriter};
use grimoire_format::{Dtype, FormatError, StoredTensor, TensorSpec, safetensors, write_atomic};
use grimoire_kernels::storage::{decode, encode};
use grimoire_tensor::Params;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Rows that are decoded at once.
const ROWS: usize = 256;
/// Files of a folder that belong to a model besides its weights.
const COMPANIONS: [&str; 11] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "LICENSE",
];

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Tensors in all.
    pub tensors: usize,
    /// Tensors that an adapter changed.
    pub changed: usize,
    /// Bytes of weights.
    pub bytes: u64,
    /// Tensors by the type they were written in.
    pub types: BTreeMap<Dtype, usize>,
}

/// `s·B·A` in the orientation of the stored tensor: `left` `[rows, rank]`, `right` `[rank, cols]`.
struct Change {
    left: Vec<f32>,
    right: Vec<f32>,
    rank: usize,
    scale: f32,
}

/// Writes `checkpoint` to `out` with the adapters of `model` merged, matrices as `dtype`. `done` hears how many
/// tensors are written.
///
/// # Errors
/// When the type cannot be written in the format, a merged value is not finite, or the disk refuses.
pub fn export(
    model: &Model,
    params: &Params,
    checkpoint: &Checkpoint,
    out: &Path,
    dtype: Option<Dtype>,
    done: &mut dyn FnMut(usize),
) -> Result<Merged, ModelError> {
    let changes = changes(model, params, checkpoint);
    let specs: Vec<TensorSpec> = checkpoint
        .tensors()
        .iter()
        .map(|tensor| {
            let changed = changes.contains_key(tensor.name());
            Ok(TensorSpec {
                name: tensor.name().to_owned(),
                dtype: target(checkpoint, tensor, dtype, changed),
                shape: tensor.shape().to_vec(),
            })
        })
        .collect::<Result<_, ModelError>>()?;
    let mut written = 0;
    match checkpoint.gguf() {
        Some(file) => {
            let metadata = metadata(file, dtype);
            let mut writer = gguf::Writer::create(out, &metadata, &specs)?;
            for (tensor, spec) in checkpoint.tensors().iter().zip(&specs) {
                let change = changes.get(tensor.name());
                rewrite(tensor, change, spec.dtype, &mut |data| writer.append(&spec.name, data))?;
                written += 1;
                done(written);
            }
            writer.finish()?;
        }
        None => {
            std::fs::create_dir_all(out).map_err(|source| FormatError::Io {
                path: out.to_owned(),
                action: "create",
                source,
            })?;
            let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
            let path = out.join("model.safetensors");
            let mut writer = safetensors::Writer::create(path, &metadata, &specs)?;
            for (tensor, spec) in checkpoint.tensors().iter().zip(&specs) {
                let change = changes.get(tensor.name());
                rewrite(tensor, change, spec.dtype, &mut |data| writer.append(&spec.name, data))?;
                written += 1;
                done(written);
            }
            writer.finish()?;
            companions(checkpoint.path(), out, dtype)?;
        }
    }
    let mut types = BTreeMap::new();
    specs.iter().for_each(|spec| *types.entry(spec.dtype).or_insert(0) += 1);
    let bytes = specs.iter().filter_map(TensorSpec::bytes).sum();
    Ok(Merged { tensors: specs.len(), changed: changes.len(), bytes, types })
}

/// The adapters of the model by the name of the tensor they change.
fn changes(model: &Model, params: &Params, checkpoint: &Checkpoint) -> HashMap<String, Change> {
    let mut changes = HashMap::new();
    for linear in model.linears() {
        let (Some(adapter), Some(name)) = (&linear.adapter, checkpoint.naming().of(&linear.path))
        else {
            continue;
        };
        let (a, b) = (params.values(adapter.a), params.values(adapter.b));
        let rank = params.shape(adapter.a)[0];
        let (left, right) = if checkpoint.stores_transposed() {
            // Aᵀ Bᵀ = (B A)ᵀ
            (transpose(a, rank), transpose(b, b.len() / rank))
        } else {
            (b.to_vec(), a.to_vec())
        };
        let change = Change { left, right, rank, scale: adapter.scale };
        changes.insert(format!("{name}.weight"), change);
    }
    changes
}

/// `[rows, cols]` turned into `[cols, rows]`.
fn transpose(values: &[f32], rows: usize) -> Vec<f32> {
    let cols = values.len() / rows;
    (0..values.len()).map(|at| values[at % rows * cols + at / rows]).collect()
}

/// The type that a tensor is written in.
fn target(
    checkpoint: &Checkpoint,
    tensor: &StoredTensor,
    dtype: Option<Dtype>,
    changed: bool,
) -> Dtype {
    let gguf = checkpoint.container() == Container::Gguf;
    let own = tensor.dtype();
    let fits = |dtype: Dtype| {
        tensor.shape().last().is_some_and(|row| (*row as u64).is_multiple_of(dtype.block_len()))
    };
    let matrix = tensor.shape().len() > 1;
    match dtype {
        None if !changed || storage(own).is_encodable() => own,
        None => {
            if fits(Dtype::Q8_0) {
                Dtype::Q8_0
            } else {
                Dtype::F16
            }
        }
        Some(_) if gguf && !matrix => Dtype::F32,
        Some(dtype) => {
            let module = tensor.name().strip_suffix(".weight").unwrap_or(tensor.name());
            let path = checkpoint.naming().path(module).unwrap_or_default();
            let outer = ["embed", "positions", "head"].contains(&path.as_str());
            let low = matches!(dtype, Dtype::Q4_0 | Dtype::Q4_1);
            match if outer && low { Dtype::Q8_0 } else { dtype } {
                dtype if fits(dtype) => dtype,
                // Rows that are no whole blocks.
                _ => Dtype::F16,
            }
        }
    }
}

/// The pairs of the file, but for what says in which type it is.
fn metadata(file: &gguf::Gguf, dtype: Option<Dtype>) -> MetadataWriter {
    /// The key and, by type, the numbers that other tools show; the specification calls them `LLAMA_FTYPE`.
    const FILE_TYPE: &str = "general.file_type";
    let mut metadata = MetadataWriter::new();
    for key in file.metadata().keys() {
        // The writer has its own alignment.
        if key != "general.alignment" && (key != FILE_TYPE || dtype.is_none()) {
            metadata.copy(file.metadata(), key);
        }
    }
    let number = match dtype {
        Some(Dtype::F32) => Some(0),
        Some(Dtype::F16) => Some(1),
        Some(Dtype::Q4_0) => Some(2),
        Some(Dtype::Q4_1) => Some(3),
        Some(Dtype::Q8_0) => Some(7),
        Some(Dtype::BF16) => Some(32),
        _ => None,
    };
    if let Some(number) = number {
        metadata.u32(FILE_TYPE, number);
    }
    metadata
}

/// Sends the bytes of a tensor in its new type to `sink`, some rows at a time.
fn rewrite(
    tensor: &StoredTensor,
    change: Option<&Change>,
    dtype: Dtype,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), FormatError>,
) -> Result<(), ModelError> {
    if change.is_none() && dtype == tensor.dtype() {
        return Ok(sink(tensor.bytes())?);
    }
    let (from, to) = (storage(tensor.dtype()), storage(dtype));
    let cols = tensor.shape().last().copied().unwrap_or(1);
    let sizes = (from.bytes_for(cols), to.bytes_for(cols));
    let (Some(old_row), Some(new_row)) = sizes else {
        return Err(unmergeable(tensor, format!("rows of {cols} are no whole blocks of {dtype}")));
    };
    if old_row == 0 || !to.is_encodable() {
        return Err(unmergeable(tensor, format!("it cannot be written as {dtype}")));
    }
    for (chunk, old) in tensor.bytes().chunks(ROWS * old_row).enumerate() {
        let mut new = vec![0; old.len() / old_row * new_row];
        let rows = new.par_chunks_mut(new_row).zip(old.par_chunks(old_row)).enumerate();
        rows.try_for_each(|(row, (new, old))| {
            let mut values = vec![0.0; cols];
            decode(from, old, &mut values);
            if let Some(change) = change {
                change.add(chunk * ROWS + row, &mut values);
            }
            if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
                let row = chunk * ROWS + row;
                return Err(unmergeable(tensor, format!("row {row} would hold {bad}")));
            }
            encode(to, &values, new).map_err(|error| unmergeable(tensor, error.to_string()))
        })?;
        sink(&new)?;
    }
    Ok(())
}

impl Change {
    /// Adds the change of one row: the products are summed over the rank in order, then scaled.
    fn add(&self, row: usize, values: &mut [f32]) {
        let mut sum = vec![0.0; values.len()];
        for (k, left) in self.left[row * self.rank..][..self.rank].iter().enumerate() {
            let right = &self.right[k * values.len()..][..values.len()];
            sum.iter_mut().zip(right).for_each(|(sum, right)| *sum += left * right);
        }
        values.iter_mut().zip(&sum).for_each(|(value, sum)| *value += self.scale * sum);
    }
}

fn unmergeable(tensor: &StoredTensor, reason: String) -> ModelError {
    ModelError::Unmergeable {
        path: tensor.file().path().to_owned(),
        name: tensor.name().to_owned(),
        reason,
    }
}

/// Copies configuration, tokenizer and template, the configuration with the new type in it.
fn companions(from: &Path, to: &Path, dtype: Option<Dtype>) -> Result<(), ModelError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| {
            ModelError::from(FormatError::Io { path: path.to_owned(), action: "read", source })
        })
    };
    for name in COMPANIONS {
        if from.join(name).is_file() {
            write_atomic(to.join(name), &read(&from.join(name))?)?;
        }
    }
    let mut config = read(&from.join("config.json"))?;
    let name = match dtype {
        Some(Dtype::F32) => Some("float32"),
        Some(Dtype::F16) => Some("float16"),
        Some(Dtype::BF16) => Some("bfloat16"),
        _ => None,
    };
    if let (Some(name), Ok(serde_json::Value::Object(mut map))) =
        (name, serde_json::from_slice(&config))
    {
        for key in ["torch_dtype", "dtype"] {
            if let Some(value) = map.get_mut(key) {
                *value = name.into();
            }
        }
        config = format!("{:#}\n", serde_json::Value::Object(map)).into_bytes();
    }
    Ok(write_atomic(to.join("config.json"), &config)?)
}
