//! What a run was asked to do: everything that decides its bytes, saved as `run.json` and read back to resume.

use super::begun::{Inputs, Places};
use crate::failure::{Failure, Outcome};
use grimoire_models::Precision;
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tune::Plan;
use grimoire_tune::adapter::LoraSettings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What becomes trainable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// Low-rank adapters on the linear layers.
    Lora,
    /// Every weight, in f32.
    Full,
}

/// A request, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TuneRequest {
    pub(crate) model: String,
    pub(crate) data: String,
    pub(crate) eval: Option<String>,
    pub(crate) out: PathBuf,
    pub(crate) method: Method,
    pub(crate) rank: usize,
    pub(crate) alpha: f64,
    pub(crate) rslora: bool,
    pub(crate) targets: Vec<String>,
    pub(crate) steps: Option<u64>,
    pub(crate) epochs: f64,
    pub(crate) batch: usize,
    pub(crate) micro_tokens: usize,
    pub(crate) rate: f64,
    pub(crate) schedule: String,
    pub(crate) warmup: f64,
    pub(crate) decay: f64,
    pub(crate) clip: f64,
    pub(crate) ema: Option<f64>,
    pub(crate) max_tokens: usize,
    pub(crate) train_on_prompt: bool,
    pub(crate) no_template: bool,
    pub(crate) prompt_field: Option<String>,
    pub(crate) completion_field: Option<String>,
    pub(crate) text_field: Option<String>,
    pub(crate) eval_every: Option<u64>,
    pub(crate) save_every: u64,
    pub(crate) patience: Option<u64>,
    pub(crate) answers: usize,
    pub(crate) answer_tokens: usize,
    pub(crate) seed: u64,
    /// `auto` or `f32`.
    pub(crate) precision: String,
    #[serde(default)]
    pub(crate) places: Places,
    #[serde(default)]
    pub(crate) inputs: Inputs,
}

impl TuneRequest {
    /// Checks ranges; what is typed wrong is told before anything is loaded.
    pub(crate) fn check(&self) -> Outcome {
        let wrong = |option: &str, value: String, expected: &str| {
            Err(Failure::usage(format!("--{option} {value}: expected {expected}")))
        };
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if self.rank == 0 {
            return wrong("rank", "0".into(), "at least 1");
        }
        if !positive(self.alpha) {
            return wrong("alpha", self.alpha.to_string(), "a positive number");
        }
        if self.batch == 0 {
            return wrong("batch", "0".into(), "at least 1");
        }
        if self.micro_tokens == 0 {
            return wrong("micro-tokens", "0".into(), "at least 1");
        }
        if !positive(self.rate) {
            return wrong("rate", self.rate.to_string(), "a positive number, such as 5e-4");
        }
        if !positive(self.epochs) {
            return wrong("epochs", self.epochs.to_string(), "a positive number");
        }
        if self.steps == Some(0) {
            return wrong("steps", "0".into(), "at least 1");
        }
        if !(0.0..1.0).contains(&self.warmup) {
            return wrong("warmup", self.warmup.to_string(), "a share of the steps, 0 to 1");
        }
        if !(0.0..1.0).contains(&self.decay) {
            return wrong("weight-decay", self.decay.to_string(), "0 to 1");
        }
        if !(self.clip.is_finite() && self.clip >= 0.0) {
            return wrong("clip", self.clip.to_string(), "a positive number, or 0 not to clip");
        }
        if let Some(beta) = self.ema.filter(|beta| !(*beta > 0.0 && *beta < 1.0)) {
            return wrong("ema", beta.to_string(), "a number between 0 and 1, such as 0.99");
        }
        if self.max_tokens < 2 {
            return wrong("max-length", self.max_tokens.to_string(), "at least 2");
        }
        self.check_counts()
    }

    fn check_counts(&self) -> Outcome {
        let counts = [
            ("save-every", Some(self.save_every)),
            ("eval-every", self.eval_every),
            ("patience", self.patience),
        ];
        match counts.iter().find(|(_, count)| *count == Some(0)) {
            Some((option, _)) => Err(Failure::usage(format!("--{option} 0: expected at least 1"))),
            None => Ok(()),
        }
    }

    /// Tokens that a row may have, and what sets that limit.
    pub(crate) fn longest_row(&self, context: usize) -> (usize, &'static str) {
        if context < self.max_tokens {
            return (context, "the model's context");
        }
        (self.max_tokens, "--max-length")
    }

    /// The settings of adapters.
    pub(crate) fn lora(&self) -> LoraSettings {
        LoraSettings {
            rank: self.rank,
            alpha: self.alpha,
            rslora: self.rslora,
            targets: self.targets.clone(),
        }
    }

    /// How many steps, for so many rows: as asked, else the epochs, but at most 300 unless asked.
    pub(crate) fn total_steps(&self, rows: usize) -> u64 {
        let epochs = (rows as f64 * self.epochs / self.batch as f64).ceil() as u64;
        self.steps.unwrap_or(epochs.clamp(1, 300))
    }

    /// The plan of the trainer.
    pub(crate) fn plan(&self, rows: usize) -> Plan {
        let total = self.total_steps(rows);
        let decay = match self.schedule.as_str() {
            "constant" => Decay::Constant,
            "linear" => Decay::Linear,
            _ => Decay::Cosine,
        };
        Plan {
            batch: self.batch,
            micro_tokens: self.micro_tokens,
            rate: self.rate,
            schedule: Schedule {
                warmup: (total as f64 * self.warmup).round() as usize,
                total: total as usize,
                decay,
            },
            adamw: AdamW { decay: self.decay, ..AdamW::default() },
            clip: (self.clip > 0.0).then_some(self.clip),
            ema: self.ema,
            seed: self.seed,
            precision: self.exactness(),
        }
    }

    /// How exactly gradients and answers are computed.
    pub(crate) fn exactness(&self) -> Precision {
        if self.precision == "f32" { Precision::F32 } else { Precision::Fast }
    }

    /// How it is trained, in a line.
    pub(crate) fn method_line(&self) -> String {
        match self.method {
            Method::Full => "full fine-tuning, all weights in f32".to_owned(),
            Method::Lora => {
                let layers = if self.targets.is_empty() {
                    "all linear layers".to_owned()
                } else {
                    self.targets.join(", ")
                };
                let kind = if self.rslora { "rsLoRA" } else { "LoRA" };
                format!("{kind}, rank {}, alpha {}, {layers}", self.rank, self.alpha)
            }
        }
    }
}
