//! Adapters in the two formats the world uses: PEFT's folder and GGUF-LoRA.
//!
//! Both are read to the same thing: a list of [`LoraPair`], each `ΔW = scale·B·A` of one named matrix,
//! with the scale already worked out from rank, alpha, rsLoRA and patterns. So an adapter can go from
//! one format to the other without its meaning changing. What is not such a list (DoRA, whole saved
//! modules, trained biases) is refused by name.
//!
//! Not here: which name in one format is which in the other, and the order of the rows of q and k;
//! both belong to the architecture. The loading of an adapter into a model.

mod config;
pub mod gguf_lora;
pub mod peft;

pub use config::{PeftConfig, Targets};

use crate::{FormatError, Result, StoredTensor};
use std::path::Path;

/// The low-rank change of one matrix: `ΔW = scale·B·A`, with `A` `[rank, inputs]` and `B`
/// `[outputs, rank]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraPair {
    /// The matrix: a module path in PEFT (`model.layers.0.self_attn.q_proj`), a tensor name in GGUF
    /// (`blk.0.attn_q.weight`).
    pub module: String,
    /// Rows of `A`, columns of `B`.
    pub rank: usize,
    /// Columns of `A`.
    pub inputs: usize,
    /// Rows of `B`.
    pub outputs: usize,
    /// `[rank, inputs]`.
    pub a: Vec<f32>,
    /// `[outputs, rank]`.
    pub b: Vec<f32>,
    /// What the product is multiplied by.
    pub scale: f32,
}

impl LoraPair {
    /// Reads and checks the two halves.
    fn read(module: &str, a: &StoredTensor, b: &StoredTensor, scale: f32) -> Result<Self> {
        let wrong = |tensor: &StoredTensor, expected: &str, found: String| {
            let place = format!("tensor {:?}", tensor.name());
            FormatError::malformed(tensor.file().path(), place, expected, found)
        };
        let matrix = |tensor: &StoredTensor| match *tensor.shape() {
            [rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(wrong(tensor, "a matrix", format!("shape {:?}", tensor.shape()))),
        };
        let (rank, inputs) = matrix(a)?;
        let (outputs, columns) = matrix(b)?;
        if columns != rank {
            let expected = format!("{rank} columns, the rows of {:?}", a.name());
            return Err(wrong(b, &expected, columns.to_string()));
        }
        let finite = |tensor: &StoredTensor| {
            let values = tensor.to_f32()?;
            match values.iter().position(|value| !value.is_finite()) {
                Some(at) => {
                    Err(wrong(tensor, "finite values", format!("{} at index {at}", values[at])))
                }
                None => Ok(values),
            }
        };
        let (a, b) = (finite(a)?, finite(b)?);
        Ok(Self { module: module.to_owned(), rank, inputs, outputs, a, b, scale })
    }

    /// Holds the lengths of the halves against rank, inputs and outputs.
    fn check(&self, path: &Path) -> Result<()> {
        let right = self.rank.checked_mul(self.inputs) == Some(self.a.len())
            && self.outputs.checked_mul(self.rank) == Some(self.b.len())
            && self.rank > 0;
        if right {
            return Ok(());
        }
        let Self { module, rank, inputs, outputs, a, b, .. } = self;
        Err(FormatError::unwritable(
            path,
            format!("the adapter of {module:?}"),
            format!(
                "A of {} and B of {} values are not [{rank}, {inputs}] and [{outputs}, {rank}]",
                a.len(),
                b.len()
            ),
        ))
    }
}

/// Values as they are written.
fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
