//! Tests, intervals, ranks, distributions against R 4.2.2 (`golden/stats/tests.R`).
//! R's own root finding stops at 10⁻⁴ to 10⁻⁹ in some intervals; each bound says what it is.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_stats::dist::noncentral;
use grimoire_stats::dist::{
    Beta, Binomial, ChiSquare, Distribution, Exponential, FisherF, Gamma, Geometric,
    Hypergeometric, NegativeBinomial, Normal, Poisson, Student, ranks,
};
use grimoire_stats::interval::Difference;
use grimoire_stats::test::ranks::Null;
use grimoire_stats::test::{binomial, mean, ranks as rank_tests, rate, table};
use grimoire_stats::{Alternative, Interval, Record};
use grimoire_testkit::{close, golden};
use serde_json::Value;

const BOTH: Alternative = Alternative::TwoSided;

fn rows(name: &str) -> Vec<Vec<f64>> {
    let data: Value = golden::read("stats/tests.json");
    let rows: Vec<Vec<Option<f64>>> = serde_json::from_value(data[name].clone()).expect(name);
    // `null` is what R calls infinite; only upper ends (and odds ratios) are.
    rows.into_iter()
        .map(|row| row.into_iter().map(|v| v.unwrap_or(f64::INFINITY)).collect())
        .collect()
}

fn side(code: f64) -> Alternative {
    [Alternative::TwoSided, Alternative::Less, Alternative::Greater][code as usize - 1]
}

fn check(record: &Record, p: f64, ends: Option<(f64, f64, f64)>) {
    eprintln!("{record:?}");
    close(record.p_value.unwrap(), p, 1e-12, 1e-300);
    if let (Some((lower, upper, bound)), Some(interval)) = (ends, &record.interval) {
        let lower = if lower == f64::INFINITY { f64::NEG_INFINITY } else { lower };
        close(interval.lower, lower, bound, 1e-300);
        close(interval.upper, upper, bound, 1e-300);
    }
}

#[test]
fn binomial_and_poisson() {
    for r in rows("binomial") {
        let record = binomial::exact(r[0] as u64, r[1] as u64, r[2], side(r[3]), 0.95).unwrap();
        check(&record, r[4], Some((r[5], r[6], 1e-12)));
    }
    for r in rows("poisson") {
        let record = rate::exact(r[0] as u64, r[1], r[2], side(r[3]), 0.95).unwrap();
        check(&record, r[4], Some((r[5], r[6], 1e-12)));
    }
    for r in rows("poisson_two") {
        let record =
            rate::two_rates((r[0] as u64, r[1]), (r[2] as u64, r[3]), 1.0, side(r[4]), 0.95)
                .unwrap();
        check(&record, r[5], Some((r[6], r[7], 1e-12)));
    }
}

#[test]
fn tables() {
    for r in rows("fisher") {
        let t = [[r[0] as u64, r[1] as u64], [r[2] as u64, r[3] as u64]];
        let record = table::fisher(t, side(r[4]), 0.95).unwrap();
        // R stops its search at 1.2e-4 on a transformed scale, which leaves up to 1 % at the ends;
        // against_scipy.rs holds estimate and ends to 1e-11.
        check(&record, r[5], Some((r[7], r[8], 1e-2)));
        close(record.estimate.unwrap(), r[6], 1e-3, 0.0);
    }
    for r in rows("chi_square") {
        let t = vec![vec![r[0] as u64, r[1] as u64], vec![r[2] as u64, r[3] as u64]];
        let record = table::independence(&t, r[4] == 1.0).unwrap();
        close(record.statistic.unwrap(), r[5], 1e-12, 0.0);
        check(&record, r[6], None);
    }
    for r in rows("two_proportions") {
        let one = (r[0] as u64, (r[0] + r[1]) as u64);
        let two = (r[2] as u64, (r[2] + r[3]) as u64);
        let record = binomial::two_proportions(one, two, Alternative::TwoSided, 0.95).unwrap();
        close(record.statistic.unwrap().powi(2), r[4], 1e-12, 0.0);
        check(&record, r[5], None);
        // R's prop.test has Wald's interval, which the record no longer offers.
        let wald = Difference::Wald.interval(one, two, 0.95, Alternative::TwoSided).unwrap();
        close(wald.lower, r[6], 1e-12, 0.0);
        close(wald.upper, r[7], 1e-12, 0.0);
    }
    for r in rows("mcnemar") {
        let n = r[..4].iter().sum::<f64>() as u64;
        let record =
            binomial::mcnemar(r[1] as u64, r[2] as u64, n, Alternative::TwoSided, 0.95).unwrap();
        close(record.more.get("chi_square").unwrap(), r[4], 1e-13, 0.0);
        close(record.more.get("chi_square_p_value").unwrap(), r[5], 1e-12, 0.0);
    }
    let t = vec![vec![10, 6, 22], vec![20, 9, 3], vec![30, 17, 5]];
    let r = &rows("chi_square_table")[0];
    let record = table::independence(&t, false).unwrap();
    close(record.statistic.unwrap(), r[0], 1e-13, 0.0);
    check(&record, r[2], None);
    let r = &rows("goodness")[0];
    let record = table::fit(&[20, 30, 15, 35], Some(&[0.2, 0.3, 0.2, 0.3])).unwrap();
    close(record.statistic.unwrap(), r[0], 1e-13, 0.0);
    check(&record, r[2], None);
}

/// An end of a two-sided interval of 95 % is the end of a one-sided one of 97.5 %, and the other side is open.
#[test]
fn intervals_follow_the_alternative() {
    let tests: [&dyn Fn(Alternative, f64) -> Record; 2] = [
        &|side, level| binomial::two_proportions((15, 80), (31, 90), side, level).unwrap(),
        &|side, level| binomial::mcnemar(9, 21, 200, side, level).unwrap(),
    ];
    for test in tests {
        let (both, greater, less) =
            (test(BOTH, 0.95), test(Alternative::Greater, 0.975), test(Alternative::Less, 0.975));
        let of = |record: &Record| {
            let effect = record.effect.clone().unwrap().interval.unwrap();
            [record.interval.clone().unwrap(), effect]
        };
        for (k, ((both, greater), less)) in
            of(&both).iter().zip(of(&greater)).zip(of(&less)).enumerate()
        {
            close(greater.lower, both.lower, 1e-13, 0.0);
            close(less.upper, both.upper, 1e-13, 0.0);
            assert!(greater.upper > both.upper && less.lower < both.lower);
            if k == 0 {
                assert_eq!((greater.upper, less.lower), (1.0, -1.0));
            }
        }
    }
    assert!(binomial::mcnemar(0, 0, 5, BOTH, 1.5).is_err());
    assert!(binomial::mcnemar(u64::MAX, 1, 5, BOTH, 0.95).is_err());
}

#[test]
fn means() {
    let (x, y) = (&rows("data_x")[0], &rows("data_y")[0]);
    for (name, f) in [
        ("welch", &(|a| mean::two_samples(x, y, false, a, 0.95)) as &dyn Fn(_) -> _),
        ("student", &|a| mean::two_samples(x, y, true, a, 0.95)),
        ("paired", &|a| mean::paired(x, y, 0.0, a, 0.95)),
        ("one_t", &|a| mean::one_sample(x, 1.5, a, 0.95)),
    ] {
        for r in rows(name) {
            let record: Record = f(side(r[0])).unwrap();
            close(record.statistic.unwrap(), r[1], 1e-13, 0.0);
            close(record.more.get("degrees_of_freedom").unwrap(), r[2], 1e-13, 0.0);
            check(&record, r[3], Some((r[4], r[5], 1e-12)));
        }
    }
}

#[test]
fn rank_tests_with_and_without_ties() {
    let data = |name: &str| rows(&format!("data_{name}"))[0].clone();
    let (x, y, z, w) = (data("x"), data("y"), data("z"), data("w"));
    let shifted: Vec<f64> = (0..9).map(|i| x[i] - y[i] + (i as f64 + 1.0) * 1e-3).collect();
    let moved: Vec<f64> = (0..9).map(|i| y[i] + (i as f64 + 1.0) * 1e-4).collect();
    let estimate =
        |record: &Record, expected: f64| close(record.estimate.unwrap(), expected, 1e-12, 1e-15);
    for r in rows("signed_rank") {
        let record = rank_tests::wilcoxon(&shifted, 0.0, Null::Exact, side(r[0]), 0.95).unwrap();
        close(record.statistic.unwrap(), r[1], 0.0, 0.0);
        check(&record, r[2], Some((r[3], r[4], 1e-12)));
        estimate(&record, r[5]);
    }
    for r in rows("rank_sum") {
        let record = rank_tests::mann_whitney(&x, &moved, Null::Exact, side(r[0]), 0.95).unwrap();
        close(record.statistic.unwrap(), r[1], 0.0, 0.0);
        check(&record, r[2], Some((r[3], r[4], 1e-12)));
        estimate(&record, r[5]);
    }
    let centred: Vec<f64> = z.iter().map(|v| v - 5.5).collect();
    for r in rows("signed_rank_normal") {
        let record = rank_tests::wilcoxon(&centred, 0.0, Null::Normal, side(r[0]), 0.95).unwrap();
        close(record.statistic.unwrap(), r[1], 0.0, 0.0);
        check(&record, r[2], None);
    }
    for r in rows("rank_sum_normal") {
        let record = rank_tests::mann_whitney(&z, &w, Null::Normal, side(r[0]), 0.95).unwrap();
        close(record.statistic.unwrap(), r[1], 0.0, 0.0);
        check(&record, r[2], None);
    }
    for r in rows("pwilcox") {
        let (m, n) = (r[0] as usize, r[1] as usize);
        let all: Vec<u32> = (1..=(m + n) as u32).collect();
        let few = m.min(n);
        let lattice = ranks::rank_sum(&all, few);
        close(lattice.cdf(r[2] as i64 + (few * (few + 1) / 2) as i64), r[3], 1e-12, 0.0);
    }
    for r in rows("psignrank") {
        let all: Vec<u32> = (1..=r[0] as u32).collect();
        close(ranks::signed_rank(&all).cdf(r[1] as i64), r[2], 1e-12, 0.0);
    }
}

/// Each value of the row against the functions, in order.
fn in_turn(name: &str, bound: f64, f: impl Fn(f64) -> Vec<f64>) {
    for row in rows(name) {
        eprintln!("{name} at {}", row[0]);
        for (index, (actual, expected)) in f(row[0]).iter().zip(&row[1..]).enumerate() {
            eprintln!("  {index}: {actual} {expected}");
            let infinite = *expected == f64::INFINITY && actual.is_infinite();
            if !infinite {
                close(*actual, *expected, bound, 0.0);
            }
        }
    }
}

#[test]
fn discrete_distributions() {
    let binomial = Binomial::new(100, 0.3).unwrap();
    let poisson = Poisson::new(30.0).unwrap();
    let negative = NegativeBinomial::new(4.5, 0.1).unwrap();
    let hyper = Hypergeometric::new(1000, 300, 100).unwrap();
    let geometric = Geometric::new(0.05).unwrap();
    in_turn("discrete", 1e-12, |x| {
        vec![
            binomial.ln_density(x),
            binomial.cdf(x),
            binomial.survival(x),
            poisson.ln_density(x),
            poisson.cdf(x),
            negative.ln_density(x),
            negative.cdf(x),
            hyper.ln_density(x),
            hyper.cdf(x),
            hyper.survival(x),
            geometric.ln_density(x),
            geometric.survival(x),
        ]
    });
    let thousand = Binomial::new(1000, 0.3).unwrap();
    in_turn("quantiles", 0.0, |q| {
        vec![
            thousand.quantile(q),
            Poisson::new(42.0).unwrap().quantile(q),
            negative.quantile(q),
            hyper.quantile(q),
            geometric.quantile(q),
        ]
    });
}

#[test]
fn continuous_distributions() {
    let beta = Beta::new(0.7, 3.0).unwrap();
    let exponential = Exponential::new(2.0).unwrap();
    let t = Student::new(4.5).unwrap();
    let f = FisherF::new(3.0, 17.0).unwrap();
    let chi = ChiSquare::new(7.0).unwrap();
    let gamma = Gamma::new(2.5, 3.0).unwrap();
    in_turn("continuous", 1e-12, |x| {
        vec![
            t.ln_density(x),
            t.cdf(x),
            t.survival(x),
            f.ln_density(x.abs()),
            f.survival(x.abs()),
            Student::new(1e6).unwrap().cdf(x),
            chi.ln_density(x.abs()),
            gamma.ln_density(x.abs()),
            Normal::new(1.0, 2.0).unwrap().tails(x).ln_lower,
        ]
    });
    for q in [1e-200, 1e-8, 0.01, 0.3, 0.7, 0.999] {
        close(t.cdf(t.quantile(q)), q, 1e-12, 0.0);
        close(f.cdf(f.quantile(q)), q, 1e-12, 0.0);
        close(beta.cdf(beta.quantile(q)), q, 1e-12, 0.0);
        close(gamma.survival(gamma.upper_quantile(q)), q, 1e-12, 0.0);
    }
    // R's qf stops early: 1.3e-10 off at q = 1e-8 (the 60-digit value has our digits).
    in_turn("continuous_quantiles", 2e-10, |q| {
        vec![
            t.quantile(q),
            f.quantile(q),
            chi.quantile(q),
            gamma.quantile(q),
            beta.quantile(q),
            exponential.quantile(q),
        ]
    });
}

#[test]
fn noncentral_distributions() {
    // R's pt(ncp) is an AS 243 series with absolute error 1e-12.
    for r in rows("noncentral_t") {
        close(noncentral::student(r[0], r[1], r[2]).0, r[3], 1e-10, 2e-12);
    }
    for r in rows("noncentral_chisq") {
        close(noncentral::chi_square(r[0], r[1], r[2]).0, r[3], 1e-11, 1e-12);
    }
}

/// scipy's `TestBinomTest`, values from R with relative tolerance 1e-10.
#[test]
fn published_values_of_the_binomial_test() {
    let p =
        |x, n, p| binomial::exact(x, n, p, Alternative::TwoSided, 0.95).unwrap().p_value.unwrap();
    close(p(10_079_990, 21_000_000, 0.48), 0.9966892187965, 1e-10, 0.0);
    close(p(9, 21, 0.48), 0.6689672431939, 1e-10, 0.0);
    close(p(4, 21, 0.48), 0.008139563452106, 1e-10, 0.0);
    close(p(100, 250, 0.5), 0.0018833009350757682, 1e-12, 0.0);
    close(p(682, 925, 0.75), 0.38249155957481695, 1e-10, 0.0);
}

/// scipy's `TestPoissonMeansTest`, from the authors' Fortran, which truncates its sums at about 1e-7;
/// and the whole sum as numpy adds it up (scipy 1.16's pmf over 400 × 600 cells).
#[test]
fn published_values_of_the_e_test() {
    let p = |a, m, b, n| rate::e_test((a, m), (b, n), Alternative::TwoSided).unwrap();
    close(p(0, 100.0, 3, 100.0), 0.0884, 0.0, 5e-5);
    close(p(20, 10.0, 20, 10.0), 0.999999756892963, 1e-6, 0.0);
    close(p(3, 100.0, 20, 300.0), 0.12202725450896404, 2e-6, 0.0);
    close(p(3, 100.0, 20, 300.0), 0.12202744803647211, 1e-12, 0.0);
}

#[test]
fn an_interval_knows_what_it_holds() {
    let interval = Interval::new(0.0, 1.0, 0.95, "Wald");
    assert!(interval.contains(1.0) && !interval.contains(1.1));
}

/// The smallest p of n signed ranks is 2/2ⁿ, of m and n values 2/C(m + n, n): where that is above the error, no shift
/// is rejected and R's first rank would cover less than it says.
#[test]
fn rank_intervals_are_open_where_no_shift_is_rejected() {
    let values = [5.0, 1.0, 9.5, 3.25, 7.0, 12.0];
    let ends = |n: usize, level: f64| {
        let record = rank_tests::wilcoxon(&values[..n], 0.0, Null::Auto, BOTH, level).unwrap();
        let made = record.interval.unwrap();
        (made.lower, made.upper)
    };
    let open = (f64::NEG_INFINITY, f64::INFINITY);
    for n in 1..=5 {
        assert_eq!(ends(n, 0.95), open);
    }
    assert_eq!(ends(6, 0.95), (1.0, 12.0));
    assert_eq!(ends(6, 0.97), open); // 2/64 = 0.03125
    assert_eq!(ends(5, 0.9), (1.0, 9.5));
    let shift = |m: usize, n: usize, level: f64| {
        let (x, y) = (&values[..m], [20.0, 40.0, 30.0, 50.0]);
        let record = rank_tests::mann_whitney(x, &y[..n], Null::Auto, BOTH, level).unwrap();
        let made = record.interval.unwrap();
        (made.lower, made.upper)
    };
    assert_eq!(shift(1, 1, 0.95), open);
    assert_eq!(shift(3, 3, 0.95), open); // 2/20
    assert_eq!(shift(3, 3, 0.9), (1.0 - 40.0, 9.5 - 20.0));
    assert_eq!(shift(4, 4, 0.95), (1.0 - 50.0, 9.5 - 20.0)); // 2/70
    assert_eq!(shift(4, 4, 0.98), open);
}

/// Effects of a test have intervals: Newcombe's rule, Clopper and Pearson's ends of 5 of 5, and Massart's ε.
#[test]
fn effects_have_intervals() {
    let effect = |record: grimoire_stats::Record| {
        let effect = record.effect.unwrap();
        let made = effect.interval.unwrap();
        (effect.value, made.lower, made.upper)
    };
    let (h, low, high) =
        effect(binomial::two_proportions((20, 80), (60, 120), BOTH, 0.95).unwrap());
    // 2 asin ½ − 2 asin √½ = π/3 − π/2.
    close(h, -std::f64::consts::PI / 6.0, 1e-14, 0.0);
    // Newcombe's rule over the angles of Wilson's ends, mpmath at 40 digits.
    close(low, -0.7924985740069871, 1e-13, 0.0);
    close(high, -0.23409926044271345, 1e-13, 0.0);
    let (share, low, high) =
        effect(rank_tests::sign(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.0, BOTH, 0.95).unwrap());
    assert_eq!((share, high), (1.0, 1.0));
    close(low, 0.025_f64.powf(0.2), 1e-13, 0.0);
    let values: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
    let uniform = |x: f64| x.clamp(0.0, 1.0);
    let (d, low, high) =
        effect(grimoire_stats::test::kolmogorov::one_sample(&values, uniform, BOTH).unwrap());
    close(d, 0.005, 1e-12, 0.0);
    assert_eq!(low, 0.0);
    close(high, 0.005 + (40_f64.ln() / 200.0).sqrt(), 1e-12, 0.0);
    // All tied: placements do not vary, and there is nothing to make an interval of.
    let tied = rank_tests::mann_whitney(&[1.0; 4], &[1.0; 5], Null::Auto, BOTH, 0.95).unwrap();
    assert!(tied.effect.unwrap().interval.is_none());
}
