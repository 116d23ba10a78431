//! From columns of text to columns of numbers, by rules that are stated and saved with the model.
//!
//! Missing cells: their row is left out and counted (the default), or numbers take the mean of the rows the model was
//! fitted on and categories the level `(missing)`, or they are an error. A row without a target is always left out.
//! What follows is decided by the rows that are kept: a column whose every cell is a number is a number, and an
//! infinite one among them is an error. Any other column is a category, and said to be one where numbers stand in it:
//! its levels are sorted, the first is the base, every other level is a column of zeros and ones (treatment coding).
//! A level that the model has not seen is an error, not a guess. A first column without a name whose cells count the
//! rows, from 1 as R writes its row names or from 0 as pandas writes its index, says nothing of the rows and is left
//! out, unless it is asked for.

use super::Coded;
use super::table::Table;
use crate::failure::{Failure, Outcome};
use grimoire_stats::linear::least_squares::WideColumn;
use grimoire_stats::linear::twofold::Twofold;
use serde::{Deserialize, Serialize};

/// The level that stands for a missing category.
const MISSING_LEVEL: &str = "(missing)";
/// More different words than this look like an identifier.
const MOST_LEVELS: usize = 100;

/// What to do with rows that lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missing {
    /// Leave the row out, and say how many were.
    Drop,
    /// Numbers take the mean, categories a level of their own.
    Fill,
    /// Refuse.
    Error,
}

/// How one column of the file enters the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Feature {
    /// A number, and its powers up to `degree`.
    Number {
        column: String,
        degree: usize,
        /// Mean of the rows of the fit, for missing cells.
        mean: f64,
    },
    /// A category: the first level is the base.
    Category { column: String, levels: Vec<String> },
}

/// All features, in the order of the terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encoding {
    pub(crate) features: Vec<Feature>,
    pub(crate) missing: Missing,
}

/// What the user asked of the columns.
#[derive(Debug, Clone)]
pub(crate) struct Wishes {
    pub(crate) target: String,
    pub(crate) features: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) poly: Vec<(String, usize)>,
    pub(crate) category: Vec<String>,
    pub(crate) missing: Missing,
    /// Row numbers in an unnamed first column are a predictor like any other.
    pub(crate) keep_row_numbers: bool,
}

impl Wishes {
    /// Whether the table's first column only counts its rows and nobody asked for it.
    pub(crate) fn leaves_out_row_numbers(&self, table: &Table) -> bool {
        let first = &table.header[0];
        let named = self.features.contains(first)
            || self.exclude.contains(first)
            || self.category.contains(first)
            || self.poly.iter().any(|(name, _)| name == first)
            || self.target == *first;
        if self.keep_row_numbers || named || !first.is_empty() {
            return false;
        }
        let counts_from = |start: usize| {
            let cells = table.column(first).unwrap_or_default();
            let mut rows = cells.iter().enumerate();
            rows.all(|(row, cell)| cell.as_deref() == Some((row + start).to_string().as_str()))
        };
        counts_from(1) || counts_from(0)
    }
}

/// What was decided of the columns, and what to tell of it.
pub(crate) struct Decided {
    pub(crate) encoding: Encoding,
    /// Columns that are categories though numbers stand in them: why.
    pub(crate) notes: Vec<String>,
}

/// Numbers ready for a solver.
pub(crate) struct Encoded {
    /// Names of the terms, without the intercept.
    pub(crate) names: Vec<String>,
    /// One column per term.
    pub(crate) columns: Vec<WideColumn>,
    /// Rows of the file that were kept, from zero.
    pub(crate) rows: Vec<usize>,
}

fn number(cell: &str) -> Option<f64> {
    cell.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// The rows that lack none of `columns`; a row that does is an error where missing values are.
fn complete<'a>(
    table: &Table,
    columns: impl Iterator<Item = &'a str>,
    missing: Missing,
) -> Outcome<Vec<usize>> {
    let mut keep = vec![true; table.n_rows()];
    for name in columns {
        for (row, cell) in table.column(name)?.iter().enumerate() {
            if cell.is_some() {
                continue;
            }
            if missing == Missing::Error {
                let place = table.place(row);
                return Err(Failure::work(format_args!("{place}: no value for `{name}`"))
                    .hint("--missing drop leaves such rows out, --missing fill fills them in"));
            }
            keep[row] = false;
        }
    }
    let rows: Vec<usize> = (0..keep.len()).filter(|&row| keep[row]).collect();
    if rows.is_empty() {
        return Err(Failure::work(format_args!("{}: every row lacks a value", table.name)));
    }
    Ok(rows)
}

impl Encoding {
    /// Decides how each column enters, by the rows that will be kept.
    pub(crate) fn decide(table: &Table, wishes: &Wishes) -> Outcome<Decided> {
        for name in wishes
            .features
            .iter()
            .chain(&wishes.exclude)
            .chain(&wishes.category)
            .chain(wishes.poly.iter().map(|(name, _)| name))
            .chain([&wishes.target])
        {
            table.column(name)?;
        }
        let row_numbers = wishes.leaves_out_row_numbers(table).then_some(&table.header[0]);
        let chosen = |name: &&String| {
            **name != wishes.target
                && Some(*name) != row_numbers
                && !wishes.exclude.contains(name)
                && (wishes.features.is_empty() || wishes.features.contains(name))
        };
        let columns: Vec<&String> = table.header.iter().filter(chosen).collect();
        for name in &columns {
            if table.column(name)?.iter().all(Option::is_none) {
                return Err(Failure::work(format_args!("{}: `{name}` has no values", table.name))
                    .hint(format_args!("--exclude {name} leaves it out")));
            }
        }
        let needed = columns.iter().filter(|_| wishes.missing != Missing::Fill);
        let needed = needed.map(|name| name.as_str()).chain([wishes.target.as_str()]);
        let rows = complete(table, needed, wishes.missing)?;
        let mut notes = Vec::new();
        let features = columns
            .into_iter()
            .map(|name| feature(table, &rows, name, wishes, &mut notes))
            .collect::<Outcome<Vec<_>>>()?;
        if let Some((name, _)) = wishes.poly.iter().find(|(name, _)| {
            !features.iter().any(|f| matches!(f, Feature::Number { column, .. } if column == name))
        }) {
            return Err(Failure::usage(format_args!(
                "--poly {name}: that column is not among the numbers of the model"
            )));
        }
        Ok(Decided { encoding: Self { features, missing: wishes.missing }, notes })
    }

    /// The categories, each with its base.
    pub(crate) fn categories(&self) -> Vec<Coded> {
        let coded = |feature: &Feature| match feature {
            Feature::Category { column, levels } => {
                Some(Coded { column: column.clone(), base: levels.first()?.clone() })
            }
            Feature::Number { .. } => None,
        };
        self.features.iter().filter_map(coded).collect()
    }

    /// Applies the rules to a table; `also` is a further column that must not be missing (the target).
    pub(crate) fn apply(&self, table: &Table, also: Option<&str>) -> Outcome<Encoded> {
        let needed =
            self.features.iter().map(Feature::column).filter(|_| self.missing != Missing::Fill);
        let rows = complete(table, needed.chain(also), self.missing)?;
        let mut encoded = Encoded { names: vec![], columns: vec![], rows };
        for feature in &self.features {
            feature.encode(table, &mut encoded)?;
        }
        Ok(encoded)
    }
}

fn feature(
    table: &Table,
    rows: &[usize],
    name: &str,
    wishes: &Wishes,
    notes: &mut Vec<String>,
) -> Outcome<Feature> {
    let cells = table.column(name)?;
    let present: Vec<(usize, &str)> =
        rows.iter().filter_map(|&row| Some((row, cells[row].as_deref()?))).collect();
    let word = present.iter().find(|(_, cell)| cell.parse::<f64>().is_err());
    if word.is_some() || wishes.category.iter().any(|asked| asked == name) {
        let mixed = word.filter(|_| present.iter().any(|(_, cell)| number(cell).is_some()));
        let why = mixed.map(|(row, cell)| format!("line {} is `{cell}`", table.line(*row)));
        let has_holes = present.len() < rows.len();
        let levels = levels(table, name, &present, has_holes, why.as_deref())?;
        notes.extend(
            why.map(|why| format!("{}: `{name}` is taken as a category, for {why}", table.name)),
        );
        return Ok(Feature::Category { column: name.to_owned(), levels });
    }
    let mut sum = 0.0;
    for &(row, cell) in &present {
        sum += number(cell).ok_or_else(|| not_a_number(table, row, name, cell))?;
    }
    let degree = wishes.poly.iter().find(|(poly, _)| poly == name).map_or(1, |p| p.1);
    let mean = sum / present.len() as f64;
    Ok(Feature::Number { column: name.to_owned(), degree, mean })
}

/// The different words of a column in order, with the one for missing cells where there are any.
fn levels(
    table: &Table,
    name: &str,
    present: &[(usize, &str)],
    has_holes: bool,
    why: Option<&str>,
) -> Outcome<Vec<String>> {
    let mut levels: Vec<String> = present.iter().map(|(_, cell)| (*cell).to_owned()).collect();
    if has_holes {
        levels.push(MISSING_LEVEL.to_owned());
    }
    levels.sort();
    levels.dedup();
    if levels.len() > MOST_LEVELS {
        let why = why.map_or(String::new(), |why| format!(" ({why}, which is not a number)"));
        return Err(Failure::work(format_args!(
            "{}: `{name}` has {} different words, too many for a category{why}",
            table.name,
            levels.len()
        ))
        .hint(format_args!("--exclude {name} leaves it out")));
    }
    Ok(levels)
}

impl Feature {
    fn column(&self) -> &str {
        match self {
            Self::Number { column, .. } | Self::Category { column, .. } => column,
        }
    }

    fn encode(&self, table: &Table, encoded: &mut Encoded) -> Outcome {
        let cells = table.column(self.column())?;
        match self {
            Self::Number { column, degree, mean } => {
                let value = |&row: &usize| match &cells[row] {
                    None => Ok(Twofold::from(*mean)),
                    Some(cell) => Twofold::decimal(cell)
                        .filter(|value| value.hi.is_finite())
                        .ok_or_else(|| not_a_number(table, row, column, cell)),
                };
                let values = encoded.rows.iter().map(value).collect::<Outcome<Vec<_>>>()?;
                let powers = WideColumn::powers(&WideColumn::wide(values), *degree);
                for (power, made) in powers.into_iter().enumerate() {
                    encoded.names.push(match power {
                        0 => column.clone(),
                        _ => format!("{column}^{}", power + 1),
                    });
                    encoded.columns.push(made);
                }
            }
            Self::Category { column, levels } => {
                for &row in &encoded.rows {
                    let cell = cells[row].as_deref().unwrap_or(MISSING_LEVEL);
                    if !levels.iter().any(|level| level == cell) {
                        return Err(Failure::work(format_args!(
                            "{}: `{column}` is `{cell}`, which the model has not seen",
                            table.place(row)
                        ))
                        .hint(format_args!("it knows {}", levels.join(", "))));
                    }
                }
                for level in levels.iter().skip(1) {
                    let is = |&row: &usize| {
                        let cell = cells[row].as_deref().unwrap_or(MISSING_LEVEL);
                        f64::from(u8::from(cell == level))
                    };
                    let values: Vec<f64> = encoded.rows.iter().map(is).collect();
                    encoded.names.push(format!("{column}={level}"));
                    encoded.columns.push(WideColumn::plain(&values));
                }
            }
        }
        Ok(())
    }
}

fn not_a_number(table: &Table, row: usize, column: &str, cell: &str) -> Failure {
    let kind = if cell.parse::<f64>().is_ok_and(f64::is_infinite) { "finite " } else { "" };
    let place = table.place(row);
    Failure::work(format_args!("{place}: `{column}` is `{cell}`, which is not a {kind}number"))
}

/// The target as numbers, at the rows kept.
pub(crate) fn numbers(table: &Table, column: &str, rows: &[usize]) -> Outcome<WideColumn> {
    let cells = table.column(column)?;
    let value = |&row: &usize| {
        let cell = cells[row].as_deref().unwrap_or("");
        Twofold::decimal(cell)
            .filter(|value| value.hi.is_finite())
            .ok_or_else(|| not_a_number(table, row, column, cell))
    };
    Ok(WideColumn::wide(rows.iter().map(value).collect::<Outcome<Vec<_>>>()?))
}

/// The two classes of a target, sorted (as numbers when both are).
pub(crate) fn classes(table: &Table, column: &str, rows: &[usize]) -> Outcome<[String; 2]> {
    let cells = table.column(column)?;
    let mut seen: Vec<&str> = rows.iter().filter_map(|&row| cells[row].as_deref()).collect();
    seen.sort_unstable_by(|a, b| match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then(a.cmp(b)),
        _ => a.cmp(b),
    });
    seen.dedup();
    match seen[..] {
        [a, b] => Ok([a.to_owned(), b.to_owned()]),
        _ => Err(Failure::work(format_args!(
            "{}: `{column}` has {} different values, logistic regression needs two",
            table.name,
            seen.len()
        ))),
    }
}

/// The target as 0 and 1.
pub(crate) fn outcomes(
    table: &Table,
    column: &str,
    rows: &[usize],
    classes: &[String; 2],
) -> Outcome<Vec<f64>> {
    let cells = table.column(column)?;
    rows.iter()
        .map(|&row| match cells[row].as_deref() {
            Some(cell) if cell == classes[0] => Ok(0.0),
            Some(cell) if cell == classes[1] => Ok(1.0),
            other => Err(Failure::work(format_args!(
                "{}: `{column}` is `{}`, expected {} or {}",
                table.place(row),
                other.unwrap_or(""),
                classes[0],
                classes[1]
            ))),
        })
        .collect()
}
