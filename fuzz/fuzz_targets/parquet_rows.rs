//! Any bytes as a Parquet file; what is read becomes records with a line each. The library behind it may panic on a
//! thread of its own, which is an error of the file and no crash. Of `grimoire-tune` only the four files that read are
//! built, not the engine.
#![no_main]

#[path = "../../crates/grimoire-tune/src/data/parquet.rs"]
mod parquet;
#[path = "../../crates/grimoire-tune/src/data/parquet_counts.rs"]
mod parquet_counts;
#[path = "../../crates/grimoire-tune/src/data/parquet_pages.rs"]
mod parquet_pages;
#[path = "../../crates/grimoire-tune/src/data/read.rs"]
#[expect(dead_code, reason = "what reads a file by its path is not tried here")]
mod read;

/// As in `grimoire-tune`, of which these are the errors that a reader gives.
#[derive(Debug)]
pub enum DataError {
    Io { path: String, source: std::io::Error },
    Place { path: String, line: usize, expected: String, found: String },
    Empty { path: String },
}

/// Lets panics of the reader's own thread pass, which the caller turns into errors.
fn quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(parquet::READER) {
            usual(panic);
        }
    }));
}

libfuzzer_sys::fuzz_target!(init: quiet(), |bytes: &[u8]| {
    if let Ok(records) = read::parse_records("d.parquet", bytes.to_vec()) {
        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.line, index + 1);
        }
    }
});
