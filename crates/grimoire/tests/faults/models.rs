//! Models that were put together wrongly: each is refused by every command that opens one, with the file and the
//! place.

use crate::bench::{copy_folder, golden, grimoire, rows, tiny, told};
use grimoire_format::gguf::{Gguf, MetadataWriter, Writer};
use grimoire_format::{Dtype, TensorSpec};
use std::path::Path;

/// Every command that opens a model refuses it.
#[track_caller]
fn refused_by_all(model: &Path, data: &Path, words: &[&str]) {
    refused_by_speakers(model, data, words);
    let merged = data.with_file_name("merged.gguf");
    let mut merge = grimoire([Path::new("model"), Path::new("merge"), model, model]);
    told(merge.arg("--out").arg(&merged)).refuses(words);
    assert!(!merged.exists(), "a refusal left a file");
}

/// Every command that makes or reads text refuses it.
#[track_caller]
fn refused_by_speakers(model: &Path, data: &Path, words: &[&str]) {
    let (text, out) = (data.with_file_name("text.txt"), data.with_file_name("out"));
    std::fs::write(&text, "a b c d").unwrap();
    let [model, data, text, out_name] =
        [model, data, &text, &out].map(|path| path.to_str().unwrap());
    for arguments in [
        vec!["generate", model, "--prompt", "ab"],
        vec!["tune", model, data, "--out", out_name],
        vec!["tune", model, data, "--dry-run"],
        vec!["eval", "perplexity", model, text],
    ] {
        told(&mut grimoire(&arguments)).refuses(words);
    }
    assert!(!out.exists(), "a refusal left a folder");
}

/// Where `text` is in `bytes`.
fn find(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap()
}

/// The place behind a tensor's name in a GGUF header: number of dimensions, dimensions, type, offset.
fn behind_name(bytes: &[u8], tensor: &str) -> (usize, usize) {
    let at = find(bytes, tensor) + tensor.len();
    let dimensions = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    (at + 4, at + 4 + 8 * dimensions)
}

#[test]
fn gguf_headers() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let good = std::fs::read(tiny()).unwrap();
    let put = |at: usize, value: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let (q_dimensions, q_type) = behind_name(&good, "blk.0.attn_q.weight");
    let (_, k_type) = behind_name(&good, "blk.0.attn_k.weight");
    let q_offset = &good[q_type + 4..q_type + 12];
    let architecture = find(&good, "general.architecture") + "general.architecture".len() + 12;
    let cases: [(&str, Vec<u8>, &[&str]); 10] = [
        ("tensors", put(8, &u64::MAX.to_le_bytes()), &["number of tensors"]),
        ("pairs", put(16, &(1u64 << 40).to_le_bytes()), &["number of metadata pairs"]),
        ("key", put(24, &(1u64 << 50).to_le_bytes()), &["byte 32", "string"]),
        ("unknown-type", put(q_type, &99u32.to_le_bytes()), &["attn_q", "99", "not supported"]),
        ("other-type", put(q_type, &16u32.to_le_bytes()), &["attn_q", "IQ2_XXS", "not supported"]),
        ("overlap", put(k_type + 4, q_offset), &["expected data after byte"]),
        ("outside", put(k_type + 4, &(1u64 << 40).to_le_bytes()), &["attn_k", "bytes of data"]),
        ("shape", put(q_dimensions, &16u64.to_le_bytes()), &["attn_q", "[32, 16]", "[32, 32]"]),
        ("architecture", put(architecture, b"mamba"), &["\"mamba\" is not supported"]),
        ("missing", put(find(&good, "output_norm"), b"outputXnorm"), &["output_norm.weight"]),
    ];
    for (name, bytes, words) in cases {
        let file = folder.path().join(format!("{name}.gguf"));
        std::fs::write(&file, bytes).unwrap();
        let mut all = vec![file.file_name().unwrap().to_str().unwrap()];
        all.extend(words);
        refused_by_all(&file, &data, &all);
        let info = told(grimoire(["model", "info"]).arg(&file));
        // `info` shows what it can of a file whose weights nobody multiplies yet.
        info.works_or_refuses(all[0]);
    }
}

#[test]
fn gguf_without_a_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mute.gguf");
    rewritten(&file, |key| !key.starts_with("tokenizer."), &[]);
    refused_by_speakers(&file, &rows(folder.path()), &["mute.gguf", "no tokenizer"]);
}

/// The tiny model with some of its metadata and more.
pub(crate) fn rewritten(file: &Path, keep: impl Fn(&str) -> bool, more: &[(&str, &str)]) {
    let source = Gguf::open(tiny()).unwrap();
    let mut metadata = MetadataWriter::new();
    for key in source.metadata().keys().filter(|key| keep(key)) {
        metadata.copy(source.metadata(), key);
    }
    for (key, value) in more {
        metadata.str(key, value);
    }
    let spec = |tensor: &grimoire_format::StoredTensor| TensorSpec {
        name: tensor.name().to_owned(),
        shape: tensor.shape().to_vec(),
        dtype: Dtype::F32,
    };
    let specs: Vec<TensorSpec> = source.tensors().iter().map(spec).collect();
    let mut writer = Writer::create(file, &metadata, &specs).unwrap();
    for tensor in source.tensors() {
        writer.append(tensor.name(), tensor.bytes()).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn safetensors_folders() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let model = |name: &str, from: &str| {
        let at = folder.path().join(name);
        copy_folder(&golden(&format!("models/{from}")), &at);
        at
    };
    let edit = |file: &Path, from: &str, to: &str| {
        let bytes = std::fs::read(file).unwrap();
        let at = find(&bytes, from);
        let mut edited = bytes[..at].to_vec();
        edited.extend(to.as_bytes());
        edited.extend(&bytes[at + from.len()..]);
        std::fs::write(file, edited).unwrap();
    };

    let mute = model("mute", "llama");
    refused_by_speakers(&mute, &data, &["mute", "no tokenizer", "tokenizer.json"]);

    let large = model("large", "llama");
    let weights = large.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&weights, bytes).unwrap();
    refused_by_all(&large, &data, &["model.safetensors", "header length"]);

    let kind = model("kind", "llama");
    edit(&kind.join("model.safetensors"), "\"F32\"", "\"Q32\"");
    refused_by_all(&kind, &data, &["model.safetensors", "Q32"]);

    // The first tensor's data begin where the second's do.
    let overlap = model("overlap", "llama");
    edit(&overlap.join("model.safetensors"), "\"data_offsets\":[0,", "\"data_offsets\":[4,");
    refused_by_all(&overlap, &data, &["model.safetensors", "expected"]);

    let shape = model("shape", "llama");
    edit(&shape.join("config.json"), "\"intermediate_size\": 40", "\"intermediate_size\": 48");
    refused_by_all(&shape, &data, &["shape", "has shape", "expected"]);

    let architecture = model("architecture", "llama");
    edit(&architecture.join("config.json"), "\"llama\"", "\"mamba\"");
    refused_by_all(&architecture, &data, &["config.json", "mamba", "not supported"]);

    let shard = model("shard", "mistral");
    std::fs::remove_file(shard.join("model-00002-of-00002.safetensors")).unwrap();
    refused_by_all(&shard, &data, &["model-00002-of-00002.safetensors"]);

    let outside = model("outside", "mistral");
    let index = outside.join("model.safetensors.index.json");
    edit(&index, "model-00002-of-00002.safetensors", "../../../../../../etc/passwd");
    refused_by_all(&outside, &data, &["model.safetensors.index.json"]);
}

#[test]
fn what_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "once upon a time\n").unwrap();
    refused_by_all(&text, &data, &["text.gguf", "magic", "GGUF"]);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused_by_all(&empty, &data, &["empty", "not a model"]);
    refused_by_all(Path::new("/dev/null"), &data, &["/dev/null", "regular file"]);
    refused_by_all(Path::new("./absent.gguf"), &data, &["absent.gguf", "no such file"]);
    // The model is named before the adapter, and an absent adapter of a model that is here is named itself.
    let merge = |model: &Path, adapter: &str| {
        let out = folder.path().join("merged.gguf");
        let mut merge =
            grimoire([Path::new("model"), Path::new("merge"), model, Path::new(adapter)]);
        told(merge.arg("--out").arg(out))
    };
    merge(Path::new("./absent.gguf"), "./lost").refuses(&["./absent.gguf: no such file"]);
    merge(&tiny(), "./lost").refuses(&["./lost: no such adapter"]);
    merge(Path::new("builtin"), "./lost").refuses(&["./lost: no such adapter"]);
}
