//! The command line: one module per noun, one argument struct per command, in that command's file.
//! A command reads its arguments, calls `app` or a library, and hands the report to the printer.

mod book;
mod chat;
mod compare;
mod eval;
mod fit;
mod generate;
mod model;
mod score;
mod stats;
mod surprise;
mod tune;

use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::{Parser, Subcommand};

/// Most threads that may be asked for.
const MOST_THREADS: usize = 512;

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
    /// Threads to compute with; results do not depend on it.
    #[arg(long, global = true)]
    threads: Option<usize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Book(book::Book),
    Chat(chat::Chat),
    Compare(compare::Compare),
    Eval(eval::Eval),
    Fit(fit::Fit),
    Generate(generate::Generate),
    Model(model::Model),
    Score(score::Score),
    Stats(stats::Stats),
    Surprise(surprise::Surprise),
    Tune(Box<tune::Tune>),
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli, printer: &mut Printer) -> Outcome {
    if let Some(threads) = cli.threads {
        if !(1..=MOST_THREADS).contains(&threads) {
            let problem = format!("--threads {threads}: expected 1 to {MOST_THREADS}");
            return Err(Failure::usage(problem).hint("more than there are cores gains nothing"));
        }
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    match cli.command {
        Command::Book(book) => book::run(book, printer),
        Command::Chat(chat) => chat::run(chat, printer),
        Command::Compare(compare) => compare::run(compare, printer),
        Command::Eval(eval) => eval::run(eval, printer),
        Command::Fit(fit) => fit::run(fit, printer),
        Command::Generate(generate) => generate::run(generate, printer),
        Command::Model(model) => model::run(model, printer),
        Command::Score(score) => score::run(score, printer),
        Command::Stats(stats) => stats::run(stats, printer),
        Command::Surprise(surprise) => surprise::run(surprise, printer),
        Command::Tune(tune) => tune::run(*tune, printer),
    }
}
