//! An exponential moving average of trained weights, kept beside them: `ā ← β ā + (1 − β) w` after each
//! step, with the bias of the start removed (`ā / (1 − βᵗ)`), so that it is right from the first step.

use grimoire_tensor::Params;

/// The running average of all parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightAverage {
    beta: f64,
    steps: u64,
    sums: Vec<Vec<f32>>,
}

impl WeightAverage {
    /// An average that forgets with factor `beta` per step.
    pub fn new(params: &Params, beta: f64) -> Self {
        Self { beta, steps: 0, sums: params.iter().map(|p| vec![0.0; p.values.len()]).collect() }
    }

    /// An average as it was after `steps` steps.
    ///
    /// # Panics
    /// When the sums are not of the shapes of the parameters.
    pub fn resume(params: &Params, beta: f64, steps: u64, sums: Vec<Vec<f32>>) -> Self {
        assert!(
            sums.len() == params.len()
                && params.iter().zip(&sums).all(|(p, s)| p.values.len() == s.len()),
            "weight average: sums are not of the shapes of the parameters"
        );
        Self { beta, steps, sums }
    }

    /// Takes in the weights after a step.
    pub fn update(&mut self, params: &Params) {
        self.steps += 1;
        let beta = self.beta as f32;
        for (sums, param) in self.sums.iter_mut().zip(params.iter()) {
            for (sum, weight) in sums.iter_mut().zip(param.values) {
                *sum = beta * *sum + (1.0 - beta) * weight;
            }
        }
    }

    /// The average: the parameters themselves before any step.
    pub fn averaged(&self, params: &Params) -> Params {
        let mut averaged = params.clone();
        if self.steps == 0 {
            return averaged;
        }
        let missing = 1.0 - self.beta.powf(self.steps as f64);
        let ids: Vec<_> = params.iter().map(|p| p.id).collect();
        for (id, sums) in ids.into_iter().zip(&self.sums) {
            for (value, sum) in averaged.values_mut(id).iter_mut().zip(sums) {
                *value = (f64::from(*sum) / missing) as f32;
            }
        }
        averaged
    }

    /// How many steps it has seen.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The sums before the correction, for a checkpoint.
    pub fn sums(&self) -> &[Vec<f32>] {
        &self.sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::close;

    /// Bias-corrected average of 1, 2, 4 with β = ½: (1/8 + 2/4 + 4/2) / (7/8) = 3.
    #[test]
    fn weighs_recent_weights_most_and_starts_unbiased() {
        let mut params = Params::default();
        let id = params.add("w", &[1], vec![1.0]);
        let mut average = WeightAverage::new(&params, 0.5);
        for (weight, expected) in [(1.0, 1.0), (2.0, 5.0 / 3.0), (4.0, 3.0)] {
            params.values_mut(id)[0] = weight;
            average.update(&params);
            close(f64::from(average.averaged(&params).values(id)[0]), expected, 1e-6, 0.0);
        }
    }
}
