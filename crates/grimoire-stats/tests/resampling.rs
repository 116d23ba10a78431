//! Resampling: the moments that theory gives exactly, the same bytes for any number of threads, exact
//! permutation tests by counting, samplers against their distributions.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::Alternative;
use grimoire_stats::dist::{
    Beta, Binomial, Distribution, Gamma, Geometric, NegativeBinomial, Poisson,
};
use grimoire_stats::random::Random;
use grimoire_stats::resample::bootstrap::{Value, quantile, quantile_interval};
use grimoire_stats::resample::permutation::{self, Exchanges};
use grimoire_stats::resample::{Bootstrap, Kind, Plan, clustered_mean};
use grimoire_stats::test::{kolmogorov, mean::Summary};
use grimoire_testkit::close;

const BOTH: Alternative = Alternative::TwoSided;

fn data(n: usize) -> Vec<f64> {
    let mut draws = Random::new(7, 7).draws(0);
    (0..n).map(|_| 100.0 + draws.exponential()).collect()
}

/// The bootstrap distribution of a mean has mean x̄ and variance s²(n−1)/n² exactly.
#[test]
fn resampled_means_have_the_variance_that_theory_gives() {
    for n in [37, 1024, 5000] {
        let x = data(n);
        let s = Summary::of(&x);
        let request = Bootstrap { resamples: 20_000, ..Bootstrap::default() };
        for width in [1_usize, 2, 3] {
            let rows: Vec<f64> = x.iter().flat_map(|v| std::iter::repeat_n(*v, width)).collect();
            let last = move |sums: &[f64]| Value::from(sums[width - 1] / n as f64);
            let out = request.run(&rows, width, last, &[Kind::Percentile]).unwrap();
            let error = (s.variance * (s.n - 1.0)).sqrt() / s.n;
            // Standard error of a standard deviation from 20,000 draws: 0.5 %; of the mean: 0.7 % of it.
            close(out.error, error, 0.02, 0.0);
            close(out.bias, 0.0, 0.0, 0.03 * error);
        }
    }
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let x = data(3000);
    let labels: Vec<u32> = (0..3000).map(|i| i / 20).collect();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let plain = Bootstrap { resamples: 500, seed: 5, ..Bootstrap::default() };
            let clustered = Bootstrap { plan: Plan::Clusters(&labels), ..plain };
            let strata = Bootstrap { plan: Plan::Strata(&labels), ..plain };
            let exchanges = Exchanges { resamples: 500, seed: 5 };
            format!(
                "{:?}{:?}{:?}{:?}{:?}",
                plain.mean(&x).unwrap(),
                clustered.mean(&x).unwrap(),
                strata.mean(&x).unwrap(),
                quantile_interval(&x, 0.5, &plain).unwrap(),
                permutation::two_samples(&x[..50], &x[50..120], BOTH, 0.95, exchanges)
            )
        })
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(5));
}

/// Whole clusters: the resampled error is that of the cluster-robust formula (up to (G−1)/G).
#[test]
fn clusters_and_strata_have_their_own_errors() {
    let mut draws = Random::new(3, 1).draws(0);
    let labels: Vec<u32> = (0..2000).map(|i| i / 10).collect();
    let shared: Vec<f64> = (0..200).map(|_| draws.normal()).collect();
    let x: Vec<f64> = labels.iter().map(|&g| shared[g as usize] + 0.3 * draws.normal()).collect();
    let robust = clustered_mean(&x, &labels, 0.95).unwrap().more.get("standard_error").unwrap();
    let request = Bootstrap { plan: Plan::Clusters(&labels), ..Bootstrap::default() };
    let out = request.mean(&x).unwrap();
    close(out.more.get("standard_error").unwrap(), robust * (199.0_f64 / 200.0).sqrt(), 0.03, 0.0);
    // Within strata only the inner variance is left.
    let strata = Bootstrap { plan: Plan::Strata(&labels), ..Bootstrap::default() };
    let error = strata.mean(&x).unwrap().more.get("standard_error").unwrap();
    close(error, 0.3 * (0.9_f64 / 2000.0).sqrt(), 0.08, 0.0);
}

/// Efron and Tibshirani, *An introduction to the bootstrap* (1993), table 2.1: the treated mice, mean
/// 86.86, standard error of the mean 25.24 = √(s²/n), bootstrap value √((n−1)/n) of it: 23.36.
#[test]
fn the_mice() {
    let mice = [94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0];
    let request = Bootstrap { resamples: 100_000, ..Bootstrap::default() };
    let record = request.mean(&mice).unwrap();
    close(record.estimate.unwrap(), 86.857_142_857_142_86, 1e-14, 0.0);
    close(record.more.get("standard_error").unwrap(), 23.36, 0.01, 0.0);
    assert!(record.interval.as_ref().unwrap().method.contains("BCa"));
}

#[test]
fn small_permutation_tests_are_counted() {
    // 6 choose 3 = 20 splits; {4,5,6} against {1,2,3} is the most extreme, with its mirror.
    let (x, y) = ([4.0, 5.0, 6.0], [1.0, 2.0, 3.0]);
    let many = Exchanges::default();
    let record = permutation::two_samples(&x, &y, BOTH, 0.95, many).unwrap().record;
    close(record.p_value.unwrap(), 0.1, 1e-15, 0.0);
    let record = permutation::paired(&x, &y, None, Alternative::Greater, 0.95, many);
    close(record.unwrap().record.p_value.unwrap(), 0.125, 1e-15, 0.0);
    // Many pairs: the randomised p is near the normal one.
    let x: Vec<f64> = data(500);
    let y: Vec<f64> = x.iter().rev().copied().collect();
    let p = permutation::paired(&x, &y, None, BOTH, 0.95, many).unwrap().record;
    assert!(p.p_value.unwrap() > 0.9, "a sample against its mirror has no difference");
    let sums = permutation::of_sums(
        &x,
        &y,
        1,
        |a, b| a[0] - b[0],
        Alternative::TwoSided,
        Exchanges { resamples: 999, seed: 1 },
    );
    assert!(sums.unwrap().p_value.unwrap() > 0.9);
}

#[test]
fn samplers_draw_from_their_distributions() {
    // One-sample Kolmogorov–Smirnov of 20,000 draws; the seed is fixed, so this never flickers.
    let continuous: [(&str, Box<dyn Distribution>); 4] = [
        ("gamma 0.4", Box::new(Gamma::new(0.4, 2.0).unwrap())),
        ("gamma 7", Box::new(Gamma::new(7.0, 0.5).unwrap())),
        ("beta", Box::new(Beta::new(2.0, 0.7).unwrap())),
        ("t by quantile", Box::new(grimoire_stats::dist::Student::new(3.0).unwrap())),
    ];
    for (index, (name, d)) in continuous.iter().enumerate() {
        let mut draws = Random::new(11, index as u64).draws(0);
        let values: Vec<f64> = (0..4_000).map(|_| d.sample(&mut draws)).collect();
        let p = kolmogorov::one_sample(&values, |x| d.cdf(x), Alternative::TwoSided).unwrap();
        assert!(p.p_value.unwrap() > 0.001, "{name}: {p:?}");
    }
    let discrete: [(&str, Box<dyn Distribution>); 6] = [
        ("binomial small", Box::new(Binomial::new(20, 0.3).unwrap())),
        ("binomial large", Box::new(Binomial::new(1000, 0.7).unwrap())),
        ("poisson small", Box::new(Poisson::new(3.0).unwrap())),
        ("poisson large", Box::new(Poisson::new(200.0).unwrap())),
        ("geometric", Box::new(Geometric::new(0.2).unwrap())),
        ("negative binomial", Box::new(NegativeBinomial::new(4.5, 0.3).unwrap())),
    ];
    for (index, (name, d)) in discrete.iter().enumerate() {
        let mut draws = Random::new(12, index as u64).draws(0);
        let n = 50_000_u32;
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..n {
            *counts.entry(d.sample(&mut draws) as i64).or_insert(0_u32) += 1;
        }
        let (mut chi_square, mut cells) = (0.0, 0.0);
        for (&value, &count) in &counts {
            let expected = d.density(value as f64) * f64::from(n);
            if expected >= 10.0 {
                chi_square += (f64::from(count) - expected).powi(2) / expected;
                cells += 1.0;
            }
        }
        // Five standard deviations of a chi-square above its mean.
        let bound = cells + 5.0 * f64::sqrt(2.0 * cells);
        assert!(cells > 5.0 && chi_square < bound, "{name}: {chi_square} over {cells} cells");
    }
}

#[test]
fn an_interval_of_a_quantile_needs_rows_and_two_resamples() {
    let values = [1.0, 2.0, 5.0];
    let plain = Bootstrap::default();
    assert!(quantile_interval(&values, 0.5, &plain).is_ok());
    for resamples in [0, 1] {
        assert!(quantile_interval(&values, 0.5, &Bootstrap { resamples, ..plain }).is_err());
    }
    let plan = Plan::Clusters(&[0, 0, 1]);
    assert!(quantile_interval(&values, 0.5, &Bootstrap { plan, ..plain }).is_err());
}

#[test]
fn quantiles_are_those_of_numpy() {
    // numpy 2: np.quantile([1, 2, 4, 8], [0, 0.1, 0.5, 0.9, 1]).
    for (p, expected) in [(0.0, 1.0), (0.1, 1.3), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)] {
        close(quantile(&[1.0, 2.0, 4.0, 8.0], p), expected, 1e-15, 0.0);
    }
}

#[test]
fn impossible_requests_are_errors() {
    let request = Bootstrap::default();
    assert!(request.mean(&[]).is_err() && request.mean(&[1.0]).is_err());
    assert!(request.mean(&[1.0, f64::NAN]).is_err());
    let short = [0_u32; 2];
    assert!(Bootstrap { plan: Plan::Clusters(&short), ..request }.mean(&[1.0, 2.0, 3.0]).is_err());
    assert!(Bootstrap { resamples: 5, ..request }.mean(&[1.0, 2.0]).is_err());
    let message = Bootstrap { level: 1.5, ..request }.mean(&[1.0, 2.0]).unwrap_err().to_string();
    assert_eq!(message, "the level is 1.5, expected a number strictly between 0 and 1");
}

/// What so few units or resamples cannot say is open, and nothing is NaN.
#[test]
fn too_little_for_an_interval_leaves_it_open() {
    let open = (f64::NEG_INFINITY, f64::INFINITY);
    let ends = |request: Bootstrap<'_>, values: &[f64]| -> Vec<(f64, f64)> {
        let record = request.mean(values).unwrap();
        let all = record.interval.iter().chain(&record.intervals);
        all.map(|made| (made.lower, made.upper)).collect()
    };
    // Half of the resamples of two values have no spread.
    let two = ends(Bootstrap::default(), &[1.0, 2.0]);
    assert_eq!(two, [open; 3]);
    let eight = [1.5, 5.0, 2.0, 8.0, 3.0, 9.0, 4.0, 2.5];
    let far = ends(Bootstrap { level: 0.999999, ..Bootstrap::default() }, &eight);
    assert_eq!(far, [open; 3]);
    let near = ends(Bootstrap::default(), &eight);
    assert!(near.iter().all(|(low, high)| 1.5 < *low && low < high && *high < 9.0), "{near:?}");
    // Strata of two: one resample in four has no spread in either, more than either tail.
    let labels = [0, 0, 1, 1];
    let strata = Bootstrap { plan: Plan::Strata(&labels), ..Bootstrap::default() };
    let paired = ends(strata, &[1.0, 2.0, 5.0, 7.0]);
    assert!(paired.iter().all(|(low, high)| low < high && !low.is_nan()), "{paired:?}");
    assert_eq!(paired[2], open);
    let same = ends(Bootstrap::default(), &[4.0; 9]);
    assert_eq!(same, [(4.0, 4.0); 3]);
}

#[test]
fn a_wrong_value_is_named_by_its_own_place() {
    let labels = [0, 1, 0, 1];
    for plan in [Plan::Rows, Plan::Clusters(&labels), Plan::Strata(&labels)] {
        let request = Bootstrap { plan, ..Bootstrap::default() };
        let message = request.mean(&[1.0, 2.0, 3.0, f64::NAN]).unwrap_err().to_string();
        assert_eq!(message, "value 4 of the sample is NaN, expected a finite number");
    }
}
