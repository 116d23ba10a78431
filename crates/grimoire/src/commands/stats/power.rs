//! `grimoire stats power`: what a comparison can see before it is run.

use super::options::Side;
use super::show::Lines;
use crate::app::figures;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::ValueEnum;
use grimoire_stats::power::{Design, Plan};
use serde::Serialize;
use std::path::PathBuf;

/// Power, sample size or least detectable effect: give two of --n, --effect, --power (power is 0.8 when
/// only one is given).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What will be compared.
    #[arg(value_enum)]
    design: Name,
    /// Sample size (per group where there are two; pairs in paired designs).
    #[arg(long)]
    n: Option<u64>,
    /// Effect: a difference of means in the unit of the data, or of probabilities.
    #[arg(long, allow_negative_numbers = true)]
    effect: Option<f64>,
    /// Power wanted.
    #[arg(long)]
    power: Option<f64>,
    /// Standard deviation in the unit of the data (of the differences, when paired); at 1 the effect of means is
    /// Cohen's d.
    #[arg(long, default_value_t = 1.0)]
    sd: f64,
    /// Probability under the hypothesis, or of the first group.
    #[arg(long)]
    p: Option<f64>,
    /// Share of pairs whose two answers differ.
    #[arg(long)]
    discordant: Option<f64>,
    /// Probability of a false alarm.
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
    /// Sides of the test.
    #[arg(long, value_enum, default_value = "two-sided")]
    alternative: Side,
    /// Members of each cluster (with --correlation: design effect 1 + (m - 1) rho).
    #[arg(long, default_value_t = 1.0)]
    cluster_size: f64,
    /// Correlation of two members of one cluster.
    #[arg(long, default_value_t = 0.0)]
    correlation: f64,
    /// Draws power against sample size to an SVG file.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// One mean against a value.
    Mean,
    /// Two independent means.
    Means,
    /// Paired measurements.
    Paired,
    /// One proportion against --p.
    Proportion,
    /// Two independent proportions, the first --p.
    Proportions,
    /// Paired yes/no answers, a share --discordant of which differs.
    PairedProportions,
}

#[derive(Serialize)]
struct Report {
    design: String,
    n: u64,
    effect: f64,
    power: f64,
    alpha: f64,
    design_effect: f64,
    found: &'static str,
}

/// Runs the verb.
pub(crate) fn run(args: &Args, printer: &mut Printer) -> Outcome {
    let (plan, unit) = plan(args)?;
    let (n, effect, power, found) = solve(args, &plan, unit)?;
    if let Some(path) = &args.plot {
        let most = n.max(4) * 2;
        let points = (1..=100)
            .map(|i| (most as f64 * f64::from(i) / 100.0).max(2.0).round())
            .filter_map(|n| plan.power(n, effect / unit).ok().map(|power| (n, power)))
            .collect();
        figures::save(&figures::power_curve(points, args.power.unwrap_or(0.8), n as f64), path)?;
    }
    let name =
        args.design.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
    let report = Report {
        design: name,
        n,
        effect,
        power,
        alpha: args.alpha,
        design_effect: plan.design_effect,
        found,
    };
    printer.report(&report, |report| {
        let groups = if matches!(args.design, Name::Means | Name::Proportions) {
            "n (each group)"
        } else {
            "n"
        };
        let mut lines = Lines::default();
        lines.add(groups, report.n.to_string()).number("effect", report.effect);
        lines.number("power", report.power).number("alpha", report.alpha);
        if report.design_effect != 1.0 {
            lines.number("design effect", report.design_effect);
        }
        format!("{}: {} found from the others\n\n{}", report.design, report.found, lines.text())
    })
}

/// The plan, and the unit of its effects.
fn plan(args: &Args) -> Outcome<(Plan, f64)> {
    let need = |value: Option<f64>, name: &str| {
        value.ok_or_else(|| Failure::usage(format_args!("this design needs {name}")))
    };
    let design = match args.design {
        Name::Mean | Name::Paired => Design::OneMean,
        Name::Means => Design::TwoMeans,
        Name::Proportion => Design::OneProportion { null: need(args.p, "--p")? },
        Name::Proportions => Design::TwoProportions { first: need(args.p, "--p")? },
        Name::PairedProportions => {
            Design::PairedProportions { discordant: need(args.discordant, "--discordant")? }
        }
    };
    grimoire_stats::error::positive("the standard deviation", args.sd)?;
    let unit = match design {
        Design::OneMean | Design::TwoMeans => args.sd,
        _ => 1.0,
    };
    let plan = Plan {
        design,
        alpha: args.alpha,
        alternative: args.alternative.into(),
        design_effect: 1.0 + (args.cluster_size - 1.0) * args.correlation,
    };
    Ok((plan, unit))
}

/// Sample size, effect, power, and which of them was found from the others.
fn solve(args: &Args, plan: &Plan, unit: f64) -> Outcome<(u64, f64, f64, &'static str)> {
    Ok(match (args.n, args.effect, args.power) {
        (Some(n), Some(effect), None) => (n, effect, plan.power(n as f64, effect / unit)?, "power"),
        (None, Some(effect), power) => {
            let n = plan.sample_size(effect / unit, power.unwrap_or(0.8))?;
            (n, effect, plan.power(n as f64, effect / unit)?, "n")
        }
        (Some(n), None, power) => {
            let power = power.unwrap_or(0.8);
            (n, plan.least_detectable(n as f64, power)? * unit, power, "effect")
        }
        _ => {
            return Err(Failure::usage("give two of --n, --effect and --power")
                .hint("grimoire stats power means --effect 0.5 --power 0.8"));
        }
    })
}
