//! From what a person types after `grimoire <verb>` to a model in memory: a path, a name on the hub, or
//! `builtin`; with its tokenizer, its template and perhaps an adapter.

use crate::app::{builtin, source};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_hub::Event;
use grimoire_models::{Checkpoint, Model};
use grimoire_tensor::Params;
use grimoire_text::{ChatTemplate, Tokenizer};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// A model that is ready to run.
pub(crate) struct Loaded {
    /// As it was asked for.
    pub(crate) name: String,
    pub(crate) model: Model,
    /// The adapter's values; empty without one.
    pub(crate) params: Params,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Option<ChatTemplate>,
}

/// Opens and loads a model, with its adapter when one is given.
pub(crate) fn load(name: &str, adapter: Option<&Path>, printer: &mut Printer) -> Outcome<Loaded> {
    let checkpoint = open(name, printer)?;
    let mut model = Model::load(&checkpoint)?;
    let tokenizer = checkpoint.tokenizer()?;
    for warning in tokenizer.warnings() {
        printer.talk(&format!("warning: {warning}"));
    }
    let template = template(&checkpoint, &tokenizer)?;
    let mut params = Params::default();
    if let Some(path) = adapter {
        let path = adapter_path(path)?;
        grimoire_tune::adapter::load(&mut model, &mut params, &checkpoint, &path)?;
    }
    Ok(Loaded { name: name.to_owned(), model, params, checkpoint, tokenizer, template })
}

/// Opens a checkpoint by path, hub name or `builtin`.
pub(crate) fn open(name: &str, printer: &mut Printer) -> Outcome<Checkpoint> {
    if let Some(checkpoint) = builtin::model(name) {
        return checkpoint;
    }
    Ok(Checkpoint::open(&fetch(name, printer)?)?)
}

/// A run folder holds its adapter in `adapter/`.
fn adapter_path(path: &Path) -> Outcome<PathBuf> {
    if !path.exists() {
        return Err(Failure::work(format!("{}: no such adapter", path.display()))
            .hint("--adapter takes a PEFT folder, a GGUF-LoRA file, or the folder of a run"));
    }
    let inside = path.join("adapter");
    if path.is_dir() && !path.join("adapter_config.json").exists() && inside.is_dir() {
        return Ok(inside);
    }
    Ok(path.to_owned())
}

/// The chat template of a checkpoint, compiled.
fn template(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> Outcome<Option<ChatTemplate>> {
    let Some(source) = checkpoint.chat_template()? else { return Ok(None) };
    let template = ChatTemplate::for_tokenizer(&source, tokenizer)
        .map_err(|error| Failure::work(format!("{}: {error}", checkpoint.path().display())))?;
    Ok(Some(template))
}

fn fetch(name: &str, printer: &mut Printer) -> Outcome<PathBuf> {
    let draws = printer.progress();
    let mut bar: Option<ProgressBar> = None;
    let mut lines = Vec::new();
    let path = source::locate(name, &mut |event| match event {
        Event::Started { file, size, done } if draws => {
            let style = ProgressStyle::with_template(
                "{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            );
            let new = ProgressBar::new(size).with_message(file.to_owned());
            new.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            new.set_position(done);
            bar = Some(new);
        }
        Event::Received { done, .. } => {
            if let Some(bar) = &bar {
                bar.set_position(done);
            }
        }
        Event::Finished { .. } => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        }
        Event::Retrying { file, reason } => lines.push(format!("{file}: trying again: {reason}")),
        Event::Unreachable { reason } => {
            lines.push(format!("the hub cannot be reached ({reason}): using what is in the cache"));
        }
        _ => {}
    });
    for line in lines {
        printer.talk(&line);
    }
    path
}
