//! Entropy of numbers that pass by once, in constant memory.
//!
//! ```text
//! H = log N − Σ n log n / N,   N = Σ n
//! ```
//!
//! The same sums serve counts (N any total) and probabilities (N must be one). Source: C. Shannon, *A mathematical
//! theory of communication* (1948), the entropy of section 6, written for counts.
//!
//! Accuracy: both sums are held to twice the precision of f64, so that a billion values cost no digits; 10⁻¹⁵
//! beside the list in the tests.

use super::SUM_TOLERANCE;
use crate::error::{Error, Result};
use crate::linear::twofold::Twofold;

/// The two sums Σ n and Σ n log n, in twice the precision, and how many values they hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntropySum {
    n: u64,
    total: Twofold,
    weighted: Twofold,
}

impl EntropySum {
    /// Takes the next count or probability v into Σ v and Σ v log v.
    ///
    /// Domain: finite v ≥ 0; zero adds nothing but its place. Method: sums in twice the precision.
    /// Accuracy: one rounding of each logarithm, about 30 digits of the sums. Source: T. Dekker
    /// (1971) for the arithmetic.
    ///
    /// # Errors
    /// When it is negative, infinite or NaN; says which it was.
    pub fn push(&mut self, value: f64) -> Result<()> {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::At {
                what: "the values",
                index: self.n as usize,
                value,
                expected: "a finite number of at least 0",
            });
        }
        self.n += 1;
        self.total = self.total + Twofold::from(value);
        if value > 0.0 {
            self.weighted = self.weighted + Twofold::product(value, value.ln());
        }
        Ok(())
    }

    /// Values so far, zeros included.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// H = log N − Σ n log n / N with N = Σ n: entropy in nats of the values as counts.
    ///
    /// Domain: a total above 0. Method: the difference in twice the precision, held to at least 0.
    /// Accuracy: relative error at most 10⁻¹⁵ beside [`super::entropy`] of the list, as tested; the
    /// difference cancels where one value has nearly all. Source: C. Shannon (1948), section 6.
    ///
    /// # Errors
    /// When there are none or all are zero.
    pub fn of_counts(&self) -> Result<f64> {
        if self.n == 0 {
            return Err(Error::Empty { what: "the list of counts" });
        }
        let total = self.total.value();
        if total == 0.0 {
            return Err(Error::Degenerate { what: "the counts", why: "all are zero" });
        }
        let entropy = Twofold::from(total.ln()) - self.weighted / self.total;
        Ok(entropy.value().max(0.0))
    }

    /// H = log N − Σ p log p / N with N = Σ p: entropy in nats of the values as probabilities.
    ///
    /// Domain: a sum within [`SUM_TOLERANCE`] of one, which is divided out. Method: as
    /// [`EntropySum::of_counts`]. Accuracy: as there. Source: C. Shannon (1948), section 6.
    ///
    /// # Errors
    /// When there are none, or they do not sum to one (so that one above 1 is found by the sum).
    pub fn of_probabilities(&self) -> Result<f64> {
        let found = self.total.value();
        if self.n > 0 && (found - 1.0).abs() > SUM_TOLERANCE {
            return Err(Error::Sum { what: "the probabilities", found, expected: 1.0 });
        }
        self.of_counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    #[test]
    fn agrees_with_the_list() {
        let mut sum = EntropySum::default();
        [3.0, 0.0, 1.0, 4.0].iter().for_each(|&k| sum.push(k).unwrap());
        let list = super::super::Distribution::counts(&[3.0, 0.0, 1.0, 4.0]).unwrap();
        close(sum.of_counts().unwrap(), super::super::entropy(&list), 1e-15, 0.0);
        assert!(sum.of_probabilities().is_err() && sum.push(-1.0).is_err());
        assert!(EntropySum::default().of_counts().is_err());
    }
}
