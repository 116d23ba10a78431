//! What the tests of products multiply: values from a counter, blocks of every storage type, and the product by its
//! definition in f64. No test of its own.

#![allow(dead_code, reason = "each test takes what it needs")]

use grimoire_kernels::{StorageType, storage};
pub(crate) use grimoire_testkit::values;

/// `A · B` by its definition; `a(i, p)`, `b(p, j)`.
pub(crate) fn plain(
    m: usize,
    n: usize,
    k: usize,
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            out[i * n + j] = (0..k).map(|p| f64::from(a(i, p)) * f64::from(b(p, j))).sum();
        }
    }
    out
}

/// Blocks of any type: random bytes, with the scales (f16, or an exponent for MXFP4) set to small numbers.
pub(crate) fn blocks(ty: StorageType, n: usize, seed: u64) -> Vec<u8> {
    use StorageType::*;
    let halves: &[usize] = match ty {
        F32 | F16 | BF16 => {
            let mut bytes = vec![0; ty.bytes_for(n).unwrap()];
            storage::encode(ty, &values(n, seed), &mut bytes).unwrap();
            return bytes;
        }
        Q4_1 | Q5_1 | Q4K | Q5K => &[0, 2],
        Q4_0 | Q5_0 | Q8_0 | IQ4NL | IQ4XS => &[0],
        Q2K => &[80, 82],
        Q3K => &[108],
        Q6K => &[208],
        MXFP4 => &[],
    };
    let noise = values(ty.bytes_for(n).unwrap(), seed);
    let mut bytes: Vec<u8> = noise.iter().map(|x| (x * 128.0 + 128.0) as u8).collect();
    for block in bytes.chunks_exact_mut(ty.block_bytes()) {
        for at in halves {
            // 0x1c.. is about 0.004 with the mantissa that was there.
            block[at + 1] = 0x1c | (block[at + 1] & 0x80);
        }
        if ty == MXFP4 {
            block[0] = 124;
        }
    }
    bytes
}
