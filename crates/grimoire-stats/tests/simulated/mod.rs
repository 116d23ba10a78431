//! How often an interval holds the truth, by simulation: what the tests of coverage share. No test itself.

use grimoire_stats::Interval;
use grimoire_stats::random::{Draws, Random};
use rayon::prelude::*;
use std::io::Write;

/// Where the random numbers of a file of tests come from, and how many samples are drawn.
#[derive(Clone, Copy)]
pub(crate) struct Simulation {
    /// The seed.
    pub(crate) seed: u64,
    /// The lane of random numbers that every round draws from.
    pub(crate) lane: u64,
    /// Number of samples.
    pub(crate) rounds: u64,
}

impl Simulation {
    /// The same with other than the usual 4,000 samples.
    pub(crate) fn of(self, rounds: u64) -> Self {
        Self { rounds, ..self }
    }

    /// Share of simulated samples whose interval holds the truth: of 4,000 the standard error is 0.34 points at 95 %.
    /// `name` is kind, setting and size of the sample, between bars.
    pub(crate) fn covered(
        &self,
        name: &str,
        truth: f64,
        interval: impl Fn(&mut Draws) -> Interval + Sync,
    ) -> f64 {
        self.covered_each([name], truth, |draws| [interval(draws)])[0]
    }

    /// The same of several intervals from each sample.
    pub(crate) fn covered_each<const K: usize>(
        &self,
        names: [&str; K],
        truth: f64,
        intervals: impl Fn(&mut Draws) -> [Interval; K] + Sync,
    ) -> [f64; K] {
        let hits = (0..self.rounds)
            .into_par_iter()
            .map(|round| {
                let mut draws = Random::new(self.seed, round).draws(self.lane);
                intervals(&mut draws).map(|interval| u64::from(interval.contains(truth)))
            })
            .reduce(|| [0; K], |one, two| std::array::from_fn(|k| one[k] + two[k]));
        std::array::from_fn(|k| {
            let share = hits[k] as f64 / self.rounds as f64;
            note(names[k], Some(self.rounds), share);
            share
        })
    }
}

/// Says what was found, and adds it as a row of a table to the file that GRIMOIRE_COVERAGE names, if it names one.
pub(crate) fn note(name: &str, rounds: Option<u64>, share: f64) {
    eprintln!("{name}: {:.2} %", 100.0 * share);
    let Some(path) = std::env::var_os("GRIMOIRE_COVERAGE") else { return };
    let parts: Vec<&str> = name.split(" | ").collect();
    assert_eq!(parts.len(), 3, "{name}: kind, setting and size");
    let (samples, error) = rounds.map_or(("exact".to_owned(), "0".to_owned()), |rounds| {
        let error = (share * (1.0 - share) / rounds as f64).sqrt();
        (rounds.to_string(), format!("{:.2}", 100.0 * error))
    });
    let row = format!("| {name} | {samples} | {:.2} | {error} |\n", 100.0 * share);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(row.as_bytes())).unwrap();
}

/// A 95 % interval holds the truth 94 to 96 times in 100.
#[track_caller]
pub(crate) fn nominal(share: f64) {
    assert!((0.94..=0.96).contains(&share), "coverage {share}");
}

/// `n` standard normal values.
pub(crate) fn normals(draws: &mut Draws, n: usize) -> Vec<f64> {
    (0..n).map(|_| draws.normal()).collect()
}
