//! `grimoire stats game`.

use super::matrix;
use super::show::{Lines, digits, figure};
use crate::app::figures;
use crate::app::game::{self, AgentsReport, PairReport, Report};
use crate::app::numbers::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_stats::game::stability::Fate;
use std::fmt::Write;
use std::path::PathBuf;

/// A balance of power as a game: its equilibria, whether they hold, and where the flow goes.
///
/// Row i, column j of the payoffs is what behaviour i earns when it meets behaviour j. The program works
/// out what follows from the payoffs; it cannot say whether they are true of anything.
#[derive(clap::Args)]
pub(crate) struct Game {
    /// Payoffs: rows separated by semicolons, as "-1,2;0,1"; or a file with one row a line.
    #[arg(allow_hyphen_values = true)]
    payoffs: Option<String>,
    /// A known game instead of payoffs.
    #[arg(long, value_enum, conflicts_with = "payoffs")]
    preset: Option<game::Preset>,
    /// Names of the behaviours.
    #[arg(long, value_delimiter = ',')]
    names: Vec<String>,
    /// Payoffs of a second, different player (same shape): equilibria of the pair.
    #[arg(long, allow_hyphen_values = true)]
    against: Option<String>,
    /// n agents, two behaviours: what A earns when 0, 1, ... n-1 of the others play A.
    #[arg(long, allow_hyphen_values = true, requires = "agents_b")]
    agents_a: Option<String>,
    /// The same for B.
    #[arg(long, allow_hyphen_values = true, requires = "agents_a")]
    agents_b: Option<String>,
    /// Shares to start the flow from [default: nearly even].
    #[arg(long, value_delimiter = ',')]
    start: Option<Vec<f64>>,
    /// How long to follow it.
    #[arg(long, default_value_t = 100.0)]
    duration: f64,
    /// Draw the flow (two or three behaviours of one player) to this SVG file.
    #[arg(long, value_name = "FILE.svg", conflicts_with_all = ["against", "agents_a"])]
    plot: Option<PathBuf>,
}

/// Analyses, draws and prints.
pub(crate) fn run(arguments: &Game, printer: &mut Printer) -> Outcome {
    if let (Some(a), Some(b)) = (&arguments.agents_a, &arguments.agents_b) {
        let report =
            game::agents(Source::parse_one(a)?.collect()?, Source::parse_one(b)?.collect()?)?;
        return printer.report(&report, agents_text);
    }
    let (rows, preset_names) = match (&arguments.payoffs, arguments.preset) {
        (Some(text), _) => (matrix::parse(text)?, vec![]),
        (None, Some(preset)) => preset.payoffs(),
        (None, None) => {
            return Err(Failure::usage("give payoffs, --preset, or --agents-a and --agents-b"));
        }
    };
    if let Some(other) = &arguments.against {
        return printer.report(&game::pair(&rows, &matrix::parse(other)?)?, pair_text);
    }
    let given = if arguments.names.is_empty() { preset_names } else { arguments.names.clone() };
    let names = game::names(given, rows.len())?;
    let report = game::analyse(rows, names, arguments.start.clone(), arguments.duration)?;
    if let Some(path) = &arguments.plot {
        figures::write(path, &game::figure(&report)?)?;
    }
    printer.report(&report, text)
}

fn mix(names: &[String], shares: &[f64]) -> String {
    let parts = names.iter().zip(shares).filter(|(_, share)| **share > 5e-7);
    parts
        .map(|(name, share)| format!("{name} {}", digits(*share, 4)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(report: &Report) -> String {
    let mut out = format!(
        "{} behaviours, {} symmetric {}",
        report.names.len(),
        report.equilibria.len(),
        equilibria(report.equilibria.len())
    );
    out.push_str(if report.degenerate {
        " (degenerate: there may be a continuum of others)\n"
    } else {
        "\n"
    });
    for found in &report.equilibria {
        let fate = match found.stability.fate {
            Fate::Stable => "comes back after a small disturbance",
            Fate::Unstable => "does not come back after a small disturbance",
            Fate::Undecided => "neither comes back nor runs away, to first order",
        };
        let stable = if found.stability.evolutionarily_stable { "yes" } else { "no" };
        let values: Vec<String> =
            found.stability.eigenvalues.iter().map(|z| complex(z.re, z.im)).collect();
        let mut lines = Lines::default();
        lines.add("   everybody earns", figure(found.equilibrium.payoff));
        lines.add("   evolutionarily stable", stable);
        lines.add("   eigenvalues of the flow", values.join(", "));
        let _ = write!(
            out,
            "\n{}: {fate}\n{}",
            mix(&report.names, &found.equilibrium.mix),
            lines.text()
        );
    }
    let _ = write!(
        out,
        "\nfrom {}\nafter time {}: {}\n",
        mix(&report.names, &report.start),
        figure(report.duration),
        mix(&report.names, &report.end)
    );
    out.push_str("\nthis follows from the payoffs given; whether they are those of the world is another question\n");
    out
}

fn equilibria(count: usize) -> &'static str {
    if count == 1 { "equilibrium" } else { "equilibria" }
}

/// Four digits; a part that is rounding beside the other is zero.
fn complex(re: f64, im: f64) -> String {
    if im == 0.0 {
        return digits(re, 4);
    }
    let re = if re.abs() < 1e-14 * im.abs() { 0.0 } else { re };
    let sign = if im < 0.0 { '-' } else { '+' };
    format!("{}{sign}{}i", digits(re, 4), digits(im.abs(), 4))
}

fn pair_text(report: &PairReport) -> String {
    let count = report.equilibria.len();
    let mut out = format!("{count} {} of two players", equilibria(count));
    out.push_str(if report.degenerate {
        " (degenerate: there may be a continuum of others)\n\n"
    } else {
        "\n\n"
    });
    for pair in &report.equilibria {
        let list =
            |shares: &[f64]| shares.iter().map(|s| digits(*s, 4)).collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            out,
            "row {} earns {}; column {} earns {}",
            list(&pair.row),
            figure(pair.row_payoff),
            list(&pair.column),
            figure(pair.column_payoff)
        );
    }
    out
}

fn agents_text(report: &AgentsReport) -> String {
    let mut out = format!("{} agents, two behaviours\n\n", report.n);
    for rest in &report.rests {
        let kind = if rest.stable { "comes back" } else { "tips away" };
        let _ = writeln!(
            out,
            "share {} plays A: {kind}, rate {}, payoff {}",
            digits(rest.share, 6),
            digits(rest.rate, 4),
            digits(rest.payoff, 4)
        );
    }
    out
}
