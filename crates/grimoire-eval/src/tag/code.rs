//! Tags as numbers: a tag is a class (its prefix, as far as the reading tells prefixes apart) and the
//! number of its type. Each distinct tag is split once; a corpus has few, so what is left for a token is a
//! look into a small table. Finds no entities.

use super::steps::Steps;
use std::collections::HashMap;

/// A tag's class, what it means beside an `O`, and the number of its type: a byte, two bytes, and the upper half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u64);

impl Tag {
    fn new(class: u8, label: u32, leaves: u8, enters: u8) -> Self {
        let low = u32::from_le_bytes([class, leaves, enters, 0]);
        Self(u64::from(label) << 32 | u64::from(low))
    }

    /// Below [`CLASSES`].
    #[inline]
    pub(super) fn class(self) -> u8 {
        self.0 as u8
    }

    /// What an `O` after it means.
    #[inline]
    pub(super) fn leaves(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// What it means after an `O`.
    #[inline]
    pub(super) fn enters(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// The number of the type.
    #[inline]
    pub(super) fn label(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// No tag.
pub(super) const UNKNOWN: Tag = Tag(u64::MAX);

/// The class of no entity, which every reading has.
pub(super) const OUTSIDE: u8 = 0;

/// Most classes of a reading.
pub(super) const CLASSES: usize = 8;

/// Class and type of a tag; `None` for one that the reading does not have.
pub(super) type Split = Box<dyn Fn(&str) -> Option<(u8, &str)>>;

#[inline]
fn slot((_, first, last): Key) -> usize {
    let mixed = (first ^ last.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize % SLOTS
}

/// Numbers tags.
pub(super) struct Coder {
    split: Split,
    steps: Steps,
    /// The tag `O`.
    outside: Tag,
    known: HashMap<String, Tag>,
    /// Tags of one byte (most tags of most corpora are `O`), where they were seen.
    single: [Tag; 256],
    /// Tags of up to 16 bytes seen lately, each at the place its key points to.
    lately: Box<[(Key, Tag); SLOTS]>,
    labels: Vec<String>,
}

/// Tags that are remembered; a power of two.
const SLOTS: usize = 256;

/// The length of a short tag and its bytes, which may overlap in the middle: equal for equal tags only.
type Key = (usize, u64, u64);

/// The key of no tag.
const NO_TAG: Key = (0, 0, 0);

/// The key of a tag of 2 to 16 bytes. From 4 bytes on, four words that overlap where they must: the same loads for
/// every length.
#[inline]
fn key(tag: &[u8]) -> Option<Key> {
    let n = tag.len();
    let shift = n / 8 * 4;
    let words = |first: &[u8; 4], second: &[u8; 4]| {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*second))
    };
    match (tag.first_chunk(), tag.last_chunk()) {
        (Some(first), Some(last)) if n <= 16 => {
            let second = tag[shift..].first_chunk()?;
            let third = tag[..n - shift].last_chunk()?;
            Some((n, words(first, second), words(third, last)))
        }
        _ => match tag {
            [first, .., last] if n < 4 => {
                Some((n, u64::from(*first), u64::from(*last) << 8 | u64::from(tag[n / 2])))
            }
            _ => None,
        },
    }
}

impl Coder {
    pub(super) fn new(split: Split, steps: Steps) -> Self {
        let mut coder = Self {
            split,
            steps,
            outside: UNKNOWN,
            known: HashMap::new(),
            single: [UNKNOWN; 256],
            lately: Box::new([(NO_TAG, UNKNOWN); SLOTS]),
            labels: Vec::new(),
        };
        coder.outside = coder.look_up("O").unwrap_or(UNKNOWN);
        coder
    }

    /// The tag `O`, which every reading has.
    pub(super) fn outside(&self) -> Tag {
        self.outside
    }

    /// What neighbours mean.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The types, by number.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Class and type of a tag.
    pub(super) fn split<'t>(&self, tag: &'t str) -> Option<(u8, &'t str)> {
        (self.split)(tag)
    }

    /// Class and number of a tag; `None` for one that the reading does not have.
    #[inline]
    pub(super) fn code(&mut self, tag: &str) -> Option<Tag> {
        let known = match tag.as_bytes() {
            [byte] => self.single[usize::from(*byte)],
            bytes => self.short(bytes),
        };
        if known == UNKNOWN { self.look_up(tag) } else { Some(known) }
    }

    /// The number of a type; one past the last for a type not seen so far.
    fn number(&self, label: &str) -> u32 {
        let place = self.labels.iter().position(|other| other == label);
        place.unwrap_or(self.labels.len()) as u32
    }

    #[inline]
    fn short(&self, tag: &[u8]) -> Tag {
        let Some(key) = key(tag) else { return UNKNOWN };
        let (known, found) = self.lately[slot(key)];
        // In one comparison: which tag comes next, and so which part differs, is not foreseeable.
        let differs = (known.0 ^ key.0) as u64 | (known.1 ^ key.1) | (known.2 ^ key.2);
        if differs == 0 { found } else { UNKNOWN }
    }

    /// The tag by its text, remembered for the next time.
    #[cold]
    fn look_up(&mut self, tag: &str) -> Option<Tag> {
        let tag_of = match self.known.get(tag) {
            Some(known) => *known,
            None => {
                let (class, label) = (self.split)(tag)?;
                let number = self.number(label);
                if number as usize == self.labels.len() {
                    self.labels.push(label.to_owned());
                }
                let new = Tag::new(class, number, 0, 0);
                let outside = if self.outside == UNKNOWN { new } else { self.outside };
                let (leaves, enters) = self.steps.beside_outside(new, outside);
                let new = Tag::new(class, number, leaves, enters);
                self.known.insert(tag.to_owned(), new);
                new
            }
        };
        match tag.as_bytes() {
            [byte] => self.single[usize::from(*byte)] = tag_of,
            bytes => {
                if let Some(key) = key(bytes) {
                    self.lately[slot(key)] = (key, tag_of);
                }
            }
        }
        Some(tag_of)
    }
}
