//! What a model reads at once: documents laid end to end, each attending within itself alone. A beginning that all of
//! them share can be read once for all.

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
    /// Which row gives the keys and values at each place that the segments name; without it, each row those at its own.
    pub keys: Option<Arc<[usize]>>,
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
        Self { tokens, positions, segments: segments.into(), keys: None }
    }

    /// Documents that all begin with `beginning`, given by what follows it: it is read once, as a document of its own
    /// and first, and each of the others attends to it and to itself. Since no token sees a later one, the rows after
    /// it are those of the whole documents, and its gradients the sums over them.
    pub fn after<D: AsRef<[u32]>>(beginning: &[u32], rests: &[D]) -> Self {
        let shared = beginning.len();
        let (mut tokens, mut positions) = (beginning.to_vec(), Vec::from_iter(0..shared));
        let mut keys = positions.clone();
        let mut segments = vec![Segment { q_start: 0, q_len: shared, kv_start: 0, kv_len: shared }];
        for rest in rests {
            let rest = rest.as_ref();
            let start = tokens.len();
            segments.push(Segment {
                q_start: start,
                q_len: rest.len(),
                kv_start: keys.len(),
                kv_len: shared + rest.len(),
            });
            keys.extend((0..shared).chain(start..start + rest.len()));
            tokens.extend_from_slice(rest);
            positions.extend(shared..shared + rest.len());
        }
        Self { tokens, positions, segments: segments.into(), keys: Some(keys.into()) }
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
