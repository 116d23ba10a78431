//! Entities by tagging scheme, strictly: what the scheme does not allow is no entity. The schemes are
//! those of Tjong Kim Sang and Veenstra (EACL 1999) and Ratinov and Roth (CoNLL 2009); where they leave
//! a sequence open, it is read as seqeval 1.2.2 reads it in strict mode. A rule is a pair of neighbouring
//! prefixes and whether their types must agree; the table is built once per scheme.

use super::Span;
use super::code::{CLASSES, OUTSIDE, Place, Split, Tag};
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

/// What a tag does to the one before it: bits of [`START`], [`INSIDE`] and [`END`], by both classes and
/// whether their types agree.
struct Steps([u8; 2 * CLASSES * CLASSES]);

const START: u8 = 1;
const INSIDE: u8 = 2;
const END: u8 = 4;

impl Steps {
    fn new(rules: &Rules) -> Self {
        let mut steps = [0; 2 * CLASSES * CLASSES];
        for (before, last) in rules.prefixes.iter().enumerate() {
            for (now, current) in rules.prefixes.iter().enumerate() {
                for same in [false, true] {
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
                    let mut step = 0;
                    for (rules, bit) in
                        [(rules.start, START), (rules.inside, INSIDE), (rules.end, END)]
                    {
                        step |= if holds(rules) { bit } else { 0 };
                    }
                    steps[Self::at(before as u8, now as u8, same)] = step;
                }
            }
        }
        Self(steps)
    }

    fn at(before: u8, now: u8, same: bool) -> usize {
        (usize::from(before) * CLASSES + usize::from(now)) * 2 + usize::from(same)
    }
}

/// The strict reading of a scheme, ready to run over many sentences.
pub(super) struct Strict {
    scheme: Scheme,
    steps: Steps,
}

impl Strict {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self { scheme, steps: Steps::new(scheme.rules()) }
    }

    /// What tells class and type of a tag.
    pub(super) fn split(&self) -> Split {
        let prefixes = self.scheme.rules().prefixes;
        Box::new(move |tag| {
            let (prefix, label) = split(tag)?;
            let class = prefixes.iter().position(|other| *other == prefix)?;
            Some((class as u8, label))
        })
    }

    /// The entities of a sentence, in order.
    pub(super) fn places(&self, tags: &[Tag], places: &mut Vec<Place>) {
        places.clear();
        // No tag has this type, so the first and last step are between different types.
        let nothing = Tag { class: OUTSIDE, label: u32::MAX };
        let mut open: Option<(u32, u32)> = None;
        let mut last = nothing;
        for (at, current) in tags.iter().chain([&nothing]).enumerate() {
            if last.class == OUTSIDE && current.class == OUTSIDE {
                continue; // no scheme begins or ends anything between two tags outside
            }
            let same = last.label == current.label;
            let step = self.steps.0[Steps::at(last.class, current.class, same)];
            if let Some((start, label)) = open
                && step & INSIDE == 0
            {
                if step & END != 0 {
                    places.push((start, at as u32, label));
                }
                open = None;
            }
            if open.is_none() && step & START != 0 && at < tags.len() {
                open = Some((at as u32, current.label));
            }
            last = *current;
        }
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
