//! Slice-level maths with a run-time choice of instruction set; a plain twin of each kernel.
//!
//! Safe functions over slices. Kernels write into slices that the caller owns, know nothing of gradients
//! as a concept (a backward kernel is a function like any other), and give the same bits for any number
//! of threads: work is cut by fixed sizes and every sum has a fixed order.
//!
//! This is the only crate with arithmetic in `unsafe`: the tile of the matrix product, and the sharing of
//! an output between pieces that write disjoint parts of it.

pub mod attention;
mod exp;
pub mod gemm;
pub mod isa;
pub mod parallel;
pub mod rows;
pub mod storage;

pub use gemm::{
    Lhs, Precision, Rhs, Stored, dot, gemm, gemm_pair, gemm_pair_with, gemm_several, gemm_with,
};
pub use isa::Isa;
pub use storage::StorageType;
