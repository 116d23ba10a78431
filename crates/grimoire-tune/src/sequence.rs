//! Documents as tokens with a mask, and their packing into micro-batches: documents are laid end to end
//! without padding, and attend within themselves alone.

use grimoire_models::Batch;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Whether each token is trained on (as a target; the first token never is).
    pub scored: Vec<bool>,
}

impl Sequence {
    /// How many of its tokens are targets.
    pub fn n_scored(&self) -> usize {
        self.scored.iter().skip(1).filter(|scored| **scored).count()
    }
}

/// A packed micro-batch: what the model reads, which rows are scored, and what they should predict.
#[derive(Clone, Debug)]
pub struct MicroBatch {
    /// Tokens, positions and documents.
    pub batch: Batch,
    /// Rows whose next token is scored.
    pub rows: Vec<usize>,
    /// The next token of each of those rows.
    pub targets: Vec<u32>,
    /// How many of the rows belong to each document, in order.
    pub by_document: Vec<usize>,
}

/// Packs documents in order into as few micro-batches of at most `tokens` tokens as they fill, and evenly, since
/// the largest one decides the memory; a longer document is alone in its own. The last token of a document
/// predicts nothing and is left out.
pub fn micro_batches(sequences: &[&Sequence], tokens: usize) -> Vec<MicroBatch> {
    let count = packs(sequences, tokens).len();
    // The lowest limit that takes no more of them.
    let (mut low, mut high) = (0, tokens);
    while low < high {
        let middle = low.midpoint(high);
        if packs(sequences, middle).len() <= count {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    packs(sequences, high).iter().map(|pack| micro_batch(pack)).collect()
}

/// Fills one pack after the other up to `tokens` tokens.
fn packs<'a>(sequences: &[&'a Sequence], tokens: usize) -> Vec<Vec<&'a Sequence>> {
    let mut packed: Vec<Vec<&Sequence>> = Vec::new();
    let mut filled = 0;
    for sequence in sequences {
        let length = sequence.ids.len().saturating_sub(1);
        match packed.last_mut() {
            Some(pack) if filled + length <= tokens => pack.push(sequence),
            _ => {
                packed.push(vec![sequence]);
                filled = 0;
            }
        }
        filled += length;
    }
    packed
}

fn micro_batch(sequences: &[&Sequence]) -> MicroBatch {
    let documents: Vec<&[u32]> =
        sequences.iter().map(|s| &s.ids[..s.ids.len().saturating_sub(1)]).collect();
    let (mut rows, mut targets, mut by_document) = (Vec::new(), Vec::new(), Vec::new());
    let mut start = 0;
    for sequence in sequences {
        let before = rows.len();
        for (place, id) in sequence.ids.iter().enumerate().skip(1) {
            if sequence.scored[place] {
                rows.push(start + place - 1);
                targets.push(*id);
            }
        }
        by_document.push(rows.len() - before);
        start += sequence.ids.len().saturating_sub(1);
    }
    MicroBatch { batch: Batch::documents(&documents), rows, targets, by_document }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(ids: &[u32], scored: &[u8]) -> Sequence {
        Sequence { ids: ids.to_vec(), scored: scored.iter().map(|s| *s == 1).collect() }
    }

    #[test]
    fn packs_in_order_and_keeps_documents_apart() {
        let a = sequence(&[1, 2, 3], &[0, 0, 1]);
        let b = sequence(&[4, 5, 6, 7], &[1, 1, 0, 1]);
        let c = sequence(&[8, 9, 10, 11, 12, 13], &[0, 1, 1, 1, 1, 1]);
        let packed = micro_batches(&[&a, &b, &c], 5);
        assert_eq!(packed.len(), 2);
        assert_eq!(packed[0].batch.tokens, [1, 2, 4, 5, 6]);
        assert_eq!(packed[0].batch.positions, [0, 1, 0, 1, 2]);
        assert_eq!((&packed[0].rows[..], &packed[0].targets[..]), (&[1, 2, 4][..], &[3, 5, 7][..]));
        assert_eq!(packed[0].by_document, [1, 2]);
        assert_eq!(packed[1].batch.tokens, [8, 9, 10, 11, 12]);
        assert_eq!(b.n_scored(), 2);
        // Six documents of two tokens: three and three, not five and one.
        let even = micro_batches(&[&a; 6], 10);
        assert_eq!(even.iter().map(|micro| micro.batch.len()).collect::<Vec<_>>(), [6, 6]);
    }
}
