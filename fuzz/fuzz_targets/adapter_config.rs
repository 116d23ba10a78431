//! Any bytes as `adapter_config.json`, held against the weights of a small adapter; what is accepted
//! is written and must read back as the same.
#![no_main]

use grimoire_format::Mapped;
use grimoire_format::adapter::PeftConfig;
use grimoire_format::adapter::peft::PeftAdapter;

const WEIGHTS: &[u8] =
    include_bytes!("../../golden/format/peft-patterns/adapter_model.safetensors");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = Mapped::from_bytes("adapter_config.json", bytes.to_vec());
    if let Ok(config) = PeftConfig::parse(&file) {
        let again = Mapped::from_bytes("again.json", config.to_json().into_bytes());
        assert_eq!(PeftConfig::parse(&again).expect("own output is read"), config);
        let _ = PeftAdapter::parse(&file, Mapped::from_static("weights", WEIGHTS));
    }
});
