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
    // Standard input has no name: what has fields shows its form.
    for (bytes, field) in [
        (HYP.to_vec(), None),
        (gzip(HYP), None),
        (outputs.clone().into_bytes(), Some("text")),
        (gzip(outputs.as_bytes()), Some("text")),
        (table.clone().into_bytes(), Some("text")),
    ] {
        let report = piped(&bytes, field, &path);
        grimoire_testkit::close(report["score"].as_f64().unwrap(), BLEU, 1e-12, 0.0);
    }
}

/// The report of BLEU of what comes by standard input.
fn piped(bytes: &[u8], field: Option<&str>, path: &Path) -> Value {
    let mut child = Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(["score", "bleu", "--hyp", "-", "--ref", "a.txt", "--ref", "b.txt", "--json"])
        .args(field.iter().flat_map(|field| ["--field", field]))
        .current_dir(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    serde_json::from_slice(&output).unwrap()
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
        ("ragged.csv", b"x\na\n1,2\n"),
        ("open.csv", b"x\n5\" disk\n\"b\nc\n"),
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
        (bleu("-", "-", 2), "standard input can be read once only"),
        (bleu("ragged.csv", "two.txt", 1), "ragged.csv:3: 2 columns where the header has 1"),
        (bleu("open.csv", "three.txt", 1), "open.csv:3: a quote is opened and never closed"),
        (
            bleu("broken.jsonl", "two.txt", 1),
            "broken.jsonl:2: no JSON: EOF while parsing an object, at column 1",
        ),
        (bleu("table.csv", "two.txt", 2), "table.csv:1: which column holds the text?"),
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
            "tags.txt:2: tag `Q-PER` is not of scheme IOB2",
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

/// Three segments in each form, plain and compressed: fewer lines, more lines, an empty reference, another encoding and
/// an absent field are errors with file and line, wherever they stand. A table's lines are one further down.
#[test]
fn errors_of_every_form_name_file_and_line() {
    let good = [&b"a b"[..], b"c d", b"e f"];
    let cases: [(&str, Vec<&[u8]>); 5] = [
        ("good", good.to_vec()),
        ("short", good[..2].to_vec()),
        ("long", [&good[..], &good[..1]].concat()),
        ("gap", vec![b"a b", b"", b"e f"]),
        ("latin", vec![b"a b", b"c \xe9", b"e f"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    for form in ["txt", "jsonl", "csv", "tsv"] {
        for (name, lines) in &cases {
            let mut bytes: Vec<u8> = match form {
                "csv" => b"id,t\n".to_vec(),
                "tsv" => b"id\tt\n".to_vec(),
                _ => Vec::new(),
            };
            for line in lines {
                let (before, after): (&[u8], &[u8]) = match form {
                    "jsonl" => (b"{\"t\": \"", b"\"}\n"),
                    "csv" => (b"1,\"", b"\"\n"),
                    "tsv" => (b"1\t", b"\n"),
                    _ => (b"", b"\n"),
                };
                bytes.extend([before, line, after].concat());
            }
            std::fs::write(folder.path().join(format!("{name}.{form}")), &bytes).unwrap();
            std::fs::write(folder.path().join(format!("{name}.{form}.gz")), gzip(&bytes)).unwrap();
        }
        for end in [form.to_owned(), format!("{form}.gz")] {
            errors_of(&end, folder.path());
        }
    }
}

fn errors_of(end: &str, folder: &Path) {
    let first = if end.contains("sv") { 2 } else { 1 };
    let field = if end.starts_with("txt") { "" } else { "t" };
    let bleu = |hyp: &str, reference: &str, field: &str, code| {
        let (hyp, reference) = (format!("{hyp}.{end}"), format!("{reference}.{end}"));
        let mut call = vec!["score", "bleu", "--hyp", &hyp, "--ref", &reference];
        if !field.is_empty() {
            call.extend(["--field", field, "--ref-field", field]);
        }
        error(&call, folder, code)
    };
    let ends = |a: &str, b: &str, at: usize| {
        format!("{a}.{end} ends after line {}, {b}.{end} goes on at line {}", at - 1, at)
    };
    let found = [
        (bleu("good", "short", field, 1), ends("short", "good", first + 2)),
        (bleu("good", "long", field, 1), ends("good", "long", first + 3)),
        (bleu("good", "gap", field, 1), format!("gap.{end}:{}: the reference is empty", first + 1)),
        (bleu("good", "latin", field, 1), format!("latin.{end}:{}: not UTF-8 at byte ", first + 1)),
        (bleu("latin", "good", field, 1), format!("latin.{end}:{}: not UTF-8 at byte ", first + 1)),
    ];
    for (found, expected) in found {
        assert!(found.starts_with(&format!("error: {expected}")), "{found} is not {expected}");
    }
    if first == 2 {
        let found = bleu("good", "good", "u", 2);
        let expected =
            format!("error: good.{end}:1: there is no column `u`\nhint: its columns are id, t");
        assert!(found.starts_with(&expected), "{found}");
    } else if !field.is_empty() {
        let found = bleu("good", "good", "u", 1);
        assert!(
            found.starts_with(&format!("error: good.{end}:1: there is no field `u`")),
            "{found}"
        );
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
    assert_eq!(table.lines().count(), 8, "{table}");
    let apart = ["compare", files[1], files[4], files[5], files[3], "--markdown"];
    assert_eq!(String::from_utf8(grimoire(&apart, &book).stdout).unwrap(), table);
    let alone = error(&["compare", files[1], files[4], files[5]], &book, 2);
    assert!(alone.starts_with("error: data/weather.a.txt: compared with what?"), "{alone}");
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
    let items = &report["scores"][0]["systems"][1]["versus"]["items"];
    assert_eq!((&items["higher"], &items["lower"]), (&0.into(), &1.into()));
    assert_eq!(
        (&items["p_value"], &items["method"]),
        (&1.0.into(), &"McNemar's exact test".into())
    );
}

#[test]
fn labels_of_several_words_are_not_cut() {
    let truth: &[u8] = b"entailment\nnot entailment\nnot entailment\n";
    let two: &[u8] = b"very good\nvery bad\nnot good\n";
    let (_keep, path) = folder(&[
        ("truth.txt", truth),
        ("all.txt", b"entailment\nentailment\nentailment\n"),
        ("two.txt", two),
        ("other.txt", b"not good\nvery bad\nnot good\n"),
        ("truth.csv", b"label\nentailment\nnot entailment\n"),
        ("found.csv", b"label\nentailment\nentailment\n"),
        ("tokens.tsv", b"The\tDET\ndog\tNOUN\n"),
        ("mark.txt", b"\xef\xbb\xbfentailment\nentailment\nentailment\n"),
    ]);
    let accuracy = |hyp, truth| ["score", "accuracy", "--hyp", hyp, "--ref", truth];
    let mixed = error(&accuracy("all.txt", "truth.txt"), &path, 1);
    assert!(
        mixed.starts_with(
            "error: truth.txt:2: several words where the lines before have one word\nhint: --whole-lines "
        ),
        "{mixed}"
    );
    let words = error(&accuracy("other.txt", "two.txt"), &path, 1);
    assert!(
        words.starts_with("error: other.txt:1: `not` before the tag `good`, where two.txt:1 has `very`\nhint: --whole-lines "),
        "{words}"
    );
    let whole = |hyp, truth| json(&[&accuracy(hyp, truth)[..], &["--whole-lines"]].concat(), &path);
    assert_eq!(whole("all.txt", "truth.txt")["score"], 100.0 * (1.0 / 3.0));
    assert_eq!(whole("other.txt", "two.txt")["score"], 100.0 * (2.0 / 3.0));
    // A mark of the byte order is no part of the first label.
    assert_eq!(whole("mark.txt", "all.txt")["score"], 100.0);
    // A header is no label, and no column need be named where there is one.
    let table = json(&accuracy("found.csv", "truth.csv"), &path);
    assert_eq!((&table["score"], &table["n"]), (&50.0.into(), &2.into()));
    assert_eq!(json(&accuracy("tokens.tsv", "tokens.tsv"), &path)["n"], 2);
    let field = [&accuracy("all.txt", "truth.txt")[..], &["--field", "x"]].concat();
    assert!(error(&field, &path, 2).contains("all.txt:1: there is no column `x`"));
}

#[test]
fn what_cannot_be_resampled_is_refused() {
    let (_keep, path) =
        folder(&[("hyp.txt", HYP), ("ref.txt", REF_1), ("clusters.txt", b"a\na\nb\n")]);
    let bleu = ["score", "bleu", "--hyp", "hyp.txt", "--ref", "ref.txt"];
    for (more, expected) in [
        (&["--reproduce", "0"][..], "--reproduce"),
        (&["--reproduce", "100000000000"], "--reproduce"),
        (&["--reproduce", "10", "--clusters", "clusters.txt"], "--reproduce"),
        (&["--resamples", "100000000000"], "--resamples is 100000000000, expected 1 to 10000000"),
        (&["--trials", "0"], "--trials is 0, expected 1 to 10000000"),
    ] {
        let said = error(&[&bleu[..], more].concat(), &path, 2);
        assert!(said.contains(expected), "{said}");
    }
    let rouge = ["score", "rouge", "--hyp", "hyp.txt", "--ref", "ref.txt", "--reproduce", "10"];
    assert!(error(&rouge, &path, 2).contains("sacreBLEU has no such metric"));
    let missing = error(&["score", "bleu", "--hyp", "none.txt", "--ref", "ref.txt"], &path, 1);
    assert!(missing.starts_with("error: none.txt: there is no such file\nhint: "), "{missing}");
}

#[test]
fn bleu_counts_the_pieces_of_a_sentencepiece_model() {
    // `golden/text/pieces.py`: models of the SentencePiece package, scores of sacreBLEU 2.6.0.
    let golden: Value = grimoire_testkit::golden::read("text/pieces.json.gz");
    let lines = |key: &str| -> Vec<u8> {
        let texts = golden[key].as_array().unwrap().iter();
        texts
            .map(|text| format!("{}\n", serde_json::json!({ "t": text })))
            .collect::<String>()
            .into()
    };
    let (hypotheses, references) = (lines("hypotheses"), lines("references"));
    let mut names: Vec<String> = Vec::new();
    for recorded in golden["models"].as_array().unwrap() {
        let model = recorded["model"].as_str().unwrap().chars();
        let model: Vec<u8> = model.map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let (_keep, path) = folder(&[
            ("hyp.jsonl", &hypotheses),
            ("ref.jsonl", &references),
            ("small.model", &model),
        ]);
        let call = ["score", "bleu", "--hyp", "hyp.jsonl", "--ref", "ref.jsonl"];
        let report = json(&[&call[..], &["--tokenizer-model", "small.model"]].concat(), &path);
        let score = report["score"].as_f64().unwrap();
        grimoire_testkit::close(score, recorded["bleu"].as_f64().unwrap(), 1e-12, 0.0);
        let signature = report["signature"].as_str().unwrap();
        let (_, name) = signature.split_once("|tok:spm.small.").unwrap();
        names.push(name.split('|').next().unwrap().to_owned());
    }
    // All are files of the same name.
    names.sort();
    let n = names.len();
    names.dedup();
    assert!(n > 1 && names.len() == n, "{names:?}");
}

/// BLEU of pieces, on every system of WMT22 against A, B and both, by two models: the counts as integers and the score
/// that sacreBLEU's own tokenizer of that kind gives with the same model (`golden/eval/pieces_bleu.py`). Slow tier.
#[test]
fn bleu_of_pieces_is_that_of_sacrebleu_on_every_system_of_wmt22() {
    let test = "bleu of pieces, wmt22";
    let (true, Some(data)) =
        (grimoire_testkit::slow(test), grimoire_testkit::shared_data(test, "wmt22-mt"))
    else {
        return;
    };
    let golden: Value = grimoire_testkit::golden::read("eval/pieces_bleu.json.gz");
    let mut checked = 0;
    for recorded in golden["models"].as_array().unwrap() {
        let model = recorded["model"].as_str().unwrap().chars();
        let model: Vec<u8> = model.map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let (_keep, path) = folder(&[("flores101.model", &model)]);
        for theirs in recorded["scores"].as_array().unwrap() {
            let (file, pair) = (theirs["file"].as_str().unwrap(), theirs["pair"].as_str().unwrap());
            let pair = data.join(pair);
            let target = file.split('.').nth(2).unwrap();
            let hyp = pair.join(file).display().to_string();
            let references = theirs["references"].as_str().unwrap().chars();
            let refs = references
                .map(|name| pair.join(format!("ref.{name}.{target}.gz")).display().to_string());
            let refs: Vec<String> = refs.flat_map(|file| ["--ref".to_owned(), file]).collect();
            let mut call = vec!["score", "bleu", "--hyp", &hyp, "--resamples", "10"];
            call.extend(["--tokenizer-model", "flores101.model"]);
            call.extend(refs.iter().map(String::as_str));
            let report = json(&call, &path);
            let score = report["score"].as_f64().unwrap();
            grimoire_testkit::close(score, theirs["score"].as_f64().unwrap(), 1e-13, 0.0);
            let detail = &report["scores"][0]["detail"];
            let whole = |value: &Value| value.as_f64().unwrap();
            let all = |value: &Value| -> Vec<f64> {
                value.as_array().unwrap().iter().map(whole).collect()
            };
            assert_eq!(all(&detail["matches"]), all(&theirs["counts"]), "{hyp}");
            assert_eq!(all(&detail["totals"]), all(&theirs["totals"]), "{hyp}");
            assert_eq!(whole(&detail["hypothesis_length"]), whole(&theirs["sys_len"]), "{hyp}");
            assert_eq!(whole(&detail["reference_length"]), whole(&theirs["ref_len"]), "{hyp}");
            // Ours names a file: by its ending, and by a hash of its bytes.
            let signature = report["signature"].as_str().unwrap();
            let (before, hash) = signature.split_once("tok:spm.flores101.").unwrap();
            let after = hash.split_once('|').unwrap().1;
            let signature = format!("{before}tok:flores101|{after}");
            assert_eq!(signature.split_once("+grimoire").unwrap().0, theirs["signature"]);
            checked += 1;
        }
    }
    // Two models, 17 systems, three sets of references.
    assert_eq!(checked, 2 * 17 * 3);
}

#[test]
fn tags_come_in_every_form_and_what_is_wrong_with_them_has_a_line() {
    let (_keep, path) = folder(&[
        ("gold.txt", b"a B-PER\nb I-PER\nc O\n\nd B-LOC\n"),
        ("guess.txt", b"a I-PER\nb I-PER\nc O\n\n\nd B-LOC\n\n"),
        ("gold.jsonl", b"{\"tags\": [\"B-PER\", \"I-PER\", \"O\"]}\n{\"tags\": [\"B-LOC\"]}\n"),
        ("labels.csv", b"id,label\n1,x\n2,y\n3,x\n4,x\n"),
        ("found.jsonl", b"{\"l\": \"x\"}\n{\"l\": \"y\"}\n{\"l\": \"y\"}\n{\"l\": \"x\"}\n"),
        ("short.txt", b"a B-PER\nb I-PER\n\nd B-LOC\n"),
    ]);
    let entities = |hyp, reference| ["score", "entities", "--hyp", hyp, "--ref", reference];
    let plain = json(&entities("guess.txt", "gold.txt"), &path);
    let listed = json(&entities("guess.txt", "gold.jsonl"), &path);
    assert_eq!(plain["strict"], listed["strict"]);
    assert_eq!(plain["n"], 2);
    let accuracy = ["score", "accuracy", "--hyp", "found.jsonl", "--ref", "labels.csv"];
    let accuracy = [&accuracy[..], &["--ref-field", "label"]].concat();
    assert_eq!(json(&accuracy, &path)["score"], 75.0);
    for (found, expected) in [
        (
            error(&entities("short.txt", "gold.txt"), &path, 1),
            "short.txt:3: ends the sentence where gold.txt:3 has the tag `O`",
        ),
        (
            error(
                &[&entities("guess.txt", "gold.txt")[..], &["--labels", "PER"]].concat(),
                &path,
                1,
            ),
            "gold.txt:5: unknown label `B-LOC`",
        ),
        (
            error(&[&accuracy[..], &["--labels", "x,z"]].concat(), &path, 1),
            "labels.csv:3: unknown label `y`",
        ),
    ] {
        assert!(found.contains(expected), "{found} does not say {expected}");
    }
}

#[test]
fn equal_outputs_do_not_differ() {
    let (_keep, path) = folder(&[("a.txt", HYP), ("b.txt", HYP), ("ref.txt", REF_1)]);
    for metric in ["bleu", "chrf", "ter", "rouge", "squad"] {
        let call = ["score", metric, "--hyp", "a.txt", "--paired", "b.txt", "--ref", "ref.txt"];
        let versus = &json(&call, &path)["scores"][0]["systems"][1]["versus"];
        assert_eq!(versus["p_value"], 1.0, "{metric}");
        assert_eq!(versus["difference"], 0.0, "{metric}");
    }
}

#[test]
fn segments_are_scored_alone_too() {
    let (_keep, path) = folder(&[("hyp.txt", HYP), ("a.txt", REF_1), ("b.txt", REF_2)]);
    let call = ["score", "bleu", "--hyp", "hyp.txt", "--ref", "a.txt", "--ref", "b.txt"];
    let report = json(&[&call[..], &["--segments"]].concat(), &path);
    let found = report["scores"][0]["systems"][0]["segments"].as_array().unwrap();
    // sacreBLEU 2.6.0: BLEU(effective_order=True).sentence_score of each line with its two references.
    let expected = [100.000_000_000_000_04, 14.794_015_674_776_452, 29.071_536_848_410_968];
    for (found, expected) in found.iter().zip(expected) {
        grimoire_testkit::close(found.as_f64().unwrap(), expected, 1e-12, 0.0);
    }
    assert_eq!(found.len(), 3);
}
