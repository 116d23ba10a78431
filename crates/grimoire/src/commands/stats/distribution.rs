//! `grimoire stats distribution`: density, tails, quantiles, moments and draws of a named
//! distribution; `binomial` and `poisson` are the same with their own arguments.

use super::show::{self, Lines};
use crate::app::figures;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_stats::dist::{
    Beta, ChiSquare, Distribution, Exponential, FisherF, Gamma, Geometric, Hypergeometric, Moments,
    NegativeBinomial, Normal, Student, Uniform,
};
use grimoire_stats::random::Random;
use serde::Serialize;
use std::path::PathBuf;

/// Density, tails, quantiles, moments and draws of a distribution.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which distribution.
    #[arg(value_enum)]
    name: Name,
    /// Its parameters: normal MEAN SD; t DF; f DF1 DF2; chi-square DF; beta A B; gamma SHAPE SCALE;
    /// exponential RATE; uniform LOW HIGH; hypergeometric TOTAL MARKED DRAWN;
    /// negative-binomial SUCCESSES P; geometric P (both count the failures before the last success wanted).
    #[arg(required = true, allow_negative_numbers = true)]
    parameters: Vec<f64>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    Normal,
    T,
    F,
    ChiSquare,
    Beta,
    Gamma,
    Exponential,
    Uniform,
    Hypergeometric,
    NegativeBinomial,
    Geometric,
}

/// What is asked of the distribution.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Asked {
    /// Density and both tails at this value.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    at: Option<f64>,
    /// The smallest value with at least this probability at or below it.
    #[arg(long, value_name = "PROBABILITY")]
    quantile: Option<f64>,
    /// Draws this many values.
    #[arg(long, value_name = "COUNT")]
    sample: Option<u32>,
    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws the distribution to an SVG file, the tail at --at shaded.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    distribution: String,
    #[serde(flatten)]
    moments: Moments,
    standard_deviation: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantile: Option<Quantile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sample: Vec<f64>,
}

#[derive(Serialize)]
struct At {
    x: f64,
    density: f64,
    ln_density: f64,
    at_most: f64,
    ln_at_most: f64,
    more_than: f64,
    ln_more_than: f64,
    at_least: f64,
    ln_at_least: f64,
}

#[derive(Serialize)]
struct Quantile {
    probability: f64,
    value: f64,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let wanted = match args.name {
        Name::T | Name::ChiSquare | Name::Exponential | Name::Geometric => 1,
        Name::Hypergeometric => 3,
        _ => 2,
    };
    let p = &args.parameters;
    let name = args.name.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
    if p.len() != wanted {
        return Err(Failure::usage(format_args!(
            "{name} takes {wanted} parameters, {} were given",
            p.len()
        )));
    }
    let whole = |value: f64| {
        if value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
            Ok(value as u64)
        } else {
            Err(Failure::usage(format_args!("{name}: {value} is not a count")))
        }
    };
    let d: Box<dyn Distribution> = match args.name {
        Name::Normal => Box::new(Normal::new(p[0], p[1])?),
        Name::T => Box::new(Student::new(p[0])?),
        Name::F => Box::new(FisherF::new(p[0], p[1])?),
        Name::ChiSquare => Box::new(ChiSquare::new(p[0])?),
        Name::Beta => Box::new(Beta::new(p[0], p[1])?),
        Name::Gamma => Box::new(Gamma::new(p[0], p[1])?),
        Name::Exponential => Box::new(Exponential::new(p[0])?),
        Name::Uniform => Box::new(Uniform::new(p[0], p[1])?),
        Name::Hypergeometric => {
            Box::new(Hypergeometric::new(whole(p[0])?, whole(p[1])?, whole(p[2])?)?)
        }
        Name::NegativeBinomial => Box::new(NegativeBinomial::new(p[0], p[1])?),
        Name::Geometric => Box::new(Geometric::new(p[0])?),
    };
    let shown: Vec<String> = p.iter().map(f64::to_string).collect();
    describe(&format!("{name}({})", shown.join(", ")), d.as_ref(), &args.asked, printer)
}

/// Answers what is asked of `d`, by name.
pub(crate) fn describe(
    name: &str,
    d: &dyn Distribution,
    asked: &Asked,
    printer: &mut Printer,
) -> Outcome {
    let at = asked.at.map(|x| {
        let tails = d.tails(x);
        At {
            x,
            density: d.density(x),
            ln_density: d.ln_density(x),
            at_most: tails.lower,
            ln_at_most: tails.ln_lower,
            more_than: tails.upper,
            ln_more_than: tails.ln_upper,
            at_least: d.at_least(x),
            ln_at_least: d.ln_at_least(x),
        }
    });
    let quantile = match asked.quantile {
        Some(p) => Some(Quantile {
            probability: grimoire_stats::error::probability("the probability", p)?,
            value: d.quantile(p),
        }),
        None => None,
    };
    let mut draws = Random::new(asked.seed, 0).draws(0);
    let sample = (0..asked.sample.unwrap_or(0)).map(|_| d.sample(&mut draws)).collect();
    let moments = d.moments();
    if let Some(path) = &asked.plot {
        let mark = asked.at.map(|x| (x, "x".to_owned()));
        let upper = asked.at.is_some_and(|x| x >= moments.mean);
        let shaded = |x: f64| match asked.at {
            Some(at) if upper => x >= at,
            Some(at) => x <= at,
            None => false,
        };
        figures::save(&figures::distribution(name, d, mark, "tail", shaded), path)?;
    }
    let report = Report {
        distribution: name.to_owned(),
        moments,
        standard_deviation: moments.variance.sqrt(),
        at,
        quantile,
        sample,
    };
    let discrete = d.is_discrete();
    printer.report(&report, |report| render(report, discrete))
}

fn render(report: &Report, discrete: bool) -> String {
    let mut lines = Lines::default();
    lines
        .number("mean", report.moments.mean)
        .number("standard deviation", report.standard_deviation);
    let scatters = report.standard_deviation > 0.0;
    for (name, value) in
        [("skewness", report.moments.skewness), ("excess kurtosis", report.moments.excess_kurtosis)]
    {
        lines.add(name, if scatters { show::figure(value) } else { "undefined".to_owned() });
    }
    if let Some(at) = &report.at {
        let x = show::figure(at.x);
        let density = if discrete { format!("P(X = {x})") } else { format!("density at {x}") };
        with_logarithm(&mut lines, density, at.density, at.ln_density);
        with_logarithm(&mut lines, format!("P(X <= {x})"), at.at_most, at.ln_at_most);
        with_logarithm(&mut lines, format!("P(X > {x})"), at.more_than, at.ln_more_than);
        if discrete {
            with_logarithm(&mut lines, format!("P(X >= {x})"), at.at_least, at.ln_at_least);
        }
    }
    if let Some(quantile) = &report.quantile {
        lines.number(format!("quantile {}", show::figure(quantile.probability)), quantile.value);
    }
    let mut text = format!("{}\n\n{}", report.distribution, lines.text());
    if !report.sample.is_empty() {
        let values: Vec<String> = report.sample.iter().map(|v| show::figure(*v)).collect();
        text.push_str(&format!("\n{}\n", values.join(" ")));
    }
    text
}

/// A line for `value`, and one for its logarithm where it is too small for a double to hold with all its digits.
fn with_logarithm(lines: &mut Lines, name: String, value: f64, ln: f64) {
    let logarithm = format!("ln {name}");
    lines.number(name, value);
    if value < f64::MIN_POSITIVE && ln.is_finite() {
        lines.number(logarithm, ln);
    }
}
