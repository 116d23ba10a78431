//! Settings of the rotary embedding as `config.json` says them, against the angles of `transformers`
//! (`golden/models/rope.py`).

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use grimoire_models::Checkpoint;
use grimoire_testkit::{all_close, close, golden, repository_root};
use serde_json::{Value, json};

/// A folder whose `config.json` has these settings; the weights are never looked at.
fn open(rope: &Value) -> Checkpoint {
    let from = repository_root().join("golden/models/llama");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(from.join("model.safetensors"), folder.path().join("model.safetensors")).unwrap();
    let mut config: Value =
        serde_json::from_slice(&std::fs::read(from.join("config.json")).unwrap()).unwrap();
    config["head_dim"] = json!(64);
    config["rope_parameters"] = rope.clone();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    Checkpoint::open(folder.path()).unwrap()
}

#[test]
fn every_scaling_turns_as_transformers_turns() {
    let recorded: Value = golden::read("models/rope.json");
    let cases = recorded["cases"].as_object().unwrap();
    let mut seen = Vec::new();
    for (name, case) in cases {
        let checkpoint = open(&case["rope_parameters"]);
        let rotary = checkpoint.config().rotary.clone().unwrap();
        let expected: Vec<f64> = serde_json::from_value(case["frequencies"].clone()).unwrap();
        // transformers computes them in f32: a power and three products.
        let ours: Vec<f32> = rotary.frequencies().iter().map(|f| *f as f32).collect();
        all_close(&ours, &expected, 1e-6, 0.0);
        // At position 0 the cosine is the attention factor.
        let cosine = f64::from(rotary.angles(&[0]).cos[0]);
        close(cosine, case["attention"].as_f64().unwrap(), 1e-7, 0.0);
        let turn = (ours, cosine);
        assert!(!seen.contains(&turn), "{name} is another's");
        seen.push(turn);
    }
    assert_eq!(seen.len(), 5);
}
