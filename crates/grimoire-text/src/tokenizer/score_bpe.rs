//! Byte-pair encoding by score, as SentencePiece runs it: start from characters, and again and
//! again join the neighbouring pair whose joined text is the piece of the highest score, the
//! leftmost of equals first. What no piece covers is spelt in byte tokens `<0xNN>`, or becomes the
//! unknown token, once for each run of it.
//!
//! Source: Kudo and Richardson 2018 (SentencePiece), the BPE model; Sennrich et al. 2016.
//! It does not normalise text beyond writing a space as `▁`, and it does not train.

use super::vocabulary::{Kind, Vocabulary};
use crate::error::TextError;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

/// A SentencePiece-style tokenizer over a [`Vocabulary`].
#[derive(Debug, Clone)]
pub(crate) struct ScoreBpe {
    scores: Vec<f32>,
    bytes: Option<Box<[u32; 256]>>,
    unknown: Option<u32>,
    literals: Literals,
    pub(crate) add_space_prefix: bool,
}

impl ScoreBpe {
    pub(crate) fn new(
        vocabulary: &Vocabulary,
        scores: Vec<f32>,
        unknown: Option<u32>,
        add_space_prefix: bool,
    ) -> Result<Self, TextError> {
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(TextError::Vocabulary {
                field: "tokenizer.ggml.scores",
                expected: "numbers".into(),
                found: format!("NaN at {index}"),
            });
        }
        let mut bytes = [u32::MAX; 256];
        for (id, _, kind) in vocabulary.iter() {
            if let Kind::Byte(byte) = kind {
                bytes[usize::from(byte)] = id;
            }
        }
        let bytes = bytes.iter().all(|id| *id != u32::MAX).then(|| Box::new(bytes));
        if bytes.is_none() && unknown.is_none() {
            return Err(TextError::Vocabulary {
                field: "tokenizer.ggml.tokens",
                expected: "256 byte tokens or an unknown token".into(),
                found: "neither".into(),
            });
        }
        Ok(Self { scores, bytes, unknown, literals: Literals::new(vocabulary), add_space_prefix })
    }

    /// The score of each token.
    pub(crate) fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Whether every byte has a token.
    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    /// The ids of `text`. `continues` says that text went before, so that no space is put
    /// in front.
    pub(crate) fn encode(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        parse_special: bool,
        continues: bool,
    ) -> Vec<u32> {
        let mut out = Vec::new();
        let mut after_mark = !continues;
        for part in self.literals.split(text, parse_special) {
            match part {
                Part::Literal(id) => {
                    out.push(id);
                    // A control token begins a text anew; a user-defined piece stands inside one.
                    after_mark = vocabulary.is_special(id);
                }
                Part::Plain(range) => {
                    let plain = &text[range];
                    let mut escaped = String::with_capacity(plain.len() + 8);
                    if self.add_space_prefix && after_mark {
                        escaped.push('▁');
                    }
                    escaped.extend(plain.chars().map(|c| if c == ' ' { '▁' } else { c }));
                    self.encode_plain(vocabulary, &escaped, &mut out);
                    after_mark = false;
                }
            }
        }
        out
    }

    fn encode_plain(&self, vocabulary: &Vocabulary, text: &str, out: &mut Vec<u32>) {
        let mut chain = Chain::new(self, vocabulary, text);
        chain.merge();
        let mut at = (!chain.symbols.is_empty()).then_some(0);
        let mut last_unknown = false;
        while let Some(index) = at {
            chain.spell(chain.symbols[index].range.clone(), out, &mut last_unknown);
            at = chain.symbols[index].next;
        }
    }
}

/// A run of the text that is one symbol so far; empty once joined into its left neighbour.
struct Symbol {
    range: Range<usize>,
    previous: Option<usize>,
    next: Option<usize>,
}

/// A pair that could be joined.
struct Candidate {
    score: f32,
    left: usize,
    right: usize,
    bytes: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // The highest score first, then the leftmost.
        self.score.total_cmp(&other.score).then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// The symbols of one text and the pairs waiting to be joined.
struct Chain<'a> {
    model: &'a ScoreBpe,
    vocabulary: &'a Vocabulary,
    text: &'a str,
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Candidate>,
    /// Where an unused piece was joined, so that it can be taken apart again.
    joints: HashMap<Range<usize>, usize>,
}

impl<'a> Chain<'a> {
    fn new(model: &'a ScoreBpe, vocabulary: &'a Vocabulary, text: &'a str) -> Self {
        let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
        let count = starts.len();
        let symbols = (0..count)
            .map(|index| Symbol {
                range: starts[index]..starts.get(index + 1).copied().unwrap_or(text.len()),
                previous: index.checked_sub(1),
                next: (index + 1 < count).then_some(index + 1),
            })
            .collect();
        Self { model, vocabulary, text, symbols, queue: BinaryHeap::new(), joints: HashMap::new() }
    }

    fn offer(&mut self, left: Option<usize>, right: Option<usize>) {
        let (Some(left), Some(right)) = (left, right) else { return };
        let range = self.symbols[left].range.start..self.symbols[right].range.end;
        let Some(id) = self.vocabulary.id(&self.text[range.clone()]) else { return };
        match self.vocabulary.kind(id) {
            Some(Kind::Normal | Kind::UserDefined) => {}
            Some(Kind::Unused) => {
                self.joints.insert(range.clone(), self.symbols[right].range.start);
            }
            _ => return,
        }
        let score = self.model.scores[id as usize];
        self.queue.push(Candidate { score, left, right, bytes: range.len() });
    }

    fn merge(&mut self) {
        for right in 1..self.symbols.len() {
            self.offer(Some(right - 1), Some(right));
        }
        while let Some(Candidate { left, right, bytes, .. }) = self.queue.pop() {
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
            self.offer(self.symbols[left].previous, Some(left));
            self.offer(Some(left), next);
        }
    }

    /// The ids of one final symbol.
    fn spell(&self, range: Range<usize>, out: &mut Vec<u32>, last_unknown: &mut bool) {
        let mut waiting = vec![range];
        while let Some(range) = waiting.pop() {
            let piece = &self.text[range.clone()];
            let id = self.vocabulary.id(piece);
            match id.and_then(|id| Some((id, self.vocabulary.kind(id)?))) {
                Some((id, Kind::Normal | Kind::UserDefined)) => {
                    out.push(id);
                    *last_unknown = false;
                    continue;
                }
                Some((_, Kind::Unused)) => {
                    if let Some(joint) = self.joints.get(&range) {
                        waiting.push(*joint..range.end);
                        waiting.push(range.start..*joint);
                        continue;
                    }
                }
                _ => {}
            }
            if let Some(bytes) = &self.model.bytes {
                out.extend(piece.bytes().map(|byte| bytes[usize::from(byte)]));
            } else if !*last_unknown {
                out.extend(self.model.unknown);
                *last_unknown = true;
            }
        }
    }
}

/// A stretch of a text: a token that stands there literally, or plain text.
pub(crate) enum Part {
    /// The id of a token whose text stands there.
    Literal(u32),
    /// Bytes to be encoded.
    Plain(Range<usize>),
}

/// The tokens that are looked for in a text before it is cut into pieces: leftmost first, and
/// the longest of those that start at one place.
#[derive(Debug, Clone)]
pub(crate) struct Literals {
    /// By first byte, the longest first: the text, the id, and whether it is special.
    by_first: HashMap<u8, Vec<(String, u32, bool)>>,
}

impl Literals {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let mut by_first: HashMap<u8, Vec<(String, u32, bool)>> = HashMap::new();
        for (id, text, kind) in vocabulary.iter() {
            let (pattern, special) = match kind {
                Kind::Control | Kind::Unknown => (text.to_string(), true),
                Kind::UserDefined => (text.replace('▁', " "), false),
                _ => continue,
            };
            if let Some(first) = pattern.bytes().next() {
                by_first.entry(first).or_default().push((pattern, id, special));
            }
        }
        for patterns in by_first.values_mut() {
            patterns.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.1.cmp(&b.1)));
        }
        Self { by_first }
    }

    pub(crate) fn split(&self, text: &str, parse_special: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let (mut plain, mut at) = (0, 0);
        while at < text.len() {
            let found = self.by_first.get(&text.as_bytes()[at]).and_then(|patterns| {
                patterns.iter().find(|(pattern, _, special)| {
                    (parse_special || !special)
                        && text.as_bytes()[at..].starts_with(pattern.as_bytes())
                })
            });
            if let Some((pattern, id, _)) = found {
                if plain < at {
                    parts.push(Part::Plain(plain..at));
                }
                parts.push(Part::Literal(*id));
                at += pattern.len();
                plain = at;
            } else {
                at += 1;
            }
        }
        if plain < text.len() {
            parts.push(Part::Plain(plain..text.len()));
        }
        parts
    }
}
