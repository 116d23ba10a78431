//! A run is gone on with from any folder and by what it began with alone; its rows are never those that it is
//! measured on; its adapter remembers its base.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SHORT: [&str; 10] =
    ["--steps", "6", "--batch", "4", "--answers", "2", "--answer-tokens", "2", "--eval-every", "2"];

/// A folder with a tiny model, and rows of questions by number.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let model = grimoire_testkit::repository_root().join("golden/models/gguf/F32.gguf");
        std::fs::copy(model, place.at("model.gguf")).unwrap();
        place.rows("rows.jsonl", 0..40, "b c");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn rows(&self, name: &str, numbers: Range<usize>, answer: &str) {
        let line =
            |n: usize| format!("{{\"prompt\": \"a{n}\", \"completion\": \"{answer} {n}\"}}\n");
        std::fs::write(self.at(name), numbers.map(line).collect::<String>()).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
        command.args(words).current_dir(self.0.path());
        command
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HOME", self.at("hub"))
            .env_remove("HF_HUB_CACHE");
        command.output().unwrap()
    }

    /// Runs and succeeds; what was said.
    fn works(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words:?}: {said}");
        said
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[track_caller]
    fn refuses(&self, words: &[&str], code: i32, expected: &[&str]) {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        let line = said.lines().find(|line| line.starts_with("error: ")).unwrap();
        for word in expected {
            assert!(line.contains(word), "{word:?} is not in {line}");
        }
    }

    /// A run of the tiny model in the folder `out`.
    fn tune(&self, out: &str) {
        self.works(&[&["tune", "model.gguf", "rows.jsonl", "--out", out][..], &SHORT].concat());
    }

    /// What a kill before the first snapshot leaves of the run `from`.
    fn killed(&self, from: &str, to: &str) {
        std::fs::create_dir(self.at(to)).unwrap();
        for name in ["run.json", "before.json"] {
            std::fs::copy(self.at(from).join(name), self.at(to).join(name)).unwrap();
        }
    }
}

fn adapter(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap()
}

fn value(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn rows_that_are_measured_on_are_not_trained_on() {
    let place = Place::new();
    // 40 rows ask a0 to a39, 30 ask a30 to a59: ten are the same, whatever they answer.
    place.rows("eval.jsonl", 30..60, "d");
    let tune = ["tune", "model.gguf", "rows.jsonl", "--eval", "eval.jsonl"];
    let preflight = place.json(&[&tune[..], &["--dry-run"]].concat());
    let data = &preflight["data"];
    assert_eq!(data["train"]["rows"], 30);
    assert_eq!(data["held_out"]["rows"], 30);
    assert_eq!(data["overlapping_rows"], 10);
    let report = place.json(&[&tune[..], &SHORT, &["--out", "run"]].concat());
    let told = "10 rows ask what rows of --eval ask, and are not trained on";
    assert!(report["warnings"].as_array().unwrap().iter().any(|line| line == told), "{report}");
    let page = std::fs::read_to_string(place.at("run/report.html")).unwrap();
    assert!(page.contains(told) && page.contains("the best of 3 by the loss on these same"));
    let words = place.run(&[&tune[..], &["--dry-run"]].concat());
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("30 of eval.jsonl, to measure on"), "{words}");
    let same = ["tune", "model.gguf", "rows.jsonl", "--eval", "rows.jsonl"];
    place.refuses(&same, 1, &["every row asks what a row of rows.jsonl asks"]);
}

#[test]
fn a_run_is_resumed_from_any_folder() {
    let place = Place::new();
    place.tune("whole");
    for old in [false, true] {
        let run = format!("killed-{old}");
        place.killed("whole", &run);
        let file = place.at(&run).join("run.json");
        if old {
            // As runs were before they kept where their files lie and what was in them.
            let mut told = value(&file);
            told.as_object_mut().unwrap().retain(|name, _| name != "places" && name != "inputs");
            std::fs::write(&file, told.to_string()).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
        command.args(["tune", "--threads", "1", "--resume"]).arg(place.at(&run));
        command.current_dir(if old { place.0.path() } else { Path::new("/") });
        assert!(command.output().unwrap().status.success(), "{run}");
        assert_eq!(adapter(&place.at(&run)), adapter(&place.at("whole")), "{run}");
        let documents = |run: &str| {
            let report = value(&place.at(run).join("report.json"));
            report["held_out"]["documents"].clone()
        };
        assert_eq!(documents(&run), documents("whole"), "documents have the names that were typed");
        let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
        command.args(["generate", "--prompt", "a1", "-n", "2"]).arg(place.at(&run));
        command.current_dir(if old { place.0.path() } else { Path::new("/") });
        assert!(command.output().unwrap().status.success(), "{run}");
    }
    let config = value(&place.at("whole/adapter/adapter_config.json"));
    let base = config["base_model_name_or_path"].as_str().unwrap();
    assert!(Path::new(base).is_absolute() && base.ends_with("model.gguf"), "{base}");
    std::fs::rename(place.at("rows.jsonl"), place.at("moved.jsonl")).unwrap();
    let resume = ["tune", "--resume", "whole"];
    place.refuses(&resume, 1, &["whole/run.json: data: ", "rows.jsonl is not there"]);
    std::fs::rename(place.at("moved.jsonl"), place.at("rows.jsonl")).unwrap();
    std::fs::rename(place.at("model.gguf"), place.at("moved.gguf")).unwrap();
    let lost = ["whole/run.json: model: ", "model.gguf is not there"];
    place.refuses(&resume, 1, &lost);
    place.refuses(&["generate", "whole", "--prompt", "a"], 1, &lost);
    place.works(&["generate", "moved.gguf", "--adapter", "whole", "--prompt", "a", "-n", "1"]);
}

#[test]
fn a_run_does_not_go_on_with_other_inputs() {
    let place = Place::new();
    place.works(&["model", "merge", "builtin", "--out", "base"]);
    place.rows("eval.jsonl", 60..70, "d");
    let tune = ["tune", "base", "rows.jsonl", "--eval", "eval.jsonl", "--out", "run"];
    place.works(&[&tune[..], &SHORT].concat());
    let resume = ["tune", "--resume", "run"];
    place.works(&resume);
    let rows = std::fs::read(place.at("rows.jsonl")).unwrap();
    place.rows("rows.jsonl", 0..40, "b d");
    place.refuses(&resume, 1, &["rows.jsonl: not the rows that the run in run began with"]);
    std::fs::write(place.at("rows.jsonl"), rows).unwrap();
    let rows = std::fs::read(place.at("eval.jsonl")).unwrap();
    place.rows("eval.jsonl", 60..70, "e");
    place.refuses(&resume, 1, &["eval.jsonl: not the rows"]);
    std::fs::write(place.at("eval.jsonl"), rows).unwrap();
    // Another model of the same shapes: the base with the adapter merged into it.
    place.works(&["model", "merge", "run", "--out", "merged"]);
    std::fs::rename(place.at("base"), place.at("away")).unwrap();
    std::fs::rename(place.at("merged"), place.at("base")).unwrap();
    place.refuses(&resume, 1, &["base: not the weights that the run in run began with"]);
    std::fs::rename(place.at("base"), place.at("merged")).unwrap();
    std::fs::rename(place.at("away"), place.at("base")).unwrap();
    place.works(&resume);
    let template = "{% for m in messages %}{{ m.content }}{% endfor %}";
    std::fs::write(place.at("base/chat_template.jinja"), template).unwrap();
    place.refuses(&resume, 1, &["base: its tokenizer or chat template"]);
}

#[test]
fn a_resumed_run_takes_no_other_settings() {
    let place = Place::new();
    for (words, shown) in [
        (&["--steps", "80"][..], "--steps"),
        (&["--rate", "1"], "--rate"),
        (&["--method", "full"], "--method"),
        (&["--eval", "rows.jsonl"], "--eval"),
        (&["--seed", "0"], "--seed"),
        (&["model.gguf"], "[MODEL]"),
    ] {
        let words = [&["tune", "--resume", "run"], words].concat();
        place.refuses(&words, 2, &["--resume <RUN>", "cannot be used with", shown]);
    }
    place.tune("run");
    place.works(&["tune", "--resume", "run", "--threads", "1", "--dry-run", "--quiet", "--json"]);
}

#[test]
fn a_place_for_the_run_is_looked_for_first() {
    let place = Place::new();
    place.tune("run");
    for (out, expected) in [
        ("run", "run: a run is there already"),
        ("rows.jsonl", "rows.jsonl: cannot create: "),
        ("rows.jsonl/run", "rows.jsonl/run: cannot create: "),
    ] {
        // Before the model is even looked for.
        place.refuses(&["tune", "./absent.gguf", "rows.jsonl", "--out", out], 1, &[expected]);
    }
    let entries = std::fs::read_dir(place.0.path()).unwrap().count();
    assert_eq!(entries, 3, "model, rows and run: nothing is left of the look");
}

#[test]
fn an_adapter_on_other_weights_is_warned_of() {
    let place = Place::new();
    place.tune("run");
    let other = grimoire_testkit::repository_root().join("golden/models/gguf/Q8_0.gguf");
    let generate = |model: &str| {
        place.works(&["generate", model, "--adapter", "run", "--prompt", "a", "-n", "1"])
    };
    assert_eq!(generate("model.gguf"), "");
    let said = generate(other.to_str().unwrap());
    assert!(said.contains("warning: run/adapter was trained on other weights"), "{said}");
    // Carried to the other format and back, it still says so.
    place.works(&["model", "adapter", "model.gguf", "run", "--out", "copy"]);
    place.refuses(&["model", "adapter", "model.gguf", "run", "--out", "copy"], 2, &["already"]);
    place.works(&["model", "adapter", "model.gguf", "run", "--out", "copy", "--force"]);
    assert_eq!(adapter(&place.at("run")), {
        std::fs::read(place.at("copy/adapter_model.safetensors")).unwrap()
    });
}

#[test]
fn the_base_of_an_adapter_is_called_as_the_hub_calls_it() {
    let place = Place::new();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let repository = place.at("hub/hub/models--org--m");
    let snapshot = repository.join("snapshots").join(commit);
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), commit).unwrap();
    std::fs::copy(place.at("model.gguf"), snapshot.join("m.gguf")).unwrap();
    let pinned = format!("org/m@{commit}");
    for (model, revision) in [("org/m", Value::Null), (&pinned, Value::from(commit))] {
        let out = format!("run-{}", revision.is_null());
        place.works(&[&["tune", model, "rows.jsonl", "--out", &out][..], &SHORT].concat());
        let config = value(&place.at(&out).join("adapter/adapter_config.json"));
        assert_eq!(config["base_model_name_or_path"], "org/m");
        assert_eq!(config["revision"], revision);
        place.works(&["generate", &out, "--prompt", "a", "-n", "1"]);
    }
}
