//! The tokenizer of mteval-v14 with international tokenization: cuts at every Unicode symbol, and at
//! Unicode punctuation unless numbers stand on both sides. Unlike 13a it adds no space around the text,
//! so a mark at the very end stays with the number before it, as in the reference program.

use super::cut::{self, Class};
use super::{Tokens, whitespace};
use regex::Regex;
use std::sync::OnceLock;

/// Cuts the text of `tokens`.
pub(super) fn cut(tokens: &mut Tokens) {
    cut::cut(&tokens.text, false, &mut tokens.spans, |text, at| {
        let byte = text.as_bytes()[at];
        if byte < 0x80 {
            return (block(0)[usize::from(byte)], 1);
        }
        let Some(c) = text[at..].chars().next() else { return (Class::Space, 1) };
        (class_of(c), c.len_utf8())
    });
}

/// Characters are classified by blocks of 256, each on first use.
const BLOCK: u32 = 256;

fn class_of(c: char) -> Class {
    let code = u32::from(c);
    block(code / BLOCK)[(code % BLOCK) as usize]
}

fn block(index: u32) -> &'static [Class; BLOCK as usize] {
    static BLOCKS: OnceLock<Vec<OnceLock<Box<[Class; BLOCK as usize]>>>> = OnceLock::new();
    let n_blocks = (u32::from(char::MAX) / BLOCK + 1) as usize;
    let blocks = BLOCKS.get_or_init(|| (0..n_blocks).map(|_| OnceLock::new()).collect());
    blocks[index as usize].get_or_init(|| {
        Box::new(std::array::from_fn(|offset| {
            char::from_u32(index * BLOCK + offset as u32).map_or(Class::Plain, compute)
        }))
    })
}

/// The Unicode general category decides: N a number, P a mark, S a symbol.
fn compute(c: char) -> Class {
    static CATEGORIES: OnceLock<Vec<(Regex, Class)>> = OnceLock::new();
    let categories = CATEGORIES.get_or_init(|| {
        [(r"^\p{N}", Class::Digit), (r"^\p{P}", Class::Mark), (r"^\p{S}", Class::Symbol)]
            .into_iter()
            .filter_map(|(pattern, class)| Some((Regex::new(pattern).ok()?, class)))
            .collect()
    });
    if whitespace::is_space(c) {
        return Class::Space;
    }
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    categories
        .iter()
        .find(|(category, _)| category.is_match(text))
        .map_or(Class::Plain, |(_, class)| *class)
}
