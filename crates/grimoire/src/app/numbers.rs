//! Numbers from outside: written in the call, in a column of a file (CSV, TSV, JSON Lines, plain
//! text, each also gzip-compressed), or on standard input; handed over one at a time, so that a sum
//! over a billion of them needs no memory. What is not a number is an error that names its place.
//!
//! A source is written `1,2,3`, `FILE`, `FILE:COLUMN` or `-` (standard input).

use crate::failure::{Failure, Outcome};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where numbers come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// Written in the call.
    Given(Vec<f64>),
    /// In a file, in the named column where it has columns.
    File { path: PathBuf, column: Option<String> },
    /// On standard input, separated by white space or commas.
    Stdin,
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Delimited(u8),
    JsonLines,
    Plain,
}

impl Source {
    /// Reads the words of a call: nothing or `-` is standard input; words that are all numbers
    /// (separated by spaces or commas) are the numbers; one other word is a file, with its column
    /// after a colon or in `column`.
    pub(crate) fn parse(words: &[String], column: Option<&str>) -> Outcome<Self> {
        if words.is_empty() || (words.len() == 1 && words[0] == "-") {
            return Ok(Self::Stdin);
        }
        let pieces = || words.iter().flat_map(|word| word.split(',')).filter(|s| !s.is_empty());
        let numbers: Option<Vec<f64>> = pieces().map(|piece| piece.trim().parse().ok()).collect();
        if let Some(numbers) = numbers {
            return Ok(Self::Given(numbers));
        }
        if words.len() == 1 && (!words[0].contains(',') || names_a_file(&words[0])) {
            return Ok(Self::file(&words[0], column));
        }
        let wrong = pieces().find(|piece| piece.trim().parse::<f64>().is_err()).unwrap_or_default();
        Err(Failure::usage(format_args!("`{wrong}` is not a number"))
            .hint("give numbers, FILE, FILE:COLUMN, or - for standard input"))
    }

    /// [`Source::parse`] of a single word, for options such as `--x`.
    pub(crate) fn parse_one(word: &str) -> Outcome<Self> {
        Self::parse(&[word.to_owned()], None)
    }

    fn file(word: &str, column: Option<&str>) -> Self {
        match (column, word.rsplit_once(':')) {
            (None, Some((path, name)))
                if !Path::new(word).exists() && !name.contains(['/', '\\']) =>
            {
                Self::File { path: path.into(), column: Some(name.to_owned()) }
            }
            _ => Self::File { path: word.into(), column: column.map(str::to_owned) },
        }
    }

    /// Hands over every number in order; returns how many there were.
    pub(crate) fn for_each(&self, mut take: impl FnMut(f64) -> Outcome) -> Outcome<u64> {
        let mut n = 0;
        match self {
            Self::Given(numbers) => {
                for &number in numbers {
                    n += 1;
                    take(number)?;
                }
            }
            Self::Stdin => {
                let mut reader = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
                skip_mark(&mut reader)
                    .map_err(|error| Failure::work(format_args!("standard input: {error}")))?;
                plain("standard input", &mut reader, &mut |number| {
                    n += 1;
                    take(number)
                })?;
            }
            Self::File { path, column } => {
                let name = path.display().to_string();
                let columns: Vec<&str> = column.iter().map(String::as_str).collect();
                let (shape, mut reader) = open(path, column.is_some())?;
                if shape == Shape::Plain && column.is_none() {
                    plain(&name, &mut reader, &mut |number| {
                        n += 1;
                        take(number)
                    })?;
                } else {
                    rows(&name, shape, reader, &columns, &mut |row, line| {
                        n += 1;
                        take(number(&name, line, &row[0])?)
                    })?;
                }
            }
        }
        Ok(n)
    }

    /// All the numbers, in memory.
    pub(crate) fn collect(&self) -> Outcome<Vec<f64>> {
        if let Self::Given(numbers) = self {
            return Ok(numbers.clone());
        }
        let mut numbers = Vec::new();
        self.for_each(|number| {
            numbers.push(number);
            Ok(())
        })?;
        Ok(numbers)
    }

    /// The values as text (group names, labels): one per row of the column, or the given numbers.
    pub(crate) fn labels(&self) -> Outcome<Vec<String>> {
        match self {
            Self::File { path, column } => {
                let columns: Vec<&str> = column.iter().map(String::as_str).collect();
                let mut labels = Vec::new();
                let (shape, reader) = open(path, column.is_some())?;
                let name = path.display().to_string();
                rows(&name, shape, reader, &columns, &mut |mut row, _| {
                    labels.push(std::mem::take(&mut row[0]));
                    Ok(())
                })?;
                Ok(labels)
            }
            _ => Ok(self.collect()?.iter().map(f64::to_string).collect()),
        }
    }
}

/// Several columns of one file at once, row by row, as numbers.
pub(crate) fn columns(path: &Path, names: &[&str]) -> Outcome<Vec<Vec<f64>>> {
    let (shape, reader) = open(path, !names.is_empty())?;
    let name = path.display().to_string();
    let mut out = vec![Vec::new(); names.len().max(1)];
    rows(&name, shape, reader, names, &mut |row, line| {
        for (column, cell) in out.iter_mut().zip(&row) {
            column.push(number(&name, line, cell)?);
        }
        Ok(())
    })?;
    Ok(out)
}

/// Whether a word with commas is a file, or a file and a column of it.
fn names_a_file(word: &str) -> bool {
    let path = word.rsplit_once(':').map_or(word, |(path, _)| path);
    Path::new(word).is_file() || Path::new(path).is_file()
}

/// A file and what its lines are; `columns` are asked for, so that a `.data` file has tabs and not just numbers.
fn open(path: &Path, columns: bool) -> Outcome<(Shape, Box<dyn BufRead>)> {
    let file = File::open(path).map_err(|error| {
        let name = path.display();
        let word = !name.to_string().contains(['.', '/', '\\']);
        if word && error.kind() == std::io::ErrorKind::NotFound {
            return Failure::usage(format_args!("`{name}` is neither a number nor a file"));
        }
        Failure::work(format_args!("{name}: {error}"))
    })?;
    let name = path.to_string_lossy().to_ascii_lowercase();
    let (name, packed) = match name.strip_suffix(".gz") {
        Some(inner) => (inner.to_owned(), true),
        None => (name, false),
    };
    let shape = match name.rsplit('.').next() {
        Some("csv") => Shape::Delimited(b','),
        Some("tsv" | "tab") => Shape::Delimited(b'\t'),
        Some("data") if columns => Shape::Delimited(b'\t'),
        Some("jsonl" | "ndjson") => Shape::JsonLines,
        _ => Shape::Plain,
    };
    let reader: Box<dyn Read> =
        if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    skip_mark(&mut reader)
        .map_err(|error| Failure::work(format_args!("{}: {error}", path.display())))?;
    Ok((shape, Box::new(reader)))
}

/// Passes over the byte order mark with which some programs begin a text.
fn skip_mark(reader: &mut impl BufRead) -> std::io::Result<()> {
    if reader.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        reader.consume("\u{feff}".len());
    }
    Ok(())
}

/// Numbers between white space and commas, as they come: neither a file nor a line of it is ever held whole.
fn plain(name: &str, reader: &mut dyn BufRead, take: &mut dyn FnMut(f64) -> Outcome) -> Outcome {
    // A word that the end of a chunk cuts in two.
    let (mut begun, mut line) = (Vec::new(), 1_u64);
    loop {
        let chunk = reader
            .fill_buf()
            .map_err(|error| Failure::work(format_args!("{name}, line {line}: {error}")))?;
        if chunk.is_empty() {
            return word(name, line, &begun, take);
        }
        let (mut from, length) = (0, chunk.len());
        for (at, &byte) in chunk.iter().enumerate() {
            if !(byte.is_ascii_whitespace() || byte == b',') {
                continue;
            }
            if begun.is_empty() {
                word(name, line, &chunk[from..at], take)?;
            } else {
                begun.extend_from_slice(&chunk[from..at]);
                word(name, line, &begun, take)?;
                begun.clear();
            }
            line += u64::from(byte == b'\n');
            from = at + 1;
        }
        begun.extend_from_slice(&chunk[from..]);
        if begun.len() > LONGEST_WORD {
            return word(name, line, &begun, take);
        }
        reader.consume(length);
    }
}

/// Longer than any double written out in full.
const LONGEST_WORD: usize = 1 << 11;

/// One word as a number; nothing between two separators is none. White space beyond ASCII parts words as well.
fn word(name: &str, line: u64, bytes: &[u8], take: &mut dyn FnMut(f64) -> Outcome) -> Outcome {
    if bytes.is_empty() {
        return Ok(());
    }
    if let Some(value) = short_decimal(bytes) {
        return take(value);
    }
    if bytes.len() > LONGEST_WORD {
        let begin = String::from_utf8_lossy(&bytes[..20]);
        return Err(Failure::work(format_args!(
            "{name}, line {line}: `{begin}…`, which is too long for a number"
        )));
    }
    let text = String::from_utf8_lossy(bytes);
    text.split_whitespace().try_for_each(|cell| take(number(name, line, cell)?))
}

/// Digits with at most one point, where mantissa and power of ten are both exact doubles: one division then rounds
/// once, as the full reader would (W. Clinger, *How to read floating point numbers accurately*, 1990).
fn short_decimal(bytes: &[u8]) -> Option<f64> {
    const TENS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut mantissa, mut point) = (0_u64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = 10 * mantissa + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |at| digits.len() - 1 - at);
    let any = digits.len() > usize::from(point.is_some());
    if !any || mantissa > 1 << 53 {
        return None;
    }
    let value = mantissa as f64 / TENS[decimals];
    Some(if negative { -value } else { value })
}

fn number(name: &str, line: u64, cell: &str) -> Outcome<f64> {
    let trimmed = cell.trim();
    trimmed.parse().map_err(|_| {
        let what = if trimmed.is_empty() {
            "an empty cell".to_owned()
        } else {
            format!("`{trimmed}`, which is not a number")
        };
        Failure::work(format_args!("{name}, line {line}: {what}"))
    })
}

/// The named columns (the only one when none is named) of every row, with the line number.
fn rows(
    name: &str,
    shape: Shape,
    reader: Box<dyn BufRead>,
    columns: &[&str],
    take: &mut dyn FnMut(Vec<String>, u64) -> Outcome,
) -> Outcome {
    match shape {
        Shape::JsonLines => json_rows(name, reader, columns, take),
        Shape::Delimited(delimiter) => delimited_rows(name, delimiter, reader, columns, take),
        Shape::Plain => Err(Failure::usage(format_args!("{name}: plain text has no columns"))
            .hint("name the file .csv, .tsv or .jsonl, or leave the column out")),
    }
}

fn delimited_rows(
    name: &str,
    delimiter: u8,
    reader: Box<dyn BufRead>,
    columns: &[&str],
    take: &mut dyn FnMut(Vec<String>, u64) -> Outcome,
) -> Outcome {
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(reader);
    let fail = |error: csv::Error| Failure::work(format_args!("{name}: {error}"));
    let header = csv.headers().map_err(fail)?.clone();
    if header.is_empty() {
        return Err(Failure::work(format_args!("{name} is empty")));
    }
    let have = || header.iter().collect::<Vec<_>>().join(", ");
    let wanted: Vec<usize> = if columns.is_empty() {
        if header.len() != 1 {
            return Err(Failure::usage(format_args!("{name} has {} columns", header.len()))
                .hint(format_args!("name one as {name}:COLUMN; it has {}", have())));
        }
        vec![0]
    } else {
        let find = |column: &&str| {
            header.iter().position(|field| field.trim() == *column).ok_or_else(|| {
                Failure::usage(format_args!("{name} has no column `{column}`"))
                    .hint(format_args!("it has {}", have()))
            })
        };
        columns.iter().map(find).collect::<Outcome<_>>()?
    };
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(fail)? {
        let line = record.position().map_or(0, csv::Position::line);
        take(wanted.iter().map(|&index| record[index].to_owned()).collect(), line)?;
    }
    Ok(())
}

fn json_rows(
    name: &str,
    reader: Box<dyn BufRead>,
    columns: &[&str],
    take: &mut dyn FnMut(Vec<String>, u64) -> Outcome,
) -> Outcome {
    for (index, line) in reader.lines().enumerate() {
        let at = index as u64 + 1;
        let fail = |what: String| Failure::work(format_args!("{name}, line {at}: {what}"));
        let line = line.map_err(|error| fail(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let value: serde_json::Value =
            serde_json::from_str(&line).map_err(|error| fail(error.to_string()))?;
        let cells = if columns.is_empty() {
            vec![cell(&value).ok_or_else(|| {
                fail("not a plain value".to_owned()).hint("name a field as FILE:FIELD")
            })?]
        } else {
            let get = |column: &&str| {
                let found = column.split('.').try_fold(&value, |inner, key| inner.get(key));
                found.and_then(cell).ok_or_else(|| fail(format!("no value in field `{column}`")))
            };
            columns.iter().map(get).collect::<Outcome<_>>()?
        };
        take(cells, at)?;
    }
    Ok(())
}

fn cell(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_numbers_or_a_file_or_standard_input() {
        let given = Source::parse(&words("1,2 -3.5 4e2,"), None).unwrap();
        assert_eq!(given, Source::Given(vec![1.0, 2.0, -3.5, 400.0]));
        assert_eq!(Source::parse(&[], None).unwrap(), Source::Stdin);
        let file = Source::parse(&words("data.csv:score"), None).unwrap();
        assert_eq!(file, Source::File { path: "data.csv".into(), column: Some("score".into()) });
        let listed = Source::parse(&words(",-1,2"), None).unwrap();
        assert_eq!(listed, Source::Given(vec![-1.0, 2.0]));
        let failure = Source::parse(&words("1 2 three"), None).unwrap_err();
        assert_eq!(failure.to_string(), "`three` is not a number");
    }

    #[test]
    fn reads_columns_of_csv_and_json_lines_and_names_the_wrong_line() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("a.csv");
        std::fs::write(&csv, "x,y\n1,2\n3,oops\n").unwrap();
        let source = |column: &str| Source::File { path: csv.clone(), column: Some(column.into()) };
        assert_eq!(source("x").collect().unwrap(), [1.0, 3.0]);
        let message = source("y").collect().unwrap_err().to_string();
        assert!(message.ends_with("a.csv, line 3: `oops`, which is not a number"), "{message}");
        assert!(source("z").collect().unwrap_err().to_string().ends_with("has no column `z`"));
        assert_eq!(source("y").labels().unwrap(), ["2", "oops"]);
        let jsonl = folder.path().join("a.jsonl");
        std::fs::write(&jsonl, "{\"m\":{\"loss\":1.5}}\n\n{\"m\":{\"loss\":2}}\n").unwrap();
        let source = Source::File { path: jsonl, column: Some("m.loss".into()) };
        assert_eq!(source.collect().unwrap(), [1.5, 2.0]);
        assert_eq!(columns(&csv, &["x"]).unwrap(), [vec![1.0, 3.0]]);
    }

    #[test]
    fn byte_order_marks_tabs_and_names_with_commas_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let read = |word: &str| Source::parse_one(word).unwrap().collect().unwrap();
        assert_eq!(read(&file("marked.txt", "\u{feff}1\n2\n")), [1.0, 2.0]);
        assert_eq!(read(&file("marked.jsonl", "\u{feff}1\n2\n")), [1.0, 2.0]);
        let tabs = file("p.data", "\tx\ty\n1\t2\t3\n2\t4\t5\n");
        assert_eq!(read(&format!("{tabs}:y")), [3.0, 5.0]);
        assert_eq!(read(&file("plain.data", "1 2,3\n")), [1.0, 2.0, 3.0]);
        let commas = file("c.csv", "\"size, m2\",y\n7,1\n8,2\n");
        assert_eq!(read(&format!("{commas}:size, m2")), [7.0, 8.0]);
    }

    #[test]
    fn plain_text_is_read_in_pieces_of_any_size() {
        let text = "1,-2.5 3e2\n\n  .5\t-0 7.\r\n123456789012345678901 0.1000000000000000055511151231257827 inf";
        let expected: [f64; 8] =
            [1.0, -2.5, 300.0, 0.5, -0.0, 7.0, 123_456_789_012_345_678_901.0, 0.1];
        for size in [1, 2, 3, 7, 1000] {
            let mut found = Vec::new();
            let mut reader = BufReader::with_capacity(size, text.as_bytes());
            let mut take = |value| {
                found.push(value);
                Ok(())
            };
            plain("text", &mut reader, &mut take).unwrap();
            assert_eq!(found.len(), expected.len() + 1);
            assert!(
                found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{found:?}"
            );
        }
        let mut found = Vec::new();
        let mut take = |value| {
            found.push(value);
            Ok(())
        };
        plain("text", &mut "1\u{a0}2\u{3000}\u{b}-3e1\u{2009}".as_bytes(), &mut take).unwrap();
        assert_eq!(found, [1.0, 2.0, -30.0]);
        let failed = |text: &str| {
            plain("text", &mut text.as_bytes(), &mut |_| Ok(())).unwrap_err().to_string()
        };
        assert_eq!(failed("1\n2\n3 x\n"), "text, line 3: `x`, which is not a number");
        assert_eq!(failed("1 - 2"), "text, line 1: `-`, which is not a number");
        assert_eq!(failed("1 . 2"), "text, line 1: `.`, which is not a number");
        assert!(failed(&"1".repeat(1 << 20)).ends_with("which is too long for a number"));
    }

    #[test]
    fn short_decimals_are_those_of_the_full_reader() {
        let mut draws = grimoire_stats::random::Random::new(5, 0).draws(0);
        let mut read = 0;
        for _ in 0..200_000 {
            let digits: String =
                (0..draws.below(18)).map(|_| char::from(b'0' + draws.below(10) as u8)).collect();
            let mut text = digits;
            text.insert(draws.below(text.len() as u64 + 1) as usize, '.');
            text.insert_str(0, ["", "-"][draws.below(2) as usize]);
            if let Some(value) = short_decimal(text.as_bytes()) {
                assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
                read += 1;
            }
        }
        assert!(read > 100_000, "{read}");
    }
}
