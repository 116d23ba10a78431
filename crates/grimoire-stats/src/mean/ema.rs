//! The exponential moving average: an average that forgets.
//!
//! ```text
//! EMA(t) = discount · value(t) + (1 − discount) · EMA(t − 1)
//! ```
//!
//! The discount weighs the new value, as in the glossary; other places call `1 − discount` the decay β.
//! Equivalent ways to say the same speed: half-life h, `discount = 1 − 2^{−1/h}`; span s,
//! `discount = 2/(s + 1)`. The start matters for about two half-lives: from the first value (the
//! default), or bias-corrected, which starts from nothing and divides by the weight so far,
//! `1 − (1 − discount)^t` (Kingma and Ba, 2015, section 3), so that early values are plain weighted
//! averages. With irregular times the past fades by the time passed: `(1 − discount)^{Δt}`.
//!
//! Accuracy: within 10⁻¹² of pandas, plain and corrected (`tests/shapes_golden.rs`). Domain: finite values,
//! discounts above 0 and at most 1, times that ascend.

use crate::error::{self, Error, Result};

/// How fast it forgets. Steps are of one unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Weight of the new value, from above 0 to 1.
    Discount(f64),
    /// Steps (or units of time) after which a value weighs half.
    HalfLife(f64),
    /// `discount = 2/(span + 1)`: as far back, on average, as a plain average over `span` values.
    Span(f64),
}

impl Rate {
    /// `ln(1 − discount)` per step, the rate at which the past fades; −∞ for a discount of one.
    fn ln_keep(self) -> Result<f64> {
        Ok(match self {
            Self::Discount(discount) => {
                let allowed = discount > 0.0 && discount <= 1.0;
                error::inside("the discount", discount, allowed, "above 0 and at most 1")?;
                (-discount).ln_1p()
            }
            Self::HalfLife(steps) => {
                -std::f64::consts::LN_2 / error::positive("the half-life", steps)?
            }
            Self::Span(span) => {
                error::inside("the span", span, span >= 1.0 && span.is_finite(), "at least 1")?;
                (-2.0 / (span + 1.0)).ln_1p()
            }
        })
    }
}

/// A moving average in the making: three numbers of state.
#[derive(Debug, Clone, PartialEq)]
pub struct Ema {
    ln_keep: f64,
    corrected: bool,
    n: u64,
    value: f64,
    /// With correction: `1 − (1 − discount)^t`.
    weight: f64,
    time: f64,
}

impl Ema {
    /// No values yet. `corrected`: start from nothing and divide by the weight so far, 1 − (1 −
    /// d)ᵗ.
    ///
    /// Domain: a discount d with 0 < d ≤ 1, a finite half-life > 0, or a finite span ≥ 1. Method:
    /// ln(1 − d) is kept. Accuracy: one rounding of it. Source: D. Kingma and J. Ba, *Adam* (2015),
    /// section 3, for the correction.
    ///
    /// # Errors
    /// When the rate is outside its domain.
    pub fn new(rate: Rate, corrected: bool) -> Result<Self> {
        let ln_keep = rate.ln_keep()?;
        Ok(Self { ln_keep, corrected, n: 0, value: 0.0, weight: 0.0, time: f64::NEG_INFINITY })
    }

    /// The weight d = 1 − 2^(−1/h) of a new value one step later, h the half-life; without unit.
    ///
    /// Domain: from above 0 to 1. Method: −expm1 of the logarithm that is kept. Accuracy: within
    /// 10⁻¹⁵ relative of 0.1 of a span of 19, as tested. Source: R. Brown, *Statistical Forecasting
    /// for Inventory Control* (1959).
    pub fn discount(&self) -> f64 {
        -self.ln_keep.exp_m1()
    }

    /// Steps h = −ln 2/ln(1 − d) after which a value weighs half.
    ///
    /// Domain: from 0 (a discount of 1) up. Method: one quotient. Accuracy: two roundings. Source:
    /// none beyond the definition.
    pub fn half_life(&self) -> f64 {
        -std::f64::consts::LN_2 / self.ln_keep
    }

    /// Takes the next value v, one step later; returns the average m ← m + d (v − m), in the unit
    /// of the values.
    ///
    /// Domain: finite values. The first is the average. Method: [`Ema::push_at`] one unit after the
    /// last time, or at 0. Accuracy: relative error at most 10⁻¹² of pandas', plain and corrected
    /// (`tests/shapes_golden.rs`). Source: R. Brown (1959).
    ///
    /// # Errors
    /// When the value is not finite; says which it was.
    ///
    /// ```
    /// use grimoire_stats::mean::ema::{Ema, Rate};
    /// // By hand: 10, then 0.2 · 20 + 0.8 · 10 = 12.
    /// let mut ema = Ema::new(Rate::Discount(0.2), false).unwrap();
    /// ema.push(10.0).unwrap();
    /// assert!((ema.push(20.0).unwrap() - 12.0).abs() < 1e-14);
    /// ```
    pub fn push(&mut self, value: f64) -> Result<f64> {
        let next = if self.n == 0 { 0.0 } else { self.time + 1.0 };
        self.push_at(next, value)
    }

    /// Takes a value v at a time of its own, later than the one before; returns the average m ← m +
    /// w (v − m) with w = 1 − (1 − d)^Δt, over the weight so far if corrected.
    ///
    /// Domain: finite values and times that ascend. The first value counts as one step after
    /// nothing. Method: w by expm1; the average itself is updated, not a biased sum. Accuracy:
    /// relative error at most 10⁻¹⁵ of half-lives by hand, as tested. Source: A. Eckner,
    /// *Algorithms for unevenly spaced time series* (2019).
    ///
    /// # Errors
    /// When the value or the time is not finite, or the time is not later.
    pub fn push_at(&mut self, time: f64, value: f64) -> Result<f64> {
        let at = |what, value, expected| {
            Err(Error::At { what, index: self.n as usize, value, expected })
        };
        if !value.is_finite() {
            return at("the values", value, "a finite number");
        }
        if !time.is_finite() || (self.n > 0 && time <= self.time) {
            return at("the times", time, "a finite time later than the one before");
        }
        // The first value counts as one step after nothing.
        let passed = if self.n == 0 { 1.0 } else { time - self.time };
        let discount = -(self.ln_keep * passed).exp_m1();
        if self.n == 0 && !self.corrected {
            self.value = value;
        } else if self.corrected {
            // The average itself is updated, not the biased sum: no division of small numbers.
            self.weight += discount * (1.0 - self.weight);
            self.value += discount / self.weight * (value - self.value);
        } else {
            self.value += discount * (value - self.value);
        }
        self.n += 1;
        self.time = time;
        Ok(self.value)
    }

    /// Values so far.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The average so far, Σ wᵢ vᵢ with weights that fall by 1 − d a step, in the unit of the
    /// values.
    ///
    /// Domain: one value or more. Method: none, it is kept. Accuracy: that of [`Ema::push`].
    /// Source: R. Brown (1959).
    ///
    /// # Errors
    /// When there are no values.
    pub fn value(&self) -> Result<f64> {
        if self.n == 0 { Err(Error::Empty { what: "the list of values" }) } else { Ok(self.value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, close};

    fn run(rate: Rate, corrected: bool, values: &[f64]) -> Vec<f64> {
        let mut ema = Ema::new(rate, corrected).unwrap();
        values.iter().map(|&value| ema.push(value).unwrap()).collect()
    }

    #[test]
    fn follows_the_recursion_of_the_glossary() {
        // By hand: 10, .2·20 + .8·10 = 12, .2·5 + .8·12 = 10.6.
        let found = run(Rate::Discount(0.2), false, &[10.0, 20.0, 5.0]);
        all_close(&found, &[10.0, 12.0, 10.6], 1e-15, 0.0);
        // Corrected: weights (.8, 1)/1.8 on 10, 20; (.64, .8, 1)/2.44 on 10, 20, 5.
        let found = run(Rate::Discount(0.2), true, &[10.0, 20.0, 5.0]);
        all_close(&found, &[10.0, 28.0 / 1.8, 27.4 / 2.44], 1e-15, 0.0);
    }

    #[test]
    fn a_half_life_halves_and_gaps_fade_by_their_length() {
        let mut ema = Ema::new(Rate::HalfLife(3.0), false).unwrap();
        ema.push_at(0.0, 1.0).unwrap();
        close(ema.push_at(3.0, 0.0).unwrap(), 0.5, 1e-15, 0.0);
        close(ema.push_at(9.0, 0.0).unwrap(), 0.125, 1e-15, 0.0);
        assert!(ema.push_at(9.0, 0.0).is_err() && ema.push(f64::NAN).is_err());
        close(Ema::new(Rate::Span(19.0), false).unwrap().discount(), 0.1, 1e-15, 0.0);
        assert!(Ema::new(Rate::Discount(0.0), false).is_err());
        assert_eq!(run(Rate::Discount(1.0), true, &[3.0, 7.0]), [3.0, 7.0]);
    }
}
