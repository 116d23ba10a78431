//! The table of tokens: id to text, text to id, and what kind of token each is.
//! It does not encode; it says what an id is and which bytes it stands for.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher as _;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ordinary piece of text.
    Normal,
    /// Stands for what the vocabulary cannot spell.
    Unknown,
    /// A mark with a meaning of its own, never produced by plain text.
    Control,
    /// A literal that is matched in any text before the ordinary pieces are.
    UserDefined,
    /// Kept for its id only; encoding never yields it.
    Unused,
    /// One byte, for text that no piece covers.
    Byte(u8),
}

/// How the text of a token stands for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Each character is one byte, by GPT-2's table.
    ByteLevel,
    /// Text in which `▁` is a space; `strip` when decoding drops the first space.
    Metaspace { strip: bool },
    /// Only the library's decoder knows.
    Opaque,
}

/// The tokens in the order of their ids. All texts lie in one string, and the table by text holds ids alone: with a
/// string for each token, and another for its place in the table, a vocabulary of 49,152 takes 6 MB more.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    texts: String,
    /// Where each text ends in `texts`.
    ends: Vec<usize>,
    kinds: Vec<Kind>,
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
    pub(crate) spelling: Spelling,
}

impl Vocabulary {
    /// Of two tokens with the same text the first keeps it.
    pub(crate) fn new(texts: Vec<String>, kinds: Vec<Kind>, spelling: Spelling) -> Self {
        debug_assert_eq!(texts.len(), kinds.len());
        let mut table = Self {
            texts: String::with_capacity(texts.iter().map(String::len).sum()),
            ends: Vec::with_capacity(texts.len()),
            kinds,
            ids: HashTable::with_capacity(texts.len()),
            hasher: DefaultHashBuilder::default(),
            spelling,
        };
        for (id, text) in (0u32..).zip(texts) {
            table.texts.push_str(&text);
            table.ends.push(table.texts.len());
            if !text.is_empty() {
                table.add(id, &text);
            }
        }
        table
    }

    /// Puts an id whose text is there already into the table by text.
    fn add(&mut self, id: u32, text: &str) {
        let (texts, ends, hasher) = (&self.texts, &self.ends, &self.hasher);
        let same = |other: &u32| slice(texts, ends, *other) == Some(text);
        let hash = |other: &u32| hasher.hash_one(slice(texts, ends, *other).unwrap_or_default());
        self.ids.entry(hasher.hash_one(text), same, hash).or_insert(id);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn id(&self, text: &str) -> Option<u32> {
        self.ids.find(self.hasher.hash_one(text), |id| self.text(*id) == Some(text)).copied()
    }

    pub(crate) fn text(&self, id: u32) -> Option<&str> {
        slice(&self.texts, &self.ends, id)
    }

    pub(crate) fn kind(&self, id: u32) -> Option<Kind> {
        self.kinds.get(id as usize).copied()
    }

    pub(crate) fn is_special(&self, id: u32) -> bool {
        matches!(self.kind(id), Some(Kind::Control | Kind::Unknown))
    }

    /// Ids, texts and kinds in the order of the ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str, Kind)> {
        (0u32..).zip(&self.kinds).map(|(id, kind)| (id, self.text(id).unwrap_or_default(), *kind))
    }

    /// Appends the bytes that `id` stands for; nothing for an id beyond the vocabulary.
    /// `None` when only the library's decoder can tell.
    pub(crate) fn push_bytes(&self, id: u32, out: &mut Vec<u8>) -> Option<()> {
        let (Some(text), Some(kind)) = (self.text(id), self.kind(id)) else { return Some(()) };
        match (self.spelling, kind) {
            (Spelling::Opaque, _) => return None,
            (_, Kind::Byte(byte)) => out.push(byte),
            (_, Kind::Control | Kind::Unknown) | (Spelling::ByteLevel, Kind::UserDefined) => {
                out.extend_from_slice(text.as_bytes());
            }
            (Spelling::ByteLevel, _) => push_byte_level(text, out),
            (Spelling::Metaspace { .. }, _) => {
                out.extend_from_slice(text.replace('▁', " ").as_bytes());
            }
        }
        Some(())
    }
}

/// The text of an id: what lies between the end of the text before and its own.
fn slice<'a>(texts: &'a str, ends: &[usize], id: u32) -> Option<&'a str> {
    let end = *ends.get(id as usize)?;
    let start = (id as usize).checked_sub(1).map_or(0, |before| ends[before]);
    texts.get(start..end)
}

/// `<0xNN>` as a byte.
pub(crate) fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let hexadecimal = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// The byte that GPT-2's table writes as `character`: printable Latin-1 stands for itself, and
/// the 68 bytes left over are written as U+0100 onwards, in order
/// (Radford et al. 2019, `encoder.py`, `bytes_to_unicode`).
fn byte_level(character: char) -> Option<u8> {
    let code = u32::from(character);
    let byte = match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 0x7f,
        0x143 => 0xad,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

/// A token with a character outside the table is taken literally, as the library does.
fn push_byte_level(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    for character in text.chars() {
        let Some(byte) = byte_level(character) else {
            out.truncate(start);
            out.extend_from_slice(text.as_bytes());
            return;
        };
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_table_is_a_bijection_with_published_entries() {
        let mut seen: Vec<u8> =
            (0..0x200).filter_map(char::from_u32).filter_map(byte_level).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..=255).collect::<Vec<u8>>());
        // Well-known members of GPT-2's vocabulary: Ġ is a space, Ċ a line feed, ĉ a tab.
        assert_eq!(byte_level('Ġ'), Some(b' '));
        assert_eq!(byte_level('Ċ'), Some(b'\n'));
        assert_eq!(byte_level('ĉ'), Some(b'\t'));
        assert_eq!(byte_level('Ń'), Some(0xad));
        assert_eq!(byte_level('ł'), Some(0xa0));
        assert_eq!(byte_level('ġ'), Some(0x7f));
    }

    #[test]
    fn the_first_of_equal_texts_keeps_it_and_empty_texts_are_found_by_none() {
        let texts = ["a", "", "bé", "a", ""].map(String::from).to_vec();
        let table = Vocabulary::new(texts, vec![Kind::Normal; 5], Spelling::ByteLevel);
        assert_eq!((table.id("a"), table.id("bé"), table.id("")), (Some(0), Some(2), None));
        let all: Vec<(u32, &str)> = table.iter().map(|(id, text, _)| (id, text)).collect();
        assert_eq!(all, [(0, "a"), (1, ""), (2, "bé"), (3, "a"), (4, "")]);
        assert_eq!((table.len(), table.text(5)), (5, None));
    }

    #[test]
    fn byte_tokens_are_read_strictly() {
        assert_eq!(byte_of("<0x0A>"), Some(10));
        assert_eq!(byte_of("<0xff>"), Some(255));
        for text in ["<0x>", "<0x0>", "<0x0AA>", "0x0A", "<0xGG>", "<0x+1>"] {
            assert_eq!(byte_of(text), None, "{text}");
        }
    }
}
