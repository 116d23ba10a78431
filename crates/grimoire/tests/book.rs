//! The book keeps its word: every page has a title, a summary and sources, and every `console` example
//! prints what the page says it prints, to the byte. A line `[...]` stands for any run of lines.
//!
//! Examples run in a copy of `book/` (so they may write files), by `sh`, with the binary of this build
//! first in the path. An example that writes a file which the book already holds (a figure) must write
//! the same bytes. A block marked `console slow` runs only with `GRIMOIRE_SLOW=1`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn book() -> PathBuf {
    grimoire_testkit::repository_root().join("book")
}

fn pages() -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = std::fs::read_dir(book())
        .expect("the book is a folder of the repository")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

/// A command of a page and what it should print.
struct Example {
    line: usize,
    command: String,
    expected: Vec<String>,
    slow: bool,
}

/// The examples of a page: in each `console` block, a line `$ command` (continued while it ends in a
/// backslash), then its output up to the next `$ `.
fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut block: Option<bool> = None;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(slow) = block else {
            block = line.strip_prefix("```console").map(|rest| rest.trim() == "slow");
            continue;
        };
        if line == "```" {
            block = None;
        } else if let Some(command) = line.strip_prefix("$ ") {
            let mut command = command.to_owned();
            while let Some(more) = command.strip_suffix('\\') {
                let next = lines.next().map_or("", |(_, next)| next);
                command = format!("{more}{}", next.trim_start());
            }
            examples.push(Example { line: number + 1, command, expected: Vec::new(), slow });
        } else if let Some(example) = examples.last_mut() {
            example.expected.push(line.to_owned());
        }
    }
    for example in &mut examples {
        while example.expected.last().is_some_and(String::is_empty) {
            example.expected.pop();
        }
    }
    examples
}

/// Whether the output is as expected, where `[...]` matches any run of lines.
fn matches(expected: &[String], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first.trim() == "[...]" => {
            (0..=found.len()).any(|skip| matches(rest, &found[skip..]))
        }
        Some((first, rest)) => {
            found.split_first().is_some_and(|(line, more)| line == first && matches(rest, more))
        }
    }
}

fn run(command: &str, folder: &Path) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_grimoire"));
    let mut path = binary.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .output()
        .expect("sh runs")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// Files of the book that the examples of a page wrote anew with other bytes.
fn changed(original: &Path, copied: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(original).unwrap() {
        let entry = entry.unwrap();
        let place = copied.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            changed(&entry.path(), &place, found);
        } else if std::fs::read(entry.path()).unwrap() != std::fs::read(&place).unwrap_or_default()
        {
            found.push(entry.path().display().to_string());
        }
    }
}

/// Runs the examples of a page; returns what went wrong.
fn check(page: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    copy(&book(), folder.path());
    for example in examples(text) {
        let Example { line, command, expected, slow } = example;
        if slow && !grimoire_testkit::slow(&format!("book example {page}:{line}")) {
            continue;
        }
        let output = run(&command, folder.path());
        let printed = String::from_utf8_lossy(&output.stdout);
        let printed = printed.trim_end_matches('\n');
        let found: Vec<&str> =
            if printed.is_empty() { vec![] } else { printed.split('\n').collect() };
        if !output.status.success() || !matches(&expected, &found) {
            wrong.push(format!(
                "book/{page}:{line}: $ {command}\n--- the page says\n{}\n--- it printed ({})\n{printed}\n{}",
                expected.join("\n"),
                output.status,
                String::from_utf8_lossy(&output.stderr),
            ));
        }
    }
    let mut files = Vec::new();
    changed(&book(), folder.path(), &mut files);
    wrong
        .extend(files.iter().map(|file| format!("book/{page}: its examples write another {file}")));
    wrong
}

#[test]
fn every_example_prints_what_its_page_says() {
    let pages = pages();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some((page, text)) =
            pages.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        {
            wrong.extend(check(page, text));
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of the examples fail:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_page_has_title_summary_equation_use_example_warning_and_sources() {
    for (page, text) in pages() {
        let mut lines = text.lines();
        assert!(
            lines.next().is_some_and(|l| l.starts_with("# ") && l.len() > 3),
            "{page}: no title"
        );
        assert_eq!(lines.next(), Some(""), "{page}: a blank line after the title");
        let first = lines.next().unwrap_or_default();
        let prose = first.starts_with(|c: char| c.is_alphabetic() || c == '*' || c == '_');
        assert!(prose, "{page}: its first paragraph says what the entry is");
        let sources = text.split("\n## Sources").nth(1);
        let listed = sources.is_some_and(|sources| sources.lines().any(|l| l.starts_with("- ")));
        assert!(listed, "{page}: no list under `## Sources`");
        assert!(!examples(&text).is_empty(), "{page}: no example in a `console` block");
        let plain = |line: &&str| *line == "```" || line.starts_with("    ") || *line == "```text";
        // Fences open and close in turn: an equation stands in one that opens without a language, or is indented.
        let opens = text.lines().filter(|line| line.starts_with("```")).step_by(2);
        let equation = opens
            .chain(text.lines().filter(|line| line.starts_with("    ")))
            .any(|line| plain(&line));
        assert!(equation, "{page}: no equation");
        let headings: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert!(headings.contains(&"Use"), "{page}: no `## Use`");
        let warns = |heading: &&str| heading.contains("mislead") || heading.contains("cannot");
        assert!(headings.iter().any(warns), "{page}: nothing on where it misleads");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for (page, text) in pages() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") && !link.starts_with('#') {
                let file = link.split('#').next().unwrap_or_default();
                assert!(book().join(file).exists(), "{page}: {link} is not there");
            }
        }
    }
}

#[test]
fn the_book_lists_and_shows_every_page() {
    let folder = book();
    let list = run("grimoire book", &folder);
    let list = String::from_utf8(list.stdout).unwrap();
    for (page, text) in pages() {
        let name = page.trim_end_matches(".md");
        let line = list.lines().find(|line| line.split(' ').next() == Some(name));
        assert!(line.is_some_and(|line| line.len() > name.len() + 10), "{page} is not in the list");
        let raw = run(&format!("grimoire book {name} --raw"), &folder);
        assert_eq!(String::from_utf8(raw.stdout).unwrap(), text, "{page}");
        let shown = run(&format!("grimoire book {name}"), &folder);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains('═') && !shown.contains('\x1b') && !shown.contains("```"), "{page}");
        let json = run(&format!("grimoire book {name} --json"), &folder);
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["text"], text);
        assert_eq!(json["name"], name);
    }
    let json = run("grimoire book --json", &folder);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), pages().len());
}

#[test]
fn an_unknown_entry_is_a_usage_error_with_the_nearest_names() {
    for (page, _) in pages() {
        let name = page.trim_end_matches(".md");
        let output = run(&format!("grimoire book {name}x"), &book());
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.starts_with(&format!("error: the book has no entry `{name}x`\n")), "{talk}");
        assert!(talk.contains("hint: ") && talk.contains(&format!("`{name}`")), "{talk}");
    }
    let far = run("grimoire book zzzzzzzzzzzzzzzzzzzzzzzz", &book());
    let talk = String::from_utf8(far.stderr).unwrap();
    assert!(talk.ends_with("hint: `grimoire book` lists the entries\n"), "{talk}");
}

#[test]
fn entries_answer_to_short_names_plurals_and_both_spellings() {
    for (asked, name) in [
        ("kl", "kl-divergence"),
        ("l1", "l1-regularization"),
        ("bayes", "bayes-theorem"),
        ("eigenvectors", "eigenvector"),
        ("L2 regularisation", "l2-regularization"),
        ("p-values", "p-value"),
    ] {
        let json = run(&format!("grimoire book {asked} --json"), &book());
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["name"], name, "{asked}");
    }
    let list = run("grimoire book", &book());
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(!list.contains("](") && !list.contains('['), "{list}");
}

#[test]
fn the_harness_sees_a_wrong_line() {
    let text = "```console\n$ printf 'a\\nb\\nc\\n'\na\n[...]\nc\n\n$ printf x\ny\n$ false\n```\n";
    let wrong = check("page.md", text);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("book/page.md:7: $ printf x"));
    assert!(wrong[1].starts_with("book/page.md:9: $ false"));
}
