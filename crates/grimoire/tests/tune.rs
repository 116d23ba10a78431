//! `grimoire tune` as a whole: the built-in job, its folder, and what is typed or fed wrong. What is killed is in
//! `tune_killed`, what is broken in `faults`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

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

/// Exit code and the one line of the error.
fn error(output: &Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.starts_with("error: ")).unwrap_or(&text).to_owned();
    (output.status.code().unwrap_or(-1), line)
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
