//! Tests of values: means, ranks, signs, whole distributions, permutations. A sample is written
//! `1,2,3`, `FILE`, `FILE:COLUMN` or `-`.

use super::super::options::{Question, groups, sample};
use crate::app::figures;
use crate::failure::{Failure, Outcome};
use clap::ValueEnum;
use grimoire_stats::dist::{Distribution, Exponential, Normal, Student, Uniform};
use grimoire_stats::resample::permutation::{self, Exchanges};
use grimoire_stats::test::{kolmogorov, mean, ranks};
use grimoire_stats::{Alternative, Record};
use std::path::PathBuf;

/// t test of one mean, of pairs, or of two means (Welch's unless --equal-variances).
#[derive(Debug, clap::Args)]
pub(super) struct T {
    /// The sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample.
    #[arg(allow_negative_numbers = true)]
    y: Option<String>,
    /// The samples are pairs.
    #[arg(long, requires = "y")]
    paired: bool,
    /// Both samples have the same variance (Student's test).
    #[arg(long, requires = "y", conflicts_with = "paired")]
    equal_variances: bool,
    /// Mean (or mean difference) under the hypothesis.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    mu: f64,
    #[command(flatten)]
    question: Question,
    /// Draws the t distribution to an SVG file, the p-value shaded.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl T {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (side, level) = (self.question.alternative(), self.question.level);
        let x = sample(&self.x)?;
        let record = match &self.y {
            None => mean::one_sample(&x, self.mu, side, level)?,
            Some(y) if self.paired => mean::paired(&x, &sample(y)?, self.mu, side, level)?,
            Some(_) if self.mu != 0.0 => {
                return Err(Failure::usage("--mu goes with one sample or with pairs"));
            }
            Some(y) => mean::two_samples(&x, &sample(y)?, self.equal_variances, side, level)?,
        };
        if let (Some(path), Some(t), Some(degrees)) =
            (&self.plot, record.statistic, record.more.get("degrees_of_freedom"))
        {
            let shaded = |v: f64| match side {
                Alternative::Less => v <= t,
                Alternative::Greater => v >= t,
                Alternative::TwoSided => v.abs() >= t.abs(),
            };
            let p = super::super::show::figure(record.p_value.unwrap_or(f64::NAN));
            let title = format!("{}: {}", record.method, record.null);
            let d = Student::new(degrees)?;
            let mark = Some((t, "t".to_owned()));
            let figure = figures::distribution(&title, &d, mark, &format!("p = {p}"), shaded);
            figures::save(&figure, path)?;
        }
        Ok(record)
    }
}

/// Sign test of a median (give differences for pairs, or a second sample).
#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// The sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample of pairs.
    #[arg(allow_negative_numbers = true)]
    y: Option<String>,
    /// Median under the hypothesis.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    median: f64,
    #[command(flatten)]
    question: Question,
}

impl Sign {
    pub(super) fn run(&self) -> Outcome<Record> {
        let values = pairs(&self.x, self.y.as_deref())?;
        Ok(ranks::sign(&values, self.median, self.question.alternative(), self.question.level)?)
    }
}

/// Wilcoxon's signed-rank test (of one sample, or of pairs).
#[derive(Debug, clap::Args)]
pub(super) struct Wilcoxon {
    /// The sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample of pairs.
    #[arg(allow_negative_numbers = true)]
    y: Option<String>,
    /// Centre of symmetry under the hypothesis.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    center: f64,
    /// Which null distribution is used.
    #[arg(long, value_enum, default_value = "auto")]
    null: Null,
    #[command(flatten)]
    question: Question,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Null {
    /// Exact while it is cheap.
    Auto,
    /// Exact, ties included.
    Exact,
    /// Normal approximation.
    Normal,
}

impl From<Null> for ranks::Null {
    fn from(null: Null) -> Self {
        match null {
            Null::Auto => Self::Auto,
            Null::Exact => Self::Exact,
            Null::Normal => Self::Normal,
        }
    }
}

impl Wilcoxon {
    pub(super) fn run(&self) -> Outcome<Record> {
        let values = pairs(&self.x, self.y.as_deref())?;
        let side = self.question.alternative();
        Ok(ranks::wilcoxon(&values, self.center, self.null.into(), side, self.question.level)?)
    }
}

/// Mann and Whitney's U test of two independent samples.
#[derive(Debug, clap::Args)]
pub(super) struct MannWhitney {
    /// The first sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample.
    #[arg(allow_negative_numbers = true)]
    y: String,
    /// Which null distribution is used.
    #[arg(long, value_enum, default_value = "auto")]
    null: Null,
    #[command(flatten)]
    question: Question,
}

impl MannWhitney {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (x, y) = (sample(&self.x)?, sample(&self.y)?);
        let side = self.question.alternative();
        Ok(ranks::mann_whitney(&x, &y, self.null.into(), side, self.question.level)?)
    }
}

/// Kolmogorov-Smirnov test of two samples, or of one against a distribution.
#[derive(Debug, clap::Args)]
pub(super) struct KolmogorovSmirnov {
    /// The sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample.
    #[arg(allow_negative_numbers = true)]
    y: Option<String>,
    /// The distribution of a single sample [default: normal].
    #[arg(long, value_enum, conflicts_with = "y")]
    against: Option<Against>,
    /// Its parameters: normal MEAN,SD (0,1), uniform LOW,HIGH (0,1), exponential RATE (1).
    #[arg(long, conflicts_with = "y")]
    parameters: Option<String>,
    #[command(flatten)]
    question: Question,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    Normal,
    Uniform,
    Exponential,
}

impl KolmogorovSmirnov {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (x, side) = (sample(&self.x)?, self.question.alternative());
        if let Some(y) = &self.y {
            return Ok(kolmogorov::two_samples(&x, &sample(y)?, side)?);
        }
        let p = self.parameters.as_deref().map(sample).transpose()?.unwrap_or_default();
        let against = self.against.unwrap_or(Against::Normal);
        let d: Box<dyn Distribution> = match (against, p.as_slice()) {
            (Against::Normal, []) => Box::new(Normal::STANDARD),
            (Against::Normal, [mean, sd]) => Box::new(Normal::new(*mean, *sd)?),
            (Against::Uniform, []) => Box::new(Uniform::new(0.0, 1.0)?),
            (Against::Uniform, [low, high]) => Box::new(Uniform::new(*low, *high)?),
            (Against::Exponential, []) => Box::new(Exponential::new(1.0)?),
            (Against::Exponential, [rate]) => Box::new(Exponential::new(*rate)?),
            _ => return Err(Failure::usage("the number of --parameters does not fit --against")),
        };
        Ok(kolmogorov::one_sample(&x, |v| d.cdf(v), side)?)
    }
}

/// Permutation test of two means, or approximate randomisation of pairs.
#[derive(Debug, clap::Args)]
pub(super) struct Permutation {
    /// The first sample.
    #[arg(allow_negative_numbers = true)]
    x: String,
    /// The second sample.
    #[arg(allow_negative_numbers = true)]
    y: String,
    /// The samples are pairs, whose members are exchanged.
    #[arg(long)]
    paired: bool,
    /// Labels of the clusters of pairs, one per pair; whole clusters are exchanged.
    #[arg(long, requires = "paired")]
    clusters: Option<String>,
    /// Number of random exchanges; all are tried when there are no more than this.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    exchanges: u32,
    /// Seed of the exchanges.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    question: Question,
    /// Draws the exchanged differences to an SVG file, the p-value shaded.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl Permutation {
    pub(super) fn run(&self) -> Outcome<Record> {
        let (x, y) = (sample(&self.x)?, sample(&self.y)?);
        let exchanges = Exchanges { resamples: self.exchanges, seed: self.seed };
        let side = self.question.alternative();
        let level = self.question.level;
        let made = if self.paired {
            let labels = self.clusters.as_deref().map(groups).transpose()?;
            permutation::paired(&x, &y, labels.as_deref(), side, level, exchanges)?
        } else {
            permutation::two_samples(&x, &y, side, level, exchanges)?
        };
        if let (Some(path), Some(observed)) = (&self.plot, made.record.statistic) {
            if made.exchanged.is_empty() {
                let most = permutation::MOST_KEPT;
                return Err(Failure::usage(format_args!("--plot draws at most {most} exchanges")));
            }
            let p = super::super::show::figure(made.record.p_value.unwrap_or(f64::NAN));
            let title = format!("{}: {}", made.record.method, made.record.null);
            let (name, tail) = (made.record.statistic_name.as_ref(), format!("p = {p}"));
            let figure = figures::exchanged(&title, name, &made.exchanged, observed, side, &tail);
            figures::save(&figure, path)?;
        }
        Ok(made.record)
    }
}

/// One sample, or the differences of two, pair by pair.
fn pairs(x: &str, y: Option<&str>) -> Outcome<Vec<f64>> {
    let mut values = sample(x)?;
    if let Some(y) = y {
        let other = sample(y)?;
        if other.len() != values.len() {
            return Err(Failure::usage(format_args!(
                "the first sample has {} values, the second {}",
                values.len(),
                other.len()
            )));
        }
        values.iter_mut().zip(other).for_each(|(value, other)| *value -= other);
    }
    Ok(values)
}
