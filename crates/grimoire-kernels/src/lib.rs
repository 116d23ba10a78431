//! Slice-level maths with a run-time choice of instruction set; a plain twin of each kernel.

pub mod storage;
