//! Tolerances, the golden reader, real-data paths and made-up numbers for the tests of the workspace; never ships.
//! A comparison states its bound; a test that lacks its data says so by name, and is counted.

pub mod close;
pub mod golden;
pub mod material;
pub mod values;

pub use close::{all_close, close};
pub use material::{models_dir, repository_root, shared_data, skip, slow};
pub use values::values;
