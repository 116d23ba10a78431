//! The cut rule that mteval-v13a, mteval-v14 and the Chinese tokenizer share, in one pass.
//!
//! Those programs run substitutions in turn over the whole text: (1) a space on both sides of every
//! *symbol*; (2) `([^0-9])([.,])` becomes `\1 \2 `; (3) `([.,])([^0-9])` becomes ` \1 \2`;
//! (4) `([0-9])(-)` becomes `\1 \2 `; then the text is split at white space. Because matches do not
//! overlap, their joint effect on a run of k *marks* (period and comma; Unicode punctuation in v14) with
//! neighbours L and R (after step 1 a symbol's neighbour is a space) is this:
//!
//! - step 2 pairs marks from the left: (L, c1), (c2, c3), … when L is no digit, (c1, c2), (c3, c4), …
//!   when it is; each match puts spaces around its mark, so only the last mark can remain glued to R,
//!   and it does when it is left without a partner: k even after a non-digit, k odd after a digit;
//! - step 3 then frees every mark that is followed by anything but a digit.
//!
//! Hence every mark is a token of its own, except the last one when it is unpaired and R is a digit: it
//! opens R's token, and when k = 1 it also closes L's. A missing neighbour (start or end of the text)
//! behaves as a digit. Step 4 cuts after a digit that stands before a hyphen, and after that hyphen.
//! Not shown here: what counts as digit, mark and symbol, which each tokenizer says for itself.

use std::ops::Range;

/// What a character is to the cut rule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Part of a word.
    Plain,
    /// A digit, which keeps a mark between two digits together.
    Digit,
    /// Period and comma, or Unicode punctuation.
    Mark,
    /// Always a token of its own.
    Symbol,
    /// Never part of a token.
    Space,
    /// A hyphen that leaves a digit before it.
    Hyphen,
}

/// One character: its class, and how many bytes it takes.
pub(super) type Classified = (Class, usize);

/// Cuts `text` into `spans`. `classify(text, at)` says what stands at byte `at`; `wrapped` says whether
/// the reference program puts a space before and after the text first.
#[inline]
pub(super) fn cut(
    text: &str,
    wrapped: bool,
    spans: &mut Vec<Range<usize>>,
    classify: impl Fn(&str, usize) -> Classified,
) {
    let bytes = text.len();
    let mut start = 0; // where the token being built began; equals `at` when there is none
    let mut at = 0;
    let mut after_digit = !wrapped; // whether the character before `at` is a digit, to the rule
    let mut hyphen_cuts = false; // whether the character before `at` is a digit indeed
    'text: while at < bytes {
        let (mut class, mut length) = classify(text, at);
        if class == Class::Plain {
            after_digit = false;
            hyphen_cuts = false;
            while class == Class::Plain {
                at += length;
                if at == bytes {
                    break 'text;
                }
                (class, length) = classify(text, at);
            }
        }
        match class {
            Class::Plain => {}
            Class::Digit => {
                after_digit = true;
                hyphen_cuts = true;
            }
            Class::Hyphen => {
                if hyphen_cuts {
                    close(spans, start, at);
                    spans.push(at..at + length);
                    start = at + length;
                }
                after_digit = false;
                hyphen_cuts = false;
            }
            Class::Symbol | Class::Space => {
                close(spans, start, at);
                if class == Class::Symbol {
                    spans.push(at..at + length);
                }
                start = at + length;
                after_digit = false;
                hyphen_cuts = false;
            }
            Class::Mark => {
                (at, start) = marks(text, (start, at), (after_digit, wrapped), spans, &classify);
                // A run ends before a character that is no mark; glued, it stands before a digit.
                after_digit = false;
                hyphen_cuts = false;
                continue;
            }
        }
        at += length;
    }
    close(spans, start, bytes);
}

/// Cuts the run of marks that begins at `at` while a token that began at `start` is open; returns where
/// the run ends and where the next token begins.
fn marks(
    text: &str,
    (start, at): (usize, usize),
    (after_digit, wrapped): (bool, bool),
    spans: &mut Vec<Range<usize>>,
    classify: &impl Fn(&str, usize) -> Classified,
) -> (usize, usize) {
    let first = spans.len();
    let mut end = at;
    let mut before_digit = !wrapped;
    let mut count = 0usize;
    // Where the mark before `end` began.
    let mut last = at;
    while end < text.len() {
        let (class, length) = classify(text, end);
        if class != Class::Mark {
            before_digit = class == Class::Digit;
            break;
        }
        last = end;
        end += length;
        count += 1;
    }
    let unpaired = (count % 2 == 1) == after_digit;
    let glued = unpaired && before_digit;
    if glued && count == 1 {
        // The mark stays inside the word.
        return (end, start);
    }
    close(spans, start, at);
    let mut mark = at;
    let stop = if glued { last } else { end };
    while mark < stop {
        let (_, length) = classify(text, mark);
        spans.push(mark..mark + length);
        mark += length;
    }
    debug_assert!(spans.len() >= first);
    (end, stop)
}

fn close(spans: &mut Vec<Range<usize>>, start: usize, end: usize) {
    if start < end {
        spans.push(start..end);
    }
}
