//! `grimoire model` as a person calls it: output, exit code, files.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_format::adapter::gguf_lora::GgufLora;
use grimoire_format::adapter::peft::PeftAdapter;
use grimoire_format::adapter::{LoraPair, Targets};
use grimoire_format::gguf::Gguf;
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
    // Keys and values in f16.
    assert_eq!(info["memory"]["cache_per_1000"], 2 * 2 * 30 * 3 * 64 * 1000);
    // Values, gradients and two moments in f32 of A and B of rank 16 on 30 blocks: q, o 576 x 576,
    // k, v 192 x 576, gate, up 1536 x 576 and down 576 x 1536.
    let rows_and_columns = 30 * (2 * (576 + 576) + 2 * (192 + 576) + 3 * (1536 + 576));
    assert_eq!(info["memory"]["tuning"]["trained"], 4 * 4 * 16 * rows_and_columns);
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

/// A PEFT adapter for the q and down matrices of a GGUF model, with values from a formula.
fn write_adapter(model: &std::path::Path, folder: &std::path::Path) -> PeftAdapter {
    let file = Gguf::open(model).unwrap();
    let mut pairs = Vec::new();
    for tensor in file.tensors() {
        let name = tensor.name().trim_start_matches("blk.").trim_end_matches(".weight");
        let Some((block, part)) = name.split_once('.') else { continue };
        let (module, rank) = match part {
            "attn_q" => ("self_attn.q_proj", 2),
            "ffn_down" => ("mlp.down_proj", 3),
            _ => continue,
        };
        let (outputs, inputs) = (tensor.shape()[0], tensor.shape()[1]);
        let wave = |n: usize, f: f32| (0..n).map(|i| 0.3 * (i as f32 * f).sin()).collect();
        pairs.push(LoraPair {
            module: format!("model.layers.{block}.{module}"),
            rank,
            inputs,
            outputs,
            a: wave(rank * inputs, 0.7),
            b: wave(outputs * rank, 1.3),
            scale: if rank == 2 { 1.5 } else { 0.75 },
        });
    }
    pairs.sort_by(|x, y| x.module.cmp(&y.module));
    let adapter = PeftAdapter::from_pairs(pairs, &[], folder).unwrap();
    adapter.write(folder).unwrap();
    adapter
}

#[test]
fn merge_writes_a_model_that_computes_the_same_and_says_what_it_cost() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let base = golden("models/gguf/F32.gguf");
    write_adapter(&base, &folder.path().join("adapter"));
    std::fs::write(at("text.txt"), "the cat sat on the mat and the dog ran to the man ".repeat(20))
        .unwrap();
    let (base, adapter, text) = (base.to_str().unwrap(), at("adapter"), at("text.txt"));
    let merge = |out: &str, more: &[&str]| {
        let mut words = vec!["model", "merge", base, &adapter, "--out", out, "--text", &text];
        words.extend(more);
        json(&[&words[..], &["--json"]].concat())
    };
    let report = merge(&at("same.gguf"), &[]);
    let perplexity = |report: &Value, which: &str| report["perplexity"][which].as_f64().unwrap();
    let (before, adapted) = (perplexity(&report, "base"), perplexity(&report, "adapted"));
    assert!((before / adapted - 1.0).abs() > 1e-3, "the adapter does something: {report}");
    // The sums are the same but for their order; both are f32.
    let merged = perplexity(&report, "merged");
    assert!((merged / adapted - 1.0).abs() < 1e-3, "{report}");
    // The cost is what the two perplexities say it is: every token weighs the same.
    let cost = report["change"]["nll"].as_f64().unwrap();
    assert!((cost - (merged.ln() - adapted.ln())).abs() < 1e-12, "{report}");
    assert_eq!(report["tensors"], Gguf::open(base).unwrap().tensors().len());
    assert_eq!(report["changed"].as_u64().unwrap() % 2, 0);
    let small = merge(&at("small.gguf"), &["--type", "q8_0", "--tokens", "300"]);
    assert!(small["bytes"].as_u64().unwrap() < report["bytes"].as_u64().unwrap() / 2);
    assert!(small["change"]["interval"].is_array(), "{small}");
    // What is there stays, and what cannot be said is refused.
    for (out, expected) in [
        (at("same.gguf"), "it is there already\nhint: name another, or give --force"),
        (at("x.safetensors"), "expected a .gguf file or a folder, not .safetensors"),
        (base.to_owned(), "that is the model itself"),
    ] {
        let (code, error) =
            fails(&["model", "merge", base, &adapter, "--out", &out, "--text", &text]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let blocks = ["--out", &at("x"), "--text", &text, "--type", "q8_0"];
    let (code, error) = fails(&[&["model", "merge", base, &adapter], &blocks[..]].concat());
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("a folder of safetensors has no type Q8_0\nhint: "), "{error}");
    let lora = at("lora.gguf");
    ok(&["model", "adapter", base, &adapter, "--out", &lora]);
    for other in ["gpt2", "qwen2", "mixed"] {
        let other = golden(&format!("models/gguf/{other}.gguf"));
        for adapter in [&adapter, &lora] {
            let words =
                ["model", "merge", other.to_str().unwrap(), adapter, "--out", &at("x.gguf")];
            let (code, error) = fails(&[&words[..], &["--text", &text]].concat());
            assert_eq!((code, error.lines().count()), (1, 1), "{error}");
            assert!(error.contains("the adapter belongs to another model"), "{error}");
        }
    }
    assert!(!std::path::Path::new(&at("x.gguf")).exists());
}

/// From a file to a folder and back to a file, in half the bits: tokenizer and settings come along, and the
/// figures say what it cost. Without an adapter a model is only written anew.
#[test]
fn merge_crosses_containers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let base = golden("models/gguf/Q4_1.gguf");
    write_adapter(&base, &folder.path().join("adapter"));
    std::fs::write(at("text.txt"), "the cat sat on the mat and the dog ran to the man ".repeat(20))
        .unwrap();
    let merge = |words: &[&str]| {
        let text = at("text.txt");
        json(&[&["model", "merge"], words, &["--text", &text, "--json"]].concat())
    };
    let (base, adapter) = (base.to_str().unwrap(), at("adapter"));
    let there = merge(&[base, &adapter, "--out", &at("folder"), "--type", "f32"]);
    assert_eq!(there["format"], "safetensors");
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"]
    {
        assert!(folder.path().join("folder").join(name).is_file(), "{name}");
    }
    let back = merge(&[&at("folder"), "--out", &at("back.gguf")]);
    assert_eq!((&back["format"], &back["changed"]), (&"GGUF".into(), &0.into()));
    assert_eq!(back["perplexity"]["adapted"], Value::Null);
    let value = |report: &Value, which: &str| report["perplexity"][which].as_f64().unwrap();
    // f32 all the way: the same sums in another order.
    for (a, b) in [
        (value(&there, "adapted"), value(&there, "merged")),
        (value(&there, "merged"), value(&back, "base")),
        (value(&back, "base"), value(&back, "merged")),
    ] {
        grimoire_testkit::close(a, b, 1e-5, 0.0);
    }
    assert!((value(&there, "base") / value(&there, "merged") - 1.0).abs() > 1e-3, "{there}");
    let plain = |model: &str| {
        ok(&["generate", model, "--prompt", "the cat", "-n", "12", "--precision", "f32"])
    };
    assert_eq!(plain(&at("folder")), plain(&at("back.gguf")));
    // What stays above what was asked for is said, and can be had.
    let small = merge(&[&at("folder"), "--out", &at("small.gguf"), "--type", "q4_0"]);
    assert!(small["notes"][0].as_str().unwrap().contains("--outer-type"), "{small}");
    let words = ["--type", "q4_0", "--outer-type", "q4_0", "--force"];
    let smaller = merge(&[&[&at("folder"), "--out", &at("small.gguf")][..], &words].concat());
    assert!(
        smaller["bytes"].as_u64() < small["bytes"].as_u64()
            && smaller["notes"] == Value::Array(vec![])
    );
}

/// A small change of weights in four bits is rounded back to what was there, unless the type has more; both are said.
#[test]
fn a_merge_keeps_what_was_trained_or_says_that_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let base = golden("models/gguf/Q4_1.gguf");
    let mut adapter = write_adapter(&base, &folder.path().join("adapter"));
    adapter.pairs.iter_mut().flat_map(|pair| &mut pair.b).for_each(|b| *b *= 0.04);
    adapter.write(folder.path().join("adapter")).unwrap();
    let (base, adapter) = (base.to_str().unwrap(), at("adapter"));
    let merge = |out: &str, more: &[&str]| {
        let words = ["model", "merge", base, &adapter, "--tokens", "200", "--out", out];
        (
            json(&[&words[..], more, &["--json"]].concat()),
            ok(&[&words[..], more, &["--force"]].concat()),
        )
    };
    let (report, said) = merge(&at("whole.gguf"), &[]);
    // Rounding to eight bits has nothing to do with the change, but for chance among some thousand weights.
    assert!((0.95..1.05).contains(&report["kept"].as_f64().unwrap()), "{report}");
    assert!(report["notes"][0].as_str().unwrap().contains("Q4_1 changed and are Q8_0"), "{report}");
    assert!(said.contains(" % of what the adapter changed\n"), "{said}");
    let (report, said) = merge(&at("small.gguf"), &["--type", "q4_1"]);
    assert!(report["kept"].as_f64().unwrap() < 0.5, "{report}");
    assert!(said.contains("rounding took the rest back"), "{said}");
}

/// To GGUF-LoRA and back: the same matrices, their rows of q turned there and back, the same scales.
#[test]
fn adapters_cross_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let base = golden("models/gguf/Q4_1.gguf");
    let original = write_adapter(&base, &folder.path().join("adapter"));
    let base = base.to_str().unwrap();
    let there = json(&["model", "adapter", base, &at("adapter"), "--out", &at("a.gguf"), "--json"]);
    assert_eq!(
        (&there["format"], &there["modules"]),
        (&"GGUF-LoRA".into(), &original.pairs.len().into())
    );
    // Rank 2 with 1.5 and rank 3 with 0.75: alpha 3 and 2.25, one of which is folded.
    assert_eq!(there["folded"].as_u64().unwrap() * 2, original.pairs.len() as u64);
    ok(&["model", "adapter", base, &at("a.gguf"), "--out", &at("back"), "--base", "org/name"]);
    let back = PeftAdapter::open(at("back")).unwrap();
    assert_eq!(back.config.base_model.as_deref(), Some("org/name"));
    assert_eq!(back.pairs.len(), original.pairs.len());
    // Every q and down is adapted, so that their short names say which; rank and alpha likewise.
    let short = ["down_proj", "q_proj"].map(str::to_owned);
    assert_eq!(back.config.targets, Targets::Names(short.to_vec()));
    let patterns = (back.config.rank_pattern.len(), back.config.alpha_pattern.len());
    // GGUF-LoRA has one alpha, and so has what comes from it.
    assert!(patterns == (1, 0), "{:?}", back.config);
    for (a, b) in back.pairs.iter().zip(&original.pairs) {
        assert_eq!((&a.module, a.rank, &a.a), (&b.module, b.rank, &b.a));
        for (x, y) in a.b.iter().zip(&b.b) {
            // Folding rounds once.
            grimoire_testkit::close((x * a.scale).into(), (y * b.scale).into(), 2.4e-7, 0.0);
        }
    }
    let lora = GgufLora::open(at("a.gguf")).unwrap();
    let q = lora.pairs.iter().find(|pair| pair.module == "blk.0.attn_q.weight").unwrap();
    let same =
        original.pairs.iter().find(|pair| pair.module.ends_with("0.self_attn.q_proj")).unwrap();
    assert_ne!(q.b, same.b, "rows of q are permuted in a GGUF of the llama architecture");
    let (code, error) = fails(&["model", "adapter", base, &at("adapter"), "--out", &at("a.gguf")]);
    assert_eq!(code, 2, "{error}");
    let config = folder.path().join("adapter/adapter_config.json");
    let text = std::fs::read_to_string(&config)
        .unwrap()
        .replace("\"use_dora\": false", "\"use_dora\": true");
    std::fs::write(&config, text).unwrap();
    let (code, error) = fails(&["model", "adapter", base, &at("adapter"), "--out", &at("b.gguf")]);
    assert_eq!(code, 1);
    assert!(error.contains("adapter_config.json: \"use_dora\" true is not supported"), "{error}");
}
