//! The repository's own chores, run as `cargo xtask <chore>`: checks that the rules of the house hold,
//! fetches what the tests need, remakes what is recorded. It never ships and the product never calls it.

#![expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]

mod builtin;
mod golden;
mod layers;
mod measure;
mod models;
mod repository;
mod test;
mod tidy;

use std::process::ExitCode;

const CHORES: &str = "\
usage: cargo xtask <chore>

  test [ARGS]      every test of the workspace, then what was skipped and why
  tidy             the rules of the house: module docs, file sizes, words, names, golden scripts
  layers           crates depend downwards only; unsafe and sockets stay where they belong
  builtin          remakes the model and data inside the binary
  models           fetches the real model of the tests into target/models
  golden [NAME]    lists the scripts behind the recorded values, or runs one in a pinned environment
  bench [GROUP]    ours by shape, threads and storage type, beside the limit: shapes, types, inference
  peers [GROUP]    other programs and ours in turn: training (PyTorch with PEFT), reading (llama.cpp)
  chart            draws the last whole run of peers for the README";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match arguments.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("", &[][..]),
    };
    let done = match chore {
        "test" => return test::run(rest).unwrap_or_else(|error| stopped(&error)),
        "tidy" => tidy::run(),
        "layers" => layers::run(),
        "builtin" => builtin::run(rest),
        "models" => models::run(),
        "golden" => golden::run(rest),
        "bench" => measure::bench(rest),
        "peers" => measure::peers(rest),
        "chart" => measure::chart(),
        "" | "help" | "--help" | "-h" => {
            println!("{CHORES}");
            return ExitCode::from(if chore.is_empty() { 2 } else { 0 });
        }
        other => {
            println!("no chore `{other}`\n\n{CHORES}");
            return ExitCode::from(2);
        }
    };
    done.map_or_else(|error| stopped(&error), |()| ExitCode::SUCCESS)
}

fn stopped(error: &anyhow::Error) -> ExitCode {
    println!("error: {error:#}");
    ExitCode::FAILURE
}
