//! A CSV or TSV file as columns of text, before anybody decides what is a number.
//!
//! Empty cells and the words NA, NaN, null and ? are missing. Not a data frame: it can be read and asked
//! for a column, nothing else.

use crate::failure::{Failure, Outcome};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Columns of cells; `None` is a missing one.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// The name that errors use.
    pub(crate) name: String,
    /// Column names, in the order of the file.
    pub(crate) header: Vec<String>,
    cells: Vec<Vec<Option<String>>>,
    /// Line of the file on which each row begins, the header being line 1.
    lines: Vec<u64>,
}

/// Whether a cell says nothing.
fn is_missing(cell: &str) -> bool {
    cell.is_empty()
        || cell == "?"
        || ["na", "nan", "null"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// The line of a record whose reader stood at `position`, perhaps before empty lines.
fn first_line(bytes: &[u8], position: &csv::Position) -> u64 {
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(bytes.len());
    let empty = bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

impl Table {
    /// Reads a file: tabs when its name ends in .tsv, .tab or .data, commas otherwise; gzip by .gz.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let name = path.display().to_string();
        let fail = |error: std::io::Error| Failure::work(format_args!("{name}: {error}"));
        let file = File::open(path).map_err(fail)?;
        let lower = name.to_ascii_lowercase();
        let (stem, packed) =
            lower.strip_suffix(".gz").map_or((lower.as_str(), false), |stem| (stem, true));
        let tabs = [".tsv", ".tab", ".data"].iter().any(|end| stem.ends_with(end));
        let mut reader: Box<dyn Read> =
            if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(fail)?;
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .trim(csv::Trim::All)
            .from_reader(bytes.as_slice());
        let wrong = |error: csv::Error| Failure::work(format_args!("{name}: {error}"));
        let header: Vec<String> = csv.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
        for (index, column) in header.iter().enumerate() {
            if header[..index].contains(column) {
                return Err(Failure::work(format_args!("{name} has two columns `{column}`")));
            }
        }
        let mut cells = vec![Vec::new(); header.len()];
        let mut lines = Vec::new();
        for record in csv.into_records() {
            let record = record.map_err(wrong)?;
            lines.push(record.position().map_or(0, |position| first_line(&bytes, position)));
            for (column, cell) in cells.iter_mut().zip(record.iter()) {
                column.push((!is_missing(cell)).then(|| cell.to_owned()));
            }
        }
        if cells.first().is_none_or(Vec::is_empty) {
            return Err(Failure::work(format_args!("{name} has no rows below its header")));
        }
        Ok(Self { name, header, cells, lines })
    }

    /// Number of rows.
    pub(crate) fn n_rows(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    /// The line of the file on which a row begins.
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// `FILE, line N`, for errors.
    pub(crate) fn place(&self, row: usize) -> String {
        format!("{}, line {}", self.name, self.lines[row])
    }

    /// The cells of a column, or the error that lists what there is.
    pub(crate) fn column(&self, column: &str) -> Outcome<&[Option<String>]> {
        match self.header.iter().position(|name| name == column) {
            Some(index) => Ok(&self.cells[index]),
            None => Err(Failure::usage(format_args!("{} has no column `{column}`", self.name))
                .hint(format_args!("it has {}", self.header.join(", ")))),
        }
    }

    /// Whether the file has that column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }
}
