//! What a wrong value is told: the parameter, the place, the value found and what was expected.
//! Values outside a domain are errors, never a quiet NaN.
//!
//! The checks below hand a good value back and describe a bad one. Equation: each says its
//! condition. Domain: every f64, NaN included, which fulfils no condition. Method: comparisons and
//! no arithmetic, so that a value comes back bit for bit. Source: IEEE 754 (2019), 5.11, by which
//! NaN compares false with everything. They do not print: the binary does.

/// The result of every function of this crate that can be asked something impossible.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a question has no answer. Each variant holds what its message prints: names as they stand in
/// a sentence, values as they were found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter lies outside its domain.
    #[error("{what} is {value}, expected {expected}")]
    Domain {
        /// The parameter.
        what: &'static str,
        /// What it was.
        value: f64,
        /// What it may be, in words.
        expected: &'static str,
    },
    /// One of many values lies outside the domain.
    #[error("value {} of {what} is {value}, expected {expected}", index + 1)]
    At {
        /// The list.
        what: &'static str,
        /// Its position, counted from zero (printed from one).
        index: usize,
        /// What it was.
        value: f64,
        /// What it may be, in words.
        expected: &'static str,
    },
    /// Nothing was given.
    #[error("{what}: nothing given")]
    Empty {
        /// The list.
        what: &'static str,
    },
    /// Not enough was given.
    #[error("{what}: {found} given, expected at least {needed}")]
    TooFew {
        /// The list.
        what: &'static str,
        /// The least that has an answer.
        needed: usize,
        /// How many there were.
        found: usize,
    },
    /// Two lists that belong together differ in length.
    #[error("{left}: {n_left}, {right}: {n_right}, expected as many of each")]
    Lengths {
        /// The first list.
        left: &'static str,
        /// Its length.
        n_left: usize,
        /// The second list.
        right: &'static str,
        /// Its length.
        n_right: usize,
    },
    /// A list does not sum to what it must.
    #[error("{what} sum to {found}, expected {expected}")]
    Sum {
        /// The list, as a plural.
        what: &'static str,
        /// Its sum.
        found: f64,
        /// What the sum must be.
        expected: f64,
    },
    /// The data cannot answer the question, though every value is allowed.
    #[error("{what}: {why}")]
    Degenerate {
        /// The question.
        what: &'static str,
        /// Why it has no answer here.
        why: &'static str,
    },
    /// An iteration used up its steps.
    #[error("{what} did not converge in {iterations} iterations, last change {change:e}")]
    NoConvergence {
        /// The computation.
        what: &'static str,
        /// Steps taken.
        iterations: usize,
        /// How much the last step changed.
        change: f64,
    },
}

impl Error {
    /// Whether the question was wrong (a value outside its domain, too few, lists that do not fit), and
    /// not one that allowed data cannot answer.
    pub fn is_wrong_question(&self) -> bool {
        !matches!(self, Self::Degenerate { .. } | Self::NoConvergence { .. })
    }
}

/// `value` if 0 ≤ `value` ≤ 1: a probability. `what` names it in the message.
///
/// Domain: any number; NaN and ±∞ are refused. Method: two comparisons. Accuracy: exact, the value
/// comes back as it was. Source: A. Kolmogorov, *Grundbegriffe der Wahrscheinlichkeitsrechnung*
/// (1933), for the bounds.
///
/// # Errors
/// [`Error::Domain`] otherwise, NaN included.
///
/// ```
/// use grimoire_stats::error::probability;
/// assert_eq!(probability("p", 0.25), Ok(0.25));
/// let message = probability("p", 1.5).unwrap_err().to_string();
/// assert_eq!(message, "p is 1.5, expected a probability from 0 to 1");
/// ```
pub fn probability(what: &'static str, value: f64) -> Result<f64> {
    inside(what, value, (0.0..=1.0).contains(&value), "a probability from 0 to 1")
}

/// `value` if 0 < `value` < 1: confidence levels, error rates. `what` names it in the message.
///
/// Domain: any number; the ends, NaN and ±∞ are refused. Method: two comparisons. Accuracy: exact,
/// the value comes back as it was. Source: IEEE 754 (2019), 5.11, for NaN.
///
/// # Errors
/// [`Error::Domain`] otherwise, NaN included.
pub fn open_unit(what: &'static str, value: f64) -> Result<f64> {
    inside(what, value, value > 0.0 && value < 1.0, "a number strictly between 0 and 1")
}

/// `value` if 0 < `value` < ∞. `what` names it in the message.
///
/// Domain: any number; zero of either sign, NaN and ±∞ are refused. Method: two comparisons.
/// Accuracy: exact, the value comes back as it was. Source: IEEE 754 (2019), 5.11, for NaN.
///
/// # Errors
/// [`Error::Domain`] otherwise, NaN included.
pub fn positive(what: &'static str, value: f64) -> Result<f64> {
    inside(what, value, value > 0.0 && value.is_finite(), "a positive finite number")
}

/// `value` if 0 ≤ `value` < ∞. `what` names it in the message.
///
/// Domain: any number; NaN and ±∞ are refused, −0 passes. Method: two comparisons. Accuracy: exact,
/// the value comes back as it was. Source: IEEE 754 (2019), 5.11, for NaN.
///
/// # Errors
/// [`Error::Domain`] otherwise, NaN included.
pub fn not_negative(what: &'static str, value: f64) -> Result<f64> {
    inside(what, value, value >= 0.0 && value.is_finite(), "a finite number of at least 0")
}

/// `value` if |`value`| < ∞, neither infinite nor NaN. `what` names it in the message.
///
/// Domain: any number. Method: [`f64::is_finite`]. Accuracy: exact, the value comes back as it was.
/// Source: IEEE 754 (2019), 5.7.2, `isFinite`.
///
/// # Errors
/// [`Error::Domain`] otherwise.
pub fn finite(what: &'static str, value: f64) -> Result<f64> {
    inside(what, value, value.is_finite(), "a finite number")
}

/// `value` if `allowed`, else the error that says what was `expected`: for a condition of the
/// caller's own, such as x ≤ n.
///
/// Domain: any number, which is not looked at. Method: none, the caller has compared. Accuracy:
/// exact, the value comes back as it was. Source: the caller's.
///
/// # Errors
/// [`Error::Domain`] when not allowed.
pub fn inside(
    what: &'static str,
    value: f64,
    allowed: bool,
    expected: &'static str,
) -> Result<f64> {
    if allowed { Ok(value) } else { Err(Error::Domain { what, value, expected }) }
}

/// `values` if there are n ≥ `needed` of them, n > 0, and every one is finite.
///
/// Domain: any list. Method: a walk that stops at the first value that is infinite or NaN.
/// Accuracy: exact, the list comes back as it was. Source: IEEE 754 (2019), 5.7.2, `isFinite`.
///
/// # Errors
/// [`Error::Empty`], [`Error::TooFew`], or [`Error::At`] for the first that is infinite or NaN.
pub fn sample<'a>(what: &'static str, values: &'a [f64], needed: usize) -> Result<&'a [f64]> {
    if values.is_empty() {
        return Err(Error::Empty { what });
    }
    if values.len() < needed {
        return Err(Error::TooFew { what, needed, found: values.len() });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => {
            Err(Error::At { what, index, value: values[index], expected: "a finite number" })
        }
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_which_value_and_what_was_expected() {
        let message = probability("p", 1.5).unwrap_err().to_string();
        assert_eq!(message, "p is 1.5, expected a probability from 0 to 1");
        let message = sample("x", &[1.0, f64::NAN], 2).unwrap_err().to_string();
        assert_eq!(message, "value 2 of x is NaN, expected a finite number");
        let message = sample("x", &[1.0], 2).unwrap_err().to_string();
        assert_eq!(message, "x: 1 given, expected at least 2");
        assert!(open_unit("level", 1.0).is_err() && positive("scale", 0.0).is_err());
    }
}
