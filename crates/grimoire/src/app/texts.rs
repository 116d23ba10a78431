//! Texts from outside, one after another: plain text by line, JSON Lines with a named field, CSV and TSV
//! with a named column, each also gzip-compressed, or standard input. Files are streamed; what cannot be
//! read is an error that names file and line. Numbers have their own reader, [`super::numbers`].

use crate::failure::{Failure, Outcome};
use flate2::bufread::MultiGzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Where texts come from: a file, or `-` for standard input.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The file.
    pub(crate) path: PathBuf,
    /// Which field, where the file has fields.
    pub(crate) field: Option<String>,
}

/// An open source: yields the texts of each record, with the line where it began.
pub(crate) struct Texts {
    name: String,
    line: u64,
    listed: bool,
    shape: Shape,
}

enum Shape {
    Plain(Box<dyn BufRead>, Vec<u8>),
    JsonLines(Box<dyn BufRead>, Vec<u8>, Option<String>),
    Delimited(Box<csv::Reader<Quotes<Box<dyn BufRead>>>>, usize),
}

impl Source {
    /// Opens the file and, where it has a header, finds the field.
    pub(crate) fn open(&self) -> Outcome<Texts> {
        let name = self.name();
        let mut reader = open(&self.path, &name)?;
        let form = match self.ending() {
            // A name may not tell, but what has fields shows it.
            None if self.field.is_some() => fielded(start(&mut reader, &name)?),
            other => other,
        };
        self.texts(reader, form)
    }

    /// Opens a file of labels or tags. Lines of tabs in a `.tsv` of which no column is asked for are tokens with their
    /// tags, without a header; those of a `.csv` as well, where `tokens` says that there is no other form.
    pub(crate) fn open_tags(&self, tokens: bool) -> Outcome<Texts> {
        let name = self.name();
        let mut reader = open(&self.path, &name)?;
        let form = match self.ending() {
            None if self.field.is_some() => fielded(start(&mut reader, &name)?),
            Some(".tsv" | ".csv") if self.field.is_none() && tokens => None,
            Some(".tsv") if self.field.is_none() => {
                let header = first_line(start(&mut reader, &name)?);
                Some(".tsv").filter(|_| !header.contains(&b'\t'))
            }
            other => other,
        };
        self.texts(reader, form)
    }

    fn texts(&self, reader: Box<dyn BufRead>, form: Option<&str>) -> Outcome<Texts> {
        let name = self.name();
        let shape = if form == Some(".jsonl") || form == Some(".ndjson") {
            Shape::JsonLines(reader, Vec::new(), self.field.clone())
        } else if let Some(form) = form {
            let quoting = form == ".csv";
            let delimiter = if quoting { b',' } else { b'\t' };
            let reader = Quotes::new(reader, quoting.then_some(delimiter));
            let mut table =
                csv::ReaderBuilder::new().delimiter(delimiter).quoting(quoting).from_reader(reader);
            let header = table.headers().map_err(|error| no_row(&name, 1, &error))?.clone();
            let column = self.column(&header, &name)?;
            Shape::Delimited(Box::new(table), column)
        } else {
            Shape::Plain(reader, Vec::new())
        };
        Ok(Texts { name, line: 0, listed: false, shape })
    }

    /// How the file's name ends, `.gz` aside, where that tells of fields.
    fn ending(&self) -> Option<&'static str> {
        let name = self.path.to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        [".jsonl", ".ndjson", ".csv", ".tsv"].into_iter().find(|ending| name.ends_with(ending))
    }

    fn name(&self) -> String {
        name_of(&self.path)
    }

    fn column(&self, header: &csv::StringRecord, name: &str) -> Outcome<usize> {
        let columns: Vec<&str> = header.iter().collect();
        let hint = format!("its columns are {}", columns.join(", "));
        match &self.field {
            None if columns.len() == 1 => Ok(0),
            None => {
                Err(Failure::usage(format!("{name}:1: which column holds the text?")).hint(hint))
            }
            Some(field) => columns.iter().position(|column| column == field).ok_or_else(|| {
                Failure::usage(format!("{name}:1: there is no column `{field}`")).hint(hint)
            }),
        }
    }
}

impl Texts {
    /// What errors call this source.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The line of the last record, counted from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether records have fields; else they are lines.
    pub(crate) fn has_fields(&self) -> bool {
        !matches!(self.shape, Shape::Plain(..))
    }

    /// Whether the last record was a JSON list.
    pub(crate) fn listed(&self) -> bool {
        self.listed
    }

    /// The texts of the next record: one, except for a JSON list of several (and none for null).
    /// `None` at the end.
    pub(crate) fn next(&mut self) -> Outcome<Option<Vec<String>>> {
        let Self { name, line, listed, shape } = self;
        match shape {
            Shape::Plain(reader, buffer) => {
                Ok(read_line(reader, buffer, name, line)?.map(|text| vec![text.to_owned()]))
            }
            Shape::JsonLines(reader, buffer, field) => {
                let Some(text) = read_line(reader, buffer, name, line)? else { return Ok(None) };
                let record: Value =
                    serde_json::from_str(text).map_err(|error| no_json(name, *line, &error))?;
                let wrong = |problem: String| place(name, *line, problem);
                let value = json_value(&record, field.as_deref()).map_err(wrong)?;
                *listed = value.is_array();
                json_texts(value).map(Some).map_err(wrong)
            }
            Shape::Delimited(table, column) => {
                let mut record = csv::StringRecord::new();
                let more = table.read_record(&mut record).map_err(|error| {
                    let at = error.position().map_or(*line + 1, csv::Position::line);
                    no_row(name, at, &error)
                })?;
                if !more {
                    if table.get_ref().is_open() {
                        return Err(place(name, *line, "a quote is opened and never closed"));
                    }
                    return Ok(None);
                }
                *line = record.position().map_or(*line + 1, csv::Position::line);
                let text = record.get(*column).unwrap_or_default();
                Ok(Some(vec![text.to_owned()]))
            }
        }
    }
}

/// What the reader has in hand, without taking it.
fn start<'r>(reader: &'r mut dyn BufRead, name: &str) -> Outcome<&'r [u8]> {
    reader.fill_buf().map_err(|error| place(name, 1, error))
}

fn first_line(start: &[u8]) -> &[u8] {
    start.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// The form of bytes that have fields, as the ending of a file would say it.
fn fielded(start: &[u8]) -> Option<&'static str> {
    let header = first_line(start);
    match header.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Some(".jsonl"),
        _ if header.contains(&b'\t') => Some(".tsv"),
        _ => Some(".csv"),
    }
}

/// Passes bytes on and knows whether a quote is open where it stands: the reader of tables takes the end of a file
/// for the end of a quote, and a quote that nobody closed would swallow all lines after it.
struct Quotes<R> {
    inner: R,
    /// None where quotes mean nothing.
    delimiter: Option<u8>,
    quoted: bool,
    fresh: bool,
    closed: bool,
}

impl<R> Quotes<R> {
    fn new(inner: R, delimiter: Option<u8>) -> Self {
        Self { inner, delimiter, quoted: false, fresh: true, closed: false }
    }

    fn is_open(&self) -> bool {
        self.quoted
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let Some(delimiter) = self.delimiter else { return Ok(n) };
        for byte in &buffer[..n] {
            // A quote inside a bare cell is a sign like any other; two inside a quoted one are one sign.
            let turns = *byte == b'"' && (self.quoted || self.fresh || self.closed);
            self.closed = turns && self.quoted;
            self.quoted ^= turns;
            self.fresh = !self.quoted && (*byte == delimiter || matches!(byte, b'\r' | b'\n'));
        }
        Ok(n)
    }
}

/// What errors call a file, or standard input.
pub(crate) fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Standard input can be one of these, not two.
pub(crate) fn check_standard_input<'s>(sources: impl IntoIterator<Item = &'s Source>) -> Outcome {
    let from_standard_input = |source: &&Source| source.path == Path::new("-");
    if sources.into_iter().filter(from_standard_input).count() > 1 {
        return Err(Failure::usage("standard input can be read once only, `-` is given twice"));
    }
    Ok(())
}

/// Opens a file or standard input, decompressing what is gzip; a byte-order mark is no part of the text.
fn open(path: &Path, name: &str) -> Outcome<Box<dyn BufRead>> {
    const SIZE: usize = 1 << 20;
    let wrong = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::work(format!("{name}: there is no such file"))
            .hint("paths are taken from the folder in which the command is run"),
        _ => Failure::work(format!("{name}: {error}")),
    };
    let bytes: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(wrong)?)
    };
    let mut reader = BufReader::with_capacity(SIZE, bytes);
    if reader.fill_buf().map_err(wrong)?.starts_with(&[0x1f, 0x8b]) {
        let reader = BufReader::with_capacity(SIZE, MultiGzDecoder::new(reader));
        return Ok(Box::new(without_mark(reader).map_err(wrong)?));
    }
    Ok(Box::new(without_mark(reader).map_err(wrong)?))
}

fn without_mark<R: BufRead>(mut reader: R) -> std::io::Result<R> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(reader)
}

/// The whole of a file as one text.
pub(crate) fn read_all(path: &Path) -> Outcome<String> {
    let name = name_of(path);
    let mut text = String::new();
    open(path, &name)?
        .read_to_string(&mut text)
        .map_err(|error| Failure::work(format!("{name}: {error}")))?;
    Ok(text)
}

const ENCODING: &str =
    "texts must be UTF-8; iconv converts others, for instance iconv -f LATIN1 -t UTF-8";

fn read_line<'b>(
    reader: &mut dyn BufRead,
    buffer: &'b mut Vec<u8>,
    name: &str,
    line: &mut u64,
) -> Outcome<Option<&'b str>> {
    buffer.clear();
    *line += 1;
    let read = reader.read_until(b'\n', buffer).map_err(|error| place(name, *line, error))?;
    if read == 0 {
        *line -= 1;
        return Ok(None);
    }
    if buffer.ends_with(b"\n") {
        buffer.pop();
        if buffer.ends_with(b"\r") {
            buffer.pop();
        }
    }
    match std::str::from_utf8(buffer) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let problem = format!("not UTF-8 at byte {}", error.valid_up_to() + 1);
            Err(place(name, *line, problem).hint(ENCODING))
        }
    }
}

fn json_value<'r>(record: &'r Value, field: Option<&str>) -> Result<&'r Value, String> {
    match (record, field) {
        (Value::Object(record), Some(field)) => record.get(field).ok_or_else(|| {
            let names: Vec<&str> = record.keys().map(String::as_str).collect();
            format!("there is no field `{field}` among {}", names.join(", "))
        }),
        (Value::Object(record), None) if record.len() == 1 => {
            Ok(record.values().next().unwrap_or(&Value::Null))
        }
        (Value::Object(record), None) => {
            let names: Vec<&str> = record.keys().map(String::as_str).collect();
            Err(format!("which field holds the text? It has {}", names.join(", ")))
        }
        (other, _) => Ok(other),
    }
}

fn json_texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(values) => values
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| value.as_str().map(str::to_owned).ok_or("expected a list of strings"))
            .collect::<Result<_, _>>()
            .map_err(str::to_owned),
        other => Err(format!("expected a string, found {other}")),
    }
}

/// What is wrong with a line of JSON, without the reader's own count of lines, which is always 1.
fn no_json(name: &str, line: u64, error: &serde_json::Error) -> Failure {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    place(name, line, format!("no JSON: {said}, at column {}", error.column()))
}

/// What is wrong with a row of a table.
fn no_row(name: &str, line: u64, error: &csv::Error) -> Failure {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let problem = format!(
                "{len} columns where the header has {expected_len}; is a quote open or not closed?"
            );
            place(name, line, problem)
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            let (column, at) = (err.field() + 1, err.valid_up_to() + 1);
            let problem = format!("not UTF-8 at byte {at} of column {column}");
            place(name, line, problem).hint(ENCODING)
        }
        _ => place(name, line, error),
    }
}

fn place(name: &str, line: u64, problem: impl std::fmt::Display) -> Failure {
    Failure::work(format!("{name}:{line}: {problem}"))
}
