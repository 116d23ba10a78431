//! Every operation against its definition: an f64 version written here from the equation, the forward pass
//! compared value by value, the backward pass by central differences of that definition, on every
//! instruction set of the machine; and the same bits on one, two and three threads.
//! Nothing here shares code with the operations.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod attention;
mod harness;
mod linear;
mod loss;
mod rows;
mod tape;
