//! What can be wrong with a task file or with data that do not fit it: always the file, the line, what was
//! found and what was expected.

use std::fmt;

/// A task that cannot be read, or a row that it cannot ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct TaskError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl TaskError {
    /// A problem at a place.
    pub fn new(file: &str, line: usize, problem: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line, problem: problem.to_string(), hint: None }
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}
