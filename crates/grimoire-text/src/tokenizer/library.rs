//! The `tokenizers` library behind one seam: a tokenizer that reads special tokens in a text as
//! special, and, made when first asked for, its twin that reads them as plain text.

use crate::error::TextError;
use std::sync::OnceLock;

/// Both readings of one tokenizer.
#[derive(Debug)]
pub(crate) struct Library {
    marked: tokenizers::Tokenizer,
    plain: OnceLock<Box<tokenizers::Tokenizer>>,
    /// A space is put before the text, as some GGUF files ask of byte-level BPE.
    add_space_prefix: bool,
    /// Nothing is put before a text, so that a text cut in two can be encoded piece by piece.
    cuts_freely: bool,
}

impl Library {
    pub(crate) fn new(
        marked: tokenizers::Tokenizer,
        add_space_prefix: bool,
        cuts_freely: bool,
    ) -> Self {
        Self { marked, plain: OnceLock::new(), add_space_prefix, cuts_freely }
    }

    pub(crate) fn cuts_freely(&self) -> bool {
        self.cuts_freely
    }

    /// The tokenizer as its file has it.
    pub(crate) fn to_json(&self) -> Result<serde_json::Value, TextError> {
        let refuse = |reason: String| TextError::TokenizerJson { reason };
        if self.add_space_prefix {
            return Err(refuse("a space before every text cannot be said in it".into()));
        }
        serde_json::to_value(&self.marked).map_err(|error| refuse(error.to_string()))
    }

    fn reading(&self, parse_special: bool) -> &tokenizers::Tokenizer {
        if parse_special {
            return &self.marked;
        }
        self.plain.get_or_init(|| {
            let mut plain = self.marked.clone();
            plain.set_encode_special_tokens(true);
            Box::new(plain)
        })
    }

    pub(crate) fn encode(
        &self,
        text: &str,
        parse_special: bool,
        continues: bool,
    ) -> Result<Vec<u32>, TextError> {
        let prefixed;
        let text = if self.add_space_prefix && !continues && !text.is_empty() {
            prefixed = format!(" {text}");
            &prefixed
        } else {
            text
        };
        let encoding = self.reading(parse_special).encode_fast(text, false);
        Ok(encoding.map_err(refused)?.get_ids().to_vec())
    }

    /// The ids of all segments as one text, each under the segment in which it begins.
    pub(crate) fn encode_at_once(
        &self,
        segments: &[&str],
        parse_special: bool,
    ) -> Result<Vec<Vec<u32>>, TextError> {
        let encoding =
            self.reading(parse_special).encode(segments.concat(), false).map_err(refused)?;
        let mut ids = encoding.get_ids().iter().zip(encoding.get_offsets()).peekable();
        let (mut out, mut end) = (Vec::with_capacity(segments.len()), 0);
        for (index, segment) in segments.iter().enumerate() {
            end += segment.len();
            let last = index + 1 == segments.len();
            let mut own = Vec::new();
            while let Some((id, _)) = ids.next_if(|(_, (start, _))| last || *start < end) {
                own.push(*id);
            }
            out.push(own);
        }
        Ok(out)
    }

    /// What the tokenizer's own post-processor puts before and after a text.
    pub(crate) fn added(&self) -> Result<(Vec<u32>, Vec<u32>), TextError> {
        let bare = self.marked.encode_fast("a", false).map_err(refused)?;
        let full = self.marked.encode_fast("a", true).map_err(refused)?;
        let (bare, full) = (bare.get_ids(), full.get_ids());
        let at = if bare.is_empty() {
            None
        } else {
            full.windows(bare.len()).position(|window| window == bare)
        };
        at.map(|at| (full[..at].to_vec(), full[at + bare.len()..].to_vec())).ok_or_else(|| {
            TextError::TokenizerJson {
                reason: "the post-processor changes the text's own tokens".into(),
            }
        })
    }

    pub(crate) fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        // The only errors of decoders are those of malformed templates of tokens; an empty text
        // would hide them, so the replacement character stands for them.
        self.marked.decode(ids, skip_special).unwrap_or_else(|_| "\u{fffd}".into())
    }
}

fn refused(error: tokenizers::Error) -> TextError {
    TextError::Encode { reason: error.to_string() }
}
