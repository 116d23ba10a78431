//! Leading eigenpairs of a symmetric operator that is known only by its products.
//!
//! The thick-restart Lanczos method (K. Wu, H. Simon, 2000): a basis of at most m vectors is grown by
//! products, every new one made orthogonal to all others twice; the projected m x m problem is solved
//! exactly; then the best directions are kept and the rest thrown away. Memory: m vectors. The residuals
//! reported are measured with one more product each, not estimated. A symmetric operator is taken on
//! trust: what is not symmetric shows in the residuals.

use super::dense::{positive, self_adjoint};
use crate::error::{Error, Result};
use crate::linear::vector::{axpy, dot};
use crate::random::Random;
use faer::Mat;

/// Which end of the spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The largest eigenvalues.
    #[default]
    Largest,
    /// The smallest.
    Smallest,
    /// Those of largest absolute value.
    Magnitude,
}

/// How to look for them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Number of pairs.
    pub pairs: usize,
    /// Which end of the spectrum.
    pub wanted: Wanted,
    /// Residual allowed, as a part of the largest eigenvalue seen.
    pub tolerance: f64,
    /// Vectors in memory; `None`: twice the pairs plus ten, at least twenty.
    pub basis: Option<usize>,
    /// Products allowed.
    pub products: usize,
    /// Of the first vector.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pairs: 6,
            wanted: Wanted::Largest,
            tolerance: 1e-12,
            basis: None,
            products: 100_000,
            seed: 0,
        }
    }
}

/// The pairs found, as many as were asked for: values in the unit of the operator, vectors of
/// length one and order n.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Pairs {
    /// Best first.
    pub values: Vec<f64>,
    /// Unit vectors; the entry of largest size is positive.
    pub vectors: Vec<Vec<f64>>,
    /// `‖Av − λv‖`, measured.
    pub residuals: Vec<f64>,
    /// Products used.
    pub products: usize,
    /// Restarts.
    pub restarts: usize,
}

/// Finds pairs A v = λ v of the operator of order `n` whose product `apply(v, out)` writes `Av`
/// into `out`.
///
/// Domain: a symmetric operator, which is taken on trust; from 1 to n pairs. Method: thick-restart
/// Lanczos with every vector made orthogonal twice. Accuracy: it stops when the estimated residual
/// is within the tolerance of the largest eigenvalue seen (10⁻¹² by default), and then measures it;
/// eigenvalues of second differences of order 300 within 10⁻¹² absolute, residuals below 10⁻¹¹, as
/// tested. Source: K. Wu and H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue
/// problems* (2000).
///
/// # Errors
/// When no pairs are asked for or more than n, a product is not finite, or the products run out.
pub fn lanczos(
    n: usize,
    mut apply: impl FnMut(&[f64], &mut [f64]),
    options: &Options,
) -> Result<Pairs> {
    let k = options.pairs;
    if k == 0 || k > n {
        return Err(Error::Domain {
            what: "the number of eigenpairs",
            value: k as f64,
            expected: "a number from 1 to the order of the operator",
        });
    }
    let m = options.basis.unwrap_or((2 * k + 10).max(20)).max(k + 2).min(n);
    let random = Random::new(options.seed, 0x1A2C);
    let mut search = Search {
        n,
        basis: Vec::with_capacity(m + 1),
        projected: vec![vec![0.0; m]; m],
        products: 0,
        random,
        drawn: 0,
    };
    let first = search.fresh();
    search.basis.push(first);
    let mut kept = 0;
    let mut restarts = 0;
    loop {
        let coupling = search.grow(kept, m, &mut apply)?;
        let (values, s) = self_adjoint(&Mat::from_fn(m, m, |i, j| search.projected[i][j]))?;
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|&a, &b| match options.wanted {
            Wanted::Largest => values[b].total_cmp(&values[a]),
            Wanted::Smallest => values[a].total_cmp(&values[b]),
            Wanted::Magnitude => values[b].abs().total_cmp(&values[a].abs()),
        });
        let size = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let estimate = |at: usize| (coupling * s[(m - 1, at)]).abs();
        let allowed = options.tolerance * size.max(f64::MIN_POSITIVE);
        let worst = order[..k].iter().map(|&at| estimate(at)).fold(0.0, f64::max);
        if worst <= allowed || m == n {
            return Ok(search.finish(&order[..k], &values, &s, restarts, &mut apply));
        }
        if search.products >= options.products {
            return Err(Error::NoConvergence {
                what: "lanczos iteration",
                iterations: search.products,
                change: worst / size,
            });
        }
        kept = (k + (m - k) / 2).min(m - 2);
        search.restart(&order[..kept], &values, &s);
        restarts += 1;
    }
}

struct Search {
    n: usize,
    basis: Vec<Vec<f64>>,
    projected: Vec<Vec<f64>>,
    products: usize,
    random: Random,
    drawn: u64,
}

impl Search {
    /// A random unit vector orthogonal to the basis.
    fn fresh(&mut self) -> Vec<f64> {
        let start = self.drawn;
        self.drawn += self.n as u64;
        let mut v: Vec<f64> =
            (0..self.n as u64).map(|i| self.random.uniform(start + i) - 0.5).collect();
        for _ in 0..2 {
            for b in &self.basis {
                axpy(-dot(b, &v), b, &mut v);
            }
        }
        let length = dot(&v, &v).sqrt().max(f64::MIN_POSITIVE);
        v.iter_mut().for_each(|value| *value /= length);
        v
    }

    /// Extends the basis from `kept` vectors to m; returns the length of the next, unnormalised vector,
    /// which is left in the basis at place m.
    fn grow(
        &mut self,
        kept: usize,
        m: usize,
        apply: &mut impl FnMut(&[f64], &mut [f64]),
    ) -> Result<f64> {
        let mut coupling = 0.0;
        for j in kept..m {
            let mut w = vec![0.0; self.n];
            apply(&self.basis[j], &mut w);
            self.products += 1;
            if let Some(index) = w.iter().position(|value| !value.is_finite()) {
                return Err(Error::At {
                    what: "the product of the operator",
                    index,
                    value: w[index],
                    expected: "a finite number",
                });
            }
            let whole = dot(&w, &w).sqrt();
            for pass in 0..2 {
                for i in 0..=j {
                    let along = dot(&self.basis[i], &w);
                    axpy(-along, &self.basis[i], &mut w);
                    let entry = if pass == 0 { along } else { self.projected[i][j] + along };
                    self.projected[i][j] = entry;
                    self.projected[j][i] = entry;
                }
            }
            coupling = dot(&w, &w).sqrt();
            if coupling <= 1e-14 * whole || coupling == 0.0 {
                // The basis spans an invariant space: go on elsewhere, uncoupled.
                coupling = 0.0;
                w = if j + 1 < self.n { self.fresh() } else { vec![0.0; self.n] };
            } else {
                w.iter_mut().for_each(|value| *value /= coupling);
            }
            self.basis.push(w);
        }
        Ok(coupling)
    }

    fn combine(&self, s: &Mat<f64>, at: usize) -> Vec<f64> {
        let mut v = vec![0.0; self.n];
        for (i, b) in self.basis.iter().take(s.nrows()).enumerate() {
            axpy(s[(i, at)], b, &mut v);
        }
        v
    }

    fn restart(&mut self, keep: &[usize], values: &[f64], s: &Mat<f64>) {
        let mut basis: Vec<Vec<f64>> = keep.iter().map(|&at| self.combine(s, at)).collect();
        basis.extend(self.basis.pop());
        self.basis = basis;
        self.projected.iter_mut().for_each(|row| row.fill(0.0));
        for (i, &at) in keep.iter().enumerate() {
            self.projected[i][i] = values[at];
        }
    }

    fn finish(
        &mut self,
        best: &[usize],
        values: &[f64],
        s: &Mat<f64>,
        restarts: usize,
        apply: &mut impl FnMut(&[f64], &mut [f64]),
    ) -> Pairs {
        let mut out = Pairs {
            values: vec![],
            vectors: vec![],
            residuals: vec![],
            products: self.products,
            restarts,
        };
        for &at in best {
            let v = positive(self.combine(s, at));
            let mut product = vec![0.0; self.n];
            apply(&v, &mut product);
            out.products += 1;
            axpy(-values[at], &v, &mut product);
            out.residuals.push(dot(&product, &product).sqrt());
            out.values.push(values[at]);
            out.vectors.push(v);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;
    use std::f64::consts::PI;

    /// Second differences of order n: λₖ = 2 − 2cos(kπ/(n+1)), badly separated at both ends.
    fn differences(v: &[f64], out: &mut [f64]) {
        for i in 0..v.len() {
            let before = if i > 0 { v[i - 1] } else { 0.0 };
            let after = if i + 1 < v.len() { v[i + 1] } else { 0.0 };
            out[i] = 2.0 * v[i] - before - after;
        }
    }

    #[test]
    fn finds_both_ends_of_a_known_spectrum() {
        let n = 300;
        for (wanted, last) in [(Wanted::Largest, true), (Wanted::Smallest, false)] {
            let options = Options { pairs: 4, wanted, basis: Some(40), ..Options::default() };
            let found = lanczos(n, differences, &options).unwrap();
            for (i, value) in found.values.iter().enumerate() {
                let k = if last { n - i } else { i + 1 };
                let exact = 2.0 - 2.0 * (k as f64 * PI / (n + 1) as f64).cos();
                close(*value, exact, 0.0, 1e-12);
            }
            assert!(found.residuals.iter().all(|r| *r < 1e-11), "{:?}", found.residuals);
        }
    }

    #[test]
    fn survives_invariant_spaces_and_small_orders() {
        let identity = |v: &[f64], out: &mut [f64]| out.copy_from_slice(v);
        let options = Options { pairs: 3, ..Options::default() };
        let found = lanczos(50, identity, &options).unwrap();
        assert!(found.values.iter().all(|value| (value - 1.0).abs() < 1e-14));
        assert_eq!(lanczos(1, identity, &Options { pairs: 1, ..options }).unwrap().values, [1.0]);
        assert!(lanczos(2, identity, &options).is_err());
    }
}
