//! What can be wrong with a request to measure. Each variant names the thing, the place, and what was
//! expected and found. Reading files has its own error, in `input`.

/// Why a measurement could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// Nothing to measure.
    #[error("{metric}: no segments")]
    Empty {
        /// The metric asked for.
        metric: &'static str,
    },
    /// Two parallel lists differ in length.
    #[error("{metric}: {left_name} has {left} items, {right_name} has {right}")]
    Lengths {
        /// The metric asked for.
        metric: &'static str,
        /// What the first list is.
        left_name: String,
        /// Its length.
        left: usize,
        /// What the second list is.
        right_name: String,
        /// Its length.
        right: usize,
    },
    /// A segment has nothing to be compared with.
    #[error("{metric}: segment {segment} has no reference")]
    NoReference {
        /// The metric asked for.
        metric: &'static str,
        /// Index of the segment, counted from 1.
        segment: usize,
    },
    /// A setting lies outside its domain.
    #[error("{metric}: {setting} is {found}, expected {expected}")]
    Setting {
        /// The metric asked for.
        metric: &'static str,
        /// The setting's name.
        setting: &'static str,
        /// What was given.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A tag that the scheme does not have.
    #[error(
        "entities: tag `{tag}` of token {token} in {side} of sentence {sentence} is not of scheme {scheme}"
    )]
    Tag {
        /// The tag.
        tag: String,
        /// Its place, counted from 1.
        token: usize,
        /// Its sentence, counted from 1.
        sentence: usize,
        /// Which side of the sentence it stands on: [`crate::tag::TRUTH`] or [`crate::tag::PREDICTION`].
        side: &'static str,
        /// The scheme.
        scheme: String,
    },
    /// No option of a choice is the likeliest, since a log-probability is no number or there is none.
    #[error("line {line}: the log-probabilities of the options: {source}")]
    Options {
        /// The line of the item in its data.
        line: usize,
        /// What is wrong with them.
        source: grimoire_stats::Error,
    },
}

impl EvalError {
    /// The same error, naming the sentence where it knows a tag.
    pub(crate) fn in_sentence(mut self, number: usize) -> Self {
        if let Self::Tag { sentence, .. } = &mut self {
            *sentence = number;
        }
        self
    }
}
