//! `grimoire tune` as a whole: the built-in job, its folder, and what is typed or fed wrong. What is killed is in
//! `tune_killed`, what is broken in `faults`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use std::io::Write;
use std::path::Path;
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
    // A second run into the same folder is refused, and nothing is lost.
    let again =
        grimoire().args(["tune", "builtin", "--out"]).arg(&out).args(SHORT).output().unwrap();
    let (code, line) = error(&again);
    assert!(code == 1 && line.contains("a run is there already"), "{line}");
}

#[test]
fn a_run_without_held_out_rows_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("one.jsonl");
    std::fs::write(&data, "{\"prompt\": \"a\", \"completion\": \"b\"}\n").unwrap();
    let output = run(&["tune", "builtin", data.to_str().unwrap(), "--dry-run"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("warning: no row is held out"), "{text}");
}

#[test]
fn a_prompt_that_is_no_text_is_named() {
    let mut command = grimoire();
    command.args(["generate", "builtin", "--prompt", "-"]).stdin(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&[0xff, 0xfe]).unwrap();
    let (code, line) = error(&child.wait_with_output().unwrap());
    assert!(code == 1 && line.contains("standard input, for --prompt -: "), "{line}");
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
fn predicted_memory_is_within_ten_percent_of_what_a_real_run_takes() {
    let name = "tune::predicted_memory_is_within_ten_percent_of_what_a_real_run_takes";
    if !grimoire_testkit::slow(name) {
        return;
    }
    let Some(model) = grimoire_testkit::models_dir(name, "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    for options in [
        &["--steps", "8"][..],
        &["--steps", "8", "--micro-tokens", "64"],
        &["--steps", "8", "--precision", "f32"],
        &["--steps", "2", "--micro-tokens", "4096"],
        &["--steps", "40", "--micro-tokens", "4096"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = grimoire()
            .args(["--json", "tune", "builtin", "builtin", "--answers", "0", "--out"])
            .arg(folder.path().join("run"))
            .args(options)
            .output()
            .unwrap();
        near(&output, options);
    }
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
        write_rows(&data, 20, words);
        let output = grimoire()
            .args(["--json", "tune"])
            .args([&model, &data])
            .args(["--steps", "2", "--answers", "2", "--answer-tokens", "8", "--out"])
            .arg(&out)
            .args(options)
            .output()
            .unwrap();
        near(&output, options);
    }
}

#[test]
fn a_resumed_run_takes_no_more_memory_than_was_predicted() {
    let name = "tune::a_resumed_run_takes_no_more_memory_than_was_predicted";
    if !grimoire_testkit::slow(name) {
        return;
    }
    let Some(model) = grimoire_testkit::models_dir(name, "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("rows.jsonl");
    write_rows(&data, 20, 12);
    for options in [&["--ema", "0.9"][..], &["--method", "full", "--batch", "4"]] {
        let out = folder.path().join(options[1]);
        let mut run = grimoire()
            .arg("tune")
            .args([&model, &data])
            .args(["--steps", "3", "--save-every", "1", "--answers", "0", "--out"])
            .arg(&out)
            .args(options)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !out.join("state.safetensors").exists() {
            assert_eq!(run.try_wait().unwrap(), None, "it ended before it was killed");
            std::thread::sleep(Duration::from_millis(20));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        near(&grimoire().args(["--json", "tune", "--resume"]).arg(&out).output().unwrap(), options);
    }
}

/// Whether the prediction in this report is within ten percent.
fn near(output: &Output, options: &[&str]) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let bytes = |name: &str| report[name].as_f64().unwrap();
    let (predicted, measured) = (bytes("predicted_peak_bytes"), bytes("peak_bytes"));
    println!("{options:?}: {predicted} predicted, {measured} measured");
    let ratio = predicted / measured;
    assert!((0.9..=1.1).contains(&ratio), "{options:?}: {predicted} for {measured}");
}

#[test]
fn a_rank_beyond_memory_is_refused_before_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut tune = grimoire();
    tune.args(["tune", "builtin", "builtin", "--rank", "1000000000", "--out"]).arg(&out);
    let output = tune.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("of memory, and") && said.contains("--rank takes less"), "{said}");
    assert!(!out.exists());
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
fn the_plan_adds_up_and_says_what_is_held_out_of_which_rows() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str, rows: &[String], options: &[&str]| {
        let data = folder.path().join(name);
        std::fs::write(&data, rows.join("\n")).unwrap();
        let tune = ["tune", "builtin", name, "--dry-run"];
        let mut tune = grimoire().args(tune).args(options).current_dir(&folder).output().unwrap();
        String::from_utf8(std::mem::take(&mut tune.stdout)).unwrap()
    };
    let says = |text: &str, lines: &[&str]| {
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line:?} is not in {text}");
        }
    };
    // 21 rows of which every fourth has more tokens than the context of 256, and one comes twice.
    let long = "word ".repeat(600);
    let row = |n: usize| {
        format!(
            r#"{{"text": "Bob {n} lives in {}"}}"#,
            if n.is_multiple_of(4) { &long } else { "Lima" }
        )
    };
    let mut rows: Vec<String> = (1..=21).map(row).collect();
    rows.push(row(2));
    let text = plan("rows.jsonl", &rows, &[]);
    let data = text.lines().find(|line| line.starts_with("data ")).unwrap();
    assert!(data.contains(" held out of the data by text") && data.contains(", in "), "{data}");
    let numbers: Vec<usize> = data.split([' ', '(']).filter_map(|n| n.parse().ok()).collect();
    // To train on, of text, pieces; held out.
    assert_eq!((numbers[0], numbers[0] + numbers[3]), (numbers[1], 22), "{data}");
    assert!(numbers[2] > numbers[0], "{data}");
    let repeat = "repeats    1 of the rows to train on and 0 of those held out are the same as one before them";
    says(&text, &[repeat, "  | ⟦Bob 2 lives in Lima<|end|>⟧"]);
    // Of running text the end is held out, and the first paragraph is as long as it is.
    let prose: Vec<String> = (0..40).map(|n| format!("Paragraph {n}\nends here.\n")).collect();
    let held = "data       30 rows to train on (30 text); 10 held out, the last 10 paragraphs of prose.txt";
    says(&plan("prose.txt", &prose, &["--seed", "7"]), &[held]);
    std::fs::write(folder.path().join("copy.jsonl"), r#"{"text": "Paragraph 1\nends here."}"#)
        .unwrap();
    let text = plan("prose.txt", &prose, &["--eval", "copy.jsonl"]);
    says(&text, &["warning: 1 rows are the same texts as rows of --eval, and are not trained on"]);
    // What is lost is lost by the rows that are counted beside it; the other rows have a line of their own.
    let pair = |n: usize| {
        let answer = if n.is_multiple_of(2) { &long } else { "no" };
        format!(r#"{{"prompt": "{n}?", "completion": "{answer}"}}"#)
    };
    let pairs: Vec<String> = (1..=30).map(pair).collect();
    let text = plan("pairs.jsonl", &pairs, &["--no-template"]);
    let between = |line: &str, from: &str, to: &str| {
        let after = text.lines().find_map(|found| found.strip_prefix(line)?.split_once(from));
        after.unwrap_or_default().1.split_once(to).unwrap_or_default().0.to_owned()
    };
    let lost = between("tokens ", "trained on, ", " more lost to truncation");
    let told = between(
        "warning: ",
        "the model's context, and lose ",
        " tokens at their end: pairs.jsonl:",
    );
    assert!(!lost.is_empty() && lost == told, "{lost:?} is not {told:?} in {text}");
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
    let messages = file(
        "messages.jsonl",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}\n",
    );
    let full = ["tune", "builtin", "--method", "full"];
    let cases: &[(&[&str], i32, &str)] = &[
        (&["tune", "builtin", &broken], 1, "broken.jsonl:17"),
        (&["tune", "builtin", &empty], 1, "empty.jsonl:17"),
        (&["tune", "builtin", &columns], 1, "left"),
        (&["tune", "builtin", &nothing], 1, "no rows"),
        (&["tune", "builtin", &preferences], 1, "preferences"),
        (&["tune", "./absent.gguf", &broken], 1, "absent.gguf"),
        (&["tune", "builtin", "--rank", "0"], 2, "--rank 0"),
        (&["tune", "builtin", "--targets", "no_such_layer", "--dry-run"], 1, "no_such_layer"),
        (&["tune", "builtin", "--targets", "q_proj,nosuch", "--dry-run"], 1, "[\"nosuch\"]"),
        (&["tune", "builtin", "--patience", "0"], 2, "--patience 0: expected at least 1"),
        (&["tune", "builtin", "--eval-every", "0"], 2, "--eval-every 0: expected at least 1"),
        (&["tune", "builtin", "--save-every", "0"], 2, "--save-every 0: expected at least 1"),
        (&["tune", "builtin", "--ema", "1.5"], 2, "--ema 1.5: expected a number between 0 and 1"),
        (&["tune", "builtin", "--clip", "nan"], 2, "--clip NaN: "),
        (&["tune", "builtin", "--clip", "-1"], 2, "--clip -1: "),
        (&[&full[..], &["--rank", "4"]].concat(), 2, "--rank: it is for adapters"),
        (&[&full[..], &["--alpha", "4"]].concat(), 2, "--alpha: it is for adapters"),
        (&[&full[..], &["--rslora"]].concat(), 2, "--rslora: it is for adapters"),
        (&[&full[..], &["--targets", "mlp"]].concat(), 2, "--targets: it is for adapters"),
        (&["tune", "builtin", &messages, "--no-template"], 1, "no chat template is used, found"),
        (&["tune", "--resume", "./no-such-run"], 1, "no-such-run"),
        (&["model", "info", &columns], 1, "expected \"GGUF\", found \"left\""),
    ];
    for &(args, code, place) in cases {
        let output = run(args);
        let (found, line) = error(&output);
        assert!(found == code && line.contains(place), "{args:?}: exit {found}, {line}");
    }
}
