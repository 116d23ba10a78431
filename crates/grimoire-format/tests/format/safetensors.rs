//! safetensors against files written and read by the `safetensors` package.

use crate::{golden, hex};
use grimoire_format::safetensors::{Checkpoint, SafeTensors, Writer};
use grimoire_format::{Dtype, TensorSpec};
use std::collections::BTreeMap;

#[test]
fn reads_what_the_safetensors_package_wrote() {
    let file = SafeTensors::open(golden("tiny.safetensors")).unwrap();
    let expected: serde_json::Value = grimoire_testkit::golden::read("format/expected.json");
    let expected = expected["safetensors"].as_object().unwrap();
    assert_eq!(file.metadata()["note"], "tiny");
    assert_eq!(file.tensors().len() + file.others().len(), expected.len());
    for tensor in file.tensors() {
        let recorded = &expected[tensor.name()];
        let dtype = match tensor.dtype() {
            Dtype::F32 => "float32",
            Dtype::F16 => "float16",
            other => panic!("{other}"),
        };
        assert_eq!(recorded["dtype"], dtype);
        assert_eq!(recorded["shape"], serde_json::json!(tensor.shape()));
        assert_eq!(hex(&recorded["bytes"]), tensor.bytes());
        assert_eq!(tensor.to_f32().unwrap().len(), tensor.len());
    }
    let error = file.tensor("ids").unwrap_err().to_string();
    assert!(error.ends_with(
        "tiny.safetensors: type I64 of tensor \"ids\" is not supported: weights are read as F32, F16 or BF16"
    ), "{error}");
}

fn write(path: &std::path::Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let specs: Vec<TensorSpec> = tensors
        .iter()
        .map(|(name, dtype, shape, _)| TensorSpec {
            name: (*name).into(),
            dtype: *dtype,
            shape: (*shape).into(),
        })
        .collect();
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut writer = Writer::create(path, &metadata, &specs).unwrap();
    for (name, _, _, data) in tensors {
        for piece in data.chunks(3) {
            writer.append(name, piece).unwrap();
        }
    }
    writer.finish().unwrap();
}

#[test]
fn writes_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let half: Vec<u8> = (0..12).collect();
    write(
        &path,
        &[
            ("none", Dtype::F32, &[0, 4], vec![]),
            ("half", Dtype::BF16, &[2, 3], half.clone()),
            ("scalar", Dtype::F32, &[], 1.5_f32.to_le_bytes().into()),
            ("end", Dtype::F16, &[0], vec![]),
        ],
    );
    let file = SafeTensors::open(&path).unwrap();
    assert_eq!(file.tensor("half").unwrap().bytes(), half);
    assert_eq!(file.tensor("scalar").unwrap().to_f32().unwrap(), [1.5]);
    assert!(file.tensor("none").unwrap().is_empty());
    assert_eq!(file.metadata()["format"], "pt");
    let unfinished = Writer::create(
        folder.path().join("y"),
        &BTreeMap::new(),
        &[TensorSpec { name: "a".into(), dtype: Dtype::F32, shape: vec![1] }],
    );
    assert!(unfinished.unwrap().finish().is_err());
    for (dtype, name) in [(Dtype::Q4_1, "a"), (Dtype::F32, "__metadata__")] {
        let spec = TensorSpec { name: name.into(), dtype, shape: vec![32] };
        assert!(Writer::create(folder.path().join("y"), &BTreeMap::new(), &[spec]).is_err());
    }
}

#[test]
fn a_folder_is_one_file_or_shards() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let index = |map: &str| {
        std::fs::write(
            at("model.safetensors.index.json"),
            format!("{{\"metadata\":{{\"total_size\":8}},\"weight_map\":{{{map}}}}}"),
        )
        .unwrap();
        Checkpoint::open(folder.path())
    };
    let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no file \"model.safetensors\""), "{error}");
    write(&at("m-1.safetensors"), &[("a", Dtype::F32, &[1], vec![1; 4])]);
    write(&at("m-2.safetensors"), &[("b", Dtype::F32, &[1], vec![2; 4])]);
    let both = index(r#""a":"m-1.safetensors","b":"m-2.safetensors""#).unwrap();
    assert_eq!((both.tensors().len(), both.files().len()), (2, 2));
    assert_eq!(both.tensor("b").unwrap().bytes(), [2; 4]);
    for (map, expected) in [
        (r#""a":"m-2.safetensors""#, "m-2.safetensors: no tensor \"a\""),
        (r#""a":"m-3.safetensors""#, "m-3.safetensors: cannot open"),
        (r#""a":"../m-1.safetensors""#, "expected the plain name of a .safetensors file"),
        (r#""a":"/etc/x.safetensors""#, "expected the plain name of a .safetensors file"),
        (r#""a":7"#, "expected a weight_map"),
        ("", "expected at least one tensor"),
    ] {
        let error = index(map).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    write(&at("model.safetensors"), &[("c", Dtype::F32, &[1], vec![3; 4])]);
    assert_eq!(Checkpoint::open(folder.path()).unwrap().tensors()[0].name(), "c");
    assert_eq!(Checkpoint::open(at("m-1.safetensors")).unwrap().tensors()[0].name(), "a");
}
