//! The generator behind numpy's `default_rng(seed)`: `SeedSequence` feeding PCG64 (O'Neill 2014, the
//! XSL-RR variant of 128 bits), with `integers`/`choice` below 2³² (Lemire, TOMACS 2019, on halves of
//! each output) and random booleans (bits of such halves). It exists so that the resamples of sacreBLEU
//! can be drawn again; everything else here uses [`grimoire_stats::random`].

/// numpy's `Generator` with PCG64.
#[derive(Debug, Clone)]
pub struct Generator {
    state: u128,
    increment: u128,
    half: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl Generator {
    /// `numpy.random.default_rng(seed)`.
    pub fn new(seed: u64) -> Self {
        let words = seed_words(seed);
        let wide = |at: usize| u128::from(words[at]) << 64 | u128::from(words[at + 1]);
        let increment = wide(2) << 1 | 1;
        let mut generator = Self { state: 0, increment, half: None };
        generator.step();
        generator.state = generator.state.wrapping_add(wide(0));
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn bits(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// The low half of an output first, its high half next.
    fn half(&mut self) -> u32 {
        self.half.take().unwrap_or_else(|| {
            let bits = self.bits();
            self.half = Some((bits >> 32) as u32);
            bits as u32
        })
    }

    /// One of `0..n`, as `integers(n)` and `choice(n)` draw it.
    pub fn below(&mut self, n: u32) -> u32 {
        if n <= 1 {
            return 0;
        }
        let mut product = u64::from(self.half()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.half()) * u64::from(n);
            }
        }
        (product >> 32) as u32
    }

    /// `integers(2, size=n, dtype=bool)`, one call: 32 booleans from each half, lowest bit first.
    pub fn booleans(&mut self, n: usize) -> Vec<bool> {
        let mut bits = 0;
        (0..n)
            .map(|at| {
                bits = if at % 32 == 0 { self.half() } else { bits >> 1 };
                bits & 1 == 1
            })
            .collect()
    }
}

/// `SeedSequence(seed).generate_state(4, uint64)`.
fn seed_words(seed: u64) -> [u64; 4] {
    const MIX: (u32, u32) = (0xca01_f9dd, 0x4973_f715);
    let mut constant = 0x43b0_d7e5u32;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for from in 0..4 {
        for to in 0..4 {
            if from != to {
                let other = hash(pool[from]);
                let mixed = pool[to].wrapping_mul(MIX.0).wrapping_sub(other.wrapping_mul(MIX.1));
                pool[to] = mixed ^ mixed >> 16;
            }
        }
    }
    let mut constant = 0x8b51_f9ddu32;
    let mut word = |at: usize| {
        let value = pool[at % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(constant);
        u64::from(value ^ value >> 16)
    };
    std::array::from_fn(|at| word(2 * at) | word(2 * at + 1) << 32)
}
