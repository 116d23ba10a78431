//! Tags as numbers: a tag is a class (its prefix, as far as the reading tells prefixes apart) and the
//! number of its type. Each distinct tag is split once; a corpus has few, so what is left for a token is a
//! look into a small table. Finds no entities.

use std::collections::HashMap;

/// A tag's class and the number of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tag {
    pub(super) class: u8,
    pub(super) label: u32,
}

/// The class of no entity, which every reading has.
pub(super) const OUTSIDE: u8 = 0;

/// Most classes of a reading.
pub(super) const CLASSES: usize = 8;

/// An entity: first token, one past the last, number of the type.
pub(super) type Place = (u32, u32, u32);

/// Class and type of a tag; `None` for one that the reading does not have.
pub(super) type Split = Box<dyn Fn(&str) -> Option<(u8, &str)>>;

/// Numbers tags.
pub(super) struct Coder {
    split: Split,
    known: HashMap<String, Tag>,
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

/// The key of a tag of 1 to 16 bytes.
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
                [only] => (u64::from(*only), 0),
            },
        },
    };
    (n <= 16).then_some((n, first, last))
}

impl Coder {
    pub(super) fn new(split: Split) -> Self {
        Self {
            split,
            known: HashMap::new(),
            lately: vec![(NO_TAG, Tag::default()); SLOTS],
            labels: Vec::new(),
        }
    }

    /// The types, by number.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Class and type of a tag.
    pub(super) fn split<'t>(&self, tag: &'t str) -> Option<(u8, &'t str)> {
        (self.split)(tag)
    }

    /// Writes the tags of a sentence; the place of the first one that the reading does not have is an error.
    pub(super) fn code(&mut self, tags: &[&str], coded: &mut Vec<Tag>) -> Result<(), usize> {
        coded.clear();
        for (at, tag) in tags.iter().enumerate() {
            let Some(key) = key(tag.as_bytes()) else {
                coded.push(self.look_up(tag).ok_or(at)?);
                continue;
            };
            let mixed = (key.1 ^ key.2.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let slot = (mixed >> 56) as usize % SLOTS;
            let (known, found) = self.lately[slot];
            if known == key {
                coded.push(found);
            } else {
                let new = self.look_up(tag).ok_or(at)?;
                self.lately[slot] = (key, new);
                coded.push(new);
            }
        }
        Ok(())
    }

    /// The number of a type; one past the last for a type not seen so far.
    pub(super) fn number(&self, label: &str) -> u32 {
        let place = self.labels.iter().position(|other| other == label);
        place.unwrap_or(self.labels.len()) as u32
    }

    fn look_up(&mut self, tag: &str) -> Option<Tag> {
        if let Some(known) = self.known.get(tag) {
            return Some(*known);
        }
        let (class, label) = (self.split)(tag)?;
        let number = self.number(label);
        if number as usize == self.labels.len() {
            self.labels.push(label.to_owned());
        }
        let new = Tag { class, label: number };
        self.known.insert(tag.to_owned(), new);
        Some(new)
    }
}
