//! `grimoire score` and `grimoire compare` as a user meets them: output, exit codes, errors with file and
//! line. The figures themselves are tested in `grimoire-eval`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn grimoire(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn json(arguments: &[&str], folder: &Path) -> Value {
    let output = grimoire(&[arguments, &["--json", "--quiet"]].concat(), folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error of a call that must fail with this exit code.
fn error(arguments: &[&str], folder: &Path, code: i32) -> String {
    let output = grimoire(arguments, folder);
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

const HYP: &[u8] = b"The dog bit the man.\nIt wasn't surprising.\nThe man had just bitten him.\n";
const REF_1: &[u8] = b"The dog bit the man.\nIt was not unexpected.\nThe man bit him first.\n";
const REF_2: &[u8] =
    b"The dog had bit the man.\nNo one was surprised.\nThe man had bitten the dog.\n";
/// sacreBLEU 2.6.0 on these (the example of its manual).
const BLEU: f64 = 48.530_827_009_929_865;

#[test]
fn every_form_of_input_gives_the_same_score() {
    let lines = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
    };
    let outputs: String = lines(HYP)
        .iter()
        .map(|line| format!("{}\n", serde_json::json!({ "id": 1, "text": line })))
        .collect();
    let truths: String = lines(REF_1)
        .iter()
        .zip(lines(REF_2))
        .map(|(a, b)| format!("{}\n", serde_json::json!({ "refs": [a, b] })))
        .collect();
    let table: String = std::iter::once("id,text\n".to_owned())
        .chain(lines(HYP).iter().map(|line| format!("1,\"{line}\"\n")))
        .collect();
    let (_keep, path) = folder(&[
        ("hyp.txt", HYP),
        ("hyp.txt.gz", &gzip(HYP)),
        ("hyp.jsonl", outputs.as_bytes()),
        ("hyp.csv.gz", &gzip(table.as_bytes())),
        ("refs.jsonl", truths.as_bytes()),
        ("a.txt", REF_1),
        ("b.txt", REF_2),
    ]);
    for call in [
        vec!["--hyp", "hyp.txt", "--ref", "a.txt", "--ref", "b.txt"],
        vec!["--hyp", "hyp.txt.gz", "--ref", "refs.jsonl"],
        vec!["--hyp", "hyp.jsonl", "--field", "text", "--ref", "a.txt", "--ref", "b.txt"],
        vec![
            "--hyp",
            "hyp.csv.gz",
            "--field",
            "text",
            "--ref",
            "refs.jsonl",
            "--ref-field",
            "refs",
        ],
    ] {
        let report = json(&[&["score", "bleu"], &call[..]].concat(), &path);
        grimoire_testkit::close(report["score"].as_f64().unwrap(), BLEU, 1e-12, 0.0);
        assert_eq!(report["n"], 3);
        assert!(report["interval"]["lower"].as_f64().unwrap() <= BLEU);
        let signature = report["signature"].as_str().unwrap();
        assert!(
            signature.starts_with("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0")
        );
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(["score", "bleu", "--hyp", "-", "--ref", "a.txt", "--ref", "b.txt", "--json"])
        .current_dir(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(HYP).unwrap();
    let report: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    grimoire_testkit::close(report["score"].as_f64().unwrap(), BLEU, 1e-12, 0.0);
}

#[test]
fn what_is_wrong_with_the_input_is_named_by_file_and_line() {
    let (_keep, path) = folder(&[
        ("three.txt", b"a\nb\nc\n"),
        ("two.txt", b"a\nb\n"),
        ("latin.txt", b"a\n\xe9t\xe9\nc\n"),
        ("gap.txt", b"a\n\nc\n"),
        ("broken.jsonl", b"{\"t\": \"a\"}\n{\n"),
        ("other.jsonl", b"{\"t\": \"a\"}\n{\"u\": \"a\", \"v\": 1}\n"),
        ("table.csv", b"x,y\n1,2\n"),
        ("tags.txt", b"a B-PER\nb Q-PER\n"),
        ("gold.txt", b"a B-PER\nb I-PER\n"),
    ]);
    let bleu = |hyp: &str, reference: &str, code| {
        error(&["score", "bleu", "--hyp", hyp, "--ref", reference], &path, code)
    };
    for (found, expected) in [
        (bleu("three.txt", "two.txt", 1), "two.txt ends after line 2, three.txt goes on at line 3"),
        (bleu("latin.txt", "three.txt", 1), "latin.txt:2: not UTF-8 at byte 1"),
        (bleu("three.txt", "gap.txt", 1), "gap.txt:2: the reference is empty"),
        (bleu("absent.txt", "two.txt", 1), "absent.txt: "),
        (bleu("broken.jsonl", "two.txt", 1), "broken.jsonl:2: "),
        (bleu("table.csv", "two.txt", 2), "table.csv: which column holds the text?"),
        (
            error(
                &["score", "bleu", "--hyp", "other.jsonl", "--field", "t", "--ref", "two.txt"],
                &path,
                1,
            ),
            "other.jsonl:2: there is no field `t` among u, v",
        ),
        (
            error(&["score", "entities", "--hyp", "tags.txt", "--ref", "gold.txt"], &path, 1),
            "tags.txt: entities: tag `Q-PER` of token 2 in sentence 1 is not of scheme IOB2",
        ),
        (
            error(
                &["score", "rouge", "--kinds", "rouge0", "--hyp", "two.txt", "--ref", "two.txt"],
                &path,
                2,
            ),
            "kind is `rouge0`, expected rouge1 to rouge9, rougeL or rougeLsum",
        ),
    ] {
        assert!(found.contains(expected), "{found} does not say {expected}");
    }
}

#[test]
fn a_second_system_has_a_difference_and_a_p_value() {
    let book = grimoire_testkit::repository_root().join("book");
    let files = [
        "--hyp",
        "data/weather.a.txt",
        "--paired",
        "data/weather.b.txt",
        "--ref",
        "data/weather.ref.txt",
    ];
    for metric in ["bleu", "chrf", "ter", "rouge", "squad"] {
        let call = [&["score", metric], &files[..]].concat();
        let report = json(&call, &book);
        let versus = &report["scores"][0]["systems"][1]["versus"];
        let p = versus["p_value"].as_f64().unwrap();
        assert!(p > 0.0 && p <= 1.0, "{metric} {p}");
        let (low, high) = (&versus["interval"]["lower"], &versus["interval"]["upper"]);
        let difference = versus["difference"].as_f64().unwrap();
        assert!(low.as_f64().unwrap() <= difference && difference <= high.as_f64().unwrap());
        let again = json(&call, &book);
        assert_eq!(report, again, "same seed, same report");
    }
    let one = grimoire(&["compare", files[1], files[3], files[4], files[5], "--markdown"], &book);
    let table = String::from_utf8(one.stdout).unwrap();
    assert_eq!(table.lines().count(), 6, "{table}");
}

#[test]
fn tags_and_labels_are_scored() {
    let (_keep, path) = folder(&[
        ("gold.txt", b"a B-PER\nb I-PER\nc O\n\nd B-LOC\n"),
        ("guess.txt", b"a I-PER\nb I-PER\nc O\n\nd B-LOC\n"),
        ("labels.txt", b"x\ny\nx\nx\n"),
        ("found.txt", b"x\ny\ny\nx\n"),
        ("other.txt", b"x\nx\ny\nx\n"),
    ]);
    let report = json(&["score", "entities", "--hyp", "guess.txt", "--ref", "gold.txt"], &path);
    assert_eq!(report["score"], 100.0);
    assert_eq!(report["conlleval"]["counts"]["correct"], 2);
    assert_eq!(report["strict"]["counts"]["correct"], 1);
    assert_eq!(report["explained"][0]["tags"], "I-PER I-PER O");
    let call =
        ["score", "accuracy", "--hyp", "found.txt", "--paired", "other.txt", "--ref", "labels.txt"];
    let report = json(&call, &path);
    assert_eq!(report["score"], 75.0);
    assert_eq!(report["units"], 4);
    assert_eq!(report["mcnemar"][0]["p_value"], 1.0);
}
