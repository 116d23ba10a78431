//! What `golden/models/exports_check.py` is given to read, and what the test of its record writes again: the small
//! models of `golden/models`, with an adapter on every layer or with every weight changed, in f32. Values come from
//! formulas, without sums whose order could differ, so that every machine writes the same bytes.

use grimoire_format::Dtype;
use grimoire_models::{Checkpoint, Container, Model, Target, Types, export};
use grimoire_tensor::Params;
use std::error::Error;
use std::path::{Path, PathBuf};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Of `golden/models`.
pub(crate) const MODELS: [&str; 17] = [
    "llama",
    "llama-bias",
    "llama3",
    "smollm",
    "rope-linear",
    "rope-yarn",
    "mistral",
    "qwen2",
    "qwen3",
    "gpt2",
    "gguf/Q4_1.gguf",
    "gguf/mixed.gguf",
    "gguf/llama3.gguf",
    "gguf/rope-yarn.gguf",
    "gguf/qwen2.gguf",
    "gguf/qwen3.gguf",
    "gguf/gpt2.gguf",
];
/// What is done to a model before it is written, by its name in the file's.
pub(crate) const CHANGES: [&str; 2] = ["merged", "trained"];

/// A model that was changed, and what it came from.
pub(crate) struct Changed {
    pub(crate) model: Model,
    pub(crate) params: Params,
    pub(crate) checkpoint: Checkpoint,
    stem: String,
}

/// One of the models after one of the changes.
pub(crate) fn changed(golden: &Path, name: &str, change: &str) -> Outcome<Changed> {
    let (mut model, checkpoint) = Model::open(&golden.join(name))?;
    let mut params = Params::default();
    match change {
        "merged" => adapt(&mut model, &mut params),
        _ => change_all(&mut model, &mut params),
    }
    let stem = format!("{}-{change}", name.replace(['/', '.'], "-"));
    Ok(Changed { model, params, checkpoint, stem })
}

impl Changed {
    /// Writes it as a folder and as a GGUF file.
    pub(crate) fn write(&self, out: &Path) -> Outcome<[PathBuf; 2]> {
        let write = |container, end: &str| -> Outcome<PathBuf> {
            let path = out.join(format!("{}{end}", self.stem));
            let types = Types { matrices: Some(Dtype::F32), outer: Some(Dtype::F32) };
            let target = Target { path: &path, container, types };
            export(&self.model, &self.params, &self.checkpoint, &target, &mut |_, _| {})?;
            Ok(path)
        };
        Ok([write(Container::Folder, "")?, write(Container::Gguf, ".gguf")?])
    }
}

/// Values in ±1/2 that every language makes alike.
fn value(index: usize, seed: usize) -> f32 {
    ((index * 7919 + seed * 104_729 + 12_345) % 2003) as f32 / 2003.0 - 0.5
}

fn adapt(model: &mut Model, params: &mut Params) {
    for (seed, linear) in model.linears_mut().into_iter().enumerate() {
        let (rank, [out, width]) = (1 + seed % 3, linear.shape(params));
        let values = |n: usize, seed: usize| (0..n).map(|i| 0.5 * value(i, seed)).collect();
        let (a, b) = (values(rank * width, seed), values(out * rank, seed + 500));
        linear.adapt(params, rank, 0.5 + seed as f32 * 0.01, a, b);
    }
}

fn change_all(model: &mut Model, params: &mut Params) {
    model.train_all(params);
    let ids: Vec<_> = params.iter().map(|param| param.id).collect();
    for (seed, id) in ids.into_iter().enumerate() {
        let values = params.values_mut(id).iter_mut().enumerate();
        values.for_each(|(at, weight)| *weight += 0.1 * value(at, seed));
    }
}
