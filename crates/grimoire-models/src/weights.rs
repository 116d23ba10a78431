//! Weights by our names out of a checkpoint, checked against the configuration and left in their storage.

use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::error::ModelError;
use grimoire_format::{Dtype, StoredTensor};
use grimoire_nn::Linear;
use grimoire_tensor::ops::{Vector, Weight};
use grimoire_tensor::{Matrix, StorageType};
use std::sync::Arc;

/// Looks up tensors for the architectures.
pub(crate) struct Weights<'a> {
    checkpoint: &'a Checkpoint,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(checkpoint: &'a Checkpoint) -> Self {
        Self { checkpoint }
    }

    /// Whether the module has a weight.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.find(path, "weight").is_some()
    }

    /// A matrix `[rows, cols]` in its storage type; GPT-2's Hugging Face checkpoints hold `[cols, rows]`.
    pub(crate) fn matrix(
        &self,
        path: &str,
        rows: usize,
        cols: usize,
    ) -> Result<Weight, ModelError> {
        let tensor = self.require(path, "weight")?;
        let linear = path.contains(".attn.") || path.contains(".mlp.");
        if linear && self.checkpoint.stores_transposed() {
            self.check(tensor, &[cols, rows])?;
            let values = tensor.to_f32()?;
            let mut turned = vec![0.0; values.len()];
            for (col, line) in values.chunks_exact(rows).enumerate() {
                for (row, value) in line.iter().enumerate() {
                    turned[row * cols + col] = *value;
                }
            }
            return Ok(Weight::Frozen(Matrix::from_f32(rows, cols, &turned)));
        }
        self.check(tensor, &[rows, cols])?;
        let owner = Arc::new(tensor.file().clone());
        Ok(Weight::Frozen(Matrix::new(storage(tensor.dtype()), rows, cols, owner, tensor.range())))
    }

    /// The embedding, and the head: the embedding again where the two are tied.
    pub(crate) fn embedding_and_head(
        &self,
        config: &Config,
    ) -> Result<(Weight, Weight), ModelError> {
        let embedding = self.matrix("embed", config.vocabulary, config.width)?;
        let head = if config.tied {
            embedding.clone()
        } else {
            self.matrix("head", config.vocabulary, config.width)?
        };
        Ok((embedding, head))
    }

    /// Every block, loaded by `load`.
    pub(crate) fn blocks<B>(
        &self,
        config: &Config,
        load: impl Fn(&BlockWeights<'_>) -> Result<B, ModelError>,
    ) -> Result<Vec<B>, ModelError> {
        (0..config.n_blocks).map(|index| load(&BlockWeights { weights: self, index })).collect()
    }

    /// A linear layer, with its bias when the checkpoint has one.
    pub(crate) fn linear(
        &self,
        path: &str,
        rows: usize,
        cols: usize,
    ) -> Result<Linear, ModelError> {
        let weight = self.matrix(path, rows, cols)?;
        let bias = self.find(path, "bias").map(|tensor| self.values(tensor, rows)).transpose()?;
        Ok(Linear::new(path, weight, bias))
    }

    /// The gains of a norm.
    pub(crate) fn vector(&self, path: &str, width: usize) -> Result<Vector, ModelError> {
        self.values(self.require(path, "weight")?, width)
    }

    /// The gains and biases of a layer norm.
    pub(crate) fn gain_and_bias(
        &self,
        path: &str,
        width: usize,
    ) -> Result<(Vector, Vector), ModelError> {
        Ok((self.vector(path, width)?, self.values(self.require(path, "bias")?, width)?))
    }

    fn values(&self, tensor: &StoredTensor, width: usize) -> Result<Vector, ModelError> {
        self.check(tensor, &[width])?;
        Ok(Vector::Frozen(tensor.to_f32()?.into()))
    }

    fn find(&self, path: &str, kind: &str) -> Option<&'a StoredTensor> {
        let name = self.checkpoint.naming().of(path)?;
        self.checkpoint.tensor(&format!("{name}.{kind}"))
    }

    fn require(&self, path: &str, kind: &str) -> Result<&'a StoredTensor, ModelError> {
        self.find(path, kind).ok_or_else(|| {
            let name = self.checkpoint.naming().of(path).unwrap_or_else(|| path.to_owned());
            ModelError::Missing {
                path: self.checkpoint.path().to_owned(),
                name: format!("{name}.{kind}"),
                what: path.to_owned(),
            }
        })
    }

    fn check(&self, tensor: &StoredTensor, expected: &[usize]) -> Result<(), ModelError> {
        if tensor.shape() == expected {
            return Ok(());
        }
        Err(ModelError::Shape {
            path: tensor.file().path().to_owned(),
            name: tensor.name().to_owned(),
            expected: expected.to_vec(),
            found: tensor.shape().to_vec(),
        })
    }
}

/// The weights of one block, by what follows `blocks.3.` in their paths.
pub(crate) struct BlockWeights<'a> {
    weights: &'a Weights<'a>,
    index: usize,
}

impl BlockWeights<'_> {
    /// The whole path.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("blocks.{}.{name}", self.index)
    }

    /// A linear layer of the block.
    pub(crate) fn linear(
        &self,
        name: &str,
        rows: usize,
        cols: usize,
    ) -> Result<Linear, ModelError> {
        self.weights.linear(&self.path(name), rows, cols)
    }
}

/// The kernels' name of a file's type: both crates list the same types.
pub fn storage(dtype: Dtype) -> StorageType {
    StorageType::from_ggml(dtype.ggml_code()).expect("both lists hold the same types")
}
