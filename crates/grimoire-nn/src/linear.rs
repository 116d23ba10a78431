//! A linear layer: a weight in any storage, perhaps a bias, perhaps a low-rank adapter.

use grimoire_tensor::ops::{self, Adapter, Input, Vector, Weight};
use grimoire_tensor::{ParamId, Params, Tape, Tensor};

/// `y = x Wᵀ + b`, with its adapter added when it has one.
#[derive(Clone, Debug)]
pub struct Linear {
    /// Its path in the model, such as `blocks.3.attn.q`.
    pub path: String,
    /// `[out, in]`.
    pub weight: Weight,
    /// `[out]`.
    pub bias: Option<Vector>,
    /// The low-rank addition.
    pub adapter: Option<Adapter>,
}

impl Linear {
    /// A frozen layer without adapter.
    pub fn new(path: impl Into<String>, weight: Weight, bias: Option<Vector>) -> Self {
        Self { path: path.into(), weight, bias, adapter: None }
    }

    /// Applies the layer to `[.., in]`.
    pub fn forward(&self, tape: &Tape<'_>, input: Input) -> Tensor {
        ops::linear(tape, input, &self.weight, self.bias.as_ref(), self.adapter.as_ref())
    }

    /// Applies the layer to a tensor as it is.
    pub fn apply(&self, tape: &Tape<'_>, x: &Tensor) -> Tensor {
        self.forward(tape, Input::Plain(x.clone()))
    }

    /// Applies several layers to one tensor: as one product where none has an adapter and nothing is recorded.
    pub fn apply_all<const N: usize>(
        tape: &Tape<'_>,
        x: &Tensor,
        layers: [&Self; N],
    ) -> [Tensor; N] {
        let trains = layers.iter().any(|layer| layer.is_trained());
        if trains || tape.wants(false, &[x]) {
            return layers.map(|layer| layer.apply(tape, x));
        }
        let parts = layers.map(|layer| (&layer.weight, layer.bias.as_ref()));
        let ys = ops::linear_several(tape, x, &parts);
        ys.try_into().unwrap_or_else(|_| unreachable!("as many results as layers"))
    }

    /// Whether it has an adapter, or a weight or bias that is trained.
    fn is_trained(&self) -> bool {
        self.adapter.is_some()
            || self.weight.param().is_some()
            || self.bias.as_ref().is_some_and(|bias| bias.param().is_some())
    }

    /// `[out, in]`.
    pub fn shape(&self, params: &Params) -> [usize; 2] {
        self.weight.shape(params)
    }

    /// Adds an adapter `B A` with the given values: `a` `[rank, in]`, `b` `[out, rank]`. The parameters are
    /// registered as `<path>.lora_a` and `<path>.lora_b`.
    ///
    /// # Panics
    /// When the sizes do not fit, or the layer has an adapter already.
    pub fn adapt(
        &mut self,
        params: &mut Params,
        rank: usize,
        scale: f32,
        a: Vec<f32>,
        b: Vec<f32>,
    ) -> (ParamId, ParamId) {
        assert!(self.adapter.is_none(), "{} has an adapter already", self.path);
        let [out, width] = self.shape(params);
        let a = params.add(&format!("{}.lora_a", self.path), &[rank, width], a);
        let b = params.add(&format!("{}.lora_b", self.path), &[out, rank], b);
        self.adapter = Some(Adapter { a, b, scale });
        (a, b)
    }
}
