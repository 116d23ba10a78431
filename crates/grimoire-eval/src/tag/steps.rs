//! One pass over the tags other than `O` of some sentences, the same for every reading: what a tag does to the one
//! before it is a look into a table of both classes and whether their types agree; `O` between two tags costs nothing.
//! Knows no scheme and no quirk: [`super::scheme`] and [`super::conlleval`] fill the table.

use super::code::{CLASSES, OUTSIDE, Tag};
use super::marks::{self, Mark};
use std::hint::select_unpredictable;

/// An entity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    /// Where its first tag stands.
    pub(super) start: Mark,
    /// One past its last token.
    pub(super) end: u32,
    /// The number of its type, which is that of its first tag.
    pub(super) label: u32,
}

/// The tag begins an entity.
pub(super) const START: u8 = 1;
/// The open entity goes on.
pub(super) const INSIDE: u8 = 2;
/// The open entity ended with the tag before, unless it goes on. Where neither holds, it was none.
pub(super) const END: u8 = 4;

/// What every pair of neighbours means, as bits of [`START`], [`INSIDE`] and [`END`].
pub(super) struct Steps {
    table: [u8; 2 * CLASSES * CLASSES],
}

impl Steps {
    /// The table, by the classes of both tags and whether their types agree. Between two `O` nothing may begin or end.
    pub(super) fn new(meaning: impl Fn(u8, u8, bool) -> u8) -> Self {
        let mut table = [0; 2 * CLASSES * CLASSES];
        for before in 0..CLASSES as u8 {
            for now in 0..CLASSES as u8 {
                for same in [false, true] {
                    let bits = meaning(before, now, same);
                    let ends = if bits & INSIDE == 0 { END } else { 0 };
                    table[at(before, now, same)] = bits & (START | INSIDE | ends);
                }
            }
        }
        Self { table }
    }

    /// The bits of a tag that an `O` follows, and of one that follows an `O`.
    pub(super) fn beside_outside(&self, tag: Tag, outside: Tag) -> (u8, u8) {
        (self.between(tag, outside), self.between(outside, tag))
    }

    #[inline]
    fn between(&self, before: Tag, now: Tag) -> u8 {
        self.of(before.class(), now.class(), before.label() == now.label())
    }

    /// The bits of two neighbours by their classes and whether their types agree.
    #[inline]
    pub(super) fn of(&self, before: u8, now: u8, same: bool) -> u8 {
        self.table[at(before, now, same)]
    }

    /// Finds the entities of a side of some sentences, in order, and returns how many. `marks` are those of the tags
    /// other than `O`, `tags` these tags. A sentence, whose length `n_tags` tells, stands between two `O`, and what
    /// these leave open ends with it.
    pub(super) fn walk(
        &self,
        outside: Tag,
        marks: &[Mark],
        tags: &[Tag],
        n_tags: impl Fn(usize) -> usize,
        places: &mut Vec<Place>,
    ) -> usize {
        if places.len() <= marks.len() {
            places.resize(marks.len() + 1, Place::default());
        }
        let places = places.as_mut_slice();
        // `open` is `INSIDE` where an entity is open and 0 where none is; bits, since a compiler branches on booleans.
        let (mut n, mut open) = (0, 0);
        let (mut start, mut label) = (0, 0);
        let (mut previous, mut last) = (Mark::MAX, outside);
        for (mark, current) in marks.iter().zip(tags) {
            let (mark, current) = (*mark, *current);
            // Where `O` stands between, it is what the tag before leaves and what this one enters from.
            let gap = mark != previous.wrapping_add(1);
            let step = self.between(last, current);
            let leave = select_unpredictable(gap, last.leaves(), step);
            let enter = select_unpredictable(gap, current.enters(), step);
            // Written in any case, so that there is no branch; counted where it is an entity.
            places[n] = Place { start, end: (previous as u32).wrapping_add(1), label };
            if open & leave & (u8::from(gap) * INSIDE) != 0 {
                let (end, on) = past_outside(previous, mark, enter, &n_tags);
                places[n].end = end.unwrap_or_default();
                n += usize::from(end.is_some());
                open = u8::from(on) * INSIDE;
            } else {
                n += usize::from(open & (leave / END * INSIDE)) / usize::from(INSIDE);
                open &= leave;
            }
            let starts = enter & START & !(open / INSIDE);
            start = select_unpredictable(starts != 0, mark, start);
            label = select_unpredictable(starts != 0, current.label(), label);
            open |= starts * INSIDE;
            (previous, last) = (mark, current);
        }
        let leave = last.leaves();
        if open != 0 && leave & (INSIDE | END) != 0 {
            let (sentence, token) = marks::place(previous);
            let end = if leave & INSIDE == 0 { token + 1 } else { n_tags(sentence) };
            places[n] = Place { start, end: end as u32, label };
            n += 1;
        }
        n
    }
}

/// Where an entity ends that the `O` after its last mark did not end, and whether it goes on; `step` is that from `O`
/// to the tag of the next mark, which may end it; the end of its sentence does.
#[cold]
fn past_outside(
    previous: Mark,
    next: Mark,
    step: u8,
    n_tags: impl Fn(usize) -> usize,
) -> (Option<u32>, bool) {
    let ((before, _), (sentence, token)) = (marks::place(previous), marks::place(next));
    if before != sentence {
        (Some(n_tags(before) as u32), false)
    } else if step & INSIDE != 0 {
        (None, true)
    } else {
        ((step & END != 0).then_some(token as u32), false)
    }
}

fn at(before: u8, now: u8, same: bool) -> usize {
    debug_assert!(OUTSIDE == 0 && usize::from(before.max(now)) < CLASSES, "classes begin at 0");
    (usize::from(before) % CLASSES * CLASSES + usize::from(now) % CLASSES) * 2 + usize::from(same)
}
