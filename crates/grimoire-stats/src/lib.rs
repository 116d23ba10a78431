//! Chance, averages, information, linear models and eigenvectors in f64.
//!
//! The crate is meant to be read in the order of this list. It knows numbers and nothing of language
//! models: whoever has texts or losses brings the numbers here and takes a [`record::Record`] home.
//!
//! *The ground:* [`error`] (what a wrong value is told), [`record`] (the one shape of every result),
//! [`random`] (randomness as a function of seed, stream and index).
//!
//! *Averages and information:* [`mean`] (power means, moving averages), [`info`] (entropy and its kin),
//! [`link`] (softmax, logit, argmax).
//!
//! *Models and shapes:* [`linear`] (least squares, ridge, lasso, logistic regression), [`eigen`]
//! (eigenvectors, principal components), [`dimension`] (its curse, and the way out), [`game`] (balances
//! of power and whether they hold).
//!
//! # How to read a page
//!
//! A module opens with its equations, its method and its sources; a function says what it takes (its
//! domain, and the error for what lies outside), and how exact it is where that differs from this table.
//! Relative errors, measured by the test named, over the grids recorded in `golden/`:
//!
//! | what | error | against | test |
//! | --- | --- | --- | --- |
//! | tails of distributions, both sides, n to 10¹² | 10⁻¹² | mpmath, 60 digits | `special.rs` |
//! | ln gamma, error functions, normal quantile | 10⁻¹⁴ | mpmath, 60 digits | `special.rs` |
//! | logarithms of densities, p-values of tests | 10⁻¹² | R 4.2, scipy | `against_r.rs`, `against_scipy.rs` |
//! | ends of exact intervals, Kolmogorov–Smirnov, odds ratios, P(A > B), noncentral | 10⁻¹² | mpmath, 40 digits, from the definition | `against_mpmath.rs` |
//! | entropies, divergences, information, means | 10⁻¹² | mpmath, 40 digits | `info_golden.rs` |
//! | least squares: NIST's data sets | 14 to 15 digits | exact rational arithmetic | `linear_nist.rs` |
//! | lasso, elastic net, logistic paths | 10⁻⁷ of the coefficient | glmnet, scikit-learn | `linear_path.rs` |
//!
//! Coverage of every kind of interval is measured in `coverage.rs` and `coverage_models.rs`.
#![forbid(unsafe_code)]

pub mod bayes;
pub mod dimension;
pub mod dist;
pub mod eigen;
pub mod error;
pub mod game;
pub mod info;
pub mod interval;
pub mod linear;
pub mod link;
pub mod mean;
pub mod multiple;
pub mod power;
pub mod random;
pub mod record;
pub mod resample;
pub mod special;
pub mod test;

pub use error::{Error, Result};
pub use record::{Alternative, Effect, Interval, Record};
