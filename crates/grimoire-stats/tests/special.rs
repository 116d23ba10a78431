//! Special functions against mpmath at 60 digits (`golden/stats/special.py`): relative error at most
//! 10⁻¹² in both tails, 10⁻¹⁰ beyond n = 10⁹, as the issue of this crate asks.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::special::{erf, gamma, incomplete};
use grimoire_testkit::{close, golden};
use serde_json::Value;

fn rows(data: &Value, name: &str) -> Vec<Vec<Option<f64>>> {
    serde_json::from_value(data[name].clone()).expect("rows of numbers")
}

fn one_argument(data: &Value, name: &str, f: impl Fn(f64) -> f64, relative: f64, absolute: f64) {
    let rows = rows(data, name);
    assert!(!rows.is_empty());
    for row in rows {
        if let (Some(x), Some(expected)) = (row[0], row[1]) {
            eprintln!("{name}({x})");
            close(f(x), expected, relative, absolute);
        }
    }
}

#[test]
fn functions_of_one_argument() {
    let data: Value = golden::read("stats/special.json");
    one_argument(&data, "ln_gamma", gamma::ln_gamma, 5e-15, 0.0);
    one_argument(&data, "digamma", gamma::digamma, 5e-14, 1e-14);
    one_argument(&data, "erf", erf::erf, 2e-15, 0.0);
    one_argument(&data, "erfc", erf::erfc, 2e-15, 0.0);
    one_argument(&data, "erfcx", erf::erfcx, 2e-15, 0.0);
    one_argument(&data, "normal_survival", erf::normal_survival, 2e-15, 0.0);
    one_argument(&data, "normal_ln_cdf", erf::normal_ln_cdf, 2e-15, 0.0);
    one_argument(&data, "normal_quantile", erf::normal_quantile, 1e-14, 1e-15);
}

/// Limits at infinity, poles, and NaN for NaN: nothing loops, and no other value comes back quietly.
#[test]
fn edges_of_the_domain() {
    let infinite = f64::INFINITY;
    assert_eq!([erf::erf(infinite), erf::erf(-infinite), erf::erf(1e200)], [1.0, -1.0, 1.0]);
    assert_eq!([erf::erfc(infinite), erf::erfc(-infinite), erf::erfc(1e200)], [0.0, 2.0, 0.0]);
    assert_eq!([erf::erfcx(infinite), erf::erfcx(-infinite)], [0.0, infinite]);
    assert_eq!([erf::erfcx(-1e200), erf::erfcx(-27.0)], [infinite, infinite]);
    assert_eq!([erf::normal_ln_cdf(infinite), erf::normal_ln_cdf(-infinite)], [0.0, -infinite]);
    assert_eq!([erf::normal_cdf(infinite), erf::normal_cdf(-infinite)], [1.0, 0.0]);
    assert_eq!([gamma::digamma(0.0), gamma::digamma(infinite)], [-infinite, infinite]);
    let poles = [-1.0, -2.0, -1e16, -1e300, -infinite];
    assert!(poles.iter().all(|&x| gamma::digamma(x).is_nan()));
    let all =
        [erf::erf, erf::erfc, erf::erfcx, erf::normal_ln_cdf, erf::normal_survival, gamma::digamma];
    assert!(all.iter().all(|of| of(f64::NAN).is_nan()));
}

fn check_tails(tails: incomplete::Tails, lower: Option<f64>, upper: Option<f64>, bound: f64) {
    if let Some(lower) = lower {
        close(tails.lower, lower, bound, 0.0);
        close(tails.ln_lower, lower.ln(), 1e-13, bound);
    }
    if let Some(upper) = upper {
        close(tails.upper, upper, bound, 0.0);
        close(tails.ln_upper, upper.ln(), 1e-13, bound);
    }
}

#[test]
fn incomplete_gamma_has_both_tails() {
    let data: Value = golden::read("stats/special.json");
    for row in rows(&data, "gamma") {
        let (Some(a), Some(x)) = (row[0], row[1]) else { panic!("arguments") };
        eprintln!("gamma({a}, {x})");
        check_tails(incomplete::gamma(a, x), row[2], row[3], 1e-12);
    }
}

#[test]
fn incomplete_beta_has_both_tails() {
    let data: Value = golden::read("stats/special.json");
    for row in rows(&data, "beta") {
        let (Some(a), Some(b), Some(x)) = (row[0], row[1], row[2]) else { panic!("arguments") };
        eprintln!("beta({a}, {b}, {x})");
        check_tails(incomplete::beta(a, b, x, 1.0 - x), row[3], row[4], 1e-12);
    }
}

/// Shapes below 1, where the tail away from 0 is small and 1 − P would not know it (`golden/stats/edges.py`).
#[test]
fn small_shapes_have_both_tails() {
    let data: Value = golden::read("stats/edges.json");
    for row in rows(&data, "gamma") {
        let (Some(a), Some(x)) = (row[0], row[1]) else { panic!("arguments") };
        eprintln!("gamma({a}, {x})");
        check_tails(incomplete::gamma(a, x), row[2], row[3], 1e-12);
    }
    for row in rows(&data, "beta") {
        let (Some(a), Some(b), Some(x)) = (row[0], row[1], row[2]) else { panic!("arguments") };
        eprintln!("beta({a}, {b}, {x})");
        check_tails(incomplete::beta(a, b, x, 1.0 - x), row[3], row[4], 1e-12);
        check_tails(incomplete::beta(b, a, 1.0 - x, x).swapped(), row[3], row[4], 1e-12);
    }
}

#[test]
fn inverses_return_to_the_tail_they_were_given() {
    for (a, b) in [(0.5, 0.5), (2.0, 7.0), (150.0, 1e9), (1e6, 3e6), (5e11, 5e11), (1.0, 1e12)] {
        for p in [1e-250, 1e-12, 0.025, 0.5, 0.999] {
            if a < 1.0 && p < 1e-200 {
                continue; // x would lie below the smallest double
            }
            for lower in [true, false] {
                let (x, y) = incomplete::beta_inverse(a, b, f64::ln(p), lower);
                let tails = incomplete::beta(a, b, x, y);
                // One unit in the last place of x, times this slope, is how far the tail may be off.
                let slope = (incomplete::ln_beta_kernel(a, b, x, y) - f64::ln(p)).exp();
                let bound = 1e-12 + 4e-16 * slope;
                eprintln!("beta_inverse({a}, {b}, {p}, {lower}) = {x}, {y}");
                close(if lower { tails.lower } else { tails.upper }, p, bound, 0.0);
            }
        }
    }
    for a in [0.5, 3.0, 250.0, 1e6, 1e12] {
        for p in [if a < 1.0 { 1e-90 } else { 1e-250 }, 1e-12, 0.025, 0.5, 0.999] {
            for lower in [true, false] {
                let tails = incomplete::gamma(a, incomplete::gamma_inverse(a, f64::ln(p), lower));
                let step = a.sqrt().max(1.0) * 40.0 * 2.3e-16;
                close(if lower { tails.lower } else { tails.upper }, p, step.max(1e-12), 0.0);
            }
        }
    }
}
