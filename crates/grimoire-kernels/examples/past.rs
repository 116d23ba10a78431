//! Prints how long the attention of one new token takes over a past kept in f16, in a model of the shape of
//! SmolLM2-135M (30 blocks, nine heads of 64 over three of keys): 23 kB of past for each token of it. Minimum of some
//! repeats. `cargo run --release -p grimoire-kernels --example past [tokens …]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod clock;

use clock::seconds;
use grimoire_kernels::Isa;
use grimoire_kernels::attention::{HalfPast, Heads, Segment, forward_half};

const BLOCKS: usize = 30;
const HEADS: Heads = Heads { n_q: 9, n_kv: 3, dim: 64, scale: 0.125, window: None };

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    println!("instruction set {}, {} threads", Isa::current().name(), rayon::current_num_threads());
    for capacity in if asked.is_empty() { vec![512, 2048, 8000] } else { asked } {
        let size = HEADS.n_kv * HEADS.dim * capacity;
        // Bits of f16 between 0.25 and 0.5.
        let past: Vec<Vec<u16>> = (0..2 * BLOCKS)
            .map(|seed| (0..size).map(|i| 0x3400 + ((i * 7919 + seed) % 1024) as u16).collect())
            .collect();
        let q: Vec<f32> = (0..HEADS.n_q * HEADS.dim).map(|i| (i % 7) as f32 * 0.01).collect();
        let mut out = vec![0.0; q.len()];
        let segment = Segment { q_start: 0, q_len: 1, kv_start: 0, kv_len: capacity };
        let time = (0..7)
            .map(|_| {
                let start = seconds();
                for pair in past.chunks(2) {
                    let past = HalfPast { keys: &pair[0], values: &pair[1], capacity };
                    forward_half(&q, past, &[segment], HEADS, &mut out);
                }
                seconds() - start
            })
            .fold(f64::INFINITY, f64::min);
        let bytes = (2 * BLOCKS * size * 2) as f64;
        println!(
            "{capacity:6} tokens: {:.2} ms, {:.1} GB/s of past",
            time * 1e3,
            bytes / time / 1e9
        );
    }
}
