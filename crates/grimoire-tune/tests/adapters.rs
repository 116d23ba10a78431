//! Adapters of the recorded models: which layers patterns name, and how an adapter is known again on its base and on
//! others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use grimoire_models::{Checkpoint, Model};
use grimoire_tensor::Params;
use grimoire_testkit::repository_root;
use grimoire_tune::TuneError;
use grimoire_tune::adapter::{Applied, LoraSettings, attach, load, to_peft};
use grimoire_tune::fingerprint;
use std::path::Path;

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&repository_root().join("golden/models").join(name)).unwrap()
}

fn settings(targets: &[&str]) -> LoraSettings {
    let targets = targets.iter().map(|target| (*target).to_owned()).collect();
    LoraSettings { rank: 2, targets, ..LoraSettings::default() }
}

/// Writes a fresh adapter of a model.
fn write(name: &str, folder: &Path) {
    let checkpoint = open(name);
    let (mut model, mut params) = (Model::load(&checkpoint).unwrap(), Params::default());
    let settings = settings(&[]);
    attach(&mut model, &mut params, &settings, 0).unwrap();
    to_peft(&model, &params, &checkpoint, &settings, name).unwrap().write(folder).unwrap();
}

fn apply(name: &str, adapter: &Path) -> Result<Applied, TuneError> {
    let checkpoint = open(name);
    let mut model = Model::load(&checkpoint).unwrap();
    load(&mut model, &mut Params::default(), &checkpoint, adapter)
}

#[test]
fn an_adapter_knows_its_base() {
    let folder = tempfile::tempdir().unwrap();
    let other_weights = |name: &str, at: &Path| apply(name, at).unwrap().other_weights;
    write("llama", folder.path());
    assert!(!other_weights("llama", folder.path()));
    // The same shapes, drawn anew.
    assert!(other_weights("llama-bias", folder.path()));
    write("gguf/F32.gguf", folder.path());
    assert!(!other_weights("gguf/F32.gguf", folder.path()));
    assert!(other_weights("gguf/Q8_0.gguf", folder.path()));
    // Mistral and Qwen2 of the same shapes, and Mistral is a Llama for an adapter.
    write("mistral", folder.path());
    assert!(!other_weights("mistral", folder.path()));
    let error = apply("qwen2", folder.path()).unwrap_err().to_string();
    assert!(error.contains("it adapts llama, the model is qwen2"), "{error}");
    // PEFT writes none of this.
    let recorded = repository_root().join("golden/format/peft-patterns");
    assert!(grimoire_format::adapter::peft::PeftAdapter::open(recorded).unwrap().base.is_none());
}

#[test]
fn every_byte_of_a_small_model_is_in_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let from = repository_root().join("golden/models/gguf/F32.gguf");
    let bytes = std::fs::read(&from).unwrap();
    let file = folder.path().join("m.gguf");
    let found = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        fingerprint(&Checkpoint::open(&file).unwrap())
    };
    let base = fingerprint(&Checkpoint::open(&from).unwrap());
    assert_eq!(base.len(), 64);
    assert_eq!(found(&bytes), base);
    for back in [1, 100, 1000] {
        let mut other = bytes.clone();
        let at = other.len() - back;
        other[at] ^= 1;
        assert_ne!(found(&other), base, "{back}");
    }
}

#[test]
fn a_pattern_that_names_no_layer_is_refused() {
    let checkpoint = open("llama");
    let try_on = |targets: &[&str]| {
        let mut model = Model::load(&checkpoint).unwrap();
        attach(&mut model, &mut Params::default(), &settings(targets), 0)
    };
    // Two blocks of seven layers.
    assert_eq!(try_on(&[]).unwrap(), 14);
    assert_eq!(try_on(&["q_proj", "mlp"]).unwrap(), 8);
    let error = try_on(&["q_proj", "nosuch"]).unwrap_err();
    assert!(
        matches!(&error, TuneError::NoTarget { patterns, layers }
            if patterns == &["nosuch"] && layers.contains("blocks.0.attn.q") && layers.contains("mlp.down")),
        "{error}"
    );
}
