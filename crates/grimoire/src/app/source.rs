//! `MODEL` and the data of a task on the command line: a path, or `org/name[@revision]` on a hub, fetched when it
//! must be.
//! The one place where the binary may come to open a socket.

use crate::failure::{Failure, Outcome};
use grimoire_format::exists;
use grimoire_hub::{Event, Hub, HubError, Reference, Settings};
use grimoire_tune::data::ending;
use std::path::{Path, PathBuf};

/// Finds the model that `text` names on this machine, or brings it here. `event` hears of the progress.
pub(crate) fn locate(text: &str, event: &mut dyn FnMut(Event)) -> Outcome<PathBuf> {
    match elsewhere(text)? {
        Some(reference) => fetch(&reference, event),
        None => Ok(text.into()),
    }
}

/// Finds the file of data that `text` names: here, or `org/name[/file][@revision]` among the data sets of a hub.
pub(crate) fn locate_data(text: &str, event: &mut dyn FnMut(Event)) -> Outcome<PathBuf> {
    if exists(Path::new(text))? {
        return Ok(text.into());
    }
    let absent = || {
        Failure::work(format!("{text}: no such file")).hint(
            "data are a file (.jsonl, .json, .csv, .tsv, .txt, each also .gz, or .parquet), or org/name or \
             org/name/file among the data sets of a hub",
        )
    };
    match Reference::data_set(text) {
        Ok(reference) if names_data_elsewhere(text) => fetch(&reference, event),
        _ => Err(absent()),
    }
}

/// Whether `text` can only be the name of a data set on a hub: no path to what is here, and no file of rows beside.
pub(crate) fn names_data_elsewhere(text: &str) -> bool {
    let named = Reference::data_set(text);
    !is_a_path(text)
        && named.is_ok_and(|name| name.file().is_some() || ending(name.repo()).is_none())
}

fn fetch(reference: &Reference, event: &mut dyn FnMut(Event)) -> Outcome<PathBuf> {
    let settings = Settings::from_variables(|name| std::env::var_os(name));
    let fetched = Hub::new(settings).fetch(reference, event).map_err(|error| failure(&error))?;
    Ok(fetched.path)
}

/// What is written as a path is one, and so is what begins with a folder that is here.
fn is_a_path(text: &str) -> bool {
    let path = Path::new(text);
    let first = path.components().next().map(|first| Path::new(first.as_os_str()).exists());
    path.is_absolute() || text.starts_with(['.', '~']) || first == Some(true)
}

/// What to ask a hub for; none when `text` is a path to what is here. Fails on a path to nothing, and asks nobody.
pub(crate) fn elsewhere(text: &str) -> Outcome<Option<Reference>> {
    if exists(Path::new(text))? {
        return Ok(None);
    }
    let absent = || {
        Failure::work(format!("{text}: no such file or folder"))
            .hint("a model is a .gguf file, a folder with config.json and safetensors, or org/name on a hub")
    };
    if is_a_path(text) {
        return Err(absent());
    }
    let reference = Reference::parse(text).map_err(|_| absent())?;
    let names_a_file = [".gguf", ".safetensors"].iter().any(|end| reference.repo().ends_with(end));
    if names_a_file {
        return Err(absent());
    }
    Ok(Some(reference))
}

fn failure(error: &HubError) -> Failure {
    let failure = Failure::work(error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
