//! Tag files: one token a line, its tag in the last column (columns apart by white space), sentences
//! apart by an empty line. Predictions are aligned with the truth by line; gzip and standard input work.

use super::texts::Source;
use crate::failure::{Failure, Outcome};
use grimoire_eval::tag::Sentence;
use std::path::{Path, PathBuf};

/// A system's tags beside the true ones.
pub(crate) struct Tagged {
    pub(crate) name: String,
    truth: Vec<Vec<String>>,
    predicted: Vec<Vec<String>>,
}

impl Tagged {
    /// Whether the file has no empty lines: then each line is an item of its own.
    pub(crate) fn is_one_sentence(&self) -> bool {
        self.truth.len() == 1
    }

    pub(crate) fn n_tags(&self) -> usize {
        self.truth.iter().map(Vec::len).sum()
    }

    /// True and predicted tags by sentence, or, where `single`, by tag.
    pub(crate) fn sentences(&self, single: bool) -> Vec<Sentence<'_>> {
        let pairs = self.truth.iter().zip(&self.predicted);
        if single {
            return pairs
                .flat_map(|(truth, predicted)| truth.iter().zip(predicted))
                .map(|(truth, predicted)| (vec![truth.as_str()], vec![predicted.as_str()]))
                .collect();
        }
        pairs
            .map(|(truth, predicted)| {
                (
                    truth.iter().map(String::as_str).collect(),
                    predicted.iter().map(String::as_str).collect(),
                )
            })
            .collect()
    }
}

/// Reads the truth and every system.
pub(crate) fn read(truth: &Path, systems: &[PathBuf]) -> Outcome<Vec<Tagged>> {
    let reference = sentences(truth)?;
    systems
        .iter()
        .map(|path| {
            let predicted = sentences(path)?;
            check(truth, path, &reference, &predicted)?;
            Ok(Tagged {
                name: path.display().to_string(),
                truth: reference.iter().map(|sentence| sentence.tags.clone()).collect(),
                predicted: predicted.into_iter().map(|sentence| sentence.tags).collect(),
            })
        })
        .collect()
}

struct Lines {
    first_line: u64,
    tags: Vec<String>,
}

fn sentences(path: &Path) -> Outcome<Vec<Lines>> {
    let mut texts = Source { path: path.to_owned(), field: None }.open_plain()?;
    let mut sentences: Vec<Lines> = Vec::new();
    let mut open = false;
    while let Some(record) = texts.next()? {
        let line = record.first().map(|line| line.trim()).unwrap_or_default();
        let Some(tag) = line.split_whitespace().next_back() else {
            open = false;
            continue;
        };
        if !open {
            sentences.push(Lines { first_line: texts.line(), tags: Vec::new() });
            open = true;
        }
        if let Some(last) = sentences.last_mut() {
            last.tags.push(tag.to_owned());
        }
    }
    if sentences.is_empty() {
        return Err(Failure::work(format!("{}: there are no tags", texts.name())));
    }
    Ok(sentences)
}

fn check(truth: &Path, path: &Path, reference: &[Lines], predicted: &[Lines]) -> Outcome {
    for (ours, theirs) in reference.iter().zip(predicted) {
        if ours.tags.len() != theirs.tags.len() {
            return Err(Failure::work(format!(
                "{}:{}: the sentence has {} tags, {}:{} has {}",
                path.display(),
                theirs.first_line,
                theirs.tags.len(),
                truth.display(),
                ours.first_line,
                ours.tags.len()
            )));
        }
    }
    if reference.len() != predicted.len() {
        return Err(Failure::work(format!(
            "{} has {} sentences, {} has {}",
            path.display(),
            predicted.len(),
            truth.display(),
            reference.len()
        )));
    }
    Ok(())
}
