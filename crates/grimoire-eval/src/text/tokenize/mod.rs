//! The tokenizers of BLEU. Every one of them only cuts: a token is a contiguous piece of the
//! (rewritten) segment, so no text is rebuilt. The rules are those of mteval-v13a and mteval-v14 (NIST)
//! and of the Chinese tokenizer that WMT uses; the fused cut rule is derived in [`cut`].
//! Not the tokenizers of language models.

mod chinese;
mod cut;
mod international;
mod western;

use super::whitespace;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A function from a text to pieces, such as a SentencePiece model's.
pub type PieceEncoder = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// How a segment is cut into tokens before n-grams are counted.
#[derive(Clone, Default)]
pub enum Tokenizer {
    /// White space only: the text is already tokenised.
    None,
    /// mteval-v13a, the tokenizer of WMT for Western languages.
    #[default]
    Mteval13a,
    /// mteval-v14 with `--international-tokenization`: Unicode punctuation and symbols.
    International,
    /// Every character.
    Character,
    /// Every Chinese character; the rest as in [`Tokenizer::Mteval13a`].
    Chinese,
    /// The pieces of a given model.
    Pieces {
        /// What the signature calls it.
        name: String,
        /// Text to pieces.
        encode: PieceEncoder,
    },
}

impl Tokenizer {
    /// The tokenizer of this name: `none`, `13a`, `intl`, `char` or `zh`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "13a" => Self::Mteval13a,
            "intl" => Self::International,
            "char" => Self::Character,
            "zh" => Self::Chinese,
            _ => return None,
        })
    }

    /// The name that a signature prints.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Mteval13a => "13a",
            Self::International => "intl",
            Self::Character => "char",
            Self::Chinese => "zh",
            Self::Pieces { name, .. } => name,
        }
    }

    /// Cuts `segment` (after removing white space at its end, and lower-casing it if asked) into
    /// `tokens`, which is overwritten.
    pub fn tokenize(&self, segment: &str, lowercase: bool, tokens: &mut Tokens) {
        tokens.clear();
        let segment = whitespace::trim_end(segment);
        if lowercase {
            tokens.text = segment.to_lowercase();
        } else {
            tokens.text.push_str(segment);
        }
        match self {
            Self::None => {}
            Self::Mteval13a => western::cut(tokens),
            Self::International => international::cut(tokens),
            Self::Character => {
                let text = &tokens.text;
                tokens.spans.extend(
                    text.char_indices()
                        .filter(|(_, c)| !whitespace::is_space(*c))
                        .map(|(at, c)| at..at + c.len_utf8()),
                );
            }
            Self::Chinese => chinese::cut(tokens),
            Self::Pieces { encode, .. } => tokens.text = encode(&tokens.text).join(" "),
        }
        if matches!(self, Self::None | Self::Pieces { .. }) {
            whitespace::split_into(&tokens.text, 0, &mut tokens.spans);
        }
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokenizer({})", self.name())
    }
}

/// The tokens of one segment; one value is reused for many segments.
#[derive(Debug, Default)]
pub struct Tokens {
    text: String,
    spans: Vec<Range<usize>>,
}

impl Tokens {
    /// The tokens, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.spans.iter().map(|span| &self.text[span.clone()])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The text that the tokens are cut from, and where.
    pub(crate) fn parts(&self) -> (&str, &[Range<usize>]) {
        (&self.text, &self.spans)
    }

    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }
}
