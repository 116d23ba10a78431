//! Times a lasso path on a table in a binary file; the Rust half of `bench/lasso_paths.py`.
//!
//! `lasso_path FILE` reads little-endian numbers: rows, columns, stored values (0 when dense) as u64; the
//! dense columns, or column starts (u64), rows (u32) and values; y; then prints one line of JSON:
//! seconds by the clock and of the processor (all threads), largest gap, sweeps, and the coefficients at every
//! so many penalties as [column, value]. Arguments after the file: number of penalties, ratio of the last to
//! the first, tolerance, how many.
//!
//! `lasso_path limits` prints what one thread of the machine can do: multiply-adds in f64 and reading memory.

#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

use grimoire_stats::linear::path::{Convention, Options, gaussian};
use grimoire_stats::linear::{Columns, Design, Sparse};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["limits"] {
        return limits();
    }
    let [file, count, ratio, tolerance, every] = arguments.as_slice() else {
        return Err("usage: lasso_path FILE PENALTIES RATIO TOLERANCE EVERY".into());
    };
    let bytes = std::fs::read(file)?;
    let mut at = 0;
    let mut take = |n: usize| {
        at += n;
        &bytes[at - n..at]
    };
    let mut whole = || take(8).try_into().map(u64::from_le_bytes).map(|v| v as usize);
    let (n, p, stored) = (whole()?, whole()?, whole()?);
    let floats = |bytes: &[u8]| -> Vec<f64> {
        bytes
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            .collect()
    };
    let design = if stored == 0 {
        Design::Dense(Columns::new(n, p, floats(take(8 * n * p)))?)
    } else {
        let starts = floats(take(8 * (p + 1))).into_iter().map(|v| v.to_bits() as usize).collect();
        let rows = take(4 * stored)
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        Design::Sparse(Sparse::new(n, starts, rows, floats(take(8 * stored)))?)
    };
    let y = floats(take(8 * n));
    let options = Options {
        convention: Convention::Sklearn,
        n_lambdas: count.parse()?,
        ratio: Some(ratio.parse()?),
        tolerance: tolerance.parse()?,
        ..Options::default()
    };
    let (start, before) = (Instant::now(), processor_seconds());
    let path = gaussian(&design, &y, &options)?;
    let seconds = start.elapsed().as_secs_f64();
    let processor = processor_seconds().zip(before).map_or(seconds, |(end, start)| end - start);
    let gap = path.points.iter().map(|point| point.gap).fold(0.0, f64::max);
    let sweeps: usize = path.points.iter().map(|point| point.sweeps).sum();
    let coefficients: Vec<&[(usize, f64)]> =
        path.points.iter().step_by(every.parse()?).map(|p| p.coefficients.as_slice()).collect();
    println!(
        "{{\"seconds\": {seconds}, \"processor\": {processor}, \"gap\": {gap:e}, \"sweeps\": {sweeps}, \"updates\": \"{}\", \"coefficients\": {}}}",
        path.updates,
        serde_json::to_string(&coefficients)?
    );
    Ok(())
}

/// Time on a processor of all threads so far; `None` where the system does not say.
fn processor_seconds() -> Option<f64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let nanoseconds = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    Some(nanoseconds.sum::<f64>() * 1e-9)
}

/// As many steps of each chain of multiply-adds.
struct Chains<'a>(&'a mut [[f64; 4]; 12]);

const STEPS: usize = 200_000;

impl pulp::WithSimd for Chains<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for _ in 0..STEPS {
            for chain in &mut *self.0 {
                for x in chain {
                    *x = x.mul_add(0.999_999, 1e-9);
                }
            }
        }
    }
}

/// The best of many runs of each, short enough that some are not interrupted: twelve chains of four
/// multiply-adds, and the sum of 64 MiB.
fn limits() -> Result<(), Box<dyn std::error::Error>> {
    let arch = pulp::Arch::new();
    let values = vec![1.0_f64; 1 << 23];
    let (mut flops, mut bytes) = (0.0_f64, 0.0_f64);
    for _ in 0..60 {
        let start = Instant::now();
        let mut chains = std::hint::black_box([[1.0_f64; 4]; 12]);
        arch.dispatch(Chains(&mut chains));
        std::hint::black_box(chains);
        flops = flops.max(96.0 * STEPS as f64 / start.elapsed().as_secs_f64());
        let start = Instant::now();
        let sum = arch.dispatch(|| {
            let mut lanes = [0.0_f64; 32];
            for chunk in std::hint::black_box(&values).as_chunks::<32>().0 {
                lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
            }
            lanes.iter().sum::<f64>()
        });
        std::hint::black_box(sum);
        bytes = bytes.max(8.0 * values.len() as f64 / start.elapsed().as_secs_f64());
    }
    println!("{{\"flops\": {flops:e}, \"bytes\": {bytes:e}}}");
    Ok(())
}
