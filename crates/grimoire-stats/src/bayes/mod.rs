//! Bayes' theorem: from what was believed and how well each hypothesis foretold the evidence, to what
//! to believe now.
//!
//! P(H | E) = P(E | H) P(H) / Σ P(E | H′) P(H′). [`evidence`] has the theorem itself for any number of
//! hypotheses and pieces of evidence, in log space, with the derivation kept; [`conjugate`] the
//! posteriors of rates and proportions in closed form and exact comparisons of two; [`factor`] Bayes
//! factors against a point hypothesis.

pub mod conjugate;
pub mod evidence;
pub mod factor;
