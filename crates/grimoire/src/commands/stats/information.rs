//! What the verbs of information share: how distributions are given, and the unit.

use crate::app::numbers::Source;
use crate::failure::Outcome;
use grimoire_stats::Interval;
use grimoire_stats::info::{Distribution, Unit};

/// What the numbers are.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum From {
    /// Probabilities that sum to one.
    Probabilities,
    /// Counts, or weights.
    Counts,
    /// Raw scores, through softmax.
    Logits,
}

impl From {
    /// The distribution that the numbers mean.
    pub(crate) fn distribution(self, numbers: &[f64]) -> Outcome<Distribution> {
        Ok(match self {
            Self::Probabilities => Distribution::probabilities(numbers)?,
            Self::Counts => Distribution::counts(numbers)?,
            Self::Logits => Distribution::logits(numbers)?,
        })
    }

    /// Reads a distribution from an option.
    pub(crate) fn read(self, word: &str) -> Outcome<Distribution> {
        self.distribution(&Source::parse_one(word)?.collect()?)
    }
}

/// Bits or nats.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum UnitName {
    Bits,
    Nats,
}

impl UnitName {
    /// The unit of the library.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Bits => Unit::Bits,
            Self::Nats => Unit::Nats,
        }
    }
}

/// An interval in nats, in this unit.
pub(crate) fn in_unit(unit: Unit, nats: Interval) -> Interval {
    Interval { lower: unit.of(nats.lower), upper: unit.of(nats.upper), ..nats }
}
