//! Chat templates that never end, write without end, recurse, or are no templates.

use crate::bench::{grimoire, rows, told};
use crate::models::rewritten;

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
