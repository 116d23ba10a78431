//! Permutation tests and their intervals: against counting with fractions (`golden/stats/permutation.py`, checked
//! there by scipy where scipy asks the same question), and the interval against the test that it inverts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::random::Random;
use grimoire_stats::resample::permutation::{self, Exchanges, Permuted};
use grimoire_stats::test::mean;
use grimoire_stats::{Alternative, Interval};
use grimoire_testkit::{close, golden};
use serde_json::Value;

const SIDES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

#[derive(serde::Deserialize)]
struct Case {
    design: String,
    x: Vec<f64>,
    y: Vec<f64>,
    clusters: Option<Vec<u32>>,
    side: Alternative,
    level: f64,
    p_value: f64,
    interval: [Option<f64>; 2],
}

/// Both designs as one question.
struct Data<'a> {
    x: &'a [f64],
    y: &'a [f64],
    paired: bool,
    clusters: Option<&'a [u32]>,
}

impl Data<'_> {
    fn run(&self, shift: f64, side: Alternative, level: f64, exchanges: Exchanges) -> Permuted {
        let x: Vec<f64> = self.x.iter().map(|x| x - shift).collect();
        if self.paired {
            permutation::paired(&x, self.y, self.clusters, side, level, exchanges).unwrap()
        } else {
            permutation::two_samples(&x, self.y, side, level, exchanges).unwrap()
        }
    }
}

#[test]
fn small_cases_are_those_of_counting_with_fractions() {
    let file: Value = golden::read("stats/permutation.json");
    let cases: Vec<Case> = serde_json::from_value(file["cases"].clone()).unwrap();
    assert_eq!(cases.len(), 50);
    for case in cases {
        let clusters = case.clusters.as_deref();
        let data = Data { x: &case.x, y: &case.y, paired: case.design == "paired", clusters };
        let made = data.run(0.0, case.side, case.level, Exchanges::default());
        close(made.record.p_value.unwrap(), case.p_value, 1e-15, 0.0);
        assert!(made.record.method.starts_with("exact"), "{}", made.record.method);
        let found = made.record.interval.unwrap();
        for (found, expected) in [found.lower, found.upper].into_iter().zip(case.interval) {
            match expected {
                Some(expected) => close(found, expected, 1e-14, 1e-14),
                None => assert!(found.is_infinite(), "{found} for an end that nothing rejects"),
            }
        }
    }
}

/// A shift just inside an end is not rejected, one just outside is; the exchanges are the same ones.
#[test]
fn an_interval_ends_where_the_test_begins_to_reject() {
    let mut draws = Random::new(41, 0).draws(0);
    let x: Vec<f64> = (0..13).map(|_| 1.0 + draws.exponential()).collect();
    let y: Vec<f64> = (0..19).map(|_| draws.exponential()).collect();
    let labels = [0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9];
    let exchanges = Exchanges { resamples: 799, seed: 5 };
    for (paired, clusters) in [(false, None), (true, None), (true, Some(&labels[..]))] {
        let data = Data { x: &x, y: if paired { &y[..13] } else { &y }, paired, clusters };
        for side in SIDES {
            let level = 0.9;
            let made = data.run(0.0, side, level, exchanges);
            assert!(!made.record.method.starts_with("exact"), "{}", made.record.method);
            let Interval { lower, upper, .. } = made.record.interval.unwrap();
            assert_eq!(lower.is_infinite(), side == Alternative::Less);
            assert_eq!(upper.is_infinite(), side == Alternative::Greater);
            let p = |shift: f64| data.run(shift, side, level, exchanges).record.p_value.unwrap();
            for (end, outwards) in [(lower, -1e-7), (upper, 1e-7)] {
                if end.is_finite() {
                    let (inside, outside) = (p(end - outwards), p(end + outwards));
                    assert!(inside > 0.1 + 1e-9 && outside < 0.1 + 1e-9, "{inside}, {outside}");
                }
            }
        }
    }
}

/// The distribution that is drawn is the one that p was counted in, on the scale of the estimate.
#[test]
fn the_exchanges_are_those_that_p_counts() {
    let (x, y) = ([4.5, 5.0, 7.25, 3.0], [1.0, 4.75, 2.0, 3.5]);
    for (paired, tried) in [(false, 70), (true, 16)] {
        let data = Data { x: &x, y: &y, paired, clusters: None };
        let made = data.run(0.0, Alternative::Greater, 0.95, Exchanges::default());
        assert_eq!(made.exchanged.len(), tried);
        let observed = made.record.estimate.unwrap();
        close(made.exchanged[0], observed, 1e-14, 0.0);
        let extreme = made.exchanged.iter().filter(|v| **v >= observed - 1e-12).count();
        close(extreme as f64 / tried as f64, made.record.p_value.unwrap(), 1e-15, 0.0);
    }
}

#[test]
fn the_effect_is_that_of_the_t_test() {
    let (x, y) = ([4.5, 5.0, 7.25, 3.0], [1.0, 4.75, 2.0, 3.5]);
    let (side, exchanges) = (Alternative::TwoSided, Exchanges::default());
    let of = |made: Permuted| made.record.effect.unwrap();
    let two = of(permutation::two_samples(&x, &y, side, 0.9, exchanges).unwrap());
    let t = mean::two_samples(&x, &y, true, side, 0.9).unwrap().effect.unwrap();
    let pairs = of(permutation::paired(&x, &y, None, side, 0.9, exchanges).unwrap());
    let t_pairs = mean::paired(&x, &y, 0.0, side, 0.9).unwrap().effect.unwrap();
    for (found, expected) in [(two, t), (pairs, t_pairs)] {
        close(found.value, expected.value, 1e-14, 0.0);
        let (found, expected) = (found.interval.unwrap(), expected.interval.unwrap());
        close(found.lower, expected.lower, 1e-12, 0.0);
        close(found.upper, expected.upper, 1e-12, 0.0);
        assert_eq!(found.method, "noncentral t, for normal values");
    }
    let clusters = [0, 0, 1, 1];
    let clustered = permutation::paired(&x, &y, Some(&clusters), side, 0.9, exchanges).unwrap();
    assert!(of(clustered).interval.is_none(), "clusters are not independent values");
    let constant = permutation::two_samples(&[2.0, 2.0], &[1.0, 1.0], side, 0.9, exchanges);
    assert!(constant.unwrap().record.effect.is_none());
}
