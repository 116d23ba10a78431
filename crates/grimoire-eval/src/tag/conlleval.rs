//! Chunks as the script of the CoNLL-2000 shared task finds them (conlleval, Sang and Buchholz; version
//! of 2004): every tag sequence has an interpretation. Its quirks, kept: an `I-` after `O` or after
//! another type begins a chunk; a `B-` right after an `E-` of the same type does not begin one; a prefix
//! it does not know (such as `S-`) begins and ends chunks only where the type changes.

use super::Span;

/// The chunks of a sentence, in order.
pub fn spans<'t>(tags: &[&'t str]) -> Vec<Span<'t>> {
    let mut spans = Vec::new();
    let mut open: Option<Span<'t>> = None;
    let mut last = ("O", "");
    for (at, tag) in tags.iter().enumerate() {
        let current = split(tag);
        if ends(last, current) {
            close(&mut spans, &mut open, at);
        }
        if starts(last, current) {
            close(&mut spans, &mut open, at);
            open = Some(Span { start: at, end: at, label: current.1 });
        }
        last = current;
    }
    close(&mut spans, &mut open, tags.len());
    spans
}

fn close<'t>(spans: &mut Vec<Span<'t>>, open: &mut Option<Span<'t>>, end: usize) {
    if let Some(span) = open.take() {
        spans.push(Span { end, ..span });
    }
}

/// Prefix and type: what stands before and after the first hyphen.
fn split(tag: &str) -> (&str, &str) {
    tag.split_once('-').unwrap_or((tag, ""))
}

fn ends(last: (&str, &str), current: (&str, &str)) -> bool {
    matches!((last.0, current.0), ("B" | "I", "B" | "O") | ("E", "E" | "I" | "O") | ("[" | "]", _))
        || (last.0 != "O" && last.0 != "." && last.1 != current.1)
}

fn starts(last: (&str, &str), current: (&str, &str)) -> bool {
    matches!((last.0, current.0), ("B" | "I" | "O", "B") | ("O" | "E", "I" | "E") | (_, "[" | "]"))
        || (current.0 != "O" && current.0 != "." && last.1 != current.1)
}
