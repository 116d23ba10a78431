//! A model in memory: configuration, layers in their storage types, and what is trainable about them.

use crate::batch::Batch;
use crate::cache::Cache;
use crate::checkpoint::Checkpoint;
use crate::config::{Architecture, Config};
use crate::error::ModelError;
use crate::gpt2::Gpt2;
use crate::llama::Llama;
use crate::weights::Weights;
use grimoire_nn::{Linear, Norm, Observer, Unobserved};
use grimoire_tensor::ops::{self, Input, Vector, Weight};
use grimoire_tensor::{Params, Tape, Tensor};
use std::path::Path;

/// A language model.
#[derive(Debug)]
pub struct Model {
    config: Config,
    network: Network,
}

#[derive(Debug)]
enum Network {
    Llama(Llama),
    Gpt2(Gpt2),
}

/// A weight of a model that could be trained, with its path.
pub enum Part<'a> {
    /// A matrix: embedding, head, or the weight of a linear layer.
    Matrix(&'a mut Weight),
    /// Gains or biases.
    Vector(&'a mut Vector),
}

impl Model {
    /// Loads the layers of a checkpoint; the weights stay in the file.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape than the configuration says.
    pub fn load(checkpoint: &Checkpoint) -> Result<Self, ModelError> {
        let (config, weights) = (checkpoint.config().clone(), Weights::new(checkpoint));
        let network = match config.architecture {
            Architecture::Gpt2 => Network::Gpt2(Gpt2::load(&config, &weights)?),
            _ => Network::Llama(Llama::load(&config, &weights)?),
        };
        Ok(Self { config, network })
    }

    /// Opens and loads the model at `path`.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] and [`Model::load`].
    pub fn open(path: &Path) -> Result<(Self, Checkpoint), ModelError> {
        let checkpoint = Checkpoint::open(path)?;
        Ok((Self::load(&checkpoint)?, checkpoint))
    }

    /// Sizes and choices.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The residual stream after the last norm, `[tokens, width]`.
    pub fn hidden(&self, tape: &Tape<'_>, batch: &Batch) -> Tensor {
        self.observed(tape, batch, None, &mut Unobserved)
    }

    /// [`Model::hidden`] of what a cache was extended by; the cache takes in its keys and values.
    pub fn hidden_cached(&self, tape: &Tape<'_>, batch: &Batch, cache: &mut Cache) -> Tensor {
        self.observed(tape, batch, Some(cache), &mut Unobserved)
    }

    /// [`Model::hidden`], telling an observer of every named activation on the way.
    pub fn observed(
        &self,
        tape: &Tape<'_>,
        batch: &Batch,
        cache: Option<&mut Cache>,
        observer: &mut dyn Observer,
    ) -> Tensor {
        match &self.network {
            Network::Llama(network) => network.hidden(&self.config, tape, batch, cache, observer),
            Network::Gpt2(network) => network.hidden(&self.config, tape, batch, cache, observer),
        }
    }

    /// Logits `[rows, vocabulary]` of hidden states `[rows, width]`. For few rows: losses over many
    /// positions go through [`ops::cross_entropy`], which never holds them all.
    pub fn logits(&self, tape: &Tape<'_>, hidden: &Tensor) -> Tensor {
        ops::linear(tape, Input::Plain(hidden.clone()), self.head(), None, None)
    }

    /// The matrix that turns hidden states into logits.
    pub fn head(&self) -> &Weight {
        match &self.network {
            Network::Llama(network) => &network.head,
            Network::Gpt2(network) => &network.head,
        }
    }

    /// Errs when a token is not in the vocabulary of the model.
    ///
    /// # Errors
    /// [`ModelError::Token`].
    pub fn check_tokens(&self, tokens: &[u32]) -> Result<(), ModelError> {
        let vocabulary = self.config.vocabulary;
        match tokens.iter().find(|token| **token as usize >= vocabulary) {
            Some(token) => Err(ModelError::Token { token: *token, vocabulary }),
            None => Ok(()),
        }
    }

    /// All linear layers of the blocks, in order.
    pub fn linears(&self) -> Vec<&Linear> {
        match &self.network {
            Network::Llama(network) => network
                .blocks
                .iter()
                .flat_map(|b| [&b.q, &b.k, &b.v, &b.o, &b.gate, &b.up, &b.down])
                .collect(),
            Network::Gpt2(network) => {
                network.blocks.iter().flat_map(|b| [&b.qkv, &b.o, &b.up, &b.down]).collect()
            }
        }
    }

    /// All linear layers of the blocks, to adapt.
    pub fn linears_mut(&mut self) -> Vec<&mut Linear> {
        match &mut self.network {
            Network::Llama(network) => network
                .blocks
                .iter_mut()
                .flat_map(|b| {
                    [&mut b.q, &mut b.k, &mut b.v, &mut b.o, &mut b.gate, &mut b.up, &mut b.down]
                })
                .collect(),
            Network::Gpt2(network) => network
                .blocks
                .iter_mut()
                .flat_map(|b| [&mut b.qkv, &mut b.o, &mut b.up, &mut b.down])
                .collect(),
        }
    }

    /// Every weight of the model by its path (`embed`, `blocks.0.attn.q`, `blocks.0.attn.q.bias`, …). A tied
    /// head is not among them: it is the embedding.
    pub fn visit_parts(&mut self, visit: &mut dyn FnMut(&str, Part<'_>)) {
        let Self { config, network } = self;
        let (embedding, positions, norms, norm, head) = match network {
            Network::Llama(Llama { embedding, blocks, norm, head }) => {
                let norms = blocks.iter_mut().enumerate();
                (embedding, None, named(norms.map(|(i, b)| (i, b.norms_mut()))), norm, head)
            }
            Network::Gpt2(Gpt2 { embedding, positions, blocks, norm, head }) => {
                let norms = blocks.iter_mut().enumerate();
                let norms = named(norms.map(|(i, b)| (i, b.norms_mut())));
                (embedding, Some(positions), norms, norm, head)
            }
        };
        visit("embed", Part::Matrix(embedding));
        if let Some(positions) = positions {
            visit("positions", Part::Matrix(positions));
        }
        for (path, norm) in norms {
            visit_norm(&path, norm, visit);
        }
        visit_norm("norm", norm, visit);
        if !config.tied {
            visit("head", Part::Matrix(head));
        }
        for linear in self.linears_mut() {
            let path = linear.path.clone();
            visit(&path, Part::Matrix(&mut linear.weight));
            if let Some(bias) = &mut linear.bias {
                visit(&format!("{path}.bias"), Part::Vector(bias));
            }
        }
    }

    /// Makes every weight a parameter of its own f32 copy, for full fine-tuning.
    pub fn train_all(&mut self, params: &mut Params) {
        self.visit_parts(&mut |path, part| match part {
            Part::Matrix(weight) => {
                if let Weight::Frozen(matrix) = weight {
                    let shape = [matrix.rows(), matrix.cols()];
                    *weight = Weight::Trained(params.add(path, &shape, matrix.decode()));
                }
            }
            Part::Vector(vector) => {
                if let Vector::Frozen(values) = vector {
                    let id = params.add(path, &[values.len()], values.to_vec());
                    *vector = Vector::Trained(id);
                }
            }
        });
        if self.config.tied {
            match &mut self.network {
                Network::Llama(network) => network.head = network.embedding.clone(),
                Network::Gpt2(network) => network.head = network.embedding.clone(),
            }
        }
    }
}

/// The norms of all blocks with their paths.
fn named<'a, N: Iterator<Item = (&'static str, &'a mut Norm)>>(
    blocks: impl Iterator<Item = (usize, N)>,
) -> Vec<(String, &'a mut Norm)> {
    let paths = |(index, norms): (usize, N)| {
        norms.map(move |(name, norm)| (format!("blocks.{index}.{name}"), norm))
    };
    blocks.flat_map(paths).collect()
}

fn visit_norm(path: &str, norm: &mut Norm, visit: &mut dyn FnMut(&str, Part<'_>)) {
    match norm {
        Norm::Rms { gain, .. } => visit(path, Part::Vector(gain)),
        Norm::Layer { gain, bias, .. } => {
            visit(path, Part::Vector(gain));
            visit(&format!("{path}.bias"), Part::Vector(bias));
        }
    }
}
