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
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::work(format!("{name}: {error}")))?;
    let task = Task::parse(name, &text).map_err(fail)?;
    Ok(Found { task, folder: path.parent().map(Path::to_owned) })
}

impl Found {
    /// The file of the data: what the call says, else what the task says.
    pub(crate) fn data(&self, request: &EvalRequest) -> Outcome<String> {
        if let Some(data) = &request.data {
            return Ok(data.clone());
        }
        match (&self.task.data, &self.folder) {
            (Some(data), _) if own::data(data).is_some() => Ok(data.clone()),
            (Some(data), Some(folder)) => {
                let beside = folder.join(data);
                let elsewhere = !beside.exists() && source::names_data_elsewhere(data);
                Ok(if elsewhere { data.clone() } else { beside.display().to_string() })
            }
            (Some(data), None) => Ok(data.clone()),
            (None, _) => {
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

    /// The rows of the examples: those of a file, else those in the task.
    pub(crate) fn shots(
        &self,
        request: &EvalRequest,
        listener: &mut dyn Listener,
    ) -> Outcome<Vec<Map<String, Value>>> {
        let shots = &self.task.shots;
        let wanted = request.shots.unwrap_or(shots.count);
        let rows = match &request.examples {
            Some(file) => {
                let rows = rows(&self.task, file, listener)?;
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

/// What is wrong with a task or a row, with what to do about it.
pub(crate) fn fail(error: TaskError) -> Failure {
    match error.hint.clone() {
        Some(hint) => Failure::work(error).hint(hint),
        None => Failure::work(error),
    }
}
