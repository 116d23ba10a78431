//! The tokenizer of mteval-v13a (NIST): drops `<skipped>` and end-of-line hyphens, restores four
//! entities, then cuts at ASCII symbols, at periods and commas outside numbers, and after a digit's
//! hyphen. Does not know any other language's punctuation.

use super::cut::{self, Class, Classified};
use super::{Tokens, whitespace};

/// Cuts the text of `tokens`, rewriting it first where the rules say so.
pub(super) fn cut(tokens: &mut Tokens) {
    rewrite(&mut tokens.text);
    cut::cut(&tokens.text, true, &mut tokens.spans, classify);
}

/// The language-independent part of mteval-v13a. Line breaks are white space to the cut rule, so the
/// step that turns them into spaces needs no work.
fn rewrite(text: &mut String) {
    for (from, to) in [("<skipped>", ""), ("-\n", "")] {
        if text.contains(from) {
            *text = text.replace(from, to);
        }
    }
    if text.contains('&') {
        for (from, to) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
            if text.contains(from) {
                *text = text.replace(from, to);
            }
        }
    }
}

/// The class of the character at byte `at`: symbols are the ASCII punctuation but `'`, `,`, `-`, `.`.
#[inline]
pub(super) fn classify(text: &str, at: usize) -> Classified {
    let byte = text.as_bytes()[at];
    if byte < 0x80 {
        return (ASCII[usize::from(byte)], 1);
    }
    // Only these lead bytes begin characters that are white space.
    if matches!(byte, 0xc2 | 0xe1 | 0xe2 | 0xe3)
        && let Some(c) = text[at..].chars().next()
        && whitespace::is_space(c)
    {
        return (Class::Space, c.len_utf8());
    }
    (
        Class::Plain,
        if byte >= 0xf0 {
            4
        } else if byte >= 0xe0 {
            3
        } else {
            2
        },
    )
}

const ASCII: [Class; 128] = {
    let mut table = [Class::Plain; 128];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = match byte {
            b'\t'..=b'\r' | 0x1c..=0x1f | b' ' => Class::Space,
            b'0'..=b'9' => Class::Digit,
            b'.' | b',' => Class::Mark,
            b'-' => Class::Hyphen,
            b'!'..=b'&' | b'('..=b'+' | b'/' | b':'..=b'@' | b'['..=b'`' | b'{'..=b'~' => {
                Class::Symbol
            }
            _ => Class::Plain,
        };
        byte += 1;
    }
    table
};
