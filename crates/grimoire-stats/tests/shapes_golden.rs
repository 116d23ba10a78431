//! Eigenvalues against numpy, moving averages against pandas, equilibria against nashpy
//! (golden/shapes/shapes.py).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::eigen::Complex;
use grimoire_stats::eigen::dense::{general, general_complex, symmetric};
use grimoire_stats::game::equilibria::bimatrix;
use grimoire_stats::mean::ema::{Ema, Rate};
use grimoire_testkit::{all_close, golden};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    matrices: Vec<Matrices>,
    x: Vec<f64>,
    averages: Vec<Average>,
    games: Vec<Game>,
}

#[derive(Deserialize)]
struct Matrices {
    general: Vec<Vec<f64>>,
    values: Vec<[f64; 2]>,
    symmetric: Vec<Vec<f64>>,
    symmetric_values: Vec<f64>,
    real: Vec<Vec<f64>>,
    imaginary: Vec<Vec<f64>>,
    complex_values: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Average {
    discount: f64,
    corrected: bool,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct Game {
    a: Vec<Vec<f64>>,
    b: Vec<Vec<f64>>,
    equilibria: Vec<[Vec<f64>; 2]>,
}

/// Each recorded value has one of ours within 1e-11 (conditions of these matrices are below 100).
fn same(found: &[Complex], expected: &[[f64; 2]]) {
    assert_eq!(found.len(), expected.len());
    for [re, im] in expected {
        let near = found.iter().map(|z| (z.re - re).hypot(z.im - im)).fold(f64::INFINITY, f64::min);
        assert!(near < 1e-11, "{re} + {im}i: nearest is {near:e} away");
    }
}

#[test]
fn eigenvalues_of_numpy() {
    for case in golden::read::<Recorded>("shapes/shapes.json").matrices {
        let found = general(&case.general).unwrap();
        same(&found.values, &case.values);
        assert!(found.residuals.iter().all(|r| *r < 1e-12));
        let found = symmetric(&case.symmetric).unwrap();
        all_close(&found.values, &case.symmetric_values, 0.0, 1e-12);
        let rows: Vec<Vec<Complex>> = case
            .real
            .iter()
            .zip(&case.imaginary)
            .map(|(re, im)| re.iter().zip(im).map(|(&re, &im)| Complex::new(re, im)).collect())
            .collect();
        let found = general_complex(&rows).unwrap();
        same(&found.values, &case.complex_values);
        assert!(found.residuals.iter().all(|r| *r < 1e-12));
    }
}

#[test]
fn moving_averages_of_pandas() {
    let recorded: Recorded = golden::read("shapes/shapes.json");
    for case in recorded.averages {
        let mut ema = Ema::new(Rate::Discount(case.discount), case.corrected).unwrap();
        let found: Vec<f64> = recorded.x.iter().map(|&x| ema.push(x).unwrap()).collect();
        all_close(&found, &case.values, 1e-12, 1e-14);
    }
}

#[test]
fn equilibria_of_nashpy() {
    for case in golden::read::<Recorded>("shapes/shapes.json").games {
        let found = bimatrix(&case.a, &case.b).unwrap();
        assert_eq!(found.equilibria.len(), case.equilibria.len());
        for [row, column] in &case.equilibria {
            let near = found.equilibria.iter().any(|pair| {
                let off = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
                off(&pair.row, row) && off(&pair.column, column)
            });
            assert!(near, "{row:?} {column:?}");
        }
    }
}
