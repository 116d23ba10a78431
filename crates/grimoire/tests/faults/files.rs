//! Real files of every kind that is read, cut and flipped at seeded places.

use crate::bench::{copy_folder, cuts, draws, flipped, golden, grimoire, rows, tiny, told};
use std::path::{Path, PathBuf};

/// A tokenizer for the recorded folders, which have none: words of one letter.
const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
  "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
  "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "c": 3}, "unk_token": "[UNK]"}}"#;

/// A Hugging Face folder that runs.
fn folder_model(name: &str, at: &Path) -> PathBuf {
    let folder = at.join(name);
    copy_folder(&golden(&format!("models/{name}")), &folder);
    std::fs::write(folder.join("tokenizer.json"), TOKENIZER).unwrap();
    folder
}

/// Damages `file` in many ways; `run` is called after each with what was done, `whole` says whether a cut must
/// be noticed. The file is whole again at the end.
fn damage(file: &Path, head: usize, n_flips: usize, stream: u64, run: &mut dyn FnMut(&str, bool)) {
    let bytes = std::fs::read(file).unwrap();
    let mut draws = draws(stream);
    for cut in cuts(bytes.len(), 8, &mut draws) {
        std::fs::write(file, &bytes[..cut]).unwrap();
        run(&format!("cut to {cut} of {} bytes", bytes.len()), true);
    }
    for n in 0..n_flips {
        std::fs::write(file, flipped(&bytes, head, &mut draws)).unwrap();
        run(&format!("flip {n}"), false);
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn gguf_models() {
    let folder = tempfile::tempdir().unwrap();
    for (stream, name) in ["F32", "Q4_0", "mixed", "gpt2", "qwen3"].into_iter().enumerate() {
        let file = folder.path().join(format!("{name}.gguf"));
        std::fs::copy(golden(&format!("models/gguf/{name}.gguf")), &file).unwrap();
        let file_name = format!("{name}.gguf");
        let model = file.to_str().unwrap();
        let arguments = ["generate", model, "--prompt", "ab", "--max-tokens", "2"];
        told(&mut grimoire(arguments)).works();
        let data = std::fs::metadata(&file).unwrap().len() as usize;
        let mut cut_or_flip = |what: &str, cut: bool| {
            let told = told(&mut grimoire(arguments));
            eprintln!("{name} {what}: {}", told.stderr.lines().next().unwrap_or("works"));
            // The last tensor may be followed by padding, whose loss does not matter.
            if cut && !what.starts_with(&format!("cut to {} ", data - 1)) {
                told.refuses(&[&file_name]);
            } else {
                told.works_or_refuses(&file_name);
            }
        };
        damage(&file, 2900, 40, stream as u64, &mut cut_or_flip);
        // And anywhere in the weights.
        damage(&file, usize::MAX, 6, 50 + stream as u64, &mut cut_or_flip);
    }
}

#[test]
fn safetensors_folders() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("llama", "model.safetensors", 2200),
        ("llama", "config.json", 2200),
        ("llama", "tokenizer.json", 2200),
        ("mistral", "model.safetensors.index.json", 2200),
        ("mistral", "model-00002-of-00002.safetensors", 1200),
    ];
    for (stream, (name, file, head)) in cases.into_iter().enumerate() {
        let model = folder_model(name, folder.path());
        let arguments =
            ["generate", model.to_str().unwrap(), "--prompt", "a b", "--max-tokens", "2"];
        told(&mut grimoire(arguments)).works();
        damage(&model.join(file), head, 40, 100 + stream as u64, &mut |what, cut| {
            let told = told(&mut grimoire(arguments));
            eprintln!("{name}/{file} {what}: {}", told.stderr.lines().next().unwrap_or("works"));
            // Text may lose its last newline, and a token turned into another is a word like any other.
            if cut && file.ends_with(".safetensors") {
                told.refuses(&[name, file]);
            } else {
                told.works_or_refuses(name);
            }
        });
    }
}

#[test]
fn adapters() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out, model) = (rows(folder.path()), folder.path().join("run"), tiny());
    let tune = [&model, &data].map(|path| path.to_str().unwrap());
    let out = out.to_str().unwrap();
    let train = ["tune", tune[0], tune[1], "--steps", "2", "--answers", "0", "--out", out];
    told(&mut grimoire(train)).works();
    let arguments = ["generate", tune[0], "--adapter", out, "--prompt", "ab", "--max-tokens", "2"];
    told(&mut grimoire(arguments)).works();
    let files = ["adapter_config.json", "adapter_model.safetensors"];
    for (stream, file) in files.into_iter().enumerate() {
        let path = Path::new(out).join("adapter").join(file);
        damage(&path, 3000, 40, 200 + stream as u64, &mut |what, cut| {
            let told = told(&mut grimoire(arguments));
            eprintln!("{file} {what}: {}", told.stderr.lines().next().unwrap_or("works"));
            if cut && file.ends_with(".safetensors") {
                told.refuses(&[file]);
            } else {
                told.works_or_refuses("adapter");
            }
        });
    }
}

#[test]
fn an_adapter_of_another_model() {
    let other = golden("format/peft-rslora");
    let (model, other) = (tiny(), other.to_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.txt");
    std::fs::write(&text, "a b c d e f").unwrap();
    let merged = folder.path().join("merged.gguf");
    let (text, merged) = (text.to_str().unwrap(), merged.to_str().unwrap());
    for name in ["builtin", model.to_str().unwrap()] {
        for arguments in [
            vec!["generate", name, "--adapter", other, "--prompt", "a"],
            vec!["chat", name, "--adapter", other],
            vec!["eval", "perplexity", name, text, "--adapter", other],
            vec!["model", "merge", name, other, "--out", merged],
        ] {
            told(&mut grimoire(&arguments)).refuses(&["peft-rslora", "another model"]);
        }
    }
    assert!(!Path::new(merged).exists());
}

#[test]
fn the_folder_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let (data, model) = (rows(folder.path()), tiny());
    let good = folder.path().join("good");
    let (model, data) = (model.to_str().unwrap(), data.to_str().unwrap());
    let mut train = grimoire(["tune", model, data, "--steps", "4", "--save-every", "2"]);
    told(train.args(["--answers", "2", "--answer-tokens", "2", "--out"]).arg(&good)).works();
    let adapter =
        |run: &Path| std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap();
    let files = ["run.json", "before.json", "metrics.jsonl", "state.safetensors"];
    for (stream, file) in files.into_iter().enumerate() {
        let run = folder.path().join(format!("run-{stream}"));
        copy_folder(&good, &run);
        damage(&run.join(file), 4000, 25, 300 + stream as u64, &mut |what, cut| {
            let broken = std::fs::read(run.join(file)).unwrap();
            let told = told(grimoire(["tune", "--resume"]).arg(&run));
            eprintln!("{file} {what}: {}", told.stderr.lines().last().unwrap_or("works"));
            if cut && file == "state.safetensors" {
                told.refuses(&[file]);
            } else {
                told.works_or_refuses("");
            }
            // A refusal changes nothing; damage to what is only told does not touch the weights.
            if told.code != Some(0) {
                assert_eq!(std::fs::read(run.join(file)).unwrap(), broken, "{file} {what}");
                assert_eq!(adapter(&run), adapter(&good), "{file} {what}");
            } else if file == "metrics.jsonl" || file == "before.json" {
                assert_eq!(adapter(&run), adapter(&good), "{file} {what}");
            }
            // What a resumed run wrote anew is not the next trial's business.
            std::fs::remove_dir_all(&run).unwrap();
            copy_folder(&good, &run);
        });
    }
}
