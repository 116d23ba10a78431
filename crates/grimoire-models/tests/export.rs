//! A merged model computes what the model with its adapter computes, and nothing else of it changes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use grimoire_format::Dtype;
use grimoire_models::{
    Batch, Checkpoint, Container, Model, ModelError, Target, Types, Written, export,
};
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

fn all(dtype: Dtype) -> Types {
    Types { matrices: Some(dtype), outer: Some(dtype) }
}

/// Writes the model where `to` says as what: a name that ends in `.gguf` is a file.
fn write(
    (model, params, from): (&Model, &Params, &Checkpoint),
    to: &Path,
    types: Types,
) -> Result<Written, ModelError> {
    let gguf = to.extension().is_some_and(|end| end == "gguf");
    let container = if gguf { Container::Gguf } else { Container::Folder };
    let target = Target { path: to, container, types };
    export(model, params, from, &target, &mut |_, _| {})
}

fn merged(
    model: &Model,
    params: &Params,
    from: &Checkpoint,
    to: &Path,
    types: Types,
) -> (Model, Written) {
    let report = write((model, params, from), to, types).unwrap();
    assert_eq!(report.changed, model.linears().len());
    (Model::open(to).unwrap().0, report)
}

/// Every family from its folder and its GGUF file into both: rows of q and k turned, GPT-2's matrices too,
/// scalings of the rotary embedding stated in the other's terms.
#[test]
fn merging_in_f32_keeps_the_logits_in_either_container() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
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
        "gguf/F32.gguf",
        "gguf/Q4_1.gguf",
        "gguf/mixed.gguf",
        "gguf/llama3.gguf",
        "gguf/rope-linear.gguf",
        "gguf/rope-yarn.gguf",
        "gguf/qwen2.gguf",
        "gguf/qwen3.gguf",
        "gguf/gpt2.gguf",
    ];
    for name in names {
        let (mut model, checkpoint) = Model::open(&golden(name)).unwrap();
        let plain = logits(&model, &Params::default());
        let params = adapt(&mut model);
        let expected = logits(&model, &params);
        let moved = plain.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(moved > 0.05, "{name}: the adapter changes something, by {moved}");
        let stem = name.replace(['/', '.'], "-");
        for out in [stem.clone(), format!("{stem}.gguf")] {
            let (written, _) =
                merged(&model, &params, &checkpoint, &folder.path().join(&out), all(Dtype::F32));
            // The same sums in another order: the bound of issue and families.rs.
            all_close(&logits(&written, &Params::default()), &expected, 0.0, 1e-4);
        }
        // And back into the container that it came from, from the other one: only the tensors go twice.
        let there = format!("{stem}{}", if checkpoint.gguf().is_some() { "" } else { ".gguf" });
        let (model, there) = Model::open(&folder.path().join(there)).unwrap();
        let end = if checkpoint.gguf().is_some() { ".gguf" } else { "" };
        let back = folder.path().join(format!("{stem}-back{end}"));
        write((&model, &Params::default(), &there), &back, Types::default()).unwrap();
        let (back, _) = Model::open(&back).unwrap();
        all_close(&logits(&back, &Params::default()), &expected, 0.0, 1e-4);
    }
}

/// Every weight trained: the file holds what is in memory, to the bit where it is f32 all along.
#[test]
fn a_model_trained_in_full_is_written_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["llama", "llama3", "mistral", "qwen3", "gpt2", "gguf/Q4_1.gguf", "gguf/gpt2.gguf"]
    {
        let (mut model, checkpoint) = Model::open(&golden(name)).unwrap();
        let mut params = Params::default();
        model.train_all(&mut params);
        let ids: Vec<_> = params.iter().map(|param| param.id).collect();
        for (index, id) in ids.into_iter().enumerate() {
            for (at, value) in params.values_mut(id).iter_mut().enumerate() {
                *value += 0.05 * ((at as f32 * 0.7 + index as f32).sin());
            }
        }
        let expected = logits(&model, &params);
        let stem = name.replace(['/', '.'], "-");
        for out in [stem.clone(), format!("{stem}.gguf")] {
            let to = folder.path().join(out);
            let report = write((&model, &params, &checkpoint), &to, Types::default()).unwrap();
            assert_eq!(report.types.keys().copied().collect::<Vec<_>>(), [Dtype::F32], "{name}");
            assert_eq!(report.changed, params.len());
            let (again, written) = Model::open(&to).unwrap();
            let found = logits(&again, &Params::default());
            if written.permutes_qk() == checkpoint.permutes_qk() {
                assert_eq!(found, expected, "{name}");
            } else {
                // Products of a query and a key are summed in another order.
                all_close(&found, &expected, 0.0, 1e-4);
            }
        }
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
        merged(&model, &params, &checkpoint, &to, Types::default());
        let after = Checkpoint::open(&to).unwrap();
        for (a, b) in checkpoint.tensors().iter().zip(after.tensors()) {
            assert_eq!((a.name(), a.shape()), (b.name(), b.shape()));
            let module = a.name().strip_suffix(".weight").unwrap_or(a.name());
            let path = checkpoint.naming().path(module).unwrap_or_default();
            let adapted =
                model.linears().iter().any(|l| l.path == path) && a.name().ends_with(".weight");
            // What an adapter changed does not stay below eight bits, where rounding would take the change back.
            let low = a.dtype().block_bytes() < a.dtype().block_len();
            assert_eq!(b.dtype(), if adapted && low { Dtype::Q8_0 } else { a.dtype() });
            assert_eq!(a.bytes() == b.bytes(), !adapted, "{name}: {}", a.name());
        }
        if let (Some(a), Some(b)) = (checkpoint.gguf(), after.gguf()) {
            let keys: Vec<&str> = a.metadata().keys().collect();
            assert!(keys.iter().all(|key| a.metadata().get(key) == b.metadata().get(key)));
        }
        assert_eq!(checkpoint.chat_template().unwrap(), after.chat_template().unwrap());
        // Twice gives the same bytes.
        let again = folder.path().join(format!("again-{}", name.replace('/', "-")));
        merged(&model, &params, &checkpoint, &again, Types::default());
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
        let types = Types { matrices: Some(dtype), outer: None };
        let (written, report) = merged(&model, &params, &checkpoint, &to, types);
        let off: f64 = logits(&written, &Params::default())
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
        let of = |name: &str| file.tensor(name).unwrap().dtype();
        assert_eq!(of("output_norm.weight"), Dtype::F32);
        assert_eq!(of("blk.0.ffn_up.weight"), dtype);
        // The embedding is not put below 8 bits unless that is asked for, and it is said.
        let low = matches!(dtype, Dtype::Q4_0 | Dtype::Q4_1);
        assert_eq!(of("token_embd.weight"), if low { Dtype::Q8_0 } else { dtype });
        assert_eq!(report.notes.iter().any(|note| note.contains("--outer-type")), low);
        let (_, report) = merged(&model, &params, &checkpoint, &to, all(dtype));
        assert_eq!(
            Checkpoint::open(&to).unwrap().tensor("token_embd.weight").unwrap().dtype(),
            dtype
        );
        assert_eq!(report.notes, [] as [String; 0]);
    }
    // safetensors has no block types, and says so where it meets one.
    let to = folder.path().join("folder");
    let error = write((&model, &params, &checkpoint), &to, all(Dtype::Q8_0)).unwrap_err();
    assert!(error.to_string().contains("safetensors has no type Q8_0"), "{error}");
    let (mut quantised, checkpoint) = Model::open(&golden("gguf/Q4_1.gguf")).unwrap();
    let params = adapt(&mut quantised);
    let (_, report) = merged(&quantised, &params, &checkpoint, &to, Types::default());
    assert!(report.types.contains_key(&Dtype::F16), "{:?}", report.types);
    assert!(report.notes.iter().any(|note| note.contains("no block types")), "{:?}", report.notes);
}

/// What the other container cannot state is an error, and nothing is written.
#[test]
fn what_cannot_be_stated_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |family: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let from = folder.path().join(family);
        std::fs::create_dir_all(&from).unwrap();
        for file in std::fs::read_dir(golden(family)).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), from.join(file.file_name())).unwrap();
        }
        let config = from.join("config.json");
        let mut value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(&config, value.to_string()).unwrap();
        let (model, checkpoint) = Model::open(&from).unwrap();
        let to = folder.path().join("out.gguf");
        let params = Params::default();
        let error = write((&model, &params, &checkpoint), &to, Types::default()).unwrap_err();
        assert!(!to.exists());
        error.to_string()
    };
    let error = with("rope-yarn", &|config| {
        let key =
            if config["rope_parameters"].is_null() { "rope_scaling" } else { "rope_parameters" };
        config[key]["truncate"] = false.into();
    });
    assert!(error.contains("truncate: cannot be written in the other format"), "{error}");
    let error = with("llama", &|config| config["partial_rotary_factor"] = 0.5.into());
    assert!(error.contains("partial_rotary_factor"), "{error}");
    // A value beyond f16 is not made an infinity.
    let (mut model, checkpoint) = Model::open(&golden("llama")).unwrap();
    let mut params = Params::default();
    model.train_all(&mut params);
    let id = params.iter().next().unwrap().id;
    params.values_mut(id)[0] = 1e6;
    let types = Types { matrices: Some(Dtype::F16), outer: None };
    let error = write((&model, &params, &checkpoint), &folder.path().join("h"), types).unwrap_err();
    assert!(error.to_string().contains("would hold 1000000"), "{error}");
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
    let error = write((&model, &params, &checkpoint), &to, Types::default()).unwrap_err();
    assert!(error.to_string().contains("would hold NaN"), "{error}");
    assert_eq!(std::fs::read(&to).unwrap(), b"what was there");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
