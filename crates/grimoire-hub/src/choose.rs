//! Which files of a repository a model needs: not the pickles, not the pictures, not five more
//! copies of the weights in other formats. And which file holds the rows of a data set.

use crate::reference::{Kind, Reference};
use crate::{HubError, Result};
use std::collections::BTreeSet;

/// The index of a model in shards.
pub(crate) const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";
const ADAPTER: &str = "adapter_model.safetensors";

/// Configuration, tokenizer and template, whichever there are.
const SMALL: [&str; 13] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
    "adapter_config.json",
];

/// What is to be fetched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// One file that is a whole model.
    File(String),
    /// A folder with these files; weights come last.
    Folder(Vec<String>),
    /// A folder with these files and the shards that the last of them, the index, names.
    Sharded(Vec<String>),
}

/// Chooses from the files that a repository has, by what the repository is for.
pub(crate) fn choose_for(reference: &Reference, files: &[String]) -> Result<Choice> {
    match reference.kind() {
        Kind::Model => choose(reference.repo(), files),
        Kind::DataSet => choose_rows(reference.repo(), files),
    }
}

/// What files of rows end in, each perhaps with `.gz` after it.
const ROWS: [&str; 6] = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"];
/// Files that describe a data set.
const ABOUT: [&str; 4] =
    ["dataset_infos.json", "dataset_info.json", "package.json", "requirements.txt"];

/// What files of rows end in where none ends in one of [`ROWS`]; many data sets have the same rows in both.
const COLUMNS: &str = ".parquet";

/// The one file of rows of a data set; where there are several, the person names one.
fn choose_rows(what: &str, files: &[String]) -> Result<Choice> {
    let ends = |file: &str, end: &str| file.strip_suffix(".gz").unwrap_or(file).ends_with(end);
    let about = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.starts_with('.') || ABOUT.contains(&name)
    };
    let readable = |file: &&String| !about(file) && ROWS.iter().any(|end| ends(file, end));
    let mut rows: Vec<&String> = files.iter().filter(readable).collect();
    if rows.is_empty() {
        rows = files.iter().filter(|file| file.ends_with(COLUMNS)).collect();
    }
    let formats = "JSON Lines, JSON, CSV, TSV and text, each also .gz, and Parquet are";
    let reason = match rows.as_slice() {
        [only] => return Ok(Choice::File((*only).clone())),
        [] => format!("it has no file of rows that is read here; {formats}"),
        several => format!("it has several files of rows; name one of {}", list(what, several)),
    };
    Err(HubError::Unusable { what: what.to_owned(), reason })
}

/// The first dozen of files, as a person would ask for them.
fn list(what: &str, files: &[&String]) -> String {
    let names: Vec<String> = files.iter().take(12).map(|file| format!("{what}/{file}")).collect();
    names.join(", ") + if files.len() > 12 { " and more" } else { "" }
}

/// Chooses from the files that the repository of a model has.
fn choose(what: &str, files: &[String]) -> Result<Choice> {
    let has = |name: &str| files.iter().any(|file| file == name);
    let with = |weights: &str| {
        let small = SMALL.into_iter().filter(|name| has(name));
        small.chain([weights]).map(str::to_owned).collect()
    };
    if has("config.json") && has(SINGLE) {
        return Ok(Choice::Folder(with(SINGLE)));
    }
    if has("config.json") && has(INDEX) {
        return Ok(Choice::Sharded(with(INDEX)));
    }
    if has("adapter_config.json") && has(ADAPTER) {
        return Ok(Choice::Folder(with(ADAPTER)));
    }
    let gguf: Vec<&String> = files.iter().filter(|file| file.ends_with(".gguf")).collect();
    let reason = match gguf.as_slice() {
        [only] => return Ok(Choice::File((*only).clone())),
        [] if has("pytorch_model.bin") || has("pytorch_model.bin.index.json") => {
            "it has only pickled PyTorch weights, which run code when they are read".to_owned()
        }
        [] => format!("it has no config.json with {SINGLE} or {INDEX}, and no .gguf file"),
        several => format!("it has several GGUF files; name one of {}", list(what, several)),
    };
    Err(HubError::Unusable { what: what.to_owned(), reason })
}

/// The shards that an index names, each once; their names are plain.
pub(crate) fn shards(path: &std::path::Path) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: std::collections::BTreeMap<String, String>,
    }
    let bytes = std::fs::read(path).map_err(HubError::io(path, "read"))?;
    let wrong = |found: String| HubError::Answer {
        url: path.display().to_string(),
        expected: "a weight_map of tensors to .safetensors files".into(),
        found,
    };
    let index: Index = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    match names.iter().find(|name| {
        !name.ends_with(".safetensors")
            || name.contains('/')
            || !crate::reference::is_relative(name)
    }) {
        Some(bad) => Err(wrong(format!("{bad:?}"))),
        None if names.is_empty() => Err(wrong("an empty one".into())),
        None => Ok(names.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> std::result::Result<Choice, String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        choose("org/name", &files).map_err(|e| e.to_string())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn takes_what_a_model_needs_and_no_more() {
        let all = [".gitattributes", "README.md", "pytorch_model.bin", "model.safetensors", SINGLE];
        let mut with: Vec<&str> = all.into();
        with.extend(["tokenizer.json", "config.json", "onnx/model.onnx", "a.gguf", INDEX]);
        assert_eq!(
            of(&with),
            Ok(Choice::Folder(names(&["config.json", "tokenizer.json", SINGLE])))
        );
        assert_eq!(
            of(&["config.json", "m-1.safetensors", INDEX, "chat_template.jinja"]),
            Ok(Choice::Sharded(names(&["config.json", "chat_template.jinja", INDEX])))
        );
        assert_eq!(of(&["README.md", "x.Q4_1.gguf"]), Ok(Choice::File("x.Q4_1.gguf".into())));
        assert_eq!(
            of(&["adapter_config.json", ADAPTER, "tokenizer.json"]),
            Ok(Choice::Folder(names(&["tokenizer.json", "adapter_config.json", ADAPTER])))
        );
    }

    #[test]
    fn the_rows_of_a_data_set_are_in_one_file_that_is_read_here() {
        let of = |files: &[&str]| choose_rows("org/name", &names(files)).map_err(|e| e.to_string());
        let about = [".gitattributes", "README.md", "dataset_infos.json", "data/.x.json"];
        let with = |more: &[&str]| of(&[&about[..], more].concat());
        for file in ["data/test.jsonl", "a.csv.gz", "b.tsv", "c.json", "d.txt"] {
            assert_eq!(with(&[file, "x.parquet"]), Ok(Choice::File(file.into())));
        }
        let error = with(&["train.jsonl", "test.jsonl"]).unwrap_err();
        let expected = "org/name: it has several files of rows; name one of org/name/train.jsonl, org/name/test.jsonl";
        assert_eq!(error, expected);
        assert_eq!(with(&["x.parquet"]), Ok(Choice::File("x.parquet".into())));
        let error = with(&["a.parquet", "b.parquet"]).unwrap_err();
        assert!(error.ends_with("name one of org/name/a.parquet, org/name/b.parquet"), "{error}");
        assert!(with(&[]).unwrap_err().contains("no file of rows that is read here"));
    }

    #[test]
    fn says_what_there_is_instead() {
        let error = of(&["config.json", "pytorch_model.bin"]).unwrap_err();
        assert!(error.contains("only pickled PyTorch weights"), "{error}");
        let error = of(&["a.gguf", "b/c.gguf"]).unwrap_err();
        assert!(error.ends_with("name one of org/name/a.gguf, org/name/b/c.gguf"), "{error}");
        assert!(of(&[]).unwrap_err().contains("no .gguf file"));
    }
}
