//! The choice of the next token from logits: greedy, or a draw after temperature, top-k, top-p and min-p,
//! with a penalty on repetition. Draws are a function of (seed, sequence, step), so that the same seed
//! gives the same text for any number of threads and any company in the batch.
//!
//! Order as in `transformers`: repetition penalty, temperature, top-k, top-p (Holtzman et al., 2020), min-p
//! (Nguyen et al., 2024).

use grimoire_stats::random::Random;

/// How tokens are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; zero chooses the likeliest token.
    pub temperature: f64,
    /// Keeps the likeliest so many; zero keeps all.
    pub top_k: usize,
    /// Keeps the likeliest that together have this probability; one keeps all.
    pub top_p: f64,
    /// Keeps what is at least this share of the likeliest; zero keeps all.
    pub min_p: f64,
    /// Divides positive and multiplies negative logits of tokens that occurred (Keskar et al., 2019); one does
    /// nothing.
    pub repetition_penalty: f64,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }
}

impl Sampling {
    /// Chooses the next token of a sequence.
    ///
    /// # Shapes
    /// `logits` `[vocabulary]`, changed in place by the penalty; `seen` the tokens so far.
    pub fn choose(&self, logits: &mut [f32], seen: &[u32], sequence: u64, step: u64) -> u32 {
        self.penalise(logits, seen);
        if self.temperature <= 0.0 {
            return argmax(logits);
        }
        let kept = self.keep(logits);
        let total: f64 = kept.iter().map(|(_, p)| p).sum();
        let mut left = Random::new(self.seed, sequence).uniform(step) * total;
        for (token, p) in &kept {
            left -= p;
            if left <= 0.0 {
                return *token;
            }
        }
        kept.last().map_or(0, |(token, _)| *token)
    }

    fn penalise(&self, logits: &mut [f32], seen: &[u32]) {
        if self.repetition_penalty == 1.0 {
            return;
        }
        let penalty = self.repetition_penalty as f32;
        let mut unique = seen.to_vec();
        unique.sort_unstable();
        unique.dedup();
        for token in unique {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    /// The tokens that may be drawn, likeliest first, with probabilities relative to the likeliest's.
    fn keep(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: f32| (f64::from(logit - top) / self.temperature).exp();
        let mut kept: Vec<(u32, f64)> = logits
            .iter()
            .enumerate()
            .map(|(token, logit)| (token as u32, weight(*logit)))
            .collect();
        // Likeliest first; equals by token, so that the order is one.
        kept.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.top_k > 0 {
            kept.truncate(self.top_k);
        }
        if self.top_p < 1.0 {
            let total: f64 = kept.iter().map(|(_, p)| p).sum();
            let mut mass = 0.0;
            let enough = kept.iter().position(|(_, p)| {
                mass += p / total;
                mass >= self.top_p
            });
            kept.truncate(enough.map_or(kept.len(), |last| last + 1));
        }
        kept.retain(|(_, p)| *p >= self.min_p);
        kept
    }
}

/// The first of the largest.
fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(sampling: &Sampling, logits: &[f32], n: u64) -> Vec<f64> {
        let mut counts = vec![0.0; logits.len()];
        for step in 0..n {
            let token = sampling.choose(&mut logits.to_vec(), &[], 0, step);
            counts[token as usize] += 1.0 / n as f64;
        }
        counts
    }

    /// Probabilities ½, ¼, ⅛, ⅛: frequencies of 20,000 draws stay within four standard errors (0.0035 each).
    #[test]
    fn draws_follow_the_probabilities() {
        let logits: Vec<f32> = [0.5f32, 0.25, 0.125, 0.125].iter().map(|p| p.ln()).collect();
        let plain = Sampling { temperature: 1.0, seed: 7, ..Sampling::default() };
        for (share, expected) in
            draw(&plain, &logits, 20_000).into_iter().zip([0.5, 0.25, 0.125, 0.125])
        {
            assert!((share - expected).abs() < 0.0142, "{share} is not {expected}");
        }
        let top_k = Sampling { top_k: 2, ..plain.clone() };
        let shares = draw(&top_k, &logits, 20_000);
        assert!(shares[2] == 0.0 && shares[3] == 0.0 && (shares[0] - 2.0 / 3.0).abs() < 0.0142);
        let top_p = Sampling { top_p: 0.7, ..plain.clone() };
        assert_eq!(draw(&top_p, &logits, 1_000)[2..], [0.0, 0.0]);
        let min_p = Sampling { min_p: 0.4, ..plain.clone() };
        assert_eq!(draw(&min_p, &logits, 1_000)[2..], [0.0, 0.0]);
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest_and_the_penalty_turns_it() {
        let sampling = Sampling::default();
        assert_eq!(sampling.choose(&mut [1.0, 3.0, 3.0], &[], 0, 0), 1);
        let penalised = Sampling { repetition_penalty: 2.0, ..Sampling::default() };
        assert_eq!(penalised.choose(&mut [2.0, 3.0, -1.0], &[1, 1], 0, 0), 0);
    }
}
