//! Writes models for `golden/models/exports_check.py`: every small model of `golden/models` with an adapter merged
//! and with every weight changed, in f32, as folder and as GGUF file; and, for each, the logits that the model in
//! memory gave and the ids of some texts. Models named on the command line are taken as they are.
//!
//! Run: `cargo run --release -p grimoire-models --example write_exports -- OUT_DIR [MODEL...]`

use grimoire_format::Dtype;
use grimoire_models::{Batch, Checkpoint, Container, Model, Target, Types, export};
use grimoire_tensor::{Params, Tape};
use grimoire_text::EncodeOptions;
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn Error>>;

const MODELS: [&str; 17] = [
    "llama",
    "llama-bias",
    "llama3",
    "smollm",
    "rope-linear",
    "rope-yarn",
    "mistral",
    "qwen2",
    "qwen3",
    "gpt2",
    "gguf/Q4_1.gguf",
    "gguf/mixed.gguf",
    "gguf/llama3.gguf",
    "gguf/rope-yarn.gguf",
    "gguf/qwen2.gguf",
    "gguf/qwen3.gguf",
    "gguf/gpt2.gguf",
];
const TEXTS: [&str; 5] = [
    "the cat and the dog",
    "In 1984, 3.14 * 2 = 6.28; don't!",
    "two  spaces\nand a line",
    "<|im_start|>user\nHi<|im_end|>\n",
    "Crème brûlée, 你好 😀",
];

/// Values in ±1/2 that every language makes alike.
fn value(index: usize, seed: usize) -> f32 {
    ((index * 7919 + seed * 104_729 + 12_345) % 2003) as f32 / 2003.0 - 0.5
}

fn adapt(model: &mut Model, params: &mut Params) {
    for (seed, linear) in model.linears_mut().into_iter().enumerate() {
        let (rank, [out, width]) = (1 + seed % 3, linear.shape(params));
        let values = |n: usize, seed: usize| (0..n).map(|i| 0.5 * value(i, seed)).collect();
        let (a, b) = (values(rank * width, seed), values(out * rank, seed + 500));
        linear.adapt(params, rank, 0.5 + seed as f32 * 0.01, a, b);
    }
}

fn change_all(model: &mut Model, params: &mut Params) {
    model.train_all(params);
    let ids: Vec<_> = params.iter().map(|param| param.id).collect();
    for (seed, id) in ids.into_iter().enumerate() {
        let values = params.values_mut(id).iter_mut().enumerate();
        values.for_each(|(at, weight)| *weight += 0.1 * value(at, seed));
    }
}

fn logits(model: &Model, params: &Params, ids: &[u32]) -> Vec<f32> {
    let tape = Tape::forward_only(params);
    let hidden = model.hidden(&tape, &Batch::documents(&[ids]));
    model.logits(&tape, &hidden).values().to_vec()
}

/// What a reader of the model has to find.
fn expected(path: &Path, model: &Model, params: &Params, from: &Checkpoint) -> Outcome<Value> {
    let ids: Vec<u32> = (3..35).collect();
    let mut texts = Vec::new();
    if let Ok(tokenizer) = from.tokenizer() {
        for text in TEXTS {
            let ids = tokenizer.encode(text, EncodeOptions::TEMPLATED)?;
            texts.push(json!({"text": text, "ids": ids}));
        }
    }
    let logits = logits(model, params, &ids);
    Ok(json!({"path": path, "ids": ids, "logits": logits, "texts": texts}))
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("expected OUT_DIR [MODEL...]")?;
    std::fs::create_dir_all(&out)?;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/models");
    let mut all = Vec::new();
    for name in MODELS {
        for (kind, change) in
            [("merged", adapt as fn(&mut Model, &mut Params)), ("trained", change_all)]
        {
            let (mut model, checkpoint) = Model::open(&golden.join(name))?;
            let mut params = Params::default();
            change(&mut model, &mut params);
            let stem = format!("{}-{kind}", name.replace(['/', '.'], "-"));
            for (container, end) in [(Container::Folder, ""), (Container::Gguf, ".gguf")] {
                let path = out.join(format!("{stem}{end}"));
                let types = Types { matrices: Some(Dtype::F32), outer: Some(Dtype::F32) };
                let target = Target { path: &path, container, types };
                export(&model, &params, &checkpoint, &target, &mut |_, _| {})?;
                all.push(expected(&path, &model, &params, &checkpoint)?);
            }
        }
    }
    for path in arguments {
        let (model, checkpoint) = Model::open(&path)?;
        all.push(expected(&path.canonicalize()?, &model, &Params::default(), &checkpoint)?);
    }
    std::fs::write(out.join("expected.json"), serde_json::to_string(&all)?)?;
    Ok(())
}
