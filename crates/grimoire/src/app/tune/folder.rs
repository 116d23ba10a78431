//! The folder of a run: what lies where, and how it is written. Every file but `metrics.jsonl` is written
//! beside and renamed; that one is cut back to the snapshot when a run goes on.

use crate::failure::{Failure, Outcome};
use grimoire_format::write_atomic;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    path: PathBuf,
}

/// A line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize)]
pub(crate) struct MetricLine {
    pub(crate) step: u64,
    pub(crate) loss: f64,
    pub(crate) rate: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) tokens: usize,
    pub(crate) scored: usize,
    pub(crate) seconds: f64,
}

impl RunFolder {
    /// Refuses a place where no run can be begun, before anything is computed for it.
    pub(crate) fn refuse_unusable(path: &Path) -> Outcome {
        Self::refuse_taken(path)?;
        let named = |folder: &Path| !folder.as_os_str().is_empty();
        let above = path.ancestors().filter(|folder| named(folder)).find(|folder| folder.exists());
        let probe =
            above.unwrap_or(Path::new(".")).join(format!(".grimoire-{}", std::process::id()));
        std::fs::create_dir(&probe).and_then(|()| std::fs::remove_dir(&probe)).map_err(|error| {
            Failure::work(format!("{}: cannot create: {error}", path.display()))
                .hint("--out names a folder for the run")
        })
    }

    fn refuse_taken(path: &Path) -> Outcome {
        if path.join("run.json").exists() {
            return Err(Failure::work(format!("{}: a run is there already", path.display())).hint(
                format!("go on with it by --resume {}, or choose another --out", path.display()),
            ));
        }
        Ok(())
    }

    /// Makes a new folder.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        Self::refuse_taken(path)?;
        std::fs::create_dir_all(path).map_err(|error| {
            Failure::work(format!("{}: cannot create: {error}", path.display()))
        })?;
        Ok(Self { path: path.to_owned() })
    }

    /// Opens the folder of a run that was begun.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        if !path.join("run.json").is_file() {
            return Err(Failure::work(format!(
                "{}: no run.json: not the folder of a run",
                path.display()
            ))
            .hint("--resume takes the folder that `grimoire tune` wrote"));
        }
        let folder = Self { path: path.to_owned() };
        folder.sweep();
        Ok(folder)
    }

    /// Removes what a killed run was writing beside its files: it never got a name.
    fn sweep(&self) {
        for folder in [self.path.clone(), self.file("adapter"), self.file("model")] {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with('.') && name.ends_with(".tmp") {
                    // What cannot be removed stays in nobody's way.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
    }

    /// A first free name for a run on such data.
    pub(crate) fn fresh(data: &str) -> PathBuf {
        let stem = Path::new(data).file_stem().map_or("data".into(), |stem| stem.to_string_lossy());
        let stem = stem.split('.').next().unwrap_or("data").to_owned();
        (1..)
            .map(|n| PathBuf::from(format!("grimoire-runs/{stem}-{n}")))
            .find(|path| !path.join("run.json").exists())
            .unwrap_or_default()
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The snapshot to resume from.
    pub(crate) fn state(&self) -> PathBuf {
        self.file("state.safetensors")
    }

    /// The snapshot of the best step.
    pub(crate) fn best(&self) -> PathBuf {
        self.file("best.safetensors")
    }

    /// Writes a value as JSON.
    pub(crate) fn write<T: Serialize>(&self, name: &str, value: &T) -> Outcome {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(write_atomic(self.file(name), text.as_bytes())?)
    }

    /// Writes a text.
    pub(crate) fn write_text(&self, name: &str, text: &str) -> Outcome {
        Ok(write_atomic(self.file(name), text.as_bytes())?)
    }

    /// Reads a value back; none when the file is not there.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Outcome<Option<T>> {
        let path = self.file(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        let value = serde_json::from_str(&text)
            .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        Ok(Some(value))
    }

    /// Appends a line to `metrics.jsonl`.
    pub(crate) fn append_metric(&self, line: &MetricLine) -> Outcome {
        let path = self.file("metrics.jsonl");
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| Failure::work(format!("{}: cannot write: {error}", path.display())))
    }

    /// The lines of `metrics.jsonl` up to `step`, and the file cut back to them: a killed run may have written
    /// more, and a part of a line.
    pub(crate) fn metrics_up_to(&self, step: u64) -> Outcome<Vec<MetricLine>> {
        let path = self.file("metrics.jsonl");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<MetricLine> = text
            .lines()
            .map_while(|line| serde_json::from_str::<MetricLine>(line).ok())
            .take_while(|line| line.step <= step)
            .collect();
        let mut kept = String::new();
        for line in &lines {
            kept.push_str(&serde_json::to_string(line)?);
            kept.push('\n');
        }
        if kept != text {
            self.write_text("metrics.jsonl", &kept)?;
        }
        Ok(lines)
    }
}
