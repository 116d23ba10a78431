//! Tasks: what a model is asked, how it answers, and how the answer is judged.
//!
//! A [`Task`] is read from a small TOML file; with rows of data it becomes [`Item`]s, each a prompt with what
//! is right; a [`Response`] to an item is judged into rows of sufficient statistics, one table for each
//! [`Measure`](crate::measure::Measure). Who runs the model is elsewhere: nothing here knows one.

pub mod builtin;
mod definition;
mod error;
mod extract;
mod item;
mod metric;
mod template;

pub use error::TaskError;
pub use extract::{Extract, Take};
pub use item::{Item, Row, items};
pub use metric::{Judgement, Kind, TaskMetric, stored_score};
pub use template::{Fault, Template};

use crate::perplexity::Begin;
use serde_json::{Map, Value, json};

/// A task, checked.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What it asks, in a sentence.
    pub about: String,
    /// Where its data come from, and their licence.
    pub source: String,
    /// The file of the data, relative to the task's; none when the caller brings it.
    pub data: Option<String>,
    /// Where the rows are in a JSON document that holds them inside others; empty where it is a list of them.
    pub rows: Vec<String>,
    /// Other names of fields: where a row lacks the first, it may have the second.
    pub fields: Vec<(String, String)>,
    /// Rows with the same value here are one item with several references.
    pub group: Option<String>,
    /// Items with the same value here are not independent: they are resampled together.
    pub cluster: Option<String>,
    /// What the model reads.
    pub prompt: Template,
    /// What is right.
    pub truth: Truth,
    /// What stands between a prompt and its answer.
    pub separator: String,
    /// Examples before the question.
    pub shots: Shots,
    /// How the model answers.
    pub answer: Answer,
    /// How answers are judged; the first is the headline.
    pub metrics: Vec<TaskMetric>,
}

impl Task {
    /// All that decides what the model is asked and how it answers, but for the rows: two tasks that ask alike have
    /// the same.
    pub fn asked(&self) -> Value {
        let truth = match &self.truth {
            Truth::Text(template) => json!({ "text": template.source() }),
            Truth::Path(path) => json!({ "path": path }),
        };
        let answer = match &self.answer {
            Answer::Generate { tokens, stop } => json!({ "tokens": tokens, "stop": stop }),
            Answer::Choose { options, form, key } => {
                let options = match options {
                    Options::Fixed(texts) => json!({ "fixed": texts }),
                    Options::Path(path) => json!({ "path": path }),
                };
                let form = form.as_ref().map(Template::source);
                json!({ "options": options, "form": form, "key": format!("{key:?}") })
            }
            Answer::Score { window, stride, begin } => {
                json!({ "window": window, "stride": stride, "begin": format!("{begin:?}") })
            }
        };
        json!([self.prompt.source(), truth, self.group, self.separator, self.shots.between, answer])
    }
}

/// What is right.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a task has one, and nothing is gained by a box")]
pub enum Truth {
    /// A text made from the row.
    Text(Template),
    /// The texts at a path in the row, lists walked through: `answers.text`.
    Path(Vec<String>),
}

/// Examples before the question.
#[derive(Debug, Clone)]
pub struct Shots {
    /// How many; the first of the rows.
    pub count: usize,
    /// What stands between them.
    pub between: String,
    /// Rows given in the task file.
    pub rows: Vec<Map<String, Value>>,
    /// The file of the rows where the task file has none, relative to the task's.
    pub data: Option<String>,
}

impl Default for Shots {
    /// None unless they are asked for, and then with an empty line between them.
    fn default() -> Self {
        Self { count: 0, between: "\n\n".to_owned(), rows: Vec::new(), data: None }
    }
}

/// How the model answers.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a task has one, and nothing is gained by a box")]
pub enum Answer {
    /// It writes.
    Generate {
        /// Most tokens.
        tokens: usize,
        /// Texts that end the answer.
        stop: Vec<String>,
    },
    /// It finds one of the options likeliest.
    Choose {
        /// The options.
        options: Options,
        /// How an option is written, over the field `option`; none as it is.
        form: Option<Template>,
        /// How the truth names the right one.
        key: Key,
    },
    /// It is asked how likely the truth is, as a text.
    Score {
        /// Tokens in a window.
        window: usize,
        /// Tokens from a window to the next.
        stride: usize,
        /// The rule for the begin-of-sequence token.
        begin: Begin,
    },
}

/// The options of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Options {
    /// The same for every item.
    Fixed(Vec<String>),
    /// A list in the row, at this path.
    Path(Vec<String>),
}

/// How the truth names an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// By its text.
    Text,
    /// By its place, from 0.
    Index,
    /// By its letter, from A.
    Letter,
}

/// What a model answered to an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    /// What it wrote.
    Text(String),
    /// The natural logarithm of each option's probability.
    LogProbs(Vec<f64>),
    /// What the text cost it.
    Nll(crate::perplexity::DocumentNll),
}
