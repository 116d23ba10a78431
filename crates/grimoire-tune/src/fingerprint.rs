//! Which weights a model has, in 64 digits: SHA-256 over name, type and shape of every tensor and its bytes. Of a
//! tensor beyond 64 KiB only 16 pieces of 4 KiB are read, evenly spread with one at either end, so that a large
//! model costs no more than a moment. Training and quantising change tensors all over and are seen; a change of a
//! few bytes between the pieces is not.

use grimoire_models::Checkpoint;
use sha2::{Digest, Sha256};

/// Bytes of a piece, and pieces of a tensor.
const PIECE: usize = 4096;
const PIECES: usize = 16;

/// The fingerprint of the weights of a model. Neither configuration nor tokenizer is in it.
pub fn fingerprint(checkpoint: &Checkpoint) -> String {
    let mut tensors: Vec<_> = checkpoint.tensors().iter().collect();
    tensors.sort_by(|a, b| a.name().cmp(b.name()));
    let mut hash = Sha256::new();
    for tensor in tensors {
        hash.update(format!("{} {} {:?}\n", tensor.name(), tensor.dtype(), tensor.shape()));
        for piece in pieces(tensor.bytes()) {
            hash.update(piece);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All bytes of a short tensor; pieces of a long one.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.len() <= PIECE * PIECES {
        return vec![bytes];
    }
    let last = bytes.len() - PIECE;
    (0..PIECES).map(|piece| &bytes[last / (PIECES - 1) * piece..][..PIECE]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_spread_from_the_first_byte_to_the_last() {
        let bytes: Vec<u8> = (0..PIECE * PIECES).map(|at| at as u8).collect();
        assert_eq!(pieces(&bytes), [&bytes[..]]);
        let long = [&bytes[..], &[7; 1000 * PIECE]].concat();
        let found = pieces(&long);
        assert_eq!(found.len(), PIECES);
        assert!(found.iter().all(|piece| piece.len() == PIECE));
        assert_eq!(found[0], &long[..PIECE]);
        let place = |piece: &[u8]| piece.as_ptr() as usize - long.as_ptr() as usize;
        assert!(long.len() - PIECE - place(found[PIECES - 1]) < PIECES);
    }
}
