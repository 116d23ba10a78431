//! Every operation against its definition: an f64 version written here from the equation, the forward pass
//! compared value by value, the backward pass by central differences of that definition, on every
//! instruction set of the machine; and the same bits on one, two and three threads.
//! Nothing here shares code with the operations.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test: a failing case names itself"
)]

mod attention;
mod harness;
mod linear;
mod loss;
mod rows;
mod tape;
