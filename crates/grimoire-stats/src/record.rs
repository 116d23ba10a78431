//! The one shape of every result: what was computed, by which method, under which assumptions, with
//! its interval and its p-value. Not a printer: whoever shows it decides how many digits.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;

/// Which departures from the hypothesis count as evidence against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alternative {
    /// Either side.
    #[default]
    TwoSided,
    /// Only smaller values.
    Less,
    /// Only greater values.
    Greater,
}

impl Alternative {
    /// `two-sided`, `less` or `greater`, as in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoSided => "two-sided",
            Self::Less => "less",
            Self::Greater => "greater",
        }
    }

    /// The probability that an interval of this `level` leaves out at each end it has: (1 − level)/2,
    /// or 1 − level where only one side counts.
    pub fn tail(self, level: f64) -> f64 {
        match self {
            Self::TwoSided => 0.5 * (1.0 - level),
            Self::Less | Self::Greater => 1.0 - level,
        }
    }

    /// The ends of an interval, the one that this question does not bound replaced by that of the
    /// `domain`: evidence for less comes with an upper end, evidence for greater with a lower one.
    pub fn one_side(self, ends: (f64, f64), domain: (f64, f64)) -> (f64, f64) {
        match self {
            Self::TwoSided => ends,
            Self::Less => (domain.0, ends.1),
            Self::Greater => (ends.0, domain.1),
        }
    }

    /// The same question with the two samples exchanged.
    pub fn mirrored(self) -> Self {
        match self {
            Self::TwoSided => Self::TwoSided,
            Self::Less => Self::Greater,
            Self::Greater => Self::Less,
        }
    }
}

/// The values of a parameter that the data do not contradict, from `lower` to `upper` in the unit
/// of the parameter.
///
/// An unbounded side is infinite, which JSON writes as `null`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Nominal coverage, for instance 0.95.
    pub level: f64,
    /// How it was made, for instance `Wilson`.
    pub method: Cow<'static, str>,
}

impl Interval {
    /// An interval of the given method; nothing is checked.
    pub fn new(lower: f64, upper: f64, level: f64, method: impl Into<Cow<'static, str>>) -> Self {
        Self { lower, upper, level, method: method.into() }
    }

    /// Whether lower ≤ `value` ≤ upper, the ends included; false for NaN.
    ///
    /// Domain: any number. Method: two comparisons. Accuracy: exact. Source: J. Neyman, *Outline of
    /// a theory of statistical estimation* (1937), whose coverage is how often this is true of the
    /// truth.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// upper − lower, in the unit of the parameter; infinite when a side is open.
    ///
    /// Domain: any ends. Method: one subtraction. Accuracy: one rounding. Source: none beyond the
    /// definition.
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }
}

/// How large the departure is, on a scale that does not depend on n: a number without unit, unless
/// its name has one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Effect {
    /// For instance `odds ratio` or `Cohen's d`.
    pub name: Cow<'static, str>,
    /// Its value in the sample.
    pub value: f64,
    /// Its interval, where the method has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// Named figures in the order in which they were added; a JSON object. The unit of each is in its
/// name, or that of the data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures(pub Vec<(Cow<'static, str>, f64)>);

impl Figures {
    /// The first figure of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Whether no figure was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The result of a test or an estimate. Its JSON keys are the field names and do not change.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Record {
    /// The method, for instance `exact binomial test`.
    pub method: Cow<'static, str>,
    /// The hypothesis that the p-value speaks of, in words; empty for an estimate without a test.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub null: Cow<'static, str>,
    /// Which departures count; absent without a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternative: Option<Alternative>,
    /// What `statistic` is, for instance `t` or `successes`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub statistic_name: Cow<'static, str>,
    /// The test statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<f64>,
    /// Probability, if the hypothesis holds, of data at least as far from it as these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Natural logarithm of `p_value`; from the logarithm of a tail where the p-value itself underflows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ln_p_value: Option<f64>,
    /// What `estimate` estimates, for instance `probability of success`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub estimate_name: Cow<'static, str>,
    /// The estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// The interval of `estimate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The effect size, with its own interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Number of observations (of pairs, in a paired design; of both samples together in two).
    pub n: u64,
    /// Further figures of the method: degrees of freedom, other p-values, sample means.
    #[serde(skip_serializing_if = "Figures::is_empty")]
    pub more: Figures,
    /// Further intervals of the same estimate by other methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// What must hold for these figures to mean what they say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<Cow<'static, str>>,
}

impl Record {
    /// An empty record of that method over `n` observations; the `with_…` functions fill it.
    pub fn new(method: impl Into<Cow<'static, str>>, n: u64) -> Self {
        Self { method: method.into(), n, ..Self::default() }
    }

    /// Sets the hypothesis, the alternative and the p-value, held to p ≤ 1, with ln p beside it
    /// (absent at p = 0).
    ///
    /// Domain: p ≥ 0, or above 1 by rounding; NaN stays NaN, with no logarithm. Method: the minimum
    /// of p and 1, and its natural logarithm. Accuracy: p as it was given, ln p to
    /// rounding. Source: R. A. Fisher, *Statistical Methods for Research Workers* (1925), for the
    /// p-value.
    #[must_use]
    pub fn with_test(
        mut self,
        null: impl Into<Cow<'static, str>>,
        alternative: Alternative,
        p_value: f64,
    ) -> Self {
        self.null = null.into();
        self.alternative = Some(alternative);
        let p_value = if p_value > 1.0 { 1.0 } else { p_value };
        self.p_value = Some(p_value);
        self.ln_p_value = Some(p_value.ln()).filter(|ln| ln.is_finite());
        self
    }

    /// Sets ln p where the method has it without p, held to ln p ≤ 0; absent when infinite.
    ///
    /// Domain: ln p ≤ 0, or above by rounding; absent for NaN. Call it after [`Record::with_test`], which sets it
    /// from p. Method: the minimum of ln p and 0. Accuracy: as it was given. Source: that of [`Record::with_test`].
    #[must_use]
    pub fn with_ln_p_value(mut self, ln_p_value: f64) -> Self {
        self.ln_p_value = Some(ln_p_value).filter(|ln| ln.is_finite()).map(|ln| ln.min(0.0));
        self
    }

    /// Sets the statistic and its name.
    #[must_use]
    pub fn with_statistic(mut self, name: impl Into<Cow<'static, str>>, value: f64) -> Self {
        self.statistic_name = name.into();
        self.statistic = Some(value);
        self
    }

    /// Sets the estimate and the name of what it estimates.
    #[must_use]
    pub fn with_estimate(mut self, name: impl Into<Cow<'static, str>>, value: f64) -> Self {
        self.estimate_name = name.into();
        self.estimate = Some(value);
        self
    }

    /// Sets the interval of the estimate, in the unit of the estimate.
    #[must_use]
    pub fn with_interval(mut self, interval: Interval) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Sets the effect size with its name and, where there is one, its interval.
    #[must_use]
    pub fn with_effect(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: f64,
        interval: Option<Interval>,
    ) -> Self {
        self.effect = Some(Effect { name: name.into(), value, interval });
        self
    }

    /// Adds a further figure at the end of `more`; a name used twice stands twice.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: f64) -> Self {
        self.more.0.push((name.into(), value));
        self
    }

    /// Adds an assumption at the end of the list.
    #[must_use]
    pub fn assuming(mut self, assumption: impl Into<Cow<'static, str>>) -> Self {
        self.assumptions.push(assumption.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_the_field_names_and_absent_things_are_absent() {
        let record = Record::new("exact binomial test", 250)
            .with_test("the probability of success is 0.5", Alternative::TwoSided, 1.0000000002)
            .with_statistic("successes", 100.0)
            .with_estimate("probability of success", 0.4)
            .with_interval(Interval::new(0.25, f64::INFINITY, 0.95, "Wilson"))
            .with("mid_p", 0.25)
            .assuming("trials are independent");
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["p_value"], 1.0);
        assert_eq!(json["ln_p_value"], 0.0);
        let far = record.with_test("", Alternative::Less, 0.0);
        assert_eq!(far.ln_p_value, None);
        assert_eq!(far.with_ln_p_value(-1e4).ln_p_value, Some(-1e4));
        assert_eq!(json["statistic"], 100.0);
        assert_eq!(json["interval"]["method"], "Wilson");
        assert!(json["interval"]["upper"].is_null());
        assert_eq!(json["alternative"], "two-sided");
        assert_eq!(json["more"]["mid_p"], 0.25);
        assert!(json.get("effect").is_none() && json.get("intervals").is_none());
    }

    #[test]
    fn what_is_no_number_is_no_p_value() {
        let test = |p| Record::new("a test", 3).with_test("nothing", Alternative::Less, p);
        assert!(test(f64::NAN).p_value.unwrap().is_nan());
        assert_eq!(test(f64::NAN).ln_p_value, None);
        assert_eq!(test(0.5).with_ln_p_value(f64::NAN).ln_p_value, None);
        assert_eq!((test(1.0 + 1e-15).p_value, test(0.0).ln_p_value), (Some(1.0), None));
    }
}
