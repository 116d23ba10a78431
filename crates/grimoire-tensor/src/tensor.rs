//! The value that flows through operations: an f32 array with a shape, shared by reference count.
//! It does not know how it was made; its place on the tape is a number.

use crate::buffer::Buffer;
use crate::ops::elementwise::{halves_of, whole_of};
use crate::params::Params;
use std::fmt;
use std::sync::Arc;

/// How the values of a tensor are computed again.
pub(crate) type Again = Arc<dyn Fn(&Params) -> Buffer + Send + Sync>;

/// An f32 array, row-major, cheap to clone.
#[derive(Clone)]
pub struct Tensor {
    shape: Arc<[usize]>,
    values: Arc<Buffer>,
    /// Where its gradient goes; none when nothing trainable lies behind it.
    pub(crate) slot: Option<usize>,
    /// For values that are cheaper to compute again than to keep.
    pub(crate) again: Option<Again>,
}

impl Tensor {
    /// A constant of the given shape.
    ///
    /// # Panics
    /// When the number of values is not the product of the shape.
    pub fn new(shape: &[usize], values: impl Into<Buffer>) -> Self {
        let values = values.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "tensor: shape {shape:?} with {} values",
            values.len()
        );
        Self { shape: shape.into(), values: Arc::new(values), slot: None, again: None }
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
        self.into_buffer().into_vec()
    }

    /// As [`Tensor::into_values`], for values that are computed with.
    pub(crate) fn into_buffer(self) -> Buffer {
        Arc::try_unwrap(self.values).unwrap_or_else(|shared| Buffer::copy_of(&shared))
    }

    /// The same tensor to be kept for the way back: without its values, if they can be computed again.
    pub(crate) fn kept(&self) -> Self {
        match self.again {
            Some(_) => Self { values: Arc::default(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The same tensor to be kept in bf16, which moves each value by at most 1/512 of itself.
    pub(crate) fn halved(self) -> Self {
        let len = self.values.len();
        let words = halves_of(&self.values);
        let again: Again = Arc::new(move |_| whole_of(&words, len));
        Self { values: Arc::default(), again: Some(again), ..self }
    }

    /// A kept tensor with its values.
    pub(crate) fn restored(&self, params: &Params) -> Self {
        match &self.again {
            Some(again) if self.values.is_empty() => {
                Self { values: Arc::new(again(params)), ..self.clone() }
            }
            _ => self.clone(),
        }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.values[..self.values.len().min(8)];
        write!(f, "Tensor{:?} {head:?}", self.shape)
    }
}
