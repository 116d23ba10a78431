//! Data of every kind from the outside: files to rows to token ids, bad rows by file and line, and
//! real data sets. The vocabulary is the small one of `golden/text` with ChatML's marks added.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use grimoire_testkit::{golden, shared_data};
use grimoire_text::{ChatTemplate, GgufVocab, Tokenizer};
use grimoire_tune::data::{
    DataError, Encoder, Example, Fields, Row, Schema, Source, parse_records, read_as, read_records,
    rows, split,
};
use proptest::prelude::*;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

fn tokenizer(marks: &[&str]) -> Tokenizer {
    #[derive(serde::Deserialize)]
    struct Cuts {
        tokens: Vec<String>,
        merges: Vec<String>,
    }
    let Cuts { mut tokens, merges } = golden::read("text/cuts.json.gz");
    let mut token_types = vec![1; tokens.len()];
    token_types[0] = 3;
    tokens.extend(marks.iter().map(|mark| (*mark).to_string()));
    token_types.resize(tokens.len(), 3);
    let eos = if marks.is_empty() { 0 } else { tokens.len() as u32 - 1 };
    Tokenizer::from_gguf(GgufVocab {
        model: "gpt2".into(),
        pre: Some("gpt-2".into()),
        tokens,
        merges,
        token_types,
        eos: Some(eos),
        ..GgufVocab::default()
    })
    .unwrap()
}

fn chatml() -> (Tokenizer, ChatTemplate) {
    (tokenizer(&["<|im_start|>", "<|im_end|>"]), ChatTemplate::new(CHATML).unwrap())
}

fn parse(name: &str, bytes: &[u8]) -> Result<Vec<(Source, Row)>, DataError> {
    rows(name, &parse_records(name, bytes.to_vec())?, &Fields::default())
}

/// Encodes every row with ChatML, or as the encoder is changed.
fn run(text: &str, change: impl Fn(&mut Encoder<'_>)) -> Result<Vec<Example>, DataError> {
    let (tokenizer, template) = chatml();
    let mut encoder = Encoder {
        tokenizer: &tokenizer,
        template: Some(&template),
        max_tokens: 1024,
        whole: false,
        now: None,
    };
    change(&mut encoder);
    let mut out = Vec::new();
    for (source, row) in parse("d.jsonl", text.as_bytes())? {
        out.extend(encoder.encode_pieces(&source, &row)?);
    }
    Ok(out)
}

/// What is learnt of an example, its stretches parted by a bar.
fn learnt(example: &Example) -> String {
    let (tokenizer, _) = chatml();
    let (mut out, mut at) = (Vec::new(), 0);
    for part in example.sequence.scored.chunk_by(|a, b| a == b) {
        if part[0] {
            out.push(tokenizer.decode(&example.sequence.ids[at..at + part.len()], false));
        }
        at += part.len();
    }
    out.join("|")
}

#[test]
fn every_schema_is_found_by_looking() {
    let cases = [
        (
            r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#,
            Schema::Messages,
        ),
        (r#"{"prompt": "a", "completion": "b"}"#, Schema::Completion),
        (
            r#"{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]}"#,
            Schema::Messages,
        ),
        (r#"{"text": "a b", "source": "elsewhere"}"#, Schema::Text),
        (r#"{"prompt": "a", "chosen": "b", "rejected": "c"}"#, Schema::Preference),
        (r#"{"chosen": "b", "rejected": "c"}"#, Schema::Preference),
        (r#"{"prompt": "a", "completion": "b", "label": true}"#, Schema::Labelled),
        (r#"{"question": "a", "answer": "b"}"#, Schema::Completion),
        (r#"{"instruction": "a", "input": "", "output": "b"}"#, Schema::Completion),
        (r#"{"instruction": "a", "response": "b"}"#, Schema::Completion),
        (
            r#"{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}"#,
            Schema::Messages,
        ),
    ];
    for (line, schema) in cases {
        let found =
            parse("d.jsonl", line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!((found.len(), found[0].1.schema()), (1, schema), "{line}");
    }
    let alpaca = r#"{"instruction": "Add", "input": "1 2", "output": "3"}"#.as_bytes();
    let expected = Row::Completion { prompt: "Add\n\n1 2".into(), completion: "3".into() };
    assert_eq!(parse("d.jsonl", alpaca).unwrap()[0].1, expected);
    let records = parse_records("d.jsonl", alpaca.to_vec()).unwrap();
    let note = "`instruction` with `input` is read as the prompt, `output` as the completion";
    assert_eq!(read_as(&records, &Fields::default()).as_deref(), Some(note));
}

#[test]
fn the_same_rows_come_out_of_every_kind_of_file() {
    let rows = |name: &str, bytes: &[u8]| {
        let found = parse(name, bytes).unwrap();
        let lines: Vec<usize> = found.iter().map(|(source, _)| source.line).collect();
        (found.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), lines)
    };
    let jsonl = "{\"prompt\": \"a, \\\"b\\\"\", \"completion\": \"one\\ntwo\"}\n\n{\"prompt\": \"c\", \"completion\": \"d\"}\n";
    let (expected, lines) = rows("d.jsonl", jsonl.as_bytes());
    assert_eq!(lines, [1, 3]);
    let array = "[\n {\"prompt\": \"a, \\\"b\\\"\",\n  \"completion\": \"one\\ntwo\"},\n {\"prompt\": \"c\", \"completion\": \"d\"}\n]";
    assert_eq!(rows("d.json", array.as_bytes()), (expected.clone(), vec![2, 4]));
    assert_eq!(rows("d.json", jsonl.as_bytes()), (expected.clone(), vec![1, 3]));
    let csv = "prompt,completion\n\"a, \"\"b\"\"\",\"one\ntwo\"\nc,d\n";
    assert_eq!(rows("d.csv", csv.as_bytes()), (expected.clone(), vec![2, 4]));
    assert_eq!(rows("D.CSV", format!("\u{feff}{csv}").as_bytes()).0, expected);
    // Line breaks of another system count once.
    let crlf = "prompt,completion\r\n\"a, \"\"b\"\"\",\"one\ntwo\"\r\nc,d\r\n";
    assert_eq!(rows("d.csv", crlf.as_bytes()), (expected.clone(), vec![2, 4]));
    let tsv = "prompt\tcompletion\n\"a, \"\"b\"\"\"\t\"one\ntwo\"\nc\td\n";
    assert_eq!(rows("d.tsv", tsv.as_bytes()), (expected.clone(), vec![2, 4]));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    assert_eq!(rows("d.csv.gz", &gzip.finish().unwrap()).0, expected);
    let (text, lines) = rows("d.txt", b"one\ntwo\n\n \nthree\n");
    assert_eq!(text, [Row::Text("one\ntwo".into()), Row::Text("three".into())]);
    assert_eq!(lines, [1, 5]);
}

#[test]
fn each_bad_row_is_an_error_with_its_file_and_line() {
    let after =
        |row: &str| format!("{}{row}\n", "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(16));
    let cases: Vec<(&str, String, &str)> = vec![
        ("d.jsonl", after("{\"prompt\": \"a\", }"), "d.jsonl:17: expected a JSON object, found an error at column 17: trailing comma"),
        ("d.jsonl", after("[1]"), "d.jsonl:17: expected a JSON object, found an array"),
        ("d.jsonl", after("{\"prompt\": \"a\", \"completion\": \" \"}"), "d.jsonl:17: expected a text that is not empty in `completion`, found an empty text"),
        ("d.jsonl", after("{\"prompt\": 3, \"completion\": \"b\"}"), "d.jsonl:17: expected a text that is not empty in `prompt`, found a number"),
        ("d.jsonl", after("{\"mr\": \"a\", \"ref\": \"b\"}"), "d.jsonl:17: columns [\"mr\", \"ref\"] fit no schema"),
        ("d.jsonl", "{\"text\": \"a\", \"messages\": []}".into(), "can be read in several ways"),
        ("d.jsonl", "{\"question\": \"a\", \"answer\": \"b\", \"source\": \"c\", \"target\": \"d\"}".into(), "can be read in several ways"),
        ("d.jsonl", "{\"messages\": [{\"role\": \"robot\", \"content\": \"b\"}]}".into(), "d.jsonl:1: expected one of system, developer, user, assistant, tool, function in `messages[0].role`, found `robot`"),
        ("d.jsonl", "{\"messages\": [{\"content\": \"b\"}]}".into(), "expected a text in `messages[0].role`, found none"),
        ("d.jsonl", "{\"messages\": [{\"role\": \"assistant\", \"content\": \"\"}]}".into(), "expected a text that is not empty in `messages[0].content`, found an empty text"),
        ("d.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}".into(), "expected a message of the role `assistant` in `messages`, found none"),
        ("d.jsonl", "{\"messages\": []}".into(), "expected an array of messages in `messages`, found an empty array"),
        ("d.jsonl", "{\"messages\": \"hi\"}".into(), "expected an array of messages in `messages`, found a text"),
        ("d.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": 3}".into(), "expected true or false in `label`, found a number"),
        ("d.json", "[{\"prompt\": \"a\",\n\"completion\": \"b\"},\n{\"prompt\": \"a\",\n\"completion\": null}]".into(), "d.json:3: expected a text that is not empty in `completion`, found null"),
        ("d.json", "[{\"prompt\": \"a\"},\n{]".into(), "d.json:2: expected a JSON array of objects, found an error at column 2"),
        ("d.csv", "prompt,completion\na,b\nc\n".into(), "d.csv:3: expected 2 columns as in the header, found 1"),
        ("d.csv", "prompt,completion\na,5\" disk\nb,\"c\nd,e\n".into(), "d.csv:3: expected a quote that is closed, found the end of the file"),
        ("d.csv", "prompt,prompt\na,b\n".into(), "d.csv:1: expected columns of different names, found `prompt` twice"),
        ("d.csv", "prompt,completion\n".into(), "d.csv: no rows"),
        ("d.csv", "prompt,completion\n\"a\nb\",c\nd,\n".into(), "d.csv:4: expected a text that is not empty in `completion`"),
        ("d.jsonl", "\n \n".into(), "d.jsonl: no rows"),
        ("d.parquet", "PAR1".into(), "d.parquet:1: expected a Parquet file of plain, Snappy, gzip or Zstandard pages, found an error: "),
    ];
    for (name, text, expected) in cases {
        let error = parse(name, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
    let error = parse("d.jsonl", b"{\"text\": \"a\"}\n{\"text\": \"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "d.jsonl:2: expected UTF-8 text, found other bytes");
    let error = parse("d.gz", &[0x1f, 0x8b, 8, 0, 0]).unwrap_err();
    assert!(error.to_string().starts_with("d.gz: "), "{error}");
    let error = read_records(Path::new("/nowhere/d.jsonl")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/d.jsonl: "), "{error}");
}

const TWO_ANSWERS: &str = r#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "one"}, {"role": "user", "content": "more"}, {"role": "assistant", "content": "two"}]}"#;

#[test]
fn the_answer_and_the_token_that_ends_it_are_learnt() {
    let data = format!("{{\"prompt\": \"q\", \"completion\": \"an answer\"}}\n{TWO_ANSWERS}");
    let examples = run(&data, |_| {}).unwrap();
    assert_eq!(learnt(&examples[0]), "an answer<|im_end|>");
    assert_eq!(learnt(&examples[1]), "one<|im_end|>|two<|im_end|>");
    let (tokenizer, _) = chatml();
    let whole = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nan answer<|im_end|>\n";
    assert_eq!(tokenizer.decode(&examples[0].sequence.ids, false), whole);
    let asked = examples[1].question.as_ref().map(|ids| tokenizer.decode(ids, false)).unwrap();
    assert!(asked.ends_with("more<|im_end|>\n<|im_start|>assistant\n"), "{asked}");
    assert_eq!(examples[1].answer.as_deref(), Some("two"));
    let all = run(&data, |encoder| encoder.whole = true).unwrap();
    assert_eq!(learnt(&all[0]), whole);

    // Messages on both sides: answers inside the prompt are given, not learnt.
    let both = r#"{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "given"}, {"role": "user", "content": "b"}], "completion": [{"role": "assistant", "content": "wanted"}]}"#;
    assert_eq!(learnt(&run(both, |_| {}).unwrap()[0]), "wanted<|im_end|>");

    // A template that shortens earlier answers: the last one is learnt, and this is said.
    let source = "{% for m in messages %}[{{ m.role }}]{{ m.content if loop.last or m.role != 'assistant' else '-' }}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    let template = ChatTemplate::new(source).unwrap();
    let (tokenizer, _) = chatml();
    let encoder = Encoder {
        tokenizer: &tokenizer,
        template: Some(&template),
        max_tokens: 99,
        whole: false,
        now: None,
    };
    let (source, row) = parse("d.jsonl", TWO_ANSWERS.as_bytes()).unwrap().remove(0);
    let example = encoder.encode(&source, &row).unwrap();
    assert_eq!((learnt(&example).as_str(), example.last_only), ("two<|im_end|>", true));
}

#[test]
fn raw_pairs_and_running_text_are_ended_and_text_is_cut_into_pieces() {
    let pair = r#"{"prompt": "2+2 =", "completion": " four"}"#;
    let examples = run(pair, |encoder| encoder.template = None).unwrap();
    assert_eq!(learnt(&examples[0]), " four<|im_end|>");
    let words = "word ".repeat(20);
    let text = serde_json::json!({"text": words.trim_end()}).to_string();
    let whole = run(&text, |_| {}).unwrap();
    assert_eq!(learnt(&whole[0]), format!("{}<|im_end|>", words.trim_end()));
    let pieces = run(&text, |encoder| encoder.max_tokens = 8).unwrap();
    assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.sequence.ids.len() <= 8));
    let joined: Vec<u32> = pieces.iter().flat_map(|piece| piece.sequence.ids.clone()).collect();
    assert!(whole[0].sequence.ids.starts_with(&joined));
    assert!(whole[0].sequence.ids.len() - joined.len() <= 1);
}

#[test]
fn a_marked_row_has_the_tokens_that_begin_and_end_it_and_no_more_than_fits() {
    let marked = |row: &str, change: &dyn Fn(&mut Encoder<'_>)| {
        let (tokenizer, template) = chatml();
        let template = Some(&template);
        let now = None;
        let mut encoder =
            Encoder { tokenizer: &tokenizer, template, max_tokens: 1024, whole: false, now };
        change(&mut encoder);
        let (source, row) = parse("d.jsonl", row.as_bytes()).unwrap().remove(0);
        let example = encoder.encode(&source, &row).unwrap();
        let marked = encoder.marked(&source, &row).unwrap();
        // What is marked is what is learnt.
        let trained = marked.iter().filter(|(_, trained)| *trained);
        let trained: Vec<&str> = trained.map(|(text, _)| text.as_str()).collect();
        if example.lost == 0 {
            assert_eq!(trained.join("|"), learnt(&example));
        }
        marked
    };
    let parts = |parts: &[(&str, bool)]| {
        parts.iter().map(|(text, trained)| ((*text).to_owned(), *trained)).collect::<Vec<_>>()
    };
    let (text, pair) = (r#"{"text": "a b"}"#, r#"{"prompt": "2+2 =", "completion": " four"}"#);
    assert_eq!(marked(text, &|_| {}), parts(&[("a b<|im_end|>", true)]));
    let raw = |encoder: &mut Encoder<'_>| encoder.template = None;
    assert_eq!(marked(pair, &raw), parts(&[("2+2 =", false), (" four<|im_end|>", true)]));
    let whole = |encoder: &mut Encoder<'_>| (encoder.template, encoder.whole) = (None, true);
    assert_eq!(marked(pair, &whole), parts(&[("2+2 = four<|im_end|>", true)]));
    let asked = "<|im_start|>user\n2+2 =<|im_end|>\n<|im_start|>assistant\n";
    let templated = [(asked, false), (" four<|im_end|>", true), ("\n", false)];
    assert_eq!(marked(pair, &|_| {}), parts(&templated));
    // The token that ends a row is cut off with its end; running text goes on in further pieces.
    let cut = |encoder: &mut Encoder<'_>| (encoder.template, encoder.max_tokens) = (None, 2);
    assert_eq!(marked(pair, &cut), parts(&[("2+", false)]));
    assert_eq!(marked(text, &cut), parts(&[("a b<|im_end|>", true)]));
}

#[test]
fn what_cannot_be_learnt_is_counted_or_refused() {
    let long = serde_json::json!({"prompt": "q", "completion": "word ".repeat(50)}).to_string();
    let whole = run(&long, |_| {}).unwrap().remove(0);
    let cut = run(&long, |encoder| encoder.max_tokens = 32).unwrap().remove(0);
    assert_eq!((cut.sequence.ids.len(), cut.lost), (32, whole.sequence.ids.len() - 32));

    let error = run(TWO_ANSWERS, |encoder| encoder.template = None).unwrap_err().to_string();
    assert!(error.starts_with("d.jsonl:1: ") && error.contains("no chat template"), "{error}");
    for preference in [
        r#"{"prompt": "a", "chosen": "b", "rejected": "c"}"#,
        r#"{"prompt": "a", "completion": "b", "label": false}"#,
    ] {
        let error = run(preference, |_| {}).unwrap_err().to_string();
        assert!(error.ends_with("found a row of preferences"), "{error}");
    }
    let refusing = ChatTemplate::new("{{ raise_exception('no users here') }}").unwrap();
    let (tokenizer, _) = chatml();
    let encoder = Encoder {
        tokenizer: &tokenizer,
        template: Some(&refusing),
        max_tokens: 99,
        whole: false,
        now: None,
    };
    let (source, row) = parse("d.jsonl", TWO_ANSWERS.as_bytes()).unwrap().remove(0);
    let error = encoder.encode(&source, &row).unwrap_err().to_string();
    assert_eq!(error, "d.jsonl:1: chat template, line 1: refuses the conversation: no users here");
}

/// Counts by the data set's own README: 4,672 pairs, 547 meaning representations.
#[test]
fn e2e_reads_with_its_columns_named_and_splits_by_prompt() {
    let Some(folder) = shared_data("e2e data", "e2e-nlg") else { return };
    let records = read_records(&folder.join("devset.csv.gz")).unwrap();
    let error = rows("devset.csv.gz", &records, &Fields::default()).unwrap_err();
    assert_eq!(error.to_string(), "devset.csv.gz:2: columns [\"mr\", \"ref\"] fit no schema");
    let fields =
        Fields { prompt: Some("mr".into()), completion: Some("ref".into()), ..Fields::default() };
    let all: Vec<Row> =
        rows("devset.csv.gz", &records, &fields).unwrap().into_iter().map(|(_, row)| row).collect();
    let keys =
        |which: &[usize]| which.iter().map(|index| all[*index].key()).collect::<HashSet<_>>();
    assert_eq!((all.len(), keys(&(0..all.len()).collect::<Vec<_>>()).len()), (4_672, 547));
    let (trained, held) = split(&all, 0.1, 16, 200, 0);
    assert_eq!(trained.len() + held.len(), 4_672);
    assert!(!held.is_empty() && keys(&trained).is_disjoint(&keys(&held)));
}

#[test]
fn other_real_data_sets_read_as_they_are() {
    let cases = [
        ("gsm8k", "train.jsonl.gz", Schema::Completion),
        ("hh-rlhf", "harmless-base-test-first1156.jsonl.gz", Schema::Preference),
    ];
    for (folder, file, schema) in cases {
        let Some(folder) = shared_data("real data sets", folder) else { return };
        let records = read_records(&folder.join(file)).unwrap();
        let all = rows(file, &records, &Fields::default()).unwrap();
        assert!(all.len() > 1_000 && all.iter().all(|(_, row)| row.schema() == schema), "{file}");
    }
}

proptest! {
    /// Files cut short and written over at random end as rows or as an error, on every kind of file.
    #[test]
    fn broken_files_are_errors_at_worst(
        kind in 0usize..6, cut in 0usize..200, edits in prop::collection::vec((0usize..200, any::<u8>()), 0..6),
    ) {
        let name = ["d.jsonl", "d.json", "d.csv", "d.tsv", "d.txt", "d"][kind];
        let mut bytes = match kind {
            0 | 5 => format!("{TWO_ANSWERS}\n{{\"prompt\": \"a\", \"completion\": \"b\"}}\n").into_bytes(),
            1 => b"[{\"text\": \"a]\\\"\"},\n {\"question\": \"a\", \"answer\": [\"b\", {}]}, 3]".to_vec(),
            2 => b"prompt,completion\n\"a \"\"b\"\"\",\"c\nd\"\n,\ne,f\n".to_vec(),
            3 => b"prompt\tcompletion\n\"a\tb\"\tc\n".to_vec(),
            _ => b"one\ntwo\n\nthree\r\n".to_vec(),
        };
        for (at, byte) in edits {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(100)));
        let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
        if let Ok(found) = parse(name, &bytes) {
            for (source, row) in found {
                prop_assert!((1..=lines).contains(&source.line));
                let _ = row.key();
            }
        }
    }
}
