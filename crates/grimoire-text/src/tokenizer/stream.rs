//! Decoding one token at a time: what comes out is always complete UTF-8, and the pieces joined
//! are what decoding all the ids at once gives.

use super::Tokenizer;
use super::vocabulary::Spelling;

/// Turns ids into text as they come.
///
/// A token may hold a part of a character; its bytes wait for the rest. [`Self::finish`] gives
/// what still waits, with U+FFFD for bytes that are no character.
#[derive(Debug, Clone)]
pub struct StreamDecoder<'t> {
    tokenizer: &'t Tokenizer,
    skip_special: bool,
    /// Bytes of an incomplete character.
    waiting: Vec<u8>,
    /// The first space is still to be dropped, where the tokenizer's decoder drops it.
    strip: bool,
    /// For spellings that only the library knows: all ids so far, and how much text went out.
    ids: Vec<u32>,
    sent: usize,
}

impl<'t> StreamDecoder<'t> {
    pub(crate) fn new(tokenizer: &'t Tokenizer, skip_special: bool) -> Self {
        let strip = tokenizer.vocabulary.spelling == Spelling::Metaspace { strip: true };
        Self { tokenizer, skip_special, waiting: Vec::new(), strip, ids: Vec::new(), sent: 0 }
    }

    /// Says that text goes before: a space at the beginning is kept.
    #[must_use]
    pub fn continuing(mut self) -> Self {
        self.strip = false;
        self
    }

    /// Takes a token; gives the text that is complete, often empty.
    pub fn push(&mut self, id: u32) -> String {
        let vocabulary = &self.tokenizer.vocabulary;
        if self.skip_special && vocabulary.is_special(id) {
            return String::new();
        }
        if vocabulary.push_bytes(id, &mut self.waiting).is_none() {
            self.ids.push(id);
            let text = self.tokenizer.decode(&self.ids, self.skip_special);
            return if text.ends_with('\u{fffd}') { String::new() } else { self.send(&text) };
        }
        if self.strip && !self.waiting.is_empty() {
            self.strip = false;
            if self.waiting[0] == b' ' {
                self.waiting.remove(0);
            }
        }
        let mut out = String::new();
        let used = take_complete(&self.waiting, &mut out);
        self.waiting.drain(..used);
        out
    }

    /// The text of what still waits.
    pub fn finish(mut self) -> String {
        if self.ids.is_empty() {
            return String::from_utf8_lossy(&self.waiting).into_owned();
        }
        let text = self.tokenizer.decode(&self.ids, self.skip_special);
        self.send(&text)
    }

    fn send(&mut self, text: &str) -> String {
        let new = text.get(self.sent..).unwrap_or_default().to_string();
        self.sent = self.sent.max(text.len());
        new
    }
}

/// Appends the characters of `bytes` that are complete, U+FFFD for what can become none, and
/// returns how many bytes that took.
fn take_complete(bytes: &[u8], out: &mut String) -> usize {
    let mut used = 0;
    loop {
        match std::str::from_utf8(&bytes[used..]) {
            Ok(text) => {
                out.push_str(text);
                return bytes.len();
            }
            Err(error) => {
                let valid = used + error.valid_up_to();
                out.push_str(&String::from_utf8_lossy(&bytes[used..valid]));
                let Some(length) = error.error_len() else { return valid };
                out.push('\u{fffd}');
                used = valid + length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::take_complete;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_joined_are_the_whole_decoded_at_once(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xe2), Just(0x82), Just(0xac), Just(0xf0), Just(0x9f)], 0..40),
            cut in 1usize..5,
        ) {
            let (mut waiting, mut joined) = (Vec::new(), String::new());
            for piece in bytes.chunks(cut) {
                waiting.extend_from_slice(piece);
                let used = take_complete(&waiting, &mut joined);
                waiting.drain(..used);
            }
            joined.push_str(&String::from_utf8_lossy(&waiting));
            prop_assert_eq!(joined, String::from_utf8_lossy(&bytes));
        }
    }
}
