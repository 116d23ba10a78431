//! Pieces of SentencePiece models against `golden/text/pieces.json.gz`, recorded by `pieces.py` from the
//! SentencePiece package; and what broken models say.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use grimoire_text::SentencePiece;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    models: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    kind: String,
    settings: serde_json::Value,
    /// One character a byte.
    model: String,
    pieces: Vec<Vec<String>>,
}

fn golden() -> Golden {
    grimoire_testkit::golden::read("text/pieces.json.gz")
}

fn bytes(recorded: &Recorded) -> Vec<u8> {
    recorded.model.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn pieces_are_those_of_the_package() {
    let golden = golden();
    let mut checked = 0;
    for recorded in &golden.models {
        let model = SentencePiece::from_bytes(&bytes(recorded)).unwrap();
        for (text, expected) in golden.texts.iter().zip(&recorded.pieces) {
            let Recorded { kind, settings, .. } = recorded;
            assert_eq!(model.pieces(text), *expected, "{kind} {settings} on {text:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 7 * golden.texts.len());
}

#[test]
fn a_broken_model_is_refused_by_name_of_what_is_wrong() {
    let golden = golden();
    let whole = bytes(&golden.models[4]);
    for (model, expected) in [
        (Vec::new(), "it has no pieces"),
        (b"{\"model\": 1}".to_vec(), "no protocol-buffer message"),
        (whole[..whole.len() - 3].to_vec(), "it ends inside a field"),
        (vec![0x0a, 0x02, 0x0a, 0x00], "piece 0 is empty"),
        (vec![0x0a, 0x03, 0x0a, 0x01, 0xff], "piece 0 is not UTF-8"),
        // One piece `a`, then a trainer that says the algorithm is 3, words.
        (
            vec![0x0a, 0x03, 0x0a, 0x01, b'a', 0x12, 0x02, 0x18, 0x03],
            "algorithm 3 is not supported",
        ),
    ] {
        let found = SentencePiece::from_bytes(&model).unwrap_err().to_string();
        assert!(found.contains(expected), "{found} does not say {expected}");
    }
    // Cut anywhere, it is read or refused, and what is read cuts text.
    for end in (0..whole.len()).step_by(7) {
        if let Ok(model) = SentencePiece::from_bytes(&whole[..end]) {
            model.pieces("a cut [INST] text");
        }
    }
}
