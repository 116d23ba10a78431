//! What a run remembers between steps beside its weights: evaluations so far and the best of them.

use serde::{Deserialize, Serialize};

/// An evaluation on the held-out part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evaluated {
    pub(crate) step: u64,
    pub(crate) loss: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Progress, saved in the snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) evaluations: Vec<Evaluated>,
    /// Step and loss of the best evaluation.
    pub(crate) best: Option<(u64, f64)>,
    /// Evaluations since the best.
    pub(crate) since_best: u64,
    /// Seconds of training so far, over all sittings.
    pub(crate) seconds: f64,
}

impl Progress {
    /// Takes in an evaluation; true when it is the best so far.
    pub(crate) fn take(&mut self, evaluated: Evaluated) -> bool {
        self.evaluations.push(evaluated);
        let better = self.best.is_none_or(|(_, loss)| evaluated.loss < loss);
        if better {
            self.best = Some((evaluated.step, evaluated.loss));
            self.since_best = 0;
        } else {
            self.since_best += 1;
        }
        better
    }
}
