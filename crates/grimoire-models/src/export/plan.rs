//! Which tensors a file will hold, under which names and in which types, and what a reader should know of the
//! choices that were made for him.

use super::piece::{Change, Piece, Source};
use super::{Target, Types};
use crate::checkpoint::{Checkpoint, Container};
use crate::config::Architecture;
use crate::error::ModelError;
use crate::model::Model;
use crate::names::Naming;
use crate::order::{RowOrder, is_rotated};
use crate::rotary::Scaling;
use crate::weights::storage;
use grimoire_format::{Dtype, StoredTensor, TensorSpec};
use grimoire_tensor::Params;
use std::collections::{BTreeMap, HashMap};

/// The tensors of a file, and how many of them an adapter or training changed.
pub(super) struct Plan<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) changed: usize,
    pub(super) notes: Vec<String>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        model: &'a Model,
        params: &'a Params,
        checkpoint: &'a Checkpoint,
        target: &Target<'_>,
    ) -> Result<Self, ModelError> {
        let same = checkpoint.container() == target.container;
        let naming = if same { checkpoint.naming() } else { naming(model, target.container) };
        let mut planner = Planner {
            checkpoint,
            types: target.types,
            container: target.container,
            naming,
            order: RowOrder::between(checkpoint, target.container),
            changes: changes(model, params),
            trained: params.iter().map(|param| (param.name, param.values)).collect(),
            choices: BTreeMap::new(),
        };
        let (mut pieces, mut changed) = (Vec::new(), 0);
        for tensor in checkpoint.tensors() {
            if let Some((piece, new)) = planner.piece(tensor, same)? {
                pieces.push(piece);
                changed += usize::from(new);
            }
        }
        if target.container == Container::Gguf && !same {
            pieces.extend(divisors(model));
        }
        Ok(Self { pieces, changed, notes: planner.notes() })
    }
}

/// The names of a model in a container that it does not come from.
fn naming(model: &Model, container: Container) -> Naming {
    match (container, model.config().architecture) {
        (Container::Gguf, _) => Naming::Gguf,
        (Container::Folder, Architecture::Gpt2) => Naming::HfGpt2 { prefixed: true },
        (Container::Folder, _) => Naming::HfLlama,
    }
}

/// The adapters of a model by the path of their layer.
fn changes<'a>(model: &'a Model, params: &'a Params) -> HashMap<&'a str, Change<'a>> {
    let adapted = model.linears().into_iter().filter_map(|linear| {
        let adapter = linear.adapter.as_ref()?;
        let change = Change {
            a: params.values(adapter.a),
            b: params.values(adapter.b),
            rank: params.shape(adapter.a)[0],
            scale: adapter.scale,
        };
        Some((linear.path.as_str(), change))
    });
    adapted.collect()
}

/// What a GGUF file has in place of Llama 3's settings: a divisor for each pair.
fn divisors(model: &Model) -> Option<Piece<'static>> {
    let rotary = model.config().rotary.as_ref()?;
    if !matches!(rotary.scaling, Scaling::Llama3 { .. }) {
        return None;
    }
    let plain = crate::rotary::Rotary { scaling: Scaling::None, ..rotary.clone() };
    let stretched = rotary.frequencies();
    let divisors: Vec<f32> = (plain.frequencies().iter().zip(&stretched))
        .map(|(plain, stretched)| (plain / stretched) as f32)
        .collect();
    let spec = TensorSpec {
        name: "rope_freqs.weight".to_owned(),
        dtype: Dtype::F32,
        shape: vec![divisors.len()],
    };
    let source = Source::Values(divisors.into());
    Some(Piece { spec, source, change: None, order: None, turned: false, turn: false })
}

/// Why a tensor is not in the type asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    Outer,
    Positions,
    Rows,
    Low(Dtype),
    Unwritable(Dtype),
    NoBlocks(Dtype),
}

struct Planner<'a> {
    checkpoint: &'a Checkpoint,
    types: Types,
    container: Container,
    naming: Naming,
    order: Option<RowOrder>,
    changes: HashMap<&'a str, Change<'a>>,
    trained: HashMap<&'a str, &'a [f32]>,
    /// Tensors by the choice made for them and the type it led to.
    choices: BTreeMap<(Choice, Dtype), usize>,
}

impl<'a> Planner<'a> {
    /// The tensor as it will be written, and whether its values are new ones; none for what has no place in
    /// the other container (tables that are computed, a second copy of the embedding).
    fn piece(
        &mut self,
        tensor: &'a StoredTensor,
        same: bool,
    ) -> Result<Option<(Piece<'a>, bool)>, ModelError> {
        let known = self.part_of(tensor);
        let Some((path, kind)) = known else {
            let spec = TensorSpec {
                name: tensor.name().to_owned(),
                dtype: tensor.dtype(),
                shape: tensor.shape().to_vec(),
            };
            let source = Source::Stored(tensor);
            let piece =
                Piece { spec, source, change: None, order: None, turned: false, turn: false };
            return Ok(same.then_some((piece, false)));
        };
        if path == "head" && self.checkpoint.config().tied {
            return Ok(None);
        }
        let name = self.naming.of(&path).ok_or_else(|| ModelError::Unmergeable {
            path: self.checkpoint.path().to_owned(),
            name: tensor.name().to_owned(),
            reason: "the other format has no name for it".to_owned(),
        })?;
        let is_linear = kind == "weight"
            && (path.contains(".attn.") || path.contains(".mlp."))
            && tensor.shape().len() == 2;
        let turn = is_linear && matches!(self.naming, Naming::HfGpt2 { .. });
        let stored_turned = is_linear && self.checkpoint.stores_transposed();
        let parameter = if kind == "bias" { format!("{path}.bias") } else { path.clone() };
        let trained = self.trained.get(parameter.as_str()).copied();
        let change = self.changes.get(path.as_str()).copied().filter(|_| kind == "weight");
        let is_new = trained.is_some() || change.is_some();
        let mut shape = tensor.shape().to_vec();
        if turn != stored_turned {
            shape.reverse();
        }
        let spec = TensorSpec {
            name: format!("{name}.{kind}"),
            dtype: self.dtype(&path, &shape, tensor.dtype(), is_new, trained.is_some()),
            shape,
        };
        let order = self.order.filter(|_| is_rotated(&path));
        let piece = Piece {
            spec,
            // Trained values lie as layers have them, [out, in].
            turned: stored_turned && trained.is_none(),
            source: trained.map_or(Source::Stored(tensor), |values| Source::Values(values.into())),
            change,
            order: order.map(|order| (order, self.checkpoint.config().head_dim)),
            turn,
        };
        Ok(Some((piece, is_new)))
    }

    /// The part of the model that a tensor is: our path, and `weight` or `bias`.
    fn part_of(&self, tensor: &StoredTensor) -> Option<(String, &'static str)> {
        let (module, kind) = ["weight", "bias"].into_iter().find_map(|kind| {
            let module = tensor.name().strip_suffix(kind)?.strip_suffix('.')?;
            Some((module, kind))
        })?;
        Some((self.checkpoint.naming().path(module)?, kind))
    }

    /// The type that a tensor is written in.
    fn dtype(
        &mut self,
        path: &str,
        shape: &[usize],
        own: Dtype,
        is_new: bool,
        trained: bool,
    ) -> Dtype {
        let own = if trained { Dtype::F32 } else { own };
        let outer = ["embed", "positions", "head"].contains(&path);
        let asked =
            if outer { self.types.outer.or(self.types.matrices) } else { self.types.matrices };
        if shape.len() < 2 {
            return match (self.container, asked) {
                (Container::Gguf, None) if self.checkpoint.container() == Container::Gguf => own,
                (Container::Gguf, _) => Dtype::F32,
                (Container::Folder, Some(dtype)) => dtype,
                (Container::Folder, None) => self.in_folder(own),
            };
        }
        let chosen = match asked {
            None if self.container == Container::Folder => self.in_folder(own),
            None if is_new && is_low(own) && storage(own).is_encodable() => {
                self.choose(Choice::Low(own), Dtype::Q8_0)
            }
            None if !is_new || storage(own).is_encodable() => own,
            None => self.choose(Choice::Unwritable(own), Dtype::Q8_0),
            Some(_) if path == "positions" && self.types.outer.is_none() && self.is_gguf() => {
                self.choose(Choice::Positions, Dtype::F32)
            }
            Some(dtype) if outer && self.types.outer.is_none() && is_low(dtype) => {
                self.choose(Choice::Outer, Dtype::Q8_0)
            }
            Some(dtype) => dtype,
        };
        let row = shape.last().copied().unwrap_or(1) as u64;
        if row.is_multiple_of(chosen.block_len()) {
            return chosen;
        }
        let in_32 = chosen.block_len() > 32 && row.is_multiple_of(32);
        self.choose(Choice::Rows, if in_32 { Dtype::Q8_0 } else { Dtype::F16 })
    }

    fn is_gguf(&self) -> bool {
        self.container == Container::Gguf
    }

    /// A type that safetensors has.
    fn in_folder(&mut self, own: Dtype) -> Dtype {
        if own.block_len() == 1 { own } else { self.choose(Choice::NoBlocks(own), Dtype::F16) }
    }

    fn choose(&mut self, choice: Choice, dtype: Dtype) -> Dtype {
        *self.choices.entry((choice, dtype)).or_default() += 1;
        dtype
    }

    /// The choices in words.
    fn notes(&self) -> Vec<String> {
        let note = |((choice, dtype), count): (&(Choice, Dtype), &usize)| {
            let tensors =
                if *count == 1 { "1 tensor".to_owned() } else { format!("{count} tensors") };
            match choice {
                Choice::Outer => format!(
                    "embedding and head are {dtype}: below 8 bits they cost more than they save; --outer-type changes it"
                ),
                Choice::Positions => format!(
                    "learned positions are {dtype}, as readers of GGUF expect; --outer-type changes it"
                ),
                Choice::Rows => format!("{tensors} with rows that are no whole blocks: {dtype}"),
                Choice::Low(own) => format!(
                    "{tensors} of type {own} changed and are {dtype}: fewer bits would round the change away; \
                     --type changes it"
                ),
                Choice::Unwritable(own) => format!(
                    "{tensors} of type {own} changed and are {dtype}: {own} can be read here but not written"
                ),
                Choice::NoBlocks(own) => {
                    format!("{tensors} of type {own} are {dtype}: safetensors has no block types")
                }
            }
        };
        self.choices.iter().map(note).collect()
    }
}

/// Whether a type has fewer than eight bits a value.
fn is_low(dtype: Dtype) -> bool {
    dtype.block_bytes() < dtype.block_len()
}
