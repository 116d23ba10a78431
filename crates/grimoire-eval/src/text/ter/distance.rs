//! Edit distance with unit costs: the full table within Tercom's beam, with its choice among equal
//! operations, and the same number and edits by bit-parallel columns (Myers, JACM 1999; Hyyrö 2003) whenever
//! the beam cannot matter. Knows no shifts.

/// Tercom's beam on each side of the diagonal.
const BEAM: usize = 25;
/// More than any distance; stands for a cell outside the beam.
const FAR: u32 = u32::MAX / 2;

/// One edit, as seen from the hypothesis: what turns it into the reference.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Edit {
    /// A cell outside the beam.
    #[default]
    None,
    Keep,
    Substitute,
    /// Drop a word of the hypothesis.
    Delete,
    /// Add a word of the reference.
    Insert,
}

/// Where the columns of a row that the beam lets through begin and end.
#[derive(Clone, Copy)]
pub(super) struct Beam {
    ratio: f64,
    width: usize,
    ours: usize,
    theirs: usize,
}

impl Beam {
    /// The beam for texts of these lengths.
    pub(super) fn new(ours: usize, theirs: usize) -> Self {
        let ratio = if ours == 0 { 1.0 } else { theirs as f64 / ours as f64 };
        let width = if (BEAM as f64) < ratio / 2.0 {
            (ratio / 2.0 + BEAM as f64).ceil() as usize
        } else {
            BEAM
        };
        Self { ratio, width, ours, theirs }
    }

    fn columns(&self, row: usize) -> (usize, usize) {
        let diagonal = (row as f64 * self.ratio).floor() as usize;
        let from = diagonal.saturating_sub(self.width);
        let to = if row == self.ours {
            self.theirs + 1
        } else {
            (diagonal + self.width).min(self.theirs + 1)
        };
        (from, to)
    }

    /// Whether a distance found without the beam is also the one within it: no path of `distance`
    /// edits strays further from the diagonal than half of `distance` and of the lengths' difference.
    pub(super) fn cannot_matter(&self, distance: usize) -> bool {
        self.theirs < BEAM || distance + self.ours.abs_diff(self.theirs) + 4 < 2 * BEAM
    }
}

/// The table of distances between all prefixes, and the last edit of each.
#[derive(Default)]
pub(super) struct Table {
    cells: Vec<(u32, Edit)>,
    width: usize,
}

impl Table {
    /// The distance of the whole texts.
    pub(super) fn distance(&self) -> usize {
        self.cells[self.cells.len() - 1].0 as usize
    }

    /// Fills the table.
    pub(super) fn fill(&mut self, ours: &[u32], theirs: &[u32], beam: Beam) {
        self.width = theirs.len() + 1;
        self.cells.clear();
        self.cells.resize((ours.len() + 1) * self.width, (FAR, Edit::None));
        for (column, cell) in self.cells[..self.width].iter_mut().enumerate() {
            *cell = (column as u32, Edit::Insert);
        }
        for row in 1..=ours.len() {
            self.fill_row(row, ours[row - 1], theirs, beam);
        }
    }

    /// The distance after the words from `row` on were replaced by `changed`: the rows before it stand.
    pub(super) fn refill(
        &mut self,
        row: usize,
        changed: &[u32],
        theirs: &[u32],
        beam: Beam,
    ) -> usize {
        let from = (row + 1) * self.width;
        self.cells[from..].fill((FAR, Edit::None));
        for (at, word) in changed.iter().enumerate() {
            self.fill_row(row + 1 + at, *word, theirs, beam);
        }
        self.distance()
    }

    fn fill_row(&mut self, row: usize, word: u32, theirs: &[u32], beam: Beam) {
        let (from, to) = beam.columns(row);
        let (above, current) = self.cells.split_at_mut(row * self.width);
        let above = &above[(row - 1) * self.width..];
        let current = &mut current[..self.width];
        let mut left = FAR;
        for column in from..to {
            let cell = if column == 0 {
                (above[0].0 + 1, Edit::Delete)
            } else {
                let kept = theirs[column - 1] == word;
                let mut cell = if kept {
                    (above[column - 1].0, Edit::Keep)
                } else {
                    (above[column - 1].0 + 1, Edit::Substitute)
                };
                if above[column].0 + 1 < cell.0 {
                    cell = (above[column].0 + 1, Edit::Delete);
                }
                if left + 1 < cell.0 {
                    cell = (left + 1, Edit::Insert);
                }
                if cell.0 >= FAR { (FAR, Edit::None) } else { cell }
            };
            current[column] = cell;
            left = cell.0;
        }
    }

    /// Becomes a copy of `other`.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.cells.clone_from(&other.cells);
        self.width = other.width;
    }

    /// Takes the first `rows` rows after the initial one from `other`, a table of the same size.
    pub(super) fn copy_rows(&mut self, other: &Self, rows: usize) {
        let end = (rows + 1) * self.width;
        self.cells[..end].copy_from_slice(&other.cells[..end]);
    }

    /// The edits in order.
    pub(super) fn edits(&self, ours: usize, edits: &mut Vec<Edit>) {
        edits.clear();
        let (mut row, mut column) = (ours, self.width - 1);
        while row > 0 || column > 0 {
            let edit = self.cells[row * self.width + column].1;
            edits.push(edit);
            match edit {
                Edit::Keep | Edit::Substitute => (row, column) = (row - 1, column - 1),
                Edit::Insert => column -= 1,
                Edit::Delete => row -= 1,
                // A cell that the beam leaves unreached: nothing more can be told.
                Edit::None => break,
            }
        }
        edits.reverse();
    }
}

/// The state after some words of the hypothesis: vertical differences and the distance at the bottom.
#[derive(Clone, Copy)]
pub(super) struct Column {
    plus: u64,
    minus: u64,
    distance: usize,
}

impl Column {
    /// Before the first word, for a reference of up to 64 words.
    pub(super) fn start(theirs: usize) -> Self {
        Self { plus: u64::MAX, minus: 0, distance: theirs }
    }

    /// After one more word, whose places in the reference are `places`; `bottom` is the last one's bit.
    #[inline]
    pub(super) fn step(self, places: u64, bottom: u64) -> Self {
        let x = places | self.minus;
        let diagonal = ((x & self.plus).wrapping_add(self.plus) ^ self.plus) | x;
        let left_minus = self.plus & diagonal;
        let left_plus = self.minus | !(self.plus | diagonal);
        let distance = self.distance + usize::from(left_plus & bottom != 0)
            - usize::from(left_minus & bottom != 0);
        let left_plus = left_plus << 1 | 1;
        let left_minus = left_minus << 1;
        Self { plus: left_minus | !(diagonal | left_plus), minus: left_plus & diagonal, distance }
    }

    /// The distance so far.
    pub(super) fn distance(self) -> usize {
        self.distance
    }

    /// The distance of the first `place` words of the reference from the first `row` of the hypothesis,
    /// which this is the column of.
    fn at(self, row: usize, place: usize) -> usize {
        let within = if place == 64 { u64::MAX } else { (1 << place) - 1 };
        row + (self.plus & within).count_ones() as usize
            - (self.minus & within).count_ones() as usize
    }
}

/// The edits that [`Table::edits`] reads from a full table, read from the columns after every prefix of the
/// hypothesis instead. Among equals the diagonal comes first, then deletion.
pub(super) fn edits_of(columns: &[Column], ours: &[u32], theirs: &[u32], edits: &mut Vec<Edit>) {
    edits.clear();
    let (mut row, mut place) = (ours.len(), theirs.len());
    while row > 0 && place > 0 {
        let edit = if ours[row - 1] == theirs[place - 1] {
            Edit::Keep
        } else {
            let before = columns[row - 1];
            let here = columns[row].at(row, place);
            if before.at(row - 1, place - 1) + 1 == here {
                Edit::Substitute
            } else if before.at(row - 1, place) + 1 == here {
                Edit::Delete
            } else {
                Edit::Insert
            }
        };
        edits.push(edit);
        row -= usize::from(edit != Edit::Insert);
        place -= usize::from(edit != Edit::Delete);
    }
    edits.extend(std::iter::repeat_n(Edit::Delete, row));
    edits.extend(std::iter::repeat_n(Edit::Insert, place));
    edits.reverse();
}
