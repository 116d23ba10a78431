//! `grimoire eval`, `grimoire surprise` and `grimoire compare` as a person calls them, on the built-in model:
//! output, files, exit codes; a killed evaluation goes on; figures do not depend on batch or threads.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_testkit::close;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn grimoire(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
    command
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    grimoire(folder, words).output().unwrap()
}

fn ok(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, words: &[&str]) -> Value {
    serde_json::from_str(&ok(folder, words)).unwrap()
}

fn fails(folder: &Path, words: &[&str]) -> (i32, String) {
    let output = run(folder, words);
    assert!(output.stdout.is_empty(), "{words:?} printed data");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Descriptions of places that the built-in model was trained on; the first rows of its own data.
const WRITE: &str = r#"name = "places"
data = "builtin"
prompt = "{{ prompt }}"
truth = "{{ completion }}"
separator = ""
[generate]
tokens = 48
stop = ["\n"]
[[metric]]
kind = "bleu"
[[metric]]
kind = "exact"
name = "place"
pattern = '^(The \w+ \w+)'
[[metric]]
kind = "rouge"
"#;

const CHOOSE: &str = r#"name = "children"
prompt = "{{ prompt }}"
truth = "{{ 'yes' if 'children=yes' in prompt else 'no' }}"
separator = ""
[choose]
options = ["no", "yes"]
option = "{{ completion | split('.') | first }}. {{ 'Children are welcome there.' if option == 'yes' else 'It is not a place for children.' }}"
[[metric]]
kind = "accuracy"
[[metric]]
kind = "macro-f1"
"#;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_task_of_ones_own_is_asked_judged_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "task.toml", &WRITE.replace("data = \"builtin\"\n", ""));
    let words = [
        "eval",
        "builtin",
        "task.toml",
        "--data",
        "builtin",
        "--limit",
        "20",
        "--out",
        "out",
        "--json",
    ];
    let report = json(folder, &words);
    assert_eq!((&report["n"], &report["remembered"]), (&Value::from(20), &Value::from(0)));
    let figure = |name: &str| {
        let figures = report["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["name"] == name).unwrap().clone()
    };
    for name in ["BLEU", "place", "rouge1", "rouge2", "rougeL"] {
        let figure = figure(name);
        let (value, bounds) = (figure["value"].as_f64().unwrap(), &figure["interval"]);
        let (low, high) = (bounds["lower"].as_f64().unwrap(), bounds["upper"].as_f64().unwrap());
        assert!(low <= value && value <= high && low < high, "{figure}");
        assert!(figure["signature"].as_str().unwrap().contains("version:"), "{figure}");
    }
    // The records hold what the figures were made from: the share of hits is the figure.
    let records = std::fs::read_to_string(folder.join("out/items.jsonl")).unwrap();
    let records: Vec<Value> =
        records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 20);
    let hits: f64 = records.iter().map(|record| record["rows"]["place"][0].as_f64().unwrap()).sum();
    close(figure("place")["value"].as_f64().unwrap(), 100.0 * hits / 20.0, 1e-12, 0.0);
    let first = &records[0];
    assert_eq!(first["place"], "builtin:1");
    assert!(!first["text"].as_str().unwrap().is_empty(), "{first}");
    // The same again asks nothing; its report differs in that alone.
    let again = json(folder, &words);
    assert_eq!(again["remembered"], 20);
    assert_eq!(again["figures"], report["figures"]);
    assert_eq!(again["tokens"], report["tokens"]);
}

#[test]
fn a_killed_evaluation_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "task.toml", WRITE);
    let words = |cache: &'static str, out: &'static str| {
        [
            "eval",
            "builtin",
            "task.toml",
            "--data",
            "builtin",
            "--limit",
            "96",
            "--cache",
            cache,
            "--out",
            out,
            "--json",
        ]
    };
    let lines = || {
        let file = std::fs::read_dir(folder.join("kept")).ok()?.next()?.ok()?.path();
        Some(std::fs::read_to_string(file).ok()?.lines().count())
    };
    let mut child = grimoire(folder, &words("kept", "a"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Until the first answers are kept, or it ended before it could be killed.
    while lines().unwrap_or(0) == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = lines().unwrap();
    let resumed = json(folder, &words("kept", "a"));
    assert!(resumed["remembered"].as_u64().unwrap() >= kept as u64, "{resumed}");
    let whole = json(folder, &words("fresh", "b"));
    assert_eq!(whole["remembered"], 0);
    assert_eq!(resumed["figures"], whole["figures"]);
    let records = |out: &str| std::fs::read(folder.join(out).join("items.jsonl")).unwrap();
    assert!(records("a") == records("b"), "another answer after the kill");
}

#[test]
fn options_are_weighed_alike_alone_and_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "task.toml", CHOOSE);
    let ask = |limit: &str, out: &str, threads: &str| {
        json(
            folder,
            &[
                "eval",
                "builtin",
                "task.toml",
                "--data",
                "builtin",
                "--limit",
                limit,
                "--out",
                out,
                "--no-cache",
                "--precision",
                "f32",
                "--json",
                "--threads",
                threads,
            ],
        )
    };
    let report = ask("30", "many", "2");
    assert_eq!(report["figures"][0]["name"], "accuracy");
    assert!(
        report["figures"][0]["interval"]["method"].as_str().unwrap().contains("Wilson"),
        "{report}"
    );
    ask("1", "one", "1");
    let first = |out: &str| -> Value {
        let text = std::fs::read_to_string(folder.join(out).join("items.jsonl")).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    for option in 0..2 {
        let log_prob = |out: &str| first(out)["log_probs"][option].as_f64().unwrap();
        close(log_prob("many"), log_prob("one"), 1e-6, 0.0);
    }
    // The longer way round: the text of an option after its prompt, scored as a text, minus the prompt's.
    let item = first("many");
    let prompt = item["prompt"].as_str().unwrap();
    write(folder, "prompt.txt", prompt);
    let nll = |file: &str| {
        let report = json(folder, &["eval", "perplexity", "builtin", file, "--json"]);
        report["nll"].as_f64().unwrap() * report["scored"].as_f64().unwrap()
    };
    let before = nll("prompt.txt");
    for option in 0..2 {
        let text = format!("{prompt}{}", item["options"][option].as_str().unwrap());
        write(folder, "whole.txt", &text);
        close(-item["log_probs"][option].as_f64().unwrap(), nll("whole.txt") - before, 1e-5, 0.0);
    }
}

#[test]
fn what_is_wrong_is_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "kind.toml", &WRITE.replace("kind = \"bleu\"", "kind = \"blue\""));
    write(folder, "field.toml", &WRITE.replace("{{ completion }}", "{{ answer }}"));
    write(folder, "good.toml", &WRITE.replace("data = \"builtin\"\n", ""));
    write(
        folder,
        "rows.jsonl",
        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"c\"}\n",
    );
    let cases: [(&[&str], i32, &str); 8] = [
        (
            &["eval", "builtin", "kind.toml"],
            1,
            "error: kind.toml:10: kind is `blue`, expected one of exact, ",
        ),
        (
            &["eval", "builtin", "field.toml", "--data", "builtin"],
            1,
            "error: builtin:1: truth: there is no field `answer` among prompt, ",
        ),
        (
            &["eval", "builtin", "good.toml", "--data", "rows.jsonl"],
            1,
            "error: rows.jsonl:2: truth: there is no field `completion` among prompt",
        ),
        (
            &["eval", "builtin", "nothing"],
            2,
            "error: there is no task `nothing`\nhint: built in are perplexity, ",
        ),
        (
            &["eval", "builtin", "perplexity"],
            2,
            "error: task perplexity: where are the data?\nhint: give their path, or their name on a hub, with --data; they are at any text: ",
        ),
        (
            &["eval", "builtin", "good.toml", "--data", "gone.jsonl"],
            1,
            "error: gone.jsonl: no such file\nhint: data are a file (.jsonl, ",
        ),
        (
            &["eval", "builtin", "good.toml", "--data", "folder/gone.jsonl"],
            1,
            "error: folder/gone.jsonl: no such file\n",
        ),
        (
            &["eval", "builtin", "good.toml", "--data", "rows.jsonl", "--shots", "3"],
            2,
            "error: --shots 3: there are 0 examples",
        ),
    ];
    for (words, code, message) in cases {
        let (found, talk) = fails(folder, words);
        assert_eq!(found, code, "{words:?}: {talk}");
        assert!(talk.starts_with(message), "{words:?}: {talk}");
    }
    assert!(ok(folder, &["eval", "--list"]).contains("gsm8k"));
    let shown = ok(folder, &["eval", "--show", "gsm8k"]);
    assert!(shown.starts_with("name = \"gsm8k\""), "{shown}");
}

/// What stands in the cache of a hub is found by name and without a network, from the call and from a task.
#[test]
fn data_come_from_a_hub_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let repository = folder.join("hub/datasets--org--places");
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), commit).unwrap();
    let rows = repository.join("snapshots").join(commit).join("data");
    std::fs::create_dir_all(&rows).unwrap();
    write(&rows, "test.csv", "prompt,completion\na place,It is far.\nanother,It is near.\n");
    let bare = WRITE.replace("data = \"builtin\"\n", "");
    write(folder, "bare.toml", &bare);
    write(folder, "named.toml", &format!("data = \"org/places\"\n{bare}"));
    let offline = |words: &[&str]| {
        grimoire(folder, words)
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HUB_CACHE", folder.join("hub"))
            .output()
            .unwrap()
    };
    for words in [
        &["eval", "builtin", "named.toml", "--json"][..],
        &["eval", "builtin", "bare.toml", "--data", "org/places", "--json"],
        &["eval", "builtin", "bare.toml", "--data", "org/places/data/test.csv", "--json"],
    ] {
        let output = offline(words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["n"], 2);
        assert!(report["data"].as_str().unwrap().starts_with("org/places"), "{report}");
    }
    let output = offline(&["eval", "builtin", "bare.toml", "--data", "org/others"]);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.starts_with("error: org/others is not in the cache "), "{talk}");
}

#[test]
fn answers_that_tell_little_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let words = ["eval", "builtin", "task.toml", "--data", "builtin", "--limit", "3", "--json"];
    let report = |task: &str| {
        write(folder, "task.toml", task);
        json(folder, &words)
    };
    let cut = report(&WRITE.replace("tokens = 48", "tokens = 2"));
    let expected = "3 of 3 answers had no end after 2 tokens and were cut there";
    assert_eq!(cut["warnings"], serde_json::json!([expected]));
    // An answer that stops at its first letter is empty, and BLEU of nothing has no interval.
    let letters: Vec<String> = ('A'..='Z').chain('a'..='z').map(|c| format!("{c:?}")).collect();
    let stop = format!("stop = [{}]", letters.join(", ").replace('\'', "\""));
    let empty = report(&WRITE.replace("stop = [\"\\n\"]", &stop));
    assert!(empty["warnings"][0].as_str().unwrap().starts_with("3 of 3 answers are empty: "));
    assert_eq!(
        (&empty["figures"][0]["name"], &empty["figures"][0]["value"]),
        (&"BLEU".into(), &0.0.into())
    );
    assert!(empty["figures"][0]["interval"].is_null(), "{empty}");
}

const TEXT: &str = "The Blue Heron is a quiet cafe near the river. It serves lentil curry.\n\
    Children are welcome there. The Golden Orchard is a plain diner on the hill.\n";

fn texts(folder: &Path) {
    write(folder, "text.txt", &TEXT.repeat(6));
    let lines: Vec<String> = (1..=9)
        .map(|n| {
            serde_json::json!({ "text": format!("{}Naïve ☃ {n}.", &TEXT[..12 * n]) }).to_string()
        })
        .collect();
    write(folder, "texts.jsonl", &lines.join("\n"));
}

#[test]
fn perplexity_does_not_depend_on_batch_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    texts(folder);
    for (file, clusters) in [("text.txt", "windows"), ("texts.jsonl", "documents")] {
        for begin in ["none", "document", "window"] {
            let measure = |batch: &str, threads: &str| {
                json(
                    folder,
                    &[
                        "eval",
                        "perplexity",
                        "builtin",
                        file,
                        "--window",
                        "64",
                        "--stride",
                        "48",
                        "--begin",
                        begin,
                        "--batch",
                        batch,
                        "--threads",
                        threads,
                        "--json",
                    ],
                )
            };
            let first = measure("1", "1");
            assert_eq!(first["clusters"], clusters);
            assert!(
                first["signature"]
                    .as_str()
                    .unwrap()
                    .starts_with(&format!("window:64|stride:48|bos:{begin}|"))
            );
            let all = first["scored"] == first["tokens"];
            assert_eq!(all, begin != "none", "{first}");
            for (batch, threads) in [("64", "2"), ("300", "1"), ("8192", "3")] {
                let other = measure(batch, threads);
                for unit in 0..3 {
                    let value =
                        |report: &Value| report["per"][unit]["perplexity"].as_f64().unwrap();
                    close(value(&other), value(&first), 1e-6, 0.0);
                    assert_eq!(other["per"][unit]["units"], first["per"][unit]["units"]);
                }
            }
        }
    }
    // With every token scored, bytes and words are those of the texts.
    let report = json(
        folder,
        &["eval", "perplexity", "builtin", "text.txt", "--begin", "document", "--json"],
    );
    let text = TEXT.repeat(6);
    assert_eq!(report["per"][1]["units"], text.len());
    assert_eq!(report["per"][2]["units"], text.split_whitespace().count());
}

#[test]
fn a_window_without_a_stride_moves_by_itself_and_by_1024_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    texts(folder);
    let report = |file: &str, window: &str| {
        json(folder, &["eval", "perplexity", "builtin", file, "--window", window, "--json"])
    };
    let signature = |window| report("text.txt", window)["signature"].as_str().unwrap().to_owned();
    assert!(signature("64").starts_with("window:64|stride:64|"), "{}", signature("64"));
    // The built-in model sees 256 tokens.
    assert!(signature("2048").starts_with("window:256|stride:256|"), "{}", signature("2048"));
    // A document by itself is clustered by its windows, and every unit says what it is clustered by.
    for (file, by, documents) in [("text.txt", "window", 1), ("texts.jsonl", "document", 9)] {
        let report = report(file, "64");
        assert_eq!(report["clusters"], format!("{by}s"));
        for unit in report["per"].as_array().unwrap() {
            assert_eq!(unit["interval"]["method"], format!("clustered by {by}, t"));
            assert!(unit["documents"] == documents && report["documents"] == documents, "{unit}");
            assert_eq!(unit["windows"].as_u64() > Some(1), documents == 1, "{unit}");
        }
    }
}

#[test]
fn surprise_lays_the_bits_beside_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    texts(folder);
    let words = [
        "surprise",
        "builtin",
        "texts.jsonl",
        "--begin",
        "window",
        "--tokens",
        "tokens.jsonl",
        "--html",
        "page.html",
        "--json",
    ];
    let report = json(folder, &words);
    let tokens = std::fs::read_to_string(folder.join("tokens.jsonl")).unwrap();
    let tokens: Vec<Value> =
        tokens.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(report["tokens"].as_array().unwrap(), &tokens);
    // Bits add up to the perplexity, and spans to the text.
    let bits: f64 = tokens.iter().map(|token| token["bits"].as_f64().unwrap()).sum();
    let expected = report["perplexity"]["nll"].as_f64().unwrap() * tokens.len() as f64;
    close(bits * std::f64::consts::LN_2, expected, 1e-9, 0.0);
    let third: Vec<&Value> = tokens.iter().filter(|token| token["document"] == 3).collect();
    let mut end = 0;
    for token in &third {
        assert_eq!(token["bytes"][0], end);
        end = token["bytes"][1].as_u64().unwrap();
    }
    assert_eq!(end as usize, format!("{}Naïve ☃ 3.", &TEXT[..36]).len());
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(
        page.contains("Document 9") && page.contains("class=\"text\"") && !page.contains("<script")
    );
    // Without colour it is a table.
    let table = ok(folder, &["surprise", "builtin", "text.txt"]);
    assert!(table.contains("  bits") && !table.contains('\x1b'), "{table}");
}

#[test]
fn evaluations_are_compared_item_by_item() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "task.toml", WRITE);
    write(folder, "short.toml", &WRITE.replace("tokens = 48", "tokens = 12"));
    for (task, out, limit) in
        [("task.toml", "a", "24"), ("short.toml", "b", "24"), ("short.toml", "c", "9")]
    {
        ok(folder, &["eval", "builtin", task, "--data", "builtin", "--limit", limit, "--out", out]);
    }
    let report = json(folder, &["compare", "a", "b", "--html", "page.html", "--json"]);
    assert_eq!((&report["n"], &report["unit"]), (&Value::from(24), &Value::from("item")));
    let metrics = report["metrics"].as_array().unwrap();
    let rouge = metrics.iter().find(|metric| metric["name"] == "rouge1").unwrap();
    // A quarter of the tokens costs recall, beyond doubt.
    let versus = &rouge["systems"][1]["versus"];
    assert!(versus["difference"].as_f64().unwrap() < -3.0, "{versus}");
    assert!(versus["p_adjusted"].as_f64().unwrap() < 0.01, "{versus}");
    assert!(rouge["conclusions"][0].as_str().unwrap().starts_with("b is worse than a by "));
    assert!(rouge["effect_sizes"][0].as_f64().unwrap() < 0.0);
    assert_eq!(rouge["changed"].as_array().unwrap().len(), 3);
    // The same hits, item for item: nothing to tell them apart by.
    let place = metrics.iter().find(|metric| metric["name"] == "place").unwrap();
    assert_eq!(place["systems"][1]["versus"]["p_adjusted"], 1.0);
    assert!(place["conclusions"][0].as_str().unwrap().contains("on every item here"), "{place}");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("Score by length") && page.contains("Differences by item"));
    let table = ok(folder, &["compare", "a", "b", "--markdown"]);
    assert!(
        table.starts_with("| metric | system | score |") && table.contains("| BLEU | b |"),
        "{table}"
    );
    let (code, talk) = fails(folder, &["compare", "a", "c"]);
    assert_eq!(code, 1);
    assert!(
        talk.contains("a and c have other items from item 10 on (24 of builtin, 9 of builtin)"),
        "{talk}"
    );
    let (code, talk) = fails(folder, &["compare", "a", "task.toml"]);
    assert_eq!((code, talk.contains("task.toml: a file among folders")), (2, true), "{talk}");
}

#[test]
fn runs_are_compared_on_what_both_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (out, steps, seed) in [("few", "2", "1"), ("more", "12", "1"), ("other", "2", "9")] {
        let words = ["--steps", steps, "--seed", seed, "--answers", "6", "--batch", "4"];
        ok(folder, &[&["tune", "builtin", "--out", out][..], &words].concat());
    }
    let report = json(folder, &["compare", "few", "more", "--json"]);
    assert_eq!(report["unit"], "document");
    let reports = ["few", "more"].map(|run| -> Value {
        let own = std::fs::read_to_string(folder.join(run).join("report.json")).unwrap();
        serde_json::from_str(&own).unwrap()
    });
    let metric = &report["metrics"][0];
    assert_eq!(metric["name"], "perplexity per token");
    assert_eq!(metric["lower_is_better"], true);
    // The figures are those of the runs' own reports.
    for (place, own) in reports.iter().enumerate() {
        let expected = own["held_out"]["perplexity_after"]["value"].as_f64().unwrap();
        close(metric["systems"][place]["score"].as_f64().unwrap(), expected, 1e-9, 0.0);
    }
    assert!(
        metric["conclusions"][0].as_str().unwrap().starts_with("more is better than few by "),
        "{metric}"
    );
    // So are BLEU and ROUGE-L of their answers, which are to the same prompts.
    assert_eq!(report["metrics"].as_array().unwrap().len(), 3);
    for (metric, name, shown) in [(1, "BLEU", "BLEU"), (2, "rougeL", "ROUGE-L")] {
        let metric = &report["metrics"][metric];
        let unit = [&metric["name"], &metric["unit"]];
        assert_eq!((unit, &metric["n"]), ([&name.into(), &"prompt".into()], &6.into()));
        for (place, own) in reports.iter().enumerate() {
            let scores = own["scores"].as_array().unwrap();
            let own = scores.iter().find(|score| score["metric"] == shown);
            let expected = own.unwrap()["after"]["value"].as_f64().unwrap();
            close(metric["systems"][place]["score"].as_f64().unwrap(), expected, 1e-12, 1e-12);
        }
    }
    let output = run(folder, &["compare", "few", "more", "--html", "runs.html"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("; 6 prompts, each resampled by itself\n"), "{text}");
    // A run without answers is compared on its losses, and that is said.
    let mut silent = reports[1].clone();
    silent["samples"] = serde_json::json!([]);
    std::fs::create_dir(folder.join("silent")).unwrap();
    std::fs::copy(folder.join("more/run.json"), folder.join("silent/run.json")).unwrap();
    write(folder, "silent/report.json", &silent.to_string());
    let partly = json(folder, &["compare", "few", "silent", "--json"]);
    assert_eq!(partly["metrics"].as_array().unwrap().len(), 1);
    let note = partly["notes"][0].as_str().unwrap();
    assert!(note.starts_with("answers are not compared: silent has none to prompts"), "{note}");
    let (code, talk) = fails(folder, &["compare", "few", "other"]);
    assert_eq!(code, 1);
    assert!(talk.starts_with("error: few and other held out other documents\nhint: "), "{talk}");
}
