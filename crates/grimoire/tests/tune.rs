//! `grimoire tune` as a whole: the built-in job, the same bytes after kill -9 and resume and for any number of
//! threads, and what is typed or fed wrong.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

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
    // A second run into the same folder is refused, and nothing is lost.
    let again =
        grimoire().args(["tune", "builtin", "--out"]).arg(&out).args(SHORT).output().unwrap();
    let (code, line) = error(&again);
    assert!(code == 1 && line.contains("a run is there already"), "{line}");
}

/// Rows of some length for the real model: a question and an answer of many small words.
fn write_rows(file: &Path, rows: usize, words: usize) {
    let answer: Vec<String> = (0..words).map(|word| format!("word{}", word % 10)).collect();
    let answer = answer.join(" ");
    let lines: Vec<String> = (0..rows)
        .map(|row| format!(r#"{{"prompt": "Question {row}?", "completion": "{row} {answer}"}}"#))
        .collect();
    std::fs::write(file, lines.join("\n")).unwrap();
}

#[test]
fn predicted_memory_is_within_fifteen_percent_of_what_a_real_run_takes() {
    let name = "tune::predicted_memory_is_within_fifteen_percent_of_what_a_real_run_takes";
    if !grimoire_testkit::slow(name) {
        return;
    }
    let Some(model) = grimoire_testkit::models_dir(name, "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // Words of the answers (two tokens each), and what the command is told: short rows packed, long rows alone,
    // another rank, and all weights.
    let cases: [(usize, &[&str]); 4] = [
        (12, &[]),
        (400, &["--batch", "2"]),
        (60, &["--rank", "64", "--micro-tokens", "1024", "--ema", "0.9"]),
        (60, &["--method", "full", "--batch", "4"]),
    ];
    for (case, (words, options)) in cases.into_iter().enumerate() {
        let (data, out) = (folder.path().join("rows.jsonl"), folder.path().join(case.to_string()));
        write_rows(&data, 40, words);
        let output = grimoire()
            .args(["--json", "tune"])
            .args([&model, &data])
            .args(["--steps", "2", "--answers", "2", "--answer-tokens", "8", "--out"])
            .arg(&out)
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let bytes = |name: &str| report[name].as_f64().unwrap();
        let (predicted, measured) = (bytes("predicted_peak_bytes"), bytes("peak_bytes"));
        println!("{options:?}: {predicted} predicted, {measured} measured");
        let ratio = predicted / measured;
        assert!((0.85..=1.15).contains(&ratio), "{options:?}: {predicted} for {measured}");
    }
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
