//! Chat templates against transformers' own Jinja (`golden/text/templates.py`), and against
//! templates that mean harm.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod gguf_vocab;

use grimoire_testkit::{golden, models_dir};
use grimoire_text::{
    ChatTemplate, Message, Moment, RenderRequest, SpanSource, TextError, Tokenizer,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    now: i64,
    templates: BTreeMap<String, String>,
    conversations: BTreeMap<String, Vec<Message>>,
    tools: serde_json::Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    conversation: String,
    prompt: bool,
    tools: bool,
    extra: serde_json::Map<String, serde_json::Value>,
    text: Option<String>,
    spans: Option<Vec<(usize, usize)>>,
    raised: Option<String>,
}

fn compile(source: &str) -> ChatTemplate {
    ChatTemplate::new(source)
        .unwrap()
        .with_token("bos_token", "<s>")
        .with_token("eos_token", "</s>")
}

#[test]
fn templates_render_as_in_python() {
    let golden: Golden = golden::read("text/templates.json.gz");
    assert!(golden.cases.len() > 250);
    let templates: BTreeMap<&str, ChatTemplate> =
        golden.templates.iter().map(|(name, source)| (name.as_str(), compile(source))).collect();
    let mut wrong = Vec::new();
    for case in &golden.cases {
        let request = RenderRequest {
            messages: &golden.conversations[&case.conversation],
            add_generation_prompt: case.prompt,
            tools: case.tools.then_some(&golden.tools),
            variables: Some(&case.extra),
            now: Some(Moment::from_unix_seconds(golden.now)),
        };
        let template = &templates[case.template.as_str()];
        let result = template.render(&request);
        let title = format!("{} / {} / {}", case.template, case.conversation, case.prompt);
        match (&result, &case.text, &case.raised) {
            (Ok(text), Some(expected), _) if text == expected => {}
            (Err(TextError::TemplateRaised { message, .. }), None, Some(raised))
                if message == raised => {}
            (Err(TextError::Template { .. }), None, None) => {}
            _ => wrong.push(format!(
                "{title}\n  here   {result:?}\n  python {:?} {:?}",
                case.text, case.raised
            )),
        }
        if let (Some(spans), Some(text)) = (&case.spans, &case.text) {
            if case.prompt {
                continue;
            }
            let rendered = template.render_with_spans(&request).unwrap();
            let characters: Vec<char> = text.chars().collect();
            let expected: Vec<String> = spans
                .iter()
                .map(|(start, end)| characters[*start..*end].iter().collect())
                .collect();
            let found: Vec<&str> =
                rendered.assistant.iter().map(|span| &rendered.text[span.clone()]).collect();
            assert_eq!(
                (found, rendered.source),
                (expected.iter().map(String::as_str).collect(), SpanSource::Marks),
                "{title}"
            );
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), golden.cases.len(), wrong.join("\n"));
}

/// `golden/text/filters.py`.
#[derive(Deserialize)]
struct Filters {
    values: serde_json::Map<String, serde_json::Value>,
    cases: Vec<Filtered>,
}

#[derive(Deserialize)]
struct Filtered {
    source: String,
    text: Option<String>,
}

#[test]
fn filters_make_what_those_of_jinja2_make() {
    let golden: Filters = golden::read("text/filters.json.gz");
    assert!(golden.cases.len() > 600);
    let request = RenderRequest { variables: Some(&golden.values), ..RenderRequest::default() };
    let wrong: Vec<String> = golden
        .cases
        .iter()
        .filter_map(|case| {
            let text = ChatTemplate::new(&case.source).unwrap().render(&request);
            let agrees = match (&text, &case.text) {
                (Ok(text), Some(expected)) => text == expected,
                (Err(TextError::Template { .. }), None) => true,
                _ => false,
            };
            (!agrees)
                .then(|| format!("{}\n  here   {text:?}\n  python {:?}", case.source, case.text))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), golden.cases.len(), wrong.join("\n"));
}

#[test]
fn the_assistants_part_is_what_the_answer_adds() {
    let golden: Golden = golden::read("text/templates.json.gz");
    let spans = |name: &str, conversation: &str| {
        let template = compile(&golden.templates[name]);
        let messages = &golden.conversations[conversation];
        template.render_with_spans(&RenderRequest { messages, ..RenderRequest::default() }).map(
            |rendered| {
                assert_eq!(rendered.source, SpanSource::Prefixes);
                let part = |span: &std::ops::Range<usize>| rendered.text[span.clone()].to_string();
                rendered.assistant.iter().map(part).collect::<Vec<_>>()
            },
        )
    };
    // What a template writes for an answer, read off the templates by hand.
    assert_eq!(spans("chatml", "system").unwrap(), ["Pear<|im_end|>\n"]);
    let long = |end: &str| (0..3).map(|n| format!("assistant {n} 😀{end}")).collect::<Vec<_>>();
    assert_eq!(spans("chatml", "long").unwrap(), long("<|im_end|>\n"));
    assert_eq!(spans("llama3", "long").unwrap(), long("<|eot_id|>"));
    assert_eq!(
        spans("llama2", "long").unwrap(),
        (0..3).map(|n| format!(" assistant {n} 😀 </s>")).collect::<Vec<_>>()
    );
    // Phi-3 writes its EOS at the end of the whole conversation only.
    assert_eq!(
        spans("phi3", "long").unwrap(),
        ["assistant 0 😀<|end|>\n\n", "assistant 1 😀<|end|>\n\n", "assistant 2 😀<|end|>\n\n</s>"]
    );
    // A template that drops the reasoning of earlier answers cannot be learnt from as a whole.
    let error = spans("thinking", "think").unwrap_err();
    assert!(matches!(&error, TextError::NoSpans { message: 1, .. }), "{error}");
    assert!(error.to_string().contains("generation"), "{error}");
    // Its last answer can.
    let messages = &golden.conversations["think"];
    let template = compile(&golden.templates["thinking"]);
    let request = RenderRequest { messages, ..RenderRequest::default() };
    let rendered = template.render_with_last_span(&request).unwrap();
    let part = &rendered.text[rendered.assistant[0].clone()];
    assert_eq!(part, "<think>\nwell\n</think>\n\nB<|im_end|>\n");
    let request = RenderRequest { messages: &messages[..3], ..RenderRequest::default() };
    assert!(template.render_with_last_span(&request).is_err());
    // A generation prompt that the answer does not begin with.
    let template = compile(
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}<ask>{% endif %}",
    );
    let messages = [Message::new("user", "q"), Message::new("assistant", "a")];
    let error = template
        .render_with_spans(&RenderRequest { messages: &messages, ..RenderRequest::default() })
        .unwrap_err();
    assert!(error.to_string().contains("does not begin with"), "{error}");
}

#[test]
fn smollm2s_own_template_renders() {
    let Some(path) = models_dir("smollm2 template", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let (vocab, source) = gguf_vocab::read(&path);
    let tokenizer = Tokenizer::from_gguf(vocab).unwrap();
    let template = ChatTemplate::for_tokenizer(&source.unwrap(), &tokenizer).unwrap();
    let messages = [Message::new("user", "Hi"), Message::new("assistant", "Hello!")];
    let rendered = template
        .render_with_spans(&RenderRequest { messages: &messages, ..RenderRequest::default() })
        .unwrap();
    // The text that the file's template spells out.
    assert_eq!(
        rendered.text,
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"
    );
    assert_eq!(&rendered.text[rendered.assistant[0].clone()], "Hello!<|im_end|>\n");
}

#[test]
fn harmful_templates_are_errors_in_bounded_time_and_memory() {
    let started = std::time::Instant::now();
    let harmful = [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s='xx') %}{% for i in range(60) %}{% set t %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = t %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s.replace('x', 'xxxxxxxx') %}{% endfor %}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s|join }}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
        "{% set ns = namespace(s=['x']) %}{% for i in range(50) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{{ 'x' * 100000000 * 1000 }}",
        "{{ ('x' * 90000000) ~ ('x' * 90000000) }}",
        "{{ ('x' * 1000000)|list|tojson(indent=80) }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ 'x'.ljust(9999999999) }}",
        "{{ '{:2000000000}'.format(1) }}",
        "{{ '{:.2000000000f}'.format(1) }}",
        "{{ '{:99999999999999}'.format(1) }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ range(1000000000)|list }}",
        "{% for x in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
        "{% for i in range(99999) %}{{ 'y' * 1000 }}{% endfor %}",
        "{% include 'chat_template' %}",
        "{% extends 'chat_template' %}",
        "{{ messages.__class__.__mro__[1] }}{% for %}",
    ];
    for source in harmful {
        let result = ChatTemplate::new(source)
            .and_then(|template| template.render(&RenderRequest::default()));
        assert!(result.is_err(), "{source}: {:?}", result.map(|text| text.len()));
    }
    // Bounded, not fast: all two dozen together.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    // The process never held much more than the budget of bytes.
    if let Some(peak) = peak_memory() {
        assert!(peak < 1 << 30, "{peak}");
    }
}

/// `VmHWM` of this process in bytes, where the system tells.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
}

#[test]
fn values_nested_by_a_template_do_not_overflow_the_stack() {
    let sources = [
        "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}done",
        "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}{% set ns.s = {'a': ns.s} %}{% endfor %}{{ ns.s == ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(90000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ 'a' ~ ns.s }}",
    ];
    for source in sources {
        // Either way is well; ending the process is not.
        let _ = ChatTemplate::new(source).unwrap().render(&RenderRequest::default());
    }
    let deep = "[".repeat(20_000);
    assert!(ChatTemplate::new(&format!("{{{{ {deep}")).is_err());
    let deep = "{% if true %}".repeat(20_000);
    assert!(ChatTemplate::new(&deep).is_err());
}

#[test]
fn long_chains_do_not_overflow_the_stack() {
    let chains = [
        ("{{ a", ".a", " }}"),
        ("{{ a", "['a']", " }}"),
        ("{{ a", "()", " }}"),
        ("{{ 1", "+1", " }}"),
        ("{{ 1", "**1", " }}"),
        ("{{ 1", "|int", " }}"),
        ("{{ 1", " is a", " }}"),
        ("{{ ", "1 if 1 else ", "1 }}"),
        ("{{ 1", "+1", " '"),
        ("{% raw %}{%\nendraw %}{{ 1", "+1", " }}"),
        ("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
    ];
    for (before, link, after) in chains {
        for count in [2_000, 900_000 / link.len()] {
            let source = format!("{before}{}{after}", link.repeat(count));
            assert!(ChatTemplate::new(&source).is_err(), "{before}{link} {count} times");
        }
        // As long as is allowed: either way is well, ending the process is not.
        let _ = ChatTemplate::new(&format!("{before}{}{after}", link.repeat(490)));
    }
    let sum = format!("{{{{ 0{} }}}}", "+1".repeat(500));
    let text = ChatTemplate::new(&sum).unwrap().render(&RenderRequest::default()).unwrap();
    assert_eq!(text, "500");
}

#[test]
fn errors_name_the_line() {
    let error = ChatTemplate::new("line one\n{% if %}").unwrap_err();
    assert!(matches!(error, TextError::Template { line: Some(2), .. }), "{error}");
    let template = ChatTemplate::new("a\nb\n{{ raise_exception('no ' + 'way') }}").unwrap();
    let error = template.render(&RenderRequest::default()).unwrap_err();
    assert_eq!(error, TextError::TemplateRaised { line: Some(3), message: "no way".into() });
    assert_eq!(error.to_string(), "chat template, line 3: refuses the conversation: no way");
    // Without a clock the function is not there to be called, and templates can ask.
    let template = ChatTemplate::new("{{ strftime_now is defined }}").unwrap();
    assert_eq!(template.render(&RenderRequest::default()).unwrap(), "False");
}
