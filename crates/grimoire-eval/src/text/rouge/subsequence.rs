//! Longest common subsequences of token numbers: the length alone, by bit-parallel rows (Hyyrö, AWOCA
//! 2004), and the union over candidate sentences that ROUGE-Lsum counts, which needs the same one of
//! several longest subsequences that ROUGE-1.5.5 and rouge_score take. Knows no text.

use super::super::clipped::DEAD;

/// The length of the longest common subsequence. Tokens of `ours` are numbered below `n_words`;
/// `theirs` holds the same numbers, or [`DEAD`].
pub(super) fn length(ours: &[u32], theirs: &[u32], n_words: usize) -> usize {
    if ours.len() <= 64 { short(ours, theirs, n_words) } else { long(ours, theirs, n_words) }
}

/// One machine word holds the row: bit j is clear where the row's value grows at j.
fn short(ours: &[u32], theirs: &[u32], n_words: usize) -> usize {
    let mut places = vec![0u64; n_words];
    for (at, word) in ours.iter().enumerate() {
        places[*word as usize] |= 1 << at;
    }
    let mut row = u64::MAX;
    for word in theirs {
        if *word != DEAD {
            let matched = row & places[*word as usize];
            row = row.wrapping_add(matched) | (row - matched);
        }
    }
    let used = if ours.len() == 64 { u64::MAX } else { (1 << ours.len()) - 1 };
    (!row & used).count_ones() as usize
}

/// The same over several machine words, the carry of the sum going from each to the next.
fn long(ours: &[u32], theirs: &[u32], n_words: usize) -> usize {
    let blocks = ours.len().div_ceil(64);
    let mut places = vec![0u64; n_words * blocks];
    for (at, word) in ours.iter().enumerate() {
        places[*word as usize * blocks + at / 64] |= 1 << (at % 64);
    }
    let mut row = vec![u64::MAX; blocks];
    for word in theirs.iter().filter(|word| **word != DEAD) {
        let places = &places[*word as usize * blocks..][..blocks];
        let mut carry = false;
        for (row, places) in row.iter_mut().zip(places) {
            let matched = *row & places;
            let (sum, first) = row.overflowing_add(matched);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *row = sum | (*row - matched);
        }
    }
    let zeros: usize = row.iter().map(|block| block.count_zeros() as usize).sum();
    // Bits past the end never match, so they stay set.
    zeros
}

/// The hits of ROUGE-Lsum. Each side is its tokens and the end of every sentence.
pub(super) fn union(ours: (&[u32], &[usize]), theirs: (&[u32], &[usize]), n_words: usize) -> usize {
    let mut ours_left = vec![0u32; n_words];
    ours.0.iter().for_each(|word| ours_left[*word as usize] += 1);
    let mut theirs_left = vec![0u32; n_words];
    for word in theirs.0.iter().filter(|word| **word != DEAD) {
        theirs_left[*word as usize] += 1;
    }
    let mut hits = 0;
    let mut table = Vec::new();
    for reference in sentences(theirs) {
        let mut marked = vec![false; reference.len()];
        for candidate in sentences(ours) {
            mark(reference, candidate, &mut table, &mut marked);
        }
        for (word, _) in reference.iter().zip(&marked).filter(|(_, marked)| **marked) {
            let word = *word as usize;
            if ours_left[word] > 0 && theirs_left[word] > 0 {
                hits += 1;
                ours_left[word] -= 1;
                theirs_left[word] -= 1;
            }
        }
    }
    hits
}

fn sentences<'a>((tokens, ends): (&'a [u32], &'a [usize])) -> impl Iterator<Item = &'a [u32]> {
    let mut from = 0;
    ends.iter().map(move |end| {
        let sentence = &tokens[from..*end];
        from = *end;
        sentence
    })
}

/// Marks the places of one longest common subsequence in `reference`: read from the end, a match is
/// taken, else the candidate is stepped back only where that keeps strictly more.
fn mark(reference: &[u32], candidate: &[u32], table: &mut Vec<u32>, marked: &mut [bool]) {
    let width = candidate.len() + 1;
    table.clear();
    table.resize((reference.len() + 1) * width, 0);
    for (i, theirs) in reference.iter().enumerate() {
        for (j, ours) in candidate.iter().enumerate() {
            table[(i + 1) * width + j + 1] = if theirs == ours {
                table[i * width + j] + 1
            } else {
                table[i * width + j + 1].max(table[(i + 1) * width + j])
            };
        }
    }
    let (mut i, mut j) = (reference.len(), candidate.len());
    while i > 0 && j > 0 {
        if reference[i - 1] == candidate[j - 1] {
            marked[i - 1] = true;
            (i, j) = (i - 1, j - 1);
        } else if table[i * width + j - 1] > table[(i - 1) * width + j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook recurrence.
    fn slow(ours: &[u32], theirs: &[u32]) -> usize {
        let mut row = vec![0; ours.len() + 1];
        for word in theirs {
            let mut diagonal = 0;
            for (j, other) in ours.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if word == other { diagonal + 1 } else { above.max(row[j]) };
                diagonal = above;
            }
        }
        row[ours.len()]
    }

    proptest::proptest! {
        #[test]
        fn bit_rows_equal_the_recurrence(
            ours in proptest::collection::vec(0u32..6, 0..150),
            theirs in proptest::collection::vec(0u32..6, 0..150),
        ) {
            let expected = slow(&ours, &theirs);
            proptest::prop_assert_eq!(length(&ours, &theirs, 6), expected);
            proptest::prop_assert_eq!(long(&ours, &theirs, 6), expected);
        }
    }
}
