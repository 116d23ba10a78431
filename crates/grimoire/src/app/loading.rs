//! From what a person types after `grimoire <verb>` to a model in memory: a path, a name on the hub, `builtin`
//! or the folder of a run; with its tokenizer, its template and perhaps an adapter.

use crate::app::listener::Listener;
use crate::app::tuned::{Tuned, tuned};
use crate::app::{builtin, source};
use crate::failure::{Failure, Outcome};
use grimoire_format::exists;
use grimoire_models::{Checkpoint, Model};
use grimoire_tensor::Params;
use grimoire_text::{ChatTemplate, Tokenizer};
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
    /// Compiled, or why it cannot be: what needs no template goes on without.
    template: Option<Result<ChatTemplate, String>>,
}

impl Loaded {
    /// Whether the model has a chat template.
    pub(crate) fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// The chat template, where there is one.
    pub(crate) fn template(&self) -> Outcome<Option<&ChatTemplate>> {
        let template = self.template.as_ref().map(Result::as_ref).transpose();
        template.map_err(Failure::work)
    }
}

/// What is to be loaded, once folders of runs are looked into.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// As it was asked for.
    name: String,
    model: String,
    pub(crate) adapter: Option<PathBuf>,
}

/// Opens and loads a model, with its adapter when one is given. The folder of a run stands for the model that
/// it made: a whole one, or its base with its adapter.
pub(crate) fn load(
    name: &str,
    adapter: Option<&Path>,
    listener: &mut dyn Listener,
) -> Outcome<Loaded> {
    wanted(name, adapter, listener)?.load(listener)
}

/// A model by itself, as tuning begins with.
pub(crate) fn load_plain(name: &str, listener: &mut dyn Listener) -> Outcome<Loaded> {
    let wanted = wanted(name, None, listener)?;
    if wanted.adapter.is_some() {
        let message = format!("{name}: a run with an adapter is no model by itself");
        return Err(Failure::work(message)
            .hint(format!("merge it first: grimoire model merge {name} --out merged.gguf")));
    }
    wanted.load(listener)
}

/// Opens a checkpoint by path, hub name or `builtin`; of a run, its whole model or its base.
pub(crate) fn open(name: &str, listener: &mut dyn Listener) -> Outcome<Checkpoint> {
    wanted(name, None, listener)?.open(listener)
}

/// Looks into the folders of runs.
pub(crate) fn wanted(
    name: &str,
    adapter: Option<&Path>,
    listener: &mut dyn Listener,
) -> Outcome<Wanted> {
    let mut wanted = Wanted { name: name.to_owned(), model: name.to_owned(), adapter: None };
    match tuned(Path::new(name))? {
        None => {}
        Some(Tuned::Whole(path)) => wanted.model = path.display().to_string(),
        Some(Tuned::Adapter { base, path }) => {
            if let Some(adapter) = adapter {
                let message = format!("{}: {name} has an adapter of its own", adapter.display());
                return Err(Failure::usage(message).hint("merge that one into its base first"));
            }
            refuse_lost(name, &base)?;
            wanted.model = base;
            wanted.adapter = Some(path);
        }
    }
    let Some(adapter) = adapter else { return Ok(wanted) };
    if !exists(adapter)? {
        // Of two paths to nothing the model is named first.
        if builtin::bytes(&wanted.model).is_none() {
            source::elsewhere(&wanted.model)?;
        }
        return Err(Failure::work(format!("{}: no such adapter", adapter.display()))
            .hint("an adapter is a PEFT folder, a GGUF-LoRA file, or the folder of a run"));
    }
    match tuned(adapter)? {
        Some(Tuned::Whole(path)) => {
            let run = adapter.display();
            listener.tell(&format!("{run} holds a whole model, which is used in place of {name}"));
            wanted.model = path.display().to_string();
        }
        Some(Tuned::Adapter { path, .. }) => wanted.adapter = Some(path),
        None => wanted.adapter = Some(adapter.to_owned()),
    }
    Ok(wanted)
}

/// Refuses a run whose base is gone.
fn refuse_lost(run: &str, base: &str) -> Outcome {
    // What may not be looked at is not lost.
    let here = exists(Path::new(base))?;
    if here || builtin::bytes(base).is_some() || source::elsewhere(base).is_ok() {
        return Ok(());
    }
    let told_by = Path::new(run).join("run.json");
    Err(Failure::work(format!("{}: model: {base} is not there", told_by.display()))
        .hint(format!("put it back, or say where it is: MODEL --adapter {run}")))
}

impl Wanted {
    /// The same without its adapter.
    pub(crate) fn plain(&self) -> Self {
        Self { adapter: None, ..self.clone() }
    }

    fn open(&self, listener: &mut dyn Listener) -> Outcome<Checkpoint> {
        if let Some(checkpoint) = builtin::model(&self.model) {
            return checkpoint;
        }
        let path = source::locate(&self.model, &mut |event| listener.fetching(event))?;
        Ok(Checkpoint::open(&path)?)
    }

    /// Its layers with its adapter, without what deals with text.
    pub(crate) fn layers(
        &self,
        listener: &mut dyn Listener,
    ) -> Outcome<(Checkpoint, Model, Params)> {
        let checkpoint = self.open(listener)?;
        let mut model = Model::load(&checkpoint)?;
        let mut params = Params::default();
        if let Some(path) = &self.adapter {
            let applied = grimoire_tune::adapter::load(&mut model, &mut params, &checkpoint, path)?;
            if applied.other_weights {
                listener.tell(&format!(
                    "warning: {} was trained on other weights than those of {}: right if these are its base merged or \
                     in another type, wrong if they are another model",
                    path.display(),
                    self.model
                ));
            }
        }
        Ok((checkpoint, model, params))
    }

    /// Opens and loads it.
    pub(crate) fn load(&self, listener: &mut dyn Listener) -> Outcome<Loaded> {
        let (checkpoint, model, params) = self.layers(listener)?;
        let tokenizer = checkpoint.tokenizer()?;
        for warning in tokenizer.warnings() {
            listener.tell(&format!("warning: {warning}"));
        }
        let template = template(&checkpoint, &tokenizer);
        Ok(Loaded { name: self.name.clone(), model, params, checkpoint, tokenizer, template })
    }
}

/// The chat template of a checkpoint, compiled.
fn template(
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Option<Result<ChatTemplate, String>> {
    let source = checkpoint.chat_template().map_err(|error| error.to_string()).transpose()?;
    Some(source.and_then(|source| {
        let file = checkpoint.chat_template_file();
        ChatTemplate::for_tokenizer(&source, tokenizer)
            .map_err(|error| format!("{}: {error}", file.display()))
    }))
}
