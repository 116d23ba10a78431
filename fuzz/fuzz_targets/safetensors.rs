//! Any bytes as a safetensors file: opened, and every tensor asked for.
#![no_main]

use grimoire_format::Mapped;
use grimoire_format::safetensors::SafeTensors;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = Mapped::from_bytes("fuzz.safetensors", bytes.to_vec());
    if let Ok(file) = SafeTensors::parse(file) {
        for tensor in file.tensors() {
            assert_eq!(tensor.to_f32().map(|values| values.len()).ok(), Some(tensor.len()));
        }
    }
});
