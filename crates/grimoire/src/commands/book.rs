//! `grimoire book`: lists the entries, or shows the page of one in the terminal.

use crate::app::book::{self, Entry, Page};
use crate::failure::{Failure, Outcome};
use crate::markdown::{self, Look};
use crate::printer::Printer;
use clap::Args;

/// The glossary: every entry explained, with examples that run. Without a name, lists the entries.
#[derive(Args)]
pub(crate) struct Book {
    /// The entry, as in `grimoire book softmax` or `grimoire book kl divergence`.
    #[arg(value_name = "ENTRY")]
    entry: Vec<String>,
    /// Print the Markdown text as it is.
    #[arg(long, requires = "entry")]
    raw: bool,
}

/// Runs the command.
pub(crate) fn run(book: Book, printer: &mut Printer) -> Outcome {
    let look = Look { width: printer.width(), colour: printer.colour() };
    if book.entry.is_empty() {
        return printer.report(&book::entries(), |entries| list(entries, look));
    }
    let asked = book.entry.join(" ");
    let page = book::find(&asked).map_err(|near| unknown(&asked, &near))?;
    printer.report(&page, |page: &Page| {
        if book.raw { page.text.to_owned() } else { markdown::render(page.text, look) }
    })
}

fn unknown(asked: &str, near: &[&str]) -> Failure {
    let failure = Failure::usage(format!("the book has no entry `{asked}`"));
    match near {
        [] => failure.hint("`grimoire book` lists the entries"),
        [one] => failure.hint(format!("did you mean `{one}`?")),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|name| format!("`{name}`")).collect();
            failure.hint(format!("did you mean {} or `{last}`?", most.join(", ")))
        }
    }
}

/// One line for each entry: its name and its summary.
fn list(entries: &[Entry], look: Look) -> String {
    let longest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for Entry { name, summary, .. } in entries {
        let gap = " ".repeat(longest - name.len() + 2);
        let room = look.width.saturating_sub(longest + 2).max(20);
        let summary = markdown::shortened(summary, room);
        out.push_str(&format!("{}{gap}{summary}\n", look.bold(name)));
    }
    out
}
