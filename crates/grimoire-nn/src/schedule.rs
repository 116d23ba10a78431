//! The learning rate by step: a linear warm-up, then a decay.

use std::f64::consts::PI;

/// How the rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// Not at all.
    Constant,
    /// In a straight line to zero at the last step.
    Linear,
    /// Along half a cosine to zero at the last step (Loshchilov and Hutter, 2017, equation 5).
    Cosine,
}

/// The factor on the learning rate at each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps over which the rate rises from zero.
    pub warmup: usize,
    /// All steps, warm-up included.
    pub total: usize,
    /// What happens after the warm-up.
    pub decay: Decay,
}

impl Schedule {
    /// The factor at `step`, counted from zero, as `transformers` has it: `step / warmup` while warming up,
    /// and the decay over the rest.
    pub fn factor(&self, step: usize) -> f64 {
        if step < self.warmup {
            return step as f64 / self.warmup as f64;
        }
        let rest = self.total.saturating_sub(self.warmup).max(1) as f64;
        let done = ((step - self.warmup) as f64 / rest).min(1.0);
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Linear => 1.0 - done,
            Decay::Cosine => 0.5 * (1.0 + (PI * done).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    /// Values of transformers' get_linear_schedule_with_warmup and get_cosine_schedule_with_warmup by hand:
    /// four steps of warm-up of twelve.
    #[test]
    fn rises_then_falls() {
        let schedule = |decay| Schedule { warmup: 4, total: 12, decay };
        for (step, linear, cosine) in [
            (0, 0.0, 0.0),
            (1, 0.25, 0.25),
            (4, 1.0, 1.0),
            (8, 0.5, 0.5),
            (10, 0.25, 0.146_446_609_406_726_24),
            (12, 0.0, 0.0),
            (99, 0.0, 0.0),
        ] {
            close(schedule(Decay::Linear).factor(step), linear, 1e-15, 1e-15);
            close(schedule(Decay::Cosine).factor(step), cosine, 1e-15, 1e-15);
        }
        close(schedule(Decay::Constant).factor(99), 1.0, 0.0, 0.0);
        close(Schedule { warmup: 0, total: 0, decay: Decay::Linear }.factor(0), 1.0, 0.0, 0.0);
    }
}
