//! A game from payoffs to equilibria, stability and a picture of the flow.

use crate::failure::{Failure, Outcome};
use grimoire_plot::{Arrow, Axis, Field, Figure, Line, Points, simplex_point};
use grimoire_stats::game::Payoffs;
use grimoire_stats::game::agents::{Agents, Rest};
use grimoire_stats::game::equilibria::{Equilibrium, Pair, bimatrix, symmetric};
use grimoire_stats::game::flow::{replicator, velocity};
use grimoire_stats::game::stability::{Fate, Stability, stability};
use serde::Serialize;

/// Known games.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Preset {
    /// A prize of 2 that costs 4 to fight over.
    HawkDove,
    /// Cooperate or defect.
    PrisonersDilemma,
    /// Hunt together or alone.
    StagHunt,
    /// Three that beat each other in a circle.
    RockPaperScissors,
    /// Hawk, dove, and retaliator, who fights back only when attacked.
    Deterrence,
}

impl Preset {
    /// Payoffs and names.
    pub(crate) fn payoffs(self) -> (Vec<Vec<f64>>, Vec<String>) {
        let (rows, names): (&[&[f64]], &[&str]) = match self {
            Self::HawkDove => (&[&[-1.0, 2.0], &[0.0, 1.0]], &["hawk", "dove"]),
            Self::PrisonersDilemma => (&[&[3.0, 0.0], &[5.0, 1.0]], &["cooperate", "defect"]),
            Self::StagHunt => (&[&[4.0, 0.0], &[3.0, 3.0]], &["together", "alone"]),
            Self::RockPaperScissors => (
                &[&[0.0, -1.0, 1.0], &[1.0, 0.0, -1.0], &[-1.0, 1.0, 0.0]],
                &["rock", "paper", "scissors"],
            ),
            Self::Deterrence => (
                &[&[-1.0, 2.0, -1.0], &[0.0, 1.0, 0.9], &[-1.0, 1.1, 1.0]],
                &["hawk", "dove", "retaliator"],
            ),
        };
        (
            rows.iter().map(|row| row.to_vec()).collect(),
            names.iter().map(|n| (*n).to_owned()).collect(),
        )
    }
}

/// One equilibrium and whether it holds.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    #[serde(flatten)]
    pub(crate) equilibrium: Equilibrium,
    #[serde(flatten)]
    pub(crate) stability: Stability,
}

/// A symmetric game analysed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) names: Vec<String>,
    pub(crate) payoffs: Vec<Vec<f64>>,
    pub(crate) degenerate: bool,
    pub(crate) equilibria: Vec<Found>,
    pub(crate) start: Vec<f64>,
    pub(crate) duration: f64,
    pub(crate) end: Vec<f64>,
    /// Largest speed at the end: near zero when it came to rest.
    pub(crate) speed: f64,
}

/// A game of two different players.
#[derive(Debug, Serialize)]
pub(crate) struct PairReport {
    pub(crate) degenerate: bool,
    pub(crate) equilibria: Vec<Pair>,
}

/// n agents at once.
#[derive(Debug, Serialize)]
pub(crate) struct AgentsReport {
    pub(crate) n: usize,
    pub(crate) rests: Vec<Rest>,
}

/// Names for `n` behaviours: those given, or A, B, C ….
pub(crate) fn names(given: Vec<String>, n: usize) -> Outcome<Vec<String>> {
    if given.is_empty() {
        return Ok((0..n).map(|i| char::from(b'A' + (i % 26) as u8).to_string()).collect());
    }
    if given.len() == n {
        return Ok(given);
    }
    Err(Failure::usage(format_args!("{} names for {n} behaviours", given.len())))
}

/// Equilibria, their stability, and one run of the flow.
pub(crate) fn analyse(
    rows: Vec<Vec<f64>>,
    names: Vec<String>,
    start: Option<Vec<f64>>,
    duration: f64,
) -> Outcome<Report> {
    let game = Payoffs::new(rows)?;
    let found = symmetric(&game);
    let equilibria = found
        .equilibria
        .into_iter()
        .map(|equilibrium| {
            let stability = stability(&game, &equilibrium)?;
            Ok(Found { equilibrium, stability })
        })
        .collect::<Outcome<Vec<_>>>()?;
    let n = game.n();
    // Not quite even, so that a start on an unstable balance does not sit there.
    let tilted = || {
        let raw: Vec<f64> = (0..n).map(|i| 1.0 + 0.02 * (n - i) as f64).collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|x| x / sum).collect()
    };
    let start = start.unwrap_or_else(tilted);
    let run = replicator(&game, &start, duration, 1e-9)?;
    Ok(Report {
        names,
        payoffs: game.rows().to_vec(),
        degenerate: found.degenerate,
        equilibria,
        duration,
        end: run.mixes.last().cloned().unwrap_or_default(),
        speed: run.speed,
        start,
    })
}

/// Equilibria of two different players.
pub(crate) fn pair(a: &[Vec<f64>], b: &[Vec<f64>]) -> Outcome<PairReport> {
    let found = bimatrix(a, b)?;
    Ok(PairReport { degenerate: found.degenerate, equilibria: found.equilibria })
}

/// Rest points of n agents.
pub(crate) fn agents(a: Vec<f64>, b: Vec<f64>) -> Outcome<AgentsReport> {
    let game = Agents::new(a, b)?;
    Ok(AgentsReport { n: game.n(), rests: game.rests() })
}

/// The flow: a curve of speed for two behaviours, arrows on the triangle for three.
pub(crate) fn figure(report: &Report) -> Outcome<String> {
    let game = Payoffs::new(report.payoffs.clone())?;
    match game.n() {
        2 => two(report, &game),
        3 => three(report, &game),
        n => Err(Failure::usage(format_args!("--plot draws two or three behaviours, not {n}"))),
    }
}

fn rests(report: &Report, place: impl Fn(&[f64]) -> (f64, f64)) -> Vec<Points> {
    let kinds = [
        (Fate::Stable, "comes back"),
        (Fate::Undecided, "undecided"),
        (Fate::Unstable, "does not"),
    ];
    kinds
        .into_iter()
        .filter_map(|(fate, name)| {
            let points: Vec<(f64, f64)> = report
                .equilibria
                .iter()
                .filter(|found| found.stability.fate == fate)
                .map(|found| place(&found.equilibrium.mix))
                .collect();
            (!points.is_empty()).then(|| Points::new(name, points).radius(6.0))
        })
        .collect()
}

fn two(report: &Report, game: &Payoffs) -> Outcome<String> {
    let curve: Vec<(f64, f64)> = (0..=200)
        .map(|i| f64::from(i) / 200.0)
        .map(|x| (x, velocity(game, &[x, 1.0 - x])[0]))
        .collect();
    Ok(Figure::new(format!("Where the share of {} goes", report.names[0]))
        .subtitle("above zero it grows, below it shrinks")
        .x(Axis::linear(format!("share of {}", report.names[0])).from(0.0).to(1.0))
        .y(Axis::linear("its rate of change").zero())
        .add(Line::new("rate", curve))
        .add_all(rests(report, |mix| (mix[0], 0.0)))
        .svg()?)
}

fn three(report: &Report, game: &Payoffs) -> Outcome<String> {
    const STEPS: u32 = 16;
    let mut arrows = Vec::new();
    for i in 1..STEPS {
        for j in 1..STEPS - i {
            let k = STEPS - i - j;
            let mix = [i, j, k].map(|part| f64::from(part) / f64::from(STEPS));
            let speed = velocity(game, &mix);
            let (x, y) = simplex_point(mix);
            let (to_x, to_y) = simplex_point([0, 1, 2].map(|a| mix[a] + 1e-3 * speed[a]));
            arrows.push(Arrow { at: (x, y), by: ((to_x - x) / 1e-3, (to_y - y) / 1e-3) });
        }
    }
    let mut figure = Figure::new("Where mixtures go")
        .simplex([report.names[0].clone(), report.names[1].clone(), report.names[2].clone()])
        .add(Field::new("flow", arrows));
    let run = replicator(game, &report.start, report.duration, 1e-8)?;
    let line: Vec<(f64, f64)> =
        run.mixes.iter().map(|mix| simplex_point([mix[0], mix[1], mix[2]])).collect();
    let from = line[0];
    figure = if line.iter().any(|to| (to.0 - from.0).hypot(to.1 - from.1) > 0.03) {
        figure.add(Line::new("one run", line).arrows())
    } else {
        figure.footnote("the run from the start stays beside it and is not drawn")
    };
    Ok(figure.add_all(rests(report, |mix| simplex_point([mix[0], mix[1], mix[2]]))).svg()?)
}
