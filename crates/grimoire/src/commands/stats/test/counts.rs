//! Tests of counts: proportions, rates, tables, paired answers.

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
    /// Successes.
    successes: u64,
    /// Trials.
    n: u64,
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
        let record = binomial::exact(self.successes, self.n, self.p, side, self.question.level)?;
        if let Some(path) = &self.plot {
            let d = dist::Binomial::new(self.n, self.p)?;
            let figure = shaded(&d, self.successes as f64, side, &record, "successes");
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
    /// Successes in the first sample.
    successes_1: u64,
    /// Trials in the first sample.
    n_1: u64,
    /// Successes in the second sample.
    successes_2: u64,
    /// Trials in the second sample.
    n_2: u64,
    #[command(flatten)]
    question: Question,
}

impl Proportions {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (one, two) = ((self.successes_1, self.n_1), (self.successes_2, self.n_2));
        Ok(binomial::two_proportions(one, two, self.question.alternative(), self.question.level)?)
    }
}

/// Fisher's exact test of the table [[A, B], [C, D]].
#[derive(Debug, clap::Args)]
pub(super) struct Fisher {
    /// First row, first column.
    a: u64,
    /// First row, second column.
    b: u64,
    /// Second row, first column.
    c: u64,
    /// Second row, second column.
    d: u64,
    #[command(flatten)]
    question: Question,
}

impl Fisher {
    pub(super) fn run(&self) -> Outcome<Record> {
        let t = [[self.a, self.b], [self.c, self.d]];
        Ok(table::fisher(t, self.question.alternative(), self.question.level)?)
    }
}

/// Chi-square test: of independence with two or more --row, of fit with one.
#[derive(Debug, clap::Args)]
pub(super) struct ChiSquare {
    /// A row of counts, for instance 10,20,30.
    #[arg(long = "row", required = true)]
    rows: Vec<String>,
    /// Probabilities of the counts of a single row; equal if not given.
    #[arg(long)]
    probabilities: Option<String>,
    /// Yates' correction for a table of two by two.
    #[arg(long)]
    corrected: bool,
}

impl ChiSquare {
    pub(super) fn run(&self) -> Outcome<Record> {
        let rows = self.rows.iter().map(|word| counts(word)).collect::<Outcome<Vec<_>>>()?;
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
    /// Pairs where only the first answered yes.
    only_first: u64,
    /// Pairs where only the second answered yes.
    only_second: u64,
    /// Pairs in all.
    n: u64,
    #[command(flatten)]
    question: Question,
}

impl Mcnemar {
    pub(super) fn run(&self) -> Outcome<Record> {
        let Question { level, .. } = self.question;
        let side = self.question.alternative();
        Ok(binomial::mcnemar(self.only_first, self.only_second, self.n, side, level)?)
    }
}
