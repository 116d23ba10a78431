//! Chance, averages, information, linear models and eigenvectors in f64.
//!
//! The crate is meant to be read in the order of this list. It knows numbers and nothing of language
//! models: whoever has texts or losses brings the numbers here and takes a [`record::Record`] home.
//!
//! *The ground:* [`error`] (what a wrong value is told), [`record`] (the one shape of every result),
//! [`random`] (randomness as a function of seed, stream and index).
#![forbid(unsafe_code)]

pub mod bayes;
pub mod dist;
pub mod error;
pub mod interval;
pub mod multiple;
pub mod power;
pub mod random;
pub mod record;
pub mod resample;
pub mod special;
pub mod test;

pub use error::{Error, Result};
pub use record::{Alternative, Effect, Interval, Record};
