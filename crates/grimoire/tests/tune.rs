//! `grimoire tune` as a whole: the built-in job, the same bytes after kill -9 and resume and for any number of
//! threads, and what is typed or fed wrong.

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
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

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
    "4",
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

fn tune(out: &Path, threads: &str) -> Command {
    let mut command = grimoire();
    command.args(["tune", "builtin", "--threads", threads, "--out"]).arg(out).args(SHORT);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn adapter(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap()
}

/// Exit code and the one line of the error.
fn error(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.starts_with("error: ")).unwrap_or(&text).to_owned();
    (output.status.code().unwrap_or(-1), line)
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    assert!(tune(&whole, "1").status().unwrap().success());
    for (round, threads) in ["1", "2", "3"].into_iter().enumerate() {
        let out: PathBuf = folder.path().join(format!("killed-{round}"));
        let mut child = tune(&out, threads).spawn().unwrap();
        let mut kills = 0;
        for attempt in 0..40u64 {
            // Odd moments, longer each time so that the run ends at last.
            let moment = 37 + (attempt * 211 + round as u64 * 97) % 450 + attempt * 60;
            std::thread::sleep(Duration::from_millis(moment));
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "the run failed by itself");
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            // A run killed before its folder was there is begun again.
            let mut again = if out.join("run.json").exists() {
                let mut again = grimoire();
                again.args(["tune", "--threads", threads, "--resume"]).arg(&out);
                again
            } else {
                tune(&out, threads)
            };
            child = again.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        }
        assert!(child.wait().unwrap().success());
        assert!(kills > 0, "the run was never killed");
        eprintln!("{threads} threads: killed {kills} times");
        assert_eq!(adapter(&out), adapter(&whole), "{threads} threads, killed {kills} times");
        let lines = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), 12, "one line a step");
    }
}

#[test]
fn the_folder_holds_what_was_promised() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let output = grimoire()
        .args(["--json", "tune", "builtin", "--out"])
        .arg(&out)
        .args(SHORT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["steps"], 12);
    assert!(report["held_out"]["p_value"].as_f64().unwrap() <= 1.0);
    for name in [
        "run.json",
        "metrics.jsonl",
        "state.safetensors",
        "report.json",
        "report.html",
        "adapter/adapter_config.json",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("src=\"http"));
    // The prediction of memory against what was measured: within 15 % is promised for models of a size that
    // matters; the built-in one is smaller than the program, so only the order is checked here.
    let (predicted, measured) =
        (report["predicted_peak_bytes"].as_f64().unwrap(), report["peak_bytes"].as_f64().unwrap());
    assert!(predicted / measured < 3.0 && measured / predicted < 3.0, "{predicted} {measured}");
    // A second run into the same folder is refused, and nothing is lost.
    let again =
        grimoire().args(["tune", "builtin", "--out"]).arg(&out).args(SHORT).output().unwrap();
    let (code, line) = error(&again);
    assert!(code == 1 && line.contains("a run is there already"), "{line}");
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
        // A rate that the model cannot bear, so that the last step is not the best.
        let more =
            ["--method", "full", "--rate", "0.03", "--schedule", "constant", "--warmup", "0"];
        let tune = ["tune", &base, "builtin", "--out", &run];
        let report = json(&[&tune[..], &SHORT, &more].concat());
        assert!(report["best_step"].as_u64().unwrap() < 12, "{report}");
        let whole = format!("{run}/{kept}");
        let checkpoint = Checkpoint::open(Path::new(&whole)).unwrap();
        let best = trained(&Path::new(&run).join("best.safetensors"), naming);
        assert_eq!(checkpoint.tensors().len(), best.len());
        for tensor in checkpoint.tensors() {
            assert!(tensor.to_f32().unwrap() == best[tensor.name()], "{}", tensor.name());
        }
        assert!(checkpoint.tokenizer().is_ok() && checkpoint.chat_template().unwrap().is_some());
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
    assert!(tune(Path::new(&at("run")), "2").status().unwrap().success());
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

#[test]
fn dry_run_says_what_was_understood_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let output =
        grimoire().args(["tune", "builtin", "--dry-run", "--out"]).arg(&out).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["rows to train on", "tokens", "memory", "time", "⟦", "⟧"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!out.exists());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(16);
    let broken = file("broken.jsonl", &format!("{good}{{\"prompt\": \n"));
    let empty =
        file("empty.jsonl", &format!("{good}{{\"prompt\": \"a\", \"completion\": \" \"}}\n"));
    let columns = file("columns.csv", "left,right\na,b\n");
    let nothing = file("nothing.jsonl", "\n");
    let preferences =
        file("preferences.jsonl", "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n");
    let cases: [(&[&str], i32, &str); 9] = [
        (&["tune", "builtin", &broken], 1, "broken.jsonl:17"),
        (&["tune", "builtin", &empty], 1, "empty.jsonl:17"),
        (&["tune", "builtin", &columns], 1, "left"),
        (&["tune", "builtin", &nothing], 1, "no rows"),
        (&["tune", "builtin", &preferences], 1, "preferences"),
        (&["tune", "./absent.gguf", &broken], 1, "absent.gguf"),
        (&["tune", "builtin", "--rank", "0"], 2, "--rank 0"),
        (&["tune", "builtin", "--targets", "no_such_layer", "--dry-run"], 1, "no_such_layer"),
        (&["tune", "--resume", "./no-such-run"], 1, "no-such-run"),
    ];
    for (args, code, place) in cases {
        let output = run(args);
        let (found, line) = error(&output);
        assert!(found == code && line.contains(place), "{args:?}: exit {found}, {line}");
    }
}
