//! The trained model as it lies in the repository: matrices in Q8_0, norms in f32, the vocabulary as it
//! was, in one GGUF file.

use anyhow::{Context, Result};
use grimoire_format::gguf::{Gguf, MetadataWriter, Writer};
use grimoire_format::{Dtype, TensorSpec};
use grimoire_kernels::storage::{StorageType, encode};
use std::path::Path;

/// Writes `trained`, named as in `start`, to `file` with the header of `start`.
pub(crate) fn write(start: &Path, trained: &Path, file: &Path) -> Result<u64> {
    let start = Gguf::open(start)?;
    let trained = Gguf::open(trained)?;
    let mut metadata = MetadataWriter::new();
    for key in start.metadata().keys() {
        metadata.copy(start.metadata(), key);
    }
    let spec = |tensor: &grimoire_format::StoredTensor| TensorSpec {
        name: tensor.name().to_owned(),
        shape: tensor.shape().to_vec(),
        dtype: if tensor.shape().len() == 2 { Dtype::Q8_0 } else { Dtype::F32 },
    };
    let specs: Vec<TensorSpec> = start.tensors().iter().map(spec).collect();
    let mut writer = Writer::create(file, &metadata, &specs)?;
    for spec in &specs {
        // A norm that was not trained keeps its start.
        let source = trained.get(&spec.name).or_else(|| start.get(&spec.name));
        let values = source.with_context(|| spec.name.clone())?.to_f32()?;
        let mut bytes = vec![0; spec.bytes().with_context(|| spec.name.clone())? as usize];
        let kind = if spec.dtype == Dtype::Q8_0 { StorageType::Q8_0 } else { StorageType::F32 };
        encode(kind, &values, &mut bytes)?;
        writer.append(&spec.name, &bytes)?;
    }
    writer.finish()?;
    Ok(std::fs::metadata(file)?.len())
}
