//! Every figure of `dialogsum/rouge-expected*.tsv` (rouge_score 0.1.2).

use crate::lines;
use grimoire_eval::text::rouge::{self, Kind, RougeOptions};
use grimoire_testkit::close;

#[test]
fn rouge_equals_rouge_score_on_every_item_of_dialogsum() {
    let Some(folder) = grimoire_testkit::shared_data("rouge dialogsum", "dialogsum") else {
        return;
    };
    let outputs = lines(&folder.join("bart-baseline-output.txt.gz"));
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let items: Vec<serde_json::Value> = lines(&folder.join("test.jsonl.gz"))
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds = [Kind::N(1), Kind::N(2), Kind::L];
    let score = |reference: &str, stemmer: bool| {
        let references: Vec<Vec<&str>> =
            items.iter().map(|item| vec![item[reference].as_str().unwrap()]).collect();
        let options = RougeOptions { stemmer, ..Default::default() };
        rouge::corpus(&outputs, &references, &kinds, &options).unwrap()
    };
    let means = std::fs::read_to_string(folder.join("rouge-expected.tsv")).unwrap();
    let mut checked = 0;
    for line in means.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let kind = kinds.iter().position(|kind| kind.to_string() == cells[2]).unwrap();
        let mean = score(cells[0], cells[1] == "true").means[kind];
        for (actual, expected) in [mean.precision, mean.recall, mean.f1].iter().zip(&cells[3..]) {
            close(*actual, expected.parse().unwrap(), 1e-12, 0.0);
        }
        checked += 1;
    }
    assert_eq!(checked, 18);
    let plain = score("summary1", false);
    let stemmed = score("summary1", true);
    let rows = lines(&folder.join("rouge-expected-per-item.tsv.gz"));
    for line in rows.iter().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let item: usize = cells[0].strip_prefix("test_").unwrap().parse().unwrap();
        let scores = if cells[2] == "true" { &stemmed } else { &plain };
        for (score, expected) in scores.segments[item].iter().zip(&cells[3..]) {
            close(score.f1, expected.parse().unwrap(), 1e-12, 0.0);
        }
    }
    assert_eq!(rows.len(), 1001);
}
