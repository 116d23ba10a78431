//! What is no number: NaN and infinity in weights, in adapters, and in a loss that ran away.

use crate::bench::{copy_folder, grimoire, rows, tiny, told};
use grimoire_format::gguf::Gguf;
use grimoire_format::safetensors::SafeTensors;
use std::path::Path;

/// Puts `value` at the sixth place of a tensor that lies at `start`.
fn poison(file: &Path, start: usize, value: f32) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[start + 20..start + 24].copy_from_slice(&value.to_le_bytes());
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn nan_and_infinity_in_weights() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let text = folder.path().join("text.txt");
    std::fs::write(&text, "a b c d e f g h").unwrap();
    let out = folder.path().join("out");
    for tensor in ["blk.0.attn_q.weight", "blk.0.ffn_down.weight", "output_norm.weight"] {
        for value in [f32::NAN, f32::INFINITY] {
            let file = folder.path().join("poisoned.gguf");
            std::fs::copy(tiny(), &file).unwrap();
            let start = Gguf::open(&file).unwrap().tensor(tensor).unwrap().range().start;
            poison(&file, start, value);
            let (model, text) = (file.to_str().unwrap(), text.to_str().unwrap());
            let (data, out) = (data.to_str().unwrap(), out.to_str().unwrap());
            let place = format!("tensor \"{tensor}\" holds {value} at value 5");
            for arguments in [
                vec!["generate", model, "--prompt", "ab"],
                vec!["eval", "perplexity", model, text],
                vec!["tune", model, data, "--out", out],
                vec!["tune", model, data, "--out", out, "--answers", "0", "--method", "full"],
            ] {
                told(&mut grimoire(&arguments)).refuses(&["poisoned.gguf", &place]);
                assert!(!Path::new(out).join("adapter").exists());
                let _ = std::fs::remove_dir_all(out);
            }
            // Weights that would be copied as they are, too.
            let copy = folder.path().join("copy.gguf");
            let merge = ["model", "merge", model, "--out", copy.to_str().unwrap(), "--text", text];
            told(&mut grimoire(merge)).refuses(&[
                "poisoned.gguf",
                tensor,
                &format!("holds {value}"),
            ]);
            assert!(!copy.exists());
        }
    }
}

#[test]
fn nan_in_an_adapter() {
    let folder = tempfile::tempdir().unwrap();
    let (data, model) = (rows(folder.path()), tiny());
    let (run, model) = (folder.path().join("run"), model.to_str().unwrap());
    let mut train = grimoire(["tune", model, data.to_str().unwrap(), "--steps", "2"]);
    told(train.args(["--answers", "0", "--out"]).arg(&run)).works();
    let file = run.join("adapter/adapter_model.safetensors");
    let saved = SafeTensors::open(&file).unwrap();
    let tensor = &saved.tensors()[0];
    poison(&file, tensor.range().start, f32::NAN);
    // The base is whole: the file to make again is the adapter's.
    let file = format!("{}: ", file.display());
    let place = format!("tensor \"{}\"", tensor.name());
    let mut ask = grimoire(["generate", model, "--prompt", "ab", "--adapter"]);
    told(ask.arg(&run)).refuses(&[&file, &place, "found NaN at index 5"]);
}

#[test]
fn a_loss_that_is_no_number_keeps_the_last_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let (data, model) = (rows(folder.path()), tiny());
    let run = folder.path().join("run");
    let mut train = grimoire(["tune", model.to_str().unwrap(), data.to_str().unwrap()]);
    train.args(["--steps", "9", "--rate", "1e30", "--clip", "0", "--save-every", "1"]);
    train.args(["--eval-every", "9", "--warmup", "0", "--answers", "0", "--out"]).arg(&run);
    let stopped = told(&mut train);
    stopped.refuses(&["step 2: the loss is "]);
    let state = run.join("state.safetensors");
    let hint = format!("the last good snapshot is {}", state.display());
    assert!(stopped.stderr.contains(&hint), "{}", stopped.stderr);
    let saved = SafeTensors::open(&state).unwrap();
    assert_eq!(saved.metadata()["steps"], "1");
    for tensor in saved.tensors() {
        assert!(
            tensor.to_f32().unwrap().iter().all(|value| value.is_finite()),
            "{}",
            tensor.name()
        );
    }
    // Going on ends the same way, and takes nothing away.
    let before = std::fs::read(&state).unwrap();
    let again = folder.path().join("again");
    copy_folder(&run, &again);
    told(grimoire(["tune", "--resume"]).arg(&again)).refuses(&["step 2: the loss is "]);
    assert_eq!(std::fs::read(again.join("state.safetensors")).unwrap(), before);
    assert!(!run.join("adapter").exists() && !run.join("report.html").exists());
}

#[test]
fn a_held_out_loss_that_is_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let (data, model) = (rows(folder.path()), tiny());
    let mut train = grimoire(["tune", model.to_str().unwrap(), data.to_str().unwrap()]);
    train.args(["--steps", "3", "--rate", "1e30", "--clip", "0", "--eval-every", "1"]);
    train.args(["--warmup", "0", "--answers", "0", "--out"]).arg(folder.path().join("run"));
    told(&mut train).refuses(&["held-out loss after step 1 is no number"]);
}
