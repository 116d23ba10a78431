//! Times a lasso path on a table in a binary file; the Rust half of `bench/lasso_paths.py`.
//!
//! `lasso_path FILE` reads little-endian numbers: rows, columns, stored values (0 when dense) as u64; the
//! dense columns, or column starts (u64), rows (u32) and values; y; then prints one line of JSON:
//! seconds, largest gap, sweeps, and the coefficients at every so many penalties as [column, value].
//! Arguments after the file: number of penalties, ratio of the last to the first, tolerance, how many.

#![expect(clippy::print_stdout, reason = "an example talks to its caller")]

use grimoire_stats::linear::path::{Convention, Options, gaussian};
use grimoire_stats::linear::{Columns, Design, Sparse};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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
    let start = Instant::now();
    let path = gaussian(&design, &y, &options)?;
    let seconds = start.elapsed().as_secs_f64();
    let gap = path.points.iter().map(|point| point.gap).fold(0.0, f64::max);
    let sweeps: usize = path.points.iter().map(|point| point.sweeps).sum();
    let coefficients: Vec<&[(usize, f64)]> =
        path.points.iter().step_by(every.parse()?).map(|p| p.coefficients.as_slice()).collect();
    println!(
        "{{\"seconds\": {seconds}, \"gap\": {gap:e}, \"sweeps\": {sweeps}, \"updates\": \"{}\", \"coefficients\": {}}}",
        path.updates,
        serde_json::to_string(&coefficients)?
    );
    Ok(())
}
