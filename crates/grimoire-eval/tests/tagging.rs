//! Entity scores against seqeval 1.2.2 and conlleval on random tags, and on the outputs of WNUT-17;
//! answers of published models on XQuAD.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{self, Prf, Reading, Sentence};
use grimoire_eval::text::squad;
use grimoire_testkit::close;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    scheme: String,
    truth: Vec<String>,
    predicted: Vec<String>,
    averages: BTreeMap<String, [f64; 3]>,
    types: BTreeMap<String, (f64, f64, f64, u64)>,
    spans: Vec<Vec<(usize, usize, String)>>,
    conlleval: Value,
}

fn check(found: Prf, expected: [f64; 3]) {
    grimoire_testkit::all_close(&[found.precision, found.recall, found.f1], &expected, 1e-14, 0.0);
}

#[test]
fn random_tags_score_as_in_seqeval_and_conlleval() {
    let golden: Golden = grimoire_testkit::golden::read("eval/tagging.json.gz");
    for case in &golden.cases {
        let scheme: Scheme = case.scheme.parse().unwrap();
        let sentences: Vec<Sentence<'_>> = case
            .truth
            .iter()
            .zip(&case.predicted)
            .map(|(truth, predicted)| (truth.split(' ').collect(), predicted.split(' ').collect()))
            .collect();
        for ((_, predicted), expected) in sentences.iter().zip(&case.spans) {
            let spans = scheme.spans(predicted).unwrap();
            let spans: Vec<(usize, usize, String)> =
                spans.iter().map(|span| (span.start, span.end, span.label.to_owned())).collect();
            assert_eq!(spans, *expected, "{scheme} {predicted:?}");
        }
        let strict = tag::entities(&sentences, Reading::Strict(scheme)).unwrap();
        check(strict.micro, case.averages["micro"]);
        check(strict.macro_mean, case.averages["macro"]);
        check(strict.weighted, case.averages["weighted"]);
        assert_eq!(strict.types.len(), case.types.len());
        for (label, (counts, prf)) in &strict.types {
            let (precision, recall, f1, support) = case.types[label];
            check(*prf, [precision, recall, f1]);
            assert_eq!(counts.truth, support);
        }
        let lenient = tag::entities(&sentences, Reading::Conlleval).unwrap();
        for (name, found) in [
            ("truth", lenient.counts.truth),
            ("predicted", lenient.counts.predicted),
            ("correct", lenient.counts.correct),
        ] {
            assert_eq!(case.conlleval[name], found, "{scheme} {name}");
        }
        let report = case.conlleval["report"].as_str().unwrap();
        for (label, (counts, prf)) in &lenient.types {
            let line =
                report.lines().find(|line| line.trim_start().starts_with(&format!("{label}:")));
            let expected = format!(
                "precision: {:>6.2}%; recall: {:>6.2}%; FB1: {:>6.2}  {}",
                100.0 * prf.precision,
                100.0 * prf.recall,
                100.0 * prf.f1,
                counts.predicted
            );
            assert!(line.unwrap().ends_with(&expected), "{line:?} {expected}");
        }
        if scheme != Scheme::Iob1 {
            assert!(!tag::disagreements(&sentences, scheme).unwrap().is_empty());
        }
    }
}

#[test]
fn systems_of_wnut17_have_their_published_scores() {
    let Some(folder) = grimoire_testkit::shared_data("entities wnut17", "wnut17") else { return };
    let read = |name: &str| {
        let bytes = grimoire_testkit::golden::gunzip(&std::fs::read(folder.join(name)).unwrap());
        String::from_utf8(bytes).unwrap()
    };
    let tags = |text: &str, column: usize| -> Vec<String> {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .map(|cells| cells[column.min(cells.len() - 1)].to_owned())
            .collect()
    };
    let gold = read("test.conll.gz");
    let lengths: Vec<usize> = gold
        .lines()
        .collect::<Vec<_>>()
        .split(|line| line.trim().is_empty())
        .map(<[&str]>::len)
        .filter(|length| *length > 0)
        .collect();
    let truth = tags(&gold, 1);
    // True positives, false positives, false negatives: `wnut17/README.md`.
    let table = [("arcada", [373, 414, 706]), ("drexel_cci", [192, 189, 887])];
    let more = [("flytxt", [345, 375, 734]), ("mic-cis", [365, 526, 714])];
    for (system, [hits, extra, missed]) in table.into_iter().chain(more) {
        let text = read(&format!("submissions/{system}.txt.gz"));
        let predicted = tags(&text, usize::MAX);
        assert_eq!(predicted.len(), truth.len(), "{system}");
        let mut sentences: Vec<Sentence<'_>> = Vec::new();
        let mut from = 0;
        for length in &lengths {
            sentences.push((
                truth[from..from + length].iter().map(String::as_str).collect(),
                predicted[from..from + length].iter().map(String::as_str).collect(),
            ));
            from += length;
        }
        let counts = tag::entities(&sentences, Reading::Conlleval).unwrap().counts;
        let found =
            [counts.correct, counts.predicted - counts.correct, counts.truth - counts.correct];
        assert_eq!(found, [hits, extra, missed], "{system}");
    }
}

#[test]
fn answers_on_xquad_have_their_published_scores() {
    let Some(folder) = grimoire_testkit::shared_data("squad xquad", "xquad-en") else { return };
    let read = |name: &str| -> Value {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        serde_json::from_slice(&grimoire_testkit::golden::gunzip(&bytes)).unwrap()
    };
    let data = read("xquad-en-first36-articles.json.gz");
    let mut questions: Vec<(String, Vec<String>)> = Vec::new();
    for article in data["data"].as_array().unwrap() {
        for paragraph in article["paragraphs"].as_array().unwrap() {
            for question in paragraph["qas"].as_array().unwrap() {
                let answers = question["answers"].as_array().unwrap().iter();
                let truths = answers.map(|answer| answer["text"].as_str().unwrap().to_owned());
                questions.push((question["id"].as_str().unwrap().to_owned(), truths.collect()));
            }
        }
    }
    let table = std::fs::read_to_string(folder.join("scores.tsv")).unwrap();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let predictions = read(&format!("predictions/{}.json.gz", cells[0]));
        let (mut exact, mut f1) = (0.0, 0.0);
        for (id, truths) in &questions {
            if let Some(answer) = predictions[id].as_str() {
                let score = squad::score(answer, truths);
                exact += score.exact_match;
                f1 += score.f1;
            }
        }
        let n = questions.len() as f64;
        close(100.0 * exact / n, cells[3].parse().unwrap(), 1e-12, 0.0);
        close(100.0 * f1 / n, cells[4].parse().unwrap(), 1e-12, 0.0);
    }
}
