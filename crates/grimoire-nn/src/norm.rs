//! The two norms as layers.

use grimoire_tensor::ops::{self, Vector};
use grimoire_tensor::{Tape, Tensor};

/// Which norm, with its gains.
#[derive(Clone, Debug)]
pub enum Norm {
    /// Root-mean-square norm.
    Rms {
        /// Gains `[d]`.
        gain: Vector,
        /// Added to the mean square.
        epsilon: f32,
    },
    /// Layer norm.
    Layer {
        /// Gains `[d]`.
        gain: Vector,
        /// Biases `[d]`.
        bias: Vector,
        /// Added to the variance.
        epsilon: f32,
    },
}

impl Norm {
    /// Applies the norm along the last dimension (a root-mean-square norm: along runs of its own width).
    pub fn apply(&self, tape: &Tape<'_>, x: &Tensor) -> Tensor {
        match self {
            Self::Rms { gain, epsilon } => ops::rms_norm(tape, x, gain, *epsilon),
            Self::Layer { gain, bias, epsilon } => ops::layer_norm(tape, x, gain, bias, *epsilon),
        }
    }
}
