//! Any bytes as a Parquet file; what is read becomes records with a line each. The library behind it may panic on a
//! thread of its own, which is an error of the file and no crash.
#![no_main]

use grimoire_tune::data::{PARQUET_READER, parse_records};

/// Lets panics of the reader's own thread pass, which the caller turns into errors.
fn quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(PARQUET_READER) {
            usual(panic);
        }
    }));
}

libfuzzer_sys::fuzz_target!(init: quiet(), |bytes: &[u8]| {
    if let Ok(records) = parse_records("d.parquet", bytes.to_vec()) {
        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.line, index + 1);
        }
    }
});
