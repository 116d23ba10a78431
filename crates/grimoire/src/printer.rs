//! The one place that writes to the terminal: data on standard output, talk on standard error.
//! Not a logger: a command hands over finished text or a typed report.

use crate::failure::{Failure, Outcome};
use crate::listening::Drawn;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// No terminal, one that has none, or a person who wants none.
    None,
    /// The eight of old.
    Eight,
    /// The 256 that most share.
    Many,
}

impl Colours {
    /// By what `TERM` and `COLORTERM` say of the terminal.
    fn of(term: Option<&str>, colorterm: Option<&str>) -> Self {
        let term = term.unwrap_or(if cfg!(windows) { "windows-256color" } else { "" });
        let many = ["256color", "direct", "kitty", "alacritty", "ghostty", "wezterm", "foot"];
        match term {
            "dumb" => Self::None,
            _ if colorterm.is_some_and(|value| !value.is_empty()) => Self::Many,
            _ if many.iter().any(|kind| term.contains(kind)) => Self::Many,
            _ => Self::Eight,
        }
    }
}

/// Writes data and talk; knows whether to colour, to draw progress, or to speak JSON.
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    colours: Colours,
    progress: bool,
    pub(crate) drawn: Drawn,
}

impl Printer {
    /// Reads `NO_COLOR`, `TERM`, `COLORTERM` and whether the streams are terminals.
    pub(crate) fn from_environment(json: bool, quiet: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let variable = |name| std::env::var(name).ok();
        let colours = Colours::of(variable("TERM").as_deref(), variable("COLORTERM").as_deref());
        let coloured = !no_colour && std::io::stdout().is_terminal();
        Self {
            json,
            quiet,
            colours: if coloured { colours } else { Colours::None },
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
        self.colours != Colours::None
    }

    /// How many colours standard output takes.
    pub(crate) fn colours(&self) -> Colours {
        self.colours
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
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(Failure::standard_output)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_has_the_colours_that_it_says() {
        for (term, colorterm, expected) in [
            (Some("xterm-256color"), None, Colours::Many),
            (Some("xterm"), Some("truecolor"), Colours::Many),
            (Some("xterm-kitty"), None, Colours::Many),
            (Some("linux"), None, Colours::Eight),
            (Some("screen"), Some(""), Colours::Eight),
            (Some("dumb"), Some("truecolor"), Colours::None),
        ] {
            assert_eq!(Colours::of(term, colorterm), expected, "{term:?} {colorterm:?}");
        }
    }
}
