//! Entities by tagging scheme, strictly: what the scheme does not allow is no entity. The schemes are
//! those of Tjong Kim Sang and Veenstra (EACL 1999) and Ratinov and Roth (CoNLL 2009); where they leave
//! a sequence open, it is read as seqeval 1.2.2 reads it in strict mode. A rule is a pair of neighbouring
//! prefixes and whether their types must agree; the table is built once per scheme.

use super::Span;
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
    prefixes: &'static [u8],
    start: &'static [Rule],
    inside: &'static [Rule],
    end: &'static [Rule],
}

const ALL: &[u8] = b"IOBESUL";

const IOB1: Rules = Rules {
    prefixes: b"IOB",
    start: &[(b"OB", b"I", Any), (b"I", b"I", Different), (b"IB", b"B", Same)],
    inside: &[(b"BI", b"I", Same)],
    end: &[(b"IB", b"I", Different), (b"IB", b"O", Any), (b"I", b"B", Any), (b"B", b"B", Same)],
};

const IOB2: Rules = Rules {
    prefixes: b"IOB",
    start: &[(ALL, b"B", Any)],
    inside: &[(b"BI", b"I", Same)],
    end: &[(b"IB", b"OB", Any), (b"IB", b"I", Different)],
};

const IOE2: Rules = Rules {
    prefixes: b"IOE",
    start: &[(b"OE", b"IE", Any), (b"I", b"IE", Different)],
    inside: &[(b"I", b"EI", Same)],
    end: &[(b"E", ALL, Any)],
};

const IOBES: Rules = Rules {
    prefixes: b"IOBES",
    start: &[(ALL, b"BS", Any)],
    inside: &[(b"BI", b"IE", Same)],
    end: &[(b"SE", ALL, Any)],
};

const BILOU: Rules = Rules {
    prefixes: b"BILOU",
    start: &[(ALL, b"BU", Any)],
    inside: &[(b"BI", b"IL", Same)],
    end: &[(b"UL", ALL, Any)],
};

fn holds(rules: &[Rule], last: (u8, &str), current: (u8, &str)) -> bool {
    rules.iter().any(|(before, now, types)| {
        before.contains(&last.0)
            && now.contains(&current.0)
            && match types {
                Any => true,
                Same => last.1 == current.1,
                Different => last.1 != current.1,
            }
    })
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
        let rules = self.rules();
        let mut spans = Vec::new();
        let mut open: Option<Span<'t>> = None;
        let mut last = (b'O', "");
        for (at, tag) in tags.iter().map(Some).chain([None]).enumerate() {
            let current = match tag {
                None => (b'O', ""),
                Some(tag) => split(tag)
                    .filter(|(prefix, _)| rules.prefixes.contains(prefix))
                    .ok_or_else(|| EvalError::Tag {
                        tag: (*tag).to_owned(),
                        token: at + 1,
                        sentence: 0,
                        scheme: self.to_string(),
                    })?,
            };
            if let Some(span) = open
                && !holds(rules.inside, last, current)
            {
                if holds(rules.end, last, current) {
                    spans.push(Span { end: at, ..span });
                }
                open = None;
            }
            if open.is_none() && tag.is_some() && holds(rules.start, last, current) {
                open = Some(Span { start: at, end: at, label: current.1 });
            }
            last = current;
        }
        Ok(spans)
    }
}

/// Prefix and type: the first character, and the rest without hyphens at its ends (`_` for none).
fn split(tag: &str) -> Option<(u8, &str)> {
    let prefix = *tag.as_bytes().first()?;
    let label = tag.get(1..)?.trim_matches('-');
    Some((prefix, if label.is_empty() { "_" } else { label }))
}
