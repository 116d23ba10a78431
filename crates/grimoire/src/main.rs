//! The `grimoire` binary: reads the command line, runs one command, turns its outcome into an exit
//! code. It computes nothing itself: commands call `app`, `app` calls the library crates.

#![forbid(unsafe_code)]

mod app;
mod commands;
mod failure;
mod listening;
mod markdown;
mod printer;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and versions to stdout with code 0, mistakes to stderr with code 2.
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let mut printer = printer::Printer::from_environment(cli.json, cli.quiet);
    match commands::run(cli, &mut printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
