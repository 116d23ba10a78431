//! What may, and what may not, be concluded of a difference between two systems, in a sentence. Computes no figure.

use super::compare::Items;
use super::digits::{ends, p_is, signed};
use grimoire_eval::significance::Versus;

/// A system against the first one by one score.
pub(crate) struct Pair<'a> {
    pub(crate) metric: &'a str,
    pub(crate) first: &'a str,
    pub(crate) name: &'a str,
    pub(crate) versus: &'a Versus,
    pub(crate) lower_is_better: bool,
    pub(crate) level: f64,
    pub(crate) items: Items,
    /// Every item has the same statistics with both.
    pub(crate) identical: bool,
    /// How many systems are compared with the first.
    pub(crate) compared: usize,
    /// Decimals of differences.
    pub(crate) decimals: usize,
}

impl Pair<'_> {
    /// The conclusion.
    pub(crate) fn sentence(&self) -> String {
        let Self { metric, first, name, versus, .. } = self;
        let significant = 1.0 - self.level;
        if self.identical {
            return format!(
                "{name} and {first} have the same {metric} on every item here: nothing tells them apart."
            );
        }
        if self.items.units < 2 {
            return format!(
                "A single {} does not tell {name} from {first} in {metric}: whether their difference of {} is \
                 chance, only more of them would show.",
                self.unit(),
                signed(versus.difference, self.decimals)
            );
        }
        if versus.p_adjusted < significant {
            return self.difference();
        }
        let why = if self.least_p() >= significant {
            let (n, unit) = (self.items.units, self.unit());
            format!(
                "{n} {unit}s are too few for a p below {:.4}, whatever the outputs",
                self.least_p()
            )
        } else if versus.p_value < significant {
            format!(
                "by itself, which its interval is for, this pair would be told apart, but one of {} does so by \
                 chance more often",
                self.compared
            )
        } else if versus.least_detectable > 0.0 {
            let (least, decimals) = (versus.least_detectable, self.decimals);
            format!("a true difference below {least:.decimals$} would often go unseen here")
        } else {
            "no resample of these items shows another difference".to_owned()
        };
        format!(
            "These items do not tell {name} from {first} in {metric} ({}); that is no proof that they are \
             equal: {why}.",
            self.figures()
        )
    }

    fn difference(&self) -> String {
        let Self { metric, first, name, versus, decimals, .. } = self;
        let better = (versus.difference > 0.0) != self.lower_is_better;
        let word = if better { "better" } else { "worse" };
        let size = versus.difference.abs();
        format!(
            "{name} is {word} than {first} by {size:.decimals$} {metric} ({}): chance alone would seldom show so \
             much on items like these; whether it matters, and whether it holds on other texts, these figures do \
             not say.",
            self.figures()
        )
    }

    /// Interval and p, and whether they are corrected.
    fn figures(&self) -> String {
        let Self { versus, compared, .. } = self;
        let range = versus.interval.as_ref().map_or_else(String::new, |interval| {
            let text = ends(interval, self.decimals, " to +").replace("+-", "-");
            let plus = if interval.lower < 0.0 { "" } else { "+" };
            format!("{} % interval {plus}{text}, ", 100.0 * self.level)
        });
        match compared {
            0 | 1 => format!("{range}{}", p_is(versus.p_value)),
            _ => format!(
                "{range}{}; corrected for {compared} systems {}",
                p_is(versus.p_value),
                p_is(versus.p_adjusted)
            ),
        }
    }

    /// What is resampled.
    fn unit(&self) -> &'static str {
        if self.items.units == self.items.n { self.items.unit } else { "cluster" }
    }

    /// The least p that so few units allow: of all exchanges, none and all of them show the same difference.
    fn least_p(&self) -> f64 {
        0.5_f64.powi(i32::try_from(self.items.units - 1).unwrap_or(i32::MAX))
    }
}
