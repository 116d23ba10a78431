//! White space as the reference implementations (which are Python programs) see it: the Unicode
//! property White_Space and the four ASCII separators U+001C to U+001F. Not a tokenizer.

use std::ops::Range;

/// Whether Python's `str.split()` and `str.strip()` treat the character as white space.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The text without trailing white space.
pub(crate) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// Appends the byte ranges of the words of `text`, shifted by `offset`.
pub(crate) fn split_into(text: &str, offset: usize, words: &mut Vec<Range<usize>>) {
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (is_space(c), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                words.push(offset + from..offset + at);
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push(offset + from..offset + text.len());
    }
}
