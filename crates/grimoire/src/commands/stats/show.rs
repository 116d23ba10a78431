//! How results look as text: numbers at six significant digits, a record as aligned lines.
//! The JSON has all digits; this has those that people read.

use grimoire_stats::{Interval, Record};
use std::fmt::Write;

/// Six significant digits: plain where that is short, scientific outside 10⁻⁴ … 10⁷.
pub(crate) fn figure(value: f64) -> String {
    digits(value, 6)
}

/// `value` with that many significant digits, trailing zeros removed.
pub(crate) fn digits(value: f64, significant: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return match value {
            v if v.is_nan() => "nan".to_owned(),
            v if v == f64::INFINITY => "inf".to_owned(),
            v if v == f64::NEG_INFINITY => "-inf".to_owned(),
            _ => "0".to_owned(),
        };
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value}");
    }
    let scientific = format!("{value:.*e}", significant - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..7.max(significant as i32)).contains(&exponent) {
        let decimals = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
        trim(&format!("{value:.decimals$}"))
    } else {
        format!("{}e{exponent}", trim(mantissa))
    }
}

fn trim(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number.to_owned()
    }
}

/// `95 % interval 0.33 to 0.46 (Wilson)`.
pub(crate) fn interval(interval: &Interval) -> String {
    let level = figure(interval.level * 100.0);
    format!("{level} % interval {} ({})", between(interval), method(interval))
}

/// `0.33 to 0.46`.
pub(crate) fn between(interval: &Interval) -> String {
    let significant = figures_for([interval]);
    format!("{} to {}", digits(interval.lower, significant), digits(interval.upper, significant))
}

/// Significant digits that estimates with these intervals need: six, or as many as tell the ends of each apart with two
/// digits of their distance.
pub(crate) fn figures_for<'a>(intervals: impl IntoIterator<Item = &'a Interval>) -> usize {
    let needed = |interval: &Interval| {
        let size = interval.lower.abs().max(interval.upper.abs());
        let digits = (size / interval.width()).log10().ceil() + 2.0;
        if digits.is_finite() { digits.clamp(6.0, 17.0) as usize } else { 6 }
    };
    intervals.into_iter().map(needed).fold(6, usize::max)
}

/// How an interval was made, with a word of warning where its coverage falls short by its very form.
pub(crate) fn method(interval: &Interval) -> String {
    match interval.method.as_ref() {
        "Wald" => "Wald, too short".to_owned(),
        other => other.to_owned(),
    }
}

/// Lines of `name  value`, the names padded to one width.
#[derive(Default)]
pub(crate) struct Lines {
    rows: Vec<(String, String)>,
}

impl Lines {
    /// Adds a line.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.rows.push((name.into(), value.into()));
        self
    }

    /// Adds a line with a number.
    pub(crate) fn number(&mut self, name: impl Into<String>, value: f64) -> &mut Self {
        self.add(name, figure(value))
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let width = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        self.rows.iter().fold(String::new(), |mut out, (name, value)| {
            let pad = width - name.chars().count();
            let _ = writeln!(out, "{name}{:pad$}  {value}", "");
            out
        })
    }
}

/// A record as text: method, hypothesis, figures, assumptions.
pub(crate) fn record(record: &Record) -> String {
    let mut lines = Lines::default();
    let once = record.statistic == record.estimate && record.statistic_name == record.estimate_name;
    if let Some(statistic) = record.statistic.filter(|_| !once) {
        lines.number(record.statistic_name.as_ref(), statistic);
    }
    lines.add("n", record.n.to_string());
    let made = || record.interval.iter().chain(&record.intervals);
    let significant = figures_for(made());
    if let Some(estimate) = record.estimate {
        lines.add(record.estimate_name.as_ref(), digits(estimate, significant));
    }
    for made in made() {
        lines.add("", interval(made));
    }
    if let Some(effect) = &record.effect {
        let significant = figures_for(&effect.interval);
        lines.add(effect.name.as_ref(), digits(effect.value, significant));
        if let Some(made) = &effect.interval {
            lines.add("", interval(made));
        }
    }
    for (name, value) in &record.more.0 {
        let alike = made().any(|interval| interval.contains(*value));
        lines.add(name.replace('_', " "), digits(*value, if alike { significant } else { 6 }));
    }
    if let Some(p_value) = record.p_value {
        let side = record.alternative.map_or("", |alternative| alternative.name());
        lines.add("p-value", format!("{} ({side})", figure(p_value)));
        if let (0.0, Some(ln)) = (p_value, record.ln_p_value) {
            lines.number("ln p-value", ln);
        }
    }
    let mut text = format!("{}\n", record.method);
    if !record.null.is_empty() {
        let _ = writeln!(text, "hypothesis: {}", record.null);
    }
    text.push('\n');
    text.push_str(&lines.text());
    if !record.assumptions.is_empty() {
        let _ = writeln!(text, "\nassumes: {}", record.assumptions.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_without_noise() {
        let cases = [
            (0.0018833009350757682, "0.0018833"),
            (1.0, "1"),
            (1234567.25, "1234567"),
            (12345678.5, "1.23457e7"),
            (0.1 + 0.2, "0.3"),
            (-2.5e-9, "-2.5e-9"),
            (f64::INFINITY, "inf"),
            (99.99999999, "100"),
        ];
        for (value, expected) in cases {
            assert_eq!(figure(value), expected);
        }
    }

    #[test]
    fn the_ends_of_an_interval_are_told_apart() {
        let cases = [
            (0.25, 0.5, "0.25 to 0.5"),
            (1e9 + 0.0002, 1e9 + 0.004, "1000000000.0002 to 1000000000.004"),
            (1e12 - 0.5e6, 1e12 + 0.75e6, "999999500000 to 1000000750000"),
            (0.499_999_012_5, 0.500_000_987_5, "0.49999901 to 0.50000099"),
            (f64::NEG_INFINITY, 3.0, "-inf to 3"),
            (2.0, 2.0, "2 to 2"),
        ];
        for (lower, upper, expected) in cases {
            assert_eq!(between(&Interval::new(lower, upper, 0.95, "")), expected);
        }
    }
}
