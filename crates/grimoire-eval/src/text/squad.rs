//! Exact match and token F1 of answers, as the SQuAD 1.1 evaluation has them (Rajpurkar et al., EMNLP
//! 2016): lower-case, drop ASCII punctuation and the articles a, an, the, squeeze white space; then
//! equality, and the F1 of the multisets of words. Of several true answers the best counts.

use super::whitespace;
use serde::Serialize;
use std::collections::HashMap;

/// The scores of one answer, 0 or 1 and 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Answer {
    /// Whether the normalised texts are equal.
    pub exact_match: f64,
    /// F1 over words.
    pub f1: f64,
}

/// Scores an answer against the true ones; each of the two figures takes its own best.
pub fn score<S: AsRef<str>>(answer: &str, truths: &[S]) -> Answer {
    let answer = normalise(answer);
    truths.iter().fold(Answer::default(), |best, truth| {
        let truth = normalise(truth.as_ref());
        Answer {
            exact_match: best.exact_match.max(f64::from(u8::from(answer == truth))),
            f1: best.f1.max(f1(&answer, &truth)),
        }
    })
}

/// The words that are compared.
fn normalise(text: &str) -> Vec<String> {
    let text: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let text = without_articles(&text);
    text.split(whitespace::is_space).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Replaces whole words a, an, the by a space, where a word is a run of letters, digits and `_`.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_alphanumeric() || c == '_' => word.push(c),
            other => {
                let article = matches!(word.as_str(), "a" | "an" | "the");
                kept.push_str(if article { " " } else { &word });
                word.clear();
                kept.extend(other);
            }
        }
    }
    kept
}

fn f1(answer: &[String], truth: &[String]) -> f64 {
    let mut left: HashMap<&str, usize> = HashMap::new();
    truth.iter().for_each(|word| *left.entry(word).or_default() += 1);
    let mut same = 0;
    for word in answer {
        if let Some(count) = left.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    let precision = f64::from(same) / answer.len() as f64;
    let recall = f64::from(same) / truth.len() as f64;
    2.0 * precision * recall / (precision + recall)
}
