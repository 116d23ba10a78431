//! Chat templates that never end, write without end, recurse, or are no templates.

use crate::bench::{grimoire, rows, tiny, told};
use crate::models::rewritten;
use std::io::Write;
use std::process::Stdio;

#[test]
fn endless_and_broken_templates() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let cases = [
        ("loop", "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}"),
        ("text", "{% for i in range(100000) %}{{ 'word ' * 100000 }}{% endfor %}"),
        (
            "double",
            "{% set ns = namespace(s='word') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        ),
        ("recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        ("raises", "{{ raise_exception('no such role') }}"),
        ("syntax", "line one\n{% for message in messages %}"),
    ];
    for (name, template) in cases {
        let file = folder.path().join(format!("{name}.gguf"));
        rewritten(&file, |_| true, &[("tokenizer.chat_template", template)]);
        let (model, data) = (file.to_str().unwrap(), data.to_str().unwrap());
        let file_name = format!("{name}.gguf");
        for arguments in [
            vec!["generate", model, "--chat", "--prompt", "a"],
            vec!["chat", model],
            vec!["tune", model, data, "--dry-run"],
        ] {
            told(&mut grimoire(&arguments)).refuses(&[&file_name, "template"]);
        }
    }
}

#[test]
fn a_template_that_writes_nothing_for_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let file = folder.path().join("silent.gguf");
    let template = "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}";
    rewritten(&file, |_| true, &[("tokenizer.chat_template", template)]);
    let ask = ["generate", "--chat", "--prompt", "a"];
    told(grimoire(ask).arg(&file)).refuses(&["a prompt without a token"]);
    let out = folder.path().join("run");
    told(grimoire(["tune", "--steps", "2"]).args([&file, &data]).arg("--out").arg(&out)).works();
}

#[test]
fn a_template_that_asks_for_the_date_sees_one_date() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let file = folder.path().join("date.gguf");
    let template =
        "{{ strftime_now('%Y-%m-%d') }}{% for m in messages %}{{ m.content }}{% endfor %}";
    rewritten(&file, |_| true, &[("tokenizer.chat_template", template)]);
    let told = told(grimoire(["tune", "--dry-run"]).args([&file, &data]));
    told.works();
    assert!(told.stdout.contains("| 2025-01-01"), "{}", told.stdout);
}

#[test]
fn marks_that_the_model_does_not_know_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let file = folder.path().join("marks.gguf");
    let template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|im_end|>{% endfor %}";
    rewritten(&file, |_| true, &[("tokenizer.chat_template", template)]);
    let told = told(grimoire(["tune", "--dry-run"]).args([&file, &data]));
    told.works();
    let warning = "warning: the model does not know the marks of its chat template";
    assert!(told.stdout.contains(warning), "{}", told.stdout);
    assert!(told.stdout.contains("(<|user|> <|assistant|>)"), "{}", told.stdout);
}

#[test]
fn what_needs_no_template_goes_on_without_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let file = folder.path().join("broken.gguf");
    rewritten(&file, |_| true, &[("tokenizer.chat_template", "{% import 'a' as b %}")]);
    let file = file.to_str().unwrap();
    told(&mut grimoire(["generate", file, "--prompt", "ab", "-n", "2"])).works();
    told(grimoire(["tune", file, "--dry-run", "--no-template"]).arg(&data)).works();
    told(&mut grimoire(["generate", file, "--prompt", "ab", "--chat"])).refuses(&["broken.gguf"]);
    told(grimoire(["tune", file, "--dry-run"]).arg(&data)).refuses(&["broken.gguf"]);
}

/// A folder with the tokenizer of the built-in model, and what is wrong with the chat template in it.
#[test]
fn the_file_of_a_folder_that_holds_the_template_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    told(grimoire(["model", "merge", "builtin", "--out"]).arg(&model)).works();
    let name = model.to_str().unwrap();
    let broken = |file: &str, text: &str, words: &[&str]| {
        std::fs::write(model.join(file), text).unwrap();
        told(&mut grimoire(["generate", name, "--prompt", "ab", "-n", "2"])).works();
        told(&mut grimoire(["generate", name, "--prompt", "ab", "--chat"])).refuses(words);
    };
    let expected = "tokenizer_config.json: chat_template: expected a string, or a list of objects";
    for found in ["5", "{\"default\": \"a\"}", "[5]", "[{\"name\": \"default\"}]"] {
        let text = format!("{{\"chat_template\": {found}}}");
        broken("tokenizer_config.json", &text, &[expected]);
        let info = told(&mut grimoire(["model", "info", name]));
        info.works();
        let line = info.stdout.lines().find(|line| line.starts_with("chat template")).unwrap();
        assert!(line.contains(expected), "{line}");
        let report = told(&mut grimoire(["model", "info", name, "--json"]));
        let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
        assert!(report["chat_template"].is_null(), "{report}");
        assert!(report["chat_template_error"].as_str().unwrap().contains(expected), "{report}");
    }
    for template in ["{% for", "{{ raise_exception('no') }}"] {
        let text = serde_json::json!({ "chat_template": template }).to_string();
        broken("tokenizer_config.json", &text, &["model/tokenizer_config.json: "]);
    }
    for template in ["{% for", "{{ raise_exception('no') }}"] {
        broken("chat_template.jinja", template, &["model/chat_template.jinja: "]);
    }
}

#[test]
fn a_conversation_is_a_turn_a_line_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.gguf");
    let template = "{% for m in messages %}{{ m.content }}{% endfor %}";
    rewritten(&file, |_| true, &[("tokenizer.chat_template", template)]);
    let say = |said: &[u8]| {
        let mut chat = grimoire(["chat", file.to_str().unwrap(), "--json", "-n", "3"]);
        chat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = chat.spawn().unwrap();
        // What ends early does not read all that is said.
        let _ = child.stdin.take().unwrap().write_all(said);
        child.wait_with_output().unwrap()
    };
    let output = say(b"a b\nc d\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let turns: Vec<serde_json::Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(turns.len(), 2);
    for turn in &turns {
        assert!(turn["role"] == "assistant" && turn["content"].is_string(), "{turn}");
    }
    for (said, expected) in [
        (&b"a\n\xff\n"[..], "error: standard input:2: not UTF-8"),
        (&b"a b c ".repeat(2000)[..], "error: the conversation: the prompt has "),
    ] {
        let output = say(said);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(expected), "{error}");
    }
}

#[test]
fn prompts_come_from_files_with_marks_and_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("mark.jsonl"), b"\xef\xbb\xbf{\"prompt\": \"ab\"}\n").unwrap();
    std::fs::write(at("empty.jsonl"), b"\n").unwrap();
    let tiny = tiny();
    let ask =
        |file: &str| grimoire(["generate", tiny.to_str().unwrap(), "-n", "2", "--prompts", file]);
    let marked = told(&mut ask(at("mark.jsonl").to_str().unwrap()));
    marked.works();
    told(&mut ask(at("empty.jsonl").to_str().unwrap()))
        .refuses(&["empty.jsonl: there are no prompts"]);
    let mut piped = ask("-");
    piped.stdin(std::fs::File::open(at("mark.jsonl")).unwrap());
    let output = piped.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), marked.stdout);
}
