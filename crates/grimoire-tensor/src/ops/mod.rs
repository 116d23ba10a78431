//! The operations. One file each: equation, shapes, forward, backward, what it saves. Every one is checked
//! against central differences of its definition in f64 (`tests/gradients/`).
//!
//! An operation here is coarse: what would be one kernel anywhere is one operation.

mod add;
mod attention;
mod columns;
pub(crate) mod elementwise;
mod embedding;
mod linear;
mod loss;
mod norm;
mod rope;
mod select;

pub use add::add;
pub use attention::attention;
pub use columns::columns;
pub use embedding::embedding;
pub use linear::{Adapter, Input, linear, linear_several};
pub use loss::{TokenLoss, cross_entropy, rows_at_once, token_log_probs};
pub use norm::{layer_norm, rms_norm};
pub use rope::{Angles, rope};
pub use select::select_rows;

use crate::matrix::Matrix;
use crate::params::{ParamId, Params};
use grimoire_kernels::Stored;
use std::sync::Arc;

/// A weight matrix: frozen in its storage type, or a parameter `[rows, cols]`.
#[derive(Clone, Debug)]
pub enum Weight {
    /// Frozen, in any storage type.
    Frozen(Matrix),
    /// Trainable, f32.
    Trained(ParamId),
}

impl Weight {
    /// The matrix as kernels take it.
    pub fn stored<'a>(&'a self, params: &'a Params) -> Stored<'a> {
        match self {
            Self::Frozen(matrix) => matrix.stored(),
            Self::Trained(id) => {
                let shape = params.shape(*id);
                Stored::f32(params.values(*id), shape[0], shape[1])
            }
        }
    }

    /// `[rows, cols]`.
    pub fn shape(&self, params: &Params) -> [usize; 2] {
        let stored = self.stored(params);
        [stored.rows, stored.cols]
    }

    /// Which parameter it is, unless it is frozen.
    pub fn param(&self) -> Option<ParamId> {
        match self {
            Self::Frozen(_) => None,
            Self::Trained(id) => Some(*id),
        }
    }
}

/// A vector of gains or biases: frozen or a parameter.
#[derive(Clone, Debug)]
pub enum Vector {
    /// Frozen.
    Frozen(Arc<[f32]>),
    /// Trainable.
    Trained(ParamId),
}

impl Vector {
    /// The values.
    pub fn values<'a>(&'a self, params: &'a Params) -> &'a [f32] {
        match self {
            Self::Frozen(values) => values,
            Self::Trained(id) => params.values(*id),
        }
    }

    /// Which parameter it is, unless it is frozen.
    pub fn param(&self) -> Option<ParamId> {
        match self {
            Self::Frozen(_) => None,
            Self::Trained(id) => Some(*id),
        }
    }
}
