//! Times single calls inside the process; the Rust half of `bench/stats.py`.
//!
//! `speed binomial` runs the exact two-sided binomial test at n = 10⁹ for a spread of outcomes and prints the slowest
//! and the median call (each the best of five); `speed bootstrap FILE RESAMPLES` reads little-endian f64 values and
//! times the bootstrap of their mean, percentile alone and with all three intervals.

#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

use grimoire_stats::Alternative;
use grimoire_stats::resample::bootstrap::{Bootstrap, Kind};
use grimoire_stats::test::binomial;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["binomial"] => Ok(exact_binomial()?),
        ["bootstrap", file, resamples] => bootstrap(file, resamples.parse()?),
        _ => Err("usage: speed binomial | speed bootstrap FILE RESAMPLES".into()),
    }
}

/// Outcomes from the mode to far in the tail, for rare and common events.
fn exact_binomial() -> grimoire_stats::Result<()> {
    let n = 1_000_000_000_u64;
    let mut calls = vec![];
    for p in [1e-8, 1e-4, 0.01, 0.3, 0.48, 0.9999] {
        let spread = (n as f64 * p * (1.0 - p)).sqrt();
        for z in [-30.0, -5.0, -1.0, 0.0, 0.01, 1.0, 3.0, 8.0, 100.0] {
            let k = (n as f64 * p + z * spread).clamp(0.0, n as f64) as u64;
            let mut best = f64::INFINITY;
            for _ in 0..5 {
                let start = Instant::now();
                std::hint::black_box(binomial::exact(k, n, p, Alternative::TwoSided, 0.95)?);
                best = best.min(start.elapsed().as_secs_f64());
            }
            calls.push((best, k, p));
        }
    }
    calls.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (median, slowest) = (&calls[calls.len() / 2], &calls[calls.len() - 1]);
    println!(
        "{{\"calls\": {}, \"median_seconds\": {}, \"slowest_seconds\": {}, \"slowest\": \"{} of {n} at {}\"}}",
        calls.len(),
        median.0,
        slowest.0,
        slowest.1,
        slowest.2
    );
    Ok(())
}

fn bootstrap(file: &str, resamples: u32) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = std::fs::read(file)?;
    let values: Vec<f64> =
        bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let request = Bootstrap { resamples, ..Bootstrap::default() };
    let start = Instant::now();
    let n = values.len() as f64;
    let alone = request.run(&values, 1, |sums| sums[0] / n, &[Kind::Percentile])?;
    let percentile = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let record = request.mean(&values)?;
    let all = start.elapsed().as_secs_f64();
    println!(
        "{{\"percentile_seconds\": {percentile}, \"all_seconds\": {all}, \"percentile\": [{}, {}], \"studentised\": \"{:?}\"}}",
        alone.intervals[0].lower,
        alone.intervals[0].upper,
        record.intervals.last().map(|interval| (interval.lower, interval.upper))
    );
    Ok(())
}
