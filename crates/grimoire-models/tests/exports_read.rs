//! The models that transformers, llama.cpp and the `gguf` package read, by the record of
//! `golden/models/exports_check.py`, are those that this code writes: the same bytes. What those programs made of
//! them is in the record; without them, nothing more can be held.

#[path = "../examples/write_exports/exports.rs"]
mod exports;

use grimoire_testkit::repository_root;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[test]
fn models_are_written_as_others_read_them() {
    let golden = repository_root().join("golden/models");
    let record = std::fs::read(golden.join("exports_check.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let bound = record["bound"].as_f64().unwrap();
    let bound_of_llama_cpp = record["bound_of_llama_cpp_relative"].as_f64().unwrap();
    let (mut written, mut recorded) = (BTreeMap::new(), BTreeMap::new());
    for (name, result) in record["results"].as_object().unwrap() {
        let differs = |key: &str| result[key].as_f64();
        match result["read_by"].as_str().unwrap() {
            "transformers" => assert!(differs("largest_difference").unwrap() <= bound, "{name}"),
            "llama.cpp" => {
                let off = differs("largest_difference_relative").unwrap();
                assert!(off <= bound_of_llama_cpp, "{name}");
            }
            reader => assert_eq!(reader, "gguf", "{name}"),
        }
        recorded.insert(name.clone(), result["sha256"].as_str().unwrap().to_owned());
    }
    let folder = tempfile::tempdir().unwrap();
    for name in exports::MODELS {
        for change in exports::CHANGES {
            let changed = exports::changed(&golden, name, change).unwrap();
            for path in changed.write(folder.path()).unwrap() {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let weights = if path.is_dir() { path.join("model.safetensors") } else { path };
                let mut hash = String::new();
                for byte in Sha256::digest(std::fs::read(weights).unwrap()) {
                    write!(hash, "{byte:02x}").unwrap();
                }
                written.insert(name, hash);
            }
        }
    }
    assert_eq!(written, recorded, "run golden/models/exports_check.py again and record");
}
