//! Files to records: one map of named values per row, with the line it begins on. Every kind of file gives
//! the same records for the same rows; what a row means is the business of `schema`.

use super::{DataError, parquet};
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};
use std::io::{Cursor, Read};
use std::path::Path;

/// Most bytes of a data file once decompressed: a limit against compression bombs.
pub(super) const LIMIT: u64 = 8 << 30;

/// A row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Line on which it begins, from one; in a file without lines, its row.
    pub line: usize,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// What names of data files end in; those of text perhaps with `.gz` after it.
pub const ENDINGS: [&str; 7] = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet"];

/// Which of [`ENDINGS`] a name has, in any case and with `.gz` left out.
#[must_use]
pub fn ending(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    ENDINGS.into_iter().find(|end| name.ends_with(end))
}

/// Whether a file of this name is running text, whose rows are paragraphs that go on from each other.
#[must_use]
pub fn is_running_text(name: &str) -> bool {
    matches!(extension(&name.to_ascii_lowercase()), "txt" | "md" | "text")
}

/// What a name in small letters ends in, with `.gz` left out.
fn extension(name: &str) -> &str {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.rsplit('.').next().unwrap_or_default()
}

/// Reads a file by its name: `.jsonl`/`.ndjson`, `.json` (an array, or JSON Lines), `.csv`, `.tsv`, `.txt` (a
/// paragraph, a run of lines without a blank one, is a row), each perhaps with `.gz` after it; `.parquet`.
///
/// # Errors
/// A file that cannot be read, is no UTF-8, or has a row that is not of its format.
pub fn read_records(path: &Path) -> Result<Vec<Record>, DataError> {
    let name = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|source| DataError::Io { path: name.clone(), source })?;
    parse_records(&name, bytes)
}

/// Reads bytes as the file `name` would be read.
///
/// # Errors
/// As [`read_records`].
pub fn parse_records(name: &str, bytes: Vec<u8>) -> Result<Vec<Record>, DataError> {
    let bytes = unpack(name, bytes)?;
    if ending(name) == Some(".parquet") || parquet::is_parquet(&bytes) {
        return filled(name, parquet::records(name, bytes)?);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        place(name, line, "UTF-8 text", "other bytes")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let first = text.trim_start().chars().next();
    let records = match extension(&name.to_ascii_lowercase()) {
        _ if is_running_text(name) => Ok(paragraphs(text)),
        "jsonl" | "ndjson" => json_lines(name, text),
        "csv" => table(name, text, b','),
        "tsv" | "tab" => table(name, text, b'\t'),
        // `.json`, and names that do not tell: the first character tells.
        _ => match first {
            Some('{') => json_lines(name, text),
            Some('[') => json(name, text),
            None => Ok(Vec::new()),
            Some(_) => Err(place(
                name,
                1,
                "a name that ends in .jsonl, .json, .csv, .tsv, .txt or .parquet",
                "another",
            )),
        },
    }?;
    filled(name, records)
}

/// The same records, of which there must be some.
fn filled(name: &str, records: Vec<Record>) -> Result<Vec<Record>, DataError> {
    if records.is_empty() {
        return Err(DataError::Empty { path: name.to_owned() });
    }
    Ok(records)
}

/// Unpacks gzip; anything else is passed on.
fn unpack(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, DataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let io = |source| DataError::Io { path: name.to_owned(), source };
    let mut out = Vec::new();
    MultiGzDecoder::new(Cursor::new(&bytes)).take(LIMIT + 1).read_to_end(&mut out).map_err(io)?;
    if out.len() as u64 > LIMIT {
        return Err(io(std::io::Error::other(format!("more than {LIMIT} bytes when unpacked"))));
    }
    Ok(out)
}

pub(super) fn place(path: &str, line: usize, expected: &str, found: &str) -> DataError {
    DataError::Place {
        path: path.to_owned(),
        line,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Records of JSON Lines that are in memory already: one object a line, blank lines passed over; `name` stands
/// for the file in errors.
///
/// # Errors
/// A line that is not a JSON object.
pub fn json_lines(name: &str, text: &str) -> Result<Vec<Record>, DataError> {
    let rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    rows.map(|(index, line)| object(name, index + 1, line)).collect()
}

/// An object that begins on `line`.
fn object(name: &str, line: usize, text: &str) -> Result<Record, DataError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Record { line, fields }),
        Ok(other) => Err(place(name, line, "a JSON object", kind(&other))),
        Err(error) => Err(no_json(name, line - 1, "a JSON object", &error)),
    }
}

/// The error of the JSON reader, `before` lines into the file.
fn no_json(name: &str, before: usize, expected: &str, error: &serde_json::Error) -> DataError {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let found = format!("an error at column {}: {said}", error.column());
    place(name, before + error.line().max(1), expected, &found)
}

/// A JSON array of objects. The whole is checked first, so that cutting it at its commas is safe; cut, each
/// object knows its line.
fn json(name: &str, text: &str) -> Result<Vec<Record>, DataError> {
    let whole: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    whole.map_err(|error| no_json(name, 0, "a JSON array of objects", &error))?;
    let mut out = Vec::new();
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let (mut start, mut line, mut start_line) = (None, 1, 1);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' {
            line += 1;
        }
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        let ends = depth == 1 && matches!(byte, b',' | b']');
        if ends && let Some(from) = start.take() {
            out.push(object(name, start_line, &text[from..at])?);
        }
        let outside = depth == 0;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => in_text = true,
            _ => {}
        }
        if start.is_none() && !outside && !ends && !byte.is_ascii_whitespace() {
            (start, start_line) = (Some(at), line);
        }
    }
    Ok(out)
}

/// Separated columns with a header.
fn table(name: &str, text: &str, delimiter: u8) -> Result<Vec<Record>, DataError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| {
        let line = error.position().map_or(1, |position| line_of(text, position.byte()));
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let expected = format!("{expected_len} columns as in the header");
                place(name, line, &expected, &len.to_string())
            }
            _ => place(name, line, "separated columns", &error.to_string()),
        }
    };
    let header: Vec<String> =
        reader.headers().map_err(wrong)?.iter().map(|name| name.trim().to_owned()).collect();
    for (index, column) in header.iter().enumerate() {
        if header[..index].contains(column) {
            return Err(place(name, 1, "columns of different names", &format!("`{column}` twice")));
        }
    }
    let mut records = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        if let Some(position) = row.position() {
            let start = row_start(text, position.byte());
            line += newlines(text, counted, start);
            counted = start;
        }
        let cells = header.iter().cloned().zip(row.iter().map(Value::from));
        records.push(Record { line, fields: cells.collect() });
    }
    if ends_in_quotes(&text[counted..], delimiter) {
        return Err(place(name, line, "a quote that is closed", "the end of the file"));
    }
    Ok(records)
}

/// Whether the last cell was opened by a quote that is never closed, and so took in all lines after it.
fn ends_in_quotes(rows: &str, delimiter: u8) -> bool {
    let (mut quoted, mut fresh, mut closed) = (false, true, false);
    for byte in rows.bytes() {
        // A quote inside a bare cell is a sign like any other; two inside a quoted one are one sign.
        let turns = byte == b'"' && (quoted || fresh || closed);
        closed = turns && quoted;
        quoted ^= turns;
        fresh = !quoted && (byte == delimiter || matches!(byte, b'\r' | b'\n'));
    }
    quoted
}

/// Where a row begins whose reader stands at `byte`, perhaps inside the line break before it.
fn row_start(text: &str, byte: u64) -> usize {
    let at = usize::try_from(byte).unwrap_or(usize::MAX).min(text.len());
    let breaks = text.as_bytes()[at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    at + breaks
}

fn newlines(text: &str, from: usize, to: usize) -> usize {
    let stretch = text.as_bytes().get(from..to).unwrap_or_default();
    stretch.iter().filter(|byte| **byte == b'\n').count()
}

/// The line, from one, of a row whose reader stands at `byte`.
fn line_of(text: &str, byte: u64) -> usize {
    1 + newlines(text, 0, row_start(text, byte))
}

fn paragraphs(text: &str) -> Vec<Record> {
    let mut records: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
        } else if let (true, Some((_, text))) = (open, records.last_mut()) {
            text.push('\n');
            text.push_str(line);
        } else {
            records.push((index + 1, line.to_owned()));
            open = true;
        }
    }
    records
        .into_iter()
        .map(|(line, text)| {
            let fields = [("text".to_owned(), Value::from(text))].into_iter().collect();
            Record { line, fields }
        })
        .collect()
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.trim().is_empty() => "an empty text",
        Value::String(_) => "a text",
        Value::Array(items) if items.is_empty() => "an empty array",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
