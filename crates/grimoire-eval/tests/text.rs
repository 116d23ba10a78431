//! Text metrics on real outputs against the values that sacreBLEU and rouge_score give.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

#[path = "text/machine_translation.rs"]
mod machine_translation;
#[path = "text/recorded.rs"]
mod recorded;
#[path = "text/scripts.rs"]
mod scripts;
#[path = "text/summaries.rs"]
mod summaries;
#[path = "text/translation_options.rs"]
mod translation_options;

use std::path::Path;

/// The lines of a gzip-compressed file.
fn lines(path: &Path) -> Vec<String> {
    let bytes = grimoire_testkit::golden::gunzip(&std::fs::read(path).unwrap());
    let text = String::from_utf8(bytes).unwrap();
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
