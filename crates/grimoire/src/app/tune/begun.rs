//! What a run began with: where its files lie, and what was in them. So a run is found again from any folder, and
//! does not go on with other weights or other data. Both are parts of `run.json`; runs from before have neither.

use super::dataset::Dataset;
use super::request::TuneRequest;
use crate::app::loading::Loaded;
use crate::app::{builtin, source};
use crate::failure::{Failure, Outcome};
use grimoire_tune::fingerprint;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Where the files of a run lie, from the root on; none for what is built in or on a hub.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Places {
    pub(crate) model: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) eval: Option<PathBuf>,
}

impl Places {
    /// The places of what is named from the folder where the command runs.
    pub(super) fn of(request: &TuneRequest) -> Self {
        let place = |typed: &str| {
            let here = builtin::bytes(typed).is_none() && Path::new(typed).exists();
            std::path::absolute(typed).ok().filter(|_| here)
        };
        Self {
            model: place(&request.model),
            data: place(&request.data),
            eval: request.eval.as_deref().and_then(place),
        }
    }
}

/// How to reach from here what was named `typed` when it lay at `place`: by the same words where they lead there,
/// or where nothing is left at the place.
pub(crate) fn reached(typed: &str, place: Option<&Path>) -> String {
    let Some(place) = place else { return typed.to_owned() };
    let same = std::path::absolute(typed).is_ok_and(|here| here == place);
    let moved = !place.exists() && Path::new(typed).exists();
    if same || moved { typed.to_owned() } else { place.display().to_string() }
}

impl TuneRequest {
    /// How to reach the model from here.
    pub(crate) fn model_here(&self) -> String {
        reached(&self.model, self.places.model.as_deref())
    }

    /// How to reach the data from here.
    pub(crate) fn data_here(&self) -> String {
        reached(&self.data, self.places.data.as_deref())
    }

    /// How to reach the rows that are measured on from here.
    pub(crate) fn eval_here(&self) -> Option<String> {
        self.eval.as_ref().map(|eval| reached(eval, self.places.eval.as_deref()))
    }

    /// Refuses to resume a run whose files are gone; `told_by` is its `run.json`.
    pub(super) fn refuse_lost(&self, told_by: &Path) -> Outcome {
        let model = self.model_here();
        let mut lost = Vec::new();
        if builtin::bytes(&model).is_none() && source::elsewhere(&model).is_err() {
            lost.push(("model", model));
        }
        let files = [("data", Some(self.data_here())), ("eval", self.eval_here())];
        let files = files.into_iter().filter_map(|(what, path)| Some((what, path?)));
        lost.extend(
            files.filter(|(_, path)| builtin::bytes(path).is_none() && !Path::new(path).exists()),
        );
        let Some((what, path)) = lost.first() else { return Ok(()) };
        Err(Failure::work(format!("{}: {what}: {path} is not there", told_by.display()))
            .hint("put it back: a run goes on with what it began with"))
    }
}

/// What was in the files of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Inputs {
    /// The version that began it.
    pub(super) grimoire: Option<String>,
    /// The fingerprint of the weights of the model.
    pub(super) model: Option<String>,
    /// SHA-256 of the file of data, and of the one that is measured on.
    pub(super) data: Option<String>,
    pub(super) eval: Option<String>,
    /// SHA-256 of the tokens of all rows, which tokenizer and template decide too.
    pub(super) tokens: Option<String>,
}

impl Inputs {
    /// What is known before anything is loaded; of a file that cannot be read, nothing.
    pub(super) fn of_files(request: &TuneRequest) -> Self {
        Self {
            grimoire: Some(env!("CARGO_PKG_VERSION").to_owned()),
            data: of_file(&request.data_here()),
            eval: request.eval_here().and_then(|path| of_file(&path)),
            ..Self::default()
        }
    }

    /// The rest of it.
    pub(super) fn loaded(self, loaded: &Loaded, dataset: &Dataset) -> Self {
        let mut hash = Sha256::new();
        for example in dataset.train.iter().chain(&dataset.held) {
            let sequence = &example.sequence;
            hash.update((sequence.ids.len() as u64).to_le_bytes());
            for (id, scored) in sequence.ids.iter().zip(&sequence.scored) {
                hash.update(id.to_le_bytes());
                hash.update([u8::from(*scored)]);
            }
        }
        Self { model: Some(fingerprint(&loaded.checkpoint)), tokens: Some(digits(hash)), ..self }
    }

    /// Refuses to go on where `now` is not what the run began with.
    pub(super) fn refuse_changed(&self, now: &Self, request: &TuneRequest) -> Outcome {
        let differ = |then: &Option<String>, now: &Option<String>| {
            then.as_ref().zip(now.as_ref()).is_some_and(|(then, now)| then != now)
        };
        let (model, data) = (request.model_here(), request.data_here());
        let what = if differ(&self.data, &now.data) {
            format!("{data}: not the rows")
        } else if differ(&self.eval, &now.eval) {
            format!("{}: not the rows", request.eval_here().unwrap_or_default())
        } else if differ(&self.model, &now.model) {
            format!("{model}: not the weights")
        } else if differ(&self.tokens, &now.tokens) {
            format!("{model}: its tokenizer or chat template makes other tokens than those")
        } else {
            return Ok(());
        };
        Err(Failure::work(format!("{what} that the run in {} began with", request.out.display()))
            .hint("put back what was there, or begin a new run"))
    }
}

fn of_file(path: &str) -> Option<String> {
    let mut file = std::fs::File::open(path).ok().filter(|_| builtin::bytes(path).is_none())?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match std::io::Read::read(&mut file, &mut piece).ok()? {
            0 => return Some(digits(hash)),
            n => hash.update(&piece[..n]),
        }
    }
}

fn digits(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
