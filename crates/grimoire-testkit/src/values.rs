//! Numbers that tests multiply: from a counter, the same on every machine.

/// `n` values in (−1, 1), spread evenly, others for each seed.
pub fn values(n: usize, seed: u64) -> Vec<f32> {
    (0..n as u64)
        .map(|i| {
            let mut z = (i + seed * 1_000_003).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z >> 40) as f32 / 8_388_608.0) - 1.0
        })
        .collect()
}
