//! Any bytes as a data file of each kind, by its first byte; what is read becomes rows, and each row has a
//! line of the file and a key.
#![no_main]

use grimoire_tune::data::{Fields, parse_records, rows};

const NAMES: [&str; 6] = ["d.jsonl", "d.json", "d.csv", "d.tsv", "d.txt", "d"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    // Gzip may unpack to gigabytes by its own limit, which is not what is tried here.
    if rest.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let lines = 1 + rest.iter().filter(|byte| **byte == b'\n').count();
    if let Ok(records) = parse_records(name, rest.to_vec())
        && let Ok(rows) = rows(name, &records, &Fields::default())
    {
        for (source, row) in rows {
            assert!((1..=lines).contains(&source.line));
            let _ = row.key();
        }
    }
});
