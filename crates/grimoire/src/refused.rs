//! What is said of a call that cannot be read: one line that names the word, and a hint. The reader of the command
//! line (clap) would say it in a paragraph. Help and versions are not refusals and are printed as they are.

use crate::failure::Failure;
use clap::error::ErrorKind;
use std::ffi::OsString;

/// Numbers may be negative wherever a value may stand, so that `-3` is refused as a count and not as an option.
pub(crate) fn numbers_may_be_negative(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let takes = arg.get_action().takes_values();
            arg.allow_negative_numbers(takes)
        })
        .mut_subcommands(numbers_may_be_negative)
}

/// The words of a call, where `-1,2,3`, `-.5` and `-1e-3` after `stats` are written so that clap takes them for numbers
/// and not for options: a list begins with a comma, a number is written out.
pub(crate) fn with_negative_numbers(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut numbers, mut verbatim) = (false, false);
    let rewritten = |word: OsString| {
        verbatim |= word == "--";
        numbers |= word == "stats";
        let found = word.to_str().filter(|_| numbers && !verbatim).and_then(negative);
        found.map_or(word, OsString::from)
    };
    words.map(rewritten).collect()
}

fn negative(word: &str) -> Option<String> {
    let begins = word.strip_prefix('-')?.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let values: Option<Vec<f64>> =
        word.split(',').filter(|piece| !piece.is_empty()).map(|piece| piece.parse().ok()).collect();
    match values?[..] {
        _ if !begins => None,
        [value] if word.contains(['e', 'E']) || word.starts_with("-.") => Some(value.to_string()),
        [_] => None,
        _ => Some(format!(",{word}")),
    }
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
    // What cannot stand together is not shown together.
    let usage = usage.filter(|_| kind != ErrorKind::ArgumentConflict);
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
    fn negative_numbers_are_told_from_options() {
        let words = |line: &str| -> Vec<String> {
            let words = with_negative_numbers(line.split(' ').map(OsString::from));
            words.into_iter().map(|word| word.into_string().unwrap()).collect()
        };
        for (line, expected) in [
            ("stats mean -1,2,3", "stats mean ,-1,2,3"),
            ("stats mean -.5 -2 1", "stats mean -0.5 -2 1"),
            ("stats test t 1,2 --mu -1e-3", "stats test t 1,2 --mu -0.001"),
            ("stats mean -- -1,2", "stats mean -- -1,2"),
            ("stats eigen -1,2;3,4 -q -1.x", "stats eigen -1,2;3,4 -q -1.x"),
            ("generate model -1,2", "generate model -1,2"),
        ] {
            assert_eq!(words(line).join(" "), expected);
        }
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
