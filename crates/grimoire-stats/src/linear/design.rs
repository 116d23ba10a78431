//! The matrix of predictors: dense by columns, or sparse by columns.
//!
//! Rows are observations. Values are checked once, on the way in, so the solvers need not look again.
//! Not a data frame: categories and missing values are dealt with before numbers arrive here.
//!
//! Equation: the model is y ≈ b₀ + X b, with X of n rows and p columns. Domain: finite values. Method: column after
//! column, because coordinate descent asks for one column at a time; sparse columns keep row numbers and values in
//! ascending order, and their centring (X − 1x̄ᵀ) is carried out in the products and never on the matrix. Accuracy:
//! what is stored is what was given; [`Design::predict`] is a plain sum in doubles, in the order of the columns.
//!
//! Source of the centring: J. Friedman, T. Hastie, R. Tibshirani, *Regularization paths for generalized linear
//! models via coordinate descent* (2010), 2.2.

use crate::error::{Error, Result};

/// A dense matrix of n rows and p columns, stored column after column; every value is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    n_rows: usize,
    n_cols: usize,
    values: Vec<f64>,
}

impl Columns {
    /// From the concatenated columns: xᵢⱼ = `values[j·n_rows + i]`.
    ///
    /// Domain: n_rows · n_cols finite numbers. Method: none, they are kept. Accuracy: exact.
    /// Source: the order of Fortran and LAPACK.
    ///
    /// # Errors
    /// When the length is not `n_rows · n_cols`, or a value is infinite or NaN.
    pub fn new(n_rows: usize, n_cols: usize, values: Vec<f64>) -> Result<Self> {
        if values.len() != n_rows * n_cols {
            return Err(Error::Lengths {
                left: "rows times columns of the design",
                n_left: n_rows * n_cols,
                right: "its list of values",
                n_right: values.len(),
            });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::At {
                what: "the design (column by column)",
                index,
                value: values[index],
                expected: "a finite number",
            });
        }
        Ok(Self { n_rows, n_cols, values })
    }

    /// From one vector per column: xᵢⱼ = `columns[j][i]`.
    ///
    /// Domain: columns of one length; none gives an empty matrix. Method: they are joined.
    /// Accuracy: exact. Source: as [`Columns::new`].
    ///
    /// # Errors
    /// When the columns differ in length or hold a value that is not finite.
    pub fn from_columns(columns: &[Vec<f64>]) -> Result<Self> {
        let n_rows = columns.first().map_or(0, Vec::len);
        if let Some(odd) = columns.iter().find(|column| column.len() != n_rows) {
            return Err(Error::Lengths {
                left: "the first column",
                n_left: n_rows,
                right: "another column",
                n_right: odd.len(),
            });
        }
        Self::new(n_rows, columns.len(), columns.concat())
    }

    /// Number of observations n.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of predictors p.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Column `j` of p, from 0: n values.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.values[j * self.n_rows..(j + 1) * self.n_rows]
    }

    /// Other values in the same shape.
    pub(crate) fn with(&self, values: Vec<f64>) -> Self {
        debug_assert_eq!(values.len(), self.values.len());
        Self { values, ..*self }
    }

    /// All n·p values, column after column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The rows named, in that order: row k of the result is row `rows[k]`; one may be named twice.
    ///
    /// Domain: row numbers below n; beyond, it panics. Method: a copy. Accuracy: exact. Source:
    /// none beyond the definition.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let values = (0..self.n_cols)
            .flat_map(|j| {
                let column = self.column(j);
                rows.iter().map(move |&row| column[row])
            })
            .collect();
        Self { n_rows: rows.len(), n_cols: self.n_cols, values }
    }
}

/// A sparse matrix of n rows and p columns by compressed columns: the rows and values of column `j`
/// lie at `starts[j]..starts[j + 1]`, rows ascending; what is not stored is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    n_rows: usize,
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl Sparse {
    /// From compressed columns: xᵢⱼ = `values[k]` for the k in `starts[j]..starts[j + 1]` with
    /// `rows[k]` = i, else 0.
    ///
    /// Domain: p + 1 starts from 0 to the number of values, a row for each value, ascending in a
    /// column and below n; finite values, of which one may be zero. Method: none, they are kept.
    /// Accuracy: exact. Source: I. Duff, R. Grimes and J. Lewis, *Sparse matrix test problems*
    /// (1989), for the format.
    ///
    /// # Errors
    /// When the starts do not ascend from 0 to the number of values, a row is out of range or not
    /// in ascending order within its column, or a value is not finite.
    pub fn new(
        n_rows: usize,
        starts: Vec<usize>,
        rows: Vec<u32>,
        values: Vec<f64>,
    ) -> Result<Self> {
        let whole = starts.first() == Some(&0)
            && starts.last() == Some(&values.len())
            && starts.windows(2).all(|pair| pair[0] <= pair[1])
            && rows.len() == values.len();
        if !whole {
            return Err(Error::Degenerate {
                what: "sparse design",
                why: "column starts must ascend from 0 to the number of values, with a row for each value",
            });
        }
        for column in starts.windows(2) {
            let rows = &rows[column[0]..column[1]];
            let ascending = rows.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascending || rows.last().is_some_and(|&last| last as usize >= n_rows) {
                return Err(Error::Degenerate {
                    what: "sparse design",
                    why: "the rows of a column must ascend and be smaller than the number of rows",
                });
            }
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::At {
                what: "the sparse design",
                index,
                value: values[index],
                expected: "a finite number",
            });
        }
        Ok(Self { n_rows, starts, rows, values })
    }

    /// The values other than zero of a dense matrix: stored where xᵢⱼ ≠ 0.
    ///
    /// Domain: fewer than 2³² rows, which number themselves in 32 bits. Method: one walk down the
    /// columns. Accuracy: exact. Source: as [`Sparse::new`].
    pub fn from_dense(dense: &Columns) -> Self {
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for j in 0..dense.n_cols {
            for (row, &value) in dense.column(j).iter().enumerate() {
                if value != 0.0 {
                    rows.push(row as u32);
                    values.push(value);
                }
            }
            starts.push(values.len());
        }
        Self { n_rows: dense.n_rows, starts, rows, values }
    }

    /// Number of observations n.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of predictors p.
    pub fn n_cols(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of stored values.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// Rows and values stored of column `j` of p, from 0, as many of each.
    pub fn column(&self, j: usize) -> (&[u32], &[f64]) {
        let range = self.starts[j]..self.starts[j + 1];
        (&self.rows[range.clone()], &self.values[range])
    }

    /// The rows named (each at most once), renumbered in that order: row k of the result is row
    /// `keep[k]`.
    ///
    /// Domain: row numbers below n; beyond, it panics, and of one named twice the last place
    /// counts. Method: a table from old to new, one walk down the columns and a sort in each.
    /// Accuracy: exact. Source: none beyond the definition.
    pub fn rows(&self, keep: &[usize]) -> Self {
        let mut place = vec![u32::MAX; self.n_rows];
        for (new, &old) in keep.iter().enumerate() {
            place[old] = new as u32;
        }
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for j in 0..self.n_cols() {
            let (old, old_values) = self.column(j);
            let mut kept: Vec<(u32, f64)> = old
                .iter()
                .zip(old_values)
                .map(|(&row, &value)| (place[row as usize], value))
                .filter(|(row, _)| *row != u32::MAX)
                .collect();
            kept.sort_by_key(|(row, _)| *row);
            rows.extend(kept.iter().map(|(row, _)| *row));
            values.extend(kept.iter().map(|(_, value)| *value));
            starts.push(values.len());
        }
        Self { n_rows: keep.len(), starts, rows, values }
    }
}

/// Predictors in either storage, n rows of p columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Design {
    /// Every value stored.
    Dense(Columns),
    /// Only values other than zero stored; centring is implied and never carried out.
    Sparse(Sparse),
}

impl Design {
    /// Number of observations n.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.n_rows(),
            Self::Sparse(sparse) => sparse.n_rows(),
        }
    }

    /// Number of predictors p.
    pub fn n_cols(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.n_cols(),
            Self::Sparse(sparse) => sparse.n_cols(),
        }
    }

    /// The rows named, in that order: row k of the result is row `rows[k]`.
    ///
    /// Domain: row numbers below n, beyond which it panics; if sparse, each at most once. Method:
    /// [`Columns::rows`] or [`Sparse::rows`]. Accuracy: exact. Source: none beyond the definition.
    pub fn rows(&self, rows: &[usize]) -> Self {
        match self {
            Self::Dense(dense) => Self::Dense(dense.rows(rows)),
            Self::Sparse(sparse) => Self::Sparse(sparse.rows(rows)),
        }
    }

    /// `ŷ = b₀ + X b`, one value for each row, in the unit of the response.
    ///
    /// Domain: p coefficients; they and b₀ are not checked. Method: column after column with a
    /// coefficient other than zero. Accuracy: a plain sum in doubles, p roundings of the largest
    /// part. Source: none beyond the definition.
    ///
    /// # Errors
    /// When there are not as many coefficients as columns.
    ///
    /// ```
    /// use grimoire_stats::linear::{Columns, Design};
    /// // 1 + 2·3 − 4 = 3.
    /// let x = Design::Dense(Columns::new(1, 2, vec![3.0, 4.0]).unwrap());
    /// assert_eq!(x.predict(1.0, &[2.0, -1.0]).unwrap(), [3.0]);
    /// ```
    pub fn predict(&self, intercept: f64, coefficients: &[f64]) -> Result<Vec<f64>> {
        if coefficients.len() != self.n_cols() {
            return Err(Error::Lengths {
                left: "coefficients",
                n_left: coefficients.len(),
                right: "columns of the design",
                n_right: self.n_cols(),
            });
        }
        let mut out = vec![intercept; self.n_rows()];
        for (j, &weight) in coefficients.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            match self {
                Self::Dense(dense) => super::vector::axpy(weight, dense.column(j), &mut out),
                Self::Sparse(sparse) => {
                    let (rows, values) = sparse.column(j);
                    for (&row, value) in rows.iter().zip(values) {
                        out[row as usize] += weight * value;
                    }
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_sparse_predict_alike_and_refuse_alike() {
        let dense = Columns::new(3, 2, vec![1.0, 0.0, 2.0, 0.0, 5.0, 0.0]).unwrap();
        let sparse = Design::Sparse(Sparse::from_dense(&dense));
        let dense = Design::Dense(dense);
        let expected = vec![3.0, -4.0, 5.0]; // 1 + 2·x₁ − x₂ by hand
        assert_eq!(dense.predict(1.0, &[2.0, -1.0]).unwrap(), expected);
        assert_eq!(sparse.predict(1.0, &[2.0, -1.0]).unwrap(), expected);
        assert_eq!(sparse.rows(&[2, 0]).predict(1.0, &[2.0, -1.0]).unwrap(), [5.0, 3.0]);
        assert!(dense.predict(0.0, &[1.0]).is_err());
        assert!(Columns::new(1, 1, vec![f64::NAN]).is_err());
        assert!(Sparse::new(2, vec![0, 1], vec![2], vec![1.0]).is_err());
    }
}
