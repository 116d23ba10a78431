//! The command line: one module per noun, one argument struct per command, in that command's file.
//! A command reads its arguments, calls `app` or a library, and hands the report to the printer.

mod book;
mod model;
mod stats;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::{Parser, Subcommand};

/// A language-model workbench: adapt a model to your data, measure honestly whether it got better,
/// and look inside it, on the machine you have.
#[derive(Parser)]
#[command(name = "grimoire", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Print the typed report as JSON and nothing else.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No talk on standard error.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Book(book::Book),
    Model(model::Model),
    Stats(stats::Stats),
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli, printer: &mut Printer) -> Outcome {
    match cli.command {
        Command::Book(book) => book::run(book, printer),
        Command::Model(model) => model::run(model, printer),
        Command::Stats(stats) => stats::run(stats, printer),
    }
}
