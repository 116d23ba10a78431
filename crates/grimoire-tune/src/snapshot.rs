//! A run between two steps as one file: weights, moments, average, and what the caller wants to remember.
//! Written beside, synced and renamed: whole or absent. What it holds is bits, so that a resumed run goes on
//! as if nothing had happened.

use crate::error::TuneError;
use crate::trainer::Trainer;
use grimoire_format::safetensors::{SafeTensors, Writer};
use grimoire_format::{Dtype, FormatError, TensorSpec};
use grimoire_nn::WeightAverage;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The parts of a parameter that are saved.
const PARTS: [&str; 4] = ["value", "mean", "square", "average"];

/// Saving and resuming of runs.
#[derive(Debug)]
pub struct Snapshot;

impl Snapshot {
    /// Writes the run to `path`; `remember` is any text the caller wants back (progress, best loss).
    ///
    /// # Errors
    /// When the file cannot be written; an older file at `path` is then still whole.
    pub fn save(path: &Path, trainer: &Trainer, remember: &str) -> Result<(), TuneError> {
        let averages = trainer.average.as_ref().map(WeightAverage::sums);
        let mut specs = Vec::new();
        let mut values: Vec<&[f32]> = Vec::new();
        for param in trainer.params.iter() {
            let index = param.id.index();
            let parts = [
                Some(param.values),
                Some(&trainer.state.means[index][..]),
                Some(&trainer.state.squares[index][..]),
                averages.map(|sums| &sums[index][..]),
            ];
            for (name, part) in PARTS.into_iter().zip(parts) {
                let Some(part) = part else { continue };
                let shape = param.shape.to_vec();
                specs.push(TensorSpec {
                    name: format!("{}.{name}", param.name),
                    dtype: Dtype::F32,
                    shape,
                });
                values.push(part);
            }
        }
        let metadata = BTreeMap::from([
            ("steps".to_owned(), trainer.state.steps.to_string()),
            ("averaged_steps".to_owned(), averaged_steps(trainer).to_string()),
            ("remember".to_owned(), remember.to_owned()),
        ]);
        let mut writer = Writer::create(path, &metadata, &specs)?;
        for (spec, values) in specs.iter().zip(values) {
            for piece in values.chunks(1 << 16) {
                let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
                writer.append(&spec.name, &bytes)?;
            }
        }
        writer.finish()?;
        Ok(())
    }

    /// Reads a run back into `trainer`, a fresh start of the same model and settings, whose memory it takes. Returns the
    /// run and what was remembered.
    ///
    /// # Errors
    /// A file that cannot be read, or of a run with other parameters.
    pub fn resume(path: &Path, mut trainer: Trainer) -> Result<(Trainer, String), TuneError> {
        let file = SafeTensors::open(path)?;
        let wrong = |reason: String| TuneError::Snapshot { path: path.to_owned(), reason };
        let number = |key: &str| -> Result<u64, TuneError> {
            let text = file.metadata().get(key).map(String::as_str).unwrap_or_default();
            text.parse().map_err(|_| wrong(format!("{key}: expected a number, found {text:?}")))
        };
        let io = |source| FormatError::Io { path: path.to_owned(), action: "read", source };
        let mut bytes = File::open(path).map_err(io)?;
        // Read, not mapped: pages of a map would count beside what they are copied to.
        let mut read = |name: &str, part: &str, shape: &[usize], out: &mut [f32]| {
            let tensor = file.tensor(&format!("{name}.{part}"))?;
            if (tensor.shape(), tensor.dtype()) != (shape, Dtype::F32) {
                let found = (tensor.dtype(), tensor.shape());
                return Err(wrong(format!(
                    "{name}: expected F32 {shape:?}, found {} {:?}: another run",
                    found.0, found.1
                )));
            }
            values_at(&mut bytes, tensor.range().start, out).map_err(io)?;
            Ok(())
        };
        let averaged = trainer.average.take().is_some();
        let expected = trainer.params.len() * if averaged { 4 } else { 3 };
        if file.tensors().len() != expected {
            let found = file.tensors().len();
            return Err(wrong(format!("expected {expected} tensors, found {found}: another run")));
        }
        let mut sums = Vec::new();
        let all: Vec<_> =
            trainer.params.iter().map(|p| (p.id, p.name.to_owned(), p.shape.to_vec())).collect();
        for (id, name, shape) in all {
            read(&name, "value", &shape, trainer.params.values_mut(id))?;
            read(&name, "mean", &shape, &mut trainer.state.means[id.index()])?;
            read(&name, "square", &shape, &mut trainer.state.squares[id.index()])?;
            if averaged {
                let mut sum = vec![0.0; shape.iter().product()];
                read(&name, "average", &shape, &mut sum)?;
                sums.push(sum);
            }
        }
        trainer.state.steps = number("steps")?;
        if let (Some(beta), true) = (trainer.plan().ema, averaged) {
            let steps = number("averaged_steps")?;
            trainer.average = Some(WeightAverage::resume(&trainer.params, beta, steps, sums));
        }
        Ok((trainer, file.metadata().get("remember").cloned().unwrap_or_default()))
    }
}

/// Values in little-endian order from this place on.
fn values_at(file: &mut File, place: usize, out: &mut [f32]) -> std::io::Result<()> {
    let mut room = vec![0; 1 << 16];
    file.seek(SeekFrom::Start(place as u64))?;
    for out in out.chunks_mut(room.len() / size_of::<f32>()) {
        let bytes = &mut room[..size_of_val(out)];
        file.read_exact(bytes)?;
        for (out, four) in out.iter_mut().zip(bytes.as_chunks().0) {
            *out = f32::from_le_bytes(*four);
        }
    }
    Ok(())
}

fn averaged_steps(trainer: &Trainer) -> u64 {
    trainer.average.as_ref().map_or(0, WeightAverage::steps)
}
