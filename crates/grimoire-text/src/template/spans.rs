//! Which bytes of a rendered conversation the assistant wrote, so that training can leave the
//! rest out of the loss.
//!
//! Two ways. A template with `{% generation %}` blocks says so itself. Any other is asked twice for
//! every answer: the conversation up to it with the generation prompt, and the conversation up to
//! and with it; what the second has and the first has not is the answer with the tokens that end
//! it. That holds only where each text begins with the one before it and the whole begins with
//! both, and this is checked: a template that writes an earlier answer differently once another
//! turn follows (dropping its reasoning, say) would teach one thing and be asked another.

use super::{ChatTemplate, Message, RenderRequest};
use crate::error::TextError;
use std::ops::Range;

/// Around a generation block: noncharacters, which Unicode keeps out of interchanged text.
pub(super) const OPEN: char = '\u{10fffe}';
/// The end of one.
pub(super) const CLOSE: char = '\u{10ffff}';

/// A rendered conversation and the parts of it that the assistant wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// The assistant's bytes, in order and apart.
    pub assistant: Vec<Range<usize>>,
    /// How they were found.
    pub source: SpanSource,
}

/// How the assistant's part was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanSource {
    /// The template marks it with `{% generation %}`.
    Marks,
    /// By rendering with and without each answer.
    Prefixes,
}

impl ChatTemplate {
    /// The text of a conversation and the assistant's part of it. The request's
    /// `add_generation_prompt` is not used: a conversation to learn from ends with an answer.
    ///
    /// # Errors
    /// Those of [`Self::render`]; and [`TextError::NoSpans`] when the template does not extend
    /// the text as the conversation grows, or leaves the answer out.
    pub fn render_with_spans(&self, request: &RenderRequest<'_>) -> Result<Rendered, TextError> {
        let whole = RenderRequest { add_generation_prompt: false, ..*request };
        if self.marks_generation {
            if request.messages.iter().any(holds_marks) {
                return Err(TextError::NoSpans {
                    message: request.messages.iter().position(holds_marks).unwrap_or(0),
                    reason: "it holds the noncharacters U+10FFFE or U+10FFFF".into(),
                });
            }
            let (text, assistant) = without_marks(&self.run(&whole)?);
            return Ok(Rendered { text, assistant, source: SpanSource::Marks });
        }
        let text = self.run(&whole)?;
        let mut assistant = Vec::new();
        for (index, message) in request.messages.iter().enumerate() {
            if message.role() == "assistant" {
                assistant.push(self.span(request, index, &text)?);
            }
        }
        Ok(Rendered { text, assistant, source: SpanSource::Prefixes })
    }

    /// As [`Self::render_with_spans`], but of the last answer alone, which must end the
    /// conversation; what the template does to earlier answers does not matter then. Marks of
    /// `{% generation %}` are heeded all the same: the last of them is the answer.
    ///
    /// # Errors
    /// As there.
    pub fn render_with_last_span(
        &self,
        request: &RenderRequest<'_>,
    ) -> Result<Rendered, TextError> {
        if self.marks_generation {
            let mut rendered = self.render_with_spans(request)?;
            let last = rendered.assistant.pop();
            rendered.assistant = last.into_iter().collect();
            return Ok(rendered);
        }
        let text = self.run(&RenderRequest { add_generation_prompt: false, ..*request })?;
        let index = request.messages.len().wrapping_sub(1);
        if request.messages.last().is_none_or(|message| message.role() != "assistant") {
            let reason = "the conversation does not end with an answer".into();
            return Err(TextError::NoSpans { message: index, reason });
        }
        let assistant = vec![self.span(request, index, &text)?];
        Ok(Rendered { text, assistant, source: SpanSource::Prefixes })
    }

    /// Where the answer `index` lies in `text`.
    fn span(
        &self,
        request: &RenderRequest<'_>,
        index: usize,
        text: &str,
    ) -> Result<Range<usize>, TextError> {
        let fail = |reason: &str| TextError::NoSpans { message: index, reason: reason.into() };
        let before = self.run(&RenderRequest {
            messages: &request.messages[..index],
            add_generation_prompt: true,
            ..*request
        })?;
        let last = index + 1 == request.messages.len();
        let upto = if last {
            text.to_string()
        } else {
            self.run(&RenderRequest {
                messages: &request.messages[..=index],
                add_generation_prompt: false,
                ..*request
            })?
        };
        if !upto.starts_with(&before) {
            return Err(fail(
                "the text with the answer does not begin with the text that asks for it; \
                 mark the answer with {% generation %} in the template",
            ));
        }
        let Some(end) = self.end_within(&upto, text) else {
            return Err(fail(
                "the template writes it differently once another turn follows; mark the answers \
                 with {% generation %} in the template, or train on the last answer alone",
            ));
        };
        if end <= before.len() {
            return Err(fail("the template leaves it out"));
        }
        Ok(before.len()..end)
    }
}

impl ChatTemplate {
    /// How much of `upto` the text goes on from: all of it, or all but a special token that the
    /// template writes only at the end of a conversation (Phi-3's EOS).
    fn end_within(&self, upto: &str, text: &str) -> Option<usize> {
        let shorter = self.tokens.iter().filter_map(|(_, token)| upto.strip_suffix(token.as_str()));
        std::iter::once(upto).chain(shorter).find(|part| text.starts_with(part)).map(str::len)
    }
}

fn holds_marks(message: &Message) -> bool {
    serde_json::to_string(&message.0).is_ok_and(|json| json.contains([OPEN, CLOSE]))
}

/// The text without the marks, and what lay between them.
pub(super) fn without_marks(marked: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::with_capacity(marked.len());
    let (mut spans, mut open) = (Vec::new(), None);
    for character in marked.chars() {
        match character {
            OPEN => open = Some(text.len()),
            CLOSE => {
                if let Some(start) = open.take().filter(|start| *start < text.len()) {
                    spans.push(start..text.len());
                }
            }
            _ => text.push(character),
        }
    }
    (text, spans)
}
