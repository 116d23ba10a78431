//! Data as people have them: JSON Lines, JSON, CSV, TSV or plain text, perhaps gzip-compressed, or Parquet, with
//! the field names that TRL uses; turned into rows, then into token sequences with the trained part marked, and
//! split so that no prompt is on both sides, nor a text.
//!
//! What a row lacks or holds too much of is an error with its file and line. Nothing here runs a model.

mod encode;
mod parquet;
mod parquet_counts;
mod parquet_pages;
mod read;
mod schema;
mod split;

pub use encode::{Encoder, Example, Marked};
pub use parquet::READER as PARQUET_READER;
pub use read::{ENDINGS, Record, ending, is_running_text, json_lines, parse_records, read_records};
pub use schema::{Fields, Row, Schema, Source, Turn, read_as, rows};
pub use split::{overlap, split, split_end};

/// What is wrong with data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A place in a file is not what it should be.
    #[error("{path}:{line}: expected {expected}, found {found}")]
    Place {
        /// The file.
        path: String,
        /// Line, from one.
        line: usize,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The columns fit no schema.
    #[error("{path}: columns {found:?} fit no schema")]
    Schema {
        /// The file.
        path: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// There are no rows.
    #[error("{path}: no rows")]
    Empty {
        /// The file.
        path: String,
    },
    /// A row cannot be turned into tokens.
    #[error("{path}:{line}: {source}")]
    Text {
        /// The file.
        path: String,
        /// Line, from one.
        line: usize,
        /// What is wrong.
        source: grimoire_text::TextError,
    },
}
