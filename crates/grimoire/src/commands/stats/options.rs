//! Options that several verbs share: the level, the side of the question, where numbers come from.

use crate::app::numbers::Source;
use crate::failure::Outcome;
use clap::ValueEnum;
use grimoire_stats::Alternative;

/// Which departures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// Either side.
    TwoSided,
    /// Only smaller values.
    Less,
    /// Only greater values.
    Greater,
}

impl From<Side> for Alternative {
    fn from(side: Side) -> Self {
        match side {
            Side::TwoSided => Self::TwoSided,
            Side::Less => Self::Less,
            Side::Greater => Self::Greater,
        }
    }
}

/// The level of intervals and the side of the question.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Question {
    /// Which departures from the hypothesis count.
    #[arg(long, value_enum, default_value = "two-sided")]
    alternative: Side,
    /// Coverage of the intervals.
    #[arg(long, default_value_t = 0.95)]
    pub(crate) level: f64,
}

impl Question {
    /// The side.
    pub(crate) fn alternative(self) -> Alternative {
        self.alternative.into()
    }
}

/// The numbers of one word: `1,2,3`, `FILE`, `FILE:COLUMN` or `-`.
pub(crate) fn sample(word: &str) -> Outcome<Vec<f64>> {
    Source::parse_one(word)?.collect()
}

/// Labels of one word, numbered from 0 in order of appearance.
pub(crate) fn groups(word: &str) -> Outcome<Vec<u32>> {
    let labels = Source::parse_one(word)?.labels()?;
    let mut seen = std::collections::HashMap::new();
    Ok(labels
        .into_iter()
        .map(|label| {
            let next = seen.len() as u32;
            *seen.entry(label).or_insert(next)
        })
        .collect())
}
