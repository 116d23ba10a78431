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

/// The ten-round Philox4x64 of the counter c under the key k, each round
///
/// ```text
/// (c₀, c₁, c₂, c₃) ← (hi(M₁c₂) ⊕ c₁ ⊕ k₀, lo(M₁c₂), hi(M₀c₀) ⊕ c₃ ⊕ k₁, lo(M₀c₀)),   k ← k + W
/// ```
///
/// hi and lo the halves of the 128-bit product, W added between rounds.
///
/// Domain: any key and counter; every one has its own four words, for the map of counters is one to
/// one. Method: whole-number arithmetic modulo 2⁶⁴. Accuracy: exact, the bits are numpy's, as
/// tested. Source: Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (SC
/// 2011).
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

/// A stateless source: every number is a function of (seed, stream, index). It holds the key, 128
/// bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Random {
    key: [u64; 2],
}

impl Random {
    /// The source with the key k = (seed, stream). Streams of one seed are independent of each
    /// other: give one to each resample, each chain, each purpose.
    ///
    /// Domain: any seed and stream. Method: none, the key is kept. Accuracy: exact. Source: Salmon
    /// and others (2011), who give keys to streams.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { key: [seed, stream] }
    }

    /// Four random words, philox(key, (index, 0, 0, 0)).
    ///
    /// Domain: any index. Method: [`philox`]. Accuracy: exact, the bits are numpy's, as tested.
    /// Source: Salmon and others (2011).
    #[inline]
    pub fn block(&self, index: u64) -> [u64; 4] {
        philox(self.key, [index, 0, 0, 0])
    }

    /// 64 random bits, word `index` mod 4 of block ⌊index/4⌋; four neighbouring indices share one
    /// block.
    ///
    /// Domain: any index. Method: [`Random::block`]. Accuracy: exact. Source: Salmon and others
    /// (2011).
    #[inline]
    pub fn bits(&self, index: u64) -> u64 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// Uniform on (0, 1), [`unit()`] of the bits at `index`.
    ///
    /// Domain: any index. Method: the upper 53 bits. Accuracy: equally likely multiples of 2⁻⁵³,
    /// each moved by half a step as [`unit()`] says. Source: Salmon and others (2011) for the bits.
    #[inline]
    pub fn uniform(&self, index: u64) -> f64 {
        unit(self.bits(index))
    }

    /// Standard normal z = √(−2 ln u) cos 2πv, u and v from the block at `index`.
    ///
    /// Domain: any index; |z| ≤ 8.66, since u is at least 2⁻⁵⁴. It reads the words of
    /// [`Random::bits`] at 4·index and 4·index + 1: take the one or the other from a stream, not
    /// both. Method: Box and Muller's transform; the sine is not used. Accuracy: rounding of the
    /// logarithm, root and cosine; mean and variance within five standard errors over 200,000
    /// draws, as tested. Source: G. Box and M. Muller, *A note on the generation of random normal
    /// deviates* (1958).
    pub fn normal(&self, index: u64) -> f64 {
        let block = self.block(index);
        polar(block[0], block[1])
    }

    /// Uniform whole number ⌊b n / 2⁶⁴⌋ in `0..n`, b the bits at `index`. Zero when `n` is zero.
    ///
    /// Domain: any index and n. Method: the high half of a product. Accuracy: no probability is off
    /// by more than 2⁻⁶⁴, which is n / 2⁶⁴ of it (use [`Draws::below`] for none). Source: D.
    /// Lemire, *Fast random integer generation in an interval* (2019), without its rejection.
    #[inline]
    pub fn below(&self, index: u64, n: u64) -> u64 {
        ((u128::from(self.bits(index)) * u128::from(n)) >> 64) as u64
    }

    /// A cursor over this source, for samplers that use a varying number of bits: its blocks are
    /// philox(key, (0, lane, 1, 0)), philox(key, (1, lane, 1, 0)) and so on.
    ///
    /// Domain: any lane; cursors of different `lane` are independent, and none reads a counter that
    /// [`Random::bits`] reads. Method: [`philox`]. Accuracy: exact. Source: Salmon and others
    /// (2011).
    pub fn draws(&self, lane: u64) -> Draws {
        Draws { key: self.key, lane, next: 0, buffer: [0; 4], used: 4 }
    }
}

/// A position in a [`Random`] source: the key, the lane, the number of the next block and what is
/// left of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draws {
    key: [u64; 2],
    lane: u64,
    next: u64,
    buffer: [u64; 4],
    used: usize,
}

impl Draws {
    /// The next 64 bits, word after word of philox(key, (block, lane, 1, 0)).
    ///
    /// Domain: 2⁶⁶ words before a lane repeats. Method: [`philox`], one block for four words.
    /// Accuracy: exact. Source: Salmon and others (2011).
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

    /// Random bytes, 32 from each philox(key, (block, lane, 1, 0)), each word with its lowest byte
    /// first. What was left of the last block is dropped, so a fill begins with a fresh one.
    ///
    /// Domain: any length; the last block may be used in part. Method: [`philox`]. Accuracy: exact,
    /// and the same on any machine. Source: Salmon and others (2011).
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

    /// Uniform on (0, 1), [`unit()`] of the next 64 bits.
    ///
    /// Domain: none to give. Method: the upper 53 bits. Accuracy: as [`Random::uniform`]. Source:
    /// Salmon and others (2011) for the bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Standard normal z = √(−2 ln u) cos 2πv, u and v from the next two words.
    ///
    /// Domain: |z| ≤ 8.66, as of [`Random::normal`]. Method: Box and Muller's transform. Accuracy:
    /// as [`Random::normal`]. Source: G. Box and M. Muller (1958).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.bits(), self.bits());
        polar(radius, angle)
    }

    /// Exponential with mean 1: −ln u.
    ///
    /// Domain: from 0 to 54 ln 2 = 37.43. Method: inversion of the upper tail. Accuracy: rounding
    /// of the logarithm; mean within five standard errors over 200,000 draws, as tested. Source: L.
    /// Devroye, *Non-Uniform Random Variate Generation* (1986), II.2.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Uniform whole number ⌊b n / 2⁶⁴⌋ in `0..n` without bias: b is drawn again while the low half
    /// of b n is below 2⁶⁴ mod n. Zero when `n` is zero.
    ///
    /// Domain: any n. Method: a product and, seldom, a remainder. Accuracy: exactly uniform, if the
    /// bits are. Source: D. Lemire, *Fast random integer generation in an interval* (2019).
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

    /// A uniformly random order of `items`: for i from the last down to 1, item i changes places
    /// with one of 0 … i.
    ///
    /// Domain: any list. Method: exchanges in place, one [`Draws::below`] each. Accuracy: every
    /// order has the probability 1/n!, if the bits are uniform. Source: R. Fisher and F. Yates
    /// (1938); R. Durstenfeld (1964) for the exchanges.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

/// (b + ½) / 2⁵³ with b the upper 53 of the `bits`: the midpoint of one of 2⁵³ equal cells of (0,
/// 1).
///
/// Domain: any bits. Never 0 or 1: at least 2⁻⁵⁴ and at most 1 − 2⁻⁵³. Method: one sum and one
/// product. Accuracy: above ½ midpoints are no doubles and go to the even end of their cell, the
/// last to its lower end. Source: none beyond the definition.
///
/// ```
/// use grimoire_stats::random::unit;
/// assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
/// ```
#[inline]
pub fn unit(bits: u64) -> f64 {
    (((bits >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)).min(1.0 - 0.5 * f64::EPSILON)
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
