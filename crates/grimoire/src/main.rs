//! The `grimoire` binary: reads the command line, runs one command, turns its outcome into an exit
//! code. It computes nothing itself: commands call `app`, `app` calls the library crates.

#![forbid(unsafe_code)]

mod app;
mod commands;
mod failure;
mod listening;
mod markdown;
mod printer;
mod refused;

use clap::{CommandFactory, FromArgMatches};
use grimoire_tune::data::PARQUET_READER;
use std::process::ExitCode;

fn main() -> ExitCode {
    speak_of_our_own_panics();
    outlive_limits_of_files();
    let command = refused::numbers_may_be_negative(commands::Cli::command());
    let words = refused::with_negative_numbers(std::env::args_os());
    let read = command
        .try_get_matches_from(words)
        .and_then(|found| commands::Cli::from_arg_matches(&found));
    let cli = match read {
        Ok(cli) => cli,
        Err(error) => {
            let mut printer = printer::Printer::from_environment(false, false);
            if let Some(failure) = refused::refused(&error) {
                printer.failure(&failure);
            } else if let Err(full) = error.print() {
                // Help and versions go to stdout with code 0, help that was not asked for to stderr with code 2.
                if !error.use_stderr() {
                    return ended(&mut printer, &failure::Failure::standard_output(full));
                }
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut printer = printer::Printer::from_environment(cli.json, cli.quiet);
    match commands::run(cli, &mut printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ended(&mut printer, &failure),
    }
}

/// Says why a command stopped, unless its reader went away.
fn ended(printer: &mut printer::Printer, failure: &failure::Failure) -> ExitCode {
    if failure.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    printer.failure(failure);
    ExitCode::from(failure.exit_code())
}

/// A file that grows beyond what the shell allows ends a program by a signal, unless somebody hears it; then the write
/// fails, as on a full disk.
fn outlive_limits_of_files() {
    #[cfg(unix)]
    {
        let heard = std::sync::Arc::default();
        // Where no handler can be had, the limit ends the program as it always does.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, heard);
    }
}

/// A damaged Parquet file makes the library that reads it panic; the error that follows is all that is said of it.
fn speak_of_our_own_panics() {
    let speak = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(PARQUET_READER) {
            speak(panic);
        }
    }));
}
