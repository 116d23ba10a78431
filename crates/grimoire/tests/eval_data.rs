//! The data of a task by their name on a hub, which here is a local server: fetched once, read from Parquet, and
//! found in the cache without a network; where there is neither, the error says what to do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// The commit of everything here.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Files by the address of their data set's listing, name by name.
type Site = BTreeMap<&'static str, BTreeMap<&'static str, Vec<u8>>>;

/// A hub with these data sets; returns its address.
fn hub(site: Site) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let site = Arc::new(site);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            std::thread::spawn(move || serve(stream, &site));
        }
    });
    address
}

/// Answers one request: the listing of a data set at a revision, or a file of it at the commit.
fn serve(mut stream: TcpStream, site: &Site) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let words: Vec<&str> = first.split(' ').collect();
    let path = words[1].split('?').next().unwrap().replace("%2F", "/");
    let mut answer = ("404 Not Found", Vec::new(), Vec::new());
    for (address, files) in site {
        let (repo, revision) = address.split_once('@').unwrap();
        if path == format!("/api/datasets/{repo}/revision/{revision}") {
            let names = files.keys().map(|name| serde_json::json!({ "rfilename": name }));
            let listing =
                serde_json::json!({ "sha": COMMIT, "siblings": names.collect::<Vec<_>>() });
            answer = ("200 OK", Vec::new(), listing.to_string().into_bytes());
        }
        let prefix = format!("/datasets/{repo}/resolve/{COMMIT}/");
        if let Some(data) = path.strip_prefix(&prefix).and_then(|name| files.get(name)) {
            let hash: String = Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect();
            let headers = vec![format!("ETag: \"{hash}\""), format!("X-Repo-Commit: {COMMIT}")];
            answer = ("200 OK", headers, data.clone());
        }
    }
    let (status, headers, body) = answer;
    let mut out =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|header| out.push_str(&format!("{header}\r\n")));
    out.push_str("\r\n");
    let _ = stream.write_all(out.as_bytes());
    if words[0] == "GET" {
        let _ = stream.write_all(&body);
    }
}

fn grimoire(folder: &Path, hub: &str, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(words)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("HF_HOME", folder.join("hub"))
        .env("HF_ENDPOINT", hub)
        .env_remove("HF_HUB_OFFLINE")
        .env_remove("HF_HUB_CACHE")
        .output()
        .unwrap()
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A Parquet file of pyarrow, whose rows have `id`, `question`, `answers.text`, `level` and `options`, and more.
fn parquet() -> Vec<u8> {
    let golden: Value = grimoire_testkit::golden::read("tune/parquet_rows.json.gz");
    let file = golden["cases"][0]["file"].as_str().unwrap();
    file.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

const TASK: &str = r#"name = "levels"
source = "made for this test"
data = "org/levels/data/test.parquet"
fields = { context = "id" }
prompt = "{{ context }} {{ question }}"
truth = "{{ level }}"
[choose]
options = ["low", "high"]
[[metric]]
kind = "accuracy"
"#;

#[test]
fn data_sets_are_fetched_by_name_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let site =
        Site::from([("org/levels@main", BTreeMap::from([("data/test.parquet", parquet())]))]);
    let hub = hub(site);
    std::fs::write(folder.join("task.toml"), TASK).unwrap();
    let words = ["eval", "builtin", "task.toml", "--no-cache", "--json"];
    let fetched = report(&grimoire(folder, &hub, &words));
    // The file has 40 rows (`golden/tune/parquet_rows.py`).
    assert_eq!(fetched["n"], 40);
    // Nothing listens on port 9 (discard): the cache has it.
    let nobody = "http://127.0.0.1:9";
    assert_eq!(report(&grimoire(folder, nobody, &words))["figures"], fetched["figures"]);
    let named = [&words[..], &["--data", "org/levels"]].concat();
    assert_eq!(report(&grimoire(folder, &hub, &named))["figures"], fetched["figures"]);
    // The same file by its path.
    std::fs::write(folder.join("rows.parquet"), parquet()).unwrap();
    let by_path = [&words[..], &["--data", "rows.parquet"]].concat();
    assert_eq!(report(&grimoire(folder, &hub, &by_path))["figures"], fetched["figures"]);
}

#[test]
fn built_in_tasks_ask_for_the_data_sets_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |text: &str| format!("[{text}]").into_bytes();
    let svamp = row(r#"{"ID": "1", "Body": "A has 4.", "Question": "How many?", "Answer": "4.0"}"#);
    let e2e = concat!(
        "{\"meaning_representation\": \"name[A]\", \"human_reference\": \"A is here.\"}\n",
        "{\"meaning_representation\": \"name[A]\", \"human_reference\": \"There is A.\"}\n",
        "{\"meaning_representation\": \"name[B]\", \"human_reference\": \"B is here.\"}\n",
    );
    let hub = hub(Site::from([
        ("ChilleD/SVAMP@main", BTreeMap::from([("test.json", svamp), ("train.json", row("{}"))])),
        (
            "google/xquad@main",
            BTreeMap::from([("xquad.en/validation-00000-of-00001.parquet", parquet())]),
        ),
        ("org/e2e@main", BTreeMap::from([("rows.jsonl", e2e.as_bytes().to_vec())])),
    ]));
    let eval = |words: &[&str]| grimoire(folder, &hub, &[&["eval", "builtin"][..], words].concat());
    assert_eq!(report(&eval(&["svamp", "--json"]))["n"], 1);
    // Two descriptions of one list are one item, also by the names that the hub's copy has.
    assert_eq!(report(&eval(&["e2e-nlg", "--data", "org/e2e", "--json"]))["n"], 2);
    // That file has answers of XQuAD's shape and no context.
    let output = eval(&["xquad", "--json"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("parquet:1: prompt: there is no field `context`"), "{error}");
}

#[test]
fn without_a_network_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (hub, expected) in [
        ("http://127.0.0.1:9", "run it again to resume; HF_ENDPOINT names another hub"),
        (&*hub(Site::new()), "check the spelling"),
    ] {
        let output = grimoire(folder, hub, &["eval", "builtin", "gsm8k"]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        println!("{error}");
        assert!(error.contains(&format!("hint: {expected}")), "{error}");
        assert!(error.contains("or give a file with --data; its source is https://"), "{error}");
    }
}

/// A task that names its examples is asked with them and says so; what cannot be fetched is an error that says how to
/// do without, and never fewer examples.
#[test]
fn examples_come_from_the_file_that_the_task_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = |range: std::ops::Range<usize>| {
        let row =
            |n| format!("{{\"question\": \"{n} and 1?\", \"level\": \"low\", \"id\": {n}}}\n");
        range.map(row).collect::<String>().into_bytes()
    };
    let set = BTreeMap::from([("test.jsonl", rows(0..3)), ("train.jsonl", rows(5..9))]);
    let hub = hub(Site::from([("org/sums@main", set)]));
    let task = TASK.replace("org/levels/data/test.parquet", "org/sums/test.jsonl");
    let task = task.replace(
        "[[metric]]",
        "[examples]\ncount = 2\ndata = \"org/sums/train.jsonl\"\n[[metric]]",
    );
    std::fs::write(folder.join("task.toml"), task).unwrap();
    let eval = |hub: &str, words: &[&str]| {
        grimoire(folder, hub, &[&["eval", "builtin", "task.toml", "--json"][..], words].concat())
    };
    let shown = |words: &[&str]| {
        let found = report(&eval(&hub, &[words, &["--out", "out"]].concat()));
        let text = std::fs::read_to_string(folder.join("out/items.jsonl")).unwrap();
        std::fs::remove_dir_all(folder.join("out")).unwrap();
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let signature = found["figures"][0]["signature"].as_str().unwrap().to_owned();
        (found, first["prompt"].as_str().unwrap().to_owned(), signature)
    };
    // With none in the cache yet, and a file of data that is here.
    std::fs::write(folder.join("here.jsonl"), rows(0..3)).unwrap();
    let output = eval("http://127.0.0.1:9", &["--data", "here.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("--examples, or ask without by --shots 0"), "{error}");
    let (found, prompt, signature) = shown(&[]);
    assert_eq!(prompt, "5 5 and 1? low\n\n6 6 and 1? low\n\n0 0 and 1?");
    assert_eq!((&found["shots"], signature.ends_with("|shots:2")), (&Value::from(2), true));
    let (found, prompt, signature) = shown(&["--shots", "3"]);
    assert!(prompt.contains("7 and 1? low") && signature.ends_with("|shots:3"), "{prompt}");
    assert!(found["warnings"].is_null(), "{found}");
    let (found, prompt, signature) = shown(&["--shots", "0"]);
    assert_eq!((prompt.as_str(), &found["shots"]), ("0 0 and 1?", &Value::from(0)));
    assert!(!signature.contains("shots"), "{signature}");
    // Examples that are among the questions give answers away.
    let (found, ..) = shown(&["--examples", "here.jsonl"]);
    assert!(
        found["warnings"][0].as_str().unwrap().starts_with("2 of the rows are among"),
        "{found}"
    );
}
