//! Prints the speed of matrix products of the shapes that tuning a 135M model takes, beside the peak of the
//! multiply-add units, which it measures first. `cargo run --release -p grimoire-kernels --example products`.

use grimoire_kernels::{Isa, Lhs, Rhs, StorageType, Stored, gemm, storage};
use std::time::Instant;

fn main() {
    println!("instruction set {}, {} threads", Isa::current().name(), rayon::current_num_threads());
    for m in [1, 8, 64, 256, 1024] {
        for (n, k) in [(576, 576), (192, 576), (1536, 576), (576, 1536), (16, 576)] {
            for ty in [StorageType::F32, StorageType::Q4_1, StorageType::Q8_0] {
                let w: Vec<f32> = (0..n * k).map(|i| (i % 17) as f32 * 0.01).collect();
                let a: Vec<f32> = (0..m * k.max(n)).map(|i| (i % 13) as f32 * 0.01).collect();
                let mut bytes = vec![0; n * k / ty.block_len() * ty.block_bytes()];
                storage::encode(ty, &w, &mut bytes).unwrap();
                let w = Stored::new(ty, n, k, &bytes);
                let mut out = vec![0.0; m * n.max(k)];
                let mut time = |rhs: Rhs<'_>, lhs: Lhs<'_>, size: usize| {
                    let mut best = f64::INFINITY;
                    for _ in 0..8 {
                        let start = Instant::now();
                        gemm(lhs, rhs, &mut out[..size], false);
                        best = best.min(start.elapsed().as_secs_f64());
                    }
                    2.0 * (m * n * k) as f64 / best / 1e9
                };
                let forward = time(Rhs::Transposed(w), Lhs::new(&a[..m * k], m, k), m * n);
                let backward = time(Rhs::Plain(w), Lhs::new(&a[..m * n], m, n), m * k);
                println!(
                    "{m:5} x {n:5} x {k:5} {:5}: forward {forward:7.1} backward {backward:7.1} GFLOP/s",
                    ty.name()
                );
            }
        }
    }
}
