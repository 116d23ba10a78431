//! The angles of the rotary embedding and their scalings to longer contexts.
//!
//! Sources: Su et al., 2021 (plain); Chen et al., 2023 (linear); the Llama 3.1 model card (llama3); Peng et
//! al., 2023, "YaRN", sections 3.2 to 3.4; the divisors that GGUF files carry (`rope_freqs.weight`).
//! Frequencies and angles are computed in f64 and rounded once.

use grimoire_tensor::RopePairs;
use grimoire_tensor::ops::Angles;
use std::f64::consts::PI;

/// How frequencies are stretched beyond the context of pre-training.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All by one factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Long waves by the factor, short ones not at all, those between in part.
    Llama3 {
        /// The factor.
        factor: f64,
        /// Waves longer than `original / low` are long.
        low: f64,
        /// Waves shorter than `original / high` are short.
        high: f64,
        /// Context of pre-training.
        original: f64,
    },
    /// By how often a pair turns within the original context, with a correction of the attention.
    Yarn {
        /// The factor.
        factor: f64,
        /// Context of pre-training.
        original: f64,
        /// Pairs that turn more often than this keep their frequency.
        beta_fast: f64,
        /// Pairs that turn less often than this are stretched in full.
        beta_slow: f64,
        /// Factor on cosines and sines.
        attention: f64,
    },
    /// A divisor for each pair, as GGUF files carry.
    Divisors(Vec<f64>),
}

/// The rotary embedding of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotary {
    /// Base of the frequencies.
    pub base: f64,
    /// Number of rotated values of a head.
    pub dims: usize,
    /// Which values turn together.
    pub pairs: RopePairs,
    /// Stretching.
    pub scaling: Scaling,
}

impl Rotary {
    /// Angle per position of each pair, `dims/2` of them.
    pub fn frequencies(&self) -> Vec<f64> {
        let half = self.dims / 2;
        let plain = |i: usize| self.base.powf(-2.0 * i as f64 / self.dims as f64);
        (0..half)
            .map(|i| match &self.scaling {
                Scaling::None => plain(i),
                Scaling::Linear { factor } => plain(i) / factor,
                Scaling::Divisors(divisors) => plain(i) / divisors[i],
                Scaling::Llama3 { factor, low, high, original } => {
                    llama3(plain(i), *factor, *low, *high, *original)
                }
                Scaling::Yarn { factor, original, beta_fast, beta_slow, .. } => {
                    // The pair that turns `turns` times within the original context.
                    let pair_of = |turns: f64| {
                        self.dims as f64 * (original / (turns * 2.0 * PI)).ln()
                            / (2.0 * self.base.ln())
                    };
                    let first = pair_of(*beta_fast).floor().max(0.0);
                    let last = pair_of(*beta_slow).ceil().min(self.dims as f64 - 1.0);
                    let span = if first == last { 0.001 } else { last - first };
                    let stretched = ((i as f64 - first) / span).clamp(0.0, 1.0);
                    plain(i) * (stretched / factor + 1.0 - stretched)
                }
            })
            .collect()
    }

    /// Cosines and sines for some positions.
    pub fn angles(&self, positions: &[usize]) -> Angles {
        let frequencies = self.frequencies();
        let size = match self.scaling {
            Scaling::Yarn { attention, .. } => attention,
            _ => 1.0,
        };
        let half = frequencies.len();
        let mut cos = Vec::with_capacity(positions.len() * half);
        let mut sin = Vec::with_capacity(positions.len() * half);
        for position in positions {
            for frequency in &frequencies {
                let (s, c) = (*position as f64 * frequency).sin_cos();
                cos.push((c * size) as f32);
                sin.push((s * size) as f32);
            }
        }
        Angles { cos: cos.into(), sin: sin.into(), half, pairs: self.pairs }
    }
}

fn llama3(plain: f64, factor: f64, low: f64, high: f64, original: f64) -> f64 {
    let wave = 2.0 * PI / plain;
    if wave < original / high {
        plain
    } else if wave > original / low {
        plain / factor
    } else {
        let smooth = (original / wave - low) / (high - low);
        (1.0 - smooth) * plain / factor + smooth * plain
    }
}
