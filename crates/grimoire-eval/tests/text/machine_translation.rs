//! Every row of `wmt22-mt/scores.tsv` (sacreBLEU 2.6.0, and the organisers' published values), and the counts
//! behind every score, which `golden/eval/translations.py` recorded from sacreBLEU 2.6.0.

use crate::lines;
use crate::recorded::Configuration;
use grimoire_eval::text::bleu::{self, BleuOptions};
use grimoire_eval::text::chrf::{self, ChrfOptions};
use grimoire_eval::text::tokenize::Tokenizer;
use grimoire_testkit::close;
use serde::Deserialize;
use std::path::Path;

struct Row {
    hypothesis: Vec<String>,
    references: Vec<Vec<String>>,
    metric: String,
    tokenizer: String,
    expected: f64,
}

fn rows(folder: &Path) -> Vec<Row> {
    let table = std::fs::read_to_string(folder.join("scores.tsv")).unwrap();
    table
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let target = cells[0].split('-').nth(1).unwrap();
            let pair = folder.join(cells[0]);
            let reference = |name: &str| lines(&pair.join(format!("ref.{name}.{target}.gz")));
            Row {
                hypothesis: lines(&pair.join(format!("hyp.{}.{target}.gz", cells[1]))),
                references: match cells[2] {
                    "all" => vec![reference("A"), reference("B")],
                    name => vec![reference(name)],
                },
                metric: cells[4].to_owned(),
                tokenizer: cells[5].to_owned(),
                expected: cells[6].parse().unwrap(),
            }
        })
        .collect()
}

fn by_segment(references: &[Vec<String>]) -> Vec<Vec<&str>> {
    (0..references[0].len())
        .map(|segment| references.iter().map(|these| these[segment].as_str()).collect())
        .collect()
}

#[test]
fn bleu_equals_sacrebleu_on_every_system_of_wmt22() {
    let Some(folder) = grimoire_testkit::shared_data("bleu wmt22", "wmt22-mt") else { return };
    let mut checked = 0;
    for row in rows(&folder).iter().filter(|row| row.metric == "bleu") {
        let hypothesis: Vec<&str> = row.hypothesis.iter().map(String::as_str).collect();
        let tokenizer = Tokenizer::named(&row.tokenizer).unwrap();
        let options = BleuOptions { tokenizer, ..Default::default() };
        let score = bleu::corpus(&hypothesis, &by_segment(&row.references), &options).unwrap();
        close(score.score, row.expected, 1e-12, 0.0);
        checked += 1;
    }
    assert_eq!(checked, 51);
}

#[test]
fn chrf_equals_sacrebleu_on_every_system_of_wmt22() {
    let Some(folder) = grimoire_testkit::shared_data("chrf wmt22", "wmt22-mt") else { return };
    let mut checked = 0;
    for row in rows(&folder).iter().filter(|row| row.metric == "chrf2") {
        let hypothesis: Vec<&str> = row.hypothesis.iter().map(String::as_str).collect();
        let options = ChrfOptions::default();
        let score = chrf::corpus(&hypothesis, &by_segment(&row.references), &options).unwrap();
        close(score.score, row.expected, 1e-12, 0.0);
        checked += 1;
    }
    assert_eq!(checked, 51);
}

#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) configurations: Vec<Recorded>,
}

/// What sacreBLEU counts and scores of one output.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub(crate) pair: String,
    pub(crate) system: String,
    /// A letter for each reference; `AB-` are both, of which the script left out some.
    pub(crate) references: String,
    #[serde(flatten)]
    pub(crate) configuration: Configuration,
}

/// BLEU, chrF, chrF++ and TER: the statistics as integers (their sums, and every segment's by a checksum), the
/// score and the signature.
#[test]
fn counts_of_every_metric_are_those_of_sacrebleu_on_every_system_of_wmt22() {
    let Some(folder) = grimoire_testkit::shared_data("counts wmt22", "wmt22-mt") else { return };
    let golden: Golden = grimoire_testkit::golden::read("eval/translations.json.gz");
    for recorded in &golden.configurations {
        let Recorded { pair, system, references, configuration } = recorded;
        let target = pair.split('-').nth(1).unwrap();
        let read = |name: String| lines(&folder.join(pair).join(format!("{name}.{target}.gz")));
        let hypothesis = read(format!("hyp.{system}"));
        let hypothesis: Vec<&str> = hypothesis.iter().map(String::as_str).collect();
        let references: Vec<Vec<String>> =
            references.chars().map(|letter| read(format!("ref.{letter}"))).collect();
        let name = format!(
            "{pair} {system} ×{} {} {}",
            references.len(),
            configuration.kind,
            configuration.settings
        );
        configuration.check(&name, &hypothesis, &by_segment(&references));
    }
    // 17 systems, against A, B and both, by four metrics; three of them Chinese, with a fifth against A.
    assert_eq!(golden.configurations.len(), 17 * 3 * 4 + 3);
}
