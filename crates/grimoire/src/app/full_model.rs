//! A model whose every weight was trained, written as a Hugging Face safetensors file in f32 beside the run.

use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_format::safetensors::Writer;
use grimoire_format::{Dtype, TensorSpec};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes `model/model.safetensors` under `folder`: trained values by the checkpoint's own tensor names, in its
/// own order of rows.
pub(crate) fn write(loaded: &Loaded, folder: &Path) -> Outcome {
    let folder = folder.join("model");
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::work(format!("{}: cannot create: {error}", folder.display())))?;
    let naming = loaded.checkpoint.naming();
    let mut specs = Vec::new();
    for param in loaded.params.iter() {
        let (path, kind) = match param.name.strip_suffix(".bias") {
            Some(path) => (path, "bias"),
            None => (param.name, "weight"),
        };
        let name = naming
            .of(path)
            .ok_or_else(|| Failure::work(format!("{path}: has no name in the checkpoint")))?;
        specs.push(TensorSpec {
            name: format!("{name}.{kind}"),
            dtype: Dtype::F32,
            shape: param.shape.to_vec(),
        });
    }
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut writer = Writer::create(folder.join("model.safetensors"), &metadata, &specs)?;
    for (spec, param) in specs.iter().zip(loaded.params.iter()) {
        for piece in param.values.chunks(1 << 16) {
            let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
            writer.append(&spec.name, &bytes)?;
        }
    }
    writer.finish()?;
    Ok(())
}
