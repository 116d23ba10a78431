//! Any bytes as the index of a model in shards.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = grimoire_format::safetensors::check_index(bytes.to_vec());
});
