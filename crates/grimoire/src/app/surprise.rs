//! A text, token by token, with what each token surprised the model: −log₂ p, in bits. The figures are those
//! of [`super::perplexity`]; this only lays them beside the text.

use super::loading::Loaded;
use super::perplexity::{PerplexityReport, Scoring, report, score, spans};
use crate::failure::Outcome;
use serde::Serialize;

/// The report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SurpriseReport {
    pub(crate) perplexity: PerplexityReport,
    pub(crate) tokens: Vec<TokenSurprise>,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TokenSurprise {
    /// Its document, from 1.
    pub(crate) document: usize,
    /// Its place in the document, from 1.
    pub(crate) place: usize,
    /// Its id in the vocabulary.
    pub(crate) id: u32,
    /// The bytes of the document that it covers: from, to.
    pub(crate) bytes: [usize; 2],
    /// Its text; a token that covers a part of a character has U+FFFD for it.
    pub(crate) text: String,
    /// −log₂ p; none for a token that was not scored.
    pub(crate) bits: Option<f64>,
}

/// A stretch of text to be coloured: one token, or several that share a character.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece<'t> {
    pub(crate) text: &'t str,
    /// The sum over its tokens: surprises add up.
    pub(crate) bits: Option<f64>,
}

/// Measures; `done` hears the share that is done.
pub(crate) fn measure(
    loaded: &Loaded,
    file: &str,
    documents: &[String],
    scoring: &Scoring,
    done: &mut dyn FnMut(f64),
) -> Outcome<SurpriseReport> {
    let scored = score(loaded, documents, scoring, done)?;
    let perplexity = report(loaded, file, documents, &scored, scoring)?;
    let mut tokens = Vec::new();
    for (index, (document, one)) in documents.iter().zip(&scored).enumerate() {
        let spans = spans(loaded, document, &one.ids);
        for (place, (span, (id, nll))) in spans.iter().zip(one.ids.iter().zip(&one.nll)).enumerate()
        {
            tokens.push(TokenSurprise {
                document: index + 1,
                place: place + 1,
                id: *id,
                bytes: [span.start, span.end],
                text: String::from_utf8_lossy(&document.as_bytes()[span.clone()]).into_owned(),
                bits: nll.map(|nll| f64::from(nll) / std::f64::consts::LN_2),
            });
        }
    }
    Ok(SurpriseReport { perplexity, tokens })
}

/// The stretches of a document, in order and without gaps.
pub(crate) fn pieces<'t>(document: &'t str, tokens: &[TokenSurprise]) -> Vec<Piece<'t>> {
    let mut pieces = Vec::new();
    let (mut start, mut bits) = (0, None);
    for token in tokens {
        if let Some(more) = token.bits {
            bits = Some(bits.unwrap_or(0.0) + more);
        }
        let end = token.bytes[1];
        if end > start && document.is_char_boundary(end) {
            pieces.push(Piece { text: &document[start..end], bits: bits.take() });
            start = end;
        }
    }
    pieces
}

/// How strongly a surprise is coloured: 0 for less than a bit, a step more for each doubling, 6 from 32 on.
pub(crate) fn strength(bits: f64) -> usize {
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0].iter().filter(|edge| bits >= **edge).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_share_a_character_are_one_piece_with_the_sum() {
        let token = |from, to, bits| TokenSurprise {
            document: 1,
            place: 1,
            id: 0,
            bytes: [from, to],
            text: String::new(),
            bits,
        };
        let tokens = [token(0, 1, None), token(1, 2, Some(1.5)), token(2, 3, Some(2.0))];
        let found = pieces("aé", &tokens);
        assert_eq!(found, [Piece { text: "a", bits: None }, Piece { text: "é", bits: Some(3.5) }]);
    }

    #[test]
    fn colour_grows_with_each_doubling() {
        assert_eq!([0.0, 0.99, 1.0, 3.0, 7.9, 8.0, 100.0].map(strength), [0, 0, 1, 2, 3, 4, 6]);
    }
}
