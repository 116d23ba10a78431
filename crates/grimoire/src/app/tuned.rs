//! What the folder of a run holds for use: an adapter beside the name of its base, or a whole model.

use crate::app::loading::Loaded;
use crate::app::tune::reached;
use crate::failure::{Failure, Outcome};
use grimoire_format::is_file;
use grimoire_models::{Container, Target, Types, export};
use std::path::{Path, PathBuf};

/// What a run made.
#[derive(Debug)]
pub(crate) enum Tuned {
    /// A model that loads by itself.
    Whole(PathBuf),
    /// An adapter, and how to reach the model that it adapts.
    Adapter { base: String, path: PathBuf },
}

/// What the run in this folder made; none when it is not the folder of a run.
pub(crate) fn tuned(folder: &Path) -> Outcome<Option<Tuned>> {
    let request = folder.join("run.json");
    if !is_file(&request)? {
        return Ok(None);
    }
    let whole = [Container::Folder, Container::Gguf].map(|container| whole(folder, container));
    if let Some(path) = whole.into_iter().find(|path| path.exists()) {
        return Ok(Some(Tuned::Whole(path)));
    }
    let path = folder.join("adapter");
    if !is_file(&path.join("adapter_config.json"))? {
        return Err(Failure::work(format!("{}: the run has not ended", folder.display()))
            .hint(format!("go on with it: grimoire tune --resume {}", folder.display())));
    }
    let wrong =
        |error: &dyn std::fmt::Display| Failure::work(format!("{}: {error}", request.display()));
    let text = std::fs::read_to_string(&request).map_err(|error| wrong(&error))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let base = value["model"].as_str().ok_or_else(|| wrong(&"model: expected a name"))?;
    let place = value["places"]["model"].as_str().map(Path::new);
    Ok(Some(Tuned::Adapter { base: reached(base, place), path }))
}

/// Where a run keeps a whole model: a folder when its base was one, a file when that was a GGUF file.
fn whole(folder: &Path, container: Container) -> PathBuf {
    folder.join(match container {
        Container::Folder => "model",
        Container::Gguf => "model.gguf",
    })
}

/// Writes a model whose every weight was trained into the folder of its run, in f32, in the container of its
/// base, with tokenizer and template.
pub(crate) fn write_whole(loaded: &Loaded, folder: &Path) -> Outcome {
    let container = loaded.checkpoint.container();
    let path = whole(folder, container);
    let target = Target { path: &path, container, types: Types::default() };
    export(&loaded.model, &loaded.params, &loaded.checkpoint, &target, &mut |_, _| {})?;
    Ok(())
}
