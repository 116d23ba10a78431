//! Answers that were given already, on disk, by content: the key of an answer is a hash of the model's bytes,
//! the adapter's, the precision, the tokens asked and how they are to be answered. A killed evaluation finds
//! what it had; an evaluation of another task that asks the same finds it too.

use crate::failure::{Failure, Outcome};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// An answer as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) key: String,
    /// What was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// ln p of each option.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) log_probs: Vec<f64>,
    /// −ln p of a scored text: tokens, bytes and words with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nll: Option<f64>,
    #[serde(default)]
    pub(crate) bytes: u64,
    #[serde(default)]
    pub(crate) words: u64,
    /// Tokens that the model read.
    pub(crate) read: u64,
    /// Tokens that it wrote or that were scored.
    pub(crate) written: u64,
}

impl Stored {
    /// An answer of which only the key is known.
    pub(crate) fn new(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            text: None,
            log_probs: Vec::new(),
            nll: None,
            bytes: 0,
            words: 0,
            read: 0,
            written: 0,
        }
    }
}

/// The answers of one model.
pub(crate) struct Cache {
    /// None: nothing is kept.
    path: Option<PathBuf>,
    /// Hash of the model; empty where nothing is kept.
    model: String,
    known: HashMap<String, Stored>,
}

impl Cache {
    /// The folder of caches: what is asked, else `grimoire/eval` in the user's cache.
    pub(crate) fn folder(asked: Option<&Path>) -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        asked.map(Path::to_owned).or_else(|| {
            let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")))?;
            Some(cache.join("grimoire").join("eval"))
        })
    }

    /// Opens the cache of a model in a folder. A line that a killed run left unfinished is passed over.
    pub(crate) fn open(folder: Option<&Path>, model: String) -> Outcome<Self> {
        let Some(folder) = folder else {
            return Ok(Self { path: None, model, known: HashMap::new() });
        };
        let path = folder.join(format!("{}.jsonl", &model[..32]));
        let fail = |error| Failure::work(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(fail)?;
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(fail(error)),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            append(&path, "\n").map_err(fail)?;
        }
        let known = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Stored>(line).ok())
            .map(|stored| (stored.key.clone(), stored))
            .collect();
        Ok(Self { path: Some(path), model, known })
    }

    /// The key of a question.
    pub(crate) fn key(&self, how: &str, tokens: &[&[u32]]) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.model);
        hash.update((how.len() as u64).to_le_bytes());
        hash.update(how);
        for tokens in tokens {
            hash.update((tokens.len() as u64).to_le_bytes());
            tokens.iter().for_each(|token| hash.update(token.to_le_bytes()));
        }
        hex(&hash.finalize())
    }

    /// What was answered, if it was.
    pub(crate) fn get(&self, key: &str) -> Option<&Stored> {
        self.known.get(key)
    }

    /// Keeps answers: all of them, in one piece, or none.
    pub(crate) fn put(&mut self, answers: Vec<Stored>) -> Outcome {
        if let Some(path) = &self.path {
            let mut lines = String::new();
            for answer in &answers {
                lines.push_str(&serde_json::to_string(answer)?);
                lines.push('\n');
            }
            append(path, &lines)
                .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        }
        self.known.extend(answers.into_iter().map(|answer| (answer.key.clone(), answer)));
        Ok(())
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// A hash of all that decides an answer beside the question: the files of model and adapter, the precision,
/// the version. `inside` is a model that is no file.
pub(crate) fn fingerprint(
    paths: &[&Path],
    inside: Option<&[u8]>,
    precision: &str,
) -> Outcome<String> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(precision);
    hash.update(inside.unwrap_or_default());
    for path in paths {
        let mut files = Vec::new();
        files_of(path, &mut files);
        files.sort();
        for file in files {
            let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
            hash.update(name);
            digest(&file, &mut hash)
                .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
        }
        hash.update([0]);
    }
    Ok(hex(&hash.finalize()))
}

/// The files of a folder, or the file itself.
fn files_of(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        files_of(&entry.path(), files);
    }
}

fn digest(file: &Path, hash: &mut Sha256) -> std::io::Result<()> {
    let mut reader = std::fs::File::open(file)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        hash.update(&buffer[..n]);
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_costs_that_answer_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(Some(folder.path()), "m".repeat(64)).unwrap();
        let stored = |key: &str| Stored {
            text: Some("x\ny".to_owned()),
            log_probs: vec![-0.1, -2.5],
            read: 3,
            ..Stored::new(key)
        };
        open().put(vec![stored("a"), stored("b")]).unwrap();
        let file = folder.path().join(format!("{}.jsonl", "m".repeat(32)));
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 5]).unwrap();
        let mut cache = open();
        assert_eq!((cache.get("a"), cache.get("b")), (Some(&stored("a")), None));
        cache.put(vec![stored("c")]).unwrap();
        assert_eq!(open().get("c"), Some(&stored("c")));
        assert_ne!(cache.key("g", &[&[1], &[2]]), cache.key("g", &[&[1, 2], &[]]));
    }
}
