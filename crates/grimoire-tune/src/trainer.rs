//! The training loop, one step at a time: the caller decides what happens between steps.
//!
//! A step takes `batch` documents, packs them into micro-batches, adds up the gradients, divides by the
//! number of scored tokens of the whole step (so the gradient is that of one large batch, however it is cut),
//! clips, and moves the weights.

use crate::error::TuneError;
use crate::order::rows_of_step;
use crate::sequence::{MicroBatch, Sequence, micro_batches};
use grimoire_models::Model;
use grimoire_nn::{AdamW, AdamWState, Schedule, WeightAverage, clip_factor};
use grimoire_tensor::ops::{cross_entropy, select_rows};
use grimoire_tensor::{Buffer, Gradients, Params, Precision, Tape};

/// Everything that decides what a run computes, apart from model and data.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Documents a step.
    pub batch: usize,
    /// Most tokens in a micro-batch: bounds memory, not the result of a step by more than rounding.
    pub micro_tokens: usize,
    /// Peak learning rate.
    pub rate: f64,
    /// Its course.
    pub schedule: Schedule,
    /// Optimiser.
    pub adamw: AdamW,
    /// Limit on the norm of the gradient.
    pub clip: Option<f64>,
    /// Decay of the average of weights, when one is kept.
    pub ema: Option<f64>,
    /// Seed of the order of rows.
    pub seed: u64,
    /// How exactly gradients are computed; losses are in f32 always.
    pub precision: Precision,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Steps taken, this one included.
    pub step: u64,
    /// Mean negative log-likelihood of the scored tokens before the step, in nats.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate.
    pub rate: f64,
    /// Tokens read.
    pub tokens: usize,
    /// Tokens scored.
    pub scored: usize,
}

/// A run between two steps.
#[derive(Debug)]
pub struct Trainer {
    /// The trainable values.
    pub params: Params,
    /// Moments of the optimiser.
    pub state: AdamWState,
    /// The average of weights, when one is kept.
    pub average: Option<WeightAverage>,
    plan: Plan,
    gradients: Gradients,
}

impl Trainer {
    /// Before the first step.
    pub fn new(params: Params, plan: Plan) -> Self {
        Self {
            state: AdamWState::new(&params),
            average: plan.ema.map(|beta| WeightAverage::new(&params, beta)),
            gradients: Gradients::zeros(&params),
            params,
            plan,
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights to use: the average when one is kept, else the trained ones.
    pub fn weights(&self) -> Params {
        // What a step used goes first: these are one more copy.
        Buffer::release();
        self.average.as_ref().map_or_else(|| self.params.clone(), |a| a.averaged(&self.params))
    }

    /// [`Trainer::weights`] at the end of a run: all else is let go of.
    pub fn into_weights(self) -> Params {
        match self.average {
            Some(average) => average.averaged(&self.params),
            None => self.params,
        }
    }

    /// Runs a micro-batch forward and backward and forgets the outcome: how long a step takes, before the first.
    pub fn rehearse(&mut self, model: &Model, micro: &MicroBatch) {
        self.learn(model, micro, 1.0);
        self.gradients.clear();
    }

    /// Adds the gradient of a micro-batch whose tokens count `weight` each; returns its summed loss.
    fn learn(&mut self, model: &Model, micro: &MicroBatch, weight: f32) -> f64 {
        let tape = Tape::new(&self.params).with_precision(self.plan.precision);
        let weights = vec![weight; micro.rows.len()];
        // Nothing outlives its use: what the way back needs is on the tape.
        let loss = {
            let hidden = select_rows(&tape, &model.hidden(&tape, &micro.batch), &micro.rows);
            cross_entropy(&tape, &hidden, model.head(), &micro.targets, &weights)
        };
        tape.backward(&loss.total, vec![1.0], &mut self.gradients);
        loss.nll.iter().map(|nll| f64::from(*nll)).sum()
    }

    /// One step on the rows that are next in order.
    ///
    /// # Errors
    /// A loss or gradient that is not finite; the weights are then as before the step.
    pub fn step(&mut self, model: &Model, data: &[Sequence]) -> Result<StepReport, TuneError> {
        let rows = rows_of_step(data.len(), self.plan.batch, self.plan.seed, self.steps());
        let sequences: Vec<&Sequence> = rows.iter().map(|row| &data[*row]).collect();
        self.step_on(model, &sequences)
    }

    /// One step on given documents.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn step_on(
        &mut self,
        model: &Model,
        sequences: &[&Sequence],
    ) -> Result<StepReport, TuneError> {
        let step = self.steps() + 1;
        let scored: usize = sequences.iter().map(|sequence| sequence.n_scored()).sum();
        if scored == 0 {
            return Err(TuneError::Empty);
        }
        self.gradients.clear();
        let (mut loss, mut tokens) = (0.0, 0);
        let weight = 1.0 / scored as f32;
        for micro in micro_batches(sequences, self.plan.micro_tokens) {
            tokens += micro.batch.len();
            if micro.rows.is_empty() {
                continue;
            }
            loss += self.learn(model, &micro, weight);
        }
        let loss = loss / scored as f64;
        let norm = self.gradients.norm();
        for (what, value) in [("loss", loss), ("gradient norm", norm)] {
            if !value.is_finite() {
                return Err(TuneError::NotFinite { step, what, value });
            }
        }
        let rate = self.plan.rate * self.plan.schedule.factor(self.steps() as usize);
        let scale = clip_factor(norm, self.plan.clip);
        self.state.step(&self.plan.adamw, rate, scale, &mut self.params, &self.gradients);
        if let Some(average) = &mut self.average {
            average.update(&self.params);
        }
        Ok(StepReport { step, loss, gradient_norm: norm, rate, tokens, scored })
    }
}
