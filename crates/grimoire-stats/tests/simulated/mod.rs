//! How often an interval holds the truth, by simulation: what the tests of coverage share. No test itself.

use grimoire_stats::Interval;
use grimoire_stats::random::{Draws, Random};
use rayon::prelude::*;

/// Where the random numbers of a file of tests come from.
pub(crate) struct Simulation {
    /// The seed.
    pub(crate) seed: u64,
    /// The lane of random numbers that every round draws from.
    pub(crate) lane: u64,
}

impl Simulation {
    /// Share of 4,000 simulated samples whose interval holds the truth: standard error 0.34 points at 95 %.
    pub(crate) fn covered(
        &self,
        name: &str,
        truth: f64,
        interval: impl Fn(&mut Draws) -> Interval + Sync,
    ) -> f64 {
        let rounds = 4000_u64;
        let hits = (0..rounds)
            .into_par_iter()
            .filter(|&round| {
                let mut draws = Random::new(self.seed, round).draws(self.lane);
                interval(&mut draws).contains(truth)
            })
            .count();
        let share = hits as f64 / rounds as f64;
        eprintln!("{name}: {:.2} %", 100.0 * share);
        share
    }
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
