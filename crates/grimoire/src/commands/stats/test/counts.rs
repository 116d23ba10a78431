//! Tests of counts: proportions, rates, tables, paired answers.

use super::super::counted::{
    Count, Counted, CrossTable, counted, cross_table, discordant, levels, successes,
};
use super::super::options::Question;
use crate::app::figures;
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use grimoire_stats::dist::Distribution;
use grimoire_stats::test::{binomial, rate, table};
use grimoire_stats::{Alternative, Record, dist};
use std::path::PathBuf;

/// Exact test of SUCCESSES of N trials against a probability.
#[derive(Debug, clap::Args)]
pub(super) struct Binomial {
    /// Successes; or FILE:COLUMN of 0 and 1, without N.
    successes: Count,
    /// Trials.
    n: Option<Count>,
    /// Probability of success under the hypothesis.
    #[arg(long, default_value_t = 0.5)]
    p: f64,
    #[command(flatten)]
    question: Question,
    /// Draws the distribution under the hypothesis to an SVG file, the p-value shaded.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl Binomial {
    pub(super) fn run(&self) -> Outcome<Record> {
        let side = self.question.alternative();
        let (x, n) = match counted([("SUCCESSES", Some(&self.successes)), ("N", self.n.as_ref())])?
        {
            Counted::Counts([x, n]) => (x, n),
            Counted::Columns([column]) => successes(column)?,
        };
        let record = binomial::exact(x, n, self.p, side, self.question.level)?;
        if let Some(path) = &self.plot {
            let d = dist::Binomial::new(n, self.p)?;
            let figure = shaded(&d, x as f64, side, &record, "successes");
            figures::save(&figure, path)?;
        }
        Ok(record)
    }
}

/// The null distribution with the outcomes that make up the p-value in colour.
fn shaded(
    d: &dyn Distribution,
    seen: f64,
    side: Alternative,
    record: &Record,
    what: &str,
) -> grimoire_plot::Figure {
    let bound = d.ln_density(seen) + 1e-7;
    let counts = |x: f64| match side {
        Alternative::Less => x <= seen,
        Alternative::Greater => x >= seen,
        Alternative::TwoSided => d.ln_density(x) <= bound,
    };
    let p = super::super::show::figure(record.p_value.unwrap_or(f64::NAN));
    let title = format!("{}: {}", record.method, record.null);
    figures::distribution(
        &title,
        d,
        Some((seen, format!("{what} seen"))),
        &format!("p = {p}"),
        counts,
    )
}

/// Exact test of COUNT events in EXPOSURE against a rate.
#[derive(Debug, clap::Args)]
pub(super) struct Poisson {
    /// Events.
    count: u64,
    /// Units of time or space observed.
    #[arg(default_value_t = 1.0)]
    exposure: f64,
    /// Rate under the hypothesis.
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    #[command(flatten)]
    question: Question,
    /// Draws the distribution under the hypothesis to an SVG file, the p-value shaded.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl Poisson {
    pub(super) fn run(&self) -> Outcome<Record> {
        let side = self.question.alternative();
        let record = rate::exact(self.count, self.exposure, self.rate, side, self.question.level)?;
        if let Some(path) = &self.plot {
            let d = dist::Poisson::new(self.rate * self.exposure)?;
            figures::save(&shaded(&d, self.count as f64, side, &record, "events"), path)?;
        }
        Ok(record)
    }
}

/// Exact comparison of two Poisson rates.
#[derive(Debug, clap::Args)]
pub(super) struct Rates {
    /// Events in the first sample.
    count_1: u64,
    /// Exposure of the first sample.
    exposure_1: f64,
    /// Events in the second sample.
    count_2: u64,
    /// Exposure of the second sample.
    exposure_2: f64,
    /// Ratio of the rates under the hypothesis.
    #[arg(long, default_value_t = 1.0)]
    ratio: f64,
    #[command(flatten)]
    question: Question,
}

impl Rates {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (one, two) = ((self.count_1, self.exposure_1), (self.count_2, self.exposure_2));
        let side = self.question.alternative();
        Ok(rate::two_rates(one, two, self.ratio, side, self.question.level)?)
    }
}

/// Score test of two independent proportions (for small counts: fisher).
#[derive(Debug, clap::Args)]
pub(super) struct Proportions {
    /// Successes in the first sample; or FILE:COLUMN of 0 and 1 for each sample.
    successes_1: Count,
    /// Trials in the first sample.
    n_1: Option<Count>,
    /// Successes in the second sample.
    successes_2: Option<Count>,
    /// Trials in the second sample.
    n_2: Option<Count>,
    #[command(flatten)]
    question: Question,
}

impl Proportions {
    pub(super) fn run(&self) -> Outcome<Record> {
        let words = [
            ("SUCCESSES_1", Some(&self.successes_1)),
            ("N_1", self.n_1.as_ref()),
            ("SUCCESSES_2", self.successes_2.as_ref()),
            ("N_2", self.n_2.as_ref()),
        ];
        let (one, two) = match counted(words)? {
            Counted::Counts([x, n, y, m]) => ((x, n), (y, m)),
            Counted::Columns([one, two]) => (successes(one)?, successes(two)?),
        };
        Ok(binomial::two_proportions(one, two, self.question.alternative(), self.question.level)?)
    }
}

/// Fisher's exact test of the table [[A, B], [C, D]].
#[derive(Debug, clap::Args)]
pub(super) struct Fisher {
    /// First row, first column; or FILE:COLUMN of labels for the rows, and another for the columns.
    a: Count,
    /// First row, second column.
    b: Option<Count>,
    /// Second row, first column.
    c: Option<Count>,
    /// Second row, second column.
    d: Option<Count>,
    #[command(flatten)]
    question: Question,
}

impl Fisher {
    pub(super) fn run(&self) -> Outcome<Record> {
        let Question { level, .. } = self.question;
        let side = self.question.alternative();
        let words = [
            ("A", Some(&self.a)),
            ("B", self.b.as_ref()),
            ("C", self.c.as_ref()),
            ("D", self.d.as_ref()),
        ];
        let table = match counted(words)? {
            Counted::Counts([a, b, c, d]) => {
                return Ok(table::fisher([[a, b], [c, d]], side, level)?);
            }
            Counted::Columns([rows, columns]) => cross_table(rows, columns)?,
        };
        let [[a, b], [c, d]] = two_by_two(&table)?;
        let mut record = table::fisher([[a, b], [c, d]], side, level)?;
        for (row, counts) in table.rows.iter().zip(&table.counts) {
            for (column, count) in table.columns.iter().zip(counts) {
                record = record.with(format!("{row} and {column}"), *count as f64);
            }
        }
        Ok(record)
    }
}

fn two_by_two(table: &CrossTable) -> Outcome<[[u64; 2]; 2]> {
    match table.counts.as_slice() {
        [one, two] => match (one.as_slice(), two.as_slice()) {
            (&[a, b], &[c, d]) => Ok([[a, b], [c, d]]),
            _ => Err(not_two(&table.columns)),
        },
        _ => Err(not_two(&table.rows)),
    }
}

fn not_two(levels: &[String]) -> Failure {
    Failure::usage(format_args!("a column has {} different labels, expected two", levels.len()))
        .hint("chi-square takes any number")
}

/// Chi-square test: of independence with two columns or --row, of fit with one.
#[derive(Debug, clap::Args)]
pub(super) struct ChiSquare {
    /// FILE:COLUMN of labels to count, one or two, instead of --row.
    #[arg(required_unless_present = "rows", conflicts_with = "rows", num_args = 1..=2)]
    columns: Vec<String>,
    /// A row of counts, for instance 10,20,30.
    #[arg(long = "row")]
    rows: Vec<String>,
    /// Probabilities of the counts of a single row (of labels: in sorted order); equal if not given.
    #[arg(long)]
    probabilities: Option<String>,
    /// Yates' correction for a table of two by two.
    #[arg(long)]
    corrected: bool,
}

impl ChiSquare {
    pub(super) fn run(&self) -> Outcome<Record> {
        let rows = match self.columns.as_slice() {
            [] => self.rows.iter().map(|word| counts(word)).collect::<Outcome<Vec<_>>>()?,
            [column] => vec![levels(column)?.into_iter().map(|(_, n)| n).collect()],
            [first, second, ..] => cross_table(first, second)?.counts,
        };
        if self.corrected && (rows.len() != 2 || rows.iter().any(|row| row.len() != 2)) {
            return Err(Failure::usage("--corrected goes with a table of two by two"));
        }
        match (rows.as_slice(), &self.probabilities) {
            ([row], Some(word)) => Ok(table::fit(row, Some(&Source::parse_one(word)?.collect()?))?),
            ([row], None) => Ok(table::fit(row, None)?),
            (_, Some(_)) => Err(Failure::usage("--probabilities go with a single --row")),
            (rows, None) => Ok(table::independence(rows, self.corrected)?),
        }
    }
}

fn counts(word: &str) -> Outcome<Vec<u64>> {
    Source::parse_one(word)?
        .collect()?
        .into_iter()
        .map(|value| {
            if value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
                Ok(value as u64)
            } else {
                Err(Failure::usage(format_args!("{value} is not a count")))
            }
        })
        .collect()
}

/// McNemar's exact test of paired yes/no answers.
#[derive(Debug, clap::Args)]
pub(super) struct Mcnemar {
    /// Pairs where only the first answered yes; or FILE:COLUMN of 0 and 1 for each of the two.
    only_first: Count,
    /// Pairs where only the second answered yes.
    only_second: Option<Count>,
    /// Pairs in all.
    n: Option<Count>,
    #[command(flatten)]
    question: Question,
}

impl Mcnemar {
    pub(super) fn run(&self) -> Outcome<Record> {
        let Question { level, .. } = self.question;
        let side = self.question.alternative();
        let words = [
            ("ONLY_FIRST", Some(&self.only_first)),
            ("ONLY_SECOND", self.only_second.as_ref()),
            ("N", self.n.as_ref()),
        ];
        let [only_first, only_second, n] = match counted(words)? {
            Counted::Counts(counts) => counts,
            Counted::Columns([first, second]) => discordant(first, second)?,
        };
        Ok(binomial::mcnemar(only_first, only_second, n, side, level)?)
    }
}
