//! The two orders of the rows of q and k. A rotation turns pairs of values of a head: Hugging Face lays the
//! partners half a head apart, GGUF files of the llama architecture side by side.

use crate::checkpoint::{Checkpoint, Container};
use crate::config::{Architecture, Config};

/// Which way rows are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// From GGUF's order to Hugging Face's.
    ToHalves,
    /// From Hugging Face's order to GGUF's.
    ToNeighbours,
}

impl RowOrder {
    /// Where a row of q or k goes, with heads of `dim` rows.
    pub fn place(self, row: usize, dim: usize) -> usize {
        let (head, place, half) = (row / dim, row % dim, dim / 2);
        head * dim
            + match self {
                // (pair, partner) from pair·2 + partner to partner·half + pair
                Self::ToHalves => place % 2 * half + place / 2,
                Self::ToNeighbours => place % half * 2 + place / half,
            }
    }

    /// The row that goes to `row`.
    pub fn origin(self, row: usize, dim: usize) -> usize {
        match self {
            Self::ToHalves => Self::ToNeighbours.place(row, dim),
            Self::ToNeighbours => Self::ToHalves.place(row, dim),
        }
    }

    /// How rows of q and k move from a checkpoint into a container; none where they stay.
    pub fn between(from: &Checkpoint, to: Container) -> Option<Self> {
        let wanted = match to {
            Container::Gguf => permuted_in_gguf(from.config()),
            Container::Folder => false,
        };
        match (from.permutes_qk(), wanted) {
            (true, false) => Some(Self::ToHalves),
            (false, true) => Some(Self::ToNeighbours),
            _ => None,
        }
    }
}

/// Whether a GGUF file of this architecture has the rows of q and k side by side.
pub fn permuted_in_gguf(config: &Config) -> bool {
    matches!(config.architecture, Architecture::Llama | Architecture::Mistral)
}

/// Whether the rows of the module are rotated.
pub fn is_rotated(path: &str) -> bool {
    path.ends_with(".attn.q") || path.ends_with(".attn.k")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head of six: pairs (0, 3), (1, 4), (2, 5) of Hugging Face lie side by side in GGUF.
    #[test]
    fn partners_meet_and_part() {
        let order: Vec<usize> = (0..12).map(|row| RowOrder::ToNeighbours.origin(row, 6)).collect();
        assert_eq!(order, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        for row in 0..12 {
            assert_eq!(RowOrder::ToHalves.place(RowOrder::ToNeighbours.place(row, 6), 6), row);
        }
    }
}
