//! Entities by tagging scheme, strictly: what the scheme does not allow is no entity. The schemes are
//! those of Tjong Kim Sang and Veenstra (EACL 1999) and Ratinov and Roth (CoNLL 2009); where they leave
//! a sequence open, it is read as seqeval 1.2.2 reads it in strict mode. A rule is a pair of neighbouring
//! prefixes and whether their types must agree; the table is built once per scheme.

use super::Span;
use super::code::Split;
use super::steps::{END, INSIDE, START, Steps};
use crate::EvalError;
use std::fmt;
use std::str::FromStr;

/// A tagging scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `I-` inside; `B-` only between two adjacent entities of one type.
    Iob1,
    /// `B-` begins every entity.
    Iob2,
    /// `E-` ends every entity.
    Ioe2,
    /// `B-`, `I-`, `E-`, and `S-` for single tokens.
    Iobes,
    /// `B-`, `I-`, `L-` for the last, and `U-` for single tokens.
    Bilou,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iob1 => "IOB1",
            Self::Iob2 => "IOB2",
            Self::Ioe2 => "IOE2",
            Self::Iobes => "IOBES",
            Self::Bilou => "BILOU",
        })
    }
}

impl FromStr for Scheme {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self, EvalError> {
        [Self::Iob1, Self::Iob2, Self::Ioe2, Self::Iobes, Self::Bilou]
            .into_iter()
            .find(|scheme| scheme.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| EvalError::Setting {
                metric: "entities",
                setting: "scheme",
                found: format!("`{name}`"),
                expected: "iob1, iob2, ioe2, iobes or bilou",
            })
    }
}

/// Which types two neighbours must have for a rule to hold.
#[derive(Clone, Copy)]
enum Types {
    Any,
    Same,
    Different,
}
use Types::{Any, Different, Same};

/// Prefixes of the tag before, prefixes of this tag, their types.
type Rule = (&'static [u8], &'static [u8], Types);

struct Rules {
    /// `O` first: the place of a prefix is its class.
    prefixes: &'static [u8],
    start: &'static [Rule],
    inside: &'static [Rule],
    end: &'static [Rule],
}

const ALL: &[u8] = b"IOBESUL";

const IOB1: Rules = Rules {
    prefixes: b"OIB",
    start: &[(b"OB", b"I", Any), (b"I", b"I", Different), (b"IB", b"B", Same)],
    inside: &[(b"BI", b"I", Same)],
    end: &[(b"IB", b"I", Different), (b"IB", b"O", Any), (b"I", b"B", Any), (b"B", b"B", Same)],
};

const IOB2: Rules = Rules {
    prefixes: b"OIB",
    start: &[(ALL, b"B", Any)],
    inside: &[(b"BI", b"I", Same)],
    end: &[(b"IB", b"OB", Any), (b"IB", b"I", Different)],
};

const IOE2: Rules = Rules {
    prefixes: b"OIE",
    start: &[(b"OE", b"IE", Any), (b"I", b"IE", Different)],
    inside: &[(b"I", b"EI", Same)],
    end: &[(b"E", ALL, Any)],
};

const IOBES: Rules = Rules {
    prefixes: b"OIBES",
    start: &[(ALL, b"BS", Any)],
    inside: &[(b"BI", b"IE", Same)],
    end: &[(b"SE", ALL, Any)],
};

const BILOU: Rules = Rules {
    prefixes: b"OBILU",
    start: &[(ALL, b"BU", Any)],
    inside: &[(b"BI", b"IL", Same)],
    end: &[(b"UL", ALL, Any)],
};

impl Rules {
    /// What these neighbours mean. A class past the prefixes is that of no tag.
    fn meaning(&self, before: u8, now: u8, same: bool) -> u8 {
        let prefix = |class: u8| self.prefixes.get(usize::from(class));
        let (Some(last), Some(current)) = (prefix(before), prefix(now)) else { return 0 };
        let holds = |rules: &[Rule]| {
            rules.iter().any(|(befores, nows, types)| {
                befores.contains(last)
                    && nows.contains(current)
                    && match types {
                        Any => true,
                        Same => same,
                        Different => !same,
                    }
            })
        };
        let bits = [(self.start, START), (self.inside, INSIDE), (self.end, END)];
        bits.into_iter().filter(|(rules, _)| holds(rules)).map(|(_, bit)| bit).sum()
    }
}

impl Scheme {
    fn rules(self) -> &'static Rules {
        match self {
            Self::Iob1 => &IOB1,
            Self::Iob2 => &IOB2,
            Self::Ioe2 => &IOE2,
            Self::Iobes => &IOBES,
            Self::Bilou => &BILOU,
        }
    }

    /// The scheme's rules as steps.
    pub(super) fn steps(self) -> Steps {
        let rules = self.rules();
        Steps::new(|before, now, same| rules.meaning(before, now, same))
    }

    /// What tells class and type of a tag.
    pub(super) fn split(self) -> Split {
        let prefixes = self.rules().prefixes;
        Box::new(move |tag| {
            let (prefix, label) = split(tag)?;
            let class = prefixes.iter().position(|other| *other == prefix)?;
            Some((class as u8, label))
        })
    }

    /// The entities of a sentence, in order.
    ///
    /// # Errors
    /// A tag whose first character is no prefix of the scheme.
    pub fn spans<'t>(self, tags: &[&'t str]) -> Result<Vec<Span<'t>>, EvalError> {
        super::Reading::Strict(self).spans(tags)
    }
}

/// Prefix and type: the first character, and the rest without hyphens at its ends (`_` for none).
fn split(tag: &str) -> Option<(u8, &str)> {
    let prefix = *tag.as_bytes().first()?;
    let label = tag.get(1..)?.trim_matches('-');
    Some((prefix, if label.is_empty() { "_" } else { label }))
}
