//! GPT-2 (Radford et al., 2019): learned positions, layer norms, one matrix for queries, keys and values,
//! GELU in its tanh form, biases everywhere.

use crate::batch::Batch;
use crate::cache::Cache;
use crate::config::Config;
use crate::error::ModelError;
use crate::llama::{heads, see};
use crate::weights::Weights;
use grimoire_nn::{Linear, Norm, Observer};
use grimoire_tensor::ops::{self, Input, Weight};
use grimoire_tensor::{Tape, Tensor};

/// All layers of a model.
#[derive(Debug)]
pub(crate) struct Gpt2 {
    pub(crate) embedding: Weight,
    pub(crate) positions: Weight,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Norm,
    pub(crate) head: Weight,
}

/// One block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) norm_1: Norm,
    pub(crate) qkv: Linear,
    pub(crate) o: Linear,
    pub(crate) norm_2: Norm,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
}

impl Block {
    /// The norms by their names in the block.
    pub(crate) fn norms_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Norm)> {
        [("norm_1", &mut self.norm_1), ("norm_2", &mut self.norm_2)].into_iter()
    }
}

impl Gpt2 {
    /// Takes the weights out of a checkpoint.
    pub(crate) fn load(config: &Config, weights: &Weights<'_>) -> Result<Self, ModelError> {
        let d = config.width;
        let layer = |path: &str| -> Result<Norm, ModelError> {
            let (gain, bias) = weights.gain_and_bias(path, d)?;
            Ok(Norm::Layer { gain, bias, epsilon: config.epsilon })
        };
        let blocks = weights.blocks(config, |block| {
            Ok(Block {
                norm_1: layer(&block.path("norm_1"))?,
                qkv: block.linear("attn.qkv", 3 * d, d)?,
                o: block.linear("attn.o", d, d)?,
                norm_2: layer(&block.path("norm_2"))?,
                up: block.linear("mlp.up", config.inner, d)?,
                down: block.linear("mlp.down", d, config.inner)?,
            })
        })?;
        let (embedding, head) = weights.embedding_and_head(config)?;
        let positions = weights.matrix("positions", config.context, d)?;
        Ok(Self { embedding, positions, blocks, norm: layer("norm")?, head })
    }

    /// The residual stream after the last norm, `[tokens, width]`.
    pub(crate) fn hidden(
        &self,
        config: &Config,
        tape: &Tape<'_>,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
        observer: &mut dyn Observer,
    ) -> Tensor {
        let places: Vec<u32> = batch.positions.iter().map(|p| *p as u32).collect();
        // x: [tokens, width]
        let mut x = ops::add(
            tape,
            &ops::embedding(tape, &self.embedding, &batch.tokens),
            &ops::embedding(tape, &self.positions, &places),
        );
        let d = config.width;
        for (index, block) in self.blocks.iter().enumerate() {
            see(observer, index, "resid_pre", &x);
            let n = block.norm_1.apply(tape, &x);
            // [tokens, 3 · width]
            let qkv = block.qkv.apply(tape, &n);
            let q = ops::columns(tape, &qkv, 0..d);
            let k = ops::columns(tape, &qkv, d..2 * d);
            let v = ops::columns(tape, &qkv, 2 * d..3 * d);
            see(observer, index, "attn.q", &q);
            see(observer, index, "attn.k", &k);
            see(observer, index, "attn.v", &v);
            let mixed = match cache.as_deref_mut() {
                Some(cache) => cache.attend(index, &q, &k, &v, &batch.segments, heads(config)),
                None => {
                    let (keys, segments) = (batch.keys.as_ref(), &batch.segments);
                    ops::attention(tape, &q, (&k, &v), keys, segments, heads(config))
                }
            };
            see(observer, index, "attn.mixed", &mixed);
            let attended = block.o.apply(tape, &mixed);
            see(observer, index, "attn.out", &attended);
            x = ops::add(tape, &x, &attended);
            see(observer, index, "resid_mid", &x);
            let inner = block.up.apply(tape, &block.norm_2.apply(tape, &x));
            let fed = block.down.forward(tape, Input::Gelu(inner));
            see(observer, index, "mlp.out", &fed);
            x = ops::add(tape, &x, &fed);
            see(observer, index, "resid_post", &x);
        }
        self.norm.apply(tape, &x)
    }
}
