//! `grimoire model` as a person calls it: output, exit code, files.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn golden(name: &str) -> PathBuf {
    grimoire_testkit::repository_root().join("golden").join(name)
}

/// Runs the binary where no network and no cache of the person's can play a part.
fn run(words: &[&str]) -> Output {
    let nowhere = std::env::temp_dir().join("grimoire-no-cache");
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(words)
        .env("HF_HOME", nowhere)
        .env("HF_HUB_OFFLINE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn ok(words: &[&str]) -> String {
    let output = run(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and standard error.
fn fails(words: &[&str]) -> (i32, String) {
    let output = run(words);
    assert!(output.stdout.is_empty(), "{words:?} printed data");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&ok(words)).unwrap()
}

/// Sizes as in the configurations that `golden/models/families.py` wrote.
#[test]
fn info_tells_what_a_folder_is() {
    for family in ["llama", "llama3", "mistral", "qwen2", "qwen3", "gpt2"] {
        let folder = golden("models").join(family);
        let info = json(&["model", "info", folder.to_str().unwrap(), "--json"]);
        let text = std::fs::read_to_string(folder.join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        let key =
            |llama: &str, gpt2: &str| config[if family == "gpt2" { gpt2 } else { llama }].clone();
        assert_eq!(info["sizes"]["width"], key("hidden_size", "n_embd"));
        assert_eq!(info["sizes"]["blocks"], key("num_hidden_layers", "n_layer"));
        assert_eq!(info["sizes"]["heads"], key("num_attention_heads", "n_head"));
        assert_eq!(info["sizes"]["vocabulary"], config["vocab_size"]);
        let parts = ["embedding", "attention", "feed_forward", "norms", "head"];
        let sum: u64 = parts.iter().map(|part| info["parameters"][part].as_u64().unwrap()).sum();
        assert_eq!(info["parameters"]["total"], sum);
        let stored = info["storage"].as_array().unwrap().iter();
        let stored: u64 = stored.map(|storage| storage["values"].as_u64().unwrap()).sum();
        assert_eq!(stored, sum + info["parameters"]["other"].as_u64().unwrap(), "{family}");
    }
}

#[test]
fn info_tells_what_the_real_model_is() {
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let Some(path) = grimoire_testkit::models_dir("model::info_tells_what_the_real_model_is", name)
    else {
        return;
    };
    let text = ok(&["model", "info", path.to_str().unwrap()]);
    // 134,515,008 parameters, 272 tensors: the model card and `gguf-dump` of the gguf package.
    for line in [
        "format          GGUF v3",
        "architecture    llama",
        "shape           30 blocks, width 576, 9 query and 3 key-value heads of 64, inner width 1536",
        "context         8192 tokens (rope base 100000)",
        "parameters      135M",
        "tokenizer       49152 tokens, begin <|im_start|>, end <|im_end|>",
    ] {
        assert!(text.lines().any(|other| other == line), "{text}\nlacks: {line}");
    }
    let info = json(&["model", "info", path.to_str().unwrap(), "--json"]);
    assert_eq!(info["parameters"]["total"], 134_515_008);
    assert_eq!(info["memory"]["cache_per_1000"], 2 * 4 * 30 * 3 * 64 * 1000);
}

#[test]
fn what_is_no_model_is_named() {
    for (model, expected) in [
        ("./absent.gguf", "error: ./absent.gguf: no such file or folder"),
        ("absent", "error: absent: no such file or folder"),
        ("org/absent.gguf", "error: org/absent.gguf: no such file or folder"),
        ("org/absent", "error: org/absent is not in the cache "),
    ] {
        let (code, error) = fails(&["model", "info", model]);
        assert_eq!(code, 1);
        assert!(error.starts_with(expected) && error.contains("\nhint: "), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.gguf");
    let bytes = std::fs::read(golden("models/gguf/Q4_1.gguf")).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let (code, error) = fails(&["model", "info", broken.to_str().unwrap()]);
    assert_eq!((code, error.lines().count()), (1, 1), "{error}");
    assert!(error.contains("broken.gguf: byte ") && error.contains("expected"), "{error}");
    let (code, error) = fails(&["model", "info", folder.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(error.contains("not a model"), "{error}");
    assert_eq!(fails(&["model", "info"]).0, 2);
}
