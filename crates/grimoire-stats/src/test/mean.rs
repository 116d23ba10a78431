//! t tests of one mean, of paired differences, and of two means (Student's and Welch's).
//!
//! Effect sizes are Cohen's d with the exact interval from the noncentral t distribution (Steiger and
//! Fouladi 1997) and Hedges' g in `more`.
//!
//! Equation: t = (estimate − hypothesis)/se; p is a tail of Student's distribution. Domain: finite values that
//! vary. Method: two passes with sums whose rounding errors are carried along. Accuracy: t within 10⁻¹³ and p and
//! ends within 10⁻¹² of R (`tests/against_r.rs`).

use super::p_of_symmetric;
use crate::dist::noncentral::student_shift_interval;
use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, finite, open_unit, sample};
use crate::record::{Alternative, Interval, Record};

/// n, mean and variance (divisor n − 1) of a sample, the mean in the unit of the values and the
/// variance in its square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub n: f64,
    /// Their mean.
    pub mean: f64,
    /// Σ (x − mean)² / (n − 1).
    pub variance: f64,
}

impl Summary {
    /// x̄ = Σ x/n and s² = Σ (x − x̄)²/(n − 1).
    ///
    /// Domain: any values; of one the variance is NaN, of none all is. Method: two passes with
    /// Neumaier's sums, and what the rounding of x̄ left is taken off again. Accuracy: rounding of
    /// the result, for values of any size beside their spread; t tests from it are within 10⁻¹³ of
    /// R's statistics (`tests/against_r.rs`). Source: A. Neumaier (1974); T. Chan, G. Golub and R.
    /// LeVeque, *Algorithms for computing the sample variance* (1983), for the correction.
    ///
    /// ```
    /// let s = grimoire_stats::test::mean::Summary::of(&[1e9, 1e9 + 1.0, 1e9 + 2.0]);
    /// assert_eq!((s.mean, s.variance), (1e9 + 1.0, 1.0));
    /// ```
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = sum(values.iter().copied()) / n;
        let squares = sum(values.iter().map(|x| (x - mean) * (x - mean)));
        let drift = sum(values.iter().map(|x| x - mean));
        Self { n, mean, variance: (squares - drift * drift / n) / (n - 1.0) }
    }
}

/// A sum whose rounding errors are carried along (Neumaier 1974).
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let (next, error) = crate::special::two_sum(total, value);
        total = next;
        lost += error;
    }
    total + lost
}

/// One mean against `mu`: t = (x̄ − μ) / (s/√n) with n − 1 degrees of freedom. The interval is x̄ ±
/// t s/√n, open where the alternative is; the effect is Cohen's d = (x̄ − μ)/s with a two-sided
/// interval, `hedges_g` is d (1 − 3/(4(n − 1) − 1)).
///
/// Domain: two finite values or more that vary, a finite μ in their unit, a level between 0 and 1.
/// Method: Neumaier's sums, tails and quantile of Student's distribution. Accuracy: t within 10⁻¹³,
/// p and ends within 10⁻¹² relative of R (`tests/against_r.rs`). Source: Student (1908); J. Cohen
/// (1988), L. Hedges (1981) and J. Steiger and R. Fouladi (1997) for the effect.
///
/// # Errors
/// When there are fewer than two values, one is not finite, or all are equal; when the level is not
/// in (0, 1).
///
/// ```
/// use grimoire_stats::Alternative::TwoSided;
/// use grimoire_stats::test::mean;
/// // By hand: mean 2, s = 1, so t = 2/(1/√3) against 0.
/// let record = mean::one_sample(&[1.0, 2.0, 3.0], 0.0, TwoSided, 0.95).unwrap();
/// assert!((record.statistic.unwrap() - 12_f64.sqrt()).abs() < 1e-14);
/// ```
pub fn one_sample(values: &[f64], mu: f64, alternative: Alternative, level: f64) -> Result<Record> {
    sample("the sample", values, 2)?;
    finite("the hypothetical mean", mu)?;
    let s = Summary::of(values);
    let record = build(Parts {
        method: "t test of one mean",
        null: format!("the mean is {mu}"),
        estimate_name: "mean",
        estimate: s.mean,
        shift: mu,
        se: (s.variance / s.n).sqrt(),
        degrees: s.n - 1.0,
        n: values.len() as u64,
        sd: s.variance.sqrt(),
        scale: s.n.sqrt(),
        alternative,
        level,
    })?;
    Ok(record
        .with("standard_deviation", s.variance.sqrt())
        .assuming("values are independent")
        .assuming("the mean is about normal (values normal, or n large)"))
}

/// Paired samples: [`one_sample`] of the differences dᵢ = xᵢ − yᵢ, t = (d̄ − μ) / (s_d/√n).
///
/// Domain: as many x as y, differences that vary. Method: the differences as doubles, then as
/// `one_sample`. Accuracy: as `one_sample`, t within 10⁻¹³ and p and ends within 10⁻¹² relative of
/// R (`tests/against_r.rs`), of the differences, each rounded once. Source: Student (1908).
///
/// # Errors
/// When lengths differ, and as [`one_sample`].
pub fn paired(
    x: &[f64],
    y: &[f64],
    mu: f64,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    let differences = differences(x, y)?;
    let mut record = one_sample(&differences, mu, alternative, level)?;
    record.method = "t test of paired differences".into();
    record.null = format!("the mean difference is {mu}").into();
    record.estimate_name = "mean difference".into();
    record.assumptions = vec![
        "pairs are independent".into(),
        "the mean difference is about normal (differences normal, or n large)".into(),
    ];
    Ok(record)
}

/// x − y, pair by pair.
pub(crate) fn differences(x: &[f64], y: &[f64]) -> Result<Vec<f64>> {
    if x.len() != y.len() {
        return Err(Error::Lengths {
            left: "the first sample",
            n_left: x.len(),
            right: "the second sample",
            n_right: y.len(),
        });
    }
    sample("the first sample", x, 1)?;
    sample("the second sample", y, 1)?;
    Ok(x.iter().zip(y).map(|(a, b)| a - b).collect())
}

/// Two independent means, x̄ − ȳ against 0. Student's test when `equal_variances`, else Welch's
/// with Satterthwaite's degrees of freedom (the default to take):
///
/// ```text
/// Welch     t = (x̄ − ȳ)/√(u + v),  u = s²_x/m, v = s²_y/n,  ν = (u + v)²/(u²/(m−1) + v²/(n−1))
/// Student   t = (x̄ − ȳ)/(s √(1/m + 1/n)),  s² = ((m−1)s²_x + (n−1)s²_y)/ν,  ν = m + n − 2
/// ```
///
/// The effect is Cohen's d = (x̄ − ȳ)/s with the pooled s in both, and an interval of m + n − 2
/// degrees of freedom.
///
/// Domain: two finite values or more in each, not all constant; a level between 0 and 1. Method:
/// Neumaier's sums, tails and quantile of Student's distribution. Accuracy: t and ν within 10⁻¹³, p
/// and ends within 10⁻¹² relative of R (`tests/against_r.rs`). Source: B. Welch (1947); F.
/// Satterthwaite (1946); Student (1908).
///
/// # Errors
/// When a sample has fewer than two values, a value is not finite, or neither sample varies; when
/// the level is not in (0, 1).
pub fn two_samples(
    x: &[f64],
    y: &[f64],
    equal_variances: bool,
    alternative: Alternative,
    level: f64,
) -> Result<Record> {
    sample("the first sample", x, 2)?;
    sample("the second sample", y, 2)?;
    let (a, b) = (Summary::of(x), Summary::of(y));
    let pooled = ((a.n - 1.0) * a.variance + (b.n - 1.0) * b.variance) / (a.n + b.n - 2.0);
    let (va, vb) = (a.variance / a.n, b.variance / b.n);
    let (se, degrees) = if equal_variances {
        ((pooled * (1.0 / a.n + 1.0 / b.n)).sqrt(), a.n + b.n - 2.0)
    } else {
        let sum = va + vb;
        (sum.sqrt(), sum * sum / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0)))
    };
    let record = build(Parts {
        method: if equal_variances {
            "Student's t test of two means"
        } else {
            "Welch's t test of two means"
        },
        null: "both means are equal".to_owned(),
        estimate_name: "difference of means",
        estimate: a.mean - b.mean,
        shift: 0.0,
        se,
        degrees,
        n: (x.len() + y.len()) as u64,
        sd: pooled.sqrt(),
        scale: (a.n * b.n / (a.n + b.n)).sqrt(),
        alternative,
        level,
    })?;
    let record =
        record.with("mean_1", a.mean).with("mean_2", b.mean).assuming("values are independent");
    Ok(if equal_variances {
        record.assuming("both variances are equal").assuming("the means are about normal")
    } else {
        record.assuming("the means are about normal (values normal, or both n large)")
    })
}

struct Parts {
    method: &'static str,
    null: String,
    estimate_name: &'static str,
    estimate: f64,
    shift: f64,
    se: f64,
    degrees: f64,
    n: u64,
    sd: f64,
    scale: f64,
    alternative: Alternative,
    level: f64,
}

fn build(parts: Parts) -> Result<Record> {
    open_unit("the level", parts.level)?;
    if parts.se.is_nan() || parts.se <= 0.0 {
        return Err(Error::Degenerate { what: "a t test", why: "the values do not vary" });
    }
    let d = Student::new(parts.degrees)?;
    let t = (parts.estimate - parts.shift) / parts.se;
    let (p_value, ln_p) = p_of_symmetric(&d, t, parts.alternative);
    let both = parts.alternative == Alternative::TwoSided;
    let alpha = (1.0 - parts.level) * if both { 0.5 } else { 1.0 };
    let half = d.upper_quantile(alpha) * parts.se;
    let open = |side: Alternative, value: f64, end: f64| {
        if parts.alternative == side { end } else { value }
    };
    let interval = Interval::new(
        open(Alternative::Less, parts.estimate - half, f64::NEG_INFINITY),
        open(Alternative::Greater, parts.estimate + half, f64::INFINITY),
        parts.level,
        "Student",
    );
    // Cohen's d on the scale of the (pooled) deviation; its t has `scale`·d as noncentrality.
    let cohen = (parts.estimate - parts.shift) / parts.sd;
    let effect_degrees =
        if parts.method.starts_with('W') { parts.n as f64 - 2.0 } else { parts.degrees };
    let (low, high) = student_shift_interval(cohen * parts.scale, effect_degrees, parts.level);
    let effect = Interval::new(low / parts.scale, high / parts.scale, parts.level, "noncentral t");
    let hedges = 1.0 - 3.0 / (4.0 * effect_degrees - 1.0);
    Ok(Record::new(parts.method, parts.n)
        .with_test(parts.null, parts.alternative, p_value)
        .with_ln_p_value(ln_p)
        .with_statistic("t", t)
        .with_estimate(parts.estimate_name, parts.estimate)
        .with_interval(interval)
        .with_effect("Cohen's d", cohen, Some(effect))
        .with("degrees_of_freedom", parts.degrees)
        .with("standard_error", parts.se)
        .with("hedges_g", cohen * hedges))
}
