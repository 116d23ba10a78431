//! What a model reads at once: documents laid end to end, each attending within itself alone.

use grimoire_tensor::Segment;
use std::sync::Arc;

/// Tokens of one or more documents, their positions, and where each document lies.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Tokens of all documents, end to end.
    pub tokens: Vec<u32>,
    /// Position of each token in its own document.
    pub positions: Vec<usize>,
    /// Rows of queries and of keys of each document.
    pub segments: Arc<[Segment]>,
}

impl Batch {
    /// Whole documents, each from its first token on.
    pub fn documents<D: AsRef<[u32]>>(documents: &[D]) -> Self {
        let (mut tokens, mut positions, mut segments) = (Vec::new(), Vec::new(), Vec::new());
        for document in documents {
            let document = document.as_ref();
            segments.push(Segment {
                q_start: tokens.len(),
                q_len: document.len(),
                kv_start: tokens.len(),
                kv_len: document.len(),
            });
            tokens.extend_from_slice(document);
            positions.extend(0..document.len());
        }
        Self { tokens, positions, segments: segments.into() }
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
