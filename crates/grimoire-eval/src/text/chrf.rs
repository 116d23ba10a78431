//! chrF and chrF++: the F-score of character n-grams, and of word n-grams too (Popović, WMT 2015 and
//! 2017), with the averaging, smoothing and signature of sacreBLEU 2.6.
//!
//! Per order, precision m/h and recall m/r from matches m among h and r n-grams; both are averaged over
//! the orders that both sides have, then `F_β = (1 + β²) P R / (β² P + R)`.
//!
//! Matches of all character orders come from one sort: the longest n-gram at every place of both texts
//! is one integer, and in sorted order equal prefixes of any length stand together. Codes of characters
//! are exact (8 bits each when a pair of texts has few enough characters, else 21). Orders above 6 are
//! counted one after another instead, as words are.

use super::clipped::Matcher;
use super::whitespace;
use crate::EvalError;
use crate::statistics::Score;
use rayon::prelude::*;
use serde::Serialize;
use std::ops::Range;

/// The longest n-gram of characters and of words.
pub const MAX_ORDER: usize = 1_000;
/// The longest character n-gram that fits into one key, and the default.
const IN_A_KEY: usize = 6;
/// Segments per piece of parallel work.
const CHUNK: usize = 128;

/// The settings of chrF; together they are the signature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChrfOptions {
    /// Longest character n-gram, up to [`MAX_ORDER`].
    pub characters: usize,
    /// Longest word n-gram: 0 for chrF, 2 for chrF++, up to [`MAX_ORDER`].
    pub words: usize,
    /// How many times recall counts as much as precision.
    pub beta: u32,
    /// Whether case is ignored.
    pub lowercase: bool,
    /// Whether white space counts as characters.
    pub whitespace: bool,
    /// Whether every order counts, a tiny number standing in for what is missing (as chrF++.py, NLTK
    /// and Moses do).
    pub eps_smoothing: bool,
}

impl Default for ChrfOptions {
    fn default() -> Self {
        Self {
            characters: IN_A_KEY,
            words: 0,
            beta: 2,
            lowercase: false,
            whitespace: false,
            eps_smoothing: false,
        }
    }
}

impl ChrfOptions {
    /// chrF++: word n-grams up to 2.
    pub fn plus_plus() -> Self {
        Self { words: 2, ..Self::default() }
    }

    /// The name of the score, such as `chrF2` or `chrF2++`.
    pub fn name(&self) -> String {
        format!("chrF{}{}", self.beta, "+".repeat(self.words))
    }

    /// # Errors
    /// An order outside its range.
    pub fn check(&self) -> Result<(), EvalError> {
        let outside = |setting, found: usize, expected| {
            Err(EvalError::Setting { metric: "chrf", setting, found: found.to_string(), expected })
        };
        if self.characters == 0 && self.words == 0 {
            return outside("character order", 0, "1 to 1000 where no words count");
        }
        if self.characters > MAX_ORDER {
            return outside("character order", self.characters, "0 to 1000");
        }
        if self.words > MAX_ORDER {
            return outside("word order", self.words, "0 to 1000");
        }
        Ok(())
    }

    /// How many orders there are.
    fn orders(&self) -> usize {
        self.characters + self.words
    }
}

/// N-grams of one order: in the hypothesis, in the reference, in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OrderCounts {
    /// In the hypothesis (0 when the reference has none of this order).
    pub hypothesis: u64,
    /// In the reference.
    pub reference: u64,
    /// Clipped matches.
    pub matches: u64,
}

impl OrderCounts {
    fn numbers(&self) -> [f64; 3] {
        [self.hypothesis, self.reference, self.matches].map(|count| count as f64)
    }
}

/// The sufficient statistics of one segment, or their sum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChrfCounts {
    /// One entry for each order: of characters, then of words. None at all before the first segment.
    pub orders: Vec<OrderCounts>,
}

impl ChrfCounts {
    /// Adds another segment's counts.
    pub fn add(&mut self, other: &Self) {
        let n_orders = self.orders.len().max(other.orders.len());
        self.orders.resize(n_orders, OrderCounts::default());
        for (sum, part) in self.orders.iter_mut().zip(&other.orders) {
            sum.hypothesis += part.hypothesis;
            sum.reference += part.reference;
            sum.matches += part.matches;
        }
    }
}

impl ChrfCounts {
    /// As a row of sufficient statistics: hypothesis, reference and matches by order.
    pub fn row(&self) -> impl Iterator<Item = f64> {
        self.orders.iter().flat_map(OrderCounts::numbers)
    }
}

/// A chrF score.
#[derive(Debug, Clone, PartialEq)]
pub struct ChrfScore {
    /// 0 to 100.
    pub score: f64,
    /// Such as `chrF2++`.
    pub name: String,
    /// The settings, in sacreBLEU's format.
    pub signature: String,
    /// The summed counts.
    pub counts: ChrfCounts,
}

/// chrF of a corpus: `references[i]` are the references of `hypotheses[i]`, at least one each.
///
/// # Errors
/// No segments, lists of different length, a segment without a reference, an order outside its range.
pub fn corpus(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &ChrfOptions,
) -> Result<ChrfScore, EvalError> {
    let counts = segments(hypotheses, references, options)?;
    let mut sum = ChrfCounts::default();
    counts.iter().for_each(|segment| sum.add(segment));
    Ok(ChrfScore {
        score: score(&sum, options),
        name: options.name(),
        signature: signature(options, super::reference_count(references)),
        counts: sum,
    })
}

/// The counts of every segment, in order; the same for any number of threads.
///
/// # Errors
/// As [`corpus`].
pub fn segments(
    hypotheses: &[&str],
    references: &[Vec<&str>],
    options: &ChrfOptions,
) -> Result<Vec<ChrfCounts>, EvalError> {
    options.check()?;
    super::check_parallel("chrf", hypotheses.len(), references)?;
    let mut counts = vec![ChrfCounts::default(); hypotheses.len()];
    counts.par_chunks_mut(CHUNK).enumerate().for_each_init(
        || Counter::new(options),
        |counter, (chunk, counts)| {
            let from = chunk * CHUNK;
            for (at, slot) in counts.iter_mut().enumerate() {
                *slot = counter.count(hypotheses[from + at], &references[from + at]);
            }
        },
    );
    Ok(counts)
}

/// The score of summed counts, 0 to 100.
pub fn score(counts: &ChrfCounts, options: &ChrfOptions) -> f64 {
    let orders = counts.orders.iter().map(OrderCounts::numbers);
    f_score(orders, options, f64::from(options.beta).powi(2), 1e-16, 100.0)
}

/// The score of (hypothesis, reference, matches) by order, in numbers of 64 or, for sacreBLEU's
/// resamples, 32 bits. `factor` is β².
fn f_score<T>(
    orders: impl Iterator<Item = [T; 3]>,
    options: &ChrfOptions,
    factor: T,
    eps: T,
    hundred: T,
) -> T
where
    T: Copy + PartialOrd + Default + From<u16> + std::ops::Add<Output = T>,
    T: std::ops::Mul<Output = T> + std::ops::Div<Output = T>,
{
    let (zero, one) = (T::default(), T::from(1));
    let (mut precision, mut recall, mut sum, mut n_orders) = (zero, zero, zero, zero);
    for [hypothesis, reference, matches] in orders {
        let share = |of: T| if of > zero { matches / of } else { eps };
        let (p, r) = (share(hypothesis), share(reference));
        let denominator = factor * p + r;
        sum = sum + if denominator > zero { (one + factor) * p * r / denominator } else { eps };
        if hypothesis > zero && reference > zero {
            precision = precision + p;
            recall = recall + r;
            n_orders = n_orders + one;
        }
    }
    if options.eps_smoothing {
        return hundred * sum / T::from(options.orders() as u16);
    }
    if n_orders == zero {
        return zero;
    }
    let (precision, recall) = (precision / n_orders, recall / n_orders);
    if precision + recall == zero {
        return zero;
    }
    hundred * ((one + factor) * precision * recall / (factor * precision + recall))
}

impl Score for ChrfOptions {
    fn columns(&self) -> usize {
        3 * self.orders()
    }

    fn score(&self, totals: &[f64]) -> f64 {
        let orders = totals.chunks_exact(3).map(|order| [order[0], order[1], order[2]]);
        f_score(orders, self, f64::from(self.beta).powi(2), 1e-16, 100.0)
    }

    fn score_single(&self, totals: &[f32]) -> f64 {
        let orders = totals.chunks_exact(3).map(|order| [order[0], order[1], order[2]]);
        f64::from(f_score(orders, self, (self.beta as f32).powi(2), 1e-16, 100.0))
    }

    fn single_scores(&self) -> bool {
        true
    }
}

/// The signature, such as `nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:…`.
/// `n_references` is `None` where segments differ in it.
pub fn signature(options: &ChrfOptions, n_references: Option<usize>) -> String {
    super::signature::format(
        n_references,
        &[
            ("case", if options.lowercase { "lc" } else { "mixed" }),
            ("eff", if options.eps_smoothing { "no" } else { "yes" }),
            ("nc", &options.characters.to_string()),
            ("nw", &options.words.to_string()),
            ("space", if options.whitespace { "yes" } else { "no" }),
        ],
    )
}

/// Counts segments one after another with the same buffers.
pub struct Counter<'o> {
    options: &'o ChrfOptions,
    hypothesis: Side,
    reference: Side,
    others: Vec<char>,
    narrow: Vec<u64>,
    wide: Vec<u128>,
    matcher: Matcher,
    matches: Vec<u32>,
}

impl<'o> Counter<'o> {
    /// A counter with these settings, which must have passed [`ChrfOptions::check`].
    pub fn new(options: &'o ChrfOptions) -> Self {
        Self {
            options,
            hypothesis: Side::default(),
            reference: Side::default(),
            others: Vec::new(),
            narrow: Vec::new(),
            wide: Vec::new(),
            matcher: Matcher::default(),
            matches: Vec::new(),
        }
    }

    /// The counts of one segment against the reference that scores highest, the first of them where
    /// several do.
    pub fn count<S: AsRef<str>>(&mut self, hypothesis: &str, references: &[S]) -> ChrfCounts {
        self.hypothesis.read(hypothesis, self.options);
        let mut best = ChrfCounts::default();
        let mut best_score = -1.0;
        for reference in references {
            self.reference.read(reference.as_ref(), self.options);
            let counts = self.against();
            if references.len() == 1 {
                return counts;
            }
            let score = score(&counts, self.options);
            if score > best_score {
                (best, best_score) = (counts, score);
            }
        }
        best
    }

    fn against(&mut self) -> ChrfCounts {
        let mut matches = std::mem::take(&mut self.matches);
        matches.clear();
        matches.resize(self.options.orders(), 0);
        let (characters, words) = matches.split_at_mut(self.options.characters);
        if characters.len() > IN_A_KEY {
            let Self { hypothesis, reference, matcher, .. } = self;
            matcher.hypothesis(&hypothesis.spelled, &hypothesis.letters);
            matcher.reference(&reference.spelled, &reference.letters);
            matcher.matches(characters);
        } else {
            self.character_matches(characters);
        }
        let Self { hypothesis, reference, matcher, .. } = self;
        if !words.is_empty() {
            matcher.hypothesis(&hypothesis.text, &hypothesis.words);
            matcher.reference(&reference.text, &reference.words);
            matcher.matches(words);
        }
        let of_characters = (hypothesis.len(), reference.len(), &*characters);
        let of_words = (hypothesis.words.len(), reference.words.len(), &*words);
        let orders = [of_characters, of_words].into_iter().flat_map(|(ours, theirs, matches)| {
            let count = move |(order, matched)| order_counts(ours, theirs, order, matched);
            matches.iter().copied().enumerate().map(count)
        });
        let counts = ChrfCounts { orders: orders.collect() };
        self.matches = matches;
        counts
    }

    /// Matches of orders up to [`IN_A_KEY`].
    fn character_matches(&mut self, matches: &mut [u32]) {
        let Self { hypothesis, reference, others, narrow, wide, options, .. } = self;
        if hypothesis.is_ascii() && reference.is_ascii() {
            narrow.clear();
            for (side, tag) in [(&*hypothesis, 0), (reference, 1)] {
                let mut key = 0u64;
                let keys = side.bytes.iter().rev().map(|byte| {
                    key = (key >> 8) | byte_code(*byte) << 56;
                    (key & !0xffff) | tag
                });
                narrow.extend(keys);
            }
            return walk_narrow(narrow, options.characters, matches);
        }
        others.clear();
        let room = 127;
        let fits = [&*hypothesis, reference].into_iter().all(|side| {
            side.is_ascii()
                || side.characters.iter().all(|c| {
                    c.is_ascii()
                        || others.contains(c)
                        || (others.len() < room && {
                            others.push(*c);
                            true
                        })
                })
        });
        if fits {
            narrow.clear();
            let code = |c: char| {
                let other = || others.iter().position(|o| *o == c).unwrap_or(0) as u64 + 128;
                u8::try_from(c).ok().filter(u8::is_ascii).map_or_else(other, byte_code)
            };
            for (side, tag) in [(&*hypothesis, 0), (reference, 1)] {
                let mut key = 0u64;
                for c in side.reversed() {
                    key = (key >> 8) | code(c) << 56;
                    narrow.push((key & !0xffff) | tag);
                }
            }
            walk_narrow(narrow, options.characters, matches);
        } else {
            wide.clear();
            for (side, tag) in [(&*hypothesis, 0), (reference, 1)] {
                let mut key = 0u128;
                for c in side.reversed() {
                    // One is added so that no character is 0; 21 bits suffice.
                    key = (key >> 21 & !3) | u128::from(u32::from(c) + 1) << 107;
                    wide.push((key & !3) | tag);
                }
            }
            wide.sort_unstable();
            let prefix = |a: u128, b: u128| ((a ^ b) & !3).leading_zeros() / 21;
            let length = |key: u128| (128 - (key & !3).trailing_zeros()).div_ceil(21);
            walk(wide, options.characters, |k| k & 1 == 1, prefix, length, matches);
        }
    }
}

/// The code of an ASCII character. The null character shares code 0 with the end of the text, so it
/// takes 255.
fn byte_code(byte: u8) -> u64 {
    if byte == 0 { 255 } else { u64::from(byte) }
}

/// Keys of up to six codes of 8 bits, the side in the lowest bit.
fn walk_narrow(keys: &mut [u64], longest: usize, matches: &mut [u32]) {
    keys.sort_unstable();
    let prefix = |a: u64, b: u64| ((a ^ b) & !1).leading_zeros() / 8;
    let length = |key: u64| 8 - ((key & !0xffff).trailing_zeros() / 8);
    walk(keys, longest, |key| key & 1 == 1, prefix, length, matches);
}

fn order_counts(ours: usize, theirs: usize, order: usize, matches: u32) -> OrderCounts {
    let reference = theirs.saturating_sub(order) as u64;
    OrderCounts {
        hypothesis: if reference > 0 { ours.saturating_sub(order) as u64 } else { 0 },
        reference,
        matches: u64::from(matches),
    }
}

/// One number an order, with room to spare so that all are handled at once.
type Lanes = [i32; 8];

/// `SHORTER[n]` is −1 for orders up to n, else 0.
const SHORTER: [Lanes; IN_A_KEY + 1] = {
    let mut masks = [[0; 8]; IN_A_KEY + 1];
    let mut n = 0;
    while n <= IN_A_KEY {
        let mut order = 0;
        while order < n {
            masks[n][order] = -1;
            order += 1;
        }
        n += 1;
    }
    masks
};

/// Sums the clipped matches of every order over sorted keys. A key counts for every order up to its
/// length; where the next key differs, the groups of orders above their common prefix end and give the
/// smaller of their two counts.
#[inline]
fn walk<K: Copy>(
    keys: &[K],
    longest: usize,
    is_reference: impl Fn(K) -> bool,
    common: impl Fn(K, K) -> u32,
    length: impl Fn(K) -> u32,
    matches: &mut [u32],
) {
    let [mut ours, mut theirs, mut sums] = [[0; 8]; 3];
    let mut close = |ours: &mut Lanes, theirs: &mut Lanes, shared: usize| {
        let kept = &SHORTER[shared];
        for order in 0..8 {
            sums[order] += ours[order].min(theirs[order]) & !kept[order];
            ours[order] &= kept[order];
            theirs[order] &= kept[order];
        }
    };
    let mut last: Option<K> = None;
    for key in keys {
        if let Some(last) = last {
            close(&mut ours, &mut theirs, (common(last, *key) as usize).min(longest));
        }
        let orders = &SHORTER[(length(*key) as usize).min(longest)];
        let side = -i32::from(is_reference(*key));
        for order in 0..8 {
            ours[order] -= orders[order] & !side;
            theirs[order] -= orders[order] & side;
        }
        last = Some(*key);
    }
    close(&mut ours, &mut theirs, 0);
    for (matched, sum) in matches.iter_mut().zip(sums) {
        *matched = sum as u32;
    }
}

/// One text: its characters, and its words with punctuation cut off at one end.
#[derive(Default)]
struct Side {
    text: String,
    /// The characters of a text that is not ASCII, and the bytes of one that is.
    characters: Vec<char>,
    bytes: Vec<u8>,
    words: Vec<Range<usize>>,
    /// The characters once more as text and where each stands, for long orders only.
    spelled: String,
    letters: Vec<Range<usize>>,
}

impl Side {
    /// Whether its characters are in `bytes`. An empty text is, too.
    fn is_ascii(&self) -> bool {
        self.characters.is_empty()
    }

    fn len(&self) -> usize {
        self.characters.len() + self.bytes.len()
    }

    /// The characters, last one first.
    fn reversed(&self) -> impl Iterator<Item = char> {
        let bytes = self.bytes.iter().rev().map(|byte| char::from(*byte));
        self.characters.iter().rev().copied().chain(bytes)
    }

    fn read(&mut self, segment: &str, options: &ChrfOptions) {
        self.text.clear();
        if options.lowercase {
            self.text = segment.to_lowercase();
        } else {
            self.text.push_str(segment);
        }
        self.characters.clear();
        self.bytes.clear();
        let kept = |c: char| options.whitespace || !whitespace::is_space(c);
        if self.text.is_ascii() {
            self.bytes.extend_from_slice(self.text.as_bytes());
            self.bytes.retain(|byte| kept(char::from(*byte)));
        } else {
            self.characters.extend(self.text.chars().filter(|c| kept(*c)));
        }
        if options.characters > IN_A_KEY {
            self.spelled.clear();
            self.letters.clear();
            for c in self.text.chars().filter(|c| kept(*c)) {
                let from = self.spelled.len();
                self.spelled.push(c);
                self.letters.push(from..self.spelled.len());
            }
        }
        self.words.clear();
        if options.words > 0 {
            let mut whole = Vec::new();
            whitespace::split_into(&self.text, 0, &mut whole);
            for word in whole {
                self.split_punctuation(word);
            }
        }
    }

    /// A mark of ASCII punctuation at the end, else at the start, becomes a word of its own.
    fn split_punctuation(&mut self, word: Range<usize>) {
        let text = &self.text[word.clone()];
        let bytes = text.as_bytes();
        let single = text.chars().nth(1).is_none();
        if single {
            self.words.push(word);
        } else if bytes[bytes.len() - 1].is_ascii_punctuation() {
            self.words.push(word.start..word.end - 1);
            self.words.push(word.end - 1..word.end);
        } else if bytes[0].is_ascii_punctuation() {
            self.words.push(word.start..word.start + 1);
            self.words.push(word.start + 1..word.end);
        } else {
            self.words.push(word);
        }
    }
}
