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
