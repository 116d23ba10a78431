//! What a document costs does not depend on what it is computed together with. Documents of unequal length lie
//! end to end in a batch (there is no padding), so what could reach them is a neighbour: each is measured
//! alone, after and before longer and shorter ones, with batches of one token to all, on one thread and several,
//! from a GGUF file, a Hugging Face folder and, where it is there, the real model.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use grimoire_testkit::close;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const PLACE: &str = "The Blue Heron is a quiet cafe near the river. It serves lentil curry. ";

fn grimoire(folder: &Path, words: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
    let output = command.args(words).args(["-q", "--json"]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Nats of every token of every document.
fn nats(folder: &Path, model: &str, texts: &[&str], batch: &str, threads: &str) -> Vec<Vec<f64>> {
    let rows: Vec<String> = texts.iter().map(|text| json!({ "text": text }).to_string()).collect();
    std::fs::write(folder.join("texts.jsonl"), rows.join("\n")).unwrap();
    let words = ["surprise", model, "texts.jsonl", "--tokens", "tokens.jsonl"];
    let settings = ["--begin", "document", "--batch", batch, "--threads", threads];
    grimoire(folder, &[&words[..], &settings].concat());
    let mut documents: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("tokens.jsonl")).unwrap().lines() {
        let token: Value = serde_json::from_str(line).unwrap();
        let nats = token["bits"].as_f64().unwrap() * std::f64::consts::LN_2;
        documents.entry(token["document"].as_u64().unwrap()).or_default().push(nats);
    }
    assert_eq!(documents.len(), texts.len());
    documents.into_values().collect()
}

fn company_does_not_matter(folder: &Path, model: &str, settings: &[(&str, &str)]) {
    let (short, usual, long) = ("A plain diner.", PLACE.trim_end(), PLACE.repeat(4));
    let alone = |text: &str| nats(folder, model, &[text], "8192", "1").remove(0);
    let expected: BTreeMap<&str, Vec<f64>> =
        [short, usual, &long].into_iter().map(|text| (text, alone(text))).collect();
    // What stands before it in the same document does matter, so that a leak would show.
    let joined = alone(&format!("{usual} {short}"));
    let first = expected[short].len();
    let moved = joined.iter().rev().zip(expected[short].iter().rev()).take(first);
    assert!(moved.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs())) > 0.01, "{model}");

    let companies = [
        vec![usual, &long],
        vec![&long, usual],
        vec![short, usual],
        vec![usual, short],
        vec![short, short, &long, usual, short, usual, &long],
    ];
    for company in &companies {
        for (batch, threads) in settings {
            let found = nats(folder, model, company, batch, threads);
            for (text, found) in company.iter().zip(&found) {
                assert_eq!(found.len(), expected[text].len());
                for (found, expected) in found.iter().zip(&expected[text]) {
                    close(*found, *expected, 1e-6, 0.0);
                }
            }
        }
    }
}

#[test]
fn a_document_costs_the_same_in_any_company_from_either_container() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("1", "1"), ("40", "2"), ("100", "3"), ("8192", "2")];
    for (model, kind) in [("folder", "f32"), ("blocks.gguf", "q8_0")] {
        let words = ["model", "merge", "builtin", "--out", model, "--type", kind, "--tokens", "64"];
        grimoire(folder.path(), &words);
        company_does_not_matter(folder.path(), model, &settings);
    }
}

#[test]
fn a_document_costs_the_same_in_any_company_of_the_real_model() {
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let test = "a_document_costs_the_same_in_any_company_of_the_real_model";
    let Some(model) = grimoire_testkit::models_dir(test, name) else { return };
    let folder = tempfile::tempdir().unwrap();
    company_does_not_matter(folder.path(), &model.to_string_lossy(), &[("40", "2"), ("8192", "1")]);
}

/// A chat template says what stands before an answer, so that a task's separator does not: what an option weighs is
/// the same whatever it is. Without a template it is part of the text.
#[test]
fn options_after_a_chat_template_have_no_separator() {
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let test = "options_after_a_chat_template_have_no_separator";
    let Some(model) = grimoire_testkit::models_dir(test, name) else { return };
    let (folder, model) = (tempfile::tempdir().unwrap(), model.to_string_lossy().into_owned());
    let folder = folder.path();
    let rows = ["a fine film", "a dull film", "nobody laughed"].map(|text| json!({ "text": text }));
    std::fs::write(folder.join("rows.jsonl"), rows.map(|row| row.to_string()).join("\n")).unwrap();
    let weights = |separator: &str, more: &[&str]| -> Vec<Value> {
        let task = format!(
            "name = \"films\"\nprompt = \"{{{{ text }}}}: good or bad?\"\ntruth = \"good\"\nseparator = \"{separator}\"\n\
             [choose]\noptions = [\"good\", \"bad\"]\n[[metric]]\nkind = \"accuracy\"\n"
        );
        std::fs::write(folder.join("films.toml"), task).unwrap();
        let out = tempfile::tempdir_in(folder).unwrap();
        let place = out.path().join("out");
        let words = ["eval", &model, "films.toml", "--data", "rows.jsonl", "--precision", "f32"];
        let out = ["--out", place.to_str().unwrap()];
        grimoire(folder, &[&words[..], &out, more].concat());
        let items = std::fs::read_to_string(place.join("items.jsonl")).unwrap();
        let item = |line: &str| serde_json::from_str::<Value>(line).unwrap()["log_probs"].clone();
        items.lines().map(item).collect()
    };
    let spaced = weights(" ", &["--chat"]);
    assert!(spaced.len() == 3 && spaced[0].is_array(), "{spaced:?}");
    assert_eq!(spaced, weights("", &["--chat"]));
    assert_ne!(weights(" ", &[]), weights("", &[]));
}
