//! The most probable cut of a text under a unigram model (Kudo, ACL 2018): Viterbi over places in the
//! text, in 32-bit scores and with the first of equals kept, as the reference program has it. A character
//! that no piece covers alone costs 10 more than the least probable piece.

use super::proto::{Piece, Type};
use super::{Cut, broken};
use crate::error::TextError;

const UNKNOWN_PENALTY: f32 = 10.0;

#[derive(Debug)]
pub(super) struct Unigram {
    /// Pieces that text can be cut into, sorted by their bytes.
    sorted: Vec<Entry>,
    unknown_score: f32,
}

#[derive(Debug)]
struct Entry {
    bytes: Box<[u8]>,
    /// `None` for a piece that is kept for its id only.
    score: Option<f32>,
}

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    from: usize,
    known: bool,
}

impl Unigram {
    pub(super) fn new(pieces: &[Piece]) -> Result<Self, TextError> {
        let normal =
            || pieces.iter().filter(|piece| piece.kind == Type::Normal).map(|piece| piece.score);
        let least = normal().reduce(f32::min).ok_or_else(|| broken("it has no ordinary piece"))?;
        let most = normal().fold(least, f32::max);
        let mut sorted: Vec<Entry> = pieces
            .iter()
            .filter_map(|piece| {
                let score = match piece.kind {
                    Type::Normal => Some(piece.score),
                    Type::UserDefined => Some(piece.text.len() as f32 * most - 0.1),
                    Type::Unused => None,
                    Type::Unknown | Type::Control | Type::Byte => return None,
                };
                Some(Entry { bytes: piece.text.as_bytes().into(), score })
            })
            .collect();
        sorted.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        if sorted.windows(2).any(|pair| pair[0].bytes == pair[1].bytes) {
            return Err(broken("it has a piece twice"));
        }
        Ok(Self { sorted, unknown_score: least - UNKNOWN_PENALTY })
    }

    pub(super) fn cut(&self, text: &str) -> Vec<Cut> {
        let mut best: Vec<Option<Best>> = vec![None; text.len() + 1];
        for (start, c) in text.char_indices() {
            let till_here = best[start].map_or(0.0, |best| best.score);
            let mut offer = |length: usize, score: f32, known| {
                let score = till_here + score;
                let slot = &mut best[start + length];
                if slot.is_none_or(|other| score > other.score) {
                    *slot = Some(Best { score, from: start, known });
                }
            };
            let mut alone = false;
            self.beginnings(&text.as_bytes()[start..], |length, score| {
                offer(length, score, true);
                alone |= length == c.len_utf8();
            });
            if !alone {
                offer(c.len_utf8(), self.unknown_score, false);
            }
        }
        let mut cuts = Vec::new();
        let mut end = text.len();
        while end > 0 {
            let Some(Best { from, known, .. }) = best[end] else { break };
            cuts.push(Cut { range: from..end, known });
            end = from;
        }
        cuts.reverse();
        cuts
    }

    /// Every piece that the text begins with, shortest first.
    fn beginnings(&self, text: &[u8], mut found: impl FnMut(usize, f32)) {
        let mut range = &self.sorted[..];
        for (depth, byte) in text.iter().enumerate() {
            let letter = |entry: &Entry| entry.bytes.get(depth).copied();
            let from = range.partition_point(|entry| letter(entry) < Some(*byte));
            let to = from + range[from..].partition_point(|entry| letter(entry) == Some(*byte));
            range = &range[from..to];
            let Some(first) = range.first() else { return };
            if first.bytes.len() == depth + 1
                && let Some(score) = first.score
            {
                found(depth + 1, score);
            }
        }
    }
}
