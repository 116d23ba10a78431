//! Where the tags other than `O` stand, which few tags of most corpora are: a list of them per side, so that what
//! follows costs nothing for an `O`. Both sides of some sentences are read in one loop, whose branches are foreseeable
//! but for the end of a sentence and a group that is not all `O`. Knows no reading.

/// Where a tag stands: number of its sentence in the upper half, token in the lower, both from 0. The tag after it
/// in its sentence, and no other, has the next number.
pub(super) type Mark = u64;

/// Sentence and token of a mark.
pub(super) fn place(mark: Mark) -> (usize, usize) {
    ((mark >> 32) as usize, mark as u32 as usize)
}

/// The marks of one side; what is past the number that [`list`] returns is of no meaning.
pub(super) type Marks = Vec<Mark>;

/// Tags of a side that are looked at together.
const GROUP: usize = 2;

/// Lists what is not `O` in sentences, and returns how many marks each side has.
pub(super) fn list<'t, S: AsRef<[&'t str]>>(
    sentences: &[(S, S)],
    marks: [&mut Marks; 2],
) -> [usize; 2] {
    let n_tags = sentences.iter().fold([0, 0], |[left, right], (truth, predicted)| {
        [left + truth.as_ref().len(), right + predicted.as_ref().len()]
    });
    let [left, right] = marks;
    for (marks, n) in [(&mut *left, n_tags[0]), (&mut *right, n_tags[1])] {
        if marks.len() < n {
            marks.resize(n, 0);
        }
    }
    let (left, right) = (left.as_mut_slice(), right.as_mut_slice());
    let mut n = [0, 0];
    for (sentence, (truth, predicted)) in sentences.iter().enumerate() {
        let (truth, predicted) = (truth.as_ref(), predicted.as_ref());
        let mut mark = (sentence as Mark) << 32;
        let common = truth.len().min(predicted.len());
        let (first, first_rest) = truth[..common].as_chunks::<GROUP>();
        let (second, second_rest) = predicted[..common].as_chunks::<GROUP>();
        for (truth, predicted) in first.iter().zip(second) {
            if all_outside(truth) && all_outside(predicted) {
                mark += GROUP as Mark;
                continue;
            }
            for (truth, predicted) in truth.iter().zip(predicted) {
                n = [put(left, n[0], mark, truth), put(right, n[1], mark, predicted)];
                mark += 1;
            }
        }
        for (truth, predicted) in first_rest.iter().zip(second_rest) {
            n = [put(left, n[0], mark, truth), put(right, n[1], mark, predicted)];
            mark += 1;
        }
        if truth.len() != predicted.len() {
            for (at, tag) in (mark..).zip(&truth[common..]) {
                n[0] = put(left, n[0], at, tag);
            }
            for (at, tag) in (mark..).zip(&predicted[common..]) {
                n[1] = put(right, n[1], at, tag);
            }
        }
    }
    n
}

#[inline]
fn all_outside(tags: &[&str; GROUP]) -> bool {
    tags.iter().all(|tag| *tag == "O")
}

/// Writes the mark in any case, so that there is no branch, and counts it where the tag is not `O`.
#[inline]
fn put(marks: &mut [Mark], n: usize, mark: Mark, tag: &str) -> usize {
    marks[n] = mark;
    let other = match tag.as_bytes().first() {
        Some(first) => (tag.len() ^ 1) | usize::from(first ^ b'O'),
        None => 1,
    };
    n + usize::from(other != 0)
}
