//! Tercom's greedy search for shifts: as long as moving a group of words that also stands in the
//! reference lowers the edit distance, make the move that lowers it most (then the longest group, the
//! earliest, the earliest target) and count one edit. Where sacreBLEU departs from Tercom (it inserts
//! before the target, not after), this follows sacreBLEU.

use super::distance::{self, Beam, Column, Edit, Table};
use crate::text::clipped::DEAD;

const LONGEST_SHIFT: usize = 10;
const FARTHEST_SHIFT: usize = 50;
const MOST_CANDIDATES: usize = 1000;

/// Buffers of the search, reused from segment to segment.
#[derive(Default)]
pub(super) struct Search {
    words: Vec<u32>,
    shifted: Vec<u32>,
    table: Table,
    /// Whether `table` is that of `words`.
    table_stands: bool,
    /// The table when it is refilled for a candidate; `table` itself must stand.
    scratch: Table,
    scratch_stands: bool,
    edits: Vec<Edit>,
    /// For each place in the reference, the place before which a word moved there is inserted, less 1.
    aligned: Vec<isize>,
    our_errors: Vec<bool>,
    their_errors: Vec<bool>,
    /// Where each word of the hypothesis stands in the reference, one bit a place.
    places: Vec<u64>,
    /// The column after each prefix of `words`.
    columns: Vec<Column>,
}

/// A move that may be made, better when greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    gain: isize,
    length: usize,
    minus_from: isize,
    minus_to: isize,
}

impl Search {
    /// The least edits that the search finds from `ours` to `theirs`. Words of `ours` are numbered below
    /// `n_words`; `theirs` holds the same numbers, or [`DEAD`].
    pub(super) fn edits(&mut self, ours: &[u32], theirs: &[u32], n_words: usize) -> u64 {
        if theirs.is_empty() {
            return ours.len() as u64;
        }
        self.words.clear();
        self.words.extend_from_slice(ours);
        self.places.clear();
        if theirs.len() <= 64 {
            self.places.resize(n_words, 0);
            for (place, word) in theirs.iter().enumerate().filter(|(_, word)| **word != DEAD) {
                self.places[*word as usize] |= 1 << place;
            }
        }
        let beam = Beam::new(ours.len(), theirs.len());
        let mut shifts = 0;
        let mut candidates = 0;
        loop {
            let distance = self.measure(theirs, beam);
            if distance == 0 {
                return shifts;
            }
            self.align(theirs.len());
            let best = self.best_move(theirs, beam, distance, &mut candidates);
            match best {
                Some(best) if candidates < MOST_CANDIDATES && best.gain > 0 => {
                    self.shift(&best);
                    std::mem::swap(&mut self.words, &mut self.shifted);
                    shifts += 1;
                }
                _ => return shifts + distance as u64,
            }
        }
    }

    /// The distance of `words`, with their edits: from bit-parallel columns where the beam cannot matter to
    /// any cell beside the best path, else from the table.
    fn measure(&mut self, theirs: &[u32], beam: Beam) -> usize {
        self.table_stands = false;
        self.scratch_stands = false;
        self.walk_columns(theirs.len());
        if let Some(column) = self.columns.last() {
            let distance = column.distance();
            // From a cell beside the path, one step leads back to it: a way over that cell has at most two
            // edits more.
            if distance == 0 || beam.cannot_matter(distance + 2) {
                distance::edits_of(&self.columns, &self.words, theirs, &mut self.edits);
                return distance;
            }
        }
        self.fill_table(theirs, beam);
        self.table.edits(self.words.len(), &mut self.edits);
        self.table.distance()
    }

    fn fill_table(&mut self, theirs: &[u32], beam: Beam) {
        if !self.table_stands {
            self.table.fill(&self.words, theirs, beam);
            self.table_stands = true;
        }
    }

    /// Reads the alignment and the places of errors from the edits.
    fn align(&mut self, theirs: usize) {
        self.aligned.clear();
        self.our_errors.clear();
        self.their_errors.clear();
        let mut ours = -1;
        for edit in &self.edits {
            let error = *edit != Edit::Keep;
            if matches!(edit, Edit::Keep | Edit::Substitute | Edit::Delete) {
                ours += 1;
                self.our_errors.push(error);
            }
            if matches!(edit, Edit::Keep | Edit::Substitute | Edit::Insert) {
                self.aligned.push(ours);
                self.their_errors.push(error);
            }
        }
        debug_assert!(self.aligned.len() <= theirs);
    }

    fn walk_columns(&mut self, theirs: usize) {
        self.columns.clear();
        if theirs > 64 {
            return;
        }
        let bottom = 1 << (theirs - 1);
        let mut column = Column::start(theirs);
        self.columns.push(column);
        for word in &self.words {
            column = column.step(self.places[*word as usize], bottom);
            self.columns.push(column);
        }
    }

    fn best_move(
        &mut self,
        theirs: &[u32],
        beam: Beam,
        distance: usize,
        candidates: &mut usize,
    ) -> Option<Move> {
        let mut best: Option<Move> = None;
        for from in 0..self.words.len() {
            let first = from.saturating_sub(FARTHEST_SHIFT);
            let last = (from + FARTHEST_SHIFT + 1).min(theirs.len());
            for place in first..last {
                if self.words[from] != theirs[place] {
                    continue;
                }
                let most = (self.words.len() - from).min(theirs.len() - place).min(LONGEST_SHIFT);
                for length in 1..=most {
                    if self.words[from + length - 1] != theirs[place + length - 1] {
                        break;
                    }
                    self.try_targets((from, place, length), theirs, beam, distance, |found| {
                        *candidates += 1;
                        best = best.max(Some(found));
                    });
                    if *candidates >= MOST_CANDIDATES {
                        return best;
                    }
                }
            }
        }
        best
    }

    /// Looks at every target for the group of `length` words at `from` that also stands at `place`.
    fn try_targets(
        &mut self,
        (from, place, length): (usize, usize, usize),
        theirs: &[u32],
        beam: Beam,
        distance: usize,
        mut found: impl FnMut(Move),
    ) {
        let wrong =
            |errors: &[bool], at: usize| errors.iter().skip(at).take(length).any(|error| *error);
        if !wrong(&self.our_errors, from) || !wrong(&self.their_errors, place) {
            return;
        }
        let Some(aligned) = self.aligned.get(place) else { return };
        if (from as isize..(from + length) as isize).contains(aligned) {
            return;
        }
        let mut last = None;
        for target in place..=place + length {
            let to = match target.checked_sub(1) {
                None => 0,
                Some(before) => match self.aligned.get(before) {
                    Some(aligned) => (aligned + 1) as usize,
                    None => break,
                },
            };
            if last == Some(to) {
                continue;
            }
            last = Some(to);
            let mut shift =
                Move { gain: 0, length, minus_from: -(from as isize), minus_to: -(to as isize) };
            self.shift(&shift);
            let after = self.distance_from(from.min(to), theirs, beam);
            shift.gain = distance as isize - after as isize;
            found(shift);
        }
    }

    /// Writes the words after the move to `shifted`.
    fn shift(&mut self, shift: &Move) {
        let Self { words, shifted, .. } = self;
        let n = words.len();
        let (from, to) = ((-shift.minus_from) as usize, (-shift.minus_to) as usize);
        let end = from + shift.length;
        let group = &words[from..end];
        shifted.clear();
        if to < from {
            shifted.extend_from_slice(&words[..to]);
            shifted.extend_from_slice(group);
            shifted.extend_from_slice(&words[to..from]);
            shifted.extend_from_slice(&words[end..]);
        } else {
            // Past its own end a group goes to the target; within itself, as far beyond its end.
            let stop = if to > end { to } else { (shift.length + to).min(n) };
            shifted.extend_from_slice(&words[..from]);
            shifted.extend_from_slice(&words[end..stop.max(end)]);
            shifted.extend_from_slice(group);
            shifted.extend_from_slice(&words[stop.max(end)..]);
        }
    }

    /// The distance of `shifted`, whose words before `row` are those of `words`.
    fn distance_from(&mut self, row: usize, theirs: &[u32], beam: Beam) -> usize {
        let Self { shifted, columns, places, .. } = &*self;
        if !columns.is_empty() {
            let bottom = 1 << (theirs.len() - 1);
            let column = shifted[row..]
                .iter()
                .fold(columns[row], |column, word| column.step(places[*word as usize], bottom));
            if beam.cannot_matter(column.distance()) {
                return column.distance();
            }
        }
        // Rows before the change are those of the unshifted words; a candidate overwrites the others.
        self.fill_table(theirs, beam);
        if !self.scratch_stands {
            self.scratch.copy_from(&self.table);
            self.scratch_stands = true;
        } else {
            self.scratch.copy_rows(&self.table, row);
        }
        self.scratch.refill(row, &self.shifted[row..], theirs, beam)
    }
}
