//! Byte-pair encoding over a SentencePiece vocabulary: characters and user-defined symbols, joined again
//! and again where the joined text is the piece of the highest score, the leftmost of equals first. The
//! same rule as for ids of a GGUF vocabulary, whose literals and unknown runs are another matter.

use super::proto::{Piece, Type};
use super::{Cut, Literals};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

#[derive(Debug)]
pub(super) struct Bpe {
    /// Rank in the order of merging, best first, and whether the piece is kept for its id only.
    pieces: HashMap<String, (u32, bool)>,
    literals: Literals,
}

/// A run of the text that is one symbol so far; empty once joined into its left neighbour.
struct Symbol {
    range: Range<usize>,
    previous: Option<usize>,
    next: Option<usize>,
    /// A user-defined symbol, which is never joined.
    fixed: bool,
}

/// A pair that could be joined: rank, left symbol, right symbol, bytes of both.
type Candidate = Reverse<(u32, usize, usize, usize)>;

/// The symbols of one text and the pairs waiting to be joined.
struct Chain<'t> {
    text: &'t str,
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Candidate>,
    /// Where a piece that is kept for its id only was joined, so that it can be taken apart again.
    joints: HashMap<Range<usize>, usize>,
}

impl Bpe {
    pub(super) fn new(pieces: &[Piece], literals: Literals) -> Self {
        let mut usable: Vec<&Piece> = pieces
            .iter()
            .filter(|piece| matches!(piece.kind, Type::Normal | Type::UserDefined | Type::Unused))
            .collect();
        usable.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut ranks = HashMap::with_capacity(usable.len());
        let mut rank = 0;
        for (at, piece) in usable.iter().enumerate() {
            // Pieces of one score share a rank: the leftmost pair decides between them.
            rank = if at > 0 && usable[at - 1].score == piece.score { rank } else { at as u32 };
            ranks.entry(piece.text.clone()).or_insert((rank, piece.kind == Type::Unused));
        }
        Self { pieces: ranks, literals }
    }

    pub(super) fn cut(&self, text: &str) -> Vec<Cut> {
        let mut chain = Chain {
            text,
            symbols: self.symbols(text),
            queue: BinaryHeap::new(),
            joints: HashMap::new(),
        };
        for right in 1..chain.symbols.len() {
            chain.offer(self, Some(right - 1), Some(right));
        }
        chain.merge(self);
        let mut cuts = Vec::new();
        let mut at = (!chain.symbols.is_empty()).then_some(0);
        while let Some(index) = at {
            chain.take_apart(self, chain.symbols[index].range.clone(), &mut cuts);
            at = chain.symbols[index].next;
        }
        cuts
    }

    fn symbols(&self, text: &str) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        let mut start = 0;
        while let Some(c) = text[start..].chars().next() {
            let literal = self.literals.at(&text[start..]);
            let end = start + literal.unwrap_or(c.len_utf8());
            let index = symbols.len();
            let next = (end < text.len()).then_some(index + 1);
            let previous = index.checked_sub(1);
            symbols.push(Symbol { range: start..end, previous, next, fixed: literal.is_some() });
            start = end;
        }
        symbols
    }
}

impl Chain<'_> {
    fn offer(&mut self, model: &Bpe, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else { return };
        let (first, second) = (&self.symbols[left], &self.symbols[right]);
        if first.fixed || second.fixed {
            return;
        }
        let range = first.range.start..second.range.end;
        let joint = second.range.start;
        let Some((rank, unused)) = model.pieces.get(&self.text[range.clone()]) else { return };
        self.queue.push(Reverse((*rank, left, right, range.len())));
        if *unused {
            self.joints.insert(range, joint);
        }
    }

    fn merge(&mut self, model: &Bpe) {
        while let Some(Reverse((_, left, right, bytes))) = self.queue.pop() {
            let (l, r) = (&self.symbols[left].range, &self.symbols[right].range);
            if l.is_empty() || r.is_empty() || l.len() + r.len() != bytes {
                continue; // one of the two has been joined to another since
            }
            let end = r.end;
            let next = self.symbols[right].next;
            self.symbols[right].range = end..end;
            self.symbols[left].range.end = end;
            self.symbols[left].next = next;
            if let Some(next) = next {
                self.symbols[next].previous = Some(left);
            }
            self.offer(model, self.symbols[left].previous, Some(left));
            self.offer(model, Some(left), next);
        }
    }

    /// One final symbol, taken apart as long as it is a piece that is kept for its id only.
    fn take_apart(&self, model: &Bpe, range: Range<usize>, cuts: &mut Vec<Cut>) {
        let mut waiting = vec![range];
        while let Some(range) = waiting.pop() {
            let piece = model.pieces.get(&self.text[range.clone()]);
            if let (Some((_, true)), Some(joint)) = (piece, self.joints.get(&range)) {
                waiting.push(*joint..range.end);
                waiting.push(range.start..*joint);
            } else {
                let known = piece.is_some_and(|(_, unused)| !unused);
                cuts.push(Cut { range, known });
            }
        }
    }
}
