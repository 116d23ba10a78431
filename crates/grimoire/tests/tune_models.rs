//! What a run leaves for use: a whole model after full fine-tuning, an adapter beside its base; the folder of the
//! run stands for either in every command.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_format::safetensors::SafeTensors;
use grimoire_models::{Checkpoint, Naming};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

const SHORT: [&str; 12] = [
    "--steps",
    "12",
    "--batch",
    "4",
    "--answers",
    "2",
    "--answer-tokens",
    "12",
    "--eval-every",
    "2",
    "--save-every",
    "2",
];

fn grimoire() -> Command {
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
}

fn run(args: &[&str]) -> Output {
    grimoire().args(args).output().unwrap()
}

fn run_ok(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit code and the one line of the error.
fn error(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.starts_with("error: ")).unwrap_or(&text).to_owned();
    (output.status.code().unwrap_or(-1), line)
}

/// Runs the binary and reads its JSON.
fn json(args: &[&str]) -> serde_json::Value {
    let output = grimoire().args(args).arg("--json").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every value of a snapshot, under the names of the model's file.
fn trained(snapshot: &Path, naming: Naming) -> BTreeMap<String, Vec<f32>> {
    let file = SafeTensors::open(snapshot).unwrap();
    let values = file.tensors().iter().filter_map(|tensor| {
        let path = tensor.name().strip_suffix(".value")?;
        let (path, kind) =
            path.strip_suffix(".bias").map_or((path, "weight"), |path| (path, "bias"));
        Some((format!("{}.{kind}", naming.of(path).unwrap()), tensor.to_f32().unwrap()))
    });
    values.collect()
}

/// Full fine-tuning writes a model that loads by itself, of the best step: a file for a file, a folder for a
/// folder. The folder of the run stands for it everywhere.
#[test]
fn full_tuning_leaves_a_whole_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        at("text.txt"),
        "Please bring milk, tea and bread. We meet on Monday. ".repeat(8),
    )
    .unwrap();
    json(&["model", "merge", "builtin", "--out", &at("base"), "--type", "f32"]);
    for (base, kept, naming) in
        [("builtin".to_owned(), "model.gguf", Naming::Gguf), (at("base"), "model", Naming::HfLlama)]
    {
        let run = at(&format!("run-{kept}"));
        // What is learnt does not help with this text: the last step is not the best.
        let text = at("text.txt");
        let more =
            ["--method", "full", "--rate", "0.02", "--schedule", "constant", "--warmup", "0"];
        let eval = ["--eval", &text];
        let tune = ["tune", &base, "builtin", "--out", &run];
        let report = json(&[&tune[..], &SHORT, &more, &eval].concat());
        assert!(report["best_step"].as_u64().unwrap() < 12, "{report}");
        let whole = format!("{run}/{kept}");
        let checkpoint = Checkpoint::open(Path::new(&whole)).unwrap();
        let best = trained(&Path::new(&run).join("best.safetensors"), naming);
        assert_eq!(checkpoint.tensors().len(), best.len());
        for tensor in checkpoint.tensors() {
            assert!(tensor.to_f32().unwrap() == best[tensor.name()], "{}", tensor.name());
        }
        assert!(checkpoint.tokenizer().is_ok());
        assert_eq!(checkpoint.chat_template().unwrap(), None, "the built-in model has none");
        let text = at("text.txt");
        let perplexity =
            |words: &[&str]| json(&[&["eval", "perplexity"], words].concat())["nll"].clone();
        let nll = perplexity(&[&run, &text]);
        assert_eq!(nll, perplexity(&[&whole, &text]));
        assert_eq!(nll, perplexity(&[&base, &text, "--adapter", &run]));
        assert_ne!(nll, perplexity(&[&base, &text]));
        let answer = |words: &[&str]| {
            run_ok(&[&["generate", "--prompt", "Hello", "-n", "8"], words].concat())
        };
        assert_eq!(answer(&[&run]), answer(&[&whole]));
    }
    // It is no adapter, and is written in fewer bits as any model is.
    let full = at("run-model.gguf");
    let (code, line) = error(&run(&["model", "adapter", "builtin", &full, "--out", &at("a.gguf")]));
    assert!(code == 1 && line.contains("holds a whole model and no adapter"), "{line}");
    let small = json(&["model", "merge", &full, "--type", "q8_0", "--out", &at("small.gguf")]);
    assert!(small["types"]["Q8_0"].as_u64().unwrap() > 0, "{small}");
}

/// The folder of a run with an adapter stands for the base with it.
#[test]
fn the_folder_of_a_run_is_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    json(&[&["tune", "builtin", "--out", &at("run")][..], &SHORT].concat());
    std::fs::write(at("text.txt"), "Please bring milk, tea and bread. ".repeat(8)).unwrap();
    let perplexity = |words: &[&str]| {
        json(&[&["eval", "perplexity"], words, &[&at("text.txt")]].concat())["nll"].clone()
    };
    let (run_folder, nll) = (at("run"), perplexity(&["--adapter", &at("run"), "builtin"]));
    assert_eq!(perplexity(&[&run_folder]), nll);
    let merged = json(&["model", "merge", &run_folder, "--out", &at("m.gguf"), "--type", "f32"]);
    assert_eq!(merged["changed"], 28);
    for (args, code, place) in [
        (vec!["tune", &run_folder, "builtin"], 1, "a run with an adapter is no model by itself"),
        (
            vec!["generate", &run_folder, "--adapter", &run_folder, "--prompt", "x"],
            2,
            "an adapter of its own",
        ),
    ] {
        let (found, line) = error(&run(&args));
        assert!(found == code && line.contains(place), "{args:?}: exit {found}, {line}");
    }
    std::fs::remove_dir_all(Path::new(&run_folder).join("adapter")).unwrap();
    let (code, line) = error(&run(&["generate", &run_folder, "--prompt", "x"]));
    assert!(code == 1 && line.contains("the run has not ended"), "{line}");
}
