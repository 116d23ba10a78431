//! Eigenvalues of a whole matrix in memory.
//!
//! The reductions are faer's (tridiagonal for symmetric matrices, Hessenberg and QR iterations for
//! the rest), run on one thread so that the bits never change. What is added here:
//! an order, a sign, residuals, and for general matrices the condition of each eigenvalue,
//! `1/|yᴴx|` with the left and right unit eigenvectors (Golub and Van Loan, 7.2.2): a change of the
//! matrix by ε can move that eigenvalue by ε times it.
//!
//! Equation: A v = λ v. Domain: square matrices of finite numbers; symmetric ones are checked to be so. Accuracy:
//! eigenvalues within 10⁻¹¹ of numpy's on matrices of condition below 100, residuals below 10⁻¹²
//! (`tests/shapes_golden.rs`). Source: G. Golub, C. Van Loan, *Matrix Computations* (4th edition, 2013), chapters 7
//! and 8.

use super::Complex;
use crate::error::{Error, Result};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{Mat, Par, c64};
use std::cmp::Ordering;

/// Eigenpairs of a real symmetric matrix of order n: n values in the unit of the entries, n vectors
/// of length one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Symmetric {
    /// From the largest to the smallest.
    pub values: Vec<f64>,
    /// Unit vectors, one per value; the entry of largest size is positive.
    pub vectors: Vec<Vec<f64>>,
    /// `‖Av − λv‖` of each.
    pub residuals: Vec<f64>,
    /// Largest entry of `|VᵀV − I|`.
    pub orthogonality: f64,
}

/// Eigenpairs of a general real or complex matrix of order n: n values in the unit of the entries,
/// n vectors of length one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct General {
    /// From the largest absolute value to the smallest; a conjugate pair has the positive angle first.
    pub values: Vec<Complex>,
    /// Right unit vectors, one per value.
    pub vectors: Vec<Vec<Complex>>,
    /// `‖Av − λv‖` of each.
    pub residuals: Vec<f64>,
    /// `1/|yᴴx|` of each: 1 for a normal matrix, infinite for a defective one.
    pub conditions: Vec<f64>,
}

/// A square matrix given row by row.
///
/// # Errors
/// When it is empty, not square, or holds a value that is not finite.
fn square(rows: &[Vec<f64>]) -> Result<Mat<f64>> {
    let n = rows.len();
    if n == 0 {
        return Err(Error::Empty { what: "the matrix" });
    }
    for row in rows {
        if row.len() != n {
            return Err(Error::Lengths {
                left: "the column of rows",
                n_left: n,
                right: "a row of the matrix",
                n_right: row.len(),
            });
        }
        crate::error::sample("a row of the matrix", row, 1)?;
    }
    Ok(Mat::from_fn(n, n, |i, j| rows[i][j]))
}

/// Checks that rows of complex numbers are such a matrix.
///
/// # Errors
/// As [`square`].
pub(super) fn square_complex(rows: &[Vec<Complex>]) -> Result<()> {
    let parts = |part: fn(&Complex) -> f64| -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.iter().map(part).collect()).collect()
    };
    square(&parts(|z| z.re))?;
    square(&parts(|z| z.im))?;
    Ok(())
}

fn failed(what: &'static str) -> Error {
    Error::Degenerate { what, why: "the iteration did not converge" }
}

/// Decomposes a symmetric matrix given row by row: A = V diag(λ) Vᵀ, A v = λ v.
///
/// Domain: n × n finite numbers, symmetric to 10⁻¹² of the largest entry. Method: reduction to
/// tridiagonal form and its eigenvalues, by faer on one thread. Accuracy: backward stable,
/// residuals and departures from orthogonality within a small multiple of n·2⁻⁵³·‖A‖; eigenvalues
/// within 10⁻¹² absolute of numpy's (`tests/shapes_golden.rs`). Source: G. Golub and C. Van Loan,
/// *Matrix Computations* (2013), chapter 8.
///
/// # Errors
/// When the matrix is empty, not square, not symmetric (to 10⁻¹² of its largest entry), or not
/// finite; when the iteration does not converge.
///
/// ```
/// // [2 1; 1 2] has 3 along (1, 1) and 1 along (1, −1).
/// let found = grimoire_stats::eigen::dense::symmetric(&[vec![2.0, 1.0], vec![1.0, 2.0]]).unwrap();
/// assert!((found.values[0] - 3.0).abs() < 1e-14 && (found.values[1] - 1.0).abs() < 1e-14);
/// ```
pub fn symmetric(rows: &[Vec<f64>]) -> Result<Symmetric> {
    let a = square(rows)?;
    let n = a.nrows();
    let most = rows.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    let skew = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    if let Some((i, j)) =
        skew.into_iter().find(|&(i, j)| (a[(i, j)] - a[(j, i)]).abs() > 1e-12 * most)
    {
        return Err(Error::Domain {
            what: "the difference of an entry and its mirror image",
            value: a[(i, j)] - a[(j, i)],
            expected: "zero: the matrix must be symmetric",
        });
    }
    let (values, vectors) = self_adjoint(&a)?;
    let mut pairs: Vec<(f64, Vec<f64>)> = values
        .iter()
        .enumerate()
        .map(|(k, &value)| (value, positive(vectors.col_as_slice(k).to_vec())))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let residuals = pairs
        .iter()
        .map(|(value, v)| {
            let square: f64 = rows
                .iter()
                .zip(v)
                .map(|(row, v_i)| (crate::linear::vector::dot(row, v) - value * v_i).powi(2))
                .sum();
            square.sqrt()
        })
        .collect();
    let vectors: Vec<Vec<f64>> = pairs.iter().map(|(_, v)| v.clone()).collect();
    let mut orthogonality = 0.0_f64;
    for i in 0..n {
        for j in 0..=i {
            let product = crate::linear::vector::dot(&vectors[i], &vectors[j]);
            orthogonality = orthogonality.max((product - f64::from(u8::from(i == j))).abs());
        }
    }
    Ok(Symmetric {
        values: pairs.into_iter().map(|(value, _)| value).collect(),
        vectors,
        residuals,
        orthogonality,
    })
}

/// The same vector with its entry of largest size positive (the first of equals).
pub(crate) fn positive(mut v: Vec<f64>) -> Vec<f64> {
    let most = v.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let lead = v.iter().copied().find(|value| value.abs() >= most * (1.0 - 1e-10)).unwrap_or(0.0);
    if lead < 0.0 {
        v.iter_mut().for_each(|value| *value = -*value);
    }
    v
}

/// Ascending values and their vectors as columns.
pub(crate) fn self_adjoint(a: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>)> {
    let n = a.nrows();
    let mut values = Diag::<f64>::zeros(n);
    let mut vectors = Mat::<f64>::zeros(n, n);
    let mut memory = MemBuffer::new(evd::self_adjoint_evd_scratch::<f64>(
        n,
        ComputeEigenvectors::Yes,
        Par::Seq,
        Default::default(),
    ));
    evd::self_adjoint_evd(
        a.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| failed("the symmetric eigenvalue problem"))?;
    Ok(((0..n).map(|k| values[k]).collect(), vectors))
}

/// Decomposes any real square matrix given row by row: A v = λ v, with the condition 1/|yᴴx| of
/// each value, y and x the left and right unit vectors.
///
/// Domain: n × n finite numbers. Method: Hessenberg form and QR iterations, by faer on one thread;
/// the largest entry of a vector is made real and positive. Accuracy: values within 10⁻¹¹ absolute
/// of numpy's where conditions are below 100, residuals below 10⁻¹² (`tests/shapes_golden.rs`).
/// Source: Golub and Van Loan (2013), chapter 7; 7.2.2 for the condition.
///
/// # Errors
/// When the matrix is empty, not square or not finite, or the iteration does not converge.
pub fn general(rows: &[Vec<f64>]) -> Result<General> {
    square(rows)?;
    let wide: Vec<Vec<Complex>> =
        rows.iter().map(|row| row.iter().map(|&re| Complex::new(re, 0.0)).collect()).collect();
    let a = square(rows)?;
    let n = a.nrows();
    let (mut re, mut im) = (Diag::<f64>::zeros(n), Diag::<f64>::zeros(n));
    let (mut left, mut right) = (Mat::<f64>::zeros(n, n), Mat::<f64>::zeros(n, n));
    let yes = ComputeEigenvectors::Yes;
    let mut memory =
        MemBuffer::new(evd::evd_scratch::<f64>(n, yes, yes, Par::Seq, Default::default()));
    evd::evd_real(
        a.as_ref(),
        re.as_mut(),
        im.as_mut(),
        Some(left.as_mut()),
        Some(right.as_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| failed("the eigenvalue problem"))?;
    // A conjugate pair occupies two columns: real part, imaginary part.
    let column = |m: &Mat<f64>, k: usize| -> Vec<c64> {
        (0..n)
            .map(|i| {
                if im[k] == 0.0 {
                    c64::new(m[(i, k)], 0.0)
                } else if k > 0 && im[k] < 0.0 {
                    c64::new(m[(i, k - 1)], -m[(i, k)])
                } else {
                    c64::new(m[(i, k)], m[(i, k + 1)])
                }
            })
            .collect()
    };
    let pairs =
        (0..n).map(|k| (c64::new(re[k], im[k]), column(&right, k), column(&left, k))).collect();
    Ok(assemble(&wide, pairs, by_size))
}

/// Decomposes any complex square matrix given row by row: A v = λ v, with conditions as
/// [`general`].
///
/// Domain: n × n finite complex numbers. Method: as [`general`], in complex arithmetic. Accuracy:
/// values within 10⁻¹¹ absolute of numpy's where conditions are below 100, residuals below 10⁻¹²
/// (`tests/shapes_golden.rs`). Source: Golub and Van Loan (2013), chapter 7.
///
/// # Errors
/// When the matrix is empty, not square or not finite, or the iteration does not converge.
pub fn general_complex(rows: &[Vec<Complex>]) -> Result<General> {
    square_complex(rows)?;
    let n = rows.len();
    let a = Mat::<c64>::from_fn(n, n, |i, j| rows[i][j].into());
    let mut values = Diag::<c64>::zeros(n);
    let (mut left, mut right) = (Mat::<c64>::zeros(n, n), Mat::<c64>::zeros(n, n));
    let yes = ComputeEigenvectors::Yes;
    let mut memory =
        MemBuffer::new(evd::evd_scratch::<c64>(n, yes, yes, Par::Seq, Default::default()));
    evd::evd_cplx(
        a.as_ref(),
        values.as_mut(),
        Some(left.as_mut()),
        Some(right.as_mut()),
        Par::Seq,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| failed("the eigenvalue problem"))?;
    let column = |m: &Mat<c64>, k: usize| (0..n).map(|i| m[(i, k)]).collect::<Vec<c64>>();
    let pairs = (0..n).map(|k| (values[k], column(&right, k), column(&left, k))).collect();
    Ok(assemble(rows, pairs, by_size))
}

/// From the largest size down; of equal sizes by the real part, then by the imaginary one.
fn by_size(a: c64, b: c64) -> Ordering {
    let (x, y) = (a.re.hypot(a.im), b.re.hypot(b.im));
    if (x - y).abs() <= 1e-13 * x.max(y) {
        b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im))
    } else {
        y.total_cmp(&x)
    }
}

/// Normalises and measures (value, right, left) triples, in the order of their values that is given.
pub(super) fn assemble(
    rows: &[Vec<Complex>],
    pairs: Vec<(c64, Vec<c64>, Vec<c64>)>,
    order: impl Fn(c64, c64) -> Ordering,
) -> General {
    let norm = |v: &[c64]| v.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
    let mut pairs: Vec<(c64, Vec<c64>, f64, f64)> = pairs
        .into_iter()
        .map(|(value, mut right, left)| {
            let length = norm(&right);
            // The entry of largest size is made real and positive.
            let lead = right.iter().copied().fold(c64::new(0.0, 0.0), |best, z| {
                if z.norm_sqr() > best.norm_sqr() * (1.0 + 1e-10) { z } else { best }
            });
            let turn = lead.conj() / lead.norm() / length;
            right.iter_mut().for_each(|z| *z *= turn);
            let overlap: c64 = left.iter().zip(&right).map(|(l, r)| l.conj() * r).sum();
            let residual: Vec<c64> = rows
                .iter()
                .zip(&right)
                .map(|(row, v)| {
                    let product: c64 = row.iter().zip(&right).map(|(&a, v)| c64::from(a) * v).sum();
                    product - value * v
                })
                .collect();
            (value, right, norm(&residual), norm(&left) / overlap.norm())
        })
        .collect();
    pairs.sort_by(|a, b| order(a.0, b.0));
    General {
        values: pairs.iter().map(|pair| pair.0.into()).collect(),
        residuals: pairs.iter().map(|pair| pair.2).collect(),
        conditions: pairs.iter().map(|pair| pair.3).collect(),
        vectors: pairs
            .into_iter()
            .map(|pair| pair.1.into_iter().map(Complex::from).collect())
            .collect(),
    }
}

/// Thin singular value decomposition: U (n x r), descending values, V (p x r), r = min(n, p).
pub(crate) fn thin_svd(x: &Mat<f64>, par: Par) -> Result<(Mat<f64>, Vec<f64>, Mat<f64>)> {
    let (n, p) = x.shape();
    let r = n.min(p);
    let mut values = Diag::<f64>::zeros(r);
    let (mut u, mut v) = (Mat::<f64>::zeros(n, r), Mat::<f64>::zeros(p, r));
    let thin = ComputeSvdVectors::Thin;
    let mut memory =
        MemBuffer::new(svd::svd_scratch::<f64>(n, p, thin, thin, par, Default::default()));
    svd::svd(
        x.as_ref(),
        values.as_mut(),
        Some(u.as_mut()),
        Some(v.as_mut()),
        par,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| failed("the singular value decomposition"))?;
    Ok((u, (0..r).map(|k| values[k]).collect(), v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, close};

    #[test]
    fn symmetric_pairs_have_small_residuals() {
        // Second differences: λₖ = 2 − 2cos(kπ/(n+1)).
        let n = 40;
        let rows: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                (0..n)
                    .map(|j: usize| match i32::abs(i as i32 - j as i32) {
                        0 => 2.0,
                        1 => -1.0,
                        _ => 0.0,
                    })
                    .collect()
            })
            .collect();
        let found = symmetric(&rows).unwrap();
        for (k, value) in found.values.iter().rev().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            close(*value, 2.0 - 2.0 * angle.cos(), 1e-13, 1e-14);
        }
        assert!(found.residuals.iter().all(|r| *r < 50.0 * 40.0 * f64::EPSILON * 4.0));
        assert!(found.orthogonality < 50.0 * 40.0 * f64::EPSILON);
        assert!(symmetric(&[vec![1.0, 2.0], vec![3.0, 4.0]]).is_err());
    }

    #[test]
    fn a_rotation_has_complex_values_and_a_shear_a_huge_condition() {
        let turn = general(&[vec![0.0, -1.0], vec![1.0, 0.0]]).unwrap();
        close(turn.values[0].im, 1.0, 1e-15, 0.0);
        close(turn.values[1].im, -1.0, 1e-15, 0.0);
        all_close(&turn.conditions, &[1.0, 1.0], 1e-12, 0.0);
        assert!(turn.residuals.iter().all(|r| *r < 1e-14));
        let shear = general(&[vec![1.0, 1.0], vec![0.0, 1.0]]).unwrap();
        assert!(shear.conditions[0] > 1e7, "{:?}", shear.conditions);
        let three =
            general(&[vec![1.0, 2.0, 0.0], vec![-1.0, 3.0, 1.0], vec![0.5, 0.0, -2.0]]).unwrap();
        assert!(three.residuals.iter().all(|r| *r < 1e-14), "{:?}", three.residuals);
    }
}
