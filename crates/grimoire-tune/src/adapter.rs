//! Low-rank adapters of a model: made, applied, and carried to and from PEFT's folder and GGUF-LoRA.
//!
//! LoRA (Hu et al., 2021): `A` starts uniform in `±1/√in` (PEFT's Kaiming initialisation with `a = √5`), `B` at
//! zero, the product counts `alpha/rank` times, or `alpha/√rank` with rsLoRA (Kalajdzievski, 2023).
//!
//! A GGUF file of the llama architecture holds the rows of q and k in another order than Hugging Face; the
//! rows of `B` are put in the order of the format that is written, and back.

use crate::error::TuneError;
use crate::fingerprint::fingerprint;
use grimoire_format::adapter::LoraPair;
use grimoire_format::adapter::gguf_lora::GgufLora;
use grimoire_format::adapter::peft::{Base, PeftAdapter};
use grimoire_models::{
    Architecture, Checkpoint, Container, Model, Naming, RowOrder, is_rotated, permuted_in_gguf,
};
use grimoire_stats::random::Random;
use grimoire_tensor::Params;
use std::collections::HashMap;
use std::path::Path;

/// Stream of the initial values of adapters.
const STREAM: u64 = 0x6c6f_7261_0000;

/// How an adapter is made.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraSettings {
    /// Rank of the product.
    pub rank: usize,
    /// Numerator of the factor on the product.
    pub alpha: f64,
    /// Divide by the root of the rank instead of the rank.
    pub rslora: bool,
    /// Which linear layers: ends of our paths or Hugging Face names (`attn.q`, `q_proj`, `mlp`); empty means all.
    pub targets: Vec<String>,
}

impl Default for LoraSettings {
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, rslora: false, targets: Vec::new() }
    }
}

impl LoraSettings {
    /// The factor on the product.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        (self.alpha / if self.rslora { rank.sqrt() } else { rank }) as f32
    }

    /// Whether a layer of this path is adapted.
    fn adapt(&self, path: &str, naming: Naming) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|pattern| names(pattern, path, naming))
    }
}

/// How many values [`attach`] would add, known before any of them is taken.
pub fn n_values(model: &Model, params: &Params, settings: &LoraSettings) -> u128 {
    let naming = hf_naming(model);
    let named = model.linears().into_iter().filter(|linear| settings.adapt(&linear.path, naming));
    let sides = named.map(|linear| linear.shape(params).into_iter().sum::<usize>() as u128);
    sides.sum::<u128>() * settings.rank as u128
}

/// Adds fresh adapters to the linear layers that the settings name; returns how many.
///
/// # Errors
/// When a pattern names no layer.
pub fn attach(
    model: &mut Model,
    params: &mut Params,
    settings: &LoraSettings,
    seed: u64,
) -> Result<usize, TuneError> {
    let naming = hf_naming(model);
    refuse_idle(model, naming, &settings.targets)?;
    let mut added = 0;
    for (index, linear) in model.linears_mut().into_iter().enumerate() {
        if !settings.adapt(&linear.path, naming) {
            continue;
        }
        let [out, width] = linear.shape(params);
        let bound = 1.0 / (width as f64).sqrt();
        let random = Random::new(seed, STREAM + index as u64);
        let a = (0..settings.rank * width)
            .map(|i| ((2.0 * random.uniform(i as u64) - 1.0) * bound) as f32)
            .collect();
        linear.adapt(params, settings.rank, settings.scale(), a, vec![0.0; out * settings.rank]);
        added += 1;
    }
    Ok(added)
}

/// Refuses patterns that name no layer.
fn refuse_idle(model: &Model, naming: Naming, targets: &[String]) -> Result<(), TuneError> {
    let linears = model.linears();
    let idle = |pattern: &&String| !linears.iter().any(|l| names(pattern, &l.path, naming));
    let patterns: Vec<String> = targets.iter().filter(idle).cloned().collect();
    if patterns.is_empty() {
        return Ok(());
    }
    let first_block = linears.len() / model.config().n_blocks.max(1);
    let layers: Vec<&str> = linears.iter().take(first_block).map(|l| l.path.as_str()).collect();
    Err(TuneError::NoTarget { patterns, layers: layers.join(", ") })
}

/// Whether a pattern names a layer: a part of its dotted path, by whole components, in our words or theirs.
fn names(pattern: &str, path: &str, naming: Naming) -> bool {
    let within = |name: &str| format!(".{name}.").contains(&format!(".{pattern}."));
    within(path) || naming.of(path).is_some_and(|theirs| within(&theirs))
}

/// Hugging Face's names for a model, whatever it was loaded from.
pub fn hf_naming(model: &Model) -> Naming {
    match model.config().architecture {
        Architecture::Gpt2 => Naming::HfGpt2 { prefixed: true },
        _ => Naming::HfLlama,
    }
}

/// The adapters of a model in PEFT's terms: Hugging Face names and order of rows.
pub fn to_peft(
    model: &Model,
    params: &Params,
    checkpoint: &Checkpoint,
    settings: &LoraSettings,
    base: &str,
) -> Result<PeftAdapter, TuneError> {
    let naming = hf_naming(model);
    let order = RowOrder::between(checkpoint, Container::Folder);
    let pairs = pairs(model, params, order, |path| naming.of(path));
    let left: Vec<String> = (model.linears().into_iter())
        .filter(|linear| linear.adapter.is_none())
        .filter_map(|linear| naming.of(&linear.path))
        .collect();
    let mut peft = PeftAdapter::from_pairs(pairs, &left, checkpoint.path())?;
    peft.config.base_model = Some(base.to_owned());
    peft.config.use_rslora = settings.rslora;
    if settings.rslora {
        // The scale is alpha/√rank: say alpha as the user did.
        peft.config.alpha = settings.alpha;
        peft.config.alpha_pattern.clear();
    }
    peft.config.fan_in_fan_out = model.config().architecture == Architecture::Gpt2;
    peft.base = Some(Base {
        architecture: family(model).name().to_owned(),
        weights: fingerprint(checkpoint),
    });
    Ok(peft)
}

/// The adapters of a model in GGUF's terms: tensor names of GGUF, rows in the order of a GGUF base.
pub fn to_gguf(model: &Model, params: &Params, checkpoint: &Checkpoint) -> GgufLora {
    let order = RowOrder::between(checkpoint, Container::Gguf);
    let name = |path: &str| Naming::Gguf.of(path).map(|name| format!("{name}.weight"));
    let pairs = pairs(model, params, order, name);
    GgufLora { architecture: family(model).name().to_owned(), name: None, pairs }
}

/// The architecture of a model, where Mistral is a Llama, as it is in GGUF.
fn family(model: &Model) -> Architecture {
    match model.config().architecture {
        Architecture::Mistral => Architecture::Llama,
        other => other,
    }
}

fn pairs(
    model: &Model,
    params: &Params,
    order: Option<RowOrder>,
    name: impl Fn(&str) -> Option<String>,
) -> Vec<LoraPair> {
    let dim = model.config().head_dim;
    let mut pairs = Vec::new();
    for linear in model.linears() {
        let Some(adapter) = &linear.adapter else { continue };
        let (rank, inputs) = (params.shape(adapter.a)[0], params.shape(adapter.a)[1]);
        pairs.push(LoraPair {
            module: name(&linear.path).unwrap_or_else(|| linear.path.clone()),
            rank,
            inputs,
            outputs: params.shape(adapter.b)[0],
            a: params.values(adapter.a).to_vec(),
            b: match order {
                Some(order) => reorder(dim, &linear.path, rank, params.values(adapter.b), order),
                None => params.values(adapter.b).to_vec(),
            },
            scale: adapter.scale,
        });
    }
    pairs
}

/// What was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Layers that are adapted.
    pub layers: usize,
    /// Whether the file says that it was trained on other weights: those of another model, or its own base in
    /// another type, or merged.
    pub other_weights: bool,
}

/// Loads the adapter at `path` (a PEFT folder or a GGUF-LoRA file) onto a model.
///
/// # Errors
/// A file that cannot be read; another architecture; a module that the model lacks, or of another shape.
pub fn load(
    model: &mut Model,
    params: &mut Params,
    checkpoint: &Checkpoint,
    path: &Path,
) -> Result<Applied, TuneError> {
    let neighbours = checkpoint.permutes_qk();
    let mut other_weights = false;
    let (pairs, naming, order) = if path.is_dir() {
        let adapter = PeftAdapter::open(path)?;
        if let Some(base) = &adapter.base {
            refuse_other(path, "its base", &base.architecture, model)?;
            other_weights = base.weights != fingerprint(checkpoint);
        }
        let order = neighbours.then_some(RowOrder::ToNeighbours);
        (adapter.pairs, hf_naming(model), order)
    } else {
        let adapter = GgufLora::open(path)?;
        refuse_other(path, "general.architecture", &adapter.architecture, model)?;
        let permuted = permuted_in_gguf(model.config());
        (adapter.pairs, Naming::Gguf, (permuted && !neighbours).then_some(RowOrder::ToHalves))
    };
    let dim = model.config().head_dim;
    let layers = model.linears_mut().into_iter();
    let mut layers: HashMap<String, _> = layers.map(|layer| (layer.path.clone(), layer)).collect();
    let applied = Applied { layers: pairs.len(), other_weights };
    for LoraPair { module, rank, inputs, outputs, a, b, scale } in pairs {
        let bare = module.strip_suffix(".weight").unwrap_or(&module);
        let ours = naming.path(bare).or_else(|| naming.path(&format!("transformer.{bare}")));
        let Some(linear) = ours.and_then(|ours| layers.get_mut(&ours)) else {
            return Err(misfit(path, &module, "the model has no such layer".to_owned()));
        };
        let [out, width] = linear.shape(params);
        if [out, width] != [outputs, inputs] {
            let reason =
                format!("it is made for [{outputs}, {inputs}], the layer is [{out}, {width}]");
            return Err(misfit(path, &module, reason));
        }
        if linear.adapter.is_some() {
            return Err(misfit(path, &module, "the layer is adapted twice".to_owned()));
        }
        let b = match order {
            Some(order) => reorder(dim, &linear.path, rank, &b, order),
            None => b,
        };
        linear.adapt(params, rank, scale, a, b);
    }
    Ok(applied)
}

/// Refuses an adapter of another architecture.
fn refuse_other(
    path: &Path,
    place: &str,
    architecture: &str,
    model: &Model,
) -> Result<(), TuneError> {
    let ours = model.config().architecture;
    if [ours, family(model)].iter().any(|same| same.name() == architecture) {
        return Ok(());
    }
    Err(misfit(path, place, format!("it adapts {architecture}, the model is {ours}")))
}

fn misfit(path: &Path, module: &str, reason: String) -> TuneError {
    TuneError::Misfit { path: path.to_owned(), module: module.to_owned(), reason }
}

/// Puts the rows of `b` `[out, rank]` in the other order, when `path` is a q or k projection with heads of `dim`
/// rows.
pub fn reorder(dim: usize, path: &str, rank: usize, b: &[f32], order: RowOrder) -> Vec<f32> {
    if !is_rotated(path) {
        return b.to_vec();
    }
    let rows = 0..b.len() / rank;
    rows.flat_map(|row| &b[order.origin(row, dim) * rank..][..rank]).copied().collect()
}
