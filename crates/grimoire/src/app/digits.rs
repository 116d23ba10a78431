//! How many digits of a score, a difference and a p-value are written: as many as their intervals bear. Computes
//! no figure.

use super::score::NamedSystem;
use grimoire_eval::significance::Versus;
use grimoire_stats::Interval;

/// Decimals of the scores of a measure, and of their differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimals {
    pub(crate) scores: usize,
    pub(crate) differences: usize,
}

impl Decimals {
    /// Two, or as many as show two digits of the narrowest interval; where there is none, one digit of the difference.
    pub(crate) fn of(systems: &[NamedSystem]) -> Self {
        let width = |interval: &Interval| interval.upper - interval.lower;
        let own = systems.iter().filter_map(|system| system.report.interval.as_ref()).map(width);
        let versus = systems.iter().filter_map(|system| system.report.versus.as_ref());
        let differences = versus.map(|versus| {
            let width = versus.interval.as_ref().map(width).filter(|width| *width > 0.0);
            width.unwrap_or(10.0 * versus.difference.abs())
        });
        Self { scores: needed(own), differences: needed(differences) }
    }
}

fn needed(sizes: impl Iterator<Item = f64>) -> usize {
    const ROUNDING: f64 = 1e-9;
    let least = sizes.filter(|size| *size > ROUNDING).fold(f64::INFINITY, f64::min);
    if least.is_finite() { (1.0 - least.log10().floor()).max(2.0) as usize } else { 2 }
}

/// The ends of an interval with a word between.
pub(crate) fn ends(interval: &Interval, decimals: usize, between: &str) -> String {
    format!("{:.decimals$}{between}{:.decimals$}", interval.lower, interval.upper)
}

/// A signed number with these decimals, and two digits at least.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let more = if value == 0.0 { 0.0 } else { (1.0 - value.abs().log10().floor()).max(0.0) };
    let decimals = decimals.max(more.min(12.0) as usize);
    format!("{value:+.decimals$}")
}

/// A p-value for a table.
pub(crate) fn probability(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// What p is, in a sentence.
pub(crate) fn p_is(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// The p-value of a pair, and the corrected one where several are compared; none where a single unit was resampled.
pub(crate) fn p_values(versus: &Versus, compared: usize) -> Option<String> {
    versus.interval.as_ref()?;
    let own = p_is(versus.p_value);
    let corrected = p_is(versus.p_adjusted);
    Some(if compared > 1 { format!("{own}, corrected {corrected}") } else { own })
}

/// A count and what is counted.
pub(crate) fn counted(n: usize, unit: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {unit}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_intervals_ask_for_more_decimals() {
        assert_eq!(needed([3.2, 0.31].into_iter()), 2);
        assert_eq!(needed([3.2, 0.000_84].into_iter()), 5);
        // Nothing varies, or by rounding alone.
        assert_eq!(needed([0.0, 1e-14].into_iter()), 2);
        assert_eq!((signed(87.31, 1), signed(-0.000_47, 1)), ("+87.3".into(), "-0.00047".into()));
        assert_eq!((signed(0.0, 1), signed(0.5, 1)), ("+0.0".into(), "+0.50".into()));
    }

    #[test]
    fn a_p_value_below_four_digits_is_said_in_one_way() {
        // 10,000 trials without one as extreme: 1/10,001.
        let least = 1.0 / 10_001.0;
        assert_eq!((p_is(least), probability(least)), ("p < 0.0001".into(), "< 0.0001".into()));
        assert_eq!(p_is(0.0544), "p = 0.0544");
    }
}
