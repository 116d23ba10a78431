//! Tags as numbers: a tag is a class (its prefix, as far as the reading tells prefixes apart) and the
//! number of its type. Each distinct tag is split once; a corpus has few, so what is left for a token is a
//! look into a small table. Finds no entities.

use std::collections::HashMap;

/// A tag's class and the number of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) class: u8,
    pub(super) label: u32,
}

/// No tag.
const UNKNOWN: Tag = Tag { class: u8::MAX, label: u32::MAX };

/// The class of no entity, which every reading has.
pub(super) const OUTSIDE: u8 = 0;

/// Most classes of a reading.
pub(super) const CLASSES: usize = 8;

/// An entity: first token, one past the last, number of the type.
pub(super) type Place = (u32, u32, u32);

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
    /// The tag `O`.
    outside: Tag,
    known: HashMap<String, Tag>,
    /// Tags of one byte (most tags of most corpora are `O`), where they were seen.
    single: [Tag; 256],
    /// Tags of up to 16 bytes seen lately, each at the place its key points to.
    lately: Vec<(Key, Tag)>,
    labels: Vec<String>,
}

/// Tags that are remembered; a power of two.
const SLOTS: usize = 256;

/// The length of a short tag and its bytes, which may overlap in the middle: equal for equal tags only.
type Key = (usize, u64, u64);

/// The key of no tag.
const NO_TAG: Key = (0, 0, 0);

/// The key of a tag of 2 to 16 bytes.
#[inline]
fn key(tag: &[u8]) -> Option<Key> {
    let n = tag.len();
    let (first, last) = match (tag.first_chunk::<8>(), tag.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (tag.first_chunk::<4>(), tag.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
            }
            _ => match tag {
                [] => return None,
                [first, .., last] => {
                    (u64::from(*first), u64::from(*last) << 8 | u64::from(tag[n / 2]))
                }
                [_] => return None,
            },
        },
    };
    (n <= 16).then_some((n, first, last))
}

impl Coder {
    pub(super) fn new(split: Split) -> Self {
        let mut coder = Self {
            split,
            outside: UNKNOWN,
            known: HashMap::new(),
            single: [UNKNOWN; 256],
            lately: vec![(NO_TAG, UNKNOWN); SLOTS],
            labels: Vec::new(),
        };
        coder.outside = coder.look_up("O").unwrap_or(UNKNOWN);
        coder
    }

    /// The tag `O`, which every reading has.
    pub(super) fn outside(&self) -> Tag {
        self.outside
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
        if known == key { found } else { UNKNOWN }
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
                let new = Tag { class, label: number };
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
