//! Any bytes as a GGUF file: opened, and everything in it asked for.
#![no_main]

use grimoire_format::Mapped;
use grimoire_format::adapter::gguf_lora::GgufLora;
use grimoire_format::gguf::Gguf;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = Mapped::from_bytes("fuzz.gguf", bytes.to_vec());
    if let Ok(file) = Gguf::parse(file.clone()) {
        let meta = file.metadata();
        for key in meta.keys() {
            let _ = (meta.get(key), meta.optional::<u32>(key), meta.optional::<Vec<f32>>(key));
            let _ = (meta.optional::<&str>(key), meta.optional::<Vec<&str>>(key));
            let _ = (meta.optional::<Vec<i32>>(key), meta.optional::<bool>(key));
        }
        for tensor in file.tensors() {
            assert_eq!(tensor.range().len(), tensor.bytes().len());
            let _ = tensor.to_f32();
        }
    }
    let _ = GgufLora::parse(file);
});
