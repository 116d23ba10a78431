//! `grimoire compare` and what it shares with `grimoire score`: what is said of few units, of several systems, of
//! single items, of evaluations that were asked otherwise. Expected values follow from definitions.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_testkit::close;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn grimoire(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
    command
        .args(words.split(' '))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn run(folder: &Path, words: &str) -> Output {
    grimoire(folder, words).output().unwrap()
}

fn ok(folder: &Path, words: &str) -> String {
    let output = run(folder, words);
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, words: &str) -> Value {
    serde_json::from_str(&ok(folder, &format!("{words} --json --quiet"))).unwrap()
}

/// The exit code and the error.
fn fails(folder: &Path, words: &str) -> (i32, String) {
    let output = run(folder, words);
    assert!(output.stdout.is_empty(), "{words} printed data");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn book() -> std::path::PathBuf {
    grimoire_testkit::repository_root().join("book")
}

const WEATHER: &str = "data/weather.a.txt data/weather.b.txt --ref data/weather.ref.txt";

#[test]
fn few_units_tell_nothing_and_that_is_said() {
    let keep = folder(&[
        ("right", "w\nx\ny\nz\n"),
        ("wrong", "n\nn\nn\nn\n"),
        ("one", "w\n"),
        ("other", "n\n"),
        ("cluster", "c\nc\nc\nc\n"),
    ]);
    let path = keep.path();
    let said = |words: &str| ok(path, &format!("compare {words} --metric squad --items 0"));
    // Of the 2⁴ exchanges of four differences two are as extreme as what was found, however large it is.
    let four = said("right wrong --ref right");
    assert!(four.contains("exact match  right  100.00") && four.contains("wrong  0.00"), "{four}");
    assert!(
        four.contains("4 items are too few for a p below 0.1250, whatever the outputs"),
        "{four}"
    );
    assert!(!four.contains("on every item here"), "{four}");
    let one = said("one other --ref one");
    assert!(one.contains("A single item does not tell other from one in exact match"), "{one}");
    assert!(one.contains("\n1 item, which cannot be resampled\n") && !one.contains("p ="), "{one}");
    let cluster = said("right wrong --ref right --clusters cluster");
    assert!(cluster.contains("A single cluster does not tell wrong from right"), "{cluster}");
    assert!(cluster.contains("4 items, in one cluster, which cannot"), "{cluster}");
    let same = said("right right --ref right");
    assert!(
        same.contains("right and right have the same exact match on every item here"),
        "{same}"
    );
    let score = "score squad --hyp right --ref right --paired wrong --clusters cluster";
    let score = ok(path, score);
    assert!(score.ends_with("one cluster: no interval and no p-value\n"), "{score}");
    assert!(!score.contains("p ="), "{score}");
}

#[test]
fn every_report_says_how_p_was_made_and_corrected() {
    let keep = folder(&[("page", "")]);
    let page = keep.path().join("page.html");
    // Two others, one of them the first again: its p is 1, and Holm doubles the smaller one.
    let three = WEATHER.replace(" --ref", " data/weather.a.txt --ref");
    let report = json(&book(), &format!("compare {three} --html {}", page.display()));
    assert_eq!(report["resampling"]["correction"], "holm");
    assert_eq!(report["resampling"]["compared"], 2);
    let versus = |at: usize| report["metrics"][0]["systems"][at]["versus"].clone();
    let p = versus(1)["p_value"].as_f64().unwrap();
    close(versus(1)["p_adjusted"].as_f64().unwrap(), 2.0 * p, 1e-15, 0.0);
    assert_eq!((&versus(2)["p_value"], &versus(2)["p_adjusted"]), (&1.0.into(), &1.0.into()));
    let made = "p: approximate randomisation, 10000 trials, seed 1; corrected by Holm's method for the 2 systems \
                of each metric; intervals are not corrected";
    let both = format!("p = {p:.4}, corrected p = {:.4}", 2.0 * p);
    let text = ok(&book(), &format!("compare {three} --items 0"));
    assert!(text.contains(&both) && text.contains(made), "{text}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("corrected p</th>") && page.contains(&made.replace('\'', "&#39;")));
    let table = ok(&book(), &format!("compare {three} --markdown"));
    let cells = format!("| {p:.4} | {:.4} |", 2.0 * p);
    assert!(table.contains("| p | corrected p |") && table.contains(&cells), "{table}");
    assert!(table.contains(made), "{table}");
    let bh = ok(&book(), &format!("compare {three} --correction bh"));
    assert!(bh.contains("corrected by the method of Benjamini and Hochberg"), "{bh}");
    // A pair has nothing to correct.
    let pair = json(&book(), &format!("compare {WEATHER}"));
    assert_eq!(pair["resampling"]["correction"], Value::Null);
    assert!(!ok(&book(), &format!("compare {WEATHER}")).contains("corrected"));
}

#[test]
fn tags_say_how_their_figures_were_made_too() {
    let keep = folder(&[
        ("truth", "a B-PER\nb O\n\nc B-LOC\n\nd O\n"),
        ("found", "a B-PER\nb O\n\nc O\n\nd O\n"),
    ]);
    for metric in ["accuracy", "entities"] {
        let words = format!("score {metric} --hyp truth --paired found --ref truth --seed 7");
        let report = json(keep.path(), &words);
        assert_eq!(report["resampling"]["seed"], 7);
        assert_eq!(report["units"], 3);
        let text = ok(keep.path(), &words);
        for line in [
            format!("{}\n", report["signature"].as_str().unwrap()),
            "% interval: bootstrap percentile, 2000 resamples of 3 ".to_owned(),
            "p: approximate randomisation, 10000 trials, seed 7\n".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }
    let report = json(keep.path(), "score accuracy --hyp found --ref truth");
    let detail = &report["scores"][0]["detail"];
    assert_eq!((&detail["right"], &detail["tags"]), (&3.0.into(), &4.0.into()));
}

#[test]
fn a_single_item_is_scored_without_the_orders_that_it_is_too_short_for() {
    let keep = folder(&[
        ("good", "the cat sat\na dog came in late at night\n"),
        ("bad", "x\na dog came in late at night\n"),
    ]);
    let report = json(keep.path(), "compare bad good --ref good --metric bleu");
    let changed = &report["metrics"][0]["changed"];
    // All n-grams there are match: 100 by definition; of `x` none does.
    assert_eq!((changed.as_array().unwrap().len(), &changed[0]["item"]), (1, &1.into()));
    close(changed[0]["difference"].as_f64().unwrap(), 100.0, 1e-12, 0.0);
}

#[test]
fn z_grows_with_the_number_of_items_and_has_no_other_name() {
    let report = json(&book(), &format!("compare {WEATHER}"));
    let versus = &report["metrics"][0]["systems"][1]["versus"];
    assert!(versus["z"].is_number() && versus.get("effect").is_none(), "{versus}");
}

#[test]
fn standard_input_is_compared_by_several_metrics() {
    let outputs = std::fs::read(book().join("data/weather.a.txt")).unwrap();
    let words = WEATHER.replacen("data/weather.a.txt", "-", 1);
    let mut child = grimoire(&book(), &format!("compare {words} --json --quiet"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&outputs).unwrap();
    let piped: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    let from_file = json(&book(), &format!("compare {WEATHER}"));
    assert_eq!(piped["metrics"].as_array().unwrap().len(), 2);
    for metric in 0..2 {
        for system in 0..2 {
            let figures = |report: &Value| {
                let own = &report["metrics"][metric]["systems"][system];
                (own["score"].clone(), own["interval"].clone(), own["versus"].clone())
            };
            assert_eq!(figures(&piped), figures(&from_file));
        }
    }
}

#[test]
fn what_cannot_be_compared_is_named() {
    let keep = folder(&[("short", "c\nc\n"), ("long", &"c\n".repeat(21))]);
    let path = keep.path();
    for name in ["run", "empty", "evaluation"] {
        std::fs::create_dir(path.join(name)).unwrap();
    }
    for name in ["run/run.json", "evaluation/report.json", "evaluation/items.jsonl"] {
        std::fs::write(path.join(name), "{}").unwrap();
    }
    for (words, code, expected) in [
        (
            "compare run empty",
            2,
            "error: empty: neither the folder of an evaluation nor that of a run",
        ),
        ("compare run evaluation", 2, "error: run and evaluation: an evaluation and a run"),
        ("compare run run --metric ter", 2, "error: --metric: folders hold their own metrics"),
    ] {
        let (found, talk) = fails(path, words);
        assert!(found == code && talk.starts_with(expected), "{words}: {found} {talk}");
    }
    for (labels, expected) in [
        ("short", "short ends after line 2, there is an item 3"),
        ("long", "long:21: there are only 20 items"),
    ] {
        let labels = path.join(labels);
        let (code, talk) =
            fails(&book(), &format!("compare {WEATHER} --clusters {}", labels.display()));
        assert!(code == 1 && talk.contains(expected), "{talk}");
    }
}

#[test]
fn settings_that_nothing_would_use_are_refused() {
    let keep = folder(&[("a", "the cat sat on the mat\n")]);
    let (code, talk) = fails(keep.path(), "score bleu --hyp a --ref a --smooth-value 3");
    assert!(
        code == 2 && talk.starts_with("error: --smooth-value: smoothing exp has none"),
        "{talk}"
    );
    let (code, talk) = fails(keep.path(), "score bleu --hyp a --ref a --tokenize flores200");
    assert!(code == 2 && talk.contains("--tokenizer-model FILE"), "{talk}");
    let (code, talk) = fails(keep.path(), "eval perplexity builtin a --batch 0");
    assert!(code == 2 && talk.contains("expected at least 1"), "{talk}");
    let (code, talk) = fails(keep.path(), "eval perplexity builtin missing");
    assert!(code == 1 && talk.contains("hint: expected a text file"), "{talk}");
    std::fs::write(keep.path().join("model.gguf"), [0xff, 0xfe]).unwrap();
    let (code, talk) = fails(keep.path(), "eval task.toml model.gguf");
    assert!(code == 1 && talk.contains("stands after the model"), "{talk}");
}

#[test]
fn rouge_shows_precision_and_recall() {
    let keep = folder(&[("found", "a b c d\na b\n"), ("truth", "a b\na b c d\n")]);
    let report = json(keep.path(), "score rouge --hyp found --ref truth --kinds rouge1,rouge2");
    // Two of four words, then two of two; one of three pairs, then one of one.
    for (kind, expected) in [(0, 75.0), (1, 100.0 * (1.0 / 3.0 + 1.0) / 2.0)] {
        let detail = &report["scores"][kind]["detail"];
        close(detail["precision"].as_f64().unwrap(), expected, 1e-12, 0.0);
        close(detail["recall"].as_f64().unwrap(), expected, 1e-12, 0.0);
    }
    let thai = folder(&[("thai", "วันนี้ฝนตก\n")]);
    let output = run(thai.path(), "score rouge --hyp thai --ref thai");
    assert!(String::from_utf8(output.stderr).unwrap().contains("--unicode"));
}

const TASK: &str = r#"name = "places"
data = "rows.jsonl"
cluster = "shop"
prompt = "{{ prompt }}"
truth = "{{ truth }}"
separator = ""
[generate]
tokens = 4
[[metric]]
kind = "chrf"
"#;

/// Twelve questions about four shops.
fn rows() -> String {
    let row = |at: usize| {
        let prompt = format!("name=The Blue Heron; kind=cafe; number={at} ->");
        serde_json::json!({ "prompt": prompt, "truth": "The Blue", "shop": at / 3 })
    };
    (0..12).map(|at| format!("{}\n", row(at))).collect()
}

#[test]
fn items_that_share_a_field_are_resampled_together() {
    let alone = TASK.replace("cluster = \"shop\"\n", "");
    let labels: String = (0..12).map(|at| format!("{}\n", at / 3)).collect();
    let keep = folder(&[
        ("task.toml", TASK),
        ("alone.toml", &alone),
        ("longer.toml", &TASK.replace("tokens = 4", "tokens = 9")),
        ("longer.alone.toml", &alone.replace("tokens = 4", "tokens = 9")),
        ("wrong.toml", &TASK.replace("\"shop\"", "\"shopp\"")),
        ("rows.jsonl", &rows()),
        ("labels", &labels),
    ]);
    let path = keep.path();
    let asked = |task: &str, out: &str| json(path, &format!("eval builtin {task} --out {out}"));
    let (grouped, single) = (asked("task.toml", "a"), asked("alone.toml", "c"));
    assert_eq!((&grouped["clusters"], &single["clusters"]), (&4.into(), &Value::Null));
    assert_eq!(grouped["figures"][0]["value"], single["figures"][0]["value"]);
    // How items are resampled is not how they are asked.
    assert_eq!(grouped["asked"], single["asked"]);
    asked("longer.toml", "b");
    asked("longer.alone.toml", "d");
    let by_task = json(path, "compare a b");
    let by_hand = json(path, "compare c d --clusters labels");
    assert_eq!((&by_task["units"], &by_task["n"]), (&4.into(), &12.into()));
    for report in [&by_task, &by_hand] {
        assert_eq!(report["metrics"][0]["items"], by_hand["metrics"][0]["items"]);
    }
    let versus = |report: &Value| report["metrics"][0]["systems"][1]["versus"].clone();
    assert_eq!(versus(&by_task), versus(&by_hand));
    assert_eq!(json(path, "compare c d")["units"], 12);
    let text = ok(path, "eval builtin task.toml");
    assert!(text.starts_with("places: 12 items in 4 clusters of rows.jsonl\n"), "{text}");
    let (code, talk) = fails(path, "eval builtin wrong.toml");
    assert!(code == 1 && talk.contains("rows.jsonl:1: there is no field `shopp`"), "{talk}");
}

#[test]
fn a_signature_says_how_the_model_was_asked() {
    let keep = folder(&[
        ("task.toml", TASK),
        ("noted.toml", &format!("# A note.\n{}", TASK.replace("\"places\"", "\"shops\""))),
        ("other.toml", &TASK.replace("{{ prompt }}", "Describe: {{ prompt }}")),
        ("rows.jsonl", &rows()),
    ]);
    let path = keep.path();
    let asked = |words: &str, out: &str| {
        let report = json(path, &format!("eval builtin {words} --out {out}"));
        assert_eq!(report["asked"]["limit"], 6);
        report["figures"][0]["signature"].as_str().unwrap().to_owned()
    };
    let first = asked("task.toml --limit 6", "a");
    assert_eq!(asked("noted.toml --limit 6", "b"), first);
    let exact = asked("task.toml --limit 6 --precision f32", "c");
    assert_eq!(exact, first.replace("|precision:auto", "|precision:f32"));
    let other = asked("other.toml --limit 6", "d");
    let (before, task) = first.split_once("|task:").unwrap();
    assert!(other.starts_with(before) && !other.contains(task), "{other}");
    assert!(json(path, "compare a b").get("notes").is_none());
    let notes = json(path, "compare a c")["notes"].clone();
    assert_eq!(notes[0], "c was asked otherwise than a (precision): a difference may lie in that");
    let report = |precision: &str| {
        let words = format!("eval perplexity builtin rows.jsonl.txt --precision {precision}");
        json(path, &words)["signature"].as_str().unwrap().to_owned()
    };
    std::fs::write(path.join("rows.jsonl.txt"), rows()).unwrap();
    assert_eq!(report("auto").replace("|precision:auto", "|precision:f32"), report("f32"));
}
