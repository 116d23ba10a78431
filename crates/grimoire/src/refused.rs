//! What is said of a call that cannot be read: one line that names the word, and a hint. The reader of the command
//! line (clap) would say it in a paragraph. Help and versions are not refusals and are printed as they are.

use crate::failure::Failure;
use clap::error::ErrorKind;

/// Numbers may be negative wherever a value may stand, so that `-3` is refused as a count and not as an option.
pub(crate) fn numbers_may_be_negative(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let takes = arg.get_action().takes_values();
            arg.allow_negative_numbers(takes)
        })
        .mut_subcommands(numbers_may_be_negative)
}

/// The refusal, or nothing where the text is help or a version.
pub(crate) fn refused(error: &clap::Error) -> Option<Failure> {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    let kind = error.kind();
    if matches!(kind, DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand) {
        return None;
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let line = words.join(" ");
    let failure = Failure::usage(plainly(line.trim_start_matches("error: ")));
    let rest: Vec<&str> = paragraphs.map(str::trim).collect();
    let tips =
        rest.iter().flat_map(|text| text.lines()).filter_map(|l| l.trim().strip_prefix("tip: "));
    let tips: Vec<&str> = tips.collect();
    if !tips.is_empty() {
        return Some(failure.hint(tips.join("; ")));
    }
    let usage = rest.iter().find_map(|text| text.strip_prefix("Usage: "));
    Some(match usage {
        Some(usage) if !usage.contains('\n') => failure.hint(usage),
        _ => failure.hint("--help after the command says what it takes"),
    })
}

/// Reasons of the number parsers, in words for the person who typed.
fn plainly(line: &str) -> String {
    let whole = "a whole number in digits was expected";
    [
        ("cannot parse integer from empty string", whole),
        ("invalid digit found in string", whole),
        ("number too large to fit in target type", "the number is too large"),
        ("invalid float literal", "a number was expected"),
        ("cannot parse float from empty string", "a number was expected"),
    ]
    .iter()
    .fold(line.to_owned(), |line, (from, to)| line.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command, value_parser};

    fn said(words: &[&str]) -> String {
        let count = Arg::new("n").required(true).value_parser(value_parser!(u64));
        let command = Command::new("grimoire")
            .subcommand(Command::new("of").arg(count))
            .subcommand(Command::new("other"))
            .subcommand_required(true);
        let error = numbers_may_be_negative(command).try_get_matches_from(words).unwrap_err();
        refused(&error).map_or_else(String::new, |failure| {
            format!("{failure} / {}", failure.hint_line().unwrap_or_default())
        })
    }

    #[test]
    fn a_refusal_is_one_line_that_names_the_word() {
        let whole = "a whole number in digits was expected";
        for word in ["-3", "2.5", "x"] {
            let line = said(&["grimoire", "of", word]);
            assert!(
                line.starts_with(&format!("invalid value '{word}' for '<n>': {whole}")),
                "{line}"
            );
        }
        let line = said(&["grimoire", "of"]);
        assert!(
            line.starts_with("the following required arguments were not provided: <n> / "),
            "{line}"
        );
        assert!(said(&["grimoire", "othr"]).ends_with("/ a similar subcommand exists: 'other'"));
        assert_eq!(said(&["grimoire", "--help"]), "");
    }
}
