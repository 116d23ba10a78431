//! Information, means and links against 40-digit values (golden/info/info.py, mpmath 1.3.0), relative
//! error at most 1e-12.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::info::estimate::{self, Estimator};
use grimoire_stats::info::{
    Distribution, cross_entropy, entropy, jensen_shannon, kl, mutual_information,
};
use grimoire_stats::link::{log_sum_exp, logit, softmax};
use grimoire_stats::mean::{Kind, weighted_mean};
use grimoire_testkit::{close, golden};
use serde_json::Value;

fn recorded() -> Value {
    golden::read("info/info.json")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn expected(value: &Value) -> f64 {
    match value.as_str().unwrap() {
        "inf" => f64::INFINITY,
        text => text.parse().unwrap(),
    }
}

#[test]
fn divergences() {
    for case in recorded()["pairs"].as_array().unwrap() {
        let p = Distribution::counts(&numbers(&case["a"])).unwrap();
        let q = Distribution::counts(&numbers(&case["b"])).unwrap();
        close(entropy(&p), expected(&case["entropy"]), 1e-12, 0.0);
        close(cross_entropy(&p, &q).unwrap(), expected(&case["cross"]), 1e-12, 0.0);
        close(kl(&p, &q).unwrap(), expected(&case["kl"]), 1e-12, 0.0);
        close(kl(&q, &p).unwrap(), expected(&case["reverse"]), 1e-12, 0.0);
        close(jensen_shannon(&p, &q).unwrap(), expected(&case["js"]), 1e-12, 0.0);
    }
    for case in recorded()["tables"].as_array().unwrap() {
        let table: Vec<Vec<f64>> = case["table"].as_array().unwrap().iter().map(numbers).collect();
        let found = mutual_information(&table).unwrap().information;
        close(found, expected(&case["information"]), 1e-12, 0.0);
    }
}

#[test]
fn estimators() {
    for case in recorded()["estimates"].as_array().unwrap() {
        let found = estimate::entropy(&numbers(&case["counts"])).unwrap();
        for (name, estimator) in [
            ("plug_in", Estimator::PlugIn),
            ("miller_madow", Estimator::MillerMadow),
            ("grassberger", Estimator::Grassberger),
            ("jackknife", Estimator::Jackknife),
            ("chao_shen", Estimator::ChaoShen),
        ] {
            close(found.value(estimator), expected(&case[name]), 1e-12, 0.0);
        }
        close(found.standard_error, expected(&case["standard_error"]), 1e-12, 0.0);
    }
}

#[test]
fn means() {
    for case in recorded()["means"].as_array().unwrap() {
        let (x, w) = (numbers(&case["x"]), numbers(&case["w"]));
        for (name, kind) in [
            ("arithmetic", Kind::Arithmetic),
            ("geometric", Kind::Geometric),
            ("harmonic", Kind::Harmonic),
            ("quadratic", Kind::Power(2.0)),
            ("order_0.3", Kind::Power(0.3)),
            ("order_-4", Kind::Power(-4.0)),
        ] {
            close(weighted_mean(kind, &x, &w).unwrap(), expected(&case[name]), 1e-12, 0.0);
        }
    }
}

#[test]
fn links() {
    for case in recorded()["links"].as_array().unwrap() {
        let x = numbers(&case["x"]);
        let p = softmax(&x, case["temperature"].as_f64().unwrap()).unwrap();
        for (p, recorded) in p.iter().zip(case["softmax"].as_array().unwrap()) {
            close(*p, expected(recorded), 1e-12, 1e-300);
        }
        close(log_sum_exp(&x), expected(&case["log_sum_exp"]), 1e-12, 0.0);
    }
    for case in recorded()["logits"].as_array().unwrap() {
        let p = case["p"].as_f64().unwrap();
        close(logit(p).unwrap(), expected(&case["logit"]), 1e-12, 0.0);
    }
}
