//! The Llama family: Llama 1 to 3 (Touvron et al., 2023; Grattafiori et al., 2024), SmolLM2, Mistral (Jiang
//! et al., 2023), Qwen 2 (Yang et al., 2024) and Qwen 3 (2025), which differ in biases, norms on queries and
//! keys, the window, and the head.
//!
//! ```text
//! x ← x + Attention(norm₁ x)
//! x ← x + W_down (silu(W_gate n) ∘ W_up n),  n = norm₂ x
//! ```

use crate::batch::Batch;
use crate::cache::Cache;
use crate::config::Config;
use crate::error::ModelError;
use crate::weights::Weights;
use grimoire_nn::{Linear, Norm, Observer};
use grimoire_tensor::ops::{self, Angles, Input, Weight};
use grimoire_tensor::{Heads, Tape, Tensor};

/// All layers of a model.
#[derive(Debug)]
pub(crate) struct Llama {
    pub(crate) embedding: Weight,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Norm,
    pub(crate) head: Weight,
}

/// One block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) norm_1: Norm,
    pub(crate) q: Linear,
    pub(crate) k: Linear,
    pub(crate) v: Linear,
    pub(crate) norm_q: Option<Norm>,
    pub(crate) norm_k: Option<Norm>,
    pub(crate) o: Linear,
    pub(crate) norm_2: Norm,
    pub(crate) gate: Linear,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
}

impl Llama {
    /// Takes the weights out of a checkpoint.
    pub(crate) fn load(config: &Config, weights: &Weights<'_>) -> Result<Self, ModelError> {
        let (d, epsilon) = (config.width, config.epsilon);
        let (q, kv) = (config.n_heads * config.head_dim, config.n_kv_heads * config.head_dim);
        let (embedding, head) = weights.embedding_and_head(config)?;
        let rms = |path: &str, width: usize| -> Result<Norm, ModelError> {
            Ok(Norm::Rms { gain: weights.vector(path, width)?, epsilon })
        };
        let head_norm = |path: &str| -> Result<Option<Norm>, ModelError> {
            if weights.has(path) { rms(path, config.head_dim).map(Some) } else { Ok(None) }
        };
        let blocks = weights.blocks(config, |block| {
            Ok(Block {
                norm_1: rms(&block.path("norm_1"), d)?,
                q: block.linear("attn.q", q, d)?,
                k: block.linear("attn.k", kv, d)?,
                v: block.linear("attn.v", kv, d)?,
                norm_q: head_norm(&block.path("attn.norm_q"))?,
                norm_k: head_norm(&block.path("attn.norm_k"))?,
                o: block.linear("attn.o", d, q)?,
                norm_2: rms(&block.path("norm_2"), d)?,
                gate: block.linear("mlp.gate", config.inner, d)?,
                up: block.linear("mlp.up", config.inner, d)?,
                down: block.linear("mlp.down", d, config.inner)?,
            })
        })?;
        Ok(Self { embedding, blocks, norm: rms("norm", d)?, head })
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
        let rotary = config.rotary.as_ref().expect("the Llama family has a rotary embedding");
        let angles = rotary.angles(&batch.positions);
        // x: [tokens, width]
        let mut x = ops::embedding(tape, &self.embedding, &batch.tokens);
        for (index, block) in self.blocks.iter().enumerate() {
            see(observer, index, "resid_pre", &x);
            let attended = block.attend(
                index,
                config,
                tape,
                batch,
                &angles,
                &x,
                cache.as_deref_mut(),
                observer,
            );
            see(observer, index, "attn.out", &attended);
            x = ops::add(tape, &x, &attended);
            see(observer, index, "resid_mid", &x);
            let n = block.norm_2.apply(tape, &x);
            let [gate, up] = Linear::apply_all(tape, &n, [&block.gate, &block.up]);
            let fed = block.down.forward(tape, Input::SwiGlu { gate, up });
            see(observer, index, "mlp.out", &fed);
            x = ops::add(tape, &x, &fed);
            see(observer, index, "resid_post", &x);
        }
        self.norm.apply(tape, &x)
    }
}

/// Tells the observer, when it listens, of an activation of block `index`.
pub(crate) fn see(observer: &mut dyn Observer, index: usize, name: &str, value: &Tensor) {
    if observer.listens() {
        observer.see(&format!("blocks.{index}.{name}"), value);
    }
}

impl Block {
    /// The norms by their names in the block.
    pub(crate) fn norms_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Norm)> {
        let all = [("norm_1", &mut self.norm_1), ("norm_2", &mut self.norm_2)].into_iter();
        let q = self.norm_q.iter_mut().map(|norm| ("attn.norm_q", norm));
        let k = self.norm_k.iter_mut().map(|norm| ("attn.norm_k", norm));
        all.chain(q).chain(k)
    }

    #[expect(clippy::too_many_arguments, reason = "a step of `hidden`, with all it reads")]
    fn attend(
        &self,
        index: usize,
        config: &Config,
        tape: &Tape<'_>,
        batch: &Batch,
        angles: &Angles,
        x: &Tensor,
        cache: Option<&mut Cache>,
        observer: &mut dyn Observer,
    ) -> Tensor {
        let n = self.norm_1.apply(tape, x);
        // q: [tokens, n_heads · head_dim], k and v: [tokens, n_kv_heads · head_dim]
        let [mut q, mut k, v] = Linear::apply_all(tape, &n, [&self.q, &self.k, &self.v]);
        if let Some(norm) = &self.norm_q {
            q = norm.apply(tape, &q);
        }
        if let Some(norm) = &self.norm_k {
            k = norm.apply(tape, &k);
        }
        let q = ops::rope(tape, q, config.head_dim, angles);
        let k = ops::rope(tape, k, config.head_dim, angles);
        see(observer, index, "attn.q", &q);
        see(observer, index, "attn.k", &k);
        see(observer, index, "attn.v", &v);
        let heads = heads(config);
        let mixed = match cache {
            Some(cache) => cache.attend(index, &q, &k, &v, &batch.segments, heads),
            None => ops::attention(tape, &q, (&k, &v), batch.keys.as_ref(), &batch.segments, heads),
        };
        see(observer, index, "attn.mixed", &mixed);
        self.o.apply(tape, &mixed)
    }
}

/// Head counts and sizes as attention takes them.
pub(crate) fn heads(config: &Config) -> Heads {
    Heads {
        n_q: config.n_heads,
        n_kv: config.n_kv_heads,
        dim: config.head_dim,
        scale: 1.0 / (config.head_dim as f32).sqrt(),
        window: config.window,
    }
}
