//! The arguments that say which table, which column to predict, and from what.

use crate::app::fit::encode::{Missing, Wishes};
use crate::failure::{Failure, Outcome};
use std::path::PathBuf;

/// The table and its columns.
#[derive(clap::Args, Clone)]
pub(crate) struct Data {
    /// CSV file with a header (.tsv, .tab and .data: tabs; .gz: compressed).
    pub(crate) data: PathBuf,
    /// Column to predict.
    #[arg(long)]
    target: String,
    /// Columns to predict from [default: all others].
    ///
    /// A name with a comma stands in double quotes: --features '"size, m2",age'.
    #[arg(long)]
    features: Vec<String>,
    /// Columns to leave out.
    #[arg(long)]
    exclude: Vec<String>,
    /// Powers of a column up to a degree, as `x:3`; may be repeated.
    #[arg(long, value_name = "COLUMN:DEGREE")]
    poly: Vec<String>,
    /// Columns of numbers to treat as categories.
    ///
    /// A column with a cell that is not a number is one in any case. The first level in sorted order is the base; every
    /// other level is a term that is 1 in its rows and 0 elsewhere.
    #[arg(long)]
    category: Vec<String>,
    /// Rows that lack a value (empty, NA, NaN, null, ?): leave out, fill in (mean; own level), or refuse.
    #[arg(long, value_enum, default_value = "drop")]
    missing: Missing,
    /// Keep an unnamed first column that only counts the rows (1, 2, 3 … or 0, 1, 2 …).
    #[arg(long)]
    keep_row_numbers: bool,
    /// Fit no intercept.
    #[arg(long)]
    pub(crate) no_intercept: bool,
    /// Write the model to this file, for `grimoire fit predict`.
    #[arg(long, value_name = "MODEL.json")]
    pub(crate) save: Option<PathBuf>,
    /// Draw it to this SVG file.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

impl Data {
    /// The wishes, checked as far as they can be without the table.
    pub(crate) fn wishes(&self) -> Outcome<Wishes> {
        let poly = self
            .poly
            .iter()
            .map(|word| {
                let wrong = || {
                    Failure::usage(format_args!("--poly {word}: expected COLUMN:DEGREE"))
                        .hint("for instance --poly x:3; degrees run from 1 to 20")
                };
                let (column, degree) = word.rsplit_once(':').ok_or_else(wrong)?;
                let degree: usize = degree.parse().map_err(|_| wrong())?;
                if (1..=20).contains(&degree) {
                    Ok((column.to_owned(), degree))
                } else {
                    Err(wrong())
                }
            })
            .collect::<Outcome<Vec<_>>>()?;
        Ok(Wishes {
            target: self.target.clone(),
            features: names(&self.features)?,
            exclude: names(&self.exclude)?,
            poly,
            category: names(&self.category)?,
            missing: self.missing,
            keep_row_numbers: self.keep_row_numbers,
        })
    }
}

/// The names in lists with commas, where a name with a comma stands in double quotes.
fn names(lists: &[String]) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for list in lists {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(list.as_bytes());
        for record in reader.records() {
            let wrong = |error| Failure::usage(format_args!("the columns `{list}`: {error}"));
            names.extend(record.map_err(wrong)?.iter().map(str::to_owned));
        }
    }
    Ok(names)
}
