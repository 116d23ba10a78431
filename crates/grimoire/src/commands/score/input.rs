//! What all text metrics of `grimoire score` share on the command line, and how their report reads.

use crate::app::digits::{Decimals, counted, ends, p_is, p_values};
use crate::app::method::Made;
use crate::app::score::{self, MeasureReport, NamedSystem, Report, Request};
use crate::app::texts::Source;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::significance::{Items, Method, Plan};
use grimoire_stats::Interval;
use grimoire_stats::multiple::Adjustment;
use std::path::PathBuf;

/// Most resamples or trials.
const MOST: usize = 10_000_000;

/// Files and resampling.
#[derive(Args)]
pub(crate) struct Input {
    /// The system output: text by line, .jsonl, .csv or .tsv, each also .gz; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    hyp: PathBuf,
    /// A file of references; repeat it for several. An empty line is a missing reference.
    #[arg(long = "ref", value_name = "FILE", required = true)]
    refs: Vec<PathBuf>,
    /// Further system outputs to test against the first.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    paired: Vec<PathBuf>,
    /// The field or column of the outputs.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The field or column of the references.
    #[arg(long, value_name = "NAME")]
    ref_field: Option<String>,
    #[command(flatten)]
    resampling: Resampling,
    /// Also repeat sacreBLEU's own resampling (its generator, seed 12345), with this many resamples.
    #[arg(long, value_name = "N", conflicts_with = "clusters", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    reproduce: Option<u32>,
    /// Also score every segment alone (BLEU then leaves out orders longer than the output).
    #[arg(long, conflicts_with = "clusters")]
    segments: bool,
}

/// How intervals and p-values are made.
#[derive(Args)]
pub(crate) struct Resampling {
    /// One label a segment (its document, say): segments of a label are resampled together.
    #[arg(long, value_name = "FILE")]
    clusters: Option<PathBuf>,
    /// Coverage of the intervals.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Bootstrap resamples.
    #[arg(long, default_value_t = 2000, value_name = "N")]
    resamples: usize,
    /// Trials of approximate randomisation.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    trials: usize,
    /// Seed of both.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How intervals are read from the resamples: percentile or bca.
    #[arg(long, default_value = "percentile", value_parser = ["percentile", "bca"])]
    interval: String,
    /// Correction of p-values for several systems: holm or bh.
    #[arg(long, default_value = "holm", value_parser = ["holm", "bh"])]
    correction: String,
}

impl Resampling {
    pub(crate) fn plan(&self) -> Outcome<Plan> {
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Failure::usage(format!("--level is {}, expected a share", self.level))
                .hint("for instance --level 0.95"));
        }
        for (option, n) in [("--resamples", self.resamples), ("--trials", self.trials)] {
            if !(1..=MOST).contains(&n) {
                let problem = format!("{option} is {n}, expected 1 to {MOST}");
                return Err(Failure::usage(problem).hint("thousands are enough"));
            }
        }
        Ok(Plan {
            resamples: self.resamples,
            trials: self.trials,
            level: self.level,
            seed: self.seed,
            method: if self.interval == "bca" { Method::Bca } else { Method::Percentile },
            correction: if self.correction == "bh" {
                Adjustment::BenjaminiHochberg
            } else {
                Adjustment::Holm
            },
        })
    }

    pub(crate) fn clusters(&self) -> Option<Source> {
        self.clusters.clone().map(|path| Source { path, field: None })
    }
}

impl Input {
    /// Scores the files with this metric and prints the report.
    pub(crate) fn run(self, metric: Metric, printer: &mut Printer) -> Outcome {
        let request = Request {
            metric,
            systems: std::iter::once(self.hyp)
                .chain(self.paired)
                .map(|path| Source { path, field: self.field.clone() })
                .collect(),
            references: self
                .refs
                .into_iter()
                .map(|path| Source { path, field: self.ref_field.clone() })
                .collect(),
            clusters: self.resampling.clusters(),
            plan: self.resampling.plan()?,
            reproduce: self.reproduce.map(|n| n as usize),
            segments: self.segments,
        };
        let report = score::run(&request)?;
        for warning in &report.warnings {
            printer.talk(&format!("warning: {warning}"));
        }
        printer.report(&report, render)
    }
}

fn render(report: &Report) -> String {
    let mut out = String::new();
    for measure in &report.scores {
        for system in &measure.systems {
            for (at, score) in system.segments.iter().flatten().enumerate() {
                let NamedSystem { name, .. } = system;
                out.push_str(&format!("{name}:{}  {}  {score:.2}\n", at + 1, measure.name));
            }
        }
    }
    for measure in &report.scores {
        out.push_str(&render_measure(measure));
    }
    out.push_str(&format!("{}\n", report.signature));
    for signature in &report.sacrebleu_signatures {
        out.push_str(&format!("sacreBLEU's own: {signature}\n"));
    }
    let unit = match report.run_length {
        Some(length) => format!("run of {length} segments"),
        None if report.units == report.n => "segment".to_owned(),
        None => "cluster".to_owned(),
    };
    out + &render_method(&report.scores, &report.resampling, report.units, &unit)
}

/// How intervals and p-values were made.
pub(crate) fn render_method(scores: &[MeasureReport], made: &Made, n: usize, unit: &str) -> String {
    let systems = scores.iter().flat_map(|measure| &measure.systems);
    let intervals = systems.filter_map(|system| system.report.interval.as_ref());
    let units = match unit.strip_prefix("run ") {
        Some(of) => format!("{n} runs {of}"),
        None => counted(n, unit),
    };
    let Some(intervals) = made.intervals(intervals, Some(&units)) else {
        let p = if made.compared > 0 { " and no p-value" } else { "" };
        return format!("one {unit}: no interval{p}\n");
    };
    let lines = std::iter::once(intervals).chain(made.p_values());
    lines.map(|line| line + "\n").collect()
}

/// One line a system.
pub(crate) fn render_measure(measure: &MeasureReport) -> String {
    let name = &measure.name;
    let compared = measure.systems.len().saturating_sub(1);
    let width = measure.systems.iter().map(|system| system.name.chars().count()).max().unwrap_or(0);
    let decimals = Decimals::of(&measure.systems);
    let bounds = |interval: &Option<Interval>, decimals: usize| {
        let text = |i: &Interval| format!(" [{}]", ends(i, decimals, ", "));
        interval.as_ref().map(text).unwrap_or_default()
    };
    let mut out = String::new();
    for NamedSystem { name: system, report, sacrebleu, .. } in &measure.systems {
        let system = if compared > 0 { format!("  {system:<width$}") } else { String::new() };
        let own = decimals.scores;
        out.push_str(&format!(
            "{name}{system}  {:.own$}{}",
            report.score,
            bounds(&report.interval, own)
        ));
        if let Some(versus) = &report.versus {
            let (difference, decimals) = (versus.difference, decimals.differences);
            let range = bounds(&versus.interval, decimals);
            out.push_str(&format!("  {difference:+.decimals$}{range}"));
            if let Some(p) = p_values(versus, compared) {
                out.push_str(&format!("  {p}"));
                out.push_str(&versus.items.as_ref().map(render_items).unwrap_or_default());
            }
        }
        if let Some(figures) = sacrebleu {
            let number = |key: &str| figures[key].as_f64();
            if let (Some(mean), Some(half)) = (number("mean"), number("half_width")) {
                out.push_str(&format!("  (μ = {mean:.2} ± {half:.2})"));
            }
            if let (Some(bs), Some(ar)) = (number("p_bootstrap"), number("p_randomisation")) {
                out.push_str(&format!("  p(bs) = {bs:.4}, p(ar) = {ar:.4}"));
            }
        }
        out.push('\n');
    }
    out
}

fn render_items(items: &Items) -> String {
    let Items { higher, lower, p_value, method } = items;
    format!("  ({higher} up, {lower} down: {} by {method})", p_is(*p_value))
}
