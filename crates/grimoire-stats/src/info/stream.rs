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

/// The two sums.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntropySum {
    n: u64,
    total: Twofold,
    weighted: Twofold,
}

impl EntropySum {
    /// Takes the next count or probability.
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

    /// Entropy in nats of the values as counts.
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

    /// Entropy in nats of the values as probabilities.
    ///
    /// # Errors
    /// When there are none, one exceeds 1, or they do not sum to one.
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
