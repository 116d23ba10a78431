//! The tokenizers against ids by programs that nobody here wrote: GPT-2 and BERT by the reference
//! encodings of the data folder, SmolLM2 and the cuts by llama.cpp and the Hugging Face library
//! (`golden/text/encodings.py`), the SentencePiece kind by SentencePiece itself.

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
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Reference {
    text: String,
    gpt2_ids: Vec<u32>,
    bert_uncased_ids: Vec<u32>,
}

fn references(test: &str) -> Option<(std::path::PathBuf, Vec<Reference>)> {
    let folder = shared_data(test, "tokenizers-gpt2-bert")?;
    let lines = unzip(&folder.join("reference-encodings.jsonl.gz"));
    let rows: Vec<Reference> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 188);
    Some((folder, rows))
}

fn unzip(path: &std::path::Path) -> String {
    String::from_utf8(golden::gunzip(&std::fs::read(path).unwrap())).unwrap()
}

fn gpt2_parts(folder: &std::path::Path) -> (HashMap<String, u32>, Vec<String>) {
    let vocab = serde_json::from_str(&unzip(&folder.join("gpt2-vocab.json.gz"))).unwrap();
    let merges = unzip(&folder.join("gpt2-merges.txt.gz"));
    (vocab, merges.lines().skip(1).filter(|line| !line.is_empty()).map(String::from).collect())
}

fn in_order(vocab: HashMap<String, u32>) -> Vec<String> {
    let by_id: BTreeMap<u32, String> = vocab.into_iter().map(|(text, id)| (id, text)).collect();
    by_id.into_values().collect()
}

#[test]
fn gpt2_from_gguf_values_gives_the_188_reference_encodings() {
    let Some((folder, rows)) = references("gpt2 from gguf values") else { return };
    let (vocab, merges) = gpt2_parts(&folder);
    let tokens = in_order(vocab);
    let mut token_types = vec![1; tokens.len()];
    token_types[50256] = 3;
    let tokenizer = Tokenizer::from_gguf(GgufVocab {
        model: "gpt2".into(),
        pre: Some("gpt-2".into()),
        tokens,
        token_types,
        merges,
        bos: Some(50256),
        eos: Some(50256),
        ..GgufVocab::default()
    })
    .unwrap();
    for row in &rows {
        let ids = tokenizer.encode(&row.text, EncodeOptions::PLAIN).unwrap();
        assert_eq!(ids, row.gpt2_ids, "{:?}", row.text);
        assert_eq!(tokenizer.decode(&ids, false), row.text);
    }
    assert_eq!(tokenizer.encode("<|endoftext|>", EncodeOptions::TEMPLATED).unwrap(), [50256]);
    assert!(tokenizer.ends_generation(50256) && tokenizer.is_special(50256));
}

#[test]
fn gpt2_and_bert_from_tokenizer_json_give_the_188_reference_encodings() {
    let Some((folder, rows)) = references("gpt2 and bert from tokenizer.json") else { return };
    let (vocab, merges) = gpt2_parts(&folder);
    let byte_level = serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "added_tokens": [],
        "pre_tokenizer": byte_level, "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    });
    let gpt2 = Tokenizer::from_tokenizer_json(json.to_string().as_bytes()).unwrap();

    let words = unzip(&folder.join("bert-base-uncased-vocab.txt.gz"));
    let vocab: HashMap<&str, usize> =
        words.lines().enumerate().map(|(id, word)| (word, id)).collect();
    let special = |id: u32, text: &str| serde_json::json!({"id": id, "content": text, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false});
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(100, "[UNK]"), special(101, "[CLS]"), special(102, "[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "vocab": vocab, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100},
    });
    let bert = Tokenizer::from_tokenizer_json(json.to_string().as_bytes()).unwrap();
    for row in &rows {
        assert_eq!(
            gpt2.encode(&row.text, EncodeOptions::PLAIN).unwrap(),
            row.gpt2_ids,
            "{:?}",
            row.text
        );
        assert_eq!(
            bert.encode(&row.text, EncodeOptions::DOCUMENT).unwrap(),
            row.bert_uncased_ids,
            "{:?}",
            row.text
        );
        assert_eq!(gpt2.decode(&row.gpt2_ids, false), row.text);
    }
    // WordPiece has no bytes of its own: the library's decoder speaks, also in a stream.
    let ids = bert.encode("an unaffable walk", EncodeOptions::DOCUMENT).unwrap();
    assert_eq!(bert.decode(&ids, true), "an unaffable walk");
    let mut stream = bert.stream(true);
    let mut streamed: String = ids.iter().map(|id| stream.push(*id)).collect();
    streamed.push_str(&stream.finish());
    assert_eq!(streamed, "an unaffable walk");
}

#[derive(Deserialize)]
struct SmolLm2Row {
    text: String,
    marked: Vec<u32>,
    plain: Vec<u32>,
    decoded: String,
}

#[test]
fn smollm2_from_its_gguf_gives_the_ids_of_two_other_programs() {
    let Some(path) = models_dir("smollm2 tokenizer", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let (vocab, _) = gguf_vocab::read(&path);
    let tokenizer = Tokenizer::from_gguf(vocab).unwrap();
    let rows: Vec<SmolLm2Row> = golden::read("text/smollm2.json.gz");
    assert_eq!(rows.len(), 80);
    for row in &rows {
        let plain = tokenizer.encode(&row.text, EncodeOptions::PLAIN).unwrap();
        assert_eq!(plain, row.plain, "{:?}", row.text);
        let marked = tokenizer.encode(&row.text, EncodeOptions::TEMPLATED).unwrap();
        assert_eq!(marked, row.marked, "{:?}", row.text);
        assert_eq!(tokenizer.decode(&plain, false), row.text);
        assert_eq!(tokenizer.decode(&marked, true), row.decoded);
        let bytes: Vec<u8> =
            plain.iter().flat_map(|id| tokenizer.token_bytes(*id).unwrap()).collect();
        assert_eq!(bytes, row.text.as_bytes());
    }
    assert_eq!(tokenizer.vocab_size(), 49152);
    let special = tokenizer.special();
    assert_eq!(
        (special.bos, special.eos, special.unknown, special.pad),
        (Some(1), Some(2), Some(0), Some(2))
    );
    // <|endoftext|> and <|im_end|>; the file asks for no BOS.
    assert_eq!(special.end_of_generation, [0, 2]);
    assert_eq!(tokenizer.encode("a", EncodeOptions::DOCUMENT).unwrap(), [81]);
    assert_eq!(tokenizer.warnings(), [] as [String; 0]);
}

#[derive(Deserialize)]
struct Cuts {
    tokens: Vec<String>,
    merges: Vec<String>,
    texts: Vec<String>,
    ids: BTreeMap<String, Vec<Vec<u32>>>,
    library: BTreeMap<String, BTreeMap<usize, Vec<u32>>>,
}

/// llama.cpp's ids, except where the family's own tokenizer.json differs: Qwen 2 composes
/// characters first (NFC), which llama.cpp leaves out.
#[test]
fn every_named_cut_gives_the_ids_of_other_programs() {
    let cuts: Cuts = golden::read("text/cuts.json.gz");
    assert_eq!(cuts.library.keys().collect::<Vec<_>>(), ["qwen2"]);
    for (pre, all_ids) in &cuts.ids {
        let mut token_types = vec![1; cuts.tokens.len()];
        token_types[0] = 3;
        let tokenizer = Tokenizer::from_gguf(GgufVocab {
            model: "gpt2".into(),
            pre: Some(pre.clone()),
            tokens: cuts.tokens.clone(),
            merges: cuts.merges.clone(),
            token_types,
            bos: Some(0),
            ..GgufVocab::default()
        })
        .unwrap();
        for (index, (text, llama)) in cuts.texts.iter().zip(all_ids).enumerate() {
            let expected = cuts.library.get(pre).and_then(|rows| rows.get(&index)).unwrap_or(llama);
            assert_eq!(
                &tokenizer.encode(text, EncodeOptions::PLAIN).unwrap(),
                expected,
                "{pre} {text:?}"
            );
        }
        // Llama 3 and Tekken begin texts with BOS unless the file says otherwise.
        assert_eq!(
            tokenizer.special().add_bos,
            ["llama-bpe", "tekken"].contains(&pre.as_str()),
            "{pre}"
        );
    }
}

#[derive(Deserialize)]
struct SentencePiece {
    tokens: Vec<String>,
    scores: Vec<f32>,
    types: Vec<i32>,
    bos: u32,
    eos: u32,
    unknown: u32,
    rows: Vec<SentencePieceRow>,
}

#[derive(Deserialize)]
struct SentencePieceRow {
    text: String,
    ids: Vec<u32>,
    decoded: String,
}

#[test]
fn sentencepiece_models_give_the_ids_of_sentencepiece() {
    let models: Vec<SentencePiece> = golden::read("text/sentencepiece.json.gz");
    assert_eq!(models.len(), 2);
    for (model, falls_back) in models.into_iter().zip([true, false]) {
        let (bos, eos) = (model.bos, model.eos);
        let tokenizer = Tokenizer::from_gguf(GgufVocab {
            model: "llama".into(),
            tokens: model.tokens,
            scores: model.scores,
            token_types: model.types,
            bos: Some(bos),
            eos: Some(eos),
            unknown: Some(model.unknown),
            ..GgufVocab::default()
        })
        .unwrap();
        for row in &model.rows {
            let ids = tokenizer.encode(&row.text, EncodeOptions::PLAIN).unwrap();
            assert_eq!(ids, row.ids, "{falls_back} {:?}", row.text);
            if falls_back {
                assert_eq!(tokenizer.decode(&ids, false), row.decoded, "{:?}", row.text);
            }
        }
        assert_eq!(tokenizer.encode("", EncodeOptions::DOCUMENT).unwrap(), [bos]);
        assert_eq!(tokenizer.encode("</s>", EncodeOptions::TEMPLATED).unwrap(), [eos]);
        assert_ne!(tokenizer.encode("</s>", EncodeOptions::PLAIN).unwrap(), [eos]);
    }
}

/// A llama2.c vocabulary: by its README, 3 to 258 are bytes and spaces stand in the pieces.
#[test]
fn the_tiny_real_model_gives_its_reference_encodings() {
    let Some(folder) = shared_data("aidreams tokenizer", "aidreams-260k") else { return };
    let file = std::fs::read(folder.join("tokenizer.bin")).unwrap();
    let mut rest = &file[4..];
    let mut take = |count: usize| {
        let (head, tail) = rest.split_at(count);
        rest = tail;
        head
    };
    let (mut tokens, mut scores) = (Vec::new(), Vec::new());
    for _ in 0..512 {
        scores.push(f32::from_le_bytes(take(4).try_into().unwrap()));
        let length = i32::from_le_bytes(take(4).try_into().unwrap());
        tokens.push(String::from_utf8(take(length as usize).to_vec()).unwrap().replace(' ', "▁"));
    }
    let token_types = (0..512)
        .map(|id| match id {
            0 => 2,
            1 | 2 => 3,
            3..=258 => 6,
            _ => 1,
        })
        .collect();
    let tokenizer = Tokenizer::from_gguf(GgufVocab {
        model: "llama".into(),
        tokens,
        scores,
        token_types,
        bos: Some(1),
        eos: Some(2),
        ..GgufVocab::default()
    })
    .unwrap();
    let json = unzip(&folder.join("reference.json.gz"));
    let reference: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows =
        ["encodings", "logprob"].iter().filter_map(|key| reference[key].as_array()).flatten();
    let mut seen = 0;
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(row["ids"].clone()).unwrap();
        assert_eq!(tokenizer.encode(text, EncodeOptions::DOCUMENT).unwrap(), ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids, true), text);
        seen += 1;
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn stretches_of_a_text_are_encoded_as_at_inference() {
    let cuts: Cuts = golden::read("text/cuts.json.gz");
    let tokenizer = Tokenizer::from_gguf(GgufVocab {
        model: "gpt2".into(),
        pre: Some("gpt-2".into()),
        tokens: cuts.tokens,
        merges: cuts.merges,
        ..GgufVocab::default()
    })
    .unwrap();
    let parts = ["the qu", "ick brown", "", " fox"];
    let segments = tokenizer.encode_segments(&parts, EncodeOptions::PLAIN).unwrap();
    for (ids, part) in segments.iter().zip(parts) {
        assert_eq!(ids, &tokenizer.encode(part, EncodeOptions::PLAIN).unwrap());
        assert_eq!(tokenizer.decode(ids, false), part);
    }

    // The SentencePiece kind puts its space before the first stretch only.
    let models: Vec<SentencePiece> = golden::read("text/sentencepiece.json.gz");
    let model = models.into_iter().next().unwrap();
    let tokenizer = Tokenizer::from_gguf(GgufVocab {
        model: "llama".into(),
        tokens: model.tokens,
        scores: model.scores,
        token_types: model.types,
        ..GgufVocab::default()
    })
    .unwrap();
    let ids = tokenizer
        .encode_segments(&["the qu", "ick", " fox"], EncodeOptions::PLAIN)
        .unwrap()
        .concat();
    assert_eq!(tokenizer.decode(&ids, false), "the quick fox");
}

#[test]
fn wrong_vocabularies_are_named() {
    let good = || GgufVocab {
        model: "gpt2".into(),
        pre: Some("gpt-2".into()),
        tokens: ["a", "b", "ab", "c"].map(String::from).to_vec(),
        merges: vec!["a b".into()],
        ..GgufVocab::default()
    };
    let cases: Vec<(GgufVocab, &str)> = vec![
        (GgufVocab { model: "t5".into(), ..good() }, "tokenizer.ggml.model: unsupported kind `t5`"),
        (GgufVocab { pre: Some("new".into()), ..good() }, "unknown pre-tokenizer `new`"),
        (GgufVocab { tokens: vec![], ..good() }, "tokenizer.ggml.tokens: expected between"),
        (
            GgufVocab { token_types: vec![1], ..good() },
            "tokenizer.ggml.token_type: expected as many as tokens, 4, found 1",
        ),
        (GgufVocab { token_types: vec![1, 1, 1, 9], ..good() }, "found 9 at 3"),
        (GgufVocab { token_types: vec![1, 1, 1, 6], ..good() }, "found `c` at 3"),
        (
            GgufVocab { eos: Some(4), ..good() },
            "tokenizer.ggml.eos_token_id: expected an id below 4, found 4",
        ),
        (GgufVocab { merges: vec!["a".into()], ..good() }, "merges[0]: `a`"),
        (GgufVocab { merges: vec!["a b".into(), "a  b".into()], ..good() }, "merges[1]"),
        (GgufVocab { merges: vec!["b c".into()], ..good() }, "`bc` is not a token"),
        (GgufVocab { model: "llama".into(), ..good() }, "tokenizer.ggml.scores"),
        (
            GgufVocab { model: "llama".into(), scores: vec![0.0, f32::NAN, 0.0, 0.0], ..good() },
            "NaN at 1",
        ),
        (
            GgufVocab { model: "llama".into(), scores: vec![0.0; 4], ..good() },
            "256 byte tokens or an unknown token",
        ),
    ];
    for (vocab, expected) in cases {
        let error =
            Tokenizer::from_gguf(vocab).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
    let assumed = Tokenizer::from_gguf(GgufVocab { pre: None, ..good() }).unwrap();
    assert!(assumed.warnings()[0].contains("tokenizer.ggml.pre"), "{:?}", assumed.warnings());
}

#[test]
fn wrong_tokenizer_files_are_errors_and_never_panics() {
    let cases = [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "no `model` object"),
        ("{\"model\": {}}", "tokenizer.json"),
        // Joined, the pieces are longer than any token: the library alone would panic on this.
        (
            r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}"#,
            "merges[0]",
        ),
        (
            r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]}}"#,
            "beyond",
        ),
    ];
    for (json, expected) in cases {
        let error = Tokenizer::from_tokenizer_json(json.as_bytes()).err();
        let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(
            matches!(error, Some(TextError::TokenizerJson { .. })) && text.contains(expected),
            "{text:?} lacks {expected:?}"
        );
    }
}

#[test]
fn the_config_names_the_special_tokens() {
    let json = r#"{"version":"1.0","added_tokens":[
        {"id":2,"content":"<s>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false},
        {"id":3,"content":"</s>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}],
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
            "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
            "special_tokens":{"<s>":{"id":"<s>","ids":[2],"tokens":["<s>"]}}},
        "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
        "model":{"type":"BPE","vocab":{"a":0,"▁":1},"merges":[]}}"#;
    let tokenizer = Tokenizer::from_tokenizer_json(json.as_bytes())
        .unwrap()
        .with_config(br#"{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null, "unk_token": "<none>"}"#)
        .unwrap();
    let special = tokenizer.special();
    assert_eq!(
        (special.bos, special.eos, special.add_bos, special.add_eos),
        (Some(2), Some(3), true, false)
    );
    assert_eq!(special.end_of_generation, [3]);
    assert_eq!(tokenizer.encode("a", EncodeOptions::DOCUMENT).unwrap(), [2, 1, 0]);
    assert_eq!(tokenizer.warnings().len(), 1);
    assert_eq!(tokenizer.decode(&[2, 1, 0, 1, 0], true), "a a");
    // All at once, because a space goes before every text: the pieces of "aa a".
    let segments = tokenizer.encode_segments(&["aa", " a"], EncodeOptions::DOCUMENT).unwrap();
    assert_eq!(segments, [vec![2, 1, 0, 0], vec![1, 0]]);
}

#[test]
fn tokenizers_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Tokenizer>();
}
