//! The one place that writes to the terminal: data on standard output, talk on standard error.
//! Not a logger: a command hands over finished text or a typed report.

use crate::failure::{Failure, Outcome};
use crate::listening::Drawn;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Writes data and talk; knows whether to colour, to draw progress, or to speak JSON.
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    colour: bool,
    progress: bool,
    pub(crate) drawn: Drawn,
}

impl Printer {
    /// Reads `NO_COLOR` and whether the streams are terminals.
    pub(crate) fn from_environment(json: bool, quiet: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            quiet,
            colour: !no_colour && std::io::stdout().is_terminal(),
            progress: !quiet && std::io::stderr().is_terminal(),
            drawn: Drawn::default(),
        }
    }

    /// Whether `--json` was given.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether standard output takes colour.
    pub(crate) fn colour(&self) -> bool {
        self.colour
    }

    /// Whether a progress bar may be drawn on standard error.
    pub(crate) fn progress(&self) -> bool {
        self.progress
    }

    /// Columns for text on standard output: those of the terminal up to 100, `COLUMNS` when set to a
    /// number, else 80.
    pub(crate) fn width(&self) -> usize {
        let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let terminal = || terminal_size::terminal_size_of(std::io::stdout());
        let columns = set.or_else(|| terminal().map(|(width, _)| usize::from(width.0)));
        columns.unwrap_or(80).clamp(20, 100)
    }

    /// Writes data to standard output exactly as given.
    pub(crate) fn data(&mut self, text: &str) -> Outcome {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Writes a line of talk to standard error, unless `--quiet`.
    pub(crate) fn talk(&mut self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// A progress bar on standard error, hidden when it is no terminal.
    pub(crate) fn bar(&self, length: u64, what: &str) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(length).with_message(what.to_owned());
        let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    }

    /// Asks for input: a prompt without a line end.
    pub(crate) fn ask(&mut self, prompt: &str) {
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    }

    /// Prints the report: as one JSON document with `--json`, else the text that `render` makes.
    pub(crate) fn report<T: Serialize>(
        &mut self,
        report: &T,
        render: impl FnOnce(&T) -> String,
    ) -> Outcome {
        let mut text =
            if self.json { serde_json::to_string_pretty(report)? } else { render(report) };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.data(&text)
    }

    /// The closing line of a command that could not do its work.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "error: {failure}");
        if let Some(hint) = failure.hint_line() {
            let _ = writeln!(err, "hint: {hint}");
        }
    }
}
