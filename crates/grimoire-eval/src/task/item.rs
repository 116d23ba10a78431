//! Rows of data become items: the prompt with its examples, what is right, and the options.

use super::error::TaskError;
use super::template::{Fault, Template};
use super::{Answer, Key, Options, Task, Truth};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A row of data.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The line where it begins.
    pub line: usize,
    /// Its fields.
    pub fields: Map<String, Value>,
}

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The line where its first row begins.
    pub line: usize,
    /// What the model reads, examples included; empty where a text is scored.
    pub prompt: String,
    /// How many bytes at its end are the question itself.
    pub question: usize,
    /// What is right: at least one text.
    pub references: Vec<String>,
    /// What may be chosen, with the separator before each; empty where nothing is.
    pub options: Vec<String>,
    /// Which option is right.
    pub correct: usize,
    /// What it shares with the items that it is resampled with; none where it stands for itself.
    pub cluster: Option<String>,
}

impl Task {
    /// Gives a row's fields the names that this task has for them.
    pub fn rename(&self, fields: &mut Map<String, Value>) {
        for (own, other) in &self.fields {
            if !fields.contains_key(own)
                && let Some(value) = fields.get(other)
            {
                fields.insert(own.clone(), value.clone());
            }
        }
    }
}

impl Row {
    /// The rows inside a JSON document: `path` names the lists to walk through, one within another. A row
    /// inherits the plain values of what it lies in.
    ///
    /// # Errors
    /// A place without a list of objects, in words.
    pub fn nested(document: &Value, path: &[String]) -> Result<Vec<Self>, String> {
        let mut level = vec![(Map::new(), document)];
        for name in path {
            let mut next = Vec::new();
            for (inherited, value) in level {
                let list = value.get(name).and_then(Value::as_array);
                let list = list.ok_or_else(|| format!("expected a list `{name}`"))?;
                let mut inherited = inherited;
                inherited.extend(plain(value));
                next.extend(list.iter().map(|inner| (inherited.clone(), inner)));
            }
            level = next;
        }
        level
            .into_iter()
            .map(|(mut fields, value)| {
                let own = value.as_object().ok_or("expected objects in the innermost list")?;
                fields.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
                Ok(Self { line: 1, fields })
            })
            .collect()
    }
}

fn plain(value: &Value) -> impl Iterator<Item = (String, Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .filter(|(_, value)| !value.is_array() && !value.is_object())
        .map(|(name, value)| (name.clone(), value.clone()))
}

/// The items of a task; `file` names the data in errors, `shots` are the rows of the examples.
///
/// # Errors
/// A field that a row lacks, a truth that is none of the options, no truth at all.
pub fn items(
    task: &Task,
    file: &str,
    rows: &[Row],
    shots: &[Map<String, Value>],
) -> Result<Vec<Item>, TaskError> {
    let mut head = String::new();
    for (index, shot) in shots.iter().enumerate() {
        let at = |problem| TaskError::new(file, 1, format!("example {}: {problem}", index + 1));
        let question = one(task, shot).map_err(at)?;
        let answer = match question.options.get(question.correct) {
            Some(option) => option.clone(),
            None => format!("{}{}", task.separator, question.references[0]),
        };
        head.push_str(&format!("{}{answer}{}", question.prompt, task.shots.between));
    }
    let mut items: Vec<Item> = Vec::new();
    let mut groups: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let at = |problem: String| TaskError::new(file, row.line, problem);
        if let Some(field) = &task.group {
            let key = row.fields.get(field).ok_or_else(|| at(lacks(field, &row.fields)))?;
            let place = *groups.entry(key.to_string()).or_insert(items.len());
            if let Some(item) = items.get_mut(place) {
                item.references.extend(references(task, &row.fields).map_err(at)?);
                continue;
            }
        }
        let mut item = one(task, &row.fields).map_err(at)?;
        item.line = row.line;
        if let Some(field) = &task.cluster {
            let shared = row.fields.get(field).ok_or_else(|| at(lacks(field, &row.fields)))?;
            item.cluster = Some(shared.to_string());
        }
        item.prompt.insert_str(0, &head);
        items.push(item);
    }
    Ok(items)
}

/// The item of one row.
fn one(task: &Task, row: &Map<String, Value>) -> Result<Item, String> {
    let prompt = render("prompt", &task.prompt, row)?;
    let references = references(task, row)?;
    let (mut options, mut correct) = (Vec::new(), 0);
    if let Answer::Choose { options: which, form, key } = &task.answer {
        let mut texts = match which {
            Options::Fixed(texts) => texts.clone(),
            Options::Path(path) => walk(path, row)?,
        };
        correct = place(&references[0], &texts, *key)?;
        if let Some(form) = form {
            for text in &mut texts {
                let own = [("option".to_owned(), Value::from(text.as_str()))];
                let fields = row.clone().into_iter().chain(own).collect();
                *text = render("option", form, &fields)?;
            }
        }
        options = texts.iter().map(|text| format!("{}{text}", task.separator)).collect();
    }
    let question = prompt.len();
    Ok(Item { line: 1, question, prompt, references, options, correct, cluster: None })
}

fn render(key: &str, template: &Template, row: &Map<String, Value>) -> Result<String, String> {
    template.render(row).map_err(|Fault { problem, .. }| format!("{key}: {problem}"))
}

fn references(task: &Task, row: &Map<String, Value>) -> Result<Vec<String>, String> {
    let texts = match &task.truth {
        Truth::Text(template) => vec![render("truth", template, row)?],
        Truth::Path(path) => walk(path, row)?,
    };
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Err("the truth is empty".to_owned());
    }
    Ok(texts)
}

/// The texts at a path, lists walked through.
fn walk(path: &[String], row: &Map<String, Value>) -> Result<Vec<String>, String> {
    let first = row.get(&path[0]).ok_or_else(|| lacks(&path[0], row))?;
    let mut level = vec![first];
    for name in path[1..].iter().map(Some).chain([None]) {
        level = level
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(inner) => inner.iter().collect(),
                other => vec![other],
            })
            .collect();
        if let Some(name) = name {
            let inner: Option<Vec<&Value>> = level.iter().map(|value| value.get(name)).collect();
            level = inner.ok_or_else(|| format!("there is no `{}`", path.join(".")))?;
        }
    }
    level
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(format!("`{}`: expected texts, found {other}", path.join("."))),
        })
        .collect()
}

/// Which option the truth names.
fn place(truth: &str, options: &[String], key: Key) -> Result<usize, String> {
    let truth = truth.trim();
    let found = match key {
        Key::Text => options.iter().position(|option| option.trim() == truth),
        Key::Index => truth.parse().ok(),
        Key::Letter => match truth.as_bytes() {
            [letter] => letter.to_ascii_uppercase().checked_sub(b'A').map(usize::from),
            _ => None,
        },
    };
    found
        .filter(|place| *place < options.len())
        .ok_or_else(|| format!("the truth `{truth}` is none of the {} options", options.len()))
}

fn lacks(field: &str, row: &Map<String, Value>) -> String {
    let have: Vec<&str> = row.keys().map(String::as_str).collect();
    format!("there is no field `{field}` among {}", have.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        text.lines()
            .enumerate()
            .map(|(index, line)| Row {
                line: index + 1,
                fields: serde_json::from_str(line).unwrap(),
            })
            .collect()
    }

    #[test]
    fn examples_come_first_and_rows_of_a_group_are_one_item() {
        let task = Task::parse(
            "t",
            "name=\"t\"\nprompt=\"Q: {{ q }}\\nA:\"\ntruth=\"{{ a }}\"\ngroup=\"q\"\n[generate]\n\
             [examples]\ncount=1\n[[metric]]\nkind=\"exact\"\n",
        )
        .unwrap();
        let rows = rows("{\"q\":1,\"a\":\"x\"}\n{\"q\":2,\"a\":\"y\"}\n{\"q\":1,\"a\":\"z\"}");
        let shot = serde_json::from_str("{\"q\":0,\"a\":\"w\"}").unwrap();
        let items = items(&task, "d", &rows, &[shot]).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].prompt, "Q: 0\nA: w\n\nQ: 1\nA:");
        assert_eq!(items[0].references, ["x", "z"]);
        let error = super::items(&task, "d", &[Row { line: 7, fields: Map::new() }], &[]);
        assert_eq!(error.unwrap_err().to_string(), "d:7: there is no field `q` among ");
    }

    #[test]
    fn a_choice_knows_the_right_option_by_text_place_or_letter() {
        let options = ["red".to_owned(), "blue".to_owned()];
        assert_eq!(place("blue", &options, Key::Text), Ok(1));
        assert_eq!(place("1", &options, Key::Index), Ok(1));
        assert_eq!(place("b", &options, Key::Letter), Ok(1));
        assert_eq!(
            place("C", &options, Key::Letter).unwrap_err(),
            "the truth `C` is none of the 2 options"
        );
    }

    #[test]
    fn rows_inside_a_document_inherit_what_they_lie_in() {
        let document = serde_json::json!({"data": [{"title": "t", "paragraphs": [
            {"context": "c", "qas": [{"question": "q", "answers": [{"text": "a"}, {"text": "b"}]}]}]}]});
        let path = ["data", "paragraphs", "qas"].map(str::to_owned);
        let rows = Row::nested(&document, &path).unwrap();
        assert_eq!(rows[0].fields["title"], "t");
        assert_eq!(rows[0].fields["context"], "c");
        assert_eq!(
            walk(&["answers", "text"].map(str::to_owned), &rows[0].fields).unwrap(),
            ["a", "b"]
        );
        assert!(Row::nested(&document, &["rows".to_owned()]).is_err());
    }
}
