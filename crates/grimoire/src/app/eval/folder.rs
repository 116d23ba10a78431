//! The folder of an evaluation: `report.json`, and `items.jsonl` with every item's question, answer and the
//! rows of statistics that the figures were made from, so that they can be compared later without the model.

use super::EvalReport;
use super::cache::{Stored, hex};
use crate::failure::{Failure, Outcome};
use grimoire_eval::task::Item;
use grimoire_format::write_atomic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The record of an item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ItemRecord {
    /// A hash of what is right and what may be chosen: the same item in two evaluations has the same.
    pub(crate) id: String,
    /// Where it is in the data: `test.jsonl:7`.
    pub(crate) place: String,
    pub(crate) prompt: String,
    pub(crate) references: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
    /// A hash of what it shares with the items that it is resampled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// What was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// ln p of each option.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) log_probs: Vec<f64>,
    /// −ln p of a scored text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nll: Option<f64>,
    /// What each metric took for the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) taken: BTreeMap<String, String>,
    /// Each figure's sufficient statistics.
    pub(crate) rows: BTreeMap<String, Vec<f64>>,
}

impl ItemRecord {
    /// An item and its answer, not judged yet.
    pub(super) fn new(file: &str, item: &Item, answer: &Stored) -> Self {
        let mut hash = Sha256::new();
        for text in item.references.iter().chain(&item.options) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        // The question itself, without the examples that an evaluation shows before it.
        let question = item.prompt.len().saturating_sub(item.question);
        hash.update(&item.prompt[question..]);
        Self {
            id: hex(&hash.finalize()[..8]),
            place: format!("{file}:{}", item.line),
            prompt: item.prompt.clone(),
            references: item.references.clone(),
            options: item.options.clone(),
            cluster: item.cluster.as_ref().map(|shared| hex(&Sha256::digest(shared)[..8])),
            text: answer.text.clone(),
            log_probs: answer.log_probs.clone(),
            nll: answer.nll,
            taken: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// What was answered, for people.
    pub(crate) fn answer(&self) -> String {
        match &self.text {
            Some(text) => text.trim().to_owned(),
            None => self.taken.values().next().cloned().unwrap_or_default(),
        }
    }
}

/// The cluster of every item; none where an item has none.
pub(crate) fn labels(records: &[ItemRecord]) -> Option<Vec<String>> {
    records.iter().map(|record| record.cluster.clone()).collect()
}

/// Writes the folder.
pub(super) fn write(out: &Path, report: &EvalReport, records: &[ItemRecord]) -> Outcome {
    std::fs::create_dir_all(out)
        .map_err(|error| Failure::work(format!("{}: {error}", out.display())))?;
    let mut lines = String::new();
    for record in records {
        lines.push_str(&serde_json::to_string(record)?);
        lines.push('\n');
    }
    write_atomic(out.join("items.jsonl"), lines.as_bytes())?;
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(write_atomic(out.join("report.json"), text.as_bytes())?)
}

/// Whether a path is the folder of an evaluation.
pub(crate) fn is(path: &Path) -> bool {
    path.join("items.jsonl").is_file() && path.join("report.json").is_file()
}

/// Reads the folder of an evaluation.
pub(crate) fn read(path: &Path) -> Outcome<(EvalReport, Vec<ItemRecord>)> {
    let open = |name: &str| {
        let file = path.join(name);
        std::fs::read_to_string(&file)
            .map(|text| (file.display().to_string(), text))
            .map_err(|error| Failure::work(format!("{}: {error}", file.display())))
    };
    let (name, text) = open("report.json")?;
    let report = serde_json::from_str(&text).map_err(|error| {
        Failure::work(format!("{name}: not the report of an evaluation: {error}"))
    })?;
    let (name, text) = open("items.jsonl")?;
    let records = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .map_err(|error| Failure::work(format!("{name}:{}: {error}", index + 1)))
        })
        .collect::<Outcome<Vec<ItemRecord>>>()?;
    Ok((report, records))
}
