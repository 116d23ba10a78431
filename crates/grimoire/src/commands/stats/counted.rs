//! Counts of a call: written as numbers, or counted in columns of a file. A column of answers holds 0 and 1; a column
//! of labels may hold anything, and its levels are taken in sorted order.

use super::options::sample;
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use std::collections::BTreeSet;
use std::num::ParseIntError;
use std::path::Path;
use std::str::FromStr;

/// A word that is a count, or a column to count in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Count {
    Number(u64),
    Column(String),
}

impl FromStr for Count {
    type Err = ParseIntError;

    fn from_str(word: &str) -> Result<Self, ParseIntError> {
        let column = || {
            let named = word.contains(':') || word == "-" || Path::new(word).is_file();
            named.then(|| Self::Column(word.to_owned()))
        };
        word.parse().map(Self::Number).or_else(|error| column().ok_or(error))
    }
}

/// The `N` counts of a call, or the `M` columns to take them from.
pub(super) enum Counted<'a, const N: usize, const M: usize> {
    Counts([u64; N]),
    Columns([&'a str; M]),
}

/// Reads the words of a call, each with its name for the error that it is missing.
pub(super) fn counted<'a, const N: usize, const M: usize>(
    words: [(&str, Option<&'a Count>); N],
) -> Outcome<Counted<'a, N, M>> {
    let given = || words.iter().filter_map(|(_, word)| *word);
    let column = |count: &'a Count| match count {
        Count::Column(word) => Some(word.as_str()),
        Count::Number(_) => None,
    };
    let columns: Vec<&str> = given().filter_map(column).collect();
    if columns.is_empty() {
        let mut counts = [0; N];
        for (place, (name, word)) in counts.iter_mut().zip(words) {
            let Some(Count::Number(count)) = word else {
                return Err(Failure::usage(format_args!(
                    "the following required arguments were not provided: <{name}>"
                )));
            };
            *place = *count;
        }
        return Ok(Counted::Counts(counts));
    }
    let all = columns.len() == given().count();
    columns.try_into().ok().filter(|_| all).map(Counted::Columns).ok_or_else(|| {
        let columns = if M == 1 { "one column" } else { "two columns" };
        Failure::usage(format_args!("give {N} counts, or {columns}, each as FILE:COLUMN"))
    })
}

/// A column of 0 and 1.
pub(super) fn answers(word: &str) -> Outcome<Vec<bool>> {
    let answer = |(index, value): (usize, f64)| match value {
        0.0 => Ok(false),
        1.0 => Ok(true),
        _ => Err(Failure::usage(format_args!(
            "value {} of {word} is {value}, expected 0 or 1",
            index + 1
        ))),
    };
    sample(word)?.into_iter().enumerate().map(answer).collect()
}

/// How many answers of a column are 1, and how many there are.
pub(super) fn successes(word: &str) -> Outcome<(u64, u64)> {
    let answers = answers(word)?;
    Ok((answers.iter().filter(|yes| **yes).count() as u64, answers.len() as u64))
}

/// The pairs that only the first column, and only the second, answers with 1; and all pairs.
pub(super) fn discordant(first: &str, second: &str) -> Outcome<[u64; 3]> {
    let (one, two) = (answers(first)?, answers(second)?);
    paired(one.len(), two.len())?;
    let only = |yes: bool| one.iter().zip(&two).filter(|&(&a, &b)| a == yes && b != yes).count();
    Ok([only(true) as u64, only(false) as u64, one.len() as u64])
}

/// A column of labels as levels with their counts.
pub(super) fn levels(word: &str) -> Outcome<Vec<(String, u64)>> {
    let labels = Source::parse_one(word)?.labels()?;
    let counted = |level: String| {
        let n = labels.iter().filter(|label| **label == level).count();
        (level, n as u64)
    };
    Ok(labels.iter().cloned().collect::<BTreeSet<_>>().into_iter().map(counted).collect())
}

/// Counts of the pairs of labels of two columns: a row for each level of the first.
pub(super) struct CrossTable {
    pub(super) rows: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) counts: Vec<Vec<u64>>,
}

/// Counts the pairs of labels of two columns.
pub(super) fn cross_table(first: &str, second: &str) -> Outcome<CrossTable> {
    let (x, y) = (Source::parse_one(first)?.labels()?, Source::parse_one(second)?.labels()?);
    paired(x.len(), y.len())?;
    let levels = |labels: &[String]| -> Vec<String> {
        labels.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (rows, columns) = (levels(&x), levels(&y));
    let mut counts = vec![vec![0; columns.len()]; rows.len()];
    for (x, y) in x.iter().zip(&y) {
        if let (Ok(row), Ok(column)) = (rows.binary_search(x), columns.binary_search(y)) {
            counts[row][column] += 1;
        }
    }
    Ok(CrossTable { rows, columns, counts })
}

fn paired(one: usize, two: usize) -> Outcome {
    if one == two {
        return Ok(());
    }
    Err(Failure::usage(format_args!("the first column has {one} values, the second {two}")))
}
