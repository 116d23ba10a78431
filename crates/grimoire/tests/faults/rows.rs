//! Data that are wrong at a place, which is named; and rows that are too long.

use crate::bench::{cuts, draws, flipped, grimoire, rows, tiny, told};
use std::path::Path;

#[test]
fn the_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = |n: usize| "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(n);
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("json.jsonl", (good(16) + "{\"prompt\": \n" + &good(3)).into(), &["json.jsonl:17"]),
        ("cut.jsonl", (good(16) + "{\"prompt\": \"a\", \"compl").into(), &["cut.jsonl:17"]),
        ("list.jsonl", (good(16) + "[1, 2]\n").into(), &["list.jsonl:17"]),
        (
            "number.jsonl",
            (good(16) + "{\"prompt\": 7, \"completion\": \"b\"}").into(),
            &["number.jsonl:17"],
        ),
        (
            "empty.jsonl",
            (good(16) + "{\"prompt\": \"a\", \"completion\": \"\"}").into(),
            &["empty.jsonl:17", "empty"],
        ),
        ("missing.jsonl", (good(16) + "{\"prompt\": \"a\"}").into(), &["missing.jsonl:17"]),
        ("role.jsonl", "{\"messages\": [{\"role\": \"user\"}]}\n".into(), &["role.jsonl:1"]),
        (
            "latin.jsonl",
            [good(16).as_bytes(), b"{\"prompt\": \"\xe9\", \"completion\": \"b\"}"].concat(),
            &["latin.jsonl:17", "UTF-8"],
        ),
        ("ragged.csv", "prompt,completion\na,b\na,b,c\n".into(), &["ragged.csv:3"]),
        ("quote.csv", "prompt,completion\na,\"b\n".into(), &["quote.csv:2", "closed"]),
        ("names.csv", "left,right\na,b\n".into(), &["names.csv", "left"]),
        ("nothing.jsonl", "\n\n".into(), &["nothing.jsonl", "no rows"]),
    ];
    let model = tiny();
    for (name, bytes, words) in cases {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let out = folder.path().join("out");
        let mut tune = grimoire(["tune", model.to_str().unwrap(), file.to_str().unwrap()]);
        told(tune.arg("--out").arg(&out)).refuses(words);
        assert!(!out.exists(), "{name}");
        // The same rows to measure on.
        let mut eval = grimoire(["tune", model.to_str().unwrap()]);
        eval.arg(rows(folder.path())).arg("--eval").arg(&file).arg("--out").arg(&out);
        told(&mut eval).refuses(words);
        assert!(!out.exists(), "{name}");
    }
}

#[test]
fn prompts_and_texts_of_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let prompts = "{\"prompt\": \"a\"}\n".repeat(16);
    let broken = file("broken.jsonl", &format!("{prompts}{{\"prompt\"\n"));
    let long = file("long.jsonl", &format!("{prompts}{{\"prompt\": \"{}\"}}\n", "a b ".repeat(99)));
    let other = file("other.jsonl", &format!("{prompts}{{\"text\": 1}}\n"));
    let model = tiny();
    let model = model.to_str().unwrap();
    for (prompts, place) in
        [(&broken, "broken.jsonl:17"), (&long, "long.jsonl:17"), (&other, "other.jsonl:17")]
    {
        told(&mut grimoire(["generate", model, "--prompts", prompts])).refuses(&[place]);
    }
    let long = "a b ".repeat(99);
    told(&mut grimoire(["generate", model, "--prompt", &long])).refuses(&["F32.gguf", "64"]);
    told(&mut grimoire(["eval", "perplexity", model, &other])).refuses(&["other.jsonl:1"]);
    told(&mut grimoire(["eval", "perplexity", model, "/dev/null"]))
        .refuses(&["/dev/null", "empty"]);
}

#[test]
fn rows_longer_than_the_context() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny();
    let model = model.to_str().unwrap();
    let write = |name: &str, prompt: &str, completion: &str| {
        let line = |n: usize| {
            format!("{{\"prompt\": \"{n} {prompt}\", \"completion\": \"{completion}\"}}\n")
        };
        let path = folder.path().join(name);
        std::fs::write(&path, (0..40).map(line).collect::<String>()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // The answers are cut, and it is said how much is lost.
    let answers = write("answers.jsonl", "a", &"b c ".repeat(100));
    let cut = told(&mut grimoire(["--json", "tune", model, &answers, "--dry-run"]));
    cut.works();
    let report: serde_json::Value = serde_json::from_str(&cut.stdout).unwrap();
    let (train, held) = (&report["data"]["train"], &report["data"]["held_out"]);
    assert_eq!((&train["cut_rows"], &held["cut_rows"]), (&30.into(), &10.into()));
    assert!(train["lost_tokens"].as_u64().unwrap() > 30 * 100);
    // Either part is told by itself, with the first places.
    for (told, more) in
        [("30 rows to train on are", " and 27 more"), ("10 rows to measure on are", " and 7 more")]
    {
        let told = format!("{told} longer than 64 tokens, the model's context, and lose ");
        let warnings = report["warnings"].as_array().unwrap();
        let told = warnings.iter().find_map(|line| line.as_str()?.strip_prefix(&told));
        let (_, places) = told.unwrap_or_default().split_once(" tokens at their end: ").unwrap();
        let places = places.strip_suffix(more).unwrap();
        let named = |place: &str| place.starts_with(&format!("{answers}:"));
        assert!(places.split(", ").count() == 3 && places.split(", ").all(named), "{places}");
    }
    // Nothing is left to train on.
    let prompts = write("prompts.jsonl", &"b c ".repeat(100), "a");
    let none = told(&mut grimoire(["tune", model, &prompts, "--dry-run"]));
    none.refuses(&["prompts.jsonl", "no row has a token to be trained on"]);
    assert!(none.stderr.contains("64 tokens, the model's context"), "{none:?}");
    // The limit that was asked for is the one that is named when it is the lower.
    let args = ["--json", "tune", model, &answers, "--dry-run", "--max-length", "32"];
    let cut = told(&mut grimoire(args));
    cut.works();
    let told = "30 rows to train on are longer than 32 tokens, --max-length,";
    assert!(cut.stdout.contains(told), "{cut:?}");
}

#[test]
fn data_files_cut_and_flipped() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny();
    let jsonl = std::fs::read(rows(folder.path())).unwrap();
    let chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}\n";
    let csv = format!("prompt,completion\n{}", "\"a, b\",c\n".repeat(20));
    let tsv = format!("prompt\tcompletion\n{}", "a\tc\n".repeat(20));
    let array = format!("[{}]", vec!["{\"text\": \"a b c\"}"; 20].join(","));
    let cases: [(&str, Vec<u8>); 5] = [
        ("rows.jsonl", jsonl),
        ("chat.jsonl", chat.repeat(20).into()),
        ("rows.csv", csv.into()),
        ("rows.tsv", tsv.into()),
        ("rows.json", array.into()),
    ];
    for (stream, (name, bytes)) in cases.into_iter().enumerate() {
        let path = folder.path().join(name);
        let try_it = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let told = told(grimoire(["tune", "--dry-run"]).args([&model, Path::new(&path)]));
            told.works_or_refuses(name);
        };
        let mut draws = draws(400 + stream as u64);
        for cut in cuts(bytes.len(), 4, &mut draws) {
            try_it(&bytes[..cut]);
        }
        for _ in 0..25 {
            try_it(&flipped(&bytes, usize::MAX, &mut draws));
        }
    }
}

/// Also where the library that reads Parquet panics, which it does for some of these: what it says is not shown.
#[test]
fn damaged_parquet_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (model, path) = (tiny(), folder.path().join("rows.parquet"));
    let recorded: serde_json::Value = grimoire_testkit::golden::read("tune/parquet_rows.json.gz");
    let file = recorded["cases"][0]["file"].as_str().unwrap();
    // A byte is a Latin-1 character there.
    let bytes: Vec<u8> = file.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    // The description of the columns, which the library believes, ends eight bytes before the end.
    let (length, _) = bytes[bytes.len() - 8..].split_first_chunk::<4>().unwrap();
    let (head, tail) = bytes.split_at(bytes.len() - 8 - u32::from_le_bytes(*length) as usize);
    let mut draws = draws(500);
    let mut panics = 0;
    for _ in 0..200 {
        let damaged = [head, &flipped(tail, tail.len() - 8, &mut draws)].concat();
        std::fs::write(&path, damaged).unwrap();
        let told = told(grimoire(["tune", "--dry-run"]).args([&model, &path]));
        told.works_or_refuses("rows.parquet");
        panics += usize::from(told.stderr.contains("found a damaged one"));
    }
    assert!(panics > 0, "none of the files made the library panic: this test shows nothing");
}
