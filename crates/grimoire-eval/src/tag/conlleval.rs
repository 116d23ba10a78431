//! Chunks as the script of the CoNLL-2000 shared task finds them (conlleval, Sang and Buchholz; version
//! of 2004): every tag sequence has an interpretation. Its quirks, kept: an `I-` after `O` or after
//! another type begins a chunk; a `B-` right after an `E-` of the same type does not begin one; a prefix
//! it does not know (such as `S-`) begins and ends chunks only where the type changes.

use super::Span;
use super::steps::{END, INSIDE, START, Steps};

/// Classes: the prefixes that the script's rules name, and any other.
const NAMED: [&str; 7] = ["O", "B", "I", "E", ".", "[", "]"];
const O: u8 = 0;
const B: u8 = 1;
const I: u8 = 2;
const E: u8 = 3;
const DOT: u8 = 4;
const OPEN: u8 = 5;
const CLOSE: u8 = 6;
const OTHER: u8 = 7;

/// The chunks of a sentence, in order.
pub fn spans<'t>(tags: &[&'t str]) -> Vec<Span<'t>> {
    // This reading has every tag, so there is no error.
    super::Reading::Conlleval.spans(tags).unwrap_or_default()
}

/// Class and type: what stands before and after the first hyphen.
pub(super) fn split(tag: &str) -> Option<(u8, &str)> {
    let (prefix, label) = tag.split_once('-').unwrap_or((tag, ""));
    let class = NAMED.iter().position(|named| *named == prefix);
    Some((class.map_or(OTHER, |class| class as u8), label))
}

/// The script's rules as steps. What is open where a sentence ends is a chunk.
pub(super) fn steps() -> Steps {
    Steps::new(|last, current, same| {
        let starts = starts(last, current, same);
        let ends = starts || ends(last, current, same);
        (if starts { START } else { 0 }) | if ends { END } else { INSIDE }
    })
}

fn ends(last: u8, current: u8, same: bool) -> bool {
    matches!((last, current), (B | I, B | O) | (E, E | I | O) | (OPEN | CLOSE, _))
        || (last != O && last != DOT && !same)
}

fn starts(last: u8, current: u8, same: bool) -> bool {
    matches!((last, current), (B | I | O, B) | (O | E, I | E) | (_, OPEN | CLOSE))
        || (current != O && current != DOT && !same)
}
