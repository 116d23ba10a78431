//! The model and the data inside the binary: a Llama of a million parameters in Q8_0, and 640 rows of a task
//! that it can learn in a minute. `cargo xtask builtin` makes both, from words that this project wrote.

use crate::failure::Outcome;
use grimoire_format::Mapped;
use grimoire_format::gguf::Gguf;
use grimoire_models::Checkpoint;
use grimoire_tune::data::{DataError, Record, json_lines};

/// What a person types for either of them.
const NAME: &str = "builtin";
/// The peak learning rate of a LoRA on the built-in model: it is small, and small models take large steps.
pub(crate) const RATE: f64 = 4e-3;
/// Steps of the built-in model over the built-in data, twelve passes: after seven some seeds still mixed up prices.
pub(crate) const STEPS: u64 = 432;

static MODEL: &[u8] = include_bytes!("../../builtin/model.gguf");
static ROWS: &str = include_str!("../../builtin/notes.jsonl");

/// The built-in model, when `name` asks for it.
pub(crate) fn model(name: &str) -> Option<Outcome<Checkpoint>> {
    let open = || Ok(Checkpoint::from_gguf(Gguf::parse(Mapped::from_static(NAME, MODEL))?)?);
    (name == NAME).then(open)
}

/// The bytes of the built-in model, when `name` asks for it.
pub(crate) fn bytes(name: &str) -> Option<&'static [u8]> {
    (name == NAME).then_some(MODEL)
}

/// The built-in data, when `path` asks for them.
pub(crate) fn data(path: &str) -> Option<Result<Vec<Record>, DataError>> {
    (path == NAME).then(|| json_lines(NAME, ROWS))
}
