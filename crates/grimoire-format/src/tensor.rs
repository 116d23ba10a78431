//! A tensor as it lies in a file, and the announcement of one that is to be written.

use crate::{Dtype, FormatError, Mapped, Result};
use std::ops::Range;

/// A tensor in a mapped file: checked, and not copied.
#[derive(Clone, Debug)]
pub struct StoredTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    file: Mapped,
    range: Range<usize>,
}

impl StoredTensor {
    /// The caller has checked that `range` is inside of `file` and as long as type and shape say.
    pub(crate) fn new(
        name: String,
        dtype: Dtype,
        shape: Vec<usize>,
        file: Mapped,
        range: Range<usize>,
    ) -> Self {
        debug_assert!(range.end <= file.bytes().len());
        Self { name, dtype, shape, file, range }
    }

    /// The name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the values are stored.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Row-major shape, outermost dimension first. Empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of values: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stored bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.file.slice(self.range.clone())
    }

    /// The file they lie in.
    #[must_use]
    pub fn file(&self) -> &Mapped {
        &self.file
    }

    /// Where in the file they lie.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The values of an F32, F16, BF16 or Q8_0 tensor as f32. Adapters are small enough to be copied; the
    /// weights of a model are decoded block by block where they are used.
    ///
    /// # Errors
    /// For a block type.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let bytes = self.bytes();
        let halves = || bytes.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two));
        Ok(match self.dtype {
            Dtype::F32 => {
                bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
            }
            Dtype::F16 => halves().map(|bits| half::f16::from_bits(bits).to_f32()).collect(),
            Dtype::BF16 => halves().map(|bits| half::bf16::from_bits(bits).to_f32()).collect(),
            // Adapters in GGUF come in this type too: a scale in f16 and 32 signed bytes.
            Dtype::Q8_0 => (bytes.as_chunks::<34>().0.iter())
                .flat_map(|block| {
                    let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
                    block[2..].iter().map(move |q| scale * f32::from(q.cast_signed()))
                })
                .collect(),
            other => {
                return Err(FormatError::unsupported(
                    self.file.path(),
                    format!("tensor {:?} of type {other}", self.name),
                    "F32, F16, BF16 or Q8_0 is expected here",
                ));
            }
        })
    }
}

/// A tensor that is going to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// How the values are stored.
    pub dtype: Dtype,
    /// Row-major shape, outermost dimension first.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Bytes of data, `None` when the innermost dimension is not whole blocks or it overflows.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        data_bytes(self.dtype, &self.shape)
    }
}

/// Bytes of a tensor: rows of whole blocks.
pub(crate) fn data_bytes(dtype: Dtype, shape: &[usize]) -> Option<u64> {
    let row = shape.last().copied().unwrap_or(1) as u64;
    let mut bytes = dtype.bytes_for(row)?;
    for &dimension in shape.iter().rev().skip(1) {
        bytes = bytes.checked_mul(dimension as u64)?;
    }
    Some(bytes)
}
