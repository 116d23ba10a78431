//! How answers are judged: each metric turns an item and the response to it into a row of sufficient
//! statistics, from which [`significance`](crate::significance) makes the figure, its interval and its tests.

use super::extract::{Extract, last_number};
use super::{Item, Response};
use crate::EvalError;
use crate::measure::{self, Measure};
use crate::perplexity::Unit;
use crate::statistics::{Mean, Score, Statistics};
use crate::text::bleu::BleuOptions;
use crate::text::chrf::ChrfOptions;
use crate::text::rouge::{self, RougeOptions};
use grimoire_stats::link::argmax;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The extracted answer equals a reference.
    Exact,
    /// The last number of the extracted answer has the value of the reference's last number.
    Number,
    /// Exact match and token F1 as SQuAD has them.
    Squad,
    /// BLEU over all answers.
    Bleu,
    /// chrF over all answers.
    Chrf,
    /// ROUGE-1, 2 and L.
    Rouge,
    /// The likeliest option is right.
    Accuracy,
    /// The likeliest option per byte is right: long options are not held against themselves.
    AccuracyPerByte,
    /// The mean F1 of the options as classes.
    MacroF1,
    /// Perplexity.
    Perplexity(Unit),
}

impl Kind {
    /// Metrics of written answers.
    pub(super) const WRITTEN: [(&'static str, Self); 6] = [
        ("exact", Self::Exact),
        ("number", Self::Number),
        ("squad", Self::Squad),
        ("bleu", Self::Bleu),
        ("chrf", Self::Chrf),
        ("rouge", Self::Rouge),
    ];
    /// Metrics of choices.
    pub(super) const CHOSEN: [(&'static str, Self); 3] = [
        ("accuracy", Self::Accuracy),
        ("accuracy-per-byte", Self::AccuracyPerByte),
        ("macro-f1", Self::MacroF1),
    ];
}

/// A metric of a task.
#[derive(Debug, Clone)]
pub struct TaskMetric {
    /// What is computed.
    pub kind: Kind,
    /// What it is called; none for its usual name.
    pub name: Option<String>,
    /// What becomes of an answer first.
    pub extract: Extract,
}

/// The judgement of one response by one metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// A row for each measure of the metric.
    pub rows: Vec<Vec<f64>>,
    /// What was taken for the answer, where something is extracted.
    pub answer: Option<String>,
}

impl TaskMetric {
    /// The figures of this metric; `options` is how many options an item has.
    pub fn measures(&self, options: usize) -> Vec<Measure> {
        let one = |name: &str, score: Box<dyn Score>, scale| {
            vec![Measure {
                name: self.name.clone().unwrap_or_else(|| name.to_owned()),
                score,
                scale,
            }]
        };
        match self.kind {
            Kind::Exact => one("exact match", Box::new(Mean), 100.0),
            Kind::Number => one("number", Box::new(Mean), 100.0),
            Kind::Accuracy => one("accuracy", Box::new(Mean), 100.0),
            Kind::AccuracyPerByte => one("accuracy per byte", Box::new(Mean), 100.0),
            Kind::MacroF1 => one("macro F1", Box::new(MacroF1 { classes: options }), 100.0),
            Kind::Perplexity(unit) => {
                let name = format!("perplexity per {}", unit.name());
                one(&name, Box::new(ExpRatio), 1.0)
            }
            _ => self.texts().map(|texts| texts.measures()).unwrap_or_default(),
        }
    }

    /// The text metric behind this one, where there is one.
    fn texts(&self) -> Option<measure::Metric> {
        Some(match self.kind {
            Kind::Squad => measure::Metric::Squad,
            Kind::Bleu => measure::Metric::Bleu(BleuOptions::default()),
            Kind::Chrf => measure::Metric::Chrf(ChrfOptions::default()),
            Kind::Rouge => {
                let kinds = vec![rouge::Kind::N(1), rouge::Kind::N(2), rouge::Kind::L];
                measure::Metric::Rouge(kinds, RougeOptions::default())
            }
            _ => return None,
        })
    }

    /// How the figure was made, for signatures.
    pub fn signature(&self, n_references: Option<usize>) -> String {
        if let Some(texts) = self.texts() {
            return texts.signature(n_references);
        }
        let kind = match self.kind {
            Kind::Exact => "exact",
            Kind::Number => "number",
            Kind::Accuracy => "accuracy",
            Kind::AccuracyPerByte => "accuracy-per-byte",
            Kind::MacroF1 => "macro-f1",
            _ => "perplexity",
        };
        let mut out = format!("kind:{kind}");
        if let Some(pattern) = &self.extract.pattern {
            let take = format!("{:?}", self.extract.take).to_lowercase();
            out.push_str(&format!("|pattern:{pattern}|take:{take}"));
        }
        if !self.extract.case {
            out.push_str("|case:lower");
        }
        out.push_str(&format!("|version:grimoire.{}", env!("CARGO_PKG_VERSION")));
        out
    }

    /// Judges a response to an item.
    ///
    /// # Errors
    /// As the text metrics.
    pub fn judge(&self, item: &Item, response: &Response) -> Result<Judgement, EvalError> {
        Ok(match response {
            Response::Text(text) => self.written(item, text)?,
            Response::LogProbs(log_probs) => self.chosen(item, log_probs)?,
            Response::Nll(nll) => {
                let Kind::Perplexity(unit) = self.kind else { return Ok(Judgement::default()) };
                Judgement { rows: vec![vec![nll.nll_sum, unit.count(nll) as f64]], answer: None }
            }
        })
    }

    fn written(&self, item: &Item, text: &str) -> Result<Judgement, EvalError> {
        let answer = self.extract.answer(text);
        if let Some(metric) = self.texts() {
            let mut tables: Vec<Statistics> = metric.tables();
            let references: Vec<&str> = item.references.iter().map(String::as_str).collect();
            metric.count(&[answer.as_deref().unwrap_or_default()], &[references], &mut tables)?;
            let rows = tables.iter().map(|table| table.row(0).to_vec()).collect();
            return Ok(Judgement { rows, answer });
        }
        if self.kind == Kind::Number {
            let number = answer.as_deref().and_then(last_number);
            let right = |reference: &String| number.is_some() && number == last_number(reference);
            let hit = f64::from(u8::from(item.references.iter().any(right)));
            let answer = number.map(|number| number.to_string());
            return Ok(Judgement { rows: vec![vec![hit, 1.0]], answer });
        }
        let right = |reference: &String| {
            let same = |answer| self.extract.normal(answer) == self.extract.normal(reference);
            answer.as_deref().is_some_and(same)
        };
        let hit = f64::from(u8::from(item.references.iter().any(right)));
        Ok(Judgement { rows: vec![vec![hit, 1.0]], answer })
    }

    fn chosen(&self, item: &Item, log_probs: &[f64]) -> Result<Judgement, EvalError> {
        let weighed: Vec<f64> = log_probs
            .iter()
            .zip(&item.options)
            .map(|(log_prob, option)| match self.kind {
                Kind::AccuracyPerByte => log_prob / option.trim().len().max(1) as f64,
                _ => *log_prob,
            })
            .collect();
        let options = |source| EvalError::Options { line: item.line, source };
        let chosen = argmax(&weighed).map_err(options)?.index;
        let row = match self.kind {
            Kind::MacroF1 => {
                let mut row = vec![0.0; 3 * log_probs.len()];
                row[3 * chosen] += f64::from(u8::from(chosen == item.correct));
                row[3 * chosen + 1] += 1.0;
                row[3 * item.correct + 2] += 1.0;
                row
            }
            _ => vec![f64::from(u8::from(chosen == item.correct)), 1.0],
        };
        let answer = item.options.get(chosen).map(|option| option.trim().to_owned());
        Ok(Judgement { rows: vec![row], answer })
    }
}

/// The mean of F1 over classes: for each, hits, how often it was said, how often it was true.
#[derive(Debug, Clone, Copy)]
struct MacroF1 {
    classes: usize,
}

impl Score for MacroF1 {
    fn columns(&self) -> usize {
        3 * self.classes
    }

    /// A class that neither occurs nor is said counts as none.
    fn score(&self, totals: &[f64]) -> f64 {
        let classes = totals.chunks_exact(3).filter(|class| class[1] + class[2] > 0.0);
        let f1: Vec<f64> = classes.map(|class| 2.0 * class[0] / (class[1] + class[2])).collect();
        if f1.is_empty() { 0.0 } else { f1.iter().sum::<f64>() / f1.len() as f64 }
    }
}

/// The exponential of a ratio of sums: perplexity from nats and units.
#[derive(Debug, Clone, Copy)]
struct ExpRatio;

impl Score for ExpRatio {
    fn columns(&self) -> usize {
        2
    }

    fn score(&self, totals: &[f64]) -> f64 {
        if totals[1] == 0.0 { f64::NAN } else { (totals[0] / totals[1]).exp() }
    }

    fn lower_is_better(&self) -> bool {
        true
    }
}

/// The score that goes with rows of so many columns, and its scale, by [`TaskMetric::stored`].
pub fn stored_score(kind: &str, columns: usize) -> Option<(Box<dyn Score>, f64)> {
    let found: (Box<dyn Score>, f64) = match kind {
        "mean" => (Box::new(Mean), 100.0),
        "macro-f1" => (Box::new(MacroF1 { classes: columns / 3 }), 100.0),
        "perplexity" => (Box::new(ExpRatio), 1.0),
        "bleu" => (Box::new(BleuOptions::default()), 1.0),
        "chrf" => (Box::new(ChrfOptions::default()), 1.0),
        _ => return None,
    };
    (found.0.columns() == columns).then_some(found)
}

impl TaskMetric {
    /// The name for [`stored_score`] of this metric's measures.
    pub fn stored(&self) -> &'static str {
        match self.kind {
            Kind::MacroF1 => "macro-f1",
            Kind::Perplexity(_) => "perplexity",
            Kind::Bleu => "bleu",
            Kind::Chrf => "chrf",
            _ => "mean",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perplexity::DocumentNll;
    use grimoire_testkit::close;

    fn item(options: &[&str], correct: usize, references: &[&str]) -> Item {
        Item {
            line: 1,
            prompt: String::new(),
            question: 0,
            references: references.iter().map(|text| (*text).to_owned()).collect(),
            options: options.iter().map(|text| (*text).to_owned()).collect(),
            correct,
            cluster: None,
        }
    }

    fn metric(kind: Kind) -> TaskMetric {
        TaskMetric { kind, name: None, extract: Extract::default() }
    }

    #[test]
    fn a_choice_is_judged_by_probability_or_per_byte() {
        let item = item(&[" no", " certainly"], 1, &["certainly"]);
        let response = Response::LogProbs(vec![-2.0, -4.0]);
        let judged = metric(Kind::Accuracy).judge(&item, &response).unwrap();
        assert_eq!((judged.rows, judged.answer.as_deref()), (vec![vec![0.0, 1.0]], Some("no")));
        let judged = metric(Kind::AccuracyPerByte).judge(&item, &response).unwrap();
        assert_eq!(judged.rows, [[1.0, 1.0]]);
        let judged = metric(Kind::MacroF1).judge(&item, &response).unwrap();
        assert_eq!(judged.rows, [[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]]);
    }

    #[test]
    fn macro_f1_is_the_mean_over_classes() {
        // scikit-learn 1.9: f1_score([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], average="macro") = 0.5833333333333333.
        let score = MacroF1 { classes: 2 };
        close(score.score(&[1.0, 2.0, 2.0, 2.0, 3.0, 3.0]), 0.583_333_333_333_333_3, 1e-15, 0.0);
    }

    #[test]
    fn numbers_are_equal_by_value_and_text_by_letters() {
        let item = item(&[], 0, &["so it is 18\n#### 18"]);
        let judged = |kind, text: &str| {
            metric(kind).judge(&item, &Response::Text(text.to_owned())).unwrap().rows[0][0]
        };
        close(judged(Kind::Number, "She makes $18.00."), 1.0, 0.0, 0.0);
        close(judged(Kind::Number, "She makes 19."), 0.0, 0.0, 0.0);
        close(judged(Kind::Exact, "18"), 0.0, 0.0, 0.0);
        // What is recorded as the answer is the number that was judged, not the text around it.
        let taken = |text: &str| {
            metric(Kind::Number).judge(&item, &Response::Text(text.to_owned())).unwrap().answer
        };
        assert_eq!(taken("5 packs make $1,018.50 in all").as_deref(), Some("1018.5"));
        assert_eq!(taken("I cannot say."), None);
    }

    #[test]
    fn stored_rows_find_their_score_again() {
        for kind in
            [Kind::Exact, Kind::Bleu, Kind::Chrf, Kind::MacroF1, Kind::Perplexity(Unit::Byte)]
        {
            let metric = metric(kind);
            let measure = &metric.measures(3)[0];
            let found = stored_score(metric.stored(), measure.score.columns()).unwrap();
            assert_eq!(found.0.columns(), measure.score.columns());
            close(found.1, measure.scale, 0.0, 0.0);
        }
        assert!(stored_score("mean", 3).is_none());
        let nll = DocumentNll { nll_sum: 2.0, tokens: 4, bytes: 8, words: 2 };
        let perplexity = metric(Kind::Perplexity(Unit::Token));
        let judged = perplexity.judge(&item(&[], 0, &["x"]), &Response::Nll(nll)).unwrap();
        close(ExpRatio.score(&judged.rows[0]), 0.5f64.exp(), 1e-15, 0.0);
    }
}
