//! Rows to tokens, with the trained part marked. Conversations go through the model's own template, and what
//! the assistant wrote is trained on, with the tokens that end its turn; a prompt with its completion is a
//! conversation of two turns where the model has a template, and plain text followed by the end of sequence
//! where it has none. What the template writes after the token that ends an answer is not trained on.

use super::{DataError, Row, Source};
use crate::sequence::Sequence;
use grimoire_text::{
    ChatTemplate, EncodeOptions, Message, Moment, RenderRequest, SpanSource, TextError, Tokenizer,
};

/// A row as tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Tokens and mask.
    pub sequence: Sequence,
    /// Where it comes from.
    pub source: Source,
    /// The tokens that ask for the answer, where there are any.
    pub question: Option<Vec<u32>>,
    /// The prompt in words, where there is one.
    pub prompt: Option<String>,
    /// The answer in words, where there is one.
    pub answer: Option<String>,
    /// Tokens cut off at the end.
    pub lost: usize,
    /// Only the last answer is trained on, because the template writes earlier ones differently.
    pub last_only: bool,
}

/// A text in pieces, each trained on or not.
pub type Marked = Vec<(String, bool)>;

/// Turns rows into examples.
#[derive(Clone, Copy)]
pub struct Encoder<'a> {
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The model's template; none leaves prompts as they are.
    pub template: Option<&'a ChatTemplate>,
    /// Longest example; what is over is cut off.
    pub max_tokens: usize,
    /// Train on prompts too.
    pub whole: bool,
    /// The clock that templates see.
    pub now: Option<Moment>,
}

impl Encoder<'_> {
    /// The tokens of a row.
    ///
    /// # Errors
    /// A conversation without a template or one that the template refuses; a text without tokens for it; a row
    /// of preferences.
    pub fn encode(&self, source: &Source, row: &Row) -> Result<Example, DataError> {
        let text =
            |error| DataError::Text { path: source.path.clone(), line: source.line, source: error };
        let (stretches, asked) = self.stretches(source, row)?;
        let options = asked.options();
        let special = self.tokenizer.special();
        let mut sequence = Sequence { ids: Vec::new(), scored: Vec::new() };
        for stretch in &stretches {
            sequence.ids.extend_from_slice(&stretch.ids);
            sequence.scored.extend(stretch.ids.iter().map(|_| stretch.scored));
        }
        let question = asked.question.map(|question| {
            let mut ids = self.tokenizer.encode(&question, options)?;
            if let (false, true, Some(bos)) = (asked.templated, special.add_bos, special.bos) {
                ids.insert(0, bos);
            }
            Ok(ids)
        });
        let lost = sequence.ids.len().saturating_sub(self.max_tokens);
        sequence.ids.truncate(self.max_tokens);
        sequence.scored.truncate(self.max_tokens);
        Ok(Example {
            sequence,
            source: source.clone(),
            // A template may write nothing for it, and then nothing can be asked.
            question: question.transpose().map_err(text)?.filter(|ids| !ids.is_empty()),
            prompt: asked.prompt,
            answer: asked.answer,
            lost,
            last_only: asked.last_only,
        })
    }

    /// The row in examples of at most the maximum length: running text is cut into pieces, which go on from
    /// each other, and loses nothing; any other row loses its end.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn encode_pieces(&self, source: &Source, row: &Row) -> Result<Vec<Example>, DataError> {
        if !matches!(row, Row::Text(_)) {
            return Ok(vec![self.encode(source, row)?]);
        }
        let whole = Encoder { max_tokens: usize::MAX, ..*self }.encode(source, row)?;
        let length = self.max_tokens.max(2);
        let mut pieces = Vec::new();
        for (ids, scored) in
            whole.sequence.ids.chunks(length).zip(whole.sequence.scored.chunks(length))
        {
            // A last token alone has nothing before it that predicts it.
            if ids.len() > 1 || pieces.is_empty() {
                let sequence = Sequence { ids: ids.to_vec(), scored: scored.to_vec() };
                pieces.push(Example { sequence, ..whole.clone() });
            }
        }
        Ok(pieces)
    }

    /// The text of a row as the model sees it, with the trained part marked: with the tokens that begin and end it,
    /// and without what is cut off.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn marked(&self, source: &Source, row: &Row) -> Result<Marked, DataError> {
        // Running text goes on in further pieces.
        let mut left = if matches!(row, Row::Text(_)) { usize::MAX } else { self.max_tokens };
        let mut marked = Marked::new();
        for Stretch { text, ids, scored } in self.stretches(source, row)?.0 {
            let text = match ids.get(..left) {
                Some(ids_left) if ids_left.len() < ids.len() => {
                    self.tokenizer.decode(ids_left, false)
                }
                _ => text,
            };
            left = left.saturating_sub(ids.len());
            match marked.last_mut() {
                Some((before, same)) if *same == scored => before.push_str(&text),
                _ if text.is_empty() => {}
                _ => marked.push((text, scored)),
            }
        }
        Ok(marked)
    }

    /// The pieces of a row with their tokens, and the tokens that begin and end it where no template writes them.
    fn stretches(&self, source: &Source, row: &Row) -> Result<(Vec<Stretch>, Asked), DataError> {
        let text =
            |error| DataError::Text { path: source.path.clone(), line: source.line, source: error };
        let (pieces, asked) = self.pieces(source, row)?;
        let texts: Vec<&str> = pieces.iter().map(|(text, _)| text.as_str()).collect();
        let encoded = self.tokenizer.encode_segments(&texts, asked.options()).map_err(text)?;
        let mut stretches: Vec<Stretch> = pieces
            .into_iter()
            .zip(encoded)
            .map(|((text, scored), ids)| Stretch { text, ids, scored: scored || self.whole })
            .collect();
        if asked.templated {
            return Ok((stretches, asked));
        }
        let special = self.tokenizer.special();
        let token = |id, scored| {
            let text = self.tokenizer.token_text(id).unwrap_or_default().to_owned();
            Stretch { text, ids: vec![id], scored }
        };
        if let (true, Some(bos)) = (special.add_bos, special.bos) {
            stretches.insert(0, token(bos, false));
        }
        let last = stretches.iter().rev().find_map(|stretch| stretch.ids.last().copied());
        if let Some(eos) = special.eos.filter(|eos| last != Some(*eos)) {
            stretches.push(token(eos, true));
        }
        Ok((stretches, asked))
    }

    fn pieces(&self, source: &Source, row: &Row) -> Result<(Marked, Asked), DataError> {
        let text =
            |error| DataError::Text { path: source.path.clone(), line: source.line, source: error };
        match (row, self.template) {
            (Row::Text(text), _) => Ok((vec![(text.clone(), true)], Asked::default())),
            (Row::Messages { messages, tools, scored_from }, Some(template)) => {
                self.chat(template, messages, tools.as_ref(), *scored_from).map_err(text)
            }
            (Row::Messages { .. }, None) => Err(super::read::place(
                &source.path,
                source.line,
                "prompt and completion, or text, where no chat template is used",
                "messages",
            )),
            (Row::Completion { prompt, completion }, Some(template)) => {
                let messages =
                    [Message::new("user", prompt), Message::new("assistant", completion)];
                let (pieces, asked) = self.chat(template, &messages, None, 0).map_err(text)?;
                Ok((pieces, Asked { prompt: Some(prompt.clone()), ..asked }))
            }
            (Row::Completion { prompt, completion }, None) => {
                let pieces = vec![(prompt.clone(), false), (completion.clone(), true)];
                let asked = Asked {
                    templated: false,
                    last_only: false,
                    question: Some(prompt.clone()),
                    prompt: Some(prompt.clone()),
                    answer: Some(completion.clone()),
                };
                Ok((pieces, asked))
            }
            (Row::Preference { .. } | Row::Labelled { .. }, _) => Err(super::read::place(
                &source.path,
                source.line,
                "rows to imitate (messages, prompt and completion, or text)",
                "a row of preferences",
            )),
        }
    }

    /// Where an answer ends: behind the last token that ends generation, where the template writes one.
    fn end_of_answer(&self, answer: &str) -> usize {
        let ends = self.tokenizer.special().end_of_generation.iter();
        let texts = ends.filter_map(|id| self.tokenizer.token_text(*id));
        texts
            .filter_map(|text| Some(answer.rfind(text)? + text.len()))
            .max()
            .unwrap_or(answer.len())
    }

    fn chat(
        &self,
        template: &ChatTemplate,
        messages: &[Message],
        tools: Option<&serde_json::Value>,
        scored_from: usize,
    ) -> Result<(Marked, Asked), TextError> {
        let request = RenderRequest { messages, tools, now: self.now, ..RenderRequest::default() };
        let mut last_only = false;
        let mut rendered = match template.render_with_spans(&request) {
            // The last answer stands as it will at inference, whatever happens to those before it.
            Err(TextError::NoSpans { message, .. }) if message + 1 < messages.len() => {
                last_only = true;
                template.render_with_last_span(&request)
            }
            rendered => rendered,
        }?;
        let given = messages[..scored_from].iter().filter(|m| m.role() == "assistant").count();
        let found = rendered.assistant.len();
        if !last_only && given < found {
            rendered.assistant.drain(..given);
        }
        let mut pieces = Vec::new();
        let mut at = 0;
        for span in &rendered.assistant {
            pieces.push((rendered.text[at..span.start].to_owned(), false));
            at = span.start + self.end_of_answer(&rendered.text[span.clone()]);
            pieces.push((rendered.text[span.start..at].to_owned(), true));
        }
        pieces.push((rendered.text[at..].to_owned(), false));
        pieces.retain(|(text, _)| !text.is_empty());
        let answer = messages.iter().rposition(|m| m.role() == "assistant").unwrap_or(0);
        let before = &messages[..answer];
        let last = messages.get(answer);
        let question = match (rendered.source, rendered.assistant.last()) {
            _ if before.is_empty() => None,
            // That is how the answer was found: behind the text that asks for it.
            (SpanSource::Prefixes, Some(span)) => Some(rendered.text[..span.start].to_owned()),
            _ => {
                let asking =
                    RenderRequest { messages: before, add_generation_prompt: true, ..request };
                Some(template.render(&asking)?)
            }
        };
        Ok((
            pieces,
            Asked {
                templated: true,
                last_only,
                question,
                prompt: before.last().and_then(Message::content).map(str::to_owned),
                answer: last.and_then(Message::content).map(str::to_owned),
            },
        ))
    }
}

/// A part of a row, with its tokens.
struct Stretch {
    text: String,
    ids: Vec<u32>,
    scored: bool,
}

/// What a row asks and what it answers.
#[derive(Default)]
struct Asked {
    templated: bool,
    last_only: bool,
    question: Option<String>,
    prompt: Option<String>,
    answer: Option<String>,
}

impl Asked {
    fn options(&self) -> EncodeOptions {
        if self.templated { EncodeOptions::TEMPLATED } else { EncodeOptions::PLAIN }
    }
}
