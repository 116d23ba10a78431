//! GGUF-LoRA: an adapter in one GGUF file, as llama.cpp reads it.
//!
//! `general.type` is `adapter`, `adapter.type` is `lora`; tensors are `<base tensor>.lora_a`
//! `[rank, inputs]` and `.lora_b` `[outputs, rank]`, and one alpha holds for all: the scale of a pair
//! is `alpha / rank`, or 1 where alpha is 0. The format has no rsLoRA, no alpha or rank pattern. One
//! product of scale and rank is said by that alpha (rsLoRA of one rank: `alpha·√rank`); anything else
//! is folded into `B`, which keeps the product. Adapters of the embedding, which swap the roles of the
//! halves, and aLoRA are refused.
//!
//! Source: `llama-adapter.cpp` of llama.cpp describes what a loader checks.

use super::{LoraPair, little_endian};
use crate::gguf::{Gguf, MetadataWriter, Writer};
use crate::{Dtype, FormatError, Mapped, Result, StoredTensor, TensorSpec};
use std::collections::BTreeMap;
use std::path::Path;

const TYPE: &str = "general.type";
const ARCHITECTURE: &str = "general.architecture";
const ADAPTER_TYPE: &str = "adapter.type";
const ALPHA: &str = "adapter.lora.alpha";
const INVOCATION: &str = "adapter.alora.invocation_tokens";

/// An adapter as llama.cpp keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufLora {
    /// The architecture of the base model, such as `llama`.
    pub architecture: String,
    /// `general.name`, where it is told.
    pub name: Option<String>,
    /// The weights, sorted by base tensor, each with its scale.
    pub pairs: Vec<LoraPair>,
}

/// How the scales of an adapter were said in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    /// The alpha of the file.
    pub alpha: f32,
    /// Pairs whose scale that alpha could not say, so that `B` was multiplied by what was missing.
    pub folded: usize,
}

impl GgufLora {
    /// Reads an adapter file.
    ///
    /// # Errors
    /// When it is malformed, not a LoRA adapter, or uses what is not supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::parse(Mapped::open(path)?)
    }

    /// As [`GgufLora::open`], of bytes that are mapped or in memory already.
    ///
    /// # Errors
    /// As [`GgufLora::open`].
    pub fn parse(file: Mapped) -> Result<Self> {
        let file = Gguf::parse(file)?;
        let (path, meta) = (file.file().path(), file.metadata());
        for (key, expected) in [(TYPE, "adapter"), (ADAPTER_TYPE, "lora")] {
            let found: &str = meta.require(key)?;
            if found != expected {
                let place = format!("metadata key {key:?}");
                return Err(FormatError::malformed(path, place, expected, format!("{found:?}")));
            }
        }
        if meta.get(INVOCATION).is_some() {
            let supported = "an adapter here is active on every token";
            return Err(FormatError::unsupported(path, format!("aLoRA ({INVOCATION})"), supported));
        }
        let alpha: f32 = meta.require(ALPHA)?;
        if !alpha.is_finite() {
            let place = format!("metadata key {ALPHA:?}");
            return Err(FormatError::malformed(path, place, "a finite number", alpha.to_string()));
        }
        let mut halves: BTreeMap<&str, [Option<&StoredTensor>; 2]> = BTreeMap::new();
        for tensor in file.tensors() {
            let (base, half) = split_name(path, tensor.name())?;
            halves.entry(base).or_default()[half] = Some(tensor);
        }
        if halves.is_empty() {
            return Err(FormatError::malformed(path, "tensors", "at least one LoRA pair", "none"));
        }
        let mut pairs = Vec::new();
        for (base, half) in halves {
            let [Some(a), Some(b)] = half else {
                let letter = if half[0].is_none() { 'a' } else { 'b' };
                let name = format!("{base}.lora_{letter}");
                return Err(FormatError::missing(path, "tensor", name, "both halves of the pair"));
            };
            let mut pair = LoraPair::read(base, a, b, 1.0)?;
            pair.scale = scale(alpha, pair.rank);
            pairs.push(pair);
        }
        Ok(Self {
            architecture: meta.require::<&str>(ARCHITECTURE)?.to_owned(),
            name: meta.optional::<&str>("general.name")?.map(str::to_owned),
            pairs,
        })
    }

    /// Writes the file with F32 weights. Says which alpha it chose and how many pairs were folded.
    ///
    /// # Errors
    /// When a pair is malformed or of the embedding, or the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<Written> {
        let path = path.as_ref();
        let alpha = common_alpha(&self.pairs);
        let mut metadata = MetadataWriter::new();
        metadata.str(TYPE, "adapter").str(ARCHITECTURE, &self.architecture);
        metadata.str(ADAPTER_TYPE, "lora").f32(ALPHA, alpha);
        if let Some(name) = &self.name {
            metadata.str("general.name", name);
        }
        let mut pairs: Vec<&LoraPair> = self.pairs.iter().collect();
        pairs.sort_by(|x, y| x.module.cmp(&y.module));
        let mut specs = Vec::new();
        for pair in &pairs {
            pair.check(path)?;
            split_name(path, &format!("{}.lora_a", pair.module))?;
            for (half, shape) in [("a", [pair.rank, pair.inputs]), ("b", [pair.outputs, pair.rank])]
            {
                let name = format!("{}.lora_{half}", pair.module);
                specs.push(TensorSpec { name, dtype: Dtype::F32, shape: shape.into() });
            }
        }
        let mut writer = Writer::create(path, &metadata, &specs)?;
        let mut folded = 0;
        for (pair, specs) in pairs.iter().zip(specs.chunks(2)) {
            let says = scale(alpha, pair.rank);
            writer.append(&specs[0].name, &little_endian(&pair.a))?;
            if says_it(alpha, pair) {
                writer.append(&specs[1].name, &little_endian(&pair.b))?;
            } else {
                folded += 1;
                let factor = f64::from(pair.scale) / f64::from(says);
                let b: Vec<f32> = pair.b.iter().map(|b| (f64::from(*b) * factor) as f32).collect();
                writer.append(&specs[1].name, &little_endian(&b))?;
            }
        }
        writer.finish()?;
        Ok(Written { alpha, folded })
    }
}

/// The scale that a loader gives a pair.
fn scale(alpha: f32, rank: usize) -> f32 {
    if alpha == 0.0 { 1.0 } else { alpha / rank as f32 }
}

/// Whether alpha says the scale of the pair, to the last place: not every f32 is another one divided
/// by the rank, and folding one unit of the last place into `B` would lose as much again.
fn says_it(alpha: f32, pair: &LoraPair) -> bool {
    let says = scale(alpha, pair.rank);
    [says, says.next_up(), says.next_down()].contains(&pair.scale)
}

/// The alpha that says the scales of most pairs; never 0, which means something else.
fn common_alpha(pairs: &[LoraPair]) -> f32 {
    let mut best = (0, 1.0);
    let mut tried = std::collections::BTreeSet::new();
    for pair in pairs {
        let alpha = pair.scale * pair.rank as f32;
        if alpha == 0.0 || !alpha.is_finite() || !tried.insert(alpha.to_bits()) {
            continue;
        }
        let said = pairs.iter().filter(|pair| says_it(alpha, pair)).count();
        if said > best.0 {
            best = (said, alpha);
        }
    }
    best.1
}

/// The base tensor of a name, and 0 for A, 1 for B.
fn split_name<'a>(path: &Path, name: &'a str) -> Result<(&'a str, usize)> {
    let halves = [".lora_a", ".lora_b"].into_iter().enumerate();
    let found = halves.filter_map(|(half, end)| Some((name.strip_suffix(end)?, half))).next();
    match found {
        Some(("token_embd.weight", _)) => Err(FormatError::unsupported(
            path,
            "LoRA of the embedding (token_embd.weight)",
            "an adapter here is LoRA on linear layers",
        )),
        Some((base, half)) => Ok((base, half)),
        None => Err(FormatError::malformed(
            path,
            format!("tensor {}", crate::error::quoted(name)),
            "a name that ends with .lora_a or .lora_b",
            "another",
        )),
    }
}
