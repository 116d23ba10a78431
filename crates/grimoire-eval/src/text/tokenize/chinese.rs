//! The Chinese tokenizer of WMT: every character of certain Unicode blocks is a token, the rest is cut
//! as mteval-v13a does. The block list is that of the reference program, with its slip: two ranges
//! meant for the planes above U+FFFF (U+20000 to U+2A6D6, U+2F800 to U+2FA1D) act as U+2001 to U+2A6D
//! and U+2F81 to U+2FA1, so general punctuation is split and rare ideographs are not. Kept, because
//! published scores depend on it.

use super::cut::{self, Class, Classified};
use super::{Tokens, western, whitespace};

/// Inclusive ranges of characters that are tokens of their own.
const ALONE: [(u32, u32); 22] = [
    (0x2001, 0x2a6d),
    (0x2e80, 0x2eff),
    (0x2f00, 0x2fdf),
    (0x2f81, 0x2fa1),
    (0x2ff0, 0x2fff),
    (0x3000, 0x303f),
    (0x3100, 0x312f),
    (0x31a0, 0x31bf),
    (0x31c0, 0x31ef),
    (0x3200, 0x32ff),
    (0x3300, 0x33ff),
    (0x3400, 0x4db5),
    (0x4e00, 0x9fa5),
    (0x9fa6, 0x9fbb),
    (0xf900, 0xfa2d),
    (0xfa30, 0xfa6a),
    (0xfa70, 0xfad9),
    (0xfe10, 0xfe1f),
    (0xfe30, 0xfe4f),
    (0xff00, 0xffef),
    (0x2600, 0x26ff),
    (0x2700, 0x27bf),
];

/// Cuts the text of `tokens`.
pub(super) fn cut(tokens: &mut Tokens) {
    // The reference program strips both ends and, unlike 13a, adds no space around the text.
    let stripped = tokens.text.trim_start_matches(whitespace::is_space).len();
    let offset = tokens.text.len() - stripped;
    if offset > 0 {
        tokens.text.drain(..offset);
    }
    cut::cut(&tokens.text, false, &mut tokens.spans, classify);
}

fn classify(text: &str, at: usize) -> Classified {
    if text.as_bytes()[at] < 0xe0 {
        return western::classify(text, at);
    }
    let Some(c) = text[at..].chars().next() else { return (Class::Space, 1) };
    let code = u32::from(c);
    let class = if whitespace::is_space(c) {
        Class::Space
    } else if ALONE.iter().any(|(low, high)| (*low..=*high).contains(&code)) {
        Class::Symbol
    } else {
        Class::Plain
    };
    (class, c.len_utf8())
}
