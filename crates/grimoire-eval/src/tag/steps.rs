//! One pass over the tags of a sentence, the same for every reading: what a tag does to the one before it is a
//! look into a table of both classes and whether their types agree. Knows no scheme and no quirk: [`super::scheme`]
//! and [`super::conlleval`] fill the table.

use super::code::{CLASSES, Coder, OUTSIDE, Place, Tag};

/// The tag begins an entity.
pub(super) const START: u8 = 1;
/// The open entity goes on.
pub(super) const INSIDE: u8 = 2;
/// The open entity ended with the tag before. Where neither this nor [`INSIDE`] holds, it was none.
pub(super) const END: u8 = 4;

/// What every pair of neighbours means, as bits of [`START`], [`INSIDE`] and [`END`].
pub(super) struct Steps {
    table: [u8; 2 * CLASSES * CLASSES],
    /// Whether what is open at the end of a sentence is an entity, whatever the table says.
    closes_at_end: bool,
}

impl Steps {
    /// The table, by the classes of both tags and whether their types agree.
    pub(super) fn new(closes_at_end: bool, meaning: impl Fn(u8, u8, bool) -> u8) -> Self {
        let mut table = [0; 2 * CLASSES * CLASSES];
        for before in 0..CLASSES as u8 {
            for now in 0..CLASSES as u8 {
                for same in [false, true] {
                    table[at(before, now, same)] = meaning(before, now, same);
                }
            }
        }
        Self { table, closes_at_end }
    }

    fn between(&self, before: Tag, now: Tag) -> u8 {
        self.table[at(before.class, now.class, before.label == now.label)]
    }

    /// Finds the entities of a sentence, in order; fails at the place of the first tag that the reading does not
    /// have. A sentence stands between two `O`.
    pub(super) fn walk(
        &self,
        coder: &mut Coder,
        tags: &[&str],
        places: &mut Vec<Place>,
    ) -> Result<(), usize> {
        places.clear();
        let outside = coder.outside();
        let mut open: Option<(u32, u32)> = None;
        let mut last = outside;
        let mut at = 0;
        while at < tags.len() {
            if last == outside {
                // No reading begins or ends anything between two `O`, which are most tags of most corpora.
                at += leading_outside(&tags[at..]);
                if at == tags.len() {
                    break;
                }
            }
            let current = coder.code(tags[at]).ok_or(at)?;
            let step = self.between(last, current);
            if step & INSIDE == 0
                && let Some((start, label)) = open.take()
                && step & END != 0
            {
                places.push((start, at as u32, label));
            }
            if open.is_none() && step & START != 0 {
                open = Some((at as u32, current.label));
            }
            last = current;
            at += 1;
        }
        if let Some((start, label)) = open
            && (self.closes_at_end || self.between(last, outside) & END != 0)
        {
            places.push((start, tags.len() as u32, label));
        }
        Ok(())
    }
}

/// How many of the first tags are `O`; four at a time, so that lengths are compared without a branch for each.
fn leading_outside(tags: &[&str]) -> usize {
    let (fours, rest) = tags.as_chunks::<4>();
    let outside = |tag: &&str| tag.as_bytes().first() == Some(&b'O');
    let whole = |four: &&[&str; 4]| {
        let lengths = four.iter().fold(0, |lengths, tag| lengths | (tag.len() ^ 1));
        lengths == 0 && four.iter().all(outside)
    };
    let n = fours.iter().take_while(whole).count();
    let rest = fours.get(n).map_or(rest, |four| four);
    4 * n + rest.iter().take_while(|tag| **tag == "O").count()
}

fn at(before: u8, now: u8, same: bool) -> usize {
    debug_assert!(OUTSIDE == 0 && usize::from(before.max(now)) < CLASSES, "classes begin at 0");
    (usize::from(before) % CLASSES * CLASSES + usize::from(now) % CLASSES) * 2 + usize::from(same)
}
