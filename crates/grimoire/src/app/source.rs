//! `MODEL` on the command line: a path, or `org/name[@revision]` on a hub, fetched when it must be.
//! The one place where the binary may come to open a socket.

use crate::failure::{Failure, Outcome};
use grimoire_hub::{Event, Hub, HubError, Reference, Settings};
use std::path::{Path, PathBuf};

/// Finds the model that `text` names on this machine, or brings it here. `event` hears of the progress.
pub(crate) fn locate(text: &str, event: &mut dyn FnMut(Event)) -> Outcome<PathBuf> {
    let Some(reference) = elsewhere(text)? else { return Ok(text.into()) };
    let settings = Settings::from_variables(|name| std::env::var_os(name));
    let fetched = Hub::new(settings).fetch(&reference, event).map_err(|error| failure(&error))?;
    Ok(fetched.path)
}

/// What to ask a hub for; none when `text` is a path to what is here. Fails on a path to nothing, and asks nobody.
pub(crate) fn elsewhere(text: &str) -> Outcome<Option<Reference>> {
    let path = Path::new(text);
    if path.exists() {
        return Ok(None);
    }
    let absent = || {
        Failure::work(format!("{text}: no such file or folder"))
            .hint("a model is a .gguf file, a folder with config.json and safetensors, or org/name on a hub")
    };
    // What is written as a path is one, and so is what begins with a folder that is here.
    let first = path.components().next().map(|first| Path::new(first.as_os_str()).exists());
    if path.is_absolute() || text.starts_with(['.', '~']) || first == Some(true) {
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
