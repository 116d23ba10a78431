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
        /// Whether the ramp between the two begins and ends at whole pairs (`truncate`).
        whole_pairs: bool,
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
                Scaling::Yarn { factor, original, beta_fast, beta_slow, whole_pairs, .. } => {
                    // The pair that turns `turns` times within the original context.
                    let pair_of = |turns: f64| {
                        self.dims as f64 * (original / (turns * 2.0 * PI)).ln()
                            / (2.0 * self.base.ln())
                    };
                    let (mut first, mut last) = (pair_of(*beta_fast), pair_of(*beta_slow));
                    if *whole_pairs {
                        (first, last) = (first.floor(), last.ceil());
                    }
                    let (first, last) = (first.max(0.0), last.min(self.dims as f64 - 1.0));
                    let span = if first == last { 0.001 } else { last - first };
                    let stretched = ((i as f64 - first) / span).clamp(0.0, 1.0);
                    plain(i) * (stretched / factor + 1.0 - stretched)
                }
            })
            .collect()
    }

    /// Factor, low, high and original context of Llama 3's formula, where it gives these divisors. A GGUF file
    /// holds what the formula gave and not what it was given; low, high and original count by their ratios alone,
    /// so the published ones are tried first, and else the `context` is taken to be the original one stretched.
    pub(crate) fn llama3_of(&self, divisors: &[f64], context: usize) -> Option<[f64; 4]> {
        let factor = divisors.iter().copied().fold(1.0, f64::max);
        let original = (context as f64 / factor).round().max(1.0);
        let plain = Self { scaling: Scaling::None, ..self.clone() }.frequencies();
        // s = (original/wave − low)/(high − low), cut to 0 and 1: a line through two neighbours with different s.
        let points: Vec<(f64, f64)> = (plain.iter().zip(divisors))
            .map(|(plain, d)| (plain / (2.0 * PI), (1.0 / d - 1.0 / factor) / (1.0 - 1.0 / factor)))
            .collect();
        let lines = points.windows(2).filter(|two| two[0].1 != two[1].1).map(|two| {
            let slope = (two[1].1 - two[0].1) / (two[1].0 - two[0].0);
            let low = (two[0].0 - two[0].1 / slope) * original;
            [factor, low, low + original / slope, original]
        });
        let usual = [8192.0, original].map(|original| [factor, 1.0, 4.0, original]);
        usual.into_iter().chain(lines).find(|[factor, low, high, original]| {
            plain.iter().zip(divisors).all(|(plain, divisor)| {
                let ours = plain / llama3(*plain, *factor, *low, *high, *original);
                // The file has the divisors in f32.
                (ours / divisor - 1.0).abs() < 1e-6
            })
        })
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

/// The factor on the attention that YaRN recommends (section 3.4).
pub(crate) fn yarn_attention(factor: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * factor.ln() + 1.0 }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a GGUF file keeps of Llama 3's settings gives them back: the published ones as they are, others with
    /// another original context and the same ratios.
    #[test]
    fn llama3_is_found_in_its_divisors() {
        let rotary =
            |dims, scaling| Rotary { base: 500_000.0, dims, pairs: RopePairs::Neighbours, scaling };
        let divisors = |dims, factor, low, high, original| -> Vec<f64> {
            let scaling = Scaling::Llama3 { factor, low, high, original };
            let stretched = rotary(dims, scaling).frequencies();
            let plain = rotary(dims, Scaling::None).frequencies();
            plain.iter().zip(stretched).map(|(p, s)| f64::from((p / s) as f32)).collect()
        };
        let plain = rotary(64, Scaling::None);
        let published = divisors(64, 32.0, 1.0, 4.0, 8192.0);
        assert_eq!(plain.llama3_of(&published, 131_072), Some([32.0, 1.0, 4.0, 8192.0]));
        let found = plain.llama3_of(&divisors(64, 8.0, 2.0, 9.0, 1024.0), 4096).unwrap_or_default();
        for (found, ratio) in
            [(found[1] / found[3], 2.0 / 1024.0), (found[2] / found[3], 9.0 / 1024.0)]
        {
            assert!((found / ratio - 1.0).abs() < 1e-4, "{found} is not {ratio}");
        }
        let mut other = published;
        other[20] *= 1.01;
        assert_eq!(plain.llama3_of(&other, 131_072), None);
    }
}
