//! `grimoire eval` against lm-evaluation-harness 0.4 on SmolLM2, item by item: log-probabilities within 1e-3
//! and the same choice; the same written answers, extracted answers and hits. `golden/eval/harness/harness.py`
//! made the values and says how.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_testkit::{close, golden, models_dir, shared_data, slow};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// What the harness found on a task, item by item; those of one filter where a task has several.
fn recorded(task: &str, filter: Option<&str>) -> Vec<Value> {
    let all: Value = golden::read("eval/harness/harness.json.gz");
    let items = all["tasks"][task]["items"].as_array().unwrap().clone();
    let mut items: Vec<Value> = items
        .into_iter()
        .filter(|item| filter.is_none_or(|filter| item["filter"] == filter))
        .collect();
    items.sort_by_key(|item| item["id"].as_u64());
    items
}

struct Ours {
    folder: tempfile::TempDir,
    model: PathBuf,
}

impl Ours {
    fn new(test: &str) -> Option<Self> {
        let model = models_dir(test, MODEL)?;
        Some(Self { folder: tempfile::tempdir().unwrap(), model })
    }

    /// Evaluates in f32 and returns the records.
    fn records(&self, task: &str, n: usize, more: &[&str]) -> Vec<Value> {
        let out = self.folder.path().join("out");
        let limit = n.to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_grimoire"))
            .args([
                "eval",
                self.model.to_str().unwrap(),
                task,
                "--limit",
                &limit,
                "--precision",
                "f32",
            ])
            .args(["--no-cache", "--json", "--out", out.to_str().unwrap()])
            .args(more)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = std::fs::read_to_string(out.join("items.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A file of a real data set: `set/file`.
fn shared_file(test: &str, name: &str) -> Option<PathBuf> {
    let (set, file) = name.split_once('/').unwrap();
    Some(shared_data(test, set)?.join(file))
}

fn hit(record: &Value, figure: &str) -> f64 {
    record["rows"][figure][0].as_f64().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Log-probabilities of every option, and whether the likeliest is right.
fn choices(ours: &[Value], theirs: &[Value]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let expected = theirs["responses"].as_array().unwrap();
        let found = ours["log_probs"].as_array().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            // A response is one pair: log-likelihood, whether it is greedy.
            let expected = &expected[0][0];
            let expected =
                expected.as_f64().unwrap_or_else(|| expected.as_str().unwrap().parse().unwrap());
            close(found.as_f64().unwrap(), expected, 0.0, 1e-3);
        }
        close(hit(ours, "accuracy"), theirs["acc"].as_f64().unwrap(), 0.0, 0.0);
    }
}

#[test]
fn aqua_rat_as_in_agieval() {
    let test = "aqua_rat_as_in_agieval";
    let (Some(ours), Some(data)) = (Ours::new(test), shared_file(test, "aqua-rat/dev.json")) else {
        return;
    };
    let theirs = recorded("aqua_rat", None);
    let records = ours.records("aqua-rat", theirs.len(), &["--data", text(&data)]);
    choices(&records, &theirs);
}

#[test]
fn sentiment_in_the_form_of_sst2() {
    let test = "sentiment_in_the_form_of_sst2";
    let data = "vader-sentiment/movie-snippets.jsonl.gz";
    let (Some(ours), Some(data)) = (Ours::new(test), shared_file(test, data)) else { return };
    let theirs = recorded("sentiment", None);
    let records = ours.records("sentiment", theirs.len(), &["--data", text(&data)]);
    choices(&records, &theirs);
}

#[test]
fn rolling_log_likelihood_of_paragraphs() {
    let test = "rolling_log_likelihood_of_paragraphs";
    let data = "xquad-en/xquad-en-first36-articles.json.gz";
    let (Some(ours), Some(data)) = (Ours::new(test), shared_file(test, data)) else { return };
    let theirs = recorded("rolling", None);
    let all: Value = golden::read("eval/harness/harness.json.gz");
    let bytes = grimoire_testkit::golden::gunzip(&std::fs::read(data).unwrap());
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    let paragraphs: Vec<&Value> = document["data"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|article| article["paragraphs"].as_array().unwrap())
        .collect();
    let chosen = all["rolling_paragraphs"].as_array().unwrap();
    let rows: String = chosen
        .iter()
        .map(|index| {
            let context = &paragraphs[index.as_u64().unwrap() as usize]["context"];
            serde_json::json!({ "text": context }).to_string() + "\n"
        })
        .collect();
    let rows = ours.file("rows.jsonl", &rows);
    let records = ours.records("perplexity", theirs.len(), &["--data", text(&rows)]);
    for (ours, theirs) in records.iter().zip(&theirs) {
        // Of each metric the harness keeps log-likelihood and units.
        let pair = theirs["byte_perplexity"].as_array().unwrap();
        close(-ours["nll"].as_f64().unwrap(), pair[0].as_f64().unwrap(), 1e-5, 0.0);
        assert_eq!(ours["rows"]["perplexity per byte"][1], pair[1].as_f64().unwrap());
        let words = theirs["word_perplexity"][1].as_f64().unwrap();
        assert_eq!(ours["rows"]["perplexity per word"][1], words);
    }
}

#[test]
fn xquad_answers() {
    let test = "harness::xquad_answers";
    let data = "xquad-en/xquad-en-first36-articles.json.gz";
    let (true, Some(ours), Some(data)) = (slow(test), Ours::new(test), shared_file(test, data))
    else {
        return;
    };
    let theirs = recorded("xquad", None);
    let records = ours.records("xquad", theirs.len(), &["--data", text(&data)]);
    for (ours, theirs) in records.iter().zip(&theirs) {
        let written = theirs["responses"][0][0].as_str().unwrap();
        assert_eq!(ours["text"].as_str().unwrap().trim(), written.trim(), "{}", ours["place"]);
    }
}

#[test]
fn gsm8k_answers() {
    let test = "harness::gsm8k_answers";
    let found = (
        shared_file(test, "gsm8k/test-first660.jsonl.gz"),
        shared_file(test, "gsm8k/train.jsonl.gz"),
    );
    let (true, Some(ours), (Some(data), Some(train))) = (slow(test), Ours::new(test), found) else {
        return;
    };
    let strict = recorded("gsm8k", Some("strict-match"));
    let flexible = recorded("gsm8k", Some("flexible-extract"));
    let task = Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(["eval", "--show", "gsm8k"])
        .output()
        .unwrap();
    let task = String::from_utf8(task.stdout).unwrap().replace("tokens = 256", "tokens = 128");
    let task = ours.file("gsm8k.toml", &task);
    let more = ["--data", text(&data), "--examples", text(&train), "--shots", "2"];
    let records = ours.records(text(&task), strict.len(), &more);
    for (ours, (strict, flexible)) in records.iter().zip(strict.iter().zip(&flexible)) {
        let written = strict["responses"][0][0].as_str().unwrap();
        assert_eq!(ours["text"].as_str().unwrap(), written, "{}", ours["place"]);
        for (name, theirs) in [("strict match", strict), ("flexible extract", flexible)] {
            close(hit(ours, name), theirs["exact_match"].as_f64().unwrap(), 0.0, 0.0);
            let taken = ours["taken"].get(name).and_then(Value::as_str).unwrap_or("[invalid]");
            assert_eq!(taken, theirs["filtered"][0].as_str().unwrap(), "{}", ours["place"]);
        }
    }
}
