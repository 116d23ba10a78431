//! Power, sample size and least detectable difference: what a comparison can see before it is run.
//!
//! Every design answers one question, [`Plan::power`] at n and effect; sample size and least
//! detectable effect are found from it by bisection. t tests use the exact noncentral t distribution;
//! proportions the normal approximation of the test that is made (as R's `power.prop.test`); paired
//! answers the variance of their difference. Clustering enters as a design effect that divides n
//! (1 + (m − 1)ρ for clusters of m with intraclass correlation ρ: Kish 1965).

use crate::dist::noncentral::student;
use crate::dist::{Distribution, Student};
use crate::error::{Error, Result, inside, open_unit, positive, probability};
use crate::record::Alternative;
use crate::special::erf::{normal_quantile, normal_survival};
use crate::special::root;

/// What will be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Design {
    /// One mean, or the mean of paired differences, against a value; the effect is in units of the
    /// standard deviation (of the differences); n counts values or pairs.
    OneMean,
    /// Two independent means; effect in units of the common deviation; n counts each group.
    TwoMeans,
    /// One proportion against `null`; the effect is the difference of probabilities.
    OneProportion {
        /// Probability under the hypothesis.
        null: f64,
    },
    /// Two independent proportions, the first being `first`; n counts each group.
    TwoProportions {
        /// Probability in the first group.
        first: f64,
    },
    /// Paired yes/no answers of two systems on the same n items, of which a share `discordant`
    /// differs; the effect is the difference of proportions (McNemar's test).
    PairedProportions {
        /// Share of items on which the two answers differ.
        discordant: f64,
    },
}

/// How the test will be made: everything that power depends on but n and the effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The design.
    pub design: Design,
    /// Probability of a false alarm, for instance 0.05.
    pub alpha: f64,
    /// Sides of the test.
    pub alternative: Alternative,
    /// Factor by which clustering inflates the variance; 1 without clusters.
    pub design_effect: f64,
}

impl Plan {
    /// Two-sided at 5 % without clusters: α = 0.05, design effect 1.
    pub fn new(design: Design) -> Self {
        Self { design, alpha: 0.05, alternative: Alternative::TwoSided, design_effect: 1.0 }
    }

    fn check(&self) -> Result<()> {
        open_unit("alpha", self.alpha)?;
        let expected = "at least 1";
        let effect = self.design_effect;
        inside("the design effect", effect, effect >= 1.0 && effect.is_finite(), expected)?;
        match self.design {
            Design::OneProportion { null: p } | Design::TwoProportions { first: p } => {
                probability("the probability", p)?;
            }
            Design::PairedProportions { discordant } => {
                inside(
                    "the share of discordant pairs",
                    discordant,
                    discordant > 0.0 && discordant <= 1.0,
                    "a share above 0 and up to 1",
                )?;
            }
            Design::OneMean | Design::TwoMeans => {}
        }
        Ok(())
    }

    /// Probability of a significant result with `n` values (pairs, items; per group where there are
    /// two) when the effect is `effect`, n divided by the design effect:
    ///
    /// ```text
    /// OneMean            P(|T| > t), T noncentral, δ = effect √n,  n − 1 degrees of freedom
    /// TwoMeans           the same with δ = effect √(n/2),  2n − 2 degrees of freedom
    /// proportions        P(|Z| > z s₀), Z normal with mean effect √n and deviation s₁
    /// OneProportion      s₀² = p₀q₀,      s₁² = p₁q₁            p₁ = null + effect
    /// TwoProportions     s₀² = 2 p̄q̄,      s₁² = p₁q₁ + p₂q₂     p₂ = first + effect
    /// PairedProportions  s₀² = D,         s₁² = D − effect²     D = discordant
    /// ```
    ///
    /// One side for a one-sided plan, and then the sign of `effect` counts.
    ///
    /// Domain: n > 0 after which degrees of freedom are left, α between 0 and 1, a design effect
    /// from 1, probabilities from 0 to 1. Method: two tails of the noncentral t or of the normal.
    /// Accuracy: t tests within 10⁻¹¹ absolute of R's `power.t.test(strict = TRUE)`, two
    /// proportions within 10⁻¹² relative of `power.prop.test(strict = TRUE)`, as tested; for
    /// proportions the normal approximation is that of the test. Source: J. Cohen, *Statistical
    /// Power Analysis for the Behavioral Sciences* (1988); for pairs J. Connett, J. Smith and R.
    /// McHugh, *Sample size and power for pair-matched case-control studies* (1987); L. Kish,
    /// *Survey Sampling* (1965), for the design effect.
    ///
    /// # Errors
    /// When n is too small, or the effect leaves the domain (a probability outside [0, 1]).
    ///
    /// ```
    /// use grimoire_stats::power::{Design, Plan};
    /// // Cohen (1988), table 2.4.1: d = 0.5 at 80 % power needs 64 in each group.
    /// let plan = Plan::new(Design::TwoMeans);
    /// assert_eq!(plan.sample_size(0.5, 0.8), Ok(64));
    /// ```
    pub fn power(&self, n: f64, effect: f64) -> Result<f64> {
        self.check()?;
        positive("the sample size", n)?;
        let n = n / self.design_effect;
        match self.design {
            Design::OneMean => self.t_power(n - 1.0, effect * n.sqrt()),
            Design::TwoMeans => self.t_power(2.0 * n - 2.0, effect * (0.5 * n).sqrt()),
            Design::OneProportion { null } => {
                let p = probability("the probability under the alternative", null + effect)?;
                let (s0, s1) = ((null * (1.0 - null)).sqrt(), (p * (1.0 - p)).sqrt());
                Ok(self.z_power(effect * n.sqrt(), s0, s1))
            }
            Design::TwoProportions { first } => {
                let second = probability("the second probability", first + effect)?;
                let mean = 0.5 * (first + second);
                let s0 = (2.0 * mean * (1.0 - mean)).sqrt();
                let s1 = (first * (1.0 - first) + second * (1.0 - second)).sqrt();
                Ok(self.z_power(effect * n.sqrt(), s0, s1))
            }
            Design::PairedProportions { discordant } => {
                inside(
                    "the difference of proportions",
                    effect,
                    effect.abs() <= discordant,
                    "at most the share of discordant pairs",
                )?;
                let s1 = (discordant - effect * effect).sqrt();
                Ok(self.z_power(effect * n.sqrt(), discordant.sqrt(), s1))
            }
        }
    }

    /// Exact power of a t test with noncentrality `shift`.
    fn t_power(&self, degrees: f64, shift: f64) -> Result<f64> {
        let expected = "more than one value (after the design effect)";
        inside("the degrees of freedom", degrees, degrees > 0.0, expected)?;
        let d = Student::new(degrees)?;
        Ok(match self.alternative {
            Alternative::TwoSided => {
                let t = d.upper_quantile(0.5 * self.alpha);
                student(t, degrees, shift).1 + student(-t, degrees, shift).0
            }
            Alternative::Greater => student(d.upper_quantile(self.alpha), degrees, shift).1,
            Alternative::Less => student(-d.upper_quantile(self.alpha), degrees, shift).0,
        })
    }

    /// Normal power: |N(shift, s1²)| beyond the critical value z·s0.
    fn z_power(&self, shift: f64, s0: f64, s1: f64) -> f64 {
        let beyond = |bound: f64| {
            if s1 == 0.0 { f64::from(u8::from(bound < 0.0)) } else { normal_survival(bound / s1) }
        };
        match self.alternative {
            Alternative::TwoSided => {
                let z = -normal_quantile(0.5 * self.alpha) * s0;
                beyond(z - shift) + beyond(z + shift)
            }
            Alternative::Greater => beyond(-normal_quantile(self.alpha) * s0 - shift),
            Alternative::Less => beyond(-normal_quantile(self.alpha) * s0 + shift),
        }
    }

    /// The smallest whole n (per group where there are two) with [`Plan::power`] ≥ `power`, and at
    /// least 2.
    ///
    /// Domain: a power between 0 and 1, an effect other than zero that the design can have. Method:
    /// doubling from 2, then bisection, taking power to rise with n. Accuracy: exact where power is
    /// not within its own error of the one asked for; n has the power and n − 1 has not, as tested
    /// for each design. Source: J. Cohen (1988).
    ///
    /// # Errors
    /// When the effect is zero or of the wrong sign, or 10¹² do not suffice.
    pub fn sample_size(&self, effect: f64, power: f64) -> Result<u64> {
        open_unit("the power", power)?;
        let enough = |n: f64| self.power(n, effect).is_ok_and(|reached| reached >= power);
        self.power(1e4 * self.design_effect, effect)?;
        let mut high = 2.0;
        while !enough(high) {
            high *= 2.0;
            if high > 1e12 {
                let why = "no sample size up to 1e12 reaches it";
                return Err(Error::Degenerate { what: "the power asked for", why });
            }
        }
        let mut low = 0.5 * high;
        while high - low > 1.0 {
            let middle = (0.5 * (low + high)).floor();
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high as u64)
    }

    /// The smallest effect e with [`Plan::power`](n, e) = `power`: in the direction of a one-sided
    /// plan, positive otherwise; in the unit that [`Design`] names.
    ///
    /// Domain: n as for [`Plan::power`], a power between 0 and 1; effects up to 100 deviations, or
    /// to where a probability would leave [0, 1]. Method: Brent's root finder between 0 and that
    /// bound. Accuracy: the power at the effect found is within 10⁻¹⁰ of the one asked for, as
    /// tested for each design. Source: H. Bloom, *Minimum detectable effects* (1995), for the idea.
    ///
    /// # Errors
    /// When no effect in the domain reaches the power.
    pub fn least_detectable(&self, n: f64, power: f64) -> Result<f64> {
        open_unit("the power", power)?;
        self.power(n, 0.0)?;
        let sign = if self.alternative == Alternative::Less { -1.0 } else { 1.0 };
        let most = match self.design {
            Design::OneMean | Design::TwoMeans => 100.0,
            Design::OneProportion { null: p } | Design::TwoProportions { first: p } => {
                if sign > 0.0 { 1.0 - p } else { p }
            }
            Design::PairedProportions { discordant } => discordant,
        };
        let gap =
            |size: f64| self.power(n, sign * size).map_or(f64::NAN, |reached| reached - power);
        root::bracketed(0.0, most * (1.0 - 1e-12), gap).map(|size| sign * size).ok_or(
            Error::Degenerate {
                what: "the least detectable difference",
                why: "no effect that is possible here reaches the power",
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{close, golden};

    /// R 4.2.2 `power.t.test(strict = TRUE)` and `power.prop.test(strict = TRUE)`.
    #[test]
    fn agrees_with_r() {
        let data: serde_json::Value = golden::read("stats/tests.json");
        let rows = |name: &str| -> Vec<Vec<f64>> {
            serde_json::from_value(data[name].clone()).expect("rows of numbers")
        };
        for r in rows("power_t") {
            let design = if r[2] == 1.0 { Design::TwoMeans } else { Design::OneMean };
            // R's noncentral t has an absolute error of 1e-12.
            close(Plan::new(design).power(r[0], r[1]).unwrap(), r[3], 0.0, 1e-11);
        }
        for r in rows("power_prop") {
            let plan = Plan::new(Design::TwoProportions { first: r[1] });
            close(plan.power(r[0], r[2] - r[1]).unwrap(), r[3], 1e-12, 0.0);
        }
    }

    /// Miller, *Adding error bars to evals* (2024): about 1000 questions show a difference of 3 points
    /// at 80 % power (there with a conditional variance of 1/9 for each of two models' answers).
    #[test]
    fn a_thousand_questions_for_three_points() {
        let plan = Plan::new(Design::OneMean);
        let n = plan.sample_size(0.03 / (1.0_f64 / 9.0).sqrt(), 0.8).unwrap();
        assert!((900..1100).contains(&n), "{n}");
        let effect = plan.least_detectable(n as f64, 0.8).unwrap();
        assert!(effect <= 0.03 * 3.0 + 1e-12);
    }

    #[test]
    fn size_and_effect_invert_power() {
        for design in [
            Design::OneMean,
            Design::TwoMeans,
            Design::OneProportion { null: 0.4 },
            Design::TwoProportions { first: 0.4 },
            Design::PairedProportions { discordant: 0.3 },
        ] {
            let plan = Plan { design_effect: 2.0, ..Plan::new(design) };
            let n = plan.sample_size(0.1, 0.9).unwrap() as f64;
            assert!(plan.power(n, 0.1).unwrap() >= 0.9 && plan.power(n - 1.0, 0.1).unwrap() < 0.9);
            close(plan.power(n, plan.least_detectable(n, 0.9).unwrap()).unwrap(), 0.9, 1e-10, 0.0);
        }
        assert!(Plan::new(Design::OneMean).sample_size(0.0, 0.8).is_err());
    }
}
