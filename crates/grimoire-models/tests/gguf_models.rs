//! Small GGUF models in every storage type and of other architectures against `transformers` in f64 over
//! the dequantised weights (`golden/models/gguf/`, made by `gguf_models.py`).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_models::{Batch, Checkpoint, Container, Model};
use grimoire_tensor::{Params, Tape};
use grimoire_testkit::{all_close, golden, models_dir, repository_root};
use grimoire_text::EncodeOptions;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    ids: Vec<u32>,
    models: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    file: String,
    logits: Vec<Vec<f64>>,
}

#[test]
fn logits_equal_those_of_the_dequantised_weights() {
    let recorded: Recorded = golden::read("models/quant.json.gz");
    let params = Params::default();
    assert_eq!(recorded.models.len(), 15);
    for expected in &recorded.models {
        let path = repository_root().join("golden/models/gguf").join(&expected.file);
        let (model, checkpoint) =
            Model::open(&path).unwrap_or_else(|error| panic!("{}: {error}", expected.file));
        assert_eq!(checkpoint.container(), Container::Gguf);
        let tape = Tape::forward_only(&params);
        let hidden = model.hidden(&tape, &Batch::documents(&[&recorded.ids]));
        let logits = model.logits(&tape, &hidden);
        let flat = expected.logits.concat();
        let worst = logits
            .values()
            .iter()
            .zip(&flat)
            .map(|(a, e)| (f64::from(*a) - e).abs())
            .fold(0.0, f64::max);
        println!("{}: largest difference {worst:e}", expected.file);
        all_close(logits.values(), &flat, 0.0, 1e-4);
    }
}

/// The toy tokenizer of the files: letters one by one, but for the merges ` the` and `the`.
#[test]
fn the_tokenizer_inside_a_file_merges_as_it_says() {
    let path = repository_root().join("golden/models/gguf/mixed.gguf");
    let (_, checkpoint) = Model::open(&path).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let ids = tokenizer.encode("the the<|im_end|>", EncodeOptions::TEMPLATED).unwrap();
    // "the" is token 93, " the" 95 (the last four are "th", "the", "Ġt", "Ġthe"), <|im_end|> 2.
    assert_eq!(ids, [93, 95, 2]);
}

#[derive(Deserialize)]
struct SmolLm2 {
    encodings: Vec<Encoding>,
    greedy: Vec<Encoding>,
}

#[derive(Deserialize)]
struct Encoding {
    text: String,
    ids: Vec<u32>,
}

/// Ids of awkward strings and rendered chats by the `tokenizers` library (`golden/models/smollm2.py`).
#[test]
fn the_tokenizer_of_smollm2_gives_the_ids_of_the_tokenizers_library() {
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let Some(file) = models_dir("smollm2 token ids", name) else { return };
    let tokenizer = Checkpoint::open(&file).unwrap().tokenizer().unwrap();
    let recorded: SmolLm2 = golden::read("models/smollm2.json.gz");
    for Encoding { text, ids } in recorded.encodings.into_iter().chain(recorded.greedy) {
        assert_eq!(tokenizer.encode(&text, EncodeOptions::TEMPLATED).unwrap(), ids, "{text:?}");
    }
}
