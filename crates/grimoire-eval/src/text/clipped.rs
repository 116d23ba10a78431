//! Clipped n-gram matches of one segment against its references: for each order n, the sum over the
//! hypothesis' n-grams of min(count in hypothesis, largest count in any reference).
//!
//! The idea: an n-gram can match only if its first n−1 tokens match. So n-grams get dense numbers order
//! by order, each from the pair (number of its first n−1 tokens, last token), and positions that no
//! longer match anything drop out. Identity is exact: words of up to 15 bytes are their own key, longer
//! ones are compared byte by byte. Nothing here is kept between segments but the buffers.

use std::collections::HashMap;
use std::ops::Range;

/// A position whose n-gram occurs on one side only.
pub(super) const DEAD: u32 = u32::MAX;

/// Buffers for counting, reused from segment to segment.
#[derive(Default)]
pub(super) struct Matcher {
    words: Words,
    pairs: Pairs,
    hypothesis: Vec<u32>,
    /// Every reference is followed by a [`DEAD`], so that no n-gram runs on into the next one.
    references: Vec<u32>,
    /// Where the last reference begins.
    last_reference: usize,
    n_references: u32,
    /// The places of both sides whose n-gram can still grow into one that both sides have.
    ours: Vec<Place>,
    theirs: Vec<Place>,
    counts: Vec<Counts>,
    next_counts: Vec<Counts>,
}

/// Where an n-gram begins, in which reference (counted from 1; 0 in the hypothesis), and its number.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    reference: u32,
    gram: u32,
}

/// How often one n-gram occurs: in the hypothesis, so far in `reference`, and at most in any one.
#[derive(Clone, Copy, Default)]
struct Counts {
    hypothesis: u32,
    reference: u32,
    seen: u32,
    most: u32,
}

impl Matcher {
    /// Begins a segment with the words of its hypothesis.
    pub(super) fn hypothesis(&mut self, text: &str, words: &[Range<usize>]) {
        self.words.clear(words.len());
        self.hypothesis.clear();
        self.references.clear();
        self.theirs.clear();
        self.last_reference = 0;
        self.n_references = 0;
        let table = &mut self.words;
        self.hypothesis.extend(words.iter().map(|span| table.number(text, span)));
    }

    /// Adds the words of one reference.
    pub(super) fn reference(&mut self, text: &str, words: &[Range<usize>]) {
        self.n_references += 1;
        self.last_reference = self.references.len();
        for span in words {
            let gram = self.words.find(text, span);
            if gram != DEAD {
                let at = self.references.len() as u32;
                self.theirs.push(Place { at, reference: self.n_references, gram });
            }
            self.references.push(gram);
        }
        self.references.push(DEAD);
    }

    /// The distinct words of the hypothesis are numbered from 0 to this.
    pub(super) fn n_words(&self) -> usize {
        self.words.len()
    }

    /// The numbers of the hypothesis' words and of the last reference's: [`DEAD`] for a word that is not in
    /// the hypothesis.
    pub(super) fn numbers(&self) -> (&[u32], &[u32]) {
        let end = self.references.len().saturating_sub(1);
        (&self.hypothesis, &self.references[self.last_reference.min(end)..end])
    }

    /// Writes the clipped matches of order `1..=matches.len()`. To be called once a segment.
    pub(super) fn matches(&mut self, matches: &mut [u32]) {
        matches.fill(0);
        self.counts.clear();
        self.counts.resize(self.words.len(), Counts::default());
        self.ours.clear();
        for (at, gram) in self.hypothesis.iter().enumerate() {
            self.counts[*gram as usize].hypothesis += 1;
            self.ours.push(Place { at: at as u32, reference: 0, gram: *gram });
        }
        for (index, matched) in matches.iter_mut().enumerate() {
            if index > 0 {
                self.extend(index);
            }
            *matched = self.clip();
            if *matched == 0 {
                break;
            }
        }
    }

    /// Goes from n-grams of order `last` to those of order `last + 1`.
    fn extend(&mut self, last: usize) {
        let Self { pairs, hypothesis, references, ours, theirs, counts, next_counts, .. } = self;
        pairs.clear(ours.len());
        next_counts.clear();
        ours.retain_mut(|place| {
            let Some(next) = hypothesis.get(place.at as usize + last) else { return false };
            if counts[place.gram as usize].most == 0 {
                return false;
            }
            place.gram = pairs.number(place.gram, *next);
            if place.gram as usize == next_counts.len() {
                next_counts.push(Counts::default());
            }
            next_counts[place.gram as usize].hypothesis += 1;
            true
        });
        theirs.retain_mut(|place| {
            let next = references[place.at as usize + last];
            if next != DEAD {
                place.gram = pairs.find(place.gram, next);
            }
            next != DEAD && place.gram != DEAD
        });
        std::mem::swap(counts, next_counts);
    }

    /// The clipped matches of the order at hand.
    fn clip(&mut self) -> u32 {
        let mut matched = 0;
        for place in &self.theirs {
            let count = &mut self.counts[place.gram as usize];
            if count.reference != place.reference {
                (count.reference, count.seen) = (place.reference, 0);
            }
            count.seen += 1;
            if count.seen > count.most {
                count.most = count.seen;
                matched += u32::from(count.most <= count.hypothesis);
            }
        }
        matched
    }
}

/// Numbers words; a table with open addressing whose slots carry the segment they belong to.
#[derive(Default)]
pub(super) struct Words {
    slots: Vec<WordSlot>,
    stamp: u32,
    len: usize,
    long: HashMap<Box<[u8]>, u32>,
}

#[derive(Clone, Copy, Default)]
struct WordSlot {
    key: u128,
    stamp: u32,
    number: u32,
}

/// Words up to this many bytes are their own key; the last byte of the key holds the length.
const SHORT: usize = 15;

impl Words {
    /// Begins anew, with room for that many words.
    pub(super) fn clear(&mut self, n_words: usize) {
        resize(&mut self.slots, n_words, &mut self.stamp);
        self.stamp += 1;
        self.len = 0;
        self.long.clear();
    }

    /// How many words were numbered.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of a word, a new one when it was not seen before.
    pub(super) fn number(&mut self, text: &str, span: &Range<usize>) -> u32 {
        let key = match short_key(text.as_bytes(), span) {
            Some(key) => key,
            None => {
                let next = self.long.len() as u32;
                let word = &text.as_bytes()[span.clone()];
                let long = match self.long.get(word) {
                    Some(number) => *number,
                    None => *self.long.entry(word.into()).or_insert(next),
                };
                long_key(long)
            }
        };
        let mask = self.slots.len() - 1;
        let mut at = hash(key) & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.stamp != self.stamp {
                *slot = WordSlot { key, stamp: self.stamp, number: self.len as u32 };
                self.len += 1;
                return slot.number;
            }
            if slot.key == key {
                return slot.number;
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of a word, or [`DEAD`] when it was not seen before.
    pub(super) fn find(&self, text: &str, span: &Range<usize>) -> u32 {
        let key = match short_key(text.as_bytes(), span) {
            Some(key) => key,
            None => match self.long.get(&text.as_bytes()[span.clone()]) {
                Some(long) => long_key(*long),
                None => return DEAD,
            },
        };
        let mask = self.slots.len() - 1;
        let mut at = hash(key) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.stamp != self.stamp {
                return DEAD;
            }
            if slot.key == key {
                return slot.number;
            }
            at = (at + 1) & mask;
        }
    }
}

/// The key of a short word: its bytes and its length. `None` for a longer one.
pub(super) fn short_key(bytes: &[u8], span: &Range<usize>) -> Option<u128> {
    let length = span.len();
    if length > SHORT {
        return None;
    }
    let word = if let Some(window) = bytes.get(span.start..span.start + 16) {
        let mut array = [0; 16];
        array.copy_from_slice(window);
        u128::from_le_bytes(array) & ((1 << (8 * length)) - 1)
    } else {
        let mut array = [0; 16];
        array[..length].copy_from_slice(&bytes[span.clone()]);
        u128::from_le_bytes(array)
    };
    Some(word | (length as u128) << 120)
}

/// No short word has this length byte.
fn long_key(number: u32) -> u128 {
    u128::from(number) | 0xff << 120
}

pub(super) fn hash(key: u128) -> usize {
    let low = (key as u64) ^ 0x9e37_79b9_7f4a_7c15;
    let high = ((key >> 64) as u64) ^ 0xd1b5_4a32_d192_ed03;
    mix(low, high)
}

/// Folds the 128-bit product of two words: every bit of both reaches the low bits.
fn mix(low: u64, high: u64) -> usize {
    let product = u128::from(low | 1) * u128::from(high | 1);
    ((product as u64) ^ ((product >> 64) as u64)) as usize
}

/// Numbers pairs (number of the first n−1 tokens, last token).
#[derive(Default)]
struct Pairs {
    slots: Vec<PairSlot>,
    stamp: u32,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct PairSlot {
    key: (u32, u32),
    stamp: u32,
    number: u32,
}

impl Pairs {
    fn clear(&mut self, n_pairs: usize) {
        resize(&mut self.slots, n_pairs, &mut self.stamp);
        self.stamp += 1;
        self.len = 0;
    }

    fn number(&mut self, first: u32, last: u32) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = pair_hash(first, last) & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.stamp != self.stamp {
                *slot = PairSlot { key: (first, last), stamp: self.stamp, number: self.len as u32 };
                self.len += 1;
                return slot.number;
            }
            if slot.key == (first, last) {
                return slot.number;
            }
            at = (at + 1) & mask;
        }
    }

    fn find(&self, first: u32, last: u32) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = pair_hash(first, last) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.stamp != self.stamp {
                return DEAD;
            }
            if slot.key == (first, last) {
                return slot.number;
            }
            at = (at + 1) & mask;
        }
    }
}

fn pair_hash(first: u32, last: u32) -> usize {
    let key = u64::from(first) << 32 | u64::from(last);
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

/// Makes room for `needed` entries at no more than half load. When the table grows, or its stamps run
/// out, every slot is emptied.
fn resize<S: Clone + Default>(slots: &mut Vec<S>, needed: usize, stamp: &mut u32) {
    let size = (2 * needed).next_power_of_two().max(64);
    if slots.len() < size || *stamp == u32::MAX {
        slots.clear();
        slots.resize(size, S::default());
        *stamp = 0;
    }
}
