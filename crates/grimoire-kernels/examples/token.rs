//! Prints how long the matrix products of one token (or of a few sequences at once) take in a model of the
//! shape of SmolLM2-135M: 30 blocks of Q4_1, a head of Q8_0, 97 MB in all; and what reading them alone takes.
//! Minimum of some repeats. `cargo run --release -p grimoire-kernels --example token [sequences …]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod clock;

use clock::seconds;
use grimoire_kernels::parallel::for_each_piece;
use grimoire_kernels::{Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm_with, storage};
use std::hint::black_box;

/// `[rows, cols]` of the products of a block: q, k, v, o, gate, up, down.
const BLOCK: [(usize, usize); 7] =
    [(576, 576), (192, 576), (192, 576), (576, 576), (1536, 576), (1536, 576), (576, 1536)];

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let weights = weights();
    let megabytes = weights.iter().map(|(_, _, _, bytes)| bytes.len()).sum::<usize>() as f64 / 1e6;
    println!(
        "instruction set {}, {} threads, {megabytes:.0} MB",
        Isa::current().name(),
        rayon::current_num_threads()
    );
    let reading = best(|| {
        for (_, _, _, bytes) in &weights {
            let chunks: Vec<&[u8]> = bytes.chunks(32_768).collect();
            for_each_piece(chunks.len(), |piece| {
                let words = bytemuck::pod_align_to::<u8, u64>(chunks[piece]).1;
                black_box(words.iter().fold(0u64, |sum, word| sum ^ word));
            });
        }
    });
    println!("reading alone: {:.2} ms, {:.1} GB/s", reading * 1e3, megabytes / reading / 1e3);
    let empty = best(|| (0..1000).for_each(|_| for_each_piece(2, |piece| _ = black_box(piece))));
    println!("sharing out nothing: {:.2} us", empty * 1e3);
    for sequences in if asked.is_empty() { vec![1, 2, 4, 8, 16, 32] } else { asked } {
        for precision in [Precision::F32, Precision::Fast] {
            let a = vec![0.3f32; sequences * 1536];
            let mut out = vec![0.0f32; sequences * 49_152];
            let time = best(|| {
                for (ty, rows, cols, bytes) in &weights {
                    let w = Stored::new(*ty, *rows, *cols, bytes);
                    let a = Lhs::new(&a[..sequences * cols], sequences, *cols);
                    let out = &mut out[..sequences * rows];
                    gemm_with(precision, a, Rhs::Transposed(w), out, false);
                }
            });
            println!(
                "{sequences:3} at once, {precision:?}: {:.2} ms, {:.0} tokens/s, {:.1} GB/s of weights",
                time * 1e3,
                sequences as f64 / time,
                megabytes / time / 1e3,
            );
        }
    }
}

fn weights() -> Vec<(StorageType, usize, usize, Vec<u8>)> {
    let mut all = Vec::new();
    for _ in 0..30 {
        all.extend(BLOCK.map(|(rows, cols)| (StorageType::Q4_1, rows, cols)));
    }
    all.push((StorageType::Q8_0, 49_152, 576));
    let with_bytes = |(ty, rows, cols): (StorageType, usize, usize)| {
        let values: Vec<f32> = (0..rows * cols).map(|i| (i % 17) as f32 * 0.01).collect();
        let mut bytes = vec![0; values.len() / ty.block_len() * ty.block_bytes()];
        storage::encode(ty, &values, &mut bytes).expect("a type that can be written");
        (ty, rows, cols, bytes)
    };
    all.into_iter().map(with_bytes).collect()
}

fn best(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..30 {
        let start = seconds();
        run();
        best = best.min(seconds() - start);
    }
    best
}
