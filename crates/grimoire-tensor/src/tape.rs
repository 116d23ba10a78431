//! The record of what was computed, and the walk back.
//!
//! An operation computes its output and, when a gradient could matter, pushes a closure that owns exactly
//! what its backward needs. Values have slots in order of creation, so walking the slots downwards meets
//! every use of a value before the value itself: no graph search, no recursion.

use crate::buffer::Buffer;
use crate::ops::elementwise::{add_to, copy_of};
use crate::params::{Gradients, Params};
use crate::tensor::Tensor;
use grimoire_kernels::Precision;
use std::cell::RefCell;

type Backward<'p> = Box<dyn FnOnce(Buffer, &mut Flow<'_>) + 'p>;

/// Runs operations and remembers them.
pub struct Tape<'p> {
    params: &'p Params,
    recording: bool,
    precision: Precision,
    nodes: RefCell<Vec<Option<Backward<'p>>>>,
}

/// Where the gradient of a tensor goes, without the tensor's values.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    slot: Option<usize>,
    len: usize,
}

impl Tensor {
    /// Where its gradient goes.
    pub fn target(&self) -> Target {
        Target { slot: self.slot, len: self.shape().iter().product() }
    }
}

/// Where gradients go during the walk back.
pub struct Flow<'a> {
    params: &'a Params,
    gradients: &'a mut Gradients,
    slots: Vec<Option<Buffer>>,
}

impl<'p> Tape<'p> {
    /// A tape that records, for training.
    pub fn new(params: &'p Params) -> Self {
        Self { params, recording: true, precision: Precision::F32, nodes: RefCell::default() }
    }

    /// A tape that only computes: nothing is saved, [`Tape::backward`] has nothing to do.
    pub fn forward_only(params: &'p Params) -> Self {
        Self { params, recording: false, precision: Precision::F32, nodes: RefCell::default() }
    }

    /// The same tape, computing forward with `precision`, recorded or not, and the loss and gradients with
    /// [`Tape::gradient_precision`]. Where that is not f32, some of what is recorded is kept in bf16 for the way back.
    /// A new tape is exact.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// How exactly it computes forward.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How exactly it computes logits of a loss, and gradients: never in integers.
    pub fn gradient_precision(&self) -> Precision {
        match self.precision {
            Precision::F32 => Precision::F32,
            Precision::Half | Precision::Fast => Precision::Half,
        }
    }

    /// The parameters that operations read.
    pub fn params(&self) -> &'p Params {
        self.params
    }

    /// Whether an operation that reads a parameter, or any of these tensors, must be recorded.
    pub fn wants(&self, reads_parameter: bool, inputs: &[&Tensor]) -> bool {
        self.recording && (reads_parameter || inputs.iter().any(|input| input.is_tracked()))
    }

    /// The result of an operation that is not recorded.
    pub fn constant(&self, shape: &[usize], values: impl Into<Buffer>) -> Tensor {
        Tensor::new(shape, values)
    }

    /// The result of a recorded operation; `backward` gets the gradient of the output once, complete.
    pub fn record(
        &self,
        shape: &[usize],
        values: impl Into<Buffer>,
        backward: impl FnOnce(Buffer, &mut Flow<'_>) + 'p,
    ) -> Tensor {
        self.record_shared(&Tensor::new(shape, values), backward)
    }

    /// [`Tape::record`] for an output that the backward pass keeps as well.
    pub fn record_shared(
        &self,
        output: &Tensor,
        backward: impl FnOnce(Buffer, &mut Flow<'_>) + 'p,
    ) -> Tensor {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Some(Box::new(backward)));
        let mut recorded = output.clone();
        recorded.slot = Some(nodes.len() - 1);
        recorded
    }

    /// Makes a constant trackable: its gradient can be read from what [`Tape::backward`] returns.
    pub fn track(&self, tensor: &Tensor) -> Tensor {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(None);
        let mut tracked = tensor.clone();
        tracked.slot = Some(nodes.len() - 1);
        tracked
    }

    /// Sends `seed` (the gradient of `output`) back through everything recorded, adding to `gradients`.
    /// Returns the gradients of the tensors that [`Tape::track`] was asked for, in that order.
    ///
    /// # Panics
    /// When `seed` is not of the size of `output`.
    pub fn backward(
        self,
        output: &Tensor,
        seed: Vec<f32>,
        gradients: &mut Gradients,
    ) -> Vec<Vec<f32>> {
        assert_eq!(seed.len(), output.values().len(), "backward: seed of {} values", seed.len());
        let mut nodes = self.nodes.into_inner();
        let Some(slot) = output.slot else { return Vec::new() };
        let mut flow =
            Flow { params: self.params, gradients, slots: nodes.iter().map(|_| None).collect() };
        flow.slots[slot] = Some(seed.into());
        let mut tracked = Vec::new();
        for slot in (0..nodes.len()).rev() {
            let gradient = flow.slots[slot].take();
            match (nodes[slot].take(), gradient) {
                (Some(backward), Some(gradient)) => backward(gradient, &mut flow),
                (None, gradient) => tracked.push(gradient.unwrap_or_default().into_vec()),
                (Some(_), None) => {}
            }
        }
        tracked.reverse();
        tracked
    }
}

impl<'a> Flow<'a> {
    /// The parameters, as in the forward pass.
    pub fn params(&self) -> &'a Params {
        self.params
    }

    /// The gradients of parameters, to add to.
    pub fn gradients(&mut self) -> &mut Gradients {
        self.gradients
    }

    /// Parameters and gradients at once.
    pub fn both(&mut self) -> (&Params, &mut Gradients) {
        (self.params, self.gradients)
    }

    /// Lets `add` add to the gradient of a tensor, unless no gradient is wanted there.
    pub fn add_with(&mut self, to: Target, add: impl FnOnce(&mut [f32])) {
        let Some(slot) = to.slot else { return };
        let sum = self.slots[slot].get_or_insert_with(|| Buffer::zeros(to.len));
        add(sum);
    }

    /// Lets `write` write the gradient of a tensor, or add to it when it is told that there is one, unless
    /// no gradient is wanted there.
    pub fn write_with(&mut self, to: Target, write: impl FnOnce(&mut [f32], bool)) {
        let Some(slot) = to.slot else { return };
        match &mut self.slots[slot] {
            Some(sum) => write(sum, true),
            empty => write(empty.insert(Buffer::stale(to.len)), false),
        }
    }

    /// Adds a copy of `gradient` to that of a tensor.
    pub fn send_copy(&mut self, to: Target, gradient: &[f32]) {
        let Some(slot) = to.slot else { return };
        match &mut self.slots[slot] {
            Some(sum) => add_to(gradient, sum),
            empty => *empty = Some(copy_of(gradient)),
        }
    }

    /// Adds `gradient` to that of a tensor, taking it over when it is the first.
    pub fn send(&mut self, to: Target, gradient: Buffer) {
        let Some(slot) = to.slot else { return };
        match &mut self.slots[slot] {
            Some(sum) => add_to(&gradient, sum),
            empty => *empty = Some(gradient),
        }
    }
}
