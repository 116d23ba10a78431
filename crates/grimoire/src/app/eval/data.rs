//! Which task, and which rows: a built-in name or a TOML file, and data by path or by name on a hub.

use super::EvalRequest;
use crate::app::listener::Listener;
use crate::app::{builtin as own, source};
use crate::failure::{Failure, Outcome};
use grimoire_eval::task::{Row, Task, TaskError, builtin};
use grimoire_tune::data::{Record, ending, read_records};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A task and where its file is.
pub(crate) struct Found {
    pub(crate) task: Task,
    folder: Option<PathBuf>,
}

/// Finds a task by its built-in name or its path.
pub(crate) fn find(name: &str) -> Outcome<Found> {
    if let Some(task) = builtin::task(name) {
        return Ok(Found { task: task.map_err(fail)?, folder: None });
    }
    let path = Path::new(name);
    if !path.is_file() {
        let names: Vec<&str> = builtin::names().collect();
        return Err(Failure::usage(format!("there is no task `{name}`")).hint(format!(
            "built in are {}; a task of your own is a .toml file",
            names.join(", ")
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        let failure = Failure::work(format!("{name}: {error}"));
        match error.kind() {
            std::io::ErrorKind::InvalidData => failure.hint(
                "a task is a .toml file, and stands after the model: `grimoire eval MODEL TASK`",
            ),
            _ => failure,
        }
    })?;
    let task = Task::parse(name, &text).map_err(fail)?;
    Ok(Found { task, folder: path.parent().map(Path::to_owned) })
}

impl Found {
    /// The file of the data: what the call says, else what the task says.
    pub(crate) fn data(&self, request: &EvalRequest) -> Outcome<String> {
        if let Some(data) = &request.data {
            return Ok(data.clone());
        }
        match &self.task.data {
            Some(data) => Ok(self.beside(data)),
            None => {
                let source = &self.task.source;
                let from = if source.is_empty() {
                    String::new()
                } else {
                    format!("; they are at {source}")
                };
                Err(Failure::usage(format!("task {}: where are the data?", self.task.name))
                    .hint(format!("give their path, or their name on a hub, with --data{from}")))
            }
        }
    }

    /// A file that the task names: beside the task, or on a hub.
    fn beside(&self, data: &str) -> String {
        let folder = self.folder.as_ref().filter(|_| own::data(data).is_none());
        let beside = folder.map(|folder| folder.join(data));
        match beside.filter(|path| path.exists() || !source::names_data_elsewhere(data)) {
            Some(path) => path.display().to_string(),
            None => data.to_owned(),
        }
    }

    /// The rows of the examples: those of a file that the call names, else those in the task or of the file that it
    /// names.
    pub(crate) fn shots(
        &self,
        request: &EvalRequest,
        listener: &mut dyn Listener,
    ) -> Outcome<Vec<Map<String, Value>>> {
        let shots = &self.task.shots;
        let wanted = request.shots.unwrap_or(shots.count);
        let own = shots.data.as_deref().filter(|_| shots.rows.is_empty());
        let file = request.examples.clone().or_else(|| own.map(|data| self.beside(data)));
        let rows = match file.filter(|_| wanted > 0) {
            Some(file) => {
                let rows = rows(&self.task, &file, listener).map_err(|failure| {
                    if request.examples.is_some() { failure } else { without_examples(failure) }
                })?;
                rows.into_iter().take(wanted).map(|row| row.fields).collect()
            }
            None => shots.rows.clone(),
        };
        if request.shots.is_some() && rows.len() < wanted {
            return Err(Failure::usage(format!(
                "--shots {wanted}: there are {} examples",
                rows.len()
            ))
            .hint("--examples takes a file of rows to show before each question"));
        }
        Ok(rows.into_iter().take(wanted).collect())
    }
}

/// The rows of a file, here or on a hub, as the task finds them there.
pub(crate) fn rows(task: &Task, file: &str, listener: &mut dyn Listener) -> Outcome<Vec<Row>> {
    let own = own::data(file);
    let path = match own {
        Some(_) => PathBuf::from(file),
        None => source::locate_data(file, &mut |event| listener.fetching(event))
            .map_err(|failure| with_source(task, file, failure))?,
    };
    // A table has its rows at the top, whatever the document of the same data looks like.
    let table = matches!(
        ending(&path.to_string_lossy()),
        Some(".parquet" | ".jsonl" | ".ndjson" | ".csv" | ".tsv")
    );
    if !task.rows.is_empty() && !table {
        let text = crate::app::texts::read_all(&path)?;
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::work(format!("{file}: {error}")))?;
        return Row::nested(&document, &task.rows)
            .map_err(|problem| Failure::work(format!("{file}: {problem}")));
    }
    let records = own.unwrap_or_else(|| read_records(&path));
    let records = records.map_err(Failure::work)?;
    let row = |record: Record| {
        let Record { line, mut fields } = record;
        task.rename(&mut fields);
        Row { line, fields }
    };
    Ok(records.into_iter().map(row).collect())
}

/// Says, where a task's own data could not be fetched, what else there is to do.
fn with_source(task: &Task, file: &str, failure: Failure) -> Failure {
    if task.data.as_deref() != Some(file) || task.source.is_empty() {
        return failure;
    }
    let hint = failure.hint_line().map(|hint| format!("{hint}; ")).unwrap_or_default();
    failure.hint(format!("{hint}or give a file with --data; its source is {}", task.source))
}

/// Says, where the examples that a task names could not be fetched, how to do with others or none.
fn without_examples(failure: Failure) -> Failure {
    let hint = failure.hint_line().map(|hint| format!("{hint}; ")).unwrap_or_default();
    failure.hint(format!(
        "{hint}the task shows examples: name a file of them with --examples, or ask without by --shots 0"
    ))
}

/// What is wrong with a task or a row, with what to do about it.
pub(crate) fn fail(error: TaskError) -> Failure {
    match error.hint.clone() {
        Some(hint) => Failure::work(error).hint(hint),
        None => Failure::work(error),
    }
}
