//! The value that flows through operations: an f32 array with a shape, shared by reference count.
//! It does not know how it was made; its place on the tape is a number.

use std::fmt;
use std::sync::Arc;

/// An f32 array, row-major, cheap to clone.
#[derive(Clone)]
pub struct Tensor {
    shape: Arc<[usize]>,
    values: Arc<Vec<f32>>,
    /// Where its gradient goes; none when nothing trainable lies behind it.
    pub(crate) slot: Option<usize>,
}

impl Tensor {
    /// A constant of the given shape.
    ///
    /// # Panics
    /// When the number of values is not the product of the shape.
    pub fn new(shape: &[usize], values: Vec<f32>) -> Self {
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "tensor: shape {shape:?} with {} values",
            values.len()
        );
        Self { shape: shape.into(), values: Arc::new(values), slot: None }
    }

    /// The shape, outermost dimension first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Number of rows when all but the last dimension are flattened.
    pub fn rows(&self) -> usize {
        self.shape[..self.shape.len() - 1].iter().product()
    }

    /// Size of the last dimension.
    ///
    /// # Panics
    /// For a tensor without dimensions.
    pub fn width(&self) -> usize {
        *self.shape.last().expect("tensor: a scalar has no rows")
    }

    /// Whether a gradient can flow to it.
    pub fn is_tracked(&self) -> bool {
        self.slot.is_some()
    }

    /// The values themselves, copied only if they are shared.
    pub fn into_values(self) -> Vec<f32> {
        Arc::try_unwrap(self.values).unwrap_or_else(|shared| shared.as_ref().clone())
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.values[..self.values.len().min(8)];
        write!(f, "Tensor{:?} {head:?}", self.shape)
    }
}
