//! Tokenizers carried from a GGUF file to `tokenizer.json` and back: the ids stay those that other
//! programs recorded.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod gguf_vocab;

use grimoire_testkit::{golden, models_dir, shared_data};
use grimoire_text::{EncodeOptions, GgufVocab, TextError, Tokenizer};
use serde_json::{Value, json};

/// The tokenizer as it comes back from the two files of a Hugging Face folder.
fn through_json(tokenizer: &Tokenizer) -> Tokenizer {
    let json = tokenizer.to_tokenizer_json().unwrap().to_string();
    let config = Value::Object(tokenizer.to_tokenizer_config()).to_string();
    let ends = tokenizer.special().end_of_generation.clone();
    Tokenizer::from_tokenizer_json(json.as_bytes())
        .unwrap()
        .with_config(config.as_bytes())
        .unwrap()
        .with_ends(&ends)
}

/// There and back, the same special tokens all the way.
fn both_ways(tokenizer: &Tokenizer) -> [Tokenizer; 2] {
    let there = through_json(tokenizer);
    let back = Tokenizer::from_gguf(there.to_gguf(tokenizer.vocab_size()).unwrap()).unwrap();
    for carried in [&there, &back] {
        assert_eq!(carried.special(), tokenizer.special());
        assert_eq!(carried.vocab_size(), tokenizer.vocab_size());
    }
    [there, back]
}

fn texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The ids of llama.cpp and of the `tokenizers` library (`golden/text/encodings.py`).
#[test]
fn smollm2_is_carried() {
    let Some(path) = models_dir("carried smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let tokenizer = Tokenizer::from_gguf(gguf_vocab::read(&path).0).unwrap();
    let rows: Value = golden::read("text/smollm2.json.gz");
    for carried in both_ways(&tokenizer) {
        for row in rows.as_array().unwrap() {
            let text = row["text"].as_str().unwrap();
            for (key, options) in
                [("plain", EncodeOptions::PLAIN), ("marked", EncodeOptions::TEMPLATED)]
            {
                assert_eq!(json!(carried.encode(text, options).unwrap()), row[key], "{text:?}");
            }
        }
    }
}

#[test]
fn every_named_cut_is_carried_by_its_name() {
    let cuts: Value = golden::read("text/cuts.json.gz");
    let all = texts(&cuts["texts"]);
    for (pre, ids) in cuts["ids"].as_object().unwrap() {
        let tokens = texts(&cuts["tokens"]);
        let mut token_types = vec![1; tokens.len()];
        token_types[0] = 3;
        let tokenizer = Tokenizer::from_gguf(GgufVocab {
            model: "gpt2".into(),
            pre: Some(pre.clone()),
            tokens,
            merges: texts(&cuts["merges"]),
            token_types,
            bos: Some(0),
            ..GgufVocab::default()
        })
        .unwrap();
        for carried in both_ways(&tokenizer) {
            for (index, text) in all.iter().enumerate() {
                // Where the family's own tokenizer.json differs from llama.cpp, it counts.
                let library = &cuts["library"][pre][index.to_string()];
                let expected = if library.is_null() { &ids[index] } else { library };
                let found = carried.encode(text, EncodeOptions::PLAIN).unwrap();
                assert_eq!(&json!(found), expected, "{pre} {text:?}");
            }
            // BOS goes first where the family puts it there.
            let whole = carried.encode("a", EncodeOptions::DOCUMENT).unwrap();
            assert_eq!(whole, tokenizer.encode("a", EncodeOptions::DOCUMENT).unwrap(), "{pre}");
        }
    }
}

/// SentencePiece's own ids, with byte fallback and without.
#[test]
fn sentencepiece_models_are_carried() {
    let models: Value = golden::read("text/sentencepiece.json.gz");
    for model in models.as_array().unwrap() {
        let id = |key: &str| model[key].as_u64().map(|id| id as u32);
        let tokenizer = Tokenizer::from_gguf(GgufVocab {
            model: "llama".into(),
            tokens: texts(&model["tokens"]),
            scores: serde_json::from_value(model["scores"].clone()).unwrap(),
            token_types: serde_json::from_value(model["types"].clone()).unwrap(),
            bos: id("bos"),
            eos: id("eos"),
            unknown: id("unknown"),
            ..GgufVocab::default()
        })
        .unwrap();
        for carried in both_ways(&tokenizer) {
            for row in model["rows"].as_array().unwrap() {
                let text = row["text"].as_str().unwrap();
                let ids = carried.encode(text, EncodeOptions::PLAIN).unwrap();
                assert_eq!(json!(ids), row["ids"], "{text:?}");
            }
            let whole = carried.encode("", EncodeOptions::DOCUMENT).unwrap();
            assert_eq!(whole, [id("bos").unwrap()]);
            // A space goes before a text after a control token, none after a user-defined piece.
            for text in ["<s>[INST] Hi [/INST] Hello</s>a", "[INST]a", "a[INST]a</s> a<s>", "[INST"]
            {
                let ids = carried.encode(text, EncodeOptions::TEMPLATED).unwrap();
                assert_eq!(
                    ids,
                    tokenizer.encode(text, EncodeOptions::TEMPLATED).unwrap(),
                    "{text:?}"
                );
            }
        }
    }
}

/// GPT-2's own vocabulary, begun from a `tokenizer.json`, has its name in GGUF.
#[test]
fn gpt2_is_carried_and_its_rows_are_padded() {
    let Some(folder) = shared_data("carried gpt2", "tokenizers-gpt2-bert") else { return };
    let unzip = |name: &str| {
        let bytes = golden::gunzip(&std::fs::read(folder.join(name)).unwrap());
        String::from_utf8(bytes).unwrap()
    };
    let vocab: Value = serde_json::from_str(&unzip("gpt2-vocab.json.gz")).unwrap();
    let merges = unzip("gpt2-merges.txt.gz");
    let merges: Vec<&str> = merges.lines().skip(1).filter(|line| !line.is_empty()).collect();
    let step = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true});
    let json = json!({
        "version": "1.0", "normalizer": null, "added_tokens": [], "pre_tokenizer": step,
        "post_processor": step, "decoder": step,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    });
    let tokenizer = Tokenizer::from_tokenizer_json(json.to_string().as_bytes()).unwrap();
    let vocab = tokenizer.to_gguf(50304).unwrap();
    assert_eq!((vocab.model.as_str(), vocab.pre.as_deref()), ("gpt2", Some("gpt-2")));
    assert_eq!((vocab.tokens.len(), vocab.tokens[50300].as_str()), (50304, "[PAD50300]"));
    let carried = Tokenizer::from_gguf(vocab).unwrap();
    for line in unzip("reference-encodings.jsonl.gz").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = row["text"].as_str().unwrap();
        let ids = carried.encode(text, EncodeOptions::PLAIN).unwrap();
        assert_eq!(json!(ids), row["gpt2_ids"], "{text:?}");
    }
    assert!(tokenizer.to_gguf(50000).is_err(), "fewer rows than tokens");
}

#[test]
fn what_gguf_has_no_key_for_is_refused() {
    let refusal = |parts: Value| {
        let mut json = json!({
            "version": "1.0", "normalizer": null, "added_tokens": [], "pre_tokenizer": null,
            "post_processor": null,
        });
        json.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        let tokenizer = Tokenizer::from_tokenizer_json(json.to_string().as_bytes()).unwrap();
        let error = tokenizer.to_gguf(3).unwrap_err();
        assert!(matches!(error, TextError::NotInGguf { .. }), "{error}");
        error.to_string()
    };
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    });
    let vocab = json!({"a": 0, "[UNK]": 1});
    let bpe = json!({"type": "BPE", "vocab": vocab, "merges": []});
    let words = json!({
        "type": "WordPiece", "vocab": vocab, "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 9,
    });
    let spaces = json!({"type": "Whitespace"});
    let cut = refusal(json!({"pre_tokenizer": spaces, "decoder": bytes, "model": bpe}));
    assert!(cut.contains("tokenizer.ggml.pre"), "{cut}");
    let model = refusal(json!({"pre_tokenizer": bytes, "decoder": bytes, "model": words}));
    assert!(model.contains("not plain BPE"), "{model}");

    // A space after each user-defined piece, as `Prepend` puts it.
    let replace = |from: &str, to: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": to});
    let prepend = json!({"type": "Prepend", "prepend": "▁"});
    let normalized = refusal(json!({
        "normalizer": {"type": "Sequence", "normalizers": [prepend, replace(" ", "▁")]},
        "decoder": {"type": "Sequence", "decoders":
            [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "added_tokens": [{"id": 2, "content": "[INST]", "special": false, "normalized": false,
            "single_word": false, "lstrip": false, "rstrip": false}],
        "model": bpe,
    }));
    assert!(normalized.contains("normalises text"), "{normalized}");
}

/// `tokenizer.json` cannot put a space before a text and look for pieces that have spaces.
#[test]
fn what_tokenizer_json_cannot_say_is_refused() {
    let with = |piece: &str, add_space_prefix: bool| {
        let vocab = GgufVocab {
            model: "llama".into(),
            tokens: ["<unk>", "▁", "a", piece].map(String::from).to_vec(),
            scores: vec![0.0; 4],
            token_types: vec![2, 1, 1, 4],
            unknown: Some(0),
            add_space_prefix: Some(add_space_prefix),
            ..GgufVocab::default()
        };
        Tokenizer::from_gguf(vocab).unwrap()
    };
    let error = with("▁▁", true).to_tokenizer_json().unwrap_err();
    assert!(error.to_string().contains("pieces with spaces"), "{error}");
    for (piece, add_space_prefix) in [("▁▁", false), ("(.*)", true)] {
        let tokenizer = with(piece, add_space_prefix);
        for carried in both_ways(&tokenizer) {
            for text in ["a", "  a   a a", "(.*)a(.*)", "", " "] {
                let ids = tokenizer.encode(text, EncodeOptions::PLAIN).unwrap();
                assert_eq!(carried.encode(text, EncodeOptions::PLAIN).unwrap(), ids, "{text:?}");
            }
        }
    }
}
