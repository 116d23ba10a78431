//! Linear models: least squares with its diagnostics, ridge, lasso and elastic net, logistic regression
//! with the same penalties.
//!
//! The ground is [`twofold`] (arithmetic of 32 digits), [`vector`] (sums in a fixed order) and
//! [`design`] (dense and sparse tables of predictors).

pub mod design;
pub mod least_squares;
pub mod ols;
pub mod path;
mod refined;
pub mod ridge;
pub mod twofold;
pub mod vector;

pub use design::{Columns, Design, Sparse};
