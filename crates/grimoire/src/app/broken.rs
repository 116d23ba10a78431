//! Why a model computes something that is no number: the weight that holds NaN or an infinity, by file, name
//! and place. Looked for only once a result is broken; healthy runs never pay for it.

use crate::app::loading::Loaded;
use crate::failure::Failure;
use grimoire_kernels::storage::decode;
use grimoire_models::storage;
use grimoire_tensor::Params;

/// Values decoded at a time: whole blocks of every storage type.
const PIECE: usize = 1 << 16;

/// The failure of a model whose `what` is not finite under `params`.
pub(crate) fn not_finite(loaded: &Loaded, params: &Params, what: &str) -> Failure {
    let model = loaded.checkpoint.path().display();
    if let Some(place) = stored(loaded) {
        return Failure::work(format!("{model}: {place}, so the {what} is no number")).hint(
            "the file is damaged or was made by a run that diverged: fetch or make it again",
        );
    }
    if let Some(place) = trained(params) {
        return Failure::work(format!("{model}: {place}, so the {what} is no number")).hint(
            "the adapter is damaged or its run diverged: train it again with a smaller --rate",
        );
    }
    Failure::work(format!("{model}: the {what} is no number, though every weight is finite"))
        .hint("sums overflow f32: the weights, or those of the adapter, are too large")
}

/// The first stored weight that is not finite.
fn stored(loaded: &Loaded) -> Option<String> {
    let mut values = vec![0.0; PIECE];
    for tensor in loaded.checkpoint.tensors() {
        let n = tensor.len();
        let bytes = tensor.bytes();
        for from in (0..n).step_by(PIECE) {
            let piece = &mut values[..PIECE.min(n - from)];
            // Blocks are of one size, so that bytes are proportional to values.
            let (start, end) = (from * bytes.len() / n, (from + piece.len()) * bytes.len() / n);
            decode(storage(tensor.dtype()), &bytes[start..end], piece);
            if let Some(at) = piece.iter().position(|value| !value.is_finite()) {
                let (name, value) = (tensor.name(), piece[at]);
                return Some(format!("tensor {name:?} holds {value} at value {}", from + at));
            }
        }
    }
    None
}

/// The first value of an adapter that is not finite.
fn trained(params: &Params) -> Option<String> {
    params.iter().find_map(|param| {
        let at = param.values.iter().position(|value| !value.is_finite())?;
        Some(format!("the adapter's {} holds {} at value {at}", param.name, param.values[at]))
    })
}
