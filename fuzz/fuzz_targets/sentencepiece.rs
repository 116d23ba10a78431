//! Any bytes as a SentencePiece model; one that is accepted cuts any text into pieces.
#![no_main]

use grimoire_text::SentencePiece;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = SentencePiece::from_bytes(bytes) {
        for text in ["", " ", "a  b [INST] é 你好 \u{2581}\t①", "no\u{301}thing"] {
            let _ = model.pieces(text);
        }
    }
});
