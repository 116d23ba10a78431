//! Records to rows: the schema is found by looking at the columns of each record.

use super::DataError;
use super::read::{Record, kind, place};
use grimoire_text::Message;
use serde::Serialize;
use serde_json::{Map, Value};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// `messages`.
    Messages,
    /// `prompt` and `completion`.
    Completion,
    /// `text`.
    Text,
    /// `prompt`, `chosen` and `rejected`.
    Preference,
    /// `prompt`, `completion` and `label`.
    Labelled,
}

/// Names to use instead of the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Instead of `prompt`.
    pub prompt: Option<String>,
    /// Instead of `completion`.
    pub completion: Option<String>,
    /// Instead of `text`.
    pub text: Option<String>,
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The file.
    pub path: String,
    /// The line, from one.
    pub line: usize,
}

/// A row, checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A conversation that ends with the assistant.
    Messages(Vec<Message>),
    /// A prompt and its answer.
    Completion {
        /// The prompt.
        prompt: String,
        /// The answer.
        completion: String,
    },
    /// A text as it is.
    Text(String),
    /// A prompt with a better and a worse answer.
    Preference {
        /// The prompt.
        prompt: String,
        /// The better answer.
        chosen: String,
        /// The worse answer.
        rejected: String,
    },
    /// A prompt and an answer that was liked or not.
    Labelled {
        /// The prompt.
        prompt: String,
        /// The answer.
        completion: String,
        /// Whether it was liked.
        liked: bool,
    },
}

impl Row {
    /// Which schema it is of.
    pub fn schema(&self) -> Schema {
        match self {
            Self::Messages(_) => Schema::Messages,
            Self::Completion { .. } => Schema::Completion,
            Self::Text(_) => Schema::Text,
            Self::Preference { .. } => Schema::Preference,
            Self::Labelled { .. } => Schema::Labelled,
        }
    }

    /// What must not be on both sides of a split: the prompt, the conversation before its last answer, or the
    /// text.
    pub fn key(&self) -> String {
        match self {
            Self::Messages(messages) => {
                let turns = messages.iter().take(messages.len().saturating_sub(1));
                turns
                    .map(|m| format!("{}\u{1f}{}\u{1e}", m.role(), m.content().unwrap_or("")))
                    .collect()
            }
            Self::Completion { prompt, .. }
            | Self::Preference { prompt, .. }
            | Self::Labelled { prompt, .. } => prompt.clone(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Turns the records of a file into rows.
///
/// # Errors
/// Columns that fit no schema; a field that is empty or of another kind than its schema says.
pub fn rows(
    path: &str,
    records: &[Record],
    fields: &Fields,
) -> Result<Vec<(Source, Row)>, DataError> {
    records
        .iter()
        .map(|record| {
            let row = row(path, record, fields)?;
            Ok((Source { path: path.to_owned(), line: record.line }, row))
        })
        .collect()
}

fn row(path: &str, record: &Record, names: &Fields) -> Result<Row, DataError> {
    let prompt = names.prompt.as_deref().unwrap_or("prompt");
    let completion = names.completion.as_deref().unwrap_or("completion");
    let text = names.text.as_deref().unwrap_or("text");
    let fields = Named { path, record };
    let has = |name: &str| record.fields.get(name).is_some_and(|value| !value.is_null());
    if has(prompt) && has("chosen") && has("rejected") {
        return Ok(Row::Preference {
            prompt: fields.prompt(prompt)?,
            chosen: fields.answer("chosen")?,
            rejected: fields.answer("rejected")?,
        });
    }
    if has(prompt) && has(completion) {
        if matches!(record.fields.get(prompt), Some(Value::Array(_))) {
            return fields.conversation(prompt, completion);
        }
        let (prompt, completion) = (fields.text(prompt)?, fields.filled(completion)?);
        return match record.fields.get("label") {
            Some(Value::Bool(liked)) => Ok(Row::Labelled { prompt, completion, liked: *liked }),
            _ => Ok(Row::Completion { prompt, completion }),
        };
    }
    if has("messages") {
        return fields.messages("messages").map(Row::Messages);
    }
    if has(text) {
        return fields.filled(text).map(Row::Text);
    }
    // A column that is there but null is a fault of the row, not of the file.
    for name in [prompt, completion, "messages", text] {
        if record.fields.contains_key(name) && !has(name) {
            return Err(place(path, record.line, &format!("a value in {name:?}"), "null"));
        }
    }
    Err(DataError::Schema {
        path: format!("{path}:{}", record.line),
        found: record.fields.keys().cloned().collect(),
    })
}

struct Named<'a> {
    path: &'a str,
    record: &'a Record,
}

impl Named<'_> {
    fn wrong(&self, expected: String, found: &str) -> DataError {
        place(self.path, self.record.line, &expected, found)
    }

    fn value(&self, name: &str) -> &Value {
        self.record.fields.get(name).unwrap_or(&Value::Null)
    }

    fn text(&self, name: &str) -> Result<String, DataError> {
        match self.value(name) {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(format!("a string in {name:?}"), kind(other))),
        }
    }

    fn filled(&self, name: &str) -> Result<String, DataError> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            return Err(self.wrong(format!("some text in {name:?}"), "an empty string"));
        }
        Ok(text)
    }

    /// A prompt of a preference: a string, or messages of which the last is the user's.
    fn prompt(&self, name: &str) -> Result<String, DataError> {
        match self.value(name) {
            Value::Array(_) => Ok(self
                .messages_of(name)?
                .last()
                .and_then(Message::content)
                .unwrap_or("")
                .to_owned()),
            _ => self.text(name),
        }
    }

    /// An answer of a preference: a string, or messages of which the last is the assistant's.
    fn answer(&self, name: &str) -> Result<String, DataError> {
        match self.value(name) {
            Value::Array(_) => Ok(self
                .messages_of(name)?
                .last()
                .and_then(Message::content)
                .unwrap_or("")
                .to_owned()),
            _ => self.filled(name),
        }
    }

    fn conversation(&self, prompt: &str, completion: &str) -> Result<Row, DataError> {
        let mut messages = self.messages_of(prompt)?;
        match self.value(completion) {
            Value::Array(_) => messages.extend(self.messages_of(completion)?),
            _ => messages.push(Message::new("assistant", &self.filled(completion)?)),
        }
        self.ends_with_assistant(&messages, completion)?;
        Ok(Row::Messages(messages))
    }

    fn messages(&self, name: &str) -> Result<Vec<Message>, DataError> {
        let messages = self.messages_of(name)?;
        self.ends_with_assistant(&messages, name)?;
        Ok(messages)
    }

    fn messages_of(&self, name: &str) -> Result<Vec<Message>, DataError> {
        let Value::Array(items) = self.value(name) else {
            let found = kind(self.value(name));
            return Err(self.wrong(format!("an array of messages in {name:?}"), found));
        };
        items.iter().map(|item| self.message(name, item)).collect()
    }

    fn message(&self, name: &str, item: &Value) -> Result<Message, DataError> {
        let Value::Object(fields) = item else {
            return Err(self.wrong(format!("messages in {name:?}"), kind(item)));
        };
        let fields: &Map<String, Value> = fields;
        match fields.get("role") {
            Some(Value::String(role))
                if matches!(
                    role.as_str(),
                    "system" | "developer" | "user" | "assistant" | "tool"
                ) => {}
            other => {
                let found = other.map_or_else(|| "none".to_owned(), Value::to_string);
                let expected = "a role: system, developer, user, assistant or tool";
                return Err(self.wrong(expected.to_owned(), &found));
            }
        }
        let content = fields.get("content");
        if !content.is_some_and(Value::is_string) && !fields.contains_key("tool_calls") {
            let found = content.map_or("nothing", kind);
            return Err(self.wrong("a string in \"content\" of a message".to_owned(), found));
        }
        Ok(Message(fields.clone()))
    }

    fn ends_with_assistant(&self, messages: &[Message], name: &str) -> Result<(), DataError> {
        let Some(last) = messages.last() else {
            return Err(self.wrong(format!("messages in {name:?}"), "an empty array"));
        };
        if last.role() != "assistant" {
            let expected = format!("the assistant's message last in {name:?}");
            return Err(self.wrong(expected, &format!("one of {:?}", last.role())));
        }
        if last.content().is_some_and(|content| content.trim().is_empty()) {
            return Err(
                self.wrong("some text in the assistant's message".to_owned(), "an empty string")
            );
        }
        Ok(())
    }
}
