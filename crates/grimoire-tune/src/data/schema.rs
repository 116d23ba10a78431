//! What the columns of a record mean: TRL's names, found by looking; a few common other names where
//! only one reading is possible; or the names that the user gives. A record that fits no schema, or
//! two, is an error that lists what was found.

use super::DataError;
use super::read::{Record, kind, place};
use grimoire_text::Message;
use serde::Serialize;
use serde_json::{Map, Value};

/// Who may speak in a conversation.
const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

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

/// What a row is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// A conversation.
    Messages,
    /// A prompt and its completion.
    Completion,
    /// Running text.
    Text,
    /// Two answers, one better.
    Preference,
    /// One answer, good or bad.
    Labelled,
}

/// A text, or messages: TRL allows either for prompts and completions.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Plain.
    Text(String),
    /// A part of a conversation.
    Messages(Vec<Message>),
}

/// A row as understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A conversation; the answers from the message `scored_from` on are learnt.
    Messages {
        /// The conversation.
        messages: Vec<Message>,
        /// Tools on offer, for the template.
        tools: Option<Value>,
        /// The index of the first message that may be learnt from.
        scored_from: usize,
    },
    /// A prompt and its completion, both texts.
    Completion {
        /// What is asked.
        prompt: String,
        /// What is to be answered.
        completion: String,
    },
    /// Running text.
    Text(String),
    /// Two answers.
    Preference {
        /// What is asked; when absent, it is inside the answers.
        prompt: Option<Turn>,
        /// The better.
        chosen: Turn,
        /// The worse.
        rejected: Turn,
    },
    /// One answer and whether it is good.
    Labelled {
        /// What is asked.
        prompt: Turn,
        /// What was answered.
        completion: Turn,
        /// Good or bad.
        liked: bool,
    },
}

impl Row {
    /// Which schema it is of; a prompt and a completion made of messages are a conversation.
    pub fn schema(&self) -> Schema {
        match self {
            Self::Messages { .. } => Schema::Messages,
            Self::Completion { .. } => Schema::Completion,
            Self::Text(_) => Schema::Text,
            Self::Preference { .. } => Schema::Preference,
            Self::Labelled { .. } => Schema::Labelled,
        }
    }

    /// What must not be on both sides of a split: the prompt, the conversation before the first answer that is
    /// learnt, or the text.
    pub fn key(&self) -> String {
        match self {
            Self::Messages { messages, scored_from, .. } => {
                let answer =
                    messages.iter().skip(*scored_from).position(|m| m.role() == "assistant");
                let asked = answer.map_or(messages.len(), |answer| scored_from + answer);
                of_messages(&messages[..asked])
            }
            Self::Completion { prompt, .. } => prompt.clone(),
            Self::Labelled { prompt, .. } | Self::Preference { prompt: Some(prompt), .. } => {
                prompt.key()
            }
            // Without a prompt of its own, both answers begin with it.
            Self::Preference { prompt: None, chosen, rejected } => {
                let (chosen, rejected) = (chosen.key(), rejected.key());
                let pairs = chosen.chars().zip(rejected.chars());
                pairs.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
            Self::Text(text) => text.clone(),
        }
    }
}

impl Turn {
    fn key(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Messages(messages) => of_messages(messages),
        }
    }
}

fn of_messages(messages: &[Message]) -> String {
    let turn = |message: &Message| {
        let content = message.0.get("content").map(Value::to_string).unwrap_or_default();
        format!("{}\u{1f}{content}\u{1e}", message.role())
    };
    messages.iter().map(turn).collect()
}

/// How other names are read: the prompt's column, the completion's, and a further part of the prompt.
const ALIASES: [(&str, &str, Option<&str>); 9] = [
    ("instruction", "output", Some("input")),
    ("instruction", "response", Some("input")),
    ("instruction", "response", Some("context")),
    ("prompt", "response", None),
    ("question", "answer", None),
    ("input", "output", None),
    ("source", "target", None),
    ("article", "summary", None),
    ("dialogue", "summary", None),
];

/// Turns the records of a file into rows.
///
/// # Errors
/// Columns that fit no schema or several; a field that is empty or of another kind than its schema says.
pub fn rows(
    path: &str,
    records: &[Record],
    fields: &Fields,
) -> Result<Vec<(Source, Row)>, DataError> {
    let row = |record: &Record| {
        let reader = Reader { file: path, line: record.line, fields: &record.fields };
        let source = Source { path: path.to_owned(), line: record.line };
        Ok((source, reader.row(fields)?))
    };
    records.iter().map(row).collect()
}

/// How the columns are read when they have other names than the schemas and the user has not named them.
pub fn read_as(records: &[Record], fields: &Fields) -> Option<String> {
    let record = records.first().filter(|_| *fields == Fields::default())?;
    let reader = Reader { file: "", line: record.line, fields: &record.fields };
    if reader.by_name().ok()?.is_some() {
        return None;
    }
    if record.fields.contains_key("conversations") {
        return Some("`conversations` is read as messages".into());
    }
    let (prompt, completion, more) = reader.alias().ok()?;
    let with = more.map(|name| format!(" with `{name}`")).unwrap_or_default();
    Some(format!("`{prompt}`{with} is read as the prompt, `{completion}` as the completion"))
}

struct Reader<'a> {
    file: &'a str,
    line: usize,
    fields: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn row(&self, names: &Fields) -> Result<Row, DataError> {
        if let Some(row) = self.named(names)? {
            return Ok(row);
        }
        if let Some(row) = self.by_name()? {
            return Ok(row);
        }
        if self.fields.contains_key("conversations") {
            return self.conversation("conversations");
        }
        let (prompt, completion, more) = self.alias()?;
        self.pair(prompt, completion, more)
    }

    /// By the names of the schemas; `None` when none fits.
    fn by_name(&self) -> Result<Option<Row>, DataError> {
        let has = |name: &str| self.fields.contains_key(name);
        let pair = has("prompt") && has("completion");
        let fitting = [has("messages"), has("chosen") && has("rejected"), pair, has("text")];
        if fitting.iter().filter(|fits| **fits).count() > 1 {
            return Err(self.several());
        }
        Ok(Some(match fitting {
            [true, ..] => self.conversation("messages")?,
            [_, true, ..] => self.preference()?,
            [_, _, true, _] if has("label") => self.labelled()?,
            [_, _, true, _] => self.pair("prompt", "completion", None)?,
            [.., true] => Row::Text(self.text("text")?),
            _ => return Ok(None),
        }))
    }

    fn columns(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    fn several(&self) -> DataError {
        let found = format!("columns {:?}, which can be read in several ways", self.columns());
        place(self.file, self.line, "columns of one schema", &found)
    }

    fn wrong(&self, field: &str, expected: &str, found: &str) -> DataError {
        place(self.file, self.line, &format!("{expected} in `{field}`"), found)
    }

    fn value(&self, field: &str) -> Result<&Value, DataError> {
        self.fields.get(field).ok_or_else(|| self.wrong(field, "a column of this name", "none"))
    }

    /// A text that is not empty.
    fn text(&self, field: &str) -> Result<String, DataError> {
        let value = self.value(field)?;
        match value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text.into()),
            _ => Err(self.wrong(field, "a text that is not empty", kind(value))),
        }
    }

    /// What the user's own names say, when there are any.
    fn named(&self, names: &Fields) -> Result<Option<Row>, DataError> {
        if let Some(field) = &names.text {
            return Ok(Some(Row::Text(self.text(field)?)));
        }
        if names.prompt.is_none() && names.completion.is_none() {
            return Ok(None);
        }
        let prompt = names.prompt.as_deref().unwrap_or("prompt");
        let completion = names.completion.as_deref().unwrap_or("completion");
        self.pair(prompt, completion, None).map(Some)
    }

    /// The one way to read columns of other names.
    fn alias(&self) -> Result<(&'static str, &'static str, Option<&'static str>), DataError> {
        let has = |name: &str| self.fields.contains_key(name);
        let mut fitting: Vec<_> =
            ALIASES.iter().filter(|alias| has(alias.0) && has(alias.1)).collect();
        // A reading that uses a further column takes in those that leave it aside.
        if let Some(fullest) = fitting.iter().copied().find(|alias| alias.2.is_some_and(has)) {
            fitting.retain(|alias| alias.1 != fullest.1 || *alias == fullest);
        }
        fitting.dedup_by_key(|alias| (alias.0, alias.1));
        match fitting.as_slice() {
            [(prompt, completion, more)] => {
                Ok((*prompt, *completion, more.filter(|name| has(name))))
            }
            [] => Err(DataError::Schema {
                path: format!("{}:{}", self.file, self.line),
                found: self.columns(),
            }),
            _ => Err(self.several()),
        }
    }

    fn pair(&self, prompt: &str, completion: &str, more: Option<&str>) -> Result<Row, DataError> {
        // A prompt may be empty, an answer may not.
        let asked = match self.value(prompt)? {
            Value::String(text) => Turn::Text(text.clone()),
            _ => self.turn(prompt)?,
        };
        let answered = self.turn(completion)?;
        match (asked, answered) {
            (Turn::Text(mut prompt), Turn::Text(completion)) => {
                let more = more.and_then(|name| self.fields.get(name)).and_then(Value::as_str);
                if let Some(more) = more.filter(|more| !more.trim().is_empty()) {
                    prompt.push_str("\n\n");
                    prompt.push_str(more);
                }
                Ok(Row::Completion { prompt, completion })
            }
            (Turn::Messages(mut messages), Turn::Messages(answer)) => {
                let scored_from = messages.len();
                messages.extend(answer);
                self.must_answer(completion, &messages[scored_from..])?;
                let tools = self.fields.get("tools").filter(|tools| !tools.is_null()).cloned();
                Ok(Row::Messages { messages, tools, scored_from })
            }
            _ => Err(self.wrong(
                completion,
                &format!("the same kind as `{prompt}`"),
                "the other kind",
            )),
        }
    }

    fn preference(&self) -> Result<Row, DataError> {
        let prompt = self.fields.contains_key("prompt").then(|| self.turn("prompt")).transpose()?;
        let (chosen, rejected) = (self.turn("chosen")?, self.turn("rejected")?);
        Ok(Row::Preference { prompt, chosen, rejected })
    }

    fn labelled(&self) -> Result<Row, DataError> {
        let value = self.value("label")?;
        let liked = match value {
            Value::Bool(liked) => *liked,
            Value::String(text) if text.eq_ignore_ascii_case("true") => true,
            Value::String(text) if text.eq_ignore_ascii_case("false") => false,
            _ => return Err(self.wrong("label", "true or false", kind(value))),
        };
        let (prompt, completion) = (self.turn("prompt")?, self.turn("completion")?);
        Ok(Row::Labelled { prompt, completion, liked })
    }

    /// A text or messages.
    fn turn(&self, field: &str) -> Result<Turn, DataError> {
        match self.value(field)? {
            Value::Array(items) => self.messages(field, items).map(Turn::Messages),
            _ => self.text(field).map(Turn::Text),
        }
    }

    fn conversation(&self, field: &str) -> Result<Row, DataError> {
        let value = self.value(field)?;
        let Value::Array(items) = value else {
            return Err(self.wrong(field, "an array of messages", kind(value)));
        };
        let messages = self.messages(field, items)?;
        self.must_answer(field, &messages)?;
        let tools = self.fields.get("tools").filter(|tools| !tools.is_null()).cloned();
        Ok(Row::Messages { messages, tools, scored_from: 0 })
    }

    fn must_answer(&self, field: &str, messages: &[Message]) -> Result<(), DataError> {
        if messages.iter().any(|message| message.role() == "assistant") {
            return Ok(());
        }
        Err(self.wrong(field, "a message of the role `assistant`", "none"))
    }

    fn messages(&self, field: &str, items: &[Value]) -> Result<Vec<Message>, DataError> {
        if items.is_empty() {
            return Err(self.wrong(field, "an array of messages", "an empty array"));
        }
        items.iter().enumerate().map(|(index, item)| self.message(field, index, item)).collect()
    }

    fn message(&self, field: &str, index: usize, item: &Value) -> Result<Message, DataError> {
        let place = |part: &str| format!("{field}[{index}]{part}");
        let Value::Object(fields) = item else {
            return Err(self.wrong(&place(""), "an object with role and content", kind(item)));
        };
        // ShareGPT calls them `from` and `value`.
        let (role_name, content_name) =
            if fields.contains_key("from") && !fields.contains_key("role") {
                ("from", "value")
            } else {
                ("role", "content")
            };
        let role = fields.get(role_name);
        let Some(role) = role.and_then(Value::as_str) else {
            return Err(self.wrong(&place(".role"), "a text", role.map_or("none", kind)));
        };
        let role = match (role_name, role) {
            ("from", "human") => "user",
            ("from", "gpt") => "assistant",
            _ => role,
        };
        if !ROLES.contains(&role) {
            let expected = format!("one of {}", ROLES.join(", "));
            return Err(self.wrong(&place(".role"), &expected, &format!("`{role}`")));
        }
        let content = fields.get(content_name);
        let calls =
            fields.get("tool_calls").and_then(Value::as_array).is_some_and(|c| !c.is_empty());
        let good = match content {
            Some(Value::String(text)) => role != "assistant" || calls || !text.trim().is_empty(),
            Some(Value::Array(parts)) => !parts.is_empty(),
            Some(Value::Null) | None => calls,
            _ => false,
        };
        if !good {
            let expected = "a text that is not empty";
            return Err(self.wrong(&place(".content"), expected, content.map_or("none", kind)));
        }
        let mut message = Map::new();
        message.insert("role".into(), role.into());
        message.insert("content".into(), content.cloned().unwrap_or(Value::Null));
        let others = fields.iter().filter(|(name, _)| *name != role_name && *name != content_name);
        message.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        Ok(Message(message))
    }
}
