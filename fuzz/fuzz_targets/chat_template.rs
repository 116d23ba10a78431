//! Any text as a chat template, run over a conversation with tools: it ends, and what it says is the
//! assistant's lies inside the text, in order.
#![no_main]

use grimoire_text::{ChatTemplate, Message, Moment, RenderRequest};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let Ok(template) = ChatTemplate::new(source) else { return };
    let messages = [
        Message::new("system", "s"),
        Message::new("user", "a {{ b }}"),
        Message::new("assistant", "c"),
        Message::new("user", "d"),
        Message::new("assistant", "e"),
    ];
    let tools = serde_json::json!([{"type": "function", "function": {"name": "f"}}]);
    let request = RenderRequest {
        messages: &messages,
        tools: Some(&tools),
        now: Some(Moment::from_unix_seconds(0)),
        ..RenderRequest::default()
    };
    let _ = template.render(&request);
    if let Ok(rendered) = template.render_with_spans(&request) {
        let mut at = 0;
        for span in rendered.assistant {
            assert!(at <= span.start && rendered.text.get(span.clone()).is_some());
            at = span.end;
        }
    }
});
