//! Diagnostics of least squares against statsmodels (golden/linear/ols.py), ridge against scikit-learn
//! (golden/linear/path.py), leave-one-out against refitting, and large tables against exact arithmetic.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::linear::least_squares::{WideColumn, solve, with_intercept};
use grimoire_stats::linear::ols::{ols, predict};
use grimoire_stats::linear::path::Convention;
use grimoire_stats::linear::{Columns, ridge};
use grimoire_testkit::{all_close, close, golden};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn made(name: &str) -> (Vec<Vec<f64>>, Vec<f64>) {
    let sets: Value = golden::read("linear/path-data.json");
    let x = sets[name]["x"].as_array().unwrap().iter().map(numbers).collect();
    (x, numbers(&sets[name]["y"]))
}

#[test]
fn diagnostics_agree_with_statsmodels() {
    let cases: Value = golden::read("linear/ols.json");
    let (x, y) = made("tall");
    let design = Columns::from_columns(&x).unwrap();
    for case in cases.as_array().unwrap() {
        let intercept = case["intercept"].as_bool().unwrap();
        let columns = with_intercept(&design, intercept);
        let names: Vec<String> = (0..columns.len()).map(|j| format!("x{j}")).collect();
        let fit = ols(&columns, &names, &WideColumn::plain(&y), intercept, 0.95).unwrap();
        let near = |found: &[f64], key: &str| all_close(found, &numbers(&case[key]), 1e-9, 1e-12);
        let of = |pick: fn(&grimoire_stats::linear::ols::Term) -> f64| -> Vec<f64> {
            fit.terms.iter().map(pick).collect()
        };
        near(&of(|term| term.coefficient.unwrap()), "coefficients");
        near(&of(|term| term.standard_error), "standard_errors");
        near(&of(|term| term.t), "t");
        near(&of(|term| term.p_value), "p_values");
        near(&of(|term| term.robust_error), "robust");
        near(&fit.rows.leverage, "leverage");
        near(&fit.rows.studentized, "studentized");
        near(&fit.rows.cook, "cook");
        for (term, ends) in fit.terms.iter().zip(case["intervals"].as_array().unwrap()) {
            let interval = term.interval.as_ref().unwrap();
            all_close(&[interval.lower, interval.upper], &numbers(ends), 1e-9, 1e-12);
        }
        for (found, key) in [
            (fit.r_squared, "r_squared"),
            (fit.adjusted_r_squared, "adjusted"),
            (fit.f, "f"),
            (fit.f_p_value, "f_p"),
            (fit.log_likelihood, "log_likelihood"),
            (fit.durbin_watson, "durbin_watson"),
        ] {
            close(found, case[key].as_f64().unwrap(), 1e-9, 0.0);
        }
        let coefficients: Vec<Option<f64>> =
            fit.terms.iter().map(|term| term.coefficient).collect();
        let rows =
            case["new"].as_array().unwrap().iter().zip(case["predicted"].as_array().unwrap());
        for (new, expected) in rows {
            let found = predict(
                &numbers(new),
                &coefficients,
                &fit.inverse_gram,
                fit.residual_sd,
                fit.degrees_of_freedom,
                0.95,
            )
            .unwrap();
            let found =
                [found.value, found.mean.lower, found.mean.upper, found.new.lower, found.new.upper];
            all_close(&found, &numbers(expected), 1e-9, 1e-11);
        }
    }
}

#[test]
fn the_later_of_two_equal_columns_is_aliased() {
    let x = vec![1.0, 2.0, 3.0, 5.0];
    let design = Columns::from_columns(&[x.clone(), x.iter().map(|v| 3.0 * v).collect()]).unwrap();
    let columns = with_intercept(&design, true);
    let names: Vec<String> = ["(Intercept)", "a", "b"].map(str::to_owned).to_vec();
    let y = WideColumn::plain(&[3.0, 5.0, 7.0, 11.5]);
    let fit = ols(&columns, &names, &y, true, 0.95).unwrap();
    assert_eq!((fit.rank, fit.terms[2].coefficient), (2, None));
    assert!(fit.terms[1].coefficient.is_some() && fit.terms[1].standard_error > 0.0);
}

#[test]
fn ridge_agrees_with_scikit_learn_and_leaves_one_out_exactly() {
    let cases: Value = golden::read("linear/path-sklearn.json");
    let ours = |case: &&Value| {
        case["model"] == "ridge" && matches!(case["name"].as_str(), Some("tall" | "wide"))
    };
    for case in cases.as_array().unwrap().iter().filter(ours) {
        let (x, y) = made(case["name"].as_str().unwrap());
        let options = ridge::Options {
            convention: Convention::Sklearn,
            lambdas: Some(vec![case["lambda"].as_f64().unwrap()]),
            ..ridge::Options::default()
        };
        let path = ridge::ridge(&Columns::from_columns(&x).unwrap(), &y, &options).unwrap();
        let point = &path.points[0];
        let mut found = vec![point.intercept];
        found.extend(&point.coefficients);
        all_close(&found, &numbers(&case["coefficients"]), 1e-9, 1e-9);
        // Leaving out by hand; the centring is redone, as it must be.
        let n = y.len();
        let mut total = 0.0;
        for out in 0..n {
            let keep: Vec<usize> = (0..n).filter(|&row| row != out).collect();
            let design = Columns::from_columns(&x).unwrap().rows(&keep);
            let rest: Vec<f64> = keep.iter().map(|&row| y[row]).collect();
            let point = ridge::ridge(&design, &rest, &options).unwrap().points.remove(0);
            let fit: f64 = x.iter().zip(&point.coefficients).map(|(x, b)| x[out] * b).sum();
            total += (y[out] - point.intercept - fit).powi(2);
        }
        close(point.leave_one_out, total / n as f64, 1e-9, 0.0);
    }
}

#[test]
fn glmnet_ridge_is_the_same_ridge() {
    let cases: Value = golden::read("linear/path-glmnet.json");
    let (x, y) = made("tall");
    let case = cases.as_array().unwrap().iter().find(|case| case["alpha"] == 0.0).unwrap();
    let options =
        ridge::Options { lambdas: Some(numbers(&case["lambdas"])), ..ridge::Options::default() };
    let path = ridge::ridge(&Columns::from_columns(&x).unwrap(), &y, &options).unwrap();
    for (point, expected) in path.points.iter().zip(case["coefficients"].as_array().unwrap()) {
        let mut found = vec![point.intercept];
        found.extend(&point.coefficients);
        all_close(&found, &numbers(expected), 1e-7, 1e-7);
    }
}

#[test]
fn large_tables_keep_their_digits() {
    // 200,000 x 12 goes through the f64 factorisation with corrections: y is built from whole numbers
    // so that the least squares solution is exactly the weights.
    let n = 200_000;
    let columns: Vec<Vec<f64>> = (0..12_u64)
        .map(|j| {
            (0..n as u64)
                .map(|i| ((i * (2 * j + 3) + i * i % (j + 7) + j) % 1009) as f64 + 1000.0)
                .collect()
        })
        .collect();
    let weights: Vec<f64> = (0..12).map(|j| f64::from(j) - 5.0).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| 7.0 + columns.iter().zip(&weights).map(|(x, w)| x[i] * w).sum::<f64>())
        .collect();
    let design = with_intercept(&Columns::from_columns(&columns).unwrap(), true);
    let solution = solve(&design, &WideColumn::plain(&y)).unwrap();
    assert!(solution.arithmetic.contains("corrected"), "{}", solution.arithmetic);
    close(solution.coefficients[0].unwrap(), 7.0, 1e-13, 0.0);
    for (b, w) in solution.coefficients[1..].iter().zip(&weights) {
        close(b.unwrap(), *w, 1e-13, 1e-13);
    }
}

#[test]
fn ridge_refuses_a_response_that_does_not_vary() {
    let design = Columns::from_columns(&[vec![1.0, 2.0, 4.0, 3.0]]).unwrap();
    let message =
        ridge::ridge(&design, &[7.0; 4], &ridge::Options::default()).unwrap_err().to_string();
    assert_eq!(message, "penalised regression: y does not vary");
}
