//! A merged model computes what the model with its adapter computes, and nothing else of it changes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use grimoire_format::Dtype;
use grimoire_models::{Batch, Checkpoint, Model, export};
use grimoire_tensor::{Params, Tape};
use grimoire_testkit::{all_close, repository_root};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    repository_root().join("golden/models").join(name)
}

fn logits(model: &Model, params: &Params) -> Vec<f32> {
    let tape = Tape::forward_only(params);
    let ids: Vec<u32> = (3..35).collect();
    let hidden = model.hidden(&tape, &Batch::documents(&[&ids]));
    model.logits(&tape, &hidden).values().to_vec()
}

/// Adapters with values from a formula, on every linear layer; different ranks and scales.
fn adapt(model: &mut Model) -> Params {
    let mut params = Params::default();
    for (index, linear) in model.linears_mut().into_iter().enumerate() {
        let (rank, [out, width]) = (1 + index % 3, linear.shape(&params));
        let wave =
            |n: usize, f: f32| (0..n).map(|i| 0.2 * (i as f32 * f + index as f32).sin()).collect();
        linear.adapt(
            &mut params,
            rank,
            0.5 + index as f32 * 0.01,
            wave(rank * width, 0.7),
            wave(out * rank, 1.3),
        );
    }
    params
}

fn merged(
    model: &Model,
    params: &Params,
    from: &Checkpoint,
    to: &Path,
    dtype: Option<Dtype>,
) -> Model {
    let mut last = 0;
    let report = export(model, params, from, to, dtype, &mut |done| last = done).unwrap();
    assert_eq!((last, report.tensors), (from.tensors().len(), from.tensors().len()));
    assert_eq!(report.changed, model.linears().len());
    Model::open(to).unwrap().0
}

#[test]
fn merging_in_f32_keeps_the_logits() {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["llama", "qwen2", "qwen3", "gpt2", "gguf/F32.gguf", "gguf/gpt2.gguf", "gguf/Q4_1.gguf"]
    {
        let (mut model, checkpoint) = Model::open(&golden(name)).unwrap();
        let plain = logits(&model, &Params::default());
        let params = adapt(&mut model);
        let expected = logits(&model, &params);
        let moved = plain.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(moved > 0.05, "{name}: the adapter changes something, by {moved}");
        let to = folder.path().join(name.replace('/', "-"));
        let actual = logits(
            &merged(&model, &params, &checkpoint, &to, Some(Dtype::F32)),
            &Params::default(),
        );
        // The same sums in another order: the bound of issue and families.rs.
        all_close(&actual, &expected, 0.0, 1e-4);
    }
}

/// Without a type nothing but the adapted tensors changes, and each keeps its type.
#[test]
fn everything_else_is_carried_along() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["gguf/Q4_1.gguf", "gguf/mixed.gguf", "llama"] {
        let (mut model, checkpoint) = Model::open(&golden(name)).unwrap();
        let params = adapt(&mut model);
        let to = folder.path().join(name.replace('/', "-"));
        merged(&model, &params, &checkpoint, &to, None);
        let after = Checkpoint::open(&to).unwrap();
        for (a, b) in checkpoint.tensors().iter().zip(after.tensors()) {
            assert_eq!((a.name(), a.shape()), (b.name(), b.shape()));
            if b.dtype() != a.dtype() {
                assert!(!grimoire_models::storage(a.dtype()).is_encodable());
                assert_eq!(b.dtype(), Dtype::Q8_0);
            }
            let module = a.name().strip_suffix(".weight").unwrap_or(a.name());
            let path = checkpoint.naming().path(module).unwrap_or_default();
            let adapted =
                model.linears().iter().any(|l| l.path == path) && a.name().ends_with(".weight");
            assert_eq!(a.bytes() == b.bytes(), !adapted, "{name}: {}", a.name());
        }
        if let (Some(a), Some(b)) = (checkpoint.gguf(), after.gguf()) {
            let keys: Vec<&str> = a.metadata().keys().collect();
            assert!(keys.iter().all(|key| a.metadata().get(key) == b.metadata().get(key)));
        }
        assert_eq!(checkpoint.chat_template().unwrap(), after.chat_template().unwrap());
        // Twice gives the same bytes.
        let again = folder.path().join(format!("again-{}", name.replace('/', "-")));
        merged(&model, &params, &checkpoint, &again, None);
        let again = Checkpoint::open(&again).unwrap();
        let same = after.tensors().iter().zip(again.tensors()).all(|(a, b)| a.bytes() == b.bytes());
        assert!(same);
    }
}

#[test]
fn smaller_types_stay_near() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, checkpoint) = Model::open(&golden("gguf/F32.gguf")).unwrap();
    let params = adapt(&mut model);
    let expected = logits(&model, &params);
    let mut last = 0.0;
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::Q8_0, Dtype::Q4_1, Dtype::Q4_0] {
        let to = folder.path().join(format!("{dtype}.gguf"));
        let model = merged(&model, &params, &checkpoint, &to, Some(dtype));
        let off: f64 = logits(&model, &Params::default())
            .iter()
            .zip(&expected)
            .map(|(a, e)| f64::from(a - e).powi(2))
            .sum();
        // The fewer bits, the farther: the order of the types is the order of their errors.
        if dtype != Dtype::Q8_0 {
            assert!(off > last, "{dtype}: {off} is not above {last}");
            last = off;
        }
        let file = Checkpoint::open(&to).unwrap();
        let norm = file.tensors().iter().find(|t| t.name() == "output_norm.weight").unwrap();
        assert_eq!(norm.dtype(), Dtype::F32);
    }
    // safetensors has no block types.
    let (mut model, checkpoint) = Model::open(&golden("llama")).unwrap();
    let params = adapt(&mut model);
    let to = folder.path().join("folder");
    let error =
        export(&model, &params, &checkpoint, &to, Some(Dtype::Q8_0), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("safetensors has no type Q8_0"), "{error}");
}

#[test]
fn broken_weights_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, checkpoint) = Model::open(&golden("gguf/F32.gguf")).unwrap();
    let mut params = adapt(&mut model);
    let b = model.linears()[3].adapter.as_ref().unwrap().b;
    params.values_mut(b)[5] = f32::NAN;
    let to = folder.path().join("x.gguf");
    std::fs::write(&to, "what was there").unwrap();
    let error = export(&model, &params, &checkpoint, &to, None, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("would hold NaN"), "{error}");
    assert_eq!(std::fs::read(&to).unwrap(), b"what was there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
