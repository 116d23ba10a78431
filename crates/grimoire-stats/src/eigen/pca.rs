//! Principal components: the directions along which data vary most.
//!
//! ```text
//! X̃ = U diag(d) Vᵀ  (columns centred, or also scaled)      variances λ = d²/(n−1),  scores X̃V
//! ```
//!
//! By singular values of the data rather than eigenvalues of their covariance, which would square the
//! condition. The interval of a variance is the normal-theory one, `λ exp(±z√(2/(n−1)))` (T. W. Anderson,
//! 1963); it says nothing when two variances are nearly equal, and then the directions themselves are
//! undetermined.
//!
//! Domain: finite columns of at least two rows. Accuracy: that of the singular values, a few units of rounding of
//! the largest; 10⁻¹⁴ in the tests. Source: K. Pearson (1901); H. Hotelling (1933); for the interval Anderson, as
//! above.

use super::thin_svd;
use crate::error::{Error, Result, open_unit};
use crate::linear::Columns;
use crate::linear::vector::mean;
use crate::record::Interval;
use faer::{Mat, Par};

/// One principal component of p columns; variances in the squared unit of the (scaled) columns,
/// shares without one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Component {
    /// Variance of the scores.
    pub variance: f64,
    /// Its interval.
    pub interval: Interval,
    /// Part of the whole variance.
    pub share: f64,
    /// Part of the whole variance of this and all before.
    pub cumulative: f64,
    /// Unit vector of weights of the columns; the one of largest size is positive.
    pub loadings: Vec<f64>,
}

/// Principal components of a table of n rows and p columns: min(n, p) of them.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Components {
    /// From the largest variance to the smallest.
    pub components: Vec<Component>,
    /// Means of the columns.
    pub means: Vec<f64>,
    /// Scales of the columns: standard deviations (divisor n − 1), or ones.
    pub scales: Vec<f64>,
    /// Number of rows.
    pub n: usize,
    /// Scores, component by component, n values in each.
    pub scores: Vec<Vec<f64>>,
}

/// Decomposes `data`, X̃ = U diag(d) Vᵀ: variances d²/(n − 1), loadings V, scores X̃V; with
/// `scale`, columns are divided by their standard deviations first. Intervals are λ exp(±
/// z√(2/(n−1))).
///
/// Domain: finite columns, one or more, of two rows or more; a level between 0 and 1. Shares are
/// NaN where nothing varies. Method: singular values of the centred data, by faer on one thread.
/// Accuracy: a few units of rounding of the largest singular value; 10⁻¹⁴ relative of points on a
/// line, as tested; the intervals are those of normal data. Source: K. Pearson (1901); H. Hotelling
/// (1933); T. W. Anderson, *Asymptotic theory for principal component analysis* (1963).
///
/// # Errors
/// With fewer than two rows or no column, a column that does not vary when scaling, a wrong level,
/// or a decomposition that fails.
pub fn pca(data: &Columns, scale: bool, level: f64) -> Result<Components> {
    let (n, p) = (data.n_rows(), data.n_cols());
    if n < 2 {
        return Err(Error::TooFew { what: "the table", needed: 2, found: n });
    }
    if p == 0 {
        return Err(Error::Empty { what: "the table" });
    }
    open_unit("the level", level)?;
    let mut x = Mat::<f64>::zeros(n, p);
    let (mut means, mut scales) = (vec![0.0; p], vec![1.0; p]);
    for (j, (centre, divisor)) in means.iter_mut().zip(&mut scales).enumerate() {
        let column = data.column(j);
        *centre = mean(column);
        if scale {
            let square: f64 = column.iter().map(|value| (value - *centre).powi(2)).sum();
            *divisor = (square / (n - 1) as f64).sqrt();
            if *divisor == 0.0 {
                return Err(Error::Degenerate {
                    what: "principal components of scaled columns",
                    why: "a column does not vary",
                });
            }
        }
        for (x, value) in x.col_as_slice_mut(j).iter_mut().zip(column) {
            *x = (value - *centre) / *divisor;
        }
    }
    let (u, d, v) = thin_svd(&x, Par::Seq)?;
    let total: f64 = d.iter().map(|d| d * d).sum();
    let z = crate::special::erf::normal_quantile(0.5 + 0.5 * level);
    let half = z * (2.0 / (n - 1) as f64).sqrt();
    let (mut components, mut scores, mut cumulative) = (vec![], vec![], 0.0);
    for (k, &d) in d.iter().enumerate() {
        let raw = v.col_as_slice(k).to_vec();
        let loadings = super::dense::positive(raw.clone());
        let sign = if loadings == raw { 1.0 } else { -1.0 };
        let variance = d * d / (n - 1) as f64;
        cumulative += d * d / total;
        scores.push(u.col_as_slice(k).iter().map(|u| sign * d * u).collect());
        components.push(Component {
            variance,
            interval: Interval::new(
                variance * (-half).exp(),
                variance * half.exp(),
                level,
                "normal theory, log scale",
            ),
            share: d * d / total,
            cumulative,
            loadings,
        });
    }
    Ok(Components { components, means, scales, n, scores })
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, close};

    #[test]
    fn points_on_a_line_have_one_component() {
        let data = Columns::from_columns(&[vec![0.0, 3.0, 6.0], vec![0.0, 4.0, 8.0]]).unwrap();
        let found = pca(&data, false, 0.95).unwrap();
        // Distances along (3, 4)/5: −5, 0, 5, variance 25.
        close(found.components[0].variance, 25.0, 1e-14, 0.0);
        all_close(&found.components[0].loadings, &[0.6, 0.8], 1e-14, 0.0);
        all_close(&found.scores[0], &[-5.0, 0.0, 5.0], 1e-14, 1e-14);
        close(found.components[0].share, 1.0, 1e-14, 0.0);
    }
}
