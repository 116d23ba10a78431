//! Prints the speed of matrix products of the shapes that tuning and running a 135M model take, beside the
//! peak of the multiply-add units in f32, which it measures in turn with them. Minimum times of short runs, so
//! that a busy machine disturbs little; as many threads as `RAYON_NUM_THREADS` says.
//! `cargo run --release -p grimoire-kernels --example products [rows …]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod clock;
mod peak;

use clock::seconds;
use grimoire_kernels::{Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm_with, storage};
use peak::peak;

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let rows = if asked.is_empty() { vec![1, 8, 64, 256, 1024] } else { asked };
    println!("instruction set {}, {} threads", Isa::current().name(), rayon::current_num_threads());
    for m in rows {
        for (n, k) in [(576, 576), (192, 576), (1536, 576), (576, 1536), (16, 576), (576, 16)] {
            for ty in [StorageType::F32, StorageType::Q4_1, StorageType::Q8_0] {
                if k >= ty.block_len() {
                    product(Precision::F32, m, n, k, ty);
                    if Isa::current() >= Isa::Avx512Bf16 {
                        product(Precision::Half, m, n, k, ty);
                    }
                }
            }
        }
        product(Precision::F32, m, 49_152, 576, StorageType::Q8_0);
        product(Precision::Half, m, 49_152, 576, StorageType::Q8_0);
    }
}

fn product(precision: Precision, m: usize, n: usize, k: usize, ty: StorageType) {
    let w: Vec<f32> = (0..n * k).map(|i| (i % 17) as f32 * 0.01).collect();
    let a: Vec<f32> = (0..m * k.max(n)).map(|i| (i % 13) as f32 * 0.01).collect();
    let mut bytes = vec![0; n * k / ty.block_len() * ty.block_bytes()];
    storage::encode(ty, &w, &mut bytes).expect("a type that can be written");
    let stored = Stored::new(ty, n, k, &bytes);
    let mut out = vec![0.0; (m * n.max(k)).max(n * k)];
    let flops = 2.0 * (m * n * k) as f64;
    let repeats = (1e10 / flops).clamp(6.0, 400.0) as usize;
    let mut limit: f64 = 0.0;
    let mut time = |rhs: Rhs<'_>, lhs: Lhs<'_>, size: usize| {
        let mut best = f64::INFINITY;
        for _ in 0..repeats {
            limit = limit.max(peak());
            let start = seconds();
            gemm_with(precision, lhs, rhs, &mut out[..size], false);
            best = best.min(seconds() - start);
        }
        flops / best / 1e9
    };
    let forward = time(Rhs::Transposed(stored), Lhs::new(&a[..m * k], m, k), m * n);
    let backward = time(Rhs::Plain(stored), Lhs::new(&a[..m * n], m, n), m * k);
    let x = Stored::f32(&a[..m * k], m, k);
    let weight = if n * k < 4_000_000 {
        time(Rhs::Plain(x), Lhs::transposed(&a[..m * n], m, n), n * k)
    } else {
        f64::NAN
    };
    let threads = rayon::current_num_threads() as f64;
    let share = |speed: f64| 100.0 * speed / limit / threads;
    println!(
        "{m:5} x {n:5} x {k:5} {:5} {precision:?}: y = x W' {forward:6.1} ({:3.0} %)  d_x = d_y W {backward:6.1} ({:3.0} %)  \
         d_W = d_y' x {weight:6.1} ({:3.0} %) of {limit:5.1} GFLOP/s a thread",
        ty.name(),
        share(forward),
        share(backward),
        share(weight),
    );
}
