//! A model written to disk: as a GGUF file or a Hugging Face folder, whatever it was read from, with adapters
//! merged (`W ← W + s·B·A`) or trained weights in place of the stored ones, each tensor in the type asked for.
//!
//! Tokenizer, template and settings come along. Into the same container everything else of the file does too.
//! Into the other one the settings are stated in its terms, the rows of q and k are put in its order, GPT-2's
//! matrices are turned; what it has no way to state is refused.
//!
//! Matrices take the type asked for; vectors stay f32 in GGUF, as every reader of it expects; embedding and
//! head are not put below 8 bits unless that is asked for. Without a type each tensor keeps its own where the
//! container has it; one that was changed does not stay below 8 bits, where rounding it again would take most of the
//! change away. A note tells of every choice made.

mod config_json;
mod gguf_keys;
mod piece;
mod plan;

use crate::checkpoint::{Checkpoint, Container};
use crate::error::ModelError;
use crate::model::Model;
use grimoire_format::gguf::{self, MetadataWriter};
use grimoire_format::{Dtype, FormatError, TensorSpec, safetensors, write_atomic};
use grimoire_tensor::Params;
use piece::Moved;
use plan::Plan;
use std::collections::BTreeMap;
use std::path::Path;

/// The types of the tensors to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// That of matrices; each its own when there is none.
    pub matrices: Option<Dtype>,
    /// That of embedding, learned positions and head, when it is to be another.
    pub outer: Option<Dtype>,
}

/// Where to and as what.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The file or the folder.
    pub path: &'a Path,
    /// Which of the two.
    pub container: Container,
    /// The types.
    pub types: Types,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Tensors in all.
    pub tensors: usize,
    /// Tensors that an adapter or training changed.
    pub changed: usize,
    /// Bytes of weights.
    pub bytes: u64,
    /// Tensors by the type they were written in.
    pub types: BTreeMap<Dtype, usize>,
    /// How much of what adapters changed is there in the types that were written: `Σ Δ · (written − before) / Σ Δ²` over
    /// all weights, 1 for all of it, 0 where rounding took it back. None where no adapter changed any, or where matrices
    /// were turned.
    pub kept: Option<f64>,
    /// Choices that were made and what to know of them, in words.
    pub notes: Vec<String>,
}

/// Takes the bytes of the tensor of that name.
type Append<'a> = dyn FnMut(&str, &[u8]) -> Result<(), FormatError> + 'a;

/// Writes `checkpoint` to `target` with the adapters of `model` merged and the trained values of `params` in
/// place. `done` hears how many tensors are written, and of how many.
///
/// # Errors
/// When the container cannot state the model, a type cannot be written in it, a value does not fit its type,
/// or the disk refuses.
pub fn export(
    model: &Model,
    params: &Params,
    checkpoint: &Checkpoint,
    target: &Target<'_>,
    done: &mut dyn FnMut(usize, usize),
) -> Result<Written, ModelError> {
    let mut plan = Plan::new(model, params, checkpoint, target)?;
    let specs: Vec<TensorSpec> = plan.pieces.iter().map(|piece| piece.spec.clone()).collect();
    let mut moved = Moved::default();
    let mut write = |append: &mut Append<'_>| {
        for (index, piece) in plan.pieces.iter().enumerate() {
            moved +=
                piece.write(checkpoint.path(), &mut |bytes| append(&piece.spec.name, bytes))?;
            done(index + 1, plan.pieces.len());
        }
        Ok::<(), ModelError>(())
    };
    match target.container {
        Container::Gguf => {
            let metadata = gguf_metadata(checkpoint, &specs, &mut plan.notes)?;
            let mut writer = gguf::Writer::create(target.path, &metadata, &specs)?;
            write(&mut |name, bytes| writer.append(name, bytes))?;
            writer.finish()?;
        }
        Container::Folder => {
            let files = config_json::files(checkpoint, &specs, &mut plan.notes)?;
            std::fs::create_dir_all(target.path).map_err(|source| FormatError::Io {
                path: target.path.to_owned(),
                action: "create",
                source,
            })?;
            let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
            let path = target.path.join("model.safetensors");
            let mut writer = safetensors::Writer::create(path, &metadata, &specs)?;
            write(&mut |name, bytes| writer.append(name, bytes))?;
            writer.finish()?;
            for (name, bytes) in files {
                write_atomic(target.path.join(name), &bytes)?;
            }
        }
    }
    let mut types = BTreeMap::new();
    specs.iter().for_each(|spec| *types.entry(spec.dtype).or_insert(0) += 1);
    Ok(Written {
        tensors: specs.len(),
        changed: plan.changed,
        bytes: specs.iter().filter_map(TensorSpec::bytes).sum(),
        types,
        kept: moved.kept(),
        notes: plan.notes,
    })
}

/// The pairs of a GGUF file: those of the file that the model comes from, or new ones; with the type that most
/// of its matrices have.
fn gguf_metadata(
    checkpoint: &Checkpoint,
    specs: &[TensorSpec],
    notes: &mut Vec<String>,
) -> Result<MetadataWriter, ModelError> {
    /// Keys that say how a file lies on disk.
    const OWN: [&str; 3] =
        ["general.alignment", "general.file_type", "general.quantization_version"];
    let mut metadata = MetadataWriter::new();
    match checkpoint.gguf() {
        Some(file) => {
            for key in file.metadata().keys().filter(|key| !OWN.contains(key)) {
                metadata.copy(file.metadata(), key);
            }
        }
        None => gguf_keys::state(checkpoint, &mut metadata, notes)?,
    }
    if let Some(number) = file_type(specs) {
        metadata.u32("general.file_type", number);
    }
    if specs.iter().any(|spec| spec.dtype.block_len() > 1) {
        metadata.u32("general.quantization_version", 2);
    }
    Ok(metadata)
}

/// What other tools show as the type of a file, by the type that most values of matrices have; the
/// specification calls the numbers `LLAMA_FTYPE`. Readers go by the types of the tensors.
fn file_type(specs: &[TensorSpec]) -> Option<u32> {
    let mut values: BTreeMap<Dtype, usize> = BTreeMap::new();
    for spec in specs.iter().filter(|spec| spec.shape.len() > 1) {
        *values.entry(spec.dtype).or_default() += spec.shape.iter().product::<usize>();
    }
    let (dtype, _) = values.into_iter().max_by_key(|(_, count)| *count)?;
    Some(match dtype {
        Dtype::F32 => 0,
        Dtype::F16 => 1,
        Dtype::Q4_0 => 2,
        Dtype::Q4_1 => 3,
        Dtype::Q8_0 => 7,
        Dtype::Q5_0 => 8,
        Dtype::Q5_1 => 9,
        Dtype::Q2K => 10,
        Dtype::Q3K => 12,
        Dtype::Q4K => 15,
        Dtype::Q5K => 17,
        Dtype::Q6K => 18,
        Dtype::IQ4NL => 25,
        Dtype::IQ4XS => 30,
        Dtype::BF16 => 32,
        Dtype::MXFP4 => 38,
    })
}
