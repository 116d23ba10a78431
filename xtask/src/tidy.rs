//! The rules of the house that a program can check. Each check takes a file and says what is wrong with
//! it; long files and functions are reported, everything else stops the run. It formats nothing.

use crate::repository;
use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// A file may not be longer.
const HARD_LINES: usize = 800;
/// A file longer than this is reported.
const SOFT_LINES: usize = 600;
/// A function longer than this is reported.
const FUNCTION_LINES: usize = 60;
/// No file of the repository may be larger.
const MOST_BYTES: u64 = 4 << 20;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "misc", "base", "common", "helper", "helpers", "prelude"];

/// Pieces of text that belong in no file: places on somebody's machine, and words about how a text came
/// to be and not about the thing. Written in two parts, so that this list does not find itself.
const STRANGERS: [(&str, &str); 14] = [
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("/Us", "ers/"),
    ("/tm", "p/"),
    ("/wo", "rk/"),
    ("work", "tree"),
    ("sub", "agent"),
    ("language model as", "sistant"),
    ("as an A", "I"),
    ("clau", "de"),
    ("chat", "gpt"),
    ("lorem ", "ipsum"),
    ("blazing", "ly"),
    ("<<<<", "<<< "),
];

/// Marks of unfinished work, in code.
const UNFINISHED: [(&str, &str); 6] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("todo", "!("),
    ("unimpl", "emented!("),
    ("#[ign", "ore"),
];

/// Runs every check; prints what is wrong and what is long.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run() -> Result<()> {
    let files = repository::files()?;
    let mut wrong = Vec::new();
    let mut long = Vec::new();
    for file in &files {
        wrong.extend(name(file));
        let size = std::fs::metadata(repository::root().join(file))?.len();
        if size > MOST_BYTES {
            wrong.push(format!("{file}: {size} bytes, at most {MOST_BYTES}"));
        }
        let Some(text) = repository::text(file)? else { continue };
        wrong.extend(strangers(file, &text));
        if file.ends_with(".rs") {
            let (bad, reported) = rust(file, &text);
            wrong.extend(bad);
            long.extend(reported);
        }
        if file.starts_with("book/") && file.ends_with(".md") && file.matches('/').count() == 1 {
            wrong.extend(page(file, &text));
        }
        if ["ARCHITECTURE.md", "README.md", "bench/README.md"].contains(&file.as_str()) {
            wrong.extend(map(file, &text, &files));
        }
        if file.starts_with("crates/") && file.ends_with("Cargo.toml") {
            wrong.extend(manifest(file, &text));
        }
    }
    wrong.extend(golden(&files));
    if !long.is_empty() {
        println!("long, which is allowed but not liked:");
        long.iter().for_each(|line| println!("  {line}"));
    }
    if wrong.is_empty() {
        println!("tidy: {} files, nothing wrong", files.len());
        return Ok(());
    }
    wrong.iter().for_each(|line| println!("{line}"));
    bail!("tidy: {} things are wrong", wrong.len())
}

/// Names that say what a file holds.
fn name(file: &str) -> Vec<String> {
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_lowercase();
    file.split('/')
        .filter(|part| EMPTY_NAMES.contains(&stem(part).as_str()))
        .map(|part| format!("{file}: the name `{part}` does not say what it holds"))
        .collect()
}

/// Words and paths that belong in no file.
fn strangers(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (head, tail) in STRANGERS {
            let stranger = format!("{head}{tail}");
            let found = lower.match_indices(&stranger.to_lowercase()).any(|(at, _)| {
                // A path begins where no name ends: a folder inside another is no stranger.
                let before = lower[..at].chars().next_back();
                let inside = before.is_some_and(|c| c.is_alphanumeric() || "._-}>)~*".contains(c));
                !(stranger.starts_with('/') && inside)
            });
            if found {
                wrong.push(format!("{file}:{}: `{stranger}` does not belong here", number + 1));
            }
        }
    }
    wrong
}

/// What is wrong with a file of Rust, and what is long in it.
fn rust(file: &str, text: &str) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut long) = (Vec::new(), Vec::new());
    if !text.starts_with("//! ") {
        wrong.push(format!("{file}:1: opens without `//!` that says what it is"));
    }
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > HARD_LINES {
        wrong.push(format!("{file}: {} lines, at most {HARD_LINES}", lines.len()));
    } else if lines.len() > SOFT_LINES {
        long.push(format!("{file}: {} lines", lines.len()));
    }
    for (number, line) in lines.iter().enumerate() {
        for (head, tail) in UNFINISHED {
            let mark = format!("{head}{tail}");
            if has_word(line, &mark) {
                wrong.push(format!("{file}:{}: `{mark}` is unfinished work", number + 1));
            }
        }
        let trimmed = line.trim_start();
        if trimmed.starts_with("#[allow(") || trimmed.starts_with("#![allow(") {
            let attribute: String = lines[number..].iter().take(6).copied().collect();
            let end = attribute.find(")]").unwrap_or(attribute.len());
            if !attribute[..end].contains("reason") {
                wrong.push(format!("{file}:{}: `allow` without a reason", number + 1));
            }
        }
    }
    long.extend(long_functions(file, &lines));
    (wrong, long)
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let after = line[at + word.len()..].chars().next();
        let bounded = word.ends_with('(') || !letter(after);
        !letter(line[..at].chars().next_back()) && bounded
    })
}

/// Functions over the length that reads at one sitting; relies on the layout that rustfmt makes.
fn long_functions(file: &str, lines: &[&str]) -> Vec<String> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize, &str)> = None;
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let words: Vec<&str> = code.split_whitespace().take(5).collect();
        let name = words.iter().position(|w| *w == "fn").and_then(|at| words.get(at + 1));
        match open {
            None if name.is_some() && !code.starts_with("//") && !line.ends_with(';') => {
                let name = name.map_or("", |n| n.split(['(', '<']).next().unwrap_or(n));
                open = Some((number, indent, name));
            }
            Some((from, at, name)) if indent == at && code.starts_with('}') => {
                let length = number - from + 1;
                if length > FUNCTION_LINES {
                    long.push(format!("{file}:{}: `{name}` has {length} lines", from + 1));
                }
                open = None;
            }
            // A declaration without a body, over several lines.
            Some((_, at, _)) if indent == at && code.ends_with(';') => open = None,
            _ => {}
        }
    }
    long
}

/// A map names only places that are there: every path in backticks, from the root of the repository.
fn map(file: &str, text: &str, files: &[String]) -> Vec<String> {
    let roots = [".ci/", ".cargo/", "bench/", "book/", "crates/", "golden/", "xtask/"];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|path| roots.iter().any(|root| path.starts_with(root)))
        .filter(|path| !path.contains([' ', '*', '<', '…', '{']))
        .filter(|path| {
            let folder = format!("{}/", path.trim_end_matches('/'));
            !files.iter().any(|known| known == path || known.starts_with(&folder))
        })
        .map(|path| format!("{file}: `{path}` is not there"))
        .collect()
}

/// A page of the book names its sources.
fn page(file: &str, text: &str) -> Vec<String> {
    let sources = text.split("\n## Sources").nth(1);
    let listed = sources.is_some_and(|sources| sources.lines().any(|line| line.starts_with("- ")));
    if listed { Vec::new() } else { vec![format!("{file}: no list under `## Sources`")] }
}

/// A crate says what it is and takes the lints of the workspace.
fn manifest(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !text.contains("\ndescription = \"") {
        wrong.push(format!("{file}: no description"));
    }
    if !text.contains("[lints]\nworkspace = true") {
        wrong.push(format!("{file}: the lints of the workspace are not taken"));
    }
    wrong
}

/// Every folder of recorded values holds the script that made it.
fn golden(files: &[String]) -> Vec<String> {
    let mut areas: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        if let Some((area, inside)) = file.strip_prefix("golden/").and_then(|f| f.split_once('/')) {
            let scripts = areas.entry(area).or_default();
            if inside.ends_with(".py") {
                scripts.insert(inside);
            }
        }
    }
    areas
        .into_iter()
        .filter(|(_, scripts)| scripts.is_empty())
        .map(|(area, _)| format!("golden/{area}: no script that makes it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> usize {
        rust("a.rs", text).0.len()
    }

    #[test]
    fn rust_files_open_with_their_story() {
        assert_eq!(wrong("//! A thing.\n"), 0);
        assert_eq!(wrong("// A thing.\n"), 1);
        assert_eq!(wrong(&("//! Long.\n".to_owned() + &"\n".repeat(HARD_LINES))), 1);
    }

    #[test]
    fn unfinished_work_and_bare_allows_are_seen() {
        let head = "//! A thing.\n";
        for (text, expected) in [
            (concat!("// TO", "DO later\n"), 1),
            (concat!("x(); // FIX", "ME\n"), 1),
            (concat!("let fix", "me = 1;\n"), 0),
            (concat!("#[ign", "ore = \"slow\"]\n"), 1),
            ("#[allow(dead_code)]\n", 1),
            ("#[allow(dead_code, reason = \"kept for the table\")]\n", 0),
            ("#[allow(\n    dead_code,\n    reason = \"so\"\n)]\n", 0),
        ] {
            assert_eq!(wrong(&format!("{head}{text}")), expected, "{text}");
        }
    }

    #[test]
    fn strangers_are_found_where_a_path_begins() {
        let home = concat!("/ho", "me/");
        assert_eq!(strangers("a.md", &format!("see {home}x")).len(), 1);
        assert_eq!(strangers("a.md", &format!("see target{home}x")).len(), 0);
        assert_eq!(strangers("a.md", "nothing here\n").len(), 0);
    }

    #[test]
    fn names_that_say_nothing() {
        assert_eq!(name("crates/x/src/utils.rs").len(), 1);
        assert_eq!(name("crates/x/src/common/mod.rs").len(), 1);
        assert_eq!(name("crates/x/src/softmax.rs").len(), 0);
    }

    #[test]
    fn long_functions_are_measured_by_their_brackets() {
        let body = "        let x = 1;\n".repeat(70);
        let text =
            format!("fn short() {{\n}}\n\nimpl X {{\n    fn long(\n    ) {{\n{body}    }}\n}}\n");
        let lines: Vec<&str> = text.lines().collect();
        let long = long_functions("a.rs", &lines);
        assert_eq!(long, ["a.rs:5: `long` has 73 lines"]);
    }

    #[test]
    fn maps_name_places_that_are_there() {
        let files = ["crates/a/src/lib.rs", "book/x.md"].map(str::to_owned);
        let text =
            "`crates/a` and `crates/a/src/lib.rs`, `book/`, `crates/b`, `cargo test`, `book/*.md`";
        assert_eq!(map("README.md", text, &files), ["README.md: `crates/b` is not there"]);
    }

    #[test]
    fn golden_folders_hold_scripts() {
        let files = ["golden/a/make.py", "golden/a/x.json", "golden/b/y.json"].map(str::to_owned);
        assert_eq!(golden(&files), ["golden/b: no script that makes it"]);
    }
}
