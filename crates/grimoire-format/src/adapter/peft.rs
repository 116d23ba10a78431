//! PEFT's adapter folder: `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Keys are `base_model.model.<module>.lora_A.weight` `[rank, inputs]` and `….lora_B.weight`
//! `[outputs, rank]`. What the configuration says about a module (rank, target or not) is held
//! against the tensors, because PEFT would quietly leave out what does not fit.
//!
//! Source: PEFT's checkpoint format guide.

use super::config::PeftConfig;
use super::{LoraPair, Targets};
use crate::error::quoted;
use crate::safetensors::{SafeTensors, Writer};
use crate::{Dtype, FormatError, Mapped, Result, StoredTensor, TensorSpec, write_atomic};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
/// Names in the `__metadata__` of the weights, which PEFT reads past.
const BASE: [&str; 2] = ["grimoire.base.architecture", "grimoire.base.weights"];

/// The model that an adapter was trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its architecture.
    pub architecture: String,
    /// A fingerprint of its weights.
    pub weights: String,
}

impl Base {
    fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let [architecture, weights] = BASE.map(|name| metadata.get(name).cloned());
        Some(Self { architecture: architecture?, weights: weights? })
    }
}

/// An adapter as PEFT keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct PeftAdapter {
    /// What `adapter_config.json` says.
    pub config: PeftConfig,
    /// The weights, sorted by module, each with its scale.
    pub pairs: Vec<LoraPair>,
    /// What it was trained on, where the file tells.
    pub base: Option<Base>,
}

impl PeftAdapter {
    /// Reads an adapter folder.
    ///
    /// # Errors
    /// When a file is missing or malformed, uses what is not supported, or tensors and configuration
    /// do not agree.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let config = Mapped::open(folder.join(CONFIG))?;
        if !folder.join(WEIGHTS).exists() && folder.join("adapter_model.bin").exists() {
            let expected = "safetensors; pickled PyTorch files run code when they are read";
            return Err(FormatError::missing(folder, "file", WEIGHTS, expected));
        }
        Self::parse(&config, Mapped::open(folder.join(WEIGHTS))?)
    }

    /// As [`PeftAdapter::open`], of the two files.
    ///
    /// # Errors
    /// As [`PeftAdapter::open`].
    pub fn parse(config: &Mapped, weights: Mapped) -> Result<Self> {
        let config_path = config.path().to_owned();
        let config = PeftConfig::parse(config)?;
        let file = SafeTensors::parse(weights)?;
        let path = file.file().path();
        if let Some((name, dtype)) = file.others().first_key_value() {
            return Err(crate::safetensors::unreadable(path, name, dtype));
        }
        let mut halves: BTreeMap<&str, [Option<&StoredTensor>; 2]> = BTreeMap::new();
        for tensor in file.tensors() {
            let (module, half) = split_name(path, tensor.name())?;
            halves.entry(module).or_default()[half] = Some(tensor);
        }
        if halves.is_empty() {
            return Err(FormatError::malformed(path, "tensors", "at least one LoRA pair", "none"));
        }
        let resolver = config.compile(&config_path)?;
        let mut pairs = Vec::new();
        for (module, half) in halves {
            let [Some(a), Some(b)] = half else {
                let letter = if half[0].is_none() { 'A' } else { 'B' };
                let name = format!("{PREFIX}{module}.lora_{letter}.weight");
                return Err(FormatError::missing(path, "tensor", name, "both halves of the pair"));
            };
            if !resolver.is_target(module) {
                let place = format!("module {}", quoted(module));
                let expected = format!("a module that {CONFIG} names as a target");
                return Err(FormatError::malformed(path, place, expected, "weights for it"));
            }
            let pair = LoraPair::read(module, a, b, resolver.scale(module))?;
            if pair.rank != resolver.rank(module) {
                let place = format!("module {}", quoted(module));
                let expected = format!("rank {} as {CONFIG} says", resolver.rank(module));
                return Err(FormatError::malformed(path, place, expected, pair.rank.to_string()));
            }
            pairs.push(pair);
        }
        Ok(Self { config, pairs, base: Base::read(file.metadata()) })
    }

    /// An adapter with these pairs, where `left` are the modules of the model without one: rank and
    /// alpha are the most common ones, the rest are patterns, and modules are named by as few parts
    /// of their paths as say exactly which are meant (`q_proj` where every q_proj is).
    ///
    /// # Errors
    /// When there is no pair; `path` is named in the error.
    pub fn from_pairs(pairs: Vec<LoraPair>, left: &[String], path: &Path) -> Result<Self> {
        let (Some(rank), Some(alpha)) = (
            most_common(pairs.iter().map(|pair| pair.rank)),
            most_common(pairs.iter().map(|pair| alpha_of(pair).to_bits())),
        ) else {
            return Err(FormatError::unwritable(path, "an adapter", "it has no weights"));
        };
        let alpha = f64::from_bits(alpha);
        let rank_pattern = exceptions(&pairs, &rank, |pair| pair.rank);
        let alpha_pattern = exceptions(&pairs, &alpha.to_bits(), |pair| alpha_of(pair).to_bits())
            .into_iter()
            .map(|(names, bits)| (names, f64::from_bits(bits)))
            .collect();
        let modules: Vec<&str> = pairs.iter().map(|pair| pair.module.as_str()).collect();
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        let config = PeftConfig {
            base_model: None,
            revision: None,
            task_type: Some("CAUSAL_LM".into()),
            rank,
            alpha,
            use_rslora: false,
            dropout: 0.0,
            rank_pattern,
            alpha_pattern,
            targets: Targets::Names(short_names(&modules, &left)),
            exclude: None,
            layers: None,
            layers_pattern: Vec::new(),
            fan_in_fan_out: false,
        };
        Ok(Self { config, pairs, base: None })
    }

    /// Writes the folder, the weights as F32; files that are there are replaced one by one, the
    /// configuration last.
    ///
    /// # Errors
    /// When a pair is not what the configuration says of it, or the files cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|e| FormatError::io(folder, "create", e))?;
        let path = folder.join(WEIGHTS);
        let resolver = self.config.compile(&folder.join(CONFIG))?;
        let mut pairs: Vec<&LoraPair> = self.pairs.iter().collect();
        pairs.sort_by(|x, y| x.module.cmp(&y.module));
        let mut specs = Vec::new();
        for pair in &pairs {
            pair.check(&path)?;
            let LoraPair { module, rank, scale, .. } = pair;
            let (says_rank, says_scale) = (resolver.rank(module), resolver.scale(module));
            if *rank != says_rank || *scale != says_scale || !resolver.is_target(module) {
                let reason = format!(
                    "its rank {rank} and scale {scale} are not the configuration's, {says_rank} and {says_scale}, or it is no target"
                );
                let what = format!("the adapter of {module:?}");
                return Err(FormatError::unwritable(&path, what, reason));
            }
            for (half, shape) in [("A", [*rank, pair.inputs]), ("B", [pair.outputs, *rank])] {
                let name = format!("{PREFIX}{module}.lora_{half}.weight");
                specs.push(TensorSpec { name, dtype: Dtype::F32, shape: shape.into() });
            }
        }
        let mut metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        if let Some(Base { architecture, weights }) = &self.base {
            let told = [architecture, weights].map(String::clone);
            metadata.extend(BASE.map(str::to_owned).into_iter().zip(told));
        }
        let mut writer = Writer::create(&path, &metadata, &specs)?;
        for (pair, specs) in pairs.iter().zip(specs.chunks(2)) {
            writer.append(&specs[0].name, &super::little_endian(&pair.a))?;
            writer.append(&specs[1].name, &super::little_endian(&pair.b))?;
        }
        writer.finish()?;
        write_atomic(folder.join(CONFIG), self.config.to_json().as_bytes())
    }
}

/// The names of the modules whose value is not the usual one, each with its value.
fn exceptions<T: Ord + Copy>(
    pairs: &[LoraPair],
    usual: &T,
    value: impl Fn(&LoraPair) -> T,
) -> Vec<(String, T)> {
    let mut by_value: BTreeMap<T, Vec<&str>> = BTreeMap::new();
    for pair in pairs {
        by_value.entry(value(pair)).or_default().push(&pair.module);
    }
    let others = |value: &T| -> Vec<&str> {
        by_value.iter().filter(|other| other.0 != value).flat_map(|other| other.1.clone()).collect()
    };
    (by_value.iter())
        .filter(|(value, _)| *value != usual)
        .flat_map(|(value, modules)| {
            short_names(modules, &others(value)).into_iter().map(|name| (name, *value))
        })
        .collect()
}

/// The fewest last parts of the paths that name these modules and none of `others`, as PEFT matches
/// them: a name is the whole path or what follows a dot in it.
fn short_names(modules: &[&str], others: &[&str]) -> Vec<String> {
    let ends = |path: &str, name: &str| {
        path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let mut names = BTreeSet::new();
    for module in modules {
        let dots = module.rmatch_indices('.').map(|(at, _)| &module[at + 1..]);
        let exact = |name: &&str| !others.iter().any(|other| ends(other, name));
        names.insert(dots.chain([*module]).find(exact).unwrap_or(module).to_owned());
    }
    names.into_iter().collect()
}

/// The module of a tensor, and 0 for A, 1 for B.
fn split_name<'a>(path: &Path, name: &'a str) -> Result<(&'a str, usize)> {
    if let Some(inner) = name.strip_prefix(PREFIX) {
        for (half, suffix) in [".lora_A.weight", ".lora_B.weight"].into_iter().enumerate() {
            if let Some(module) = inner.strip_suffix(suffix) {
                return Ok((module, half));
            }
        }
    }
    let what = if name.contains("lora_magnitude_vector") {
        "DoRA"
    } else if name.contains("lora_embedding_") {
        "LoRA of an embedding"
    } else if name.contains(".lora_B.bias") {
        "lora_bias"
    } else {
        "a tensor that is no half of a LoRA pair"
    };
    Err(FormatError::unsupported(
        path,
        format!("{what} (tensor {})", quoted(name)),
        format!("expected {PREFIX}<module>.lora_A.weight or .lora_B.weight"),
    ))
}

/// Alpha of a pair without rsLoRA. Exact: the product of an f32 and a small integer fits an f64, and
/// dividing it by that integer gives the f32 back.
fn alpha_of(pair: &LoraPair) -> f64 {
    f64::from(pair.scale) * pair.rank as f64
}

/// The value that occurs most often, the smallest of several.
fn most_common<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_insert(0_usize) += 1);
    // `max_by_key` takes the last of equals, so ask from the largest down.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}
