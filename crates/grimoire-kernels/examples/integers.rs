//! Prints the speed of products with quantised weights, `Precision::Fast` beside f32, for each storage type and
//! number of rows, in the shape of a gate (1,536 x 576) and of a down projection (576 x 1,536). Minimum times of
//! short runs; as many threads as `RAYON_NUM_THREADS` says.
//! `cargo run --release -p grimoire-kernels --example integers [rows …]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod clock;

use clock::seconds;
use grimoire_kernels::{Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm_with};
use std::hint::black_box;

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let rows = if asked.is_empty() { vec![1, 4, 16, 64, 512] } else { asked };
    println!("instruction set {}, {} threads", Isa::current().name(), rayon::current_num_threads());
    use StorageType::{Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    for (n, k) in [(1536, 768), (768, 1536)] {
        for ty in [Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q8_0, Q5K, Q6K] {
            // Bytes that are all alike: small scales, and integers that change from byte to byte.
            let mut bytes = vec![0u8; n * k / ty.block_len() * ty.block_bytes()];
            bytes.iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 7 % 16) as u8);
            let w = Rhs::Transposed(Stored::new(ty, n, k, &bytes));
            let line: Vec<String> = rows.iter().map(|m| cell(*m, n, k, w)).collect();
            println!("{n:5} x {k:5} {:5} {}", ty.name(), line.join("  "));
        }
    }
}

fn cell(m: usize, n: usize, k: usize, w: Rhs<'_>) -> String {
    let a: Vec<f32> = (0..m * k).map(|i| (i % 13) as f32 * 0.01).collect();
    let mut out = vec![0.0; m * n];
    let operations = 2.0 * (m * n * k) as f64;
    let repeats = (4e9 / operations).clamp(6.0, 300.0) as usize;
    let [exact, fast] = [Precision::F32, Precision::Fast].map(|precision| {
        let mut best = f64::INFINITY;
        for _ in 0..repeats {
            let start = seconds();
            gemm_with(precision, Lhs::new(&a, m, k), w, black_box(&mut out), false);
            best = best.min(seconds() - start);
        }
        operations / best / 1e9
    });
    format!("{m:4}: {exact:5.1} {fast:6.1} GOP/s")
}
