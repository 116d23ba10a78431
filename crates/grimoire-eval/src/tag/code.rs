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
    lately: Vec<Option<(String, Tag)>>,
    labels: Vec<String>,
}

/// Tags seen lately, each at the place its bytes point to; a power of two.
const SLOTS: usize = 256;

impl Coder {
    pub(super) fn new(split: Split) -> Self {
        Self { split, known: HashMap::new(), lately: vec![None; SLOTS], labels: Vec::new() }
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
            let slot = match tag.as_bytes() {
                [] => 0,
                [only] => usize::from(*only),
                bytes @ [first, .., last] => {
                    let middle = bytes[bytes.len() / 2];
                    usize::from(*first) ^ usize::from(*last) << 2 ^ usize::from(middle) << 4
                }
            } % SLOTS;
            match &self.lately[slot] {
                Some((text, known)) if text == tag => coded.push(*known),
                _ => {
                    let new = self.look_up(tag).ok_or(at)?;
                    self.lately[slot] = Some(((*tag).to_owned(), new));
                    coded.push(new);
                }
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
