//! An axis: what it measures, how values become positions, where its ticks are.
//! Ticks are at 1, 2 or 5 times a power of ten; logarithmic axes count decades.

use crate::error::PlotError;
use crate::number;

/// One axis of a figure.
#[derive(Debug, Clone)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) log: bool,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) zero: bool,
    pub(crate) reversed: bool,
    pub(crate) categories: Vec<String>,
    percent: bool,
    whole: bool,
}

impl Axis {
    /// A linear axis; the label names the quantity and its unit.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            log: false,
            low: None,
            high: None,
            zero: false,
            reversed: false,
            categories: Vec::new(),
            percent: false,
            whole: false,
        }
    }

    /// A logarithmic axis: every value must be above zero.
    pub fn log(label: impl Into<String>) -> Self {
        Self { log: true, ..Self::linear(label) }
    }

    /// An axis of names: the name at position `i` stands at the value `i`.
    /// On the y axis the first name is at the top.
    pub fn categories<S: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        let categories = names.into_iter().map(Into::into).collect();
        Self { categories, ..Self::linear(label) }
    }

    /// The axis begins exactly here; what lies below is cut off.
    pub fn from(self, low: f64) -> Self {
        Self { low: Some(low), ..self }
    }

    /// The axis ends exactly here; what lies above is cut off.
    pub fn to(self, high: f64) -> Self {
        Self { high: Some(high), ..self }
    }

    /// Zero is always in view.
    pub fn zero(self) -> Self {
        Self { zero: true, ..self }
    }

    /// Large values first: from right to left, or from top to bottom.
    pub fn reversed(self) -> Self {
        Self { reversed: true, ..self }
    }

    /// Values are shares of one, shown in per cent.
    pub fn percent(self) -> Self {
        Self { percent: true, ..self }
    }

    /// Ticks only at whole numbers: counts.
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// A value in words, as it is shown on hover.
    pub(crate) fn say(&self, value: f64) -> String {
        if let Some(name) = self.category(value) {
            return name.to_owned();
        }
        if self.percent { number::value(value * 100.0) + " %" } else { number::value(value) }
    }

    /// A value among others of up to `largest` in size: three digits of that one, all in one column.
    pub(crate) fn say_to(&self, value: f64, largest: f64) -> String {
        let scale = if self.percent { 100.0 } else { 1.0 };
        let top = (largest * scale).log10().floor();
        if !(-4.0..7.0).contains(&top) {
            return self.say(value);
        }
        let text = number::fixed(value * scale, (2.0 - top).max(0.0) as usize);
        if self.percent { text + " %" } else { text }
    }

    fn category(&self, value: f64) -> Option<&str> {
        let index = value.round();
        if index < 0.0 || (value - index).abs() > 1e-9 {
            return None;
        }
        self.categories.get(index as usize).map(String::as_str)
    }

    /// The range of values in view, from what the marks hold.
    pub(crate) fn domain(&self, held: Option<(f64, f64)>) -> Result<(f64, f64), PlotError> {
        if !self.categories.is_empty() {
            return Ok((-0.5, self.categories.len() as f64 - 0.5));
        }
        let (mut low, mut high) = held.unwrap_or(if self.log { (1.0, 10.0) } else { (0.0, 1.0) });
        if self.zero && !self.log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let (padded_low, padded_high) = self.padded(low, high);
        let domain = (self.low.unwrap_or(padded_low), self.high.unwrap_or(padded_high));
        for (what, value) in [("low end", domain.0), ("high end", domain.1)] {
            if !value.is_finite() || value.abs() > 1e300 {
                return Err(PlotError::NotFinite {
                    mark: self.label.clone(),
                    what,
                    index: 0,
                    value,
                });
            }
            if self.log && value <= 0.0 {
                return Err(PlotError::NotPositive {
                    mark: self.label.clone(),
                    what,
                    index: 0,
                    value,
                });
            }
        }
        if domain.0 >= domain.1 {
            let (low, high) = domain;
            return Err(PlotError::Reversed { mark: self.label.clone(), index: 0, low, high });
        }
        Ok(domain)
    }

    /// A little air at both ends, none across zero; a single value gets some width.
    fn padded(&self, low: f64, high: f64) -> (f64, f64) {
        if self.log {
            let air = ((high / low).ln() * 0.04).max(if low < high { 0.0 } else { 0.5 }).exp();
            return ((low / air).max(1e-300), (high * air).min(1e300));
        }
        let air = if low < high { (high - low) * 0.04 } else { (low.abs() * 0.05).max(0.5) };
        let keep_low = low < high && low >= 0.0 && low - air < 0.0;
        let keep_high = low < high && high <= 0.0 && high + air > 0.0;
        (if keep_low { 0.0 } else { low - air }, if keep_high { 0.0 } else { high + air })
    }

    /// Ticks for a domain when at most `most` have room.
    pub(crate) fn ticks(&self, domain: (f64, f64), most: usize) -> Vec<Tick> {
        if !self.categories.is_empty() {
            let tick = |(index, name): (usize, &String)| Tick::new(index as f64, name.clone());
            return self.categories.iter().enumerate().map(tick).collect();
        }
        if self.log { self.log_ticks(domain, most) } else { self.linear_ticks(domain, most) }
    }

    fn linear_ticks(&self, (low, high): (f64, f64), most: usize) -> Vec<Tick> {
        let scale = if self.percent { 100.0 } else { 1.0 };
        let (low, high) = (low * scale, high * scale);
        let raw = (high - low) / most.max(1) as f64;
        let mut exponent = raw.log10().floor() as i32;
        let lead = raw / 10f64.powi(exponent);
        let mut digit = [1.0, 2.0, 5.0].into_iter().find(|d| *d >= lead - 1e-9).unwrap_or(10.0);
        if digit == 10.0 {
            (digit, exponent) = (1.0, exponent + 1);
        }
        if self.whole && exponent < 0 {
            (digit, exponent) = (1.0, 0);
        }
        let step = digit * 10f64.powi(exponent);
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let far = low.abs().max(high.abs()) >= 1e7 || step < 1e-5;
        let decimals = (low.abs().max(high.abs()).log10().floor() as i32 - exponent).clamp(3, 16);
        let mut ticks = Vec::new();
        let mut count = first;
        while count <= last && ticks.len() <= most + 2 {
            // Dividing by an exact power of ten rounds once; multiplying by 0.1 would round twice.
            let value = if exponent < 0 {
                count * digit / 10f64.powi(-exponent)
            } else {
                count * digit * 10f64.powi(exponent)
            };
            let text = if far && value == 0.0 {
                "0".to_owned()
            } else if far {
                number::scientific(value, decimals as usize)
            } else {
                number::fixed(value, usize::try_from(-exponent).unwrap_or(0))
            };
            let text = if self.percent { text + " %" } else { text };
            ticks.push(Tick::new(value / scale, text));
            count += 1.0;
        }
        ticks
    }

    fn log_ticks(&self, (low, high): (f64, f64), most: usize) -> Vec<Tick> {
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let decades = high.log10() - low.log10();
        if decades < 0.7 {
            // Less than a decade: linear ticks say more than a lone power of ten.
            let mut ticks = self.linear_ticks((low, high), most);
            ticks.retain(|tick| tick.value > 0.0);
            return ticks;
        }
        let leads: &[u32] = match most as f64 / decades {
            room if room >= 9.0 => &[1, 2, 3, 4, 5, 6, 7, 8, 9],
            room if room >= 3.0 => &[1, 2, 5],
            room if room >= 2.0 => &[1, 3],
            _ => &[1],
        };
        let stride = (decades / most as f64).ceil().max(1.0) as i32;
        let wide = last > 4 || first < -4;
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for lead in 1..=9u32 {
                let value = f64::from(lead)
                    * if exponent < 0 { 1.0 / 10f64.powi(-exponent) } else { 10f64.powi(exponent) };
                if value < low * (1.0 - 1e-9) || value > high * (1.0 + 1e-9) {
                    continue;
                }
                let named = leads.contains(&lead) && exponent.rem_euclid(stride) == 0;
                let text = match (named, wide) {
                    (false, _) => String::new(),
                    (true, true) => number::scientific(value, 0),
                    (true, false) => number::value(value),
                };
                if named || stride == 1 {
                    ticks.push(Tick::new(value, text));
                }
            }
        }
        ticks
    }
}

/// A tick: where, and what it says; an empty text is a minor tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) text: String,
}

impl Tick {
    fn new(value: f64, text: String) -> Self {
        Self { value, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, domain: (f64, f64), most: usize) -> Vec<String> {
        axis.ticks(domain, most).into_iter().map(|t| t.text).filter(|t| !t.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_within_the_domain() {
        let axis = Axis::linear("x");
        assert_eq!(texts(&axis, (0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&axis, (-3.0, 12.0), 4), ["0", "5", "10"]);
        let close = texts(&axis, (1e12 - 2.5e6, 1e12 + 1e6), 3);
        assert_eq!(close, ["9.99998·10¹¹", "10¹²"]);
        assert_eq!(texts(&axis, (0.0, 4e-7), 4), ["0", "10⁻⁷", "2·10⁻⁷", "3·10⁻⁷", "4·10⁻⁷"]);
        assert_eq!(texts(&axis.clone().whole(), (0.0, 2.2), 9), ["0", "1", "2"]);
        assert_eq!(
            texts(&axis.percent(), (0.0, 0.25), 5),
            ["0 %", "5 %", "10 %", "15 %", "20 %", "25 %"]
        );
    }

    #[test]
    fn log_ticks_count_decades() {
        let axis = Axis::log("x");
        assert_eq!(texts(&axis, (1e-6, 1e3), 10).len(), 10);
        assert_eq!(texts(&axis, (1.0, 100.0), 8), ["1", "2", "5", "10", "20", "50", "100"]);
        assert_eq!(texts(&axis, (1e-40, 1e40), 8).len(), 9);
    }

    #[test]
    fn domains_have_air_but_do_not_cross_zero() {
        let axis = Axis::linear("x");
        assert_eq!(axis.domain(Some((0.0, 10.0))).unwrap(), (0.0, 10.4));
        assert_eq!(axis.domain(Some((5.0, 5.0))).unwrap(), (4.5, 5.5));
        assert_eq!(axis.clone().zero().domain(Some((5.0, 10.0))).unwrap(), (0.0, 10.4));
        assert!(axis.clone().from(3.0).to(1.0).domain(None).is_err());
        assert!(Axis::log("x").from(0.0).domain(Some((1.0, 2.0))).is_err());
    }
}
