//! An adapter carried from PEFT's folder to GGUF-LoRA or back, over the model it belongs to: the model tells
//! how its tensors are called in either world and in which order the rows of q and k lie.

use crate::app::listener::Listener;
use crate::app::loading;
use crate::failure::{Failure, Outcome};
use grimoire_tune::adapter::{LoraSettings, to_gguf, to_peft};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What was written.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) out: PathBuf,
    /// `GGUF-LoRA` or `PEFT`.
    pub(crate) format: &'static str,
    /// Matrices with an adapter.
    pub(crate) modules: usize,
    /// The alpha of the file (GGUF), or the one of most modules (PEFT).
    pub(crate) alpha: f64,
    /// Modules whose scale the format could not say, so that their `B` was multiplied by it.
    pub(crate) folded: usize,
}

/// Carries the adapter at `adapter` to `out`: a `.gguf` file, or else a PEFT folder.
pub(crate) fn carry(
    model: &str,
    adapter: &Path,
    out: &Path,
    base: Option<&str>,
    force: bool,
    listener: &mut dyn Listener,
) -> Outcome<Report> {
    if out.exists() && !force {
        let message = format!("--out {}: it is there already", out.display());
        return Err(Failure::usage(message).hint("name another, or give --force"));
    }
    let wanted = loading::wanted(model, Some(adapter), listener)?;
    let (checkpoint, layers, params) = wanted.layers(listener)?;
    if !layers.linears().iter().any(|linear| linear.adapter.is_some()) {
        let message = format!("{}: holds a whole model and no adapter", adapter.display());
        return Err(Failure::work(message).hint("grimoire model merge writes models"));
    }
    if out.extension().is_some_and(|end| end == "gguf") {
        let lora = to_gguf(&layers, &params, &checkpoint);
        let written = lora.write(out)?;
        return Ok(Report {
            out: out.to_owned(),
            format: "GGUF-LoRA",
            modules: lora.pairs.len(),
            alpha: f64::from(written.alpha),
            folded: written.folded,
        });
    }
    let settings = LoraSettings { rslora: false, ..LoraSettings::default() };
    let base = base.unwrap_or(model);
    let peft = to_peft(&layers, &params, &checkpoint, &settings, base)?;
    peft.write(out)?;
    Ok(Report {
        out: out.to_owned(),
        format: "PEFT",
        modules: peft.pairs.len(),
        alpha: peft.config.alpha,
        folded: 0,
    })
}
