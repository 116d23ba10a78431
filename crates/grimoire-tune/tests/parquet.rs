//! Parquet files of pyarrow give the rows that pyarrow reads (`golden/tune/parquet_rows.py`); what is damaged or not
//! read here is an error with file and row, and never a panic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use grimoire_testkit::golden;
use grimoire_tune::data::parse_records;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    other: BTreeMap<String, String>,
    larger: String,
    bomb: String,
    counts: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    rows: Vec<Map<String, Value>>,
}

/// A byte is a Latin-1 character.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

fn recorded() -> Golden {
    golden::read("tune/parquet_rows.json.gz")
}

#[test]
fn rows_are_those_of_pyarrow() {
    for case in &recorded().cases {
        // By its name, and by its first bytes where the name does not tell.
        for name in ["d.parquet", "D.PARQUET", "blob"] {
            let records = parse_records(name, bytes(&case.file)).unwrap();
            assert_eq!(records.len(), case.rows.len());
            for (index, (record, expected)) in records.iter().zip(&case.rows).enumerate() {
                assert_eq!(record.line, index + 1);
                assert_eq!(record.fields, *expected);
            }
        }
    }
}

#[test]
fn another_compression_is_named() {
    for (kind, file) in &recorded().other {
        let error = parse_records("d.parquet", bytes(file)).unwrap_err().to_string();
        let expected =
            "d.parquet:1: expected a Parquet file of plain, Snappy, gzip or Zstandard pages";
        assert!(error.starts_with(expected), "{error}");
        assert!(
            error.to_lowercase().contains(&format!("pages packed by {kind}")),
            "{kind}: {error}"
        );
    }
}

#[test]
fn a_file_unpacks_to_no_more_than_it_says_or_than_gzip_could() {
    let error = parse_records("d.parquet", bytes(&recorded().larger)).unwrap_err().to_string();
    assert!(error.contains("Zstandard: a column is larger than the file says"), "{error}");
    let error = parse_records("d.parquet", bytes(&recorded().bomb)).unwrap_err().to_string();
    assert!(error.contains("it unpacks to more than a thousand times its size"), "{error}");
}

#[test]
fn counts_that_cannot_be_are_refused_before_memory_is_taken() {
    let counts = recorded().counts;
    assert_eq!(counts.len(), 6);
    for (expected, file) in counts {
        let error = parse_records("d.parquet", bytes(&file)).unwrap_err().to_string();
        assert!(error.contains(expected.split(',').next().unwrap()), "{expected}: {error}");
    }
}

#[test]
fn damaged_files_are_errors_or_other_rows() {
    let golden = recorded();
    let whole = bytes(&golden.cases[1].file);
    for cut in (0..whole.len()).step_by(7) {
        let error = parse_records("d.parquet", whole[..cut].to_vec()).unwrap_err().to_string();
        assert!(error.starts_with("d.parquet:"), "{error}");
    }
    // A linear congruential generator (Numerical Recipes) chooses bytes to change.
    let mut state = 1_u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for case in golden.cases[..3].iter().chain(&golden.cases[7..9]).chain(&golden.cases[11..14]) {
        let whole = bytes(&case.file);
        for _ in 0..400 {
            let mut changed = whole.clone();
            for _ in 0..=next(3) {
                let at = next(changed.len());
                changed[at] = next(256) as u8;
            }
            if let Err(error) = parse_records("d.parquet", changed) {
                assert!(error.to_string().starts_with("d.parquet:"), "{error}");
            }
        }
    }
}
