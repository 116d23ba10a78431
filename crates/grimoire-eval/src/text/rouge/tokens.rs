//! The two tokenizers of ROUGE, by line. The legacy one is rouge_score's: lower-case, keep runs of a–z
//! and 0–9, stem words of more than three letters. The Unicode one follows UAX #29 and, in scripts
//! without spaces between words, takes every character with its marks as a token: no dictionary is used.

use super::{RougeOptions, Tokens};
use crate::text::clipped::short_key;
use crate::text::porter;
use serde::Serialize;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// How many letters and digits were seen, and how many of them the tokenizer dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Loss {
    /// Letters and digits of any script.
    pub letters: u64,
    /// Those that became part of no token.
    pub dropped: u64,
}

impl Loss {
    /// Above this share of dropped letters a warning is due.
    pub const LIMIT: f64 = 0.05;

    /// Dropped over seen; 0 when nothing was seen.
    pub fn share(&self) -> f64 {
        if self.letters == 0 { 0.0 } else { self.dropped as f64 / self.letters as f64 }
    }

    /// What to tell the user, if the legacy tokenizer loses too much of this text.
    pub fn warning(&self) -> Option<String> {
        (self.share() > Self::LIMIT).then(|| {
            format!(
                "the legacy tokenizer dropped {:.1} % of the letters: it knows only a to z and digits; \
                 use the Unicode mode",
                100.0 * self.share()
            )
        })
    }

    /// Adds what another part of the text lost.
    pub fn add(&mut self, other: &Self) {
        self.letters += other.letters;
        self.dropped += other.dropped;
    }
}

/// The tokens of one text and the end of each of its lines; reused from text to text.
#[derive(Default)]
pub(super) struct Sentences {
    text: String,
    spans: Vec<Range<usize>>,
    ends: Vec<usize>,
}

impl Sentences {
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn parts(&self) -> (&str, &[Range<usize>]) {
        (&self.text, &self.spans)
    }

    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Replaces the content by the tokens of `text`.
    pub(super) fn read(
        &mut self,
        text: &str,
        options: &RougeOptions,
        stems: &mut StemCache,
        loss: &mut Loss,
    ) {
        self.text.clear();
        self.spans.clear();
        self.ends.clear();
        for line in text.split('\n') {
            match options.tokens {
                Tokens::Legacy => self.legacy(line, options.stemmer, stems, loss),
                Tokens::Unicode => self.unicode(line, options.stemmer, stems),
            }
            self.ends.push(self.spans.len());
        }
    }

    fn legacy(&mut self, line: &str, stemmer: bool, stems: &mut StemCache, loss: &mut Loss) {
        let mut start = self.text.len();
        let mut rest = line;
        // Bytes of ASCII text are handled as such; the first other character of a run goes through
        // Unicode: the Kelvin sign lower-cases to k, a dotted capital I to i and a mark.
        while let Some(byte) = rest.bytes().next() {
            if byte.is_ascii_alphanumeric() {
                let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
                let from = self.text.len();
                self.text.push_str(&rest[..run]);
                self.text[from..].make_ascii_lowercase();
                loss.letters += run as u64;
                rest = &rest[run..];
            } else if byte.is_ascii() {
                start = self.close(start, stemmer, stems);
                rest = &rest[1..];
            } else {
                let Some(c) = rest.chars().next() else { break };
                let mut dropped = c.is_alphanumeric();
                loss.letters += u64::from(dropped);
                for lower in c.to_lowercase() {
                    if lower.is_ascii_alphanumeric() {
                        self.text.push(lower);
                        dropped = false;
                    } else {
                        start = self.close(start, stemmer, stems);
                    }
                }
                loss.dropped += u64::from(dropped);
                rest = &rest[c.len_utf8()..];
            }
        }
        self.close(start, stemmer, stems);
    }

    fn unicode(&mut self, line: &str, stemmer: bool, stems: &mut StemCache) {
        let line = normalise(line);
        for word in line.unicode_words() {
            let mut start = self.text.len();
            for grapheme in word.graphemes(true) {
                let alone = grapheme.chars().next().is_some_and(is_unspaced);
                if alone {
                    start = self.close(start, false, stems);
                }
                self.text.push_str(grapheme);
                if alone {
                    start = self.close(start, false, stems);
                }
            }
            let latin = self.text[start..].bytes().all(|byte| byte.is_ascii_alphanumeric());
            self.close(start, stemmer && latin, stems);
        }
    }

    /// Ends the token that began at `start`; returns where the next one begins.
    fn close(&mut self, start: usize, stemmer: bool, stems: &mut StemCache) -> usize {
        let length = self.text.len() - start;
        if length == 0 {
            return start;
        }
        if stemmer && length > 3 {
            stems.replace(&mut self.text, start);
        }
        let end = self.text.len();
        if end > start {
            self.spans.push(start..end);
        }
        end
    }
}

/// NFKC and lower case. NFKC takes the Thai and Lao vowel AM apart, which no reader of them does; it is
/// put together again.
fn normalise(line: &str) -> String {
    let line = line.nfkc().collect::<String>().to_lowercase();
    line.replace("\u{e4d}\u{e32}", "\u{e33}").replace("\u{ecd}\u{eb2}", "\u{eb3}")
}

/// Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, the Tai scripts, kana,
/// bopomofo and Han.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x1950..=0x19ff | 0x1a20..=0x1aaf
        | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x3100..=0x312f | 0x31a0..=0x31bf | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f | 0xf900..=0xfaff
        | 0x20000..=0x323af)
}

/// Stems seen lately, each at the place its word's key points to. Bounded: a newcomer takes the place.
pub(super) struct StemCache {
    slots: Vec<Slot>,
}

/// A word, and how it becomes its stem: bytes kept of it, and what follows them.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u128,
    kept: u8,
    tail: [u8; 15],
}

/// A power of two.
const SLOTS: usize = 1 << 14;

impl Default for StemCache {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); SLOTS] }
    }
}

impl StemCache {
    /// Replaces the word from `start` to the end of `text` by its stem.
    fn replace(&mut self, text: &mut String, start: usize) {
        let Some(key) = short_key(text.as_bytes(), &(start..text.len())) else {
            let stem = porter::stem(&text[start..]);
            text.truncate(start);
            text.push_str(&stem);
            return;
        };
        let slot = &mut self.slots[super::super::clipped::hash(key) % SLOTS];
        if slot.key != key {
            let word = &text[start..];
            let stem = porter::stem(word);
            // A stem is never longer than its word, and as ASCII as that.
            let kept = word.bytes().zip(stem.bytes()).take_while(|(a, b)| a == b).count();
            let tail = &stem.as_bytes()[kept..];
            *slot = Slot { key, kept: kept as u8, tail: [0; 15] };
            slot.tail[..tail.len()].copy_from_slice(tail);
        }
        text.truncate(start + usize::from(slot.kept));
        let tail = slot.tail.iter().take_while(|byte| **byte != 0);
        text.extend(tail.map(|byte| char::from(*byte)));
    }
}
