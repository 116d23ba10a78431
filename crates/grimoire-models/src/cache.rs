//! The key-value cache: for each block, the keys and values of the tokens read so far, of several
//! sequences at once. Each sequence has a run of rows of its own, so attention reads it in place. Where precision is
//! not f32 they are kept in f16, half the bytes to read for each new token.

use crate::batch::Batch;
use crate::config::Config;
use grimoire_kernels::attention::{self, HalfPast, Heads};
use grimoire_tensor::{Precision, Segment, Tensor};

/// Keys and values of several sequences.
#[derive(Debug)]
pub struct Cache {
    width: usize,
    capacity: usize,
    lengths: Vec<usize>,
    blocks: Blocks,
    /// For each row of the batch at hand, its row here.
    rows: Vec<usize>,
}

/// By block: keys and values.
#[derive(Debug)]
enum Blocks {
    /// `[sequences · capacity, n_kv · head_dim]`.
    Whole(Vec<(Vec<f32>, Vec<f32>)>),
    /// The bits of f16 `[sequences, n_kv, capacity, head_dim]`.
    Half(Vec<(Vec<u16>, Vec<u16>)>),
}

impl Cache {
    /// Room for `sequences` sequences of `capacity` tokens each: in f32 where `precision` is, else in f16.
    pub fn new(config: &Config, sequences: usize, capacity: usize, precision: Precision) -> Self {
        let width = config.n_kv_heads * config.head_dim;
        let size = sequences * capacity * width;
        let n_blocks = 0..config.n_blocks;
        // Zeroed memory is mapped by the system when it is first written.
        let blocks = match precision {
            Precision::F32 => {
                Blocks::Whole(n_blocks.map(|_| (vec![0.0; size], vec![0.0; size])).collect())
            }
            Precision::Half | Precision::Fast => {
                Blocks::Half(n_blocks.map(|_| (vec![0; size], vec![0; size])).collect())
            }
        };
        Self { width, capacity, lengths: vec![0; sequences], blocks, rows: Vec::new() }
    }

    /// Bytes that a cache takes when it is full.
    pub fn bytes(config: &Config, sequences: usize, capacity: usize, precision: Precision) -> u64 {
        let width = config.n_kv_heads * config.head_dim;
        let value = if precision == Precision::F32 { 4 } else { 2 };
        2 * value * (config.n_blocks * sequences * capacity * width) as u64
    }

    /// Tokens of a sequence so far.
    pub fn len(&self, sequence: usize) -> usize {
        self.lengths[sequence]
    }

    /// Whether nothing has been read.
    pub fn is_empty(&self) -> bool {
        self.lengths.iter().all(|length| *length == 0)
    }

    /// Tokens that a sequence can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Shortens a sequence to its first `length` tokens, so that it can go on from there.
    ///
    /// # Panics
    /// When it is shorter already.
    pub fn truncate(&mut self, sequence: usize, length: usize) {
        assert!(length <= self.lengths[sequence], "cache: sequence {sequence} is shorter already");
        self.lengths[sequence] = length;
    }

    /// Appends tokens to some sequences; the batch is what the model is to read next.
    ///
    /// # Panics
    /// When a sequence has no room.
    pub fn extend(&mut self, additions: &[(usize, &[u32])]) -> Batch {
        let (mut tokens, mut positions, mut segments) = (Vec::new(), Vec::new(), Vec::new());
        self.rows.clear();
        for (sequence, added) in additions {
            let before = self.lengths[*sequence];
            let after = before + added.len();
            assert!(after <= self.capacity, "cache: {after} tokens in room for {}", self.capacity);
            let start = sequence * self.capacity;
            segments.push(Segment {
                q_start: tokens.len(),
                q_len: added.len(),
                kv_start: start,
                kv_len: after,
            });
            tokens.extend_from_slice(added);
            positions.extend(before..after);
            self.rows.extend(start + before..start + after);
            self.lengths[*sequence] = after;
        }
        Batch { tokens, positions, segments: segments.into(), keys: None }
    }

    /// Stores the keys and values of the batch at hand for one block, and attends over all so far.
    pub(crate) fn attend(
        &mut self,
        block: usize,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        segments: &[Segment],
        heads: Heads,
    ) -> Tensor {
        let mut out = vec![0.0; q.values().len()];
        match &mut self.blocks {
            Blocks::Whole(blocks) => {
                let ((keys, values), width) = (&mut blocks[block], self.width);
                for (from, to) in self.rows.iter().enumerate() {
                    let (from, to) =
                        (from * width..(from + 1) * width, to * width..(to + 1) * width);
                    keys[to.clone()].copy_from_slice(&k.values()[from.clone()]);
                    values[to].copy_from_slice(&v.values()[from]);
                }
                let mut lse = vec![0.0; out.len() / heads.dim];
                attention::forward(q.values(), keys, values, segments, heads, &mut out, &mut lse);
            }
            Blocks::Half(blocks) => {
                let ((keys, values), capacity) = (&mut blocks[block], self.capacity);
                attention::store(k.values(), &self.rows, capacity, heads, keys);
                attention::store(v.values(), &self.rows, capacity, heads, values);
                let past = HalfPast { keys, values, capacity };
                attention::forward_half(q.values(), past, segments, heads, &mut out);
            }
        }
        Tensor::new(q.shape(), out)
    }
}
