//! The smallest reader of GGUF metadata that these tests need; the real one is in the format
//! crate, which this crate does not see. It trusts its file.

use grimoire_text::GgufVocab;
use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::Path;

enum Value {
    Number(u64),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<u64>),
}

/// The vocabulary and the chat template of a file.
pub(crate) fn read(path: &Path) -> (GgufVocab, Option<String>) {
    let mut file = BufReader::new(std::fs::File::open(path).unwrap());
    assert_eq!(take::<4>(&mut file), *b"GGUF");
    let _version = u32::from_le_bytes(take(&mut file));
    let _tensors = u64::from_le_bytes(take(&mut file));
    let count = u64::from_le_bytes(take(&mut file));
    let mut values: HashMap<String, Value> = HashMap::new();
    for _ in 0..count {
        let key = text(&mut file);
        let kind = u32::from_le_bytes(take(&mut file));
        values.insert(key, value(&mut file, kind));
    }
    let mut texts = |key: &str| match values.remove(key) {
        Some(Value::Texts(texts)) => texts,
        _ => Vec::new(),
    };
    let (tokens, merges) = (texts("tokenizer.ggml.tokens"), texts("tokenizer.ggml.merges"));
    let number = |key: &str| match values.get(key) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let id = |key: &str| number(key).map(|id| id as u32);
    let text = |key: &str| match values.get(key) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let token_types = match values.get("tokenizer.ggml.token_type") {
        Some(Value::Numbers(numbers)) => numbers.iter().map(|kind| *kind as i32).collect(),
        _ => Vec::new(),
    };
    let vocab = GgufVocab {
        model: text("tokenizer.ggml.model").unwrap(),
        pre: text("tokenizer.ggml.pre"),
        tokens,
        scores: Vec::new(),
        token_types,
        merges,
        bos: id("tokenizer.ggml.bos_token_id"),
        eos: id("tokenizer.ggml.eos_token_id"),
        unknown: id("tokenizer.ggml.unknown_token_id"),
        pad: id("tokenizer.ggml.padding_token_id"),
        more_ends: Vec::new(),
        add_bos: number("tokenizer.ggml.add_bos_token").map(|flag| flag != 0),
        add_eos: number("tokenizer.ggml.add_eos_token").map(|flag| flag != 0),
        add_space_prefix: number("tokenizer.ggml.add_space_prefix").map(|flag| flag != 0),
    };
    (vocab, text("tokenizer.chat_template"))
}

fn take<const N: usize>(file: &mut impl Read) -> [u8; N] {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).unwrap();
    bytes
}

fn text(file: &mut impl Read) -> String {
    let length = u64::from_le_bytes(take(file));
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn value(file: &mut impl Read, kind: u32) -> Value {
    match kind {
        0 | 1 | 7 => Value::Number(take::<1>(file)[0].into()),
        2 | 3 => Value::Number(u16::from_le_bytes(take(file)).into()),
        4..=6 => Value::Number(u32::from_le_bytes(take(file)).into()),
        10..=12 => Value::Number(u64::from_le_bytes(take(file))),
        8 => Value::Text(text(file)),
        9 => {
            let inner = u32::from_le_bytes(take(file));
            let count = u64::from_le_bytes(take(file));
            let items = (0..count).map(|_| value(file, inner));
            if inner == 8 {
                Value::Texts(
                    items
                        .map(|item| match item {
                            Value::Text(text) => text,
                            _ => String::new(),
                        })
                        .collect(),
                )
            } else {
                Value::Numbers(
                    items
                        .map(|item| match item {
                            Value::Number(number) => number,
                            _ => 0,
                        })
                        .collect(),
                )
            }
        }
        other => panic!("type {other}"),
    }
}
