//! Prints how fast the matrix products of a whole token are for each storage type and number of rows, in a model of
//! 24 blocks, 768 wide (so that the K types fit), 147 million weights; beside each figure the share of the limit:
//! the longer of reading the weights at the speed that reading alone has, and of the arithmetic at the peak of the
//! vector units, both measured in the same run. `Precision::Fast`; F32 and BF16 have no integer kernel.
//! `RAYON_NUM_THREADS=2 cargo run --release -p grimoire-kernels --example types [rows …]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod clock;
mod peak;

use clock::seconds;
use grimoire_kernels::parallel::for_each_piece;
use grimoire_kernels::{Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm_with};
use peak::peak;
use std::hint::black_box;

/// `[rows, cols]` of the products of a block: q, k, v, o, gate, up, down.
const BLOCK: [(usize, usize); 7] =
    [(768, 768), (256, 768), (256, 768), (768, 768), (1536, 768), (1536, 768), (768, 1536)];
/// Blocks.
const BLOCKS: usize = 24;
/// The head.
const HEAD: (usize, usize) = (32_000, 768);

fn main() {
    use StorageType::{BF16, F32, Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0};
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let rows = if asked.is_empty() { vec![1, 2, 4, 8, 16, 32, 256] } else { asked };
    let threads = rayon::current_num_threads();
    let bytes = reading();
    let peak = (0..200).map(|_| peak()).fold(0.0, f64::max) * threads as f64;
    println!(
        "instruction set {}, {threads} threads, reading alone {:.1} GB/s, f32 peak {peak:.0} GFLOP/s",
        Isa::current().name(),
        bytes / 1e9
    );
    for ty in [Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0, BF16, F32] {
        let cells: Vec<String> =
            rows.iter().map(|m| cell(ty, *m, bytes, peak * 1e9 * faster(ty))).collect();
        println!("{:5} {}", ty.name(), cells.join("  "));
    }
}

/// How many products the vector units take for one in f32, by the instructions for 256 of them, four a cycle: 8
/// `maddubs`, 7 `add`, `madd` and 4 for the scales (four bits); 8 `maddubs`, 4 and 4 `add`, 5 `madd` and 4 (six); 16
/// `madd`, 14 `add`, 3 for `hadd` and 4 (eight); and 32 `fma` at two a cycle (f32).
fn faster(ty: StorageType) -> f64 {
    use StorageType::{Q4_0, Q4_1, Q4K, Q5K, Q6K, Q8_0};
    match ty {
        Q4_0 | Q4_1 | Q4K => 64.0 / 20.0,
        Q5K | Q6K => 64.0 / 25.0,
        Q8_0 => 64.0 / 37.0,
        _ => 1.0,
    }
}

fn cell(ty: StorageType, m: usize, bytes_per_second: f64, operations_per_second: f64) -> String {
    // Many rows are bound by arithmetic: two blocks are enough.
    let (blocks, head) = if m > 32 { (2, 0) } else { (BLOCKS, 1) };
    let shapes: Vec<(usize, usize)> =
        BLOCK.into_iter().cycle().take(7 * blocks).chain(std::iter::repeat_n(HEAD, head)).collect();
    let weights: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(rows, cols)| vec![3u8; ty.bytes_for(rows * cols).unwrap_or(0)])
        .collect();
    let values: usize = shapes.iter().map(|(rows, cols)| rows * cols).sum();
    let a: Vec<f32> = (0..m * 1536).map(|i| (i % 13) as f32 * 0.01).collect();
    let mut out = vec![0.0; m * HEAD.0];
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = seconds();
        for ((rows, cols), bytes) in shapes.iter().zip(&weights) {
            let w = Rhs::Transposed(Stored::new(ty, *rows, *cols, bytes));
            let out = black_box(&mut out[..m * rows]);
            gemm_with(Precision::Fast, Lhs::new(&a[..m * cols], m, *cols), w, out, false);
        }
        best = best.min(seconds() - start);
    }
    let operations = 2.0 * (m * values) as f64;
    let size = weights.iter().map(Vec::len).sum::<usize>() as f64;
    let limit = (size / bytes_per_second).max(operations / operations_per_second);
    let whole = (values * BLOCKS / blocks.max(1)) as f64 / values as f64;
    format!("{m}: {:.0}/s {:.0} %", m as f64 / best / whole, 100.0 * limit / best)
}

/// Bytes a second, read once by all threads.
fn reading() -> f64 {
    let bytes = vec![1u8; 256 << 20];
    let chunks: Vec<&[u8]> = bytes.chunks(1 << 16).collect();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = seconds();
        for_each_piece(chunks.len(), |piece| {
            let words = bytemuck::pod_align_to::<u8, u64>(chunks[piece]).1;
            black_box(words.iter().fold(0u64, |sum, word| sum ^ word));
        });
        best = best.min(seconds() - start);
    }
    bytes.len() as f64 / best
}
