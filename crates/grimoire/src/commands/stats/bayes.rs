//! `grimoire stats bayes`: the theorem with its derivation, beliefs about proportions and rates, and
//! Bayes factors.

use super::show::{self, Lines, figure};
use crate::app::figures;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Subcommand;
use grimoire_stats::bayes::conjugate::{BetaBinomial, GammaPoisson};
use grimoire_stats::bayes::evidence::{Derivation, Piece, from_odds, update};
use grimoire_stats::bayes::factor;
use grimoire_stats::dist::Distribution;
use grimoire_stats::{Interval, Record};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// Bayes' theorem: what to believe after the evidence.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    of: Option<Of>,
    /// A hypothesis and its prior probability, NAME=0.01; give two or more.
    #[arg(long = "prior", value_name = "NAME=P")]
    priors: Vec<String>,
    /// The priors are odds, of any sum.
    #[arg(long)]
    odds: bool,
    /// A piece of evidence and its probability under each hypothesis, NAME=0.8,0.1.
    #[arg(long = "evidence", value_name = "NAME=P,P,...")]
    evidence: Vec<String>,
    /// A piece of evidence as likelihood ratio of the first of two hypotheses, NAME=8.
    #[arg(long = "ratio", value_name = "NAME=R")]
    ratios: Vec<String>,
    /// A piece of evidence as counts under each hypothesis, NAME=8/10,50/500.
    #[arg(long = "counts", value_name = "NAME=X/N,X/N,...")]
    counts: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Of {
    Proportion(Proportion),
    Rate(Rate),
    T(T),
}

/// Belief about a probability after SUCCESSES of N; against a second pair, which is larger.
#[derive(Debug, clap::Args)]
struct Proportion {
    /// Successes.
    successes: u64,
    /// Trials.
    n: u64,
    /// Successes in a second sample.
    #[arg(requires = "n_2")]
    successes_2: Option<u64>,
    /// Trials in a second sample.
    n_2: Option<u64>,
    /// Prior Beta(A, B); 1 1 is flat, 0.5 0.5 is Jeffreys'.
    #[arg(long, num_args = 2, value_names = ["A", "B"], default_values_t = [1.0, 1.0])]
    prior: Vec<f64>,
    /// Bayes factor against exactly this probability (one sample).
    #[arg(long, conflicts_with = "successes_2")]
    point: Option<f64>,
    /// Credible level.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Draws prior and posterior to an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// Belief about a rate after COUNT events in EXPOSURE; against a second pair, which is larger.
#[derive(Debug, clap::Args)]
struct Rate {
    /// Events.
    count: u64,
    /// Units of time or space observed.
    exposure: f64,
    /// Events in a second sample.
    #[arg(requires = "exposure_2")]
    count_2: Option<u64>,
    /// Exposure of a second sample.
    exposure_2: Option<f64>,
    /// Prior Gamma(SHAPE, RATE), the rate in units of exposure; 0.5 0 is Jeffreys'.
    #[arg(long, num_args = 2, value_names = ["SHAPE", "RATE"], default_values_t = [0.5, 0.0])]
    prior: Vec<f64>,
    /// Bayes factor against exactly this rate (one sample); needs a --prior with a rate above 0.
    #[arg(long, conflicts_with = "count_2")]
    point: Option<f64>,
    /// Credible level.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Draws prior and posterior to an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// Bayes factor of a t statistic, Cauchy prior on the standardised effect.
#[derive(Debug, clap::Args)]
struct T {
    /// The t statistic.
    #[arg(allow_negative_numbers = true)]
    t: f64,
    /// Size of the sample (of pairs, in a paired design).
    n: u64,
    /// Size of the second sample.
    n_2: Option<u64>,
    /// Scale of the prior.
    #[arg(long, default_value_t = std::f64::consts::FRAC_1_SQRT_2)]
    scale: f64,
}

#[derive(Serialize)]
struct Beliefs {
    #[serde(flatten)]
    one: Record,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability_first_is_larger: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bayes_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ln_bayes_factor: Option<f64>,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    match &args.of {
        None => theorem(args, printer),
        Some(Of::Proportion(args)) => proportion(args, printer),
        Some(Of::Rate(args)) => rate(args, printer),
        Some(Of::T(args)) => student(args, printer),
    }
}

fn proportion(args: &Proportion, printer: &mut Printer) -> Outcome {
    let Proportion { successes, n, successes_2, n_2, prior, point, level, plot } = args;
    let before = BetaBinomial::new(prior[0], prior[1])?;
    let named = |record: Record| record.with("prior_a", before.a).with("prior_b", before.b);
    let after = before.after(*successes, *n)?;
    let one = named(after.record(*n, *level)?);
    let mut drawn = vec![after.belief()];
    let (mut second, mut larger, mut ln_factor) = (None, None, None);
    if let (Some(x), Some(m)) = (successes_2, n_2) {
        let other = before.after(*x, *m)?;
        drawn.push(other.belief());
        larger = Some(after.beats(other));
        second = Some(named(other.record(*m, *level)?));
        let pair = ((*successes, *n), (*x, *m));
        ln_factor = Some(factor::ln_two_proportions(pair.0, pair.1, before)?);
    } else if let Some(p) = point {
        ln_factor = Some(factor::ln_binomial(*successes, *n, *p, before)?);
    }
    let report = Beliefs::new(one, second, larger, ln_factor);
    if let Some(path) = plot {
        let title = "Belief about the probability";
        let (b, after) = (before.belief(), both(&drawn, &report));
        let prior: Option<&dyn Distribution> = Some(&b);
        figures::save(&figures::beliefs(title, "probability", prior, &after), path)?;
    }
    printer.report(&report, beliefs)
}

fn rate(args: &Rate, printer: &mut Printer) -> Outcome {
    let Rate { count, exposure, count_2, exposure_2, prior, point, level, plot } = args;
    let before = GammaPoisson::new(prior[0], prior[1])?;
    let named =
        |record: Record| record.with("prior_shape", before.shape).with("prior_rate", before.rate);
    let after = before.after(*count, *exposure)?;
    let one = named(after.record(*count, *level)?);
    let mut drawn = vec![after.belief()?];
    let (mut second, mut larger, mut ln_factor) = (None, None, None);
    if let (Some(x), Some(t)) = (count_2, exposure_2) {
        let other = before.after(*x, *t)?;
        drawn.push(other.belief()?);
        larger = Some(after.beats(other));
        second = Some(named(other.record(*x, *level)?));
    } else if let Some(rate) = point {
        if before.rate == 0.0 {
            return Err(Failure::usage("--point needs a prior with a rate above 0")
                .hint("the Bayes factor depends on it: --prior SHAPE RATE"));
        }
        ln_factor = Some(factor::ln_poisson(*count, *exposure, *rate, before)?);
    }
    let report = Beliefs::new(one, second, larger, ln_factor);
    if let Some(path) = plot {
        let prior = before.belief().ok();
        let prior = prior.as_ref().map(|prior| prior as &dyn Distribution);
        let after = both(&drawn, &report);
        let title = "Belief about the rate";
        figures::save(&figures::beliefs(title, "rate", prior, &after), path)?;
    }
    printer.report(&report, beliefs)
}

fn student(args: &T, printer: &mut Printer) -> Outcome {
    let T { t, n, n_2, scale } = args;
    let (a, b) = (*n as f64, n_2.map(|m| m as f64));
    let (degrees, size) = match b {
        Some(b) => (a + b - 2.0, a * b / (a + b)),
        None => (a - 1.0, a),
    };
    let ln = factor::ln_student(*t, degrees, size, *scale)?;
    let record = Record::new("Bayes factor of a t statistic", n + n_2.unwrap_or(0))
        .with_statistic("t", *t)
        .with("bayes_factor", ln.exp())
        .with("ln_bayes_factor", ln)
        .with("scale_of_the_prior", *scale)
        .assuming("the standardised effect is Cauchy around zero under the alternative");
    printer.report(&record, show::record)
}

impl Beliefs {
    fn new(
        one: Record,
        second: Option<Record>,
        larger: Option<f64>,
        ln_factor: Option<f64>,
    ) -> Self {
        Self {
            one,
            second,
            probability_first_is_larger: larger,
            bayes_factor: ln_factor.map(f64::exp),
            ln_bayes_factor: ln_factor,
        }
    }
}

/// Each belief with its interval, for the figure.
fn both<'a, D: Distribution>(
    drawn: &'a [D],
    report: &'a Beliefs,
) -> Vec<(&'a dyn Distribution, &'a Interval)> {
    let records = std::iter::once(&report.one).chain(&report.second);
    drawn
        .iter()
        .zip(records)
        .filter_map(|(belief, record)| {
            Some((belief as &dyn Distribution, record.interval.as_ref()?))
        })
        .collect()
}

fn beliefs(report: &Beliefs) -> String {
    let mut text = show::record(&report.one);
    if let Some(second) = &report.second {
        let _ = write!(text, "\nthe second: {}", show::record(second));
    }
    if let Some(larger) = report.probability_first_is_larger {
        let _ = write!(text, "\nP(first > second) = {}\n", figure(larger));
    }
    if let Some(factor) = report.bayes_factor {
        let _ = write!(text, "\nBayes factor for a difference = {}\n", figure(factor));
    }
    text
}

fn theorem(args: &Args, printer: &mut Printer) -> Outcome {
    let mut names = Vec::new();
    let mut priors = Vec::new();
    for word in &args.priors {
        let (name, value) = named(word)?;
        if names.iter().any(|known| known == name) {
            return Err(Failure::usage(format_args!("the hypothesis `{name}` is given twice")));
        }
        names.push(name.to_owned());
        priors.push(number(value)?);
    }
    if names.len() < 2 {
        return Err(Failure::usage("give at least two hypotheses with --prior NAME=P").hint(
            "grimoire stats bayes --prior ill=0.01 --prior well=0.99 --evidence positive=0.8,0.1",
        ));
    }
    if args.odds {
        priors = from_odds(&priors)?;
    }
    let mut pieces = Vec::new();
    for word in &args.evidence {
        let (name, values) = named(word)?;
        let values = values.split(',').map(number).collect::<Outcome<Vec<_>>>()?;
        pieces.push(Piece::probabilities(name, &values)?);
    }
    for word in &args.ratios {
        let (name, value) = named(word)?;
        pieces.push(Piece::ratio(name, number(value)?)?);
    }
    for word in &args.counts {
        let (name, values) = named(word)?;
        let counts = values.split(',').map(hits).collect::<Outcome<Vec<_>>>()?;
        pieces.push(Piece::counts(name, &counts)?);
    }
    let derivation = update(&names, &priors, &pieces)?;
    printer.report(&derivation, render)
}

fn render(d: &Derivation) -> String {
    let mut text = String::from("P(H | E) = P(E | H) P(H) / sum of P(E | H') P(H')\n");
    let mut prior = Lines::default();
    for (name, p) in d.hypotheses.iter().zip(&d.prior) {
        prior.number(format!("  {name}"), *p);
    }
    let _ = write!(text, "\nprior\n{}", prior.text());
    for step in &d.steps {
        let mut lines = Lines::default();
        for (index, name) in d.hypotheses.iter().enumerate() {
            let (before, given) = (step.before[index], step.likelihoods[index]);
            lines.add(
                format!("  {name}"),
                format!(
                    "{} x {} = {}, over {} = {}",
                    figure(given),
                    figure(before),
                    figure(given * before),
                    figure(step.evidence_probability),
                    figure(step.after[index])
                ),
            );
        }
        let _ = write!(text, "\nafter {}\n{}", step.evidence, lines.text());
    }
    let mut last = Lines::default();
    for (index, name) in d.hypotheses.iter().enumerate() {
        let (p, odds) = (figure(d.posterior[index]), figure(d.odds[index]));
        last.add(format!("  {name}"), format!("{p} (odds {odds} to 1)"));
    }
    let _ = write!(text, "\nposterior\n{}", last.text());
    text
}

fn named(word: &str) -> Outcome<(&str, &str)> {
    word.split_once('=').ok_or_else(|| Failure::usage(format_args!("`{word}` is not NAME=VALUE")))
}

fn number(word: &str) -> Outcome<f64> {
    word.trim().parse().map_err(|_| Failure::usage(format_args!("`{word}` is not a number")))
}

fn hits(word: &str) -> Outcome<(u64, u64)> {
    word.split_once('/')
        .and_then(|(x, n)| Some((x.trim().parse().ok()?, n.trim().parse().ok()?)))
        .ok_or_else(|| Failure::usage(format_args!("`{word}` is not HITS/CASES")))
}
