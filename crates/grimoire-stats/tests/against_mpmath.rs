//! What peers round or truncate, against its definition at 40 digits (`golden/stats/exact.py`, mpmath):
//! Kolmogorov–Smirnov, exact intervals, Fisher's odds ratio, noncentral distributions, exact tests to
//! n = 10¹². Relative error at most 10⁻¹².

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::Alternative;
use grimoire_stats::dist::{
    Beta, Binomial, ChiSquare, Distribution, Exponential, FisherF, Gamma, Geometric,
    Hypergeometric, NegativeBinomial, Normal, Poisson, Student, kolmogorov, noncentral,
};
use grimoire_stats::interval::{Proportion, Rate};
use grimoire_stats::test::{binomial, rate, table};
use grimoire_testkit::{close, golden};
use serde_json::Value;

const BOUND: f64 = 1e-12;
const BOTH: Alternative = Alternative::TwoSided;

fn rows(name: &str) -> Vec<Vec<Value>> {
    let data: Value = golden::read("stats/exact.json");
    let rows: Vec<Vec<Value>> = serde_json::from_value(data[name].clone()).expect(name);
    assert!(!rows.is_empty());
    rows
}

fn numbers(row: &[Value]) -> Vec<f64> {
    row.iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Prints how far off `found` is, and stops beyond the bound.
#[track_caller]
fn near(what: &str, found: f64, expected: f64) {
    eprintln!("{what}: {found:e}, off by {:.1e}", found / expected - 1.0);
    close(found, expected, BOUND, 0.0);
}

#[test]
fn kolmogorov_distributions() {
    for row in rows("kolmogorov") {
        let r = numbers(&row);
        let n = r[0] as u64;
        near(&format!("P(D⁺ ≥ {}), n = {n}", r[1]), kolmogorov::one_sided(n, r[1]), r[3]);
        near(&format!("P(D ≥ {}), n = {n}", r[1]), kolmogorov::two_sided(n, r[1]), r[2]);
    }
}

#[test]
fn intervals() {
    for row in rows("proportion") {
        let method = Proportion::ALL.into_iter().find(|m| m.name() == row[0]).unwrap();
        let r = numbers(&row[1..]);
        let made = method.interval(r[0] as u64, r[1] as u64, r[2], BOTH).unwrap();
        near(&format!("{row:?}"), made.lower, r[3]);
        near(&format!("{row:?}"), made.upper, r[4]);
    }
    for row in rows("rate") {
        let method = Rate::ALL.into_iter().find(|m| m.name() == row[0]).unwrap();
        let r = numbers(&row[1..]);
        let made = method.interval(r[0] as u64, r[1], r[2], BOTH).unwrap();
        near(&format!("{row:?}"), made.lower, r[3]);
        near(&format!("{row:?}"), made.upper, r[4]);
    }
}

#[test]
fn fishers_odds_ratio() {
    for row in rows("fisher") {
        let r = numbers(&row);
        let cells = [[r[0] as u64, r[1] as u64], [r[2] as u64, r[3] as u64]];
        let record = table::fisher(cells, BOTH, 0.95).unwrap();
        near("odds ratio", record.estimate.unwrap(), r[4]);
        let made = record.interval.unwrap();
        near("lower end", made.lower, r[5]);
        near("upper end", made.upper, r[6]);
    }
}

#[test]
fn noncentral_distributions() {
    for row in rows("noncentral_t") {
        let r = numbers(&row);
        near(&format!("t {r:?}"), noncentral::student(r[0], r[1], r[2]).0, r[3]);
    }
    for row in rows("noncentral_chi_square") {
        let r = numbers(&row);
        near(&format!("χ² {r:?}"), noncentral::chi_square(r[0], r[1], r[2]).0, r[3]);
    }
}

#[test]
fn exact_tests_of_a_billion_and_more_trials() {
    for row in rows("large") {
        let r = numbers(&row);
        let record = binomial::exact(r[0] as u64, r[1] as u64, r[2], BOTH, 0.95).unwrap();
        near(&format!("{r:?}"), record.p_value.unwrap(), r[3]);
    }
}

/// Tails too small for a double (`golden/stats/far.py`): their logarithms, to 10⁻¹³ of them.
#[test]
fn logarithms_of_tails_that_underflow() {
    let data: Value = golden::read("stats/far.json");
    let rows: Vec<(String, Vec<f64>, f64, f64)> =
        serde_json::from_value(data["ln_upper"].clone()).unwrap();
    assert_eq!(rows.len(), 33);
    for (name, p, x, expected) in rows {
        let whole = |value: f64| value as u64;
        let d: Box<dyn Distribution> = match name.as_str() {
            "normal" => Box::new(Normal::new(p[0], p[1]).unwrap()),
            "t" => Box::new(Student::new(p[0]).unwrap()),
            "f" => Box::new(FisherF::new(p[0], p[1]).unwrap()),
            "chi-square" => Box::new(ChiSquare::new(p[0]).unwrap()),
            "gamma" => Box::new(Gamma::new(p[0], p[1]).unwrap()),
            "exponential" => Box::new(Exponential::new(p[0]).unwrap()),
            "beta" => Box::new(Beta::new(p[0], p[1]).unwrap()),
            "binomial" => Box::new(Binomial::new(whole(p[0]), p[1]).unwrap()),
            "poisson" => Box::new(Poisson::new(p[0]).unwrap()),
            "negative-binomial" => Box::new(NegativeBinomial::new(p[0], p[1]).unwrap()),
            "geometric" => Box::new(Geometric::new(p[0]).unwrap()),
            "hypergeometric" => {
                Box::new(Hypergeometric::new(whole(p[0]), whole(p[1]), whole(p[2])).unwrap())
            }
            other => panic!("{other}"),
        };
        let found = d.tails(x).ln_upper;
        eprintln!("{name}{p:?} beyond {x}: {found}, off by {:.1e}", found / expected - 1.0);
        close(found, expected, 1e-13, 0.0);
        let at = if d.is_discrete() { x + 1.0 } else { x };
        close(d.ln_at_least(at), found, 0.0, 0.0);
    }
}

/// The same of Kolmogorov and Smirnov (`golden/stats/edges.py`), and what does not underflow.
#[test]
fn logarithms_of_distances_that_underflow() {
    let data: Value = golden::read("stats/edges.json");
    let rows: Vec<[f64; 3]> = serde_json::from_value(data["ln_kolmogorov"].clone()).unwrap();
    assert_eq!(rows.len(), 5);
    for [n, d, one] in rows {
        close(kolmogorov::ln_one_sided(n as u64, d), one, 1e-13, 0.0);
        if d >= 0.5 {
            // Above a half the two sides exclude each other.
            let two = one + std::f64::consts::LN_2;
            close(kolmogorov::ln_two_sided(n as u64, d), two, 1e-13, 0.0);
        }
    }
    let rows: Vec<[f64; 5]> = serde_json::from_value(data["ln_smirnov"].clone()).unwrap();
    assert_eq!(rows.len(), 6);
    for [m, n, d, one, two] in rows {
        let found = |side| kolmogorov::ln_two_samples(m as u64, n as u64, d, side);
        eprintln!("{m} and {n} at {d}: {} {}", found(true) / one - 1.0, found(false) / two - 1.0);
        close(found(true), one, 1e-13, 0.0);
        close(found(false), two, 1e-13, 0.0);
    }
    // D = 1 of 700 and 700: two of C(1400, 700) orders.
    let x: Vec<f64> = (0..700).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|value| value + 1000.0).collect();
    let record = grimoire_stats::test::kolmogorov::two_samples(&x, &y, BOTH).unwrap();
    let rows: Vec<[f64; 5]> = serde_json::from_value(data["ln_smirnov"].clone()).unwrap();
    assert_eq!(record.p_value, Some(0.0));
    close(record.ln_p_value.unwrap(), rows[0][4], 1e-13, 0.0);
}

/// Ends of the noncentrality of χ² by scipy (`golden/stats/edges.py`); beyond 10⁴ by an approximation.
#[test]
fn noncentrality_of_a_chi_square() {
    let data: Value = golden::read("stats/edges.json");
    let rows: Vec<[f64; 5]> = serde_json::from_value(data["chi_square_shift"].clone()).unwrap();
    assert_eq!(rows.len(), 9);
    for [x, degrees, level, low, high] in rows {
        let found = noncentral::chi_square_shift_interval(x, degrees, level);
        eprintln!("{x} {degrees} {level}: {:e} {:e}", found.0 / low - 1.0, found.1 / high - 1.0);
        let bound = if x > 1e4 { 1e-6 } else { 1e-9 };
        close(found.0, low, bound, 0.0);
        close(found.1, high, bound, 0.0);
    }
}

/// p-values down to 10⁻¹⁶, where a range of counts cut at a fixed probability would leave only its own error.
#[test]
fn small_p_values_of_the_e_test() {
    let data: Value = golden::read("stats/far.json");
    let rows: Vec<[f64; 5]> = serde_json::from_value(data["e_test"].clone()).unwrap();
    assert_eq!(rows.len(), 5);
    for [x1, t1, x2, t2, expected] in rows {
        let found = rate::e_test((x1 as u64, t1), (x2 as u64, t2), BOTH).unwrap();
        near(&format!("{x1} in {t1}, {x2} in {t2}"), found, expected);
    }
}
