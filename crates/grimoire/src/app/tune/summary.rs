//! What was read, counted for either part of the rows, and how it is said in the plan.

use super::preflight::grouped;
use grimoire_tune::data::{Marked, Row, Schema, Source};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Places that are named; of others there is a count.
const NAMED: usize = 3;

/// What was read.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// The rows to train on.
    pub(crate) train: Part,
    /// The rows to measure on.
    pub(crate) held_out: Part,
    /// Rows of `--eval`, or a part held out.
    pub(crate) held_out_from: String,
    /// Rows of the data that ask what a row of `--eval` asks, and are not trained on.
    pub(crate) overlapping_rows: usize,
    /// How columns of other names are read.
    pub(crate) read_as: Option<String>,
    #[serde(skip)]
    pub(crate) first: Marked,
}

/// The rows on one side.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Part {
    /// Rows with something to train on or to measure.
    pub(crate) rows: usize,
    pub(crate) rows_by_schema: BTreeMap<Schema, usize>,
    /// Documents that they make: running text longer than the maximum makes several.
    pub(crate) pieces: usize,
    pub(crate) tokens: usize,
    /// Tokens that are learnt, or whose loss is measured.
    pub(crate) scored_tokens: usize,
    /// Cut off because rows were longer than the maximum.
    pub(crate) lost_tokens: usize,
    pub(crate) cut_rows: usize,
    /// The first rows that were cut.
    pub(crate) cut_first: Vec<Source>,
    /// Rows with nothing left, beside those that are counted.
    pub(crate) dropped_rows: usize,
    /// Rows that are the same as one before them.
    pub(crate) duplicates: usize,
    /// Conversations of which only the last answer counts.
    pub(crate) last_only_rows: usize,
    pub(crate) longest: usize,
}

impl Part {
    /// Counts a row that lost tokens.
    pub(super) fn cut(&mut self, source: &Source, lost: usize) {
        self.lost_tokens += lost;
        self.cut_rows += 1;
        if self.cut_first.len() < NAMED {
            self.cut_first.push(source.clone());
        }
    }

    /// In how many pieces the rows are, where these are more.
    pub(super) fn in_pieces(&self) -> String {
        if self.pieces == self.rows {
            return String::new();
        }
        format!(", in {} pieces", self.pieces)
    }

    /// That rows are cut, and where; `whose` rows.
    fn cuts(&self, whose: &str, longest: usize, limit: &str) -> Option<String> {
        if self.cut_rows == 0 {
            return None;
        }
        let place = |source: &Source| format!("{}:{}", source.path, source.line);
        let places: Vec<String> = self.cut_first.iter().map(place).collect();
        let others = match self.cut_rows - places.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let (rows, are, lose, their) = match self.cut_rows {
            1 => ("row", "is", "loses", "its"),
            _ => ("rows", "are", "lose", "their"),
        };
        Some(format!(
            "{} {rows} {whose} {are} longer than {longest} tokens, {limit}, and {lose} {} tokens at {their} end: {}{others}",
            self.cut_rows,
            grouped(self.lost_tokens as u64),
            places.join(", ")
        ))
    }
}

/// In what way a part of such rows is held out: what of them is never on both sides.
pub(super) fn apart_by<'a>(rows: impl Iterator<Item = &'a Row>) -> &'static str {
    let (mut texts, mut prompts) = (false, false);
    for row in rows {
        match row {
            Row::Text(_) => texts = true,
            _ => prompts = true,
        }
    }
    match (texts, prompts) {
        (true, false) => "held out of the data by text",
        (true, true) => "held out of the data by prompt or text",
        (false, _) => "held out of the data by prompt",
    }
}

/// In what way the rows `held` of so many paragraphs of a file are held out.
pub(super) fn end_of(file: &str, paragraphs: usize, held: &[usize]) -> String {
    let last = held.first().map_or(0, |first| paragraphs - first);
    match last {
        0 => "held out".to_owned(),
        1 => format!("held out, the last paragraph of {file}"),
        _ if last == held.len() => format!("held out, the last {last} paragraphs of {file}"),
        _ => {
            format!("held out of the last {last} paragraphs of {file}, without repeats from before")
        }
    }
}

impl Summary {
    /// The lines of the plan.
    pub(super) fn text(&self) -> String {
        let (train, held) = (&self.train, &self.held_out);
        let schemas: Vec<String> = train
            .rows_by_schema
            .iter()
            .map(|(schema, n)| format!("{n} {schema:?}").to_lowercase())
            .collect();
        let mut out = format!(
            "data       {} rows to train on ({}){}; {} {}{}\n",
            train.rows,
            schemas.join(", "),
            train.in_pieces(),
            held.rows,
            self.held_out_from,
            held.in_pieces()
        );
        let _ = writeln!(
            out,
            "tokens     {} in the rows to train on, {} of them trained on, {} more lost to truncation, longest row {}",
            grouped(train.tokens as u64),
            grouped(train.scored_tokens as u64),
            grouped(train.lost_tokens as u64),
            grouped(train.longest as u64)
        );
        if train.duplicates + held.duplicates > 0 {
            let _ = writeln!(
                out,
                "repeats    {} of the rows to train on and {} of those held out are the same as one before them",
                train.duplicates, held.duplicates
            );
        }
        out
    }

    /// What is to be known of the rows; they may have `longest` tokens, by `limit`.
    pub(super) fn warnings(&self, longest: usize, limit: &str) -> Vec<String> {
        let (train, held) = (&self.train, &self.held_out);
        let mut warnings: Vec<String> = self.read_as.iter().cloned().collect();
        let last_only = train.last_only_rows + held.last_only_rows;
        if last_only > 0 {
            warnings.push(format!(
                "of {last_only} conversations only the last answer is trained on: the template writes earlier answers differently"
            ));
        }
        warnings.extend(train.cuts("to train on", longest, limit));
        warnings.extend(held.cuts("to measure on", longest, limit));
        let dropped = train.dropped_rows + held.dropped_rows;
        if dropped > 0 {
            warnings.push(format!("{dropped} rows have nothing left to train on and are left out"));
        }
        if self.overlapping_rows > 0 {
            let same = self.overlapping_rows;
            let texts = held.rows_by_schema.keys().all(|schema| *schema == Schema::Text);
            warnings.push(if texts {
                format!("{same} rows are the same texts as rows of --eval, and are not trained on")
            } else {
                format!("{same} rows ask what rows of --eval ask, and are not trained on")
            });
        }
        match held.rows {
            0 => warnings.push(
                "no row is held out: there will be no figures before and after; --eval FILE gives rows to measure on"
                    .to_owned(),
            ),
            n @ 1..8 => warnings.push(format!(
                "only {n} rows are held out: the figures before and after will say little"
            )),
            _ => {}
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_out_is_called_what_it_is() {
        let text = || Row::Text("a".to_owned());
        let pair = || Row::Completion { prompt: "a".to_owned(), completion: "b".to_owned() };
        assert_eq!(apart_by([pair()].iter()), "held out of the data by prompt");
        assert_eq!(apart_by([text()].iter()), "held out of the data by text");
        assert_eq!(apart_by([text(), pair()].iter()), "held out of the data by prompt or text");
        assert_eq!(end_of("a.txt", 9, &[7, 8]), "held out, the last 2 paragraphs of a.txt");
        assert_eq!(end_of("a.txt", 2, &[1]), "held out, the last paragraph of a.txt");
        assert_eq!(end_of("a.txt", 1, &[]), "held out");
        let but = "held out of the last 3 paragraphs of a.txt, without repeats from before";
        assert_eq!(end_of("a.txt", 9, &[6, 8]), but);
    }
}
