//! What the whole program does with what is broken: files of every kind cut and flipped, weights and losses that
//! are no numbers, a full disk, no permission. Each is refused in one line that names the file and the place,
//! with exit code 1 or 2; nothing panics, hangs or takes memory without bound, and nothing saved is lost.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod bench;
mod disk;
mod files;
mod models;
mod numbers;
mod permission;
mod rows;
mod templates;
