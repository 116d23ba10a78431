//! Answers from the data's own variation: bootstrap intervals, permutation tests, approximate
//! randomisation, cluster-robust standard errors.
//!
//! Every resample has its own random stream and is computed whole by one thread, so results do not
//! depend on the number of threads; memory does not grow with the number of resamples times n.

pub mod bootstrap;
pub mod cluster;
mod counts;
pub mod permutation;
mod strata;
mod units;

pub use bootstrap::{Bootstrap, Kind};
pub use cluster::clustered_mean;
pub use units::Plan;
