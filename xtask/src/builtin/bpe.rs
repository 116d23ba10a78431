//! Learns a small byte-level BPE vocabulary (Sennrich, Haddow and Birch 2016; bytes as in GPT-2). Text is cut
//! into words as GPT-2 cuts ASCII text, which is all that the corpus holds.

use std::collections::{BTreeMap, HashMap};

/// Tokens in order of their ids, and the merges in the order in which they apply. Tokens are spelled in
/// GPT-2's alphabet, in which every byte is a printable character.
pub(crate) struct Vocabulary {
    pub(crate) tokens: Vec<String>,
    pub(crate) merges: Vec<String>,
}

/// Learns `n_merges` merges from texts; ids 0..256 are the bytes.
pub(crate) fn learn<'a>(texts: impl IntoIterator<Item = &'a str>, n_merges: usize) -> Vocabulary {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for text in texts {
        for word in cut(text) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(Vec<u32>, u64)> =
        counts.iter().map(|(word, n)| (word.bytes().map(u32::from).collect(), *n)).collect();
    let mut tokens: Vec<String> = (0..=255u8).map(|byte| letter(byte).to_string()).collect();
    let mut merges = Vec::new();
    while merges.len() < n_merges {
        let mut pairs: HashMap<(u32, u32), u64> = HashMap::new();
        for (word, n) in &words {
            for pair in word.windows(2) {
                *pairs.entry((pair[0], pair[1])).or_default() += n;
            }
        }
        // The most frequent pair; of equals the one with the lowest ids, whatever the map's order.
        let best = pairs.into_iter().max_by_key(|(pair, n)| (*n, std::cmp::Reverse(*pair)));
        let Some((pair, _)) = best.filter(|(_, n)| *n > 1) else { break };
        let (left, right) = (&tokens[pair.0 as usize], &tokens[pair.1 as usize]);
        merges.push(format!("{left} {right}"));
        let merged = format!("{left}{right}");
        let id = tokens.len() as u32;
        tokens.push(merged);
        words.iter_mut().for_each(|(word, _)| merge(word, pair, id));
    }
    Vocabulary { tokens, merges }
}

fn merge(word: &mut Vec<u32>, pair: (u32, u32), id: u32) {
    let mut at = 0;
    while at + 1 < word.len() {
        if (word[at], word[at + 1]) == pair {
            word[at] = id;
            word.remove(at + 1);
        }
        at += 1;
    }
}

/// Words as GPT-2's expression cuts ASCII without contractions: an optional space, then letters, digits
/// or other signs; runs of white space leave their last space to the word after.
fn cut(text: &str) -> Vec<&str> {
    let class = |b: u8| match b {
        b if b.is_ascii_alphabetic() => 0,
        b if b.is_ascii_digit() => 1,
        b if b.is_ascii_whitespace() => 2,
        _ => 3,
    };
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let lead = usize::from(
            bytes[from] == b' ' && bytes.get(from + 1).is_some_and(|next| class(*next) != 2),
        );
        let kind = class(bytes[from + lead]);
        let mut to = from + lead + 1;
        while to < bytes.len() && class(bytes[to]) == kind {
            to += 1;
        }
        if kind == 2 && to < bytes.len() && to - from > 1 {
            to -= 1;
        }
        words.push(&text[from..to]);
        from = to;
    }
    words
}

/// GPT-2's letter for a byte: itself where it prints, else the next free character from U+0100 on.
fn letter(byte: u8) -> char {
    let prints = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if prints(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !prints(*b)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelled_as_in_gpt_2() {
        // From GPT-2's vocabulary: a space is Ġ, a newline Ċ, a tab ĉ, byte 0 Ā, the no-break space ł.
        for (byte, expected) in
            [(b' ', 'Ġ'), (b'\n', 'Ċ'), (b'\t', 'ĉ'), (0, 'Ā'), (b'a', 'a'), (0xA0, 'ł')]
        {
            assert_eq!(letter(byte), expected);
        }
    }

    #[test]
    fn words_keep_their_space_in_front() {
        assert_eq!(cut("the  cat, 12.\n"), ["the", " ", " cat", ",", " 12", ".", "\n"]);
        assert_eq!(cut("a=b | c"), ["a", "=", "b", " |", " c"]);
    }

    #[test]
    fn frequent_pairs_merge_first() {
        // "ab" occurs 4 times, "bc" 2 times.
        let learned = learn(["ab ab ab abc", "abc"], 2);
        assert_eq!(learned.merges[0], "a b");
        assert_eq!(learned.tokens.len(), 258);
        assert_eq!(learned.tokens[256], "ab");
    }
}
