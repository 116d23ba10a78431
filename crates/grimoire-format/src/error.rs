//! What can be wrong with a file: one enum, each variant naming the file and the place.

use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "open", "write", "rename".
        action: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are not what the format says.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What the format wants there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file is well formed and uses something that is not read here.
    #[error("{}: {what} is not supported: {supported}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it uses.
        what: String,
        /// What could be used instead.
        supported: String,
    },
    /// A metadata key, tensor or module that must be there is not.
    #[error("{}: no {kind} {name:?}; expected {expected}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is missing: "metadata key", "tensor", "file".
        kind: &'static str,
        /// Its name.
        name: String,
        /// What it should have been.
        expected: String,
    },
    /// What was to be written cannot be said in the format.
    #[error("{}: cannot write {what}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The thing.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl FormatError {
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    pub(crate) fn malformed(
        path: &Path,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn unsupported(
        path: &Path,
        what: impl Into<String>,
        supported: impl Into<String>,
    ) -> Self {
        Self::Unsupported { path: path.to_owned(), what: what.into(), supported: supported.into() }
    }

    pub(crate) fn missing(
        path: &Path,
        kind: &'static str,
        name: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Missing { path: path.to_owned(), kind, name: name.into(), expected: expected.into() }
    }

    pub(crate) fn unwritable(
        path: &Path,
        what: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Unwritable { path: path.to_owned(), what: what.into(), reason: reason.into() }
    }

    /// The file or folder the error is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::Malformed { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Missing { path, .. }
            | Self::Unwritable { path, .. } => path,
        }
    }
}

/// A piece of hostile text for an error line: quoted, control characters escaped, cut at 64.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(64).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
