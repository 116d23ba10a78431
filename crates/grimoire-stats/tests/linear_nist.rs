//! Least squares against the NIST Statistical Reference Datasets, certified values recomputed in exact
//! rational arithmetic (golden/linear/nist.py). The score is the number of correct significant digits,
//! −log₁₀ of the relative error, as NIST defines it, at most 15.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::linear::least_squares::{Solution, WideColumn, solve};
use grimoire_stats::linear::twofold::Twofold;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    degree: usize,
    intercept: bool,
    y: Vec<String>,
    x: Vec<Vec<String>>,
    certified: Certified,
}

#[derive(Deserialize)]
struct Certified {
    coefficients: Vec<String>,
    standard_errors: Vec<String>,
    rss: String,
}

fn column(cells: &[String]) -> WideColumn {
    WideColumn::wide(cells.iter().map(|cell| Twofold::decimal(cell).unwrap()))
}

fn fit(case: &Case, plain: bool) -> Solution {
    let column = |cells: &[String]| {
        let wide = column(cells);
        if plain { WideColumn::plain(&wide.hi) } else { wide }
    };
    let n = case.y.len();
    let ones = case.intercept.then(|| WideColumn::plain(&vec![1.0; n]));
    let x = match case.degree {
        1 => case.x.iter().map(|cells| column(cells)).collect(),
        degree => WideColumn::powers(&column(&case.x[0]), degree),
    };
    solve(&ones.into_iter().chain(x).collect::<Vec<_>>(), &column(&case.y)).unwrap()
}

fn digits(actual: f64, expected: f64) -> f64 {
    let error = if expected == 0.0 { actual.abs() } else { ((actual - expected) / expected).abs() };
    if error == 0.0 { 15.0 } else { (-error.log10()).min(15.0) }
}

fn least_digits(case: &Case, solution: &Solution) -> (f64, f64, f64) {
    let read = |text: &String| text.parse::<f64>().unwrap();
    let p = solution.coefficients.len();
    let n = case.y.len();
    let variance = solution.rss / (n - p) as f64;
    let mut worst = (15.0_f64, 15.0_f64);
    for j in 0..p {
        let b = solution.coefficients[j].unwrap();
        let error = (variance * solution.inverse_gram[j * p + j]).sqrt();
        worst.0 = worst.0.min(digits(b, read(&case.certified.coefficients[j])));
        worst.1 = worst.1.min(digits(error, read(&case.certified.standard_errors[j])));
    }
    (worst.0, worst.1, digits(solution.rss, read(&case.certified.rss)))
}

#[test]
fn certified_values_to_the_last_digits() {
    let cases: BTreeMap<String, Case> = grimoire_testkit::golden::read("linear/nist.json");
    assert_eq!(cases.len(), 11);
    for (name, case) in &cases {
        let solution = fit(case, false);
        let (b, error, rss) = least_digits(case, &solution);
        let rounded = least_digits(case, &fit(case, true)).0;
        println!(
            "{name}: coefficients {b:.1} digits (from f64 data {rounded:.1}), errors {error:.1}, rss {rss:.1}, condition {:.1e}",
            solution.condition
        );
        // The house asks 13, 11 on Longley, 8 on Filip; double-double keeps 14 on all of them.
        assert!(b >= 14.0 && error >= 13.0 && rss >= 13.0, "{name}: {b} {error} {rss}");
    }
}
