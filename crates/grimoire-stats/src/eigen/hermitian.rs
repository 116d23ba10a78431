//! Eigenpairs of Hermitian matrices, by way of a real symmetric matrix of twice the order. Vectors of equal
//! values are orthogonal too, which the general path cannot promise.

use super::Complex;
use super::dense::{General, assemble, self_adjoint, square_complex};
use crate::error::{Error, Result};
use faer::{Mat, c64};

/// Values closer than this share of the largest are treated together when their vectors are chosen.
const TOGETHER: f64 = 1e-9;

/// Eigenvalues and unit vectors of a Hermitian matrix given row by row, A = Aᴴ, A v = λ v, from the
/// largest down.
///
/// Domain: n × n finite complex numbers, Hermitian to 10⁻¹² of the largest entry. Method: with A =
/// B + iC the symmetric matrix (B −C; C B) has every value twice, with real and imaginary parts of
/// vectors as its own; of those one orthogonal set is chosen, the longest remainder first. Accuracy:
/// backward stable as [`super::dense::symmetric`], vectors orthogonal within a small multiple of
/// n·2⁻⁵³ for equal values too, as tested; residuals are in the result, the conditions all one.
/// Source: Golub and Van Loan (2013), 8.1 and P8.1.
///
/// # Errors
/// When the matrix is empty, not square, not Hermitian or not finite, or the iteration does not
/// converge.
///
/// ```
/// use grimoire_stats::eigen::{Complex, hermitian::hermitian};
/// // (2 i; −i 2) has 3 and 1.
/// let (two, i) = (Complex::new(2.0, 0.0), Complex::new(0.0, 1.0));
/// let found = hermitian(&[vec![two, i], vec![Complex::new(0.0, -1.0), two]]).unwrap();
/// assert!((found.values[0].re - 3.0).abs() < 1e-14 && (found.values[1].re - 1.0).abs() < 1e-14);
/// ```
pub fn hermitian(rows: &[Vec<Complex>]) -> Result<General> {
    square_complex(rows)?;
    mirrored(rows)?;
    let n = rows.len();
    let (values, vectors) = self_adjoint(&Mat::from_fn(2 * n, 2 * n, |i, j| {
        let entry = rows[i % n][j % n];
        match (i < n, j < n) {
            (true, true) | (false, false) => entry.re,
            (true, false) => -entry.im,
            (false, true) => entry.im,
        }
    }))?;
    let candidates: Vec<Vec<c64>> = (0..2 * n)
        .map(|k| {
            let column = vectors.col_as_slice(k);
            column[..n].iter().zip(&column[n..]).map(|(&re, &im)| c64::new(re, im)).collect()
        })
        .collect();
    let most = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut pairs: Vec<(c64, Vec<c64>, Vec<c64>)> = Vec::with_capacity(n);
    let mut first = 0;
    while first < 2 * n {
        let mut end = first + 2;
        while end < 2 * n && values[end] - values[end - 1] <= TOGETHER * most {
            end += 2;
        }
        let mut left = candidates[first..end].to_vec();
        // Of values that are near but not together the vectors would be orthogonal to rounding over their distance.
        for (_, earlier, _) in &pairs {
            left.iter_mut().for_each(|vector| remove(vector, earlier));
        }
        for (k, vector) in orthogonal(left) {
            pairs.push((c64::new(values[first + k], 0.0), vector.clone(), vector));
        }
        first = end;
    }
    let found = assemble(rows, pairs, |a, b| b.re.total_cmp(&a.re));
    Ok(General { conditions: vec![1.0; n], ..found })
}

fn mirrored(rows: &[Vec<Complex>]) -> Result<()> {
    let most = rows.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    for (i, row) in rows.iter().enumerate() {
        for (j, a) in row.iter().enumerate().take(i + 1) {
            let b = rows[j][i];
            let off = Complex::new(a.re - b.re, a.im + b.im).abs();
            if off > 1e-12 * most {
                return Err(Error::Domain {
                    what: "the difference of an entry and the conjugate of its mirror image",
                    value: off,
                    expected: "zero: the matrix must be hermitian",
                });
            }
        }
    }
    Ok(())
}

/// Of 2m real-orthogonal vectors that span m complex dimensions, m complex-orthogonal unit vectors, each with the
/// number of the one it was made of. What is left of the 2m after k choices has 2(m − k) as its sum of squares, so
/// the longest is never short.
fn orthogonal(mut left: Vec<Vec<c64>>) -> Vec<(usize, Vec<c64>)> {
    let norm = |v: &[c64]| v.iter().map(|z| z.norm_sqr()).sum::<f64>();
    let mut chosen: Vec<(usize, Vec<c64>)> = Vec::with_capacity(left.len() / 2);
    for _ in 0..left.len() / 2 {
        let longest = (0..left.len())
            .fold(0, |best, k| if norm(&left[k]) > norm(&left[best]) { k } else { best });
        let mut vector = left[longest].clone();
        // Once more against all: after the first time the remainder may be short.
        chosen.iter().for_each(|(_, other)| remove(&mut vector, other));
        let length = norm(&vector).sqrt();
        vector.iter_mut().for_each(|z| *z /= length);
        left.iter_mut().for_each(|other| remove(other, &vector));
        chosen.push((longest, vector));
    }
    chosen
}

/// Takes from `vector` its part along the unit vector `along`.
fn remove(vector: &mut [c64], along: &[c64]) {
    let product: c64 = along.iter().zip(vector.iter()).map(|(a, v)| a.conj() * v).sum();
    vector.iter_mut().zip(along).for_each(|(v, a)| *v -= product * a);
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::all_close;

    #[test]
    fn values_are_real() {
        let i = Complex::new(0.0, 1.0);
        let minus = Complex::new(0.0, -1.0);
        let two = Complex::new(2.0, 0.0);
        let found = hermitian(&[vec![two, i], vec![minus, two]]).unwrap();
        all_close(&[found.values[0].re, found.values[1].re], &[3.0, 1.0], 1e-14, 0.0);
        assert!(hermitian(&[vec![two, i], vec![i, two]]).is_err());
    }

    /// I − 2 v vᴴ of a unit vector: −1 along v, and 1 in every direction across it.
    #[test]
    fn vectors_of_equal_values_are_orthogonal() {
        let n = 12;
        let raw: Vec<c64> =
            (0..n).map(|k| c64::new((1.7 * k as f64).sin(), (0.9 * k as f64).cos())).collect();
        let length = raw.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        let rows: Vec<Vec<Complex>> = (0..n)
            .map(|i| {
                let entry = |j: usize| {
                    let outer = raw[i] * raw[j].conj() / (length * length);
                    c64::new(f64::from(u8::from(i == j)), 0.0) - outer * 2.0
                };
                (0..n).map(|j| Complex::from(entry(j))).collect()
            })
            .collect();
        let found = hermitian(&rows).unwrap();
        let values: Vec<f64> = found.values.iter().map(|value| value.re).collect();
        let mut expected = vec![1.0; n];
        expected[n - 1] = -1.0;
        all_close(&values, &expected, 0.0, 1e-14);
        assert!(found.residuals.iter().all(|r| *r < 1e-14), "{:?}", found.residuals);
        assert!(skew(&found) < 1e-14, "{}", skew(&found));
    }

    /// The largest departure of VᴴV from the identity.
    fn skew(found: &General) -> f64 {
        let n = found.vectors.len();
        let mut most = 0.0_f64;
        for i in 0..n {
            for j in 0..=i {
                let pairs = found.vectors[i].iter().zip(&found.vectors[j]);
                let product: c64 = pairs.map(|(&a, &b)| c64::from(a).conj() * c64::from(b)).sum();
                most = most.max((product - c64::new(f64::from(u8::from(i == j)), 0.0)).norm());
            }
        }
        most
    }

    /// U diag(λ) Uᴴ, U the discrete Fourier transform: values a given distance apart, and graded ones.
    #[test]
    fn vectors_of_near_and_of_graded_values_are_orthogonal() {
        let n = 16;
        let near = |gap: f64| (0..n).map(|k| 1.0 + gap * k as f64).collect::<Vec<f64>>();
        let graded: Vec<f64> = (0..n).map(|k| 10_f64.powi(-k)).collect();
        for values in [near(1e-10), near(1e-9), near(1e-8), near(1e-6), near(1e-3), graded] {
            let unit = |i: i32, k: i32| {
                let angle = std::f64::consts::TAU * f64::from(i * k % n) / f64::from(n);
                c64::new(angle.cos(), angle.sin())
            };
            let entry = |i: i32, j: i32| -> c64 {
                (0..n)
                    .map(|k| unit(i, k) * unit(j, k).conj() * (values[k as usize] / f64::from(n)))
                    .sum()
            };
            let rows: Vec<Vec<Complex>> = (0..n)
                .map(|i| {
                    let mirrored = |j: i32| if j < i { entry(j, i).conj() } else { entry(i, j) };
                    (0..n).map(|j| Complex::from(mirrored(j))).collect()
                })
                .collect();
            let found = hermitian(&rows).unwrap();
            assert!(skew(&found) < 2e-14, "{values:?}: {}", skew(&found));
            assert!(found.residuals.iter().all(|r| *r < 2e-14), "{:?}", found.residuals);
        }
    }
}
