//! A frozen matrix in its storage type, perhaps inside a memory-mapped file: never decoded as a whole.

use grimoire_kernels::{StorageType, Stored};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Bytes with an owner: a mapped file or a vector, shared by reference count.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A matrix `[rows, cols]` of any storage type.
#[derive(Clone)]
pub struct Matrix {
    ty: StorageType,
    rows: usize,
    cols: usize,
    owner: Bytes,
    range: Range<usize>,
}

impl Matrix {
    /// The matrix whose blocks are `owner[range]`.
    ///
    /// # Panics
    /// When the range is not exactly that of `[rows, cols]`; whoever reads files checks first.
    pub fn new(
        ty: StorageType,
        rows: usize,
        cols: usize,
        owner: Bytes,
        range: Range<usize>,
    ) -> Self {
        let _ = Stored::new(ty, rows, cols, &(*owner).as_ref()[range.clone()]);
        Self { ty, rows, cols, owner, range }
    }

    /// A matrix of f32 values.
    ///
    /// # Panics
    /// When the number of values is not `rows · cols`.
    pub fn from_f32(rows: usize, cols: usize, values: &[f32]) -> Self {
        let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
        let range = 0..bytes.len();
        Self::new(StorageType::F32, rows, cols, Arc::new(bytes), range)
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// How it is stored.
    pub fn storage(&self) -> StorageType {
        self.ty
    }

    /// The blocks.
    pub fn bytes(&self) -> &[u8] {
        &(*self.owner).as_ref()[self.range.clone()]
    }

    /// What kernels take.
    pub fn stored(&self) -> Stored<'_> {
        Stored { ty: self.ty, rows: self.rows, cols: self.cols, bytes: self.bytes() }
    }

    /// All values as f32, for the few uses that need them (a file of another type, a merge).
    pub fn decode(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.cols];
        grimoire_kernels::storage::decode(self.ty, self.bytes(), &mut out);
        out
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matrix[{}, {}] {}", self.rows, self.cols, self.ty.name())
    }
}
