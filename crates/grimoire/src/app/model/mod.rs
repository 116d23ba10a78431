//! What can be done with a model as a file: look at it, merge an adapter into it, carry an adapter from
//! one format to the other. Nothing here trains or generates.

pub(crate) mod adapter;
pub(crate) mod info;
pub(crate) mod merge;
