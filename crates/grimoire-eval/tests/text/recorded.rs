//! Tokens, statistics and scores against `golden/eval/text_metrics.json.gz`, which the program of the
//! same name recorded from sacreBLEU 2.6.0, rouge_score 0.1.2 and nltk 3.10.4.

use grimoire_eval::text::bleu::{self, BleuOptions, Smoothing};
use grimoire_eval::text::chrf::{self, ChrfOptions};
use grimoire_eval::text::porter;
use grimoire_eval::text::rouge::{self, Kind, RougeOptions};
use grimoire_eval::text::ter::{self, TerOptions};
use grimoire_eval::text::tokenize::{Tokenizer, Tokens};
use grimoire_testkit::close;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Golden {
    tokenizer_lines: Vec<String>,
    tokens: HashMap<String, Vec<String>>,
    pairs: Vec<(String, Vec<Option<String>>)>,
    configurations: Vec<Configuration>,
    long_pairs: Vec<(String, String)>,
    long_edits: Vec<f64>,
    words: String,
    stems: String,
    rouge_texts: Vec<(String, Vec<String>)>,
    rouge: Vec<Vec<[f64; 3]>>,
}

/// A metric with its settings, and what sacreBLEU counts and scores with it.
#[derive(Deserialize)]
pub(crate) struct Configuration {
    pub(crate) kind: String,
    pub(crate) settings: Value,
    #[serde(default)]
    n_refs: usize,
    score: f64,
    signature: String,
    #[serde(default)]
    sentences: Vec<f64>,
    /// Which sentences those are.
    #[serde(default = "every_seventh")]
    every: usize,
    /// The sum of the scores of all sentences, and the sum with weights of 1 to 7 in turn.
    sentence_sums: Option<[f64; 2]>,
    checksum: u32,
    totals: Vec<f64>,
}

impl Configuration {
    /// Counts and scores the same texts here and compares everything that was recorded.
    pub(crate) fn check(&self, name: &str, hypotheses: &[&str], references: &[Vec<&str>]) {
        let found = match self.kind.as_str() {
            "bleu" => bleu(self, hypotheses, references),
            "chrf" => chrf(self, hypotheses, references),
            _ => ter(self, hypotheses, references),
        };
        println!("{name}");
        grimoire_testkit::all_close(&found.totals, &self.totals, 1e-13, 0.0);
        let mut checksum = flate2::Crc::new();
        checksum.update(found.rows.join("\n").as_bytes());
        assert_eq!(checksum.sum(), self.checksum, "{name}: rows differ");
        close(found.score, self.score, 1e-13, 1e-13);
        for (index, expected) in self.sentences.iter().enumerate() {
            close(found.sentences[self.every * index], *expected, 1e-12, 1e-13);
        }
        if let Some([sum, weighted]) = self.sentence_sums {
            close(found.sentences.iter().sum(), sum, 1e-12, 0.0);
            let in_turn = found.sentences.iter().zip((1..=7).cycle());
            close(
                in_turn.map(|(score, weight)| score * f64::from(weight)).sum(),
                weighted,
                1e-12,
                0.0,
            );
        }
        let (ours, _) = found.signature.split_once("+grimoire.").unwrap();
        assert_eq!(ours, self.signature);
    }
}

fn every_seventh() -> usize {
    7
}

fn golden() -> Golden {
    grimoire_testkit::golden::read("eval/text_metrics.json.gz")
}

#[test]
fn tokens_are_those_of_sacrebleu() {
    let golden = golden();
    let mut tokens = Tokens::default();
    for (name, expected) in &golden.tokens {
        let tokenizer = Tokenizer::named(name).unwrap();
        for (line, expected) in golden.tokenizer_lines.iter().zip(expected) {
            tokenizer.tokenize(line, false, &mut tokens);
            let found: Vec<&str> = tokens.iter().collect();
            assert_eq!(found.join(" "), *expected, "{name} on {line:?}");
        }
    }
}

/// One configuration's rows of statistics, sentence scores, score and signature.
struct Found {
    rows: Vec<String>,
    totals: Vec<f64>,
    sentences: Vec<f64>,
    score: f64,
    signature: String,
}

fn whole(numbers: Vec<u64>) -> (String, Vec<f64>) {
    let text: Vec<String> = numbers.iter().map(u64::to_string).collect();
    (text.join(" "), numbers.iter().map(|n| *n as f64).collect())
}

/// C's `%.6g` for numbers from 0 to 999999.
pub(crate) fn six_digits(value: f64) -> String {
    let whole = if value < 1.0 { 0 } else { value.log10().floor() as usize + 1 };
    let text = format!("{value:.*}", 6 - whole);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn assemble(
    rows: Vec<(String, Vec<f64>)>,
    sentences: Vec<f64>,
    score: f64,
    signature: String,
) -> Found {
    let mut totals = vec![0.0; rows[0].1.len()];
    for (_, row) in &rows {
        totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
    }
    Found {
        rows: rows.into_iter().map(|(row, _)| row).collect(),
        totals,
        sentences,
        score,
        signature,
    }
}

fn bleu(configuration: &Configuration, hypotheses: &[&str], references: &[Vec<&str>]) -> Found {
    let settings = &configuration.settings;
    let value = settings["smooth_value"].as_f64();
    let options = BleuOptions {
        tokenizer: Tokenizer::named(settings["tokenize"].as_str().unwrap_or("13a")).unwrap(),
        lowercase: settings["lowercase"] == true,
        effective_order: settings["effective_order"] == true,
        smoothing: match settings["smooth_method"].as_str().unwrap_or("exp") {
            "none" => Smoothing::None,
            "floor" => Smoothing::Floor(value.unwrap_or(0.1)),
            "add-k" => Smoothing::AddK(value.unwrap_or(1.0)),
            _ => Smoothing::Exponential,
        },
    };
    let counts = bleu::segments(hypotheses, references, &options).unwrap();
    let rows = counts.iter().map(|row| {
        let mut numbers = vec![row.hypothesis_length, row.reference_length];
        numbers.extend(row.matches);
        numbers.extend(row.totals);
        whole(numbers)
    });
    let sentences = counts.iter().map(|row| bleu::score(row, &options, String::new()).score);
    let total = bleu::corpus(hypotheses, references, &options).unwrap();
    assemble(rows.collect(), sentences.collect(), total.score, total.signature)
}

fn chrf(configuration: &Configuration, hypotheses: &[&str], references: &[Vec<&str>]) -> Found {
    let settings = &configuration.settings;
    let number = |key: &str, default| settings[key].as_u64().unwrap_or(default) as usize;
    let options = ChrfOptions {
        characters: number("char_order", 6),
        words: number("word_order", 0),
        beta: number("beta", 2) as u32,
        lowercase: settings["lowercase"] == true,
        whitespace: settings["whitespace"] == true,
        eps_smoothing: settings["eps_smoothing"] == true,
    };
    let counts = chrf::segments(hypotheses, references, &options).unwrap();
    let rows = counts.iter().map(|row| {
        let orders = row.orders.iter();
        whole(orders.flat_map(|order| [order.hypothesis, order.reference, order.matches]).collect())
    });
    let sentences = counts.iter().map(|row| chrf::score(row, &options));
    let total = chrf::corpus(hypotheses, references, &options).unwrap();
    assemble(rows.collect(), sentences.collect(), total.score, total.signature)
}

fn ter(configuration: &Configuration, hypotheses: &[&str], references: &[Vec<&str>]) -> Found {
    let settings = &configuration.settings;
    let options = TerOptions {
        case_sensitive: settings["case_sensitive"] == true,
        normalized: settings["normalized"] == true,
        no_punctuation: settings["no_punct"] == true,
        asian_support: settings["asian_support"] == true,
    };
    let counts = ter::segments(hypotheses, references, &options).unwrap();
    let rows = counts.iter().map(|row| {
        let numbers = vec![row.edits as f64, row.reference_length];
        (format!("{} {}", six_digits(numbers[0]), six_digits(numbers[1])), numbers)
    });
    let sentences = counts.iter().map(ter::score);
    let total = ter::corpus(hypotheses, references, &options).unwrap();
    assemble(rows.collect(), sentences.collect(), total.score, total.signature)
}

#[test]
fn statistics_scores_and_signatures_are_those_of_sacrebleu() {
    let golden = golden();
    let hypotheses: Vec<&str> = golden.pairs.iter().map(|(hypothesis, _)| &**hypothesis).collect();
    for configuration in &golden.configurations {
        let references: Vec<Vec<&str>> = golden
            .pairs
            .iter()
            .map(|(_, all)| all[..configuration.n_refs].iter().flatten().map(|r| &**r).collect())
            .collect();
        let name =
            format!("{} {} ×{}", configuration.kind, configuration.settings, configuration.n_refs);
        configuration.check(&name, &hypotheses, &references);
    }
}

#[test]
fn shifts_of_long_texts_are_those_of_sacrebleu() {
    let golden = golden();
    for ((hypothesis, reference), expected) in golden.long_pairs.iter().zip(&golden.long_edits) {
        let found =
            ter::segments(&[hypothesis], &[vec![reference]], &TerOptions::default()).unwrap();
        assert_eq!(found[0].edits as f64, *expected, "{hypothesis} | {reference}");
    }
}

#[test]
fn stems_are_those_of_nltk() {
    let golden = golden();
    let stems: Vec<&str> = golden.stems.split(' ').collect();
    assert_eq!(stems.len(), golden.words.split(' ').count());
    for (word, expected) in golden.words.split(' ').zip(stems) {
        let found = porter::stem(word);
        assert_eq!(if found.is_empty() { "-" } else { &found }, expected, "{word}");
    }
}

#[test]
fn rouge_of_every_kind_is_that_of_rouge_score() {
    let golden = golden();
    let mut kinds: Vec<Kind> = (1..=9).map(Kind::N).collect();
    kinds.extend([Kind::L, Kind::LSum]);
    let mut expected = golden.rouge.iter();
    for stemmer in [false, true] {
        let options = RougeOptions { stemmer, ..Default::default() };
        for (candidate, references) in &golden.rouge_texts {
            let references: Vec<&str> = references.iter().map(String::as_str).collect();
            let scores = rouge::sentence(candidate, &references, &kinds, &options).unwrap();
            for (score, expected) in scores.iter().zip(expected.next().unwrap()) {
                for (found, expected) in
                    [score.precision, score.recall, score.f1].iter().zip(expected)
                {
                    close(*found, *expected, 1e-14, 0.0);
                }
            }
        }
    }
    assert!(expected.next().is_none());
}
