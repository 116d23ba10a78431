//! The main job: adapt a model to data, and say honestly whether it got better. A request becomes a run folder
//! (`run.json`, `metrics.jsonl`, snapshots, the adapter, `report.html`) and a report.
//!
//! The folder can be resumed after a kill at any moment: what was measured before training is kept in it, the
//! snapshot holds the exact state between two steps, and all randomness belongs to the step.

mod begun;
mod dataset;
mod folder;
mod judge;
mod preflight;
mod progress;
mod request;
mod run;
mod summary;

pub(crate) use begun::{Inputs, Places, reached};
pub(crate) use folder::MetricLine;
pub(crate) use preflight::duration;
pub(crate) use request::{Method, TuneRequest};
pub(crate) use run::{Watch, prepare, resume, train};

/// A folder name for a new run on such data.
pub(crate) fn fresh_folder(data: &str) -> std::path::PathBuf {
    folder::RunFolder::fresh(data)
}
