//! Randomness as a function: the value at (seed, stream, index), with no state to share or lose.
//!
//! The generator is Philox4x64-10 (Salmon, Moraes, Dror, Shaw, *Parallel random numbers: as easy as
//! 1, 2, 3*, SC 2011): ten rounds of multiplication turn a 256-bit counter and a 128-bit key into 256
//! random bits. The key is (seed, stream). Any piece of work may take the numbers at its own indices,
//! in any order and on any thread, and the outcome is the same bytes. Not for cryptography.
//!
//! Method: uniform numbers take the upper 53 bits, whole ones reject what would make them uneven (D. Lemire 2019),
//! normal ones are √(−2 ln u) cos 2πv (G. Box, M. Muller 1958), exponential ones −ln u. Accuracy: the bits are
//! numpy's, as tested.

const MULTIPLIER: [u64; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
const ROUNDS: usize = 10;

/// The ten-round Philox4x64 of `counter` under `key`.
#[inline]
pub fn philox(mut key: [u64; 2], mut counter: [u64; 4]) -> [u64; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let a = u128::from(MULTIPLIER[0]) * u128::from(counter[0]);
        let b = u128::from(MULTIPLIER[1]) * u128::from(counter[2]);
        counter = [
            (b >> 64) as u64 ^ counter[1] ^ key[0],
            b as u64,
            (a >> 64) as u64 ^ counter[3] ^ key[1],
            a as u64,
        ];
    }
    counter
}

/// A stateless source: every number is a function of (seed, stream, index).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Random {
    key: [u64; 2],
}

impl Random {
    /// The source of that seed and stream. Streams of one seed are independent of each other: give
    /// one to each resample, each chain, each purpose.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { key: [seed, stream] }
    }

    /// Four random words at `index`.
    #[inline]
    pub fn block(&self, index: u64) -> [u64; 4] {
        philox(self.key, [index, 0, 0, 0])
    }

    /// 64 random bits at `index`; four neighbouring indices share one block.
    #[inline]
    pub fn bits(&self, index: u64) -> u64 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// Uniform on the open interval (0, 1), with 53 bits.
    #[inline]
    pub fn uniform(&self, index: u64) -> f64 {
        unit(self.bits(index))
    }

    /// Standard normal at `index`, by Box and Muller's transform of the block at `index`.
    pub fn normal(&self, index: u64) -> f64 {
        let block = self.block(index);
        polar(block[0], block[1])
    }

    /// Uniform integer in `0..n` at `index`, by the high half of a product: the bias is below
    /// n / 2⁶⁴ (use [`Draws::below`] for none). Zero when `n` is zero.
    #[inline]
    pub fn below(&self, index: u64, n: u64) -> u64 {
        ((u128::from(self.bits(index)) * u128::from(n)) >> 64) as u64
    }

    /// A cursor over this source, for samplers that use a varying number of bits. It reads counters
    /// that [`Random::bits`] never reads; cursors of different `lane` are independent.
    pub fn draws(&self, lane: u64) -> Draws {
        Draws { key: self.key, lane, next: 0, buffer: [0; 4], used: 4 }
    }
}

/// A position in a [`Random`] source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draws {
    key: [u64; 2],
    lane: u64,
    next: u64,
    buffer: [u64; 4],
    used: usize,
}

impl Draws {
    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        if self.used == 4 {
            self.buffer = philox(self.key, [self.next, self.lane, 1, 0]);
            self.next += 1;
            self.used = 0;
        }
        let word = self.buffer[self.used];
        self.used += 1;
        word
    }

    /// Random bytes; what was left of the last block is dropped, so a fill begins with a fresh one.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(32) {
            let block = philox(self.key, [self.next, self.lane, 1, 0]);
            self.next += 1;
            for (bytes, word) in piece.chunks_mut(8).zip(block) {
                bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
            }
        }
        self.used = 4;
    }

    /// Uniform on the open interval (0, 1), with 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Standard normal, by Box and Muller's transform.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.bits(), self.bits());
        polar(radius, angle)
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Uniform integer in `0..n` without bias (Lemire, *Fast random integer generation in an
    /// interval*, 2019). Zero when `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        let mut product = u128::from(self.bits()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.bits()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// A uniformly random order of `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

/// The midpoint of one of 2⁵³ equal cells of (0, 1): never 0, never 1.
#[inline]
pub fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
}

fn polar(radius: u64, angle: u64) -> f64 {
    (-2.0 * unit(radius).ln()).sqrt() * (std::f64::consts::TAU * unit(angle)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy 2: `Philox(key=[12345, 7], counter=[41, 0, 0, 0]).random_raw(4)` (which steps the counter
    /// before it is used), and the same with zeros.
    #[test]
    fn agrees_with_numpy() {
        assert_eq!(
            Random::new(12345, 7).block(42),
            [0x3fab866e45dd15eb, 0x9a6cbeed6e3f55f5, 0x7a94b26034520b9b, 0x1c4e3a193f134aa4]
        );
        assert_eq!(
            Random::new(0, 0).block(2),
            [0x809bf322883987c3, 0x471128b9e807f7dd, 0xf250ba0dbec065b7, 0xfc6ed66767a457bc]
        );
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        let random = Random::new(1, 0);
        let n = 200_000_u64;
        let mut draws = random.draws(0);
        let (mut u, mut z, mut z2, mut e, mut k) = (0.0, 0.0, 0.0, 0.0, [0_u64; 6]);
        for index in 0..n {
            u += random.uniform(index);
            let normal = if index % 2 == 0 { draws.normal() } else { random.normal(index) };
            z += normal;
            z2 += normal * normal;
            e += draws.exponential();
            k[draws.below(6) as usize] += 1;
        }
        let n = n as f64;
        // Bounds of five standard errors of each mean.
        let five = 5.0 / n.sqrt();
        assert!((u / n - 0.5).abs() < five * (1.0_f64 / 12.0).sqrt());
        assert!((z / n).abs() < five && (z2 / n - 1.0).abs() < five * 2_f64.sqrt());
        assert!((e / n - 1.0).abs() < five);
        assert!(
            k.iter().all(|&c| (c as f64 / n - 1.0 / 6.0).abs() < five * (5.0_f64 / 36.0).sqrt())
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_repeats() {
        let order = |lane| {
            let mut items: Vec<u32> = (0..100).collect();
            Random::new(3, 4).draws(lane).shuffle(&mut items);
            items
        };
        assert_eq!(order(0), order(0));
        assert_ne!(order(0), order(1));
        let mut sorted = order(0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
