//! The tests of the whole workspace in release mode, then the inventory of what was skipped and why.
//! A test that lacks its data or its time leaves a note in `target/skipped`; here they are read out.

use crate::repository;
use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

/// Runs `cargo test --release --workspace` with the arguments given; ends as cargo did.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let notes = repository::root().join("target/skipped");
    if notes.exists() {
        std::fs::remove_dir_all(&notes).context("target/skipped")?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--release", "--workspace"])
        .args(arguments)
        .current_dir(repository::root())
        .status()
        .context("cargo does not start")?;
    let mut skipped = Vec::new();
    if notes.exists() {
        for entry in std::fs::read_dir(&notes)? {
            skipped.push(std::fs::read_to_string(entry?.path())?.trim().to_owned());
        }
    }
    skipped.sort();
    println!("\nskipped: {}", skipped.len());
    skipped.iter().for_each(|line| println!("  {line}"));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
