//! Files to records: one map of named values per row, with the line it begins on.

use super::DataError;
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};
use std::io::{Cursor, Read};
use std::path::Path;

/// Most bytes of a data file once decompressed: a limit against compression bombs.
const LIMIT: u64 = 8 << 30;

/// A row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Line on which it begins, from one.
    pub line: usize,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// Reads a file by its name: `.jsonl`/`.ndjson`, `.json` (an array), `.csv`, `.tsv`, `.txt` (a document per
/// run of lines without a blank one), each perhaps with `.gz` after it.
///
/// # Errors
/// A file that cannot be read, is no UTF-8, or has a row that is not of its format.
pub fn read_records(path: &Path) -> Result<Vec<Record>, DataError> {
    let name = path.display().to_string();
    let io = |source| DataError::Io { path: name.clone(), source };
    let mut bytes = std::fs::read(path).map_err(io)?;
    let mut plain = name.to_ascii_lowercase();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut out = Vec::new();
        MultiGzDecoder::new(Cursor::new(&bytes)).take(LIMIT).read_to_end(&mut out).map_err(io)?;
        bytes = out;
        plain = plain.trim_end_matches(".gz").to_owned();
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        place(&name, line, "UTF-8 text", "other bytes")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let records = match plain.rsplit('.').next().unwrap_or_default() {
        "jsonl" | "ndjson" => json_lines(&name, text),
        "json" => json(&name, text),
        "csv" => table(&name, text, b','),
        "tsv" => table(&name, text, b'\t'),
        "txt" | "md" | "text" => Ok(paragraphs(text)),
        // Without a telling name, the first character tells.
        _ => match text.trim_start().chars().next() {
            Some('{') => json_lines(&name, text),
            Some('[') => json(&name, text),
            _ => Err(place(
                &name,
                1,
                "a name that ends in .jsonl, .json, .csv, .tsv or .txt",
                "another",
            )),
        },
    }?;
    if records.is_empty() {
        return Err(DataError::Empty { path: name });
    }
    Ok(records)
}

pub(super) fn place(path: &str, line: usize, expected: &str, found: &str) -> DataError {
    DataError::Place {
        path: path.to_owned(),
        line,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Records of JSON Lines that are in memory already; `name` stands for the file in errors.
///
/// # Errors
/// A line that is not a JSON object.
pub fn json_lines(name: &str, text: &str) -> Result<Vec<Record>, DataError> {
    let mut records = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = index + 1;
        match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => records.push(Record { line: line_number, fields }),
            Ok(other) => return Err(place(name, line_number, "a JSON object", kind(&other))),
            Err(error) => {
                let found = format!("{error}");
                return Err(place(name, line_number, "a JSON object", &found));
            }
        }
    }
    Ok(records)
}

fn json(name: &str, text: &str) -> Result<Vec<Record>, DataError> {
    let rows: Value = serde_json::from_str(text).map_err(|error| {
        place(name, error.line(), "a JSON array of objects", &error.to_string())
    })?;
    let Value::Array(rows) = rows else {
        return Err(place(name, 1, "a JSON array of objects", kind(&rows)));
    };
    rows.into_iter()
        .enumerate()
        .map(|(index, row)| match row {
            Value::Object(fields) => Ok(Record { line: index + 1, fields }),
            other => Err(place(name, index + 1, "an object in the array", kind(&other))),
        })
        .collect()
}

fn table(name: &str, text: &str, delimiter: u8) -> Result<Vec<Record>, DataError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| {
        let line = error.position().map_or(1, |position| position.line() as usize);
        place(name, line, "as many fields as the header has", &error.to_string())
    };
    let header = reader.headers().map_err(wrong)?.clone();
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let line = row.position().map_or(0, |position| position.line() as usize);
        let fields = header
            .iter()
            .zip(row.iter())
            .map(|(name, value)| (name.trim().to_owned(), Value::from(value)))
            .collect();
        records.push(Record { line, fields });
    }
    Ok(records)
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

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
