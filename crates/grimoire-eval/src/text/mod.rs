//! Metrics that compare a text with reference texts, each from integer counts per segment, so that an
//! interval or a test needs the counts only, never the texts again.

pub mod bleu;
pub mod chrf;
mod clipped;
pub mod porter;
pub mod rouge;
mod signature;
pub mod squad;
pub mod ter;
pub mod tokenize;
mod whitespace;

use crate::EvalError;

/// How many references every segment has, when it is the same number for all.
pub fn reference_count<S>(references: &[Vec<S>]) -> Option<usize> {
    let first = references.first()?.len();
    references.iter().all(|these| these.len() == first).then_some(first)
}

/// As many lists of references as hypotheses, at least one, and no list empty.
fn check_parallel<S>(
    metric: &'static str,
    n_hypotheses: usize,
    references: &[Vec<S>],
) -> Result<(), EvalError> {
    if n_hypotheses != references.len() {
        return Err(EvalError::Lengths {
            metric,
            left_name: "the hypothesis".to_owned(),
            left: n_hypotheses,
            right_name: "the reference".to_owned(),
            right: references.len(),
        });
    }
    if n_hypotheses == 0 {
        return Err(EvalError::Empty { metric });
    }
    match references.iter().position(Vec::is_empty) {
        Some(index) => Err(EvalError::NoReference { metric, segment: index + 1 }),
        None => Ok(()),
    }
}
