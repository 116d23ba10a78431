//! One tensor on its way into another file: base row, plus change, in the other order, in the new type.

use crate::error::ModelError;
use crate::order::RowOrder;
use crate::weights::storage;
use grimoire_format::{Dtype, FormatError, StoredTensor, TensorSpec};
use grimoire_kernels::storage::{decode, encode};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::AddAssign;
use std::path::Path;

/// Rows that are in hand at once.
const ROWS: usize = 256;

/// Where the values come from.
pub(super) enum Source<'a> {
    /// A tensor of the checkpoint as it lies there.
    Stored(&'a StoredTensor),
    /// Values in memory, `[rows, cols]`: trained ones, or computed for the file.
    Values(Cow<'a, [f32]>),
}

/// `s·B·A` of a linear layer: `b` `[rows, rank]`, `a` `[rank, cols]`.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
    pub(super) rank: usize,
    pub(super) scale: f32,
}

/// What became of the change of weights in the type they were written in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    /// `Σ Δ²` of the change `Δ`.
    change: f64,
    /// `Σ Δ · (written − before)`.
    along: f64,
}

impl Moved {
    /// `Σ Δ · (written − before) / Σ Δ²`: 1 where what was written differs from before by the change and by rounding
    /// that has nothing to do with it, 0 where it was rounded back to what was there.
    pub(super) fn kept(self) -> Option<f64> {
        (self.change > 0.0).then(|| self.along / self.change)
    }
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.change += other.change;
        self.along += other.along;
    }
}

/// A tensor to be written.
pub(super) struct Piece<'a> {
    pub(super) spec: TensorSpec,
    pub(super) source: Source<'a>,
    pub(super) change: Option<Change<'a>>,
    /// How rows move, and the rows of a head.
    pub(super) order: Option<(RowOrder, usize)>,
    /// Stored `[in, out]` in the checkpoint.
    pub(super) turned: bool,
    /// Written `[in, out]`.
    pub(super) turn: bool,
}

impl Piece<'_> {
    /// Sends the bytes of the tensor to `sink`, some rows at a time. Only what is turned or a vector is held
    /// decoded as a whole. Returns what became of the change of
    /// an adapter, where the tensor is not turned.
    pub(super) fn write(
        &self,
        file: &Path,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), FormatError>,
    ) -> Result<Moved, ModelError> {
        if let Source::Stored(tensor) = &self.source
            && self.is_as_stored(tensor)
        {
            self.refuse_wrong(file)?;
            sink(tensor.bytes())?;
            return Ok(Moved::default());
        }
        let base = self.base()?;
        if !self.turn {
            return self.encode(file, &base, sink);
        }
        let (rows, cols) = (base.rows, base.cols);
        let mut values = vec![0.0; rows * cols];
        values.par_chunks_mut(cols).enumerate().for_each(|(row, out)| self.row(&base, row, out));
        let turned = transpose(&values, rows, cols);
        let plain = Piece {
            spec: self.spec.clone(),
            source: Source::Values(turned.into()),
            change: None,
            order: None,
            turned: false,
            turn: false,
        };
        plain.encode(file, &plain.base()?, sink)
    }

    /// Refuses weights that are no numbers, where they would be copied unread.
    fn refuse_wrong(&self, file: &Path) -> Result<(), ModelError> {
        let base = self.base()?;
        (0..base.rows).into_par_iter().try_for_each_init(
            || vec![0.0; base.cols],
            |values, row| {
                base.row(row, values);
                match values.iter().find(|value| !value.is_finite()) {
                    Some(bad) => Err(self.refuse(file, format!("row {row} holds {bad}"))),
                    None => Ok(()),
                }
            },
        )
    }

    fn is_as_stored(&self, tensor: &StoredTensor) -> bool {
        tensor.dtype() == self.spec.dtype
            && self.change.is_none()
            && self.order.is_none()
            && self.turned == self.turn
    }

    /// The rows before the change. A vector whose elements move is a column.
    fn base(&self) -> Result<Base<'_>, ModelError> {
        let (shape, other) = match &self.source {
            Source::Stored(tensor) => (tensor.shape(), self.turned),
            Source::Values(_) => (&self.spec.shape[..], self.turn),
        };
        let (rows, cols) = match *shape {
            [cols, rows] if other => (rows, cols),
            [rows, cols] => (rows, cols),
            [len] if self.order.is_some() => (len, 1),
            _ => (1, shape.iter().product()),
        };
        let values = match &self.source {
            Source::Values(values) => Values::Plain(Cow::Borrowed(&values[..])),
            Source::Stored(tensor) if self.turned => {
                Values::Plain(transpose(&tensor.to_f32()?, cols, rows).into())
            }
            Source::Stored(tensor) if shape.len() < 2 => Values::Plain(tensor.to_f32()?.into()),
            Source::Stored(tensor) => Values::Stored(tensor),
        };
        Ok(Base { rows, cols, values })
    }

    /// A row as it will be, before it is turned and encoded.
    fn row(&self, base: &Base<'_>, row: usize, out: &mut [f32]) {
        let from = self.order.map_or(row, |(order, dim)| order.origin(row, dim));
        base.row(from, out);
        if let Some(change) = &self.change {
            change.add(from, out);
        }
    }

    fn encode(
        &self,
        file: &Path,
        base: &Base<'_>,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), FormatError>,
    ) -> Result<Moved, ModelError> {
        let to = storage(self.spec.dtype);
        if !to.is_encodable() {
            return Err(self.refuse(file, format!("it cannot be written as {}", self.spec.dtype)));
        }
        let Some(row_bytes) = to.bytes_for(base.cols).filter(|bytes| *bytes > 0) else {
            let reason = format!("rows of {} are no whole blocks of {to}", base.cols);
            return Err(self.refuse(file, reason));
        };
        let mut moved = Moved::default();
        for start in (0..base.rows).step_by(ROWS) {
            let rows = ROWS.min(base.rows - start);
            let mut bytes = vec![0; rows * row_bytes];
            let lines = bytes.par_chunks_mut(row_bytes).enumerate();
            let by_row: Result<Vec<Moved>, ModelError> = lines
                .map(|(row, bytes)| {
                    let row = start + row;
                    let mut values = vec![0.0; base.cols];
                    self.row(base, row, &mut values);
                    if let Some(bad) = values.iter().find(|value| !holds(self.spec.dtype, **value))
                    {
                        let dtype = self.spec.dtype;
                        let reason = if bad.is_finite() {
                            format!("row {row} would hold {bad}, which {dtype} does not")
                        } else {
                            format!("row {row} would hold {bad}")
                        };
                        return Err(self.refuse(file, reason));
                    }
                    encode(to, &values, bytes)
                        .map_err(|error| self.refuse(file, error.to_string()))?;
                    Ok(if self.change.is_some() {
                        self.moved(base, row, &values, bytes)
                    } else {
                        Moved::default()
                    })
                })
                .collect();
            by_row?.into_iter().for_each(|row| moved += row);
            sink(&bytes)?;
        }
        Ok(moved)
    }

    /// What became of the change of a row that is now `values` and was written as `bytes`.
    fn moved(&self, base: &Base<'_>, row: usize, values: &[f32], bytes: &[u8]) -> Moved {
        let from = self.order.map_or(row, |(order, dim)| order.origin(row, dim));
        let (mut before, mut written) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        base.row(from, &mut before);
        decode(storage(self.spec.dtype), bytes, &mut written);
        let mut moved = Moved::default();
        for ((before, value), written) in before.iter().zip(values).zip(&written) {
            let change = f64::from(*value) - f64::from(*before);
            moved.change += change * change;
            moved.along += change * (f64::from(*written) - f64::from(*before));
        }
        moved
    }

    fn refuse(&self, file: &Path, reason: String) -> ModelError {
        ModelError::Unmergeable { path: file.to_owned(), name: self.spec.name.clone(), reason }
    }
}

/// Whether a type can hold a value: finite, and where the type is built on f16, within its range.
fn holds(dtype: Dtype, value: f32) -> bool {
    /// The first f32 that rounds beyond the largest f16.
    const BEYOND: f32 = 65_520.0;
    match dtype {
        Dtype::F32 | Dtype::BF16 => value.is_finite(),
        _ => value.abs() < BEYOND,
    }
}

struct Base<'a> {
    rows: usize,
    cols: usize,
    values: Values<'a>,
}

enum Values<'a> {
    Stored(&'a StoredTensor),
    Plain(Cow<'a, [f32]>),
}

impl Base<'_> {
    fn row(&self, row: usize, out: &mut [f32]) {
        match &self.values {
            Values::Plain(values) => out.copy_from_slice(&values[row * self.cols..][..self.cols]),
            Values::Stored(tensor) => {
                let row_bytes = tensor.bytes().len() / self.rows;
                let bytes = &tensor.bytes()[row * row_bytes..][..row_bytes];
                decode(storage(tensor.dtype()), bytes, out);
            }
        }
    }
}

impl Change<'_> {
    /// Adds the change of one row: the products are summed over the rank in order, then scaled.
    fn add(&self, row: usize, values: &mut [f32]) {
        let mut sum = vec![0.0; values.len()];
        for (k, b) in self.b[row * self.rank..][..self.rank].iter().enumerate() {
            let a = &self.a[k * values.len()..][..values.len()];
            sum.iter_mut().zip(a).for_each(|(sum, a)| *sum += b * a);
        }
        values.iter_mut().zip(&sum).for_each(|(value, sum)| *value += self.scale * sum);
    }
}

/// `[rows, cols]` turned into `[cols, rows]`.
fn transpose(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    (0..values.len()).map(|at| values[at % rows * cols + at / rows]).collect()
}
