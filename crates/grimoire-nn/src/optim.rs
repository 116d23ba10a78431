//! AdamW (Loshchilov and Hutter, 2019) over all parameters, and clipping by the global norm.

use grimoire_kernels::rows;
use grimoire_tensor::{Gradients, Params};
use rayon::prelude::*;

/// Values in a piece: work is cut by fixed sizes, so the result does not depend on the threads.
const PIECE: usize = 1 << 16;

/// The constants of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Decoupled weight decay: each step first shrinks a weight by `rate · decay`.
    pub decay: f64,
}

impl Default for AdamW {
    /// PyTorch's defaults, but no decay: adapters are small enough to need none.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 }
    }
}

/// The two moments of every parameter and the number of steps taken.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWState {
    /// Steps taken.
    pub steps: u64,
    /// Means of gradients, by parameter.
    pub means: Vec<Vec<f32>>,
    /// Means of squared gradients, by parameter.
    pub squares: Vec<Vec<f32>>,
}

impl AdamWState {
    /// Before the first step.
    pub fn new(params: &Params) -> Self {
        let zeros = || params.iter().map(|p| vec![0.0; p.values.len()]).collect();
        Self { steps: 0, means: zeros(), squares: zeros() }
    }

    /// One step with learning rate `rate`; gradients count `gradient_scale` times (see [`clip_factor`]).
    /// Vectors (norm gains, biases) do not decay, as is the custom.
    ///
    /// # Panics
    /// When the state is not of the shapes of the parameters.
    pub fn step(
        &mut self,
        config: &AdamW,
        rate: f64,
        gradient_scale: f64,
        params: &mut Params,
        gradients: &Gradients,
    ) {
        self.steps += 1;
        let t = self.steps as f64;
        let ids: Vec<_> = params.iter().map(|p| (p.id, p.shape.len() < 2)).collect();
        assert_eq!(ids.len(), self.means.len(), "adamw: state of another set of parameters");
        for (id, vector) in ids {
            let step = rows::AdamW {
                rate: rate as f32,
                beta1: config.beta1 as f32,
                beta2: config.beta2 as f32,
                epsilon: config.epsilon as f32,
                decay: if vector { 0.0 } else { config.decay as f32 },
                correction1: (1.0 - config.beta1.powf(t)) as f32,
                correction2: (1.0 - config.beta2.powf(t)) as f32,
                gradient_scale: gradient_scale as f32,
            };
            let (mean, square) = (&mut self.means[id.index()], &mut self.squares[id.index()]);
            params
                .values_mut(id)
                .par_chunks_mut(PIECE)
                .zip(gradients.of(id).par_chunks(PIECE))
                .zip(mean.par_chunks_mut(PIECE))
                .zip(square.par_chunks_mut(PIECE))
                .for_each(|(((w, g), m), v)| rows::adamw(step, w, g, m, v));
        }
    }
}

/// The factor that brings gradients of norm `norm` down to at most `limit`, as PyTorch's
/// `clip_grad_norm_` has it: `limit / (norm + 1e-6)`, at most one.
pub fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    limit.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    /// Two steps of torch.optim.AdamW by its formula in exact arithmetic: w = 1, g = 0.5 then −0.25,
    /// rate 0.1, decay 0.01. Step 1: m̂ = 0.5, √v̂ = 0.5, so w = 0.999 − 0.1 = 0.899.
    /// Step 2: m̂ = (0.9·0.05 − 0.1·0.25)/0.19, v̂ = (0.999·0.00025 + 0.001·0.0625)/0.001999.
    #[test]
    fn follows_the_formula() {
        let mut params = Params::default();
        let id = params.add("w", &[1, 1], vec![1.0]);
        let mut gradients = Gradients::zeros(&params);
        let mut state = AdamWState::new(&params);
        let config = AdamW { decay: 0.01, ..AdamW::default() };
        gradients.of_mut(id)[0] = 0.5;
        state.step(&config, 0.1, 1.0, &mut params, &gradients);
        close(f64::from(params.values(id)[0]), 0.899, 1e-6, 0.0);
        gradients.of_mut(id)[0] = -0.25;
        state.step(&config, 0.1, 1.0, &mut params, &gradients);
        let mean = (0.9 * 0.05 - 0.1 * 0.25) / (1.0 - 0.81);
        let square: f64 = (0.999 * 0.000_25 + 0.001 * 0.0625) / (1.0 - 0.998_001);
        let expected = 0.899 * 0.999 - 0.1 * mean / (square.sqrt() + 1e-8);
        close(f64::from(params.values(id)[0]), expected, 1e-6, 0.0);
    }

    #[test]
    fn clips_only_what_is_too_long() {
        close(clip_factor(0.5, Some(1.0)), 1.0, 0.0, 0.0);
        close(clip_factor(4.0, Some(1.0)), 0.25, 1e-6, 0.0);
        close(clip_factor(4.0, None), 1.0, 0.0, 0.0);
    }
}
