//! The normalisation that a SentencePiece model carries: a map of character sequences (a double-array
//! trie, as `nmt_nfkc` is compiled to), then white space squeezed, written as `▁`, and put in front.
//! The map is the model's own; nothing here knows Unicode's normal forms.

use super::proto::Rules;
use super::{Literals, broken};
use crate::error::TextError;

const SPACE: &str = "\u{2581}";

#[derive(Debug)]
pub(super) struct Normaliser {
    rules: Rules,
    /// Units of the double array.
    trie: Vec<u32>,
    /// The replacements, each ended by a zero byte.
    replacements: Vec<u8>,
    literals: Literals,
}

impl Normaliser {
    pub(super) fn new(rules: Rules, literals: Literals) -> Result<Self, TextError> {
        let map = &rules.character_map;
        if map.is_empty() {
            return Ok(Self { rules, trie: Vec::new(), replacements: Vec::new(), literals });
        }
        let wrong = || broken("its character map is cut short");
        let (size, rest) = map.split_first_chunk::<4>().ok_or_else(wrong)?;
        let size = u32::from_le_bytes(*size) as usize;
        let (trie, replacements) = rest.split_at_checked(size).ok_or_else(wrong)?;
        let (units, odd) = trie.as_chunks::<4>();
        if units.is_empty() || !odd.is_empty() {
            return Err(wrong());
        }
        let trie = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        let replacements = replacements.to_vec();
        Ok(Self { rules, trie, replacements, literals })
    }

    /// The text as the pieces are looked for in it.
    pub(super) fn normalise(&self, text: &str) -> String {
        let squeeze = self.rules.remove_extra_whitespaces;
        let space = if self.rules.escape_whitespaces { SPACE } else { " " };
        let mut rest = text;
        if squeeze {
            while let Some((" ", length)) = self.first(rest) {
                rest = &rest[length..];
            }
        }
        let mut out = String::with_capacity(text.len() + text.len() / 2);
        if rest.is_empty() {
            return out;
        }
        let dummy = self.rules.add_dummy_prefix;
        if dummy && !self.rules.whitespace_as_suffix {
            out.push_str(space);
        }
        let mut after_space = squeeze;
        while let Some((mut piece, length)) = self.first(rest) {
            if after_space {
                piece = piece.trim_start_matches(' ');
            }
            if !piece.is_empty() {
                for c in piece.chars() {
                    if c == ' ' { out.push_str(space) } else { out.push(c) }
                }
                after_space = piece.ends_with(' ');
            }
            after_space &= squeeze;
            rest = &rest[length..];
        }
        if squeeze {
            out.truncate(out.trim_end_matches(space).len());
        }
        if dummy && self.rules.whitespace_as_suffix {
            out.push_str(space);
        }
        out
    }

    /// What the start of `text` becomes, and how many bytes of it that takes. `None` at the end.
    fn first<'t>(&'t self, text: &'t str) -> Option<(&'t str, usize)> {
        let character = text.chars().next()?.len_utf8();
        if let Some(length) = self.literals.at(text) {
            return Some((&text[..length], length));
        }
        match self.longest(text) {
            Some((length, replacement)) => Some((replacement, length)),
            None => Some((&text[..character], character)),
        }
    }

    /// The longest start of `text` that the map has, and its replacement.
    fn longest(&self, text: &str) -> Option<(usize, &str)> {
        // A unit: its label in bits 0 to 7, bit 8 for a value at its place, an offset above; or a value.
        let offset = |unit: u32| ((unit >> 10) << ((unit & 0x200) >> 6)) as usize;
        let mut place = offset(*self.trie.first()?);
        let mut found = None;
        for (at, byte) in text.bytes().enumerate() {
            place ^= usize::from(byte);
            let unit = *self.trie.get(place)?;
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            place ^= offset(unit);
            if unit & 0x100 != 0 {
                let value = self.trie.get(place)? & 0x7fff_ffff;
                found = Some((at + 1, value as usize));
            }
        }
        let (length, value) = found.filter(|(length, _)| text.is_char_boundary(*length))?;
        let replacement = self.replacements.get(value..)?;
        let end = replacement.iter().position(|byte| *byte == 0)?;
        Some((length, std::str::from_utf8(&replacement[..end]).ok()?))
    }
}
