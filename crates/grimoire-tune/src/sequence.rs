//! Documents as tokens with a mask, and their packing into micro-batches: documents are laid end to end
//! without padding, and attend within themselves alone. What all of them begin with and none is scored on, such as the
//! system prompt of a chat template, is read once for each micro-batch.

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

    /// Its tokens before the one that predicts the first target, and before the last that is read.
    fn unscored(&self) -> usize {
        let targets = self.scored.iter().skip(1);
        targets.take_while(|scored| !**scored).count().min(self.ids.len().saturating_sub(2))
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

/// The least number of tokens that are worth sharing: keys and values are copied for it.
const WORTH_SHARING: usize = 8;

/// Packs documents in order into as few micro-batches of at most `tokens` tokens as they fill, and evenly, since
/// the largest one decides the memory; a longer document is alone in its own. The last token of a document
/// predicts nothing and is left out.
pub fn micro_batches(sequences: &[&Sequence], tokens: usize) -> Vec<MicroBatch> {
    let shared = shared(sequences);
    let packs = |tokens| packs(sequences, shared, tokens);
    let count = packs(tokens).len();
    // The lowest limit that takes no more of them.
    let (mut low, mut high) = (0, tokens);
    while low < high {
        let middle = low.midpoint(high);
        if packs(middle).len() <= count {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    packs(high).iter().map(|pack| micro_batch(pack, shared)).collect()
}

/// How many tokens all documents begin with before the first that predicts one of theirs, and before the last; 0 where
/// it is not worth sharing.
fn shared(sequences: &[&Sequence]) -> usize {
    let [first, others @ ..] = sequences else { return 0 };
    let mut shared = first.unscored();
    for other in others {
        let same = first.ids.iter().zip(&other.ids).take_while(|(one, other)| one == other).count();
        shared = shared.min(same).min(other.unscored());
    }
    if others.is_empty() || shared < WORTH_SHARING { 0 } else { shared }
}

/// Fills one pack after the other up to `tokens` tokens, those that all documents share counted once in each.
fn packs<'a>(sequences: &[&'a Sequence], shared: usize, tokens: usize) -> Vec<Vec<&'a Sequence>> {
    let mut packed: Vec<Vec<&Sequence>> = Vec::new();
    let mut filled = 0;
    for sequence in sequences {
        let length = sequence.ids.len().saturating_sub(1 + shared);
        match packed.last_mut() {
            Some(pack) if filled + length <= tokens => pack.push(sequence),
            _ => {
                packed.push(vec![sequence]);
                filled = shared;
            }
        }
        filled += length;
    }
    packed
}

fn micro_batch(sequences: &[&Sequence], shared: usize) -> MicroBatch {
    let shared = if sequences.len() > 1 { shared } else { 0 };
    let documents: Vec<&[u32]> = sequences
        .iter()
        .map(|s| &s.ids[shared..s.ids.len().saturating_sub(1).max(shared)])
        .collect();
    let (mut rows, mut targets, mut by_document) = (Vec::new(), Vec::new(), Vec::new());
    let mut start = shared;
    for (sequence, document) in sequences.iter().zip(&documents) {
        let before = rows.len();
        for (place, id) in sequence.ids.iter().enumerate().skip(shared + 1) {
            if sequence.scored[place] {
                rows.push(start + place - 1 - shared);
                targets.push(*id);
            }
        }
        by_document.push(rows.len() - before);
        start += document.len();
    }
    let batch = match sequences {
        [first, ..] if shared > 0 => Batch::after(&first.ids[..shared], &documents),
        _ => Batch::documents(&documents),
    };
    MicroBatch { batch, rows, targets, by_document }
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

    #[test]
    fn a_beginning_that_all_share_unscored_is_read_once() {
        let document = |rest: &[u32], scored: usize| {
            let ids: Vec<u32> = (10..20).chain(rest.iter().copied()).collect();
            let scored = (0..ids.len()).map(|place| place >= ids.len() - scored).collect();
            Sequence { ids, scored }
        };
        let (a, b) = (document(&[1, 2, 3], 2), document(&[1, 5], 1));
        // Eleven are the same and ten of `b` predict nothing that is scored.
        let packed = micro_batches(&[&a, &b], 100);
        assert_eq!(packed.len(), 1);
        let MicroBatch { batch, rows, targets, by_document } = &packed[0];
        assert_eq!(batch.tokens, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1, 2, 1]);
        assert_eq!(batch.positions, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 10]);
        assert_eq!(
            (&rows[..], &targets[..], &by_document[..]),
            (&[10, 11, 12][..], &[2, 3, 5][..], &[2, 1][..])
        );
        let keys = batch.keys.as_ref().unwrap();
        assert_eq!(
            keys[10..],
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]
        );
        // Alone in its micro-batch, each is read as it is.
        let apart = micro_batches(&[&a, &b], 12);
        assert_eq!(apart.iter().map(|micro| micro.batch.len()).collect::<Vec<_>>(), [12, 11]);
        assert!(apart.iter().all(|micro| micro.batch.keys.is_none()));
        // Scored from the start, nothing is shared.
        let whole = document(&[1, 2], 12);
        assert_eq!(micro_batches(&[&a, &whole], 100)[0].batch.len(), 23);
    }
}
